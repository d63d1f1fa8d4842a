/**
 * States from outside: from a genesis, and from the records of a store. Also the room's one place to import what a state is
 * and how it is read.
 */
import { CountersignError } from '../crypto/errors.ts'
import { hashOf } from '../crypto/hash.ts'
import { jcs } from '../crypto/jcs.ts'
import { emptyMerkleMap } from '../crypto/merkle-map.ts'
import * as shape from '../crypto/shape.ts'
import { emptyTrie } from '../crypto/trie.ts'
import type { RuleResult } from '../ledger/block.ts'
import { type Card, cardHash, epochRecordShape } from '../ledger/epoch.ts'
import { contractId, firstEpoch, GENESIS_ROOT, type Genesis } from '../ledger/genesis.ts'
import { commitmentsOf, type Operation } from '../ledger/request.ts'
import type { Opening } from '../ledger/value.ts'
import { netChanges, runOperations, runUnopened } from './apply.ts'
import { type ContractState, DEPTH_MAX } from './elements.ts'
import type { EpochState } from './epoch.ts'
import type { OpeningSource } from './outcome.ts'
import {
  checkElementRecord,
  checkRootRecord,
  type ElementChange,
  type ElementRecord,
  type EpochRecord,
  epochUidOf,
  ROOT_RECORD,
  recordHash,
  rootUidOf,
  type StateRecord,
  settlementUidOf,
  workflowUidOf,
} from './record.ts'
import { emptyGovernance, governanceOf } from './rules/governance.ts'
import { checkRuleStateRecord, isRuleStateRecord, type RuleStateRecord } from './rules/records.ts'
import { type Sibling, Siblings } from './siblings.ts'

export {
  type ContractState,
  childCount,
  childrenOf,
  DEPTH_MAX,
  element,
  elementCount,
  seenOf,
  stateRoot,
  subtreeHash,
  subtreeUids,
} from './elements.ts'
export type { OpeningSource } from './outcome.ts'
export {
  type ElementChange,
  type ElementRecord,
  type EpochRecord,
  epochUidOf,
  recordHash,
  rootUidOf,
  type StateRecord,
} from './record.ts'

const leafHashOf = (_uid: string, record: StateRecord): string => recordHash(record)

/** The state of height 0 (GEN-2), every record of it as a change, and the openings of what its rules derived. */
export type GenesisState = { state: ContractState; changes: ElementChange[]; openings: Opening[] }

/**
 * The state that a genesis makes: its operations applied to the empty root block, which they name as GENESIS_ROOT. It has been
 * checked (`checkGenesis`).
 * @param mayLack openings may be missing: its first members have checked them
 * @throws CountersignError `bad-format` naming the operation that is not accepted; `invariant-broken` if an opening is
 * missing that may not
 */
export function genesisState(
  contract: string,
  genesis: Genesis,
  openings: OpeningSource,
  mayLack = false,
): GenesisState {
  const { results, ...made } = runGenesis(contract, genesis, openings, mayLack)
  if (jcs(results) !== jcs(genesis.results ?? []))
    throw new CountersignError('bad-format', 'genesis.results: its rules come to something else')
  return made
}

/**
 * What the rules of a genesis come to, which then stands in it (GEN-1).
 * @param genesis without results
 * @throws CountersignError as `genesisState`
 */
export function genesisResults(genesis: Genesis, openings: OpeningSource): RuleResult[] {
  return runGenesis(contractId(genesis), genesis, openings, false).results
}

function runGenesis(
  contract: string,
  genesis: Genesis,
  openings: OpeningSource,
  mayLack: boolean,
): GenesisState & { results: RuleResult[] } {
  const rootUid = rootUidOf(contract)
  const epochUid = epochUidOf(contract)
  const epoch = firstEpoch(genesis)
  const blank: ContractState = {
    contract,
    rootUid,
    epochUid,
    workflowUid: workflowUidOf(contract),
    settlementUid: settlementUidOf(contract),
    governance: emptyGovernance(),
    map: emptyMerkleMap(leafHashOf),
    children: emptyTrie(),
    privateCount: 0,
    epoch,
    cards: { genesis: cardsOf(genesis), newer: new Map() },
  }
  const empty: ContractState = {
    ...blank,
    map: blank.map.set(rootUid, ROOT_RECORD).set(epochUid, epoch),
    children: blank.children.set(rootUid, new Siblings(0)),
  }
  const operations = genesis.operations.map((operation) => rooted(operation, rootUid))
  const { creator: author, timeMs, nonce } = genesis
  const id = hashOf('genesis-rules', nonce)
  const context = { id, author, height: 0, timeMs, isGenesis: true } as const
  const results = withRoot(genesis.results ?? [], GENESIS_ROOT, rootUid)
  const isUnopened = mayLack && commitmentsOf(operations).some((one) => openings.get(one) === undefined)
  const result = isUnopened
    ? runUnopened(empty, operations, context, results)
    : runOperations(empty, operations, openings, context)
  if (result.code !== undefined) {
    const { code, position, rule } = result
    throw new CountersignError(
      'bad-format',
      `genesis.operations[${position}]: is not accepted (${code}); make the genesis anew without it`,
      { code, position, ...(rule !== undefined && { rule }) },
    )
  }
  const touched = result.touched.add(rootUid).add(epochUid)
  return {
    state: result.state,
    changes: netChanges(blank, result.state, touched),
    openings: result.openings,
    results: withRoot(result.results, rootUid, GENESIS_ROOT),
  }
}

/** The root's UID comes of the genesis: results that stand in it name it as its operations do. */
function withRoot(results: readonly RuleResult[], from: string, to: string): RuleResult[] {
  return results.map(([rule, element, result]) => [rule, element === from ? to : element, result])
}

