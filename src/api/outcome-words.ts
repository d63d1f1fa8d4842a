/** Why a request came to nothing, in words, with what to do next: what docs/outcomes.md says of the codes, shortened. */
import type { EpochOutcomeCode } from '../contract/epoch-outcome.ts'
import type { OUTCOME_CODES } from '../contract/outcome.ts'
import { RULE_CODES, type RuleCode } from '../contract/rules/codes.ts'

/** Of operations on elements. */
const ELEMENT_WORDS: { [Code in keyof typeof OUTCOME_CODES]: string } = {
  'element-gone': 'the element is not there, or not any more: read the block above again',
  'not-a-block': 'nothing lies below a field: name a block or list as the parent',
  'not-a-field': 'only fields have values: set a field below it',
  'parent-gone': 'the block above is not there, or not any more: read what is there now',
  'root-undeletable': 'a contract has its root for ever: delete what lies below it',
  'stale-version': 'another request came first: read the current value and decide again',
  'too-deep': 'elements lie at most 64 levels deep: place it higher',
  'uid-in-use': 'this UID is in use: draw a new random one',
  'wrong-type': 'the value has not the strict form of the type: send another value, or another type',
}

/** Of operations on who is in a contract, and its policy. */
const WORDS: { [Code in EpochOutcomeCode]: string } = {
  'already-in': 'the party is in, or is invited already: wait for its turn, or vote on the open invitation',
  'bad-expiry': 'it would lapse at once, or in more than 180 days: choose another expiry',
  'card-forked':
    'the card does not follow from the one in force: ask the party for the one its root key signed next',
  'card-outdated': 'the card is not later than the one in force, or than the party’s open one',
  'change-decided': 'the change has every yes it takes: wait for its turn',
  'change-gone': 'the change was refused, brought, taken back or has lapsed: read the open changes',
  'epoch-full': '256 parties have this role or are invited to it: wait until somebody leaves',
  'evidence-fails': 'the evidence does not hold by any key of the party',
  'key-in-use': 'a key in the card is another party’s: have it make a card with keys of its own',
  'last-member': 'nobody would stay in the contract: invite somebody first',
  leaving: 'this party is leaving, or being removed: it is out after the next turn',
  'may-not-invite': 'the policy lets others invite: ask one of them',
  'not-in': 'the party is neither member nor observer, or is leaving',
  'not-invited': 'this is not an invitation of this party',
  'other-history': 'the ledger never had this checkpoint: somebody may have shown this party another one',
  'policy-open': 'another policy is open: vote on it, or wait until it lapses',
  'too-many-changes':
    'four changes of this party are open: wait for the votes, or take one back by voting no',
}

/** Of what rules, votes and locks stand against. */
export const RULE_WORDS: { [Code in RuleCode]: string } = {
  'access-denied': 'a rule lets only others do this here: ask one of them, or have the rule changed',
  'already-drafted': 'this UID is in use: draft again with a new one',
  'bad-rule':
    'the rule does not work here, or goes round in a circle with others: correct it and draft again',
  'constraint-broken': 'a rule would not hold: correct the values that it reads',
  'derived-field': 'the field is computed by a rule: set what it is computed from',
  gone: 'it is not open any more: read what is and decide again',
  'judgement-outdated':
    'what those who can see private values judged does not hold of the values that stand there now: make the request again',
  'judges-disagree':
    'those who can see the private values that a rule reads say different things of them: settle with them which is right',
  'limits-broken': 'the value is not within the limits: send another',
  locked: 'another party holds a lock on it: wait until it is released or runs out',
  'lock-lost':
    'the lock has run out, or somebody else has taken it over: take a new one, and read again what it was for',
  'needs-approval':
    'others have to agree to the value: create the field empty, then set it, which proposes the value',
  'no-judge':
    'no member can see all the private values that a rule reads: have the rule, or who may see them, changed',
  'not-active': 'the block is switched off by a rule: set what switches it on first',
  'not-agreed': 'a member’s yes to the draft is missing: wait for it',
  'not-asked': 'this party’s answer is not asked for',
  'not-holder': 'only its holder passes it on: ask the holder',
  'not-owner': 'only its owner adds and removes here: ask the owner',
  'not-unique': 'another item has this value already: choose another',
  'not-yours': 'another party made it: ask that party to take it back',
  'over-budget': 'a rule takes more steps than a request may: make it in parts, or simplify the rule',
  pending: 'something is still open: agree on it, take it back or release it first',
  'proposal-open': 'another party’s proposal is open on the field: vote on it, or have it taken back',
  'required-missing': 'something that a rule requires would be missing: give it in the same request',
  'rule-refers': 'a rule goes by this name or place: repeal the rule first',
  'stale-place': 'it was moved, renamed or changed meanwhile: read it again and decide again',
  'too-many': 'the contract holds as many of these as it may: close some first',
  'trigger-loop': 'triggers set one another off without end: have one of them changed',
  'type-fixed': 'rules rely on what is there being of this kind: repeal them first',
  'would-reveal':
    'the computed field would show private values to others than may see them: narrow who may see the field',
  'wrong-phase': 'the contract is in another phase, or has no such: read the phase and decide again',
  'wrong-readers':
    'who may see the value has changed, or is not what the request says: make the request again',
}

export function isRuleCode(code: string): code is RuleCode {
  return Object.hasOwn(RULE_CODES, code)
}

/** Undefined for an outcome that this version does not know. */
export function outcomeWords(code: string | undefined): string | undefined {
  if (code === undefined) return undefined
  if (isRuleCode(code)) return RULE_WORDS[code]
  const words: Record<string, string> = { ...WORDS, ...ELEMENT_WORDS }
  return Object.hasOwn(words, code) ? words[code] : undefined
}

/** A code with its words beside it, as lists show it; nothing for what was accepted. */
export function codeWithWords(code: string | undefined): { code?: string; words?: string } {
  const words = outcomeWords(code)
  return { ...(code !== undefined && { code }), ...(words !== undefined && { words }) }
}
