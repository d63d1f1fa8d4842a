/**
 * Genesis: what a contract is made of before its first request (PROTOCOL GEN-1). Its hash is the contract's id, so members,
 * policy and first document are pinned by the id itself.
 */

import { CountersignError } from '../crypto/errors.ts'
import { hashOf } from '../crypto/hash.ts'
import { jcs, jcsBytes } from '../crypto/jcs.ts'
import * as shape from '../crypto/shape.ts'
import { cardHash, checkProvenCard, labelShape, type ProvenCard, partyOf } from '../identity/card.ts'
import { type RuleResult, ruleResultsShape } from './block.ts'
import { type Epoch, MEMBERS_MAX, type Policy, policyShape } from './epoch.ts'
import { OPERATIONS_MAX, type Operation, operationShape, REQUEST_MAX_BYTES } from './request.ts'

export { type Epoch, epochShape, MEMBERS_MAX, type Policy, quorumOf } from './epoch.ts'

export type Genesis = {
  version: 1
  name: string
  /** Party id. */
  creator: string
  nonce: string
  timeMs: number
  /** In the order they lead. */
  members: ProvenCard[]
  policy: Policy
  executionVersion: 1
  operations: Operation[]
  /** What its rules come to (RUL-7). */
  results?: RuleResult[]
}

/** Of the genesis in JCS; its openings are bounded as those of a request. */
export const GENESIS_MAX_BYTES = REQUEST_MAX_BYTES

/** Parent of top-level elements in a genesis: the root's UID comes of the contract id, which comes of the genesis. */
export const GENESIS_ROOT = '0'.repeat(32)

const genesisShape = shape.object(
  {
    version: shape.literal(1),
    name: labelShape,
    creator: shape.hash,
    nonce: shape.base64url(16),
    timeMs: shape.timeMs,
    members: shape.array(checkProvenCard as shape.Check<ProvenCard>, MEMBERS_MAX, 1),
    policy: policyShape,
    executionVersion: shape.literal(1),
    operations: shape.array(operationShape, OPERATIONS_MAX),
  },
  { results: ruleResultsShape },
)

/**
 * Checks a genesis from outside: every member's card is proven by the cards before it, and no key stands in it for two
 * members, whose signatures would then be one another's.
 * @throws CountersignError `bad-format`, `bad-json`, `bad-card`, `too-large`
 */
export function checkGenesis(value: unknown): Genesis {
  if (jcsBytes(value).length > GENESIS_MAX_BYTES)
    throw new CountersignError('too-large', `a genesis is at most ${GENESIS_MAX_BYTES} bytes`)
  const genesis = genesisShape(value, 'genesis') as Genesis
  const parties = genesis.members.map(({ card }) => partyOf(card))
  if (new Set(parties).size !== parties.length)
    throw new CountersignError('bad-format', 'genesis.members: a party stands there twice')
  const keys = genesis.members.flatMap(({ card }) => Object.values(card.keys))
  if (new Set(keys).size !== keys.length)
    throw new CountersignError('bad-card', 'genesis.members: a key stands in the cards of two members')
  if (!parties.includes(genesis.creator))
    throw new CountersignError('bad-format', 'genesis.creator: is not among the members')
  if (!genesis.operations.every(mayStandInGenesis))
    throw new CountersignError(
      'bad-format',
      'genesis.operations: only create of what everybody sees, define, phase, and drafts that add, switch, or name a template',
    )
  return genesis
}

/** What a contract begins with: elements, types, rules, rule sets switched off, its first phase, what it was made from. */
function mayStandInGenesis(operation: Operation): boolean {
  if (operation.op === 'draft') return ['add', 'switch', 'template'].includes(operation.action.do)
  // Nobody has judged anything yet: what is private begins empty.
  if (operation.op === 'create') return operation.readers === undefined
  return operation.op === 'define' || operation.op === 'phase'
}

export function contractId(genesis: Genesis): string {
  return hashOf('contract', jcs(genesis))
}

/** The first epoch (number 0) of a genesis. */
export function firstEpoch(genesis: Genesis): Epoch {
  return {
    epoch: 0,
    members: genesis.members.map(({ card }) => partyOf(card)),
    cards: genesis.members.map(({ card }) => cardHash(card)),
    policy: genesis.policy,
    executionVersion: genesis.executionVersion,
  }
}