/** An operation of a genesis, which can't know the UID of the root. */
function rooted(operation: Operation, rootUid: string): Operation {
  if (operation.op === 'create' && operation.parent === GENESIS_ROOT) return { ...operation, parent: rootUid }
  if (operation.op !== 'draft') return operation
  const { action } = operation
  if (action.do === 'add' && action.rule.at === GENESIS_ROOT)
    return { ...operation, action: { do: 'add', rule: { ...action.rule, at: rootUid } } }
  if (action.do === 'template' && action.on === GENESIS_ROOT)
    return { ...operation, action: { ...action, on: rootUid } }
  return operation
}

const byHash = (cards: readonly Card[]) => new Map(cards.map((card) => [cardHash(card), card]))

const cardsOf = ({ members }: Pick<Genesis, 'members'>) => byHash(members.map(({ card }) => card))

/**
 * Who was in by an epoch record as a store keeps it.
 * @throws CountersignError `bad-format`
 */
export function epochStateOf(
  contract: string,
  record: StateRecord,
  genesis: Pick<Genesis, 'members'>,
): EpochState {
  const epoch = epochRecordShape(record, 'epoch')
  return { contract, epoch, cards: { genesis: cardsOf(genesis), newer: byHash(epoch.newer ?? []) } }
}

/**
 * The state that consists of these records, as a store keeps them. Whether it is the state that was signed, its root says.
 * @param genesis of the contract; without it the state is complete but for the members' cards
 * @throws CountersignError `invariant-broken` naming the element whose record is malformed, stands there twice, has no
 * parent, or is not below the root; or the root or epoch record if it is missing
 */
export function restoreState(
  contract: string,
  records: Iterable<readonly [uid: string, record: StateRecord]>,
  genesis: Pick<Genesis, 'members'> = { members: [] },
): ContractState {
  const rootUid = rootUidOf(contract)
  const epochUid = epochUidOf(contract)
  let map = emptyMerkleMap(leafHashOf)
  let epoch: EpochRecord | undefined
  const elements = new Map<string, ElementRecord>()
  const surrounding = new Map<string, RuleStateRecord>()
  for (const [uid, record] of records) {
    if (uid === epochUid) {
      if (epoch !== undefined) throw broken(uid, 'stands there twice')
      epoch = checked(uid, () => epochRecordShape(record, 'epoch'))
    } else if (isRuleStateRecord(record)) {
      if (surrounding.has(uid)) throw broken(uid, 'stands there twice')
      surrounding.set(
        uid,
        checked(uid, () => checkRuleStateRecord(record, 'record')),
      )
    } else {
      if (elements.has(uid)) throw broken(uid, 'stands there twice')
      elements.set(
        uid,
        checked(uid, () => checkRecord(uid, rootUid, record)),
      )
    }
    map = map.set(uid, record)
  }
  if (epoch === undefined) throw broken(epochUid, 'is missing: it is the epoch record')
  if (!elements.has(rootUid)) throw broken(rootUid, 'is missing: it is the root block')
  const children = childrenByParent(rootUid, elements)
  const cards = { genesis: cardsOf(genesis), newer: byHash(epoch.newer ?? []) }
  const governance = checked(rootUid, () => governanceOf(surrounding))
  const [workflowUid, settlementUid] = [workflowUidOf(contract), settlementUidOf(contract)]
  const privateCount = [...elements.values()].filter(({ readers }) => readers !== undefined).length
  const made = { contract, rootUid, epochUid, workflowUid, settlementUid, governance }
  return { ...made, map, children, privateCount, epoch, cards }
}

function checkRecord(uid: string, rootUid: string, record: StateRecord): ElementRecord {
  shape.uid(uid, 'uid')
  return uid === rootUid ? checkRootRecord(record, 'record') : checkElementRecord(record, 'record')
}

function childrenByParent(
  rootUid: string,
  elements: ReadonlyMap<string, ElementRecord>,
): ContractState['children'] {
  const below = new Map<string, Sibling[]>()
  for (const [uid, { parent, name, order }] of elements) {
    if (uid === rootUid) continue
    const parentRecord = elements.get(parent)
    if (parentRecord === undefined) throw broken(uid, `lies below ${parent}, which does not exist`)
    if (parentRecord.kind === 'field') throw broken(uid, `lies below ${parent}, which is a field`)
    const siblings = below.get(parent)
    if (siblings === undefined) below.set(parent, [{ uid, name, order }])
    else siblings.push({ uid, name, order })
  }
  let children: ContractState['children'] = emptyTrie()
  let level = [rootUid]
  let reached = 0
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEPTH_MAX) throw broken(level[0] as string, `lies more than ${DEPTH_MAX} levels deep`)
    reached += level.length
    const next: string[] = []
    for (const uid of level) {
      const siblings = below.get(uid) ?? []
      for (const sibling of siblings) next.push(sibling.uid)
      below.delete(uid)
      if (elements.get(uid)?.kind !== 'field') children = children.set(uid, new Siblings(depth, siblings))
    }
    level = next
  }
  // Whatever has a parent and was not reached from the root hangs on a circle.
  if (reached < elements.size)
    throw broken([...below.keys()][0] as string, 'does not lie below the root: its parents form a circle')
  return children
}

function checked<T>(uid: string, check: () => T): T {
  try {
    return check()
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error
    throw broken(uid, `has a malformed record: ${error.message}`)
  }
}

function broken(uid: string, what: string): CountersignError {
  return new CountersignError(
    'invariant-broken',
    `The element ${JSON.stringify(uid.slice(0, 64))} of the stored contract ${what}.`,
  )
}
