/**
 * A contract's ledger out of the store as a bundle (PROTOCOL BUN-1), line by line: no more than a few blocks are held at a
 * time, and what the store commits in the meantime makes no difference.
 */
import { type EpochRecord, epochUidOf } from '../contract/record.ts'
import { CountersignError } from '../crypto/errors.ts'
import type { Entry } from '../ledger/block.ts'
import type { Cosignature } from '../ledger/checkpoint.ts'
import { freezeId } from '../ledger/freeze.ts'
import { firstEpoch, type Genesis } from '../ledger/genesis.ts'
import { revealedIn } from '../ledger/judgement.ts'
import { type AnyOperation, commitmentsOf } from '../ledger/request.ts'
import { entriesOf, requestIdsOf } from '../ledger/turn.ts'
import { commitmentOf, type Opening } from '../ledger/value.ts'
import type { Store, StoredBlock, StoredLineage } from '../store/store.ts'
import { type BlockLine, formatLine } from '../verify/bundle.ts'
import { RuleBroken } from '../verify/finding.ts'
import { basisLines } from './basis-lines.ts'

/**
 * tentative: up to the committed tip. By default it ends where the last of the members' cosignatures does: nothing before
 * that can be left out, since a cosignature can be checked only against the whole ledger that it is on. private: with the values
 * held here that not everybody may see; whoever gets the file then sees them.
 */
export type ExportOptions = { tentative?: boolean; private?: boolean }

/** Ledger blocks read at a time. */
export const CHUNK_BLOCKS = 32

/**
 * The lines of a contract's bundle, each ending in a newline. Everything before the first line is checked at once, the rest
 * as it is read.
 * @param exporter party id of who exports it
 * @throws CountersignError `unknown-contract`; `unavailable` while nothing is final, or while this node lags behind what a
 * member cosigned; `invariant-broken` or `storage-failed` where what is stored is incomplete or damaged
 */
export function* exportBundle(
  store: Store,
  contract: string,
  exporter: string,
  { tentative = false, private: withPrivate = false }: ExportOptions = {},
): Generator<string, void, void> {
  const { genesis, height, cosignatures } = openLedger(store, contract)
  const missing = membersNow(store, contract, genesis).filter((party) => !cosignatures.has(party))
  if (missing.length > 0)
    throw new CountersignError(
      'unavailable',
      `nothing in contract ${contract} is final before each member has accepted it; waiting for ${missing.join(', ')}`,
    )
  const size = Math.max(...[...cosignatures.values()].map((cosignature) => cosignature.size))
  if (size > height + 1)
    throw new CountersignError(
      'unavailable',
      `a member has cosigned ${size} ledger blocks of contract ${contract}, and this node holds ${height + 1}; export it when it has caught up`,
    )
  yield* bundleLines(
    store,
    { contract, genesis, height, cosignatures },
    exporter,
    tentative ? height : size - 1,
    withPrivate,
  )
}

/** A contract as it stands in the store. height: of the committed tip; cosignatures by party, in the order of the members. */
export type OpenLedger = {
  contract: string
  genesis: Genesis
  height: number
  cosignatures: ReadonlyMap<string, Cosignature>
}

/** @throws CountersignError `unknown-contract`, `storage-failed` */
export function openLedger(store: Store, contract: string): OpenLedger {
  const stored = store.contract(contract)
  if (stored === undefined)
    throw new CountersignError('unknown-contract', `this node holds no contract ${contract}`)
  const { height, cosignatures: held } = store.load(contract)
  const { genesis } = stored
  const cosignatures = new Map<string, Cosignature>()
  for (const party of membersNow(store, contract, genesis)) {
    const cosignature = held.find((one) => one.party === party)
    if (cosignature !== undefined) cosignatures.set(party, cosignature)
  }
  for (const cosignature of held) if (cosignature.epoch > 0) cosignatures.set(cosignature.party, cosignature)
  return { contract, genesis, height, cosignatures }
}

/**
 * With whom the contract's lineage began, or the ledger here: who had left before has not cosigned in it, and never will.
 */
function membersNow(store: Store, contract: string, genesis: Genesis): string[] {
  const lineage = store.lineages(contract).at(-1)
  if (lineage !== undefined) return lineage.genesis.members
  const basis = store.basis(contract)
  const versions = basis === undefined ? [] : store.elementHistory(contract, epochUidOf(contract))
  const record = versions.findLast(({ height }) => height === basis?.height)?.record
  return ((record as EpochRecord | undefined) ?? firstEpoch(genesis)).members
}

/**
 * The lines of a bundle up to a height, whatever of it is final.
 * @param withPrivate see `ExportOptions`
 * @throws CountersignError as `exportBundle`
 */
