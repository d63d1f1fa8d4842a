/** Why a change of members or policy came to nothing, in words: what docs/outcomes.md says of the codes, shortened. */
import type { EpochOutcomeCode } from '../contract/epoch-outcome.ts'

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

/** Undefined for the codes of requests on elements. */
export function outcomeWords(code: string | undefined): string | undefined {
  return code !== undefined && Object.hasOwn(WORDS, code) ? WORDS[code as EpochOutcomeCode] : undefined
}