export function* bundleLines(
  store: Store,
  { contract, genesis, cosignatures }: OpenLedger,
  exporter: string,
  toHeight: number,
  withPrivate = false,
): Generator<string, void, void> {
  yield formatLine({ type: 'bundle', version: 1, contract, exporter, height: toHeight })
  // Who came in later may never have been shown what was replaced before; whether that is so, the verifier sees.
  const mayLack = !firstEpoch(genesis).members.includes(exporter)
  const openings = openingsOf(store, contract, commitmentsOf(genesis.operations), 'genesis', mayLack)
  yield formatLine({ type: 'genesis', genesis, openings })
  const lineages = store.lineages(contract)
  const place = lineages.length > 0 ? { lineage: lineages.length } : {}
  for (const cosignature of cosignatures.values())
    yield formatLine({ type: 'cosignature', ...place, ...cosignature })
  const basis = store.basis(contract)
  if (basis === undefined) yield* lineageLines(store, contract, lineages, 0)
  else yield* basisLines(store, contract, basis, withPrivate)
  for (let from = (basis?.height ?? 0) + 1; from <= toHeight; from += CHUNK_BLOCKS) {
    const count = Math.min(CHUNK_BLOCKS, toHeight - from + 1)
    const blocks = store.blocks(contract, from, count)
    if (blocks.length < count)
      throw broken('BLK-4', `ledger block ${from + blocks.length}`, 'it is not in the store')
    for (const stored of blocks) {
      yield formatLine(blockLine(store, contract, stored, mayLack, withPrivate))
      yield* lineageLines(store, contract, lineages, stored.block.header.height)
    }
  }
  yield formatLine({ type: 'end', height: toHeight })
}

/** Lineages that began with the ledger block of this height. */
function* lineageLines(
  store: Store,
  contract: string,
  lineages: readonly StoredLineage[],
  height: number,
): Generator<string, void, void> {
  for (const { genesis } of lineages) {
    if (genesis.tip.size !== height + 1) continue
    const held = new Map(store.freezes(contract).map((freeze) => [freezeId(freeze), freeze]))
    const freezes = genesis.freezes.flatMap((id) => held.get(id) ?? [])
    yield formatLine({ type: 'lineage', lineage: genesis, freezes })
  }
}

function blockLine(
  store: Store,
  contract: string,
  { block, notarization, commit }: StoredBlock,
  mayLack: boolean,
  withPrivate: boolean,
): BlockLine {
  const place = `ledger block ${block.header.height}`
  const ids = requestIdsOf(block)
  const held = store.requestsOf(contract, ids)
  const requests = ids.map((id) => {
    const record = held.get(id)
    if (record === undefined) throw broken('REQ-1', `request ${id} in ${place}`, 'it is not in the store')
    return { request: record.request, signature: record.signature }
  })
  const operations = requests.flatMap(({ request }) => request.operations)
  const entries = entriesOf(block)
  const everybodys = new Set(commitmentsOf(operations))
  for (const { judgement } of entries)
    for (const commitment of revealedIn(judgement)) everybodys.add(commitment)
  const own = withPrivate ? privateOpenings(store, contract, operations, entries) : []
  const line: BlockLine = {
    type: 'ledger-block',
    block,
    requests,
    openings: [
      ...openingsOf(store, contract, [...everybodys], place, mayLack),
      ...own.filter((opening) => !everybodys.has(commitmentOf(opening))),
    ],
  }
  if (notarization !== undefined) line.notarization = notarization
  if (commit !== undefined) line.finalization = commit
  return line
}

function openingsOf(
  store: Store,
  contract: string,
  commitments: readonly string[],
  place: string,
  mayLack: boolean,
): Opening[] {
  const held = store.openings(contract, commitments)
  return commitments.flatMap((commitment) => {
    const opening = held.get(commitment)
    if (opening === undefined && mayLack) return []
    if (opening === undefined)
      throw broken('VAL-2', place, `the opening of ${commitment} is not in the store`)
    return opening
  })
}

/**
 * What is held here of the private values that requests put forward, and that rules made of them: each as its own field's, whatever
 * else it was put into.
 */
function privateOpenings(
  store: Store,
  contract: string,
  operations: readonly AnyOperation[],
  entries: readonly Entry[],
): Opening[] {
  const pairs: [commitment: string, uid: string][] = []
  for (const operation of operations)
    if ((operation.op === 'create' || operation.op === 'set') && operation.readers !== undefined)
      pairs.push([operation.value as string, operation.uid])
  for (const { results = [] } of entries)
    for (const [, uid, result] of results)
      if (typeof result === 'string' && result.length === 64) pairs.push([result, uid])
  const held = store.openings(contract, [...new Set(pairs.map(([commitment]) => commitment))])
  const found = new Map<string, Opening>()
  for (const [commitment, uid] of pairs) {
    const opening = held.get(commitment)
    if (opening !== undefined && opening.of === uid) found.set(commitment, opening)
  }
  return [...found.values()]
}

function broken(rule: string, place: string, message: string): RuleBroken {
  return new RuleBroken({ rule, place, message: `${message}; restore a backup` })
}
