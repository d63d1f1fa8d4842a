/**
 * What this party freezes (LIN-1): the history committed here from the last final block on, with the turns in it, and every
 * cosignature and piece of evidence held that others can check.
 */
import { type EpochRecord, epochUidOf } from '../contract/record.ts'
import { recordHash } from '../contract/state.ts'
import { CountersignError } from '../crypto/errors.ts'
import { cosignatureVerifies } from '../ledger/checkpoint.ts'
import type { Card, Departure, ProvenCard } from '../ledger/epoch.ts'
import type { EpochOperation } from '../ledger/epoch-operation.ts'
import { type Evidence, evidenceLineage } from '../ledger/evidence.ts'
import { type Freeze, type FreezeContext, freezable, makeFreeze } from '../ledger/freeze.ts'
import { type FrozenHistory, HISTORY_BLOCKS_MAX, History } from '../ledger/freeze-history.ts'
import { type FreezeEpoch, keysOf, type ShownTurn } from '../ledger/freeze-turn.ts'
import { epochOperationOf } from '../ledger/request.ts'
import { type TurnBlock, turnOf } from '../ledger/turn.ts'
import type { StateRecord } from '../store/store.ts'
import type { Replica } from './replica.ts'
import type { EpochSpan } from './roster.ts'
import { provenCard } from './vouching.ts'

/**
 * cosignKey: the one in force by which it is signed; of a party that has come in by another history than is held here, the one that
 * a FREEZE of that shows; undefined where it has come in by none.
 */
export type OwnFreeze = { statement: Freeze; cosignKey: string | undefined }

/** @throws CountersignError `unavailable`, `too-large` where it can't be made */
export function ownFreeze(replica: Replica, context: FreezeContext): OwnFreeze {
  const { contract, lineage, self, outbox, finality, evidence, roster } = replica
  outbox.flush()
  const had = roster.lastSpanOf(self)?.electorate.cosignKeys.get(self)
  const came = roster.isMember(self) ? undefined : keyElsewhere(replica, context)
  const cosignKey = came ?? had
  const own = outbox.lastCosignature(contract, lineage.number, came ?? replica.cosignKeys.get(self))
  const shown = turnsSince(replica, context, came === undefined ? undefined : own?.size)
  const history = historyFrom(replica, shown.from, shown.turns)
  const epochs = new History(history).epochsIn(context.epochs, context.base) as FreezeEpoch[]
  const last = epochs.at(-1) as FreezeEpoch
  // Of guests, and by a key that comes with a turn nobody could tell whose they are.
  const others = freezable(finality.shown(replica.chain), last).filter(({ party }) => party !== self)
  const accusing = [...evidence.accused.values()].flatMap((list) => list.map(({ evidence: one }) => one))
  const proven = freezable(
    [...accusing, ...shown.removing].filter((one) => evidenceLineage(one) === lineage.number),
    last,
  )
  const cosignatures = [...others, ...(own ? [own] : [])]
  return { statement: makeFreeze(contract, lineage.number, self, history, cosignatures, proven), cosignKey }
}

/**
 * The key by which this party has come in by a history that another's FREEZE shows: of several the one that it has cosigned by.
 * Turns that liars made up may bring others that it once had.
 */
function keyElsewhere(
  { contract, lineage, self, outbox, roster }: Replica,
  { brought = new Map() }: FreezeContext,
): string | undefined {
  const keys = keysOf(brought, self)
  const signed = keys.find((key) => {
    const last = outbox.lastCosignature(contract, lineage.number, key)
    return last !== undefined && cosignatureVerifies(key, contract, lineage.number, last)
  })
  return signed ?? (roster.lastSpanOf(self) === undefined ? keys.at(-1) : undefined)
}

/** removing: the evidence by which parties were taken out. */
type Shown = { from: number; turns: ShownTurn[]; removing: Evidence[] }

/**
 * From the last block that all members of an epoch have cosigned: what ended an epoch since then.
 * @param leastSize what this party has cosigned, where it is not one of them: its own cosignature is to be seen
 */
function turnsSince(replica: Replica, { base }: FreezeContext, leastSize?: number): Shown {
  const { finality, roster } = replica
  let size = Math.min(finality.finalSize, leastSize ?? finality.finalSize)
  // Where it begins all of that epoch are to be seen to have cosigned more, also who has left since and cosigned less.
  for (let before = Number.POSITIVE_INFINITY; leastSize !== undefined && size < before; ) {
    before = size
    const span = roster.spans.findLast(({ firstHeight }) => firstHeight <= size - 1)
    for (const party of span?.electorate.members ?? []) size = Math.min(size, finality.sizeOf(party))
  }
  const from = Math.max(size, base.size) - 1
  const shown: Shown = { from, turns: [], removing: [] }
  for (const span of roster.spans) {
    const { lastHeight } = span
    // What the lineage began with was committed in the one before.
    if (lastHeight === undefined || lastHeight < Math.max(from, base.size)) continue
    shown.turns.push(shownTurn(replica, span, lastHeight, shown.removing))
  }
  return shown
}

function historyFrom(
  { contract, chain, store, lineage }: Replica,
  from: number,
  turns: readonly ShownTurn[],
): FrozenHistory {
  const size = chain.height + 1
  if (size < lineage.base.size || size - from > HISTORY_BLOCKS_MAX)
    throw new CountersignError(
      size < lineage.base.size ? 'unavailable' : 'too-large',
      `the ledger here has ${size} blocks; a FREEZE shows those from ${from} on, at most ${HISTORY_BLOCKS_MAX}`,
    )
  const isBase = chain.tip.hash === lineage.base.block
  const { notarization, commit } = store.block(contract, chain.height) ?? {}
  return {
    from,
    peaks: [...chain.log.frontier(from).hashes],
    blocks: store.load(contract).blockHashes.slice(from),
    header: chain.tip.block.header,
    ...(notarization && !isBase && { notarization }),
    ...(commit && !isBase && { finalization: commit }),
    ...(turns.length > 0 && { turns: [...turns] }),
  }
}

/** removing: takes the evidence by which it took parties out. */
function shownTurn(replica: Replica, span: EpochSpan, height: number, removing: Evidence[]): ShownTurn {
  const { contract, store } = replica
  const stored = store.block(contract, height)
  const turn = stored && turnOf(stored.block)
  const records = store.elementHistory(contract, epochUidOf(contract))
  const after = records.find((one) => one.height === height)?.record
  if (!stored?.notarization || !stored.commit || !turn || !after)
    throw new CountersignError('unavailable', `the COMMIT of ledger block ${height} is not held here`)
  const before = records.findLast((one) => one.height < height)?.record as EpochRecord | undefined
  const stays = new Set(turn.members)
  const gone = (before?.changes ?? []).filter(
    (one): one is Departure => (one.op === 'leave' || one.op === 'remove') && !stays.has(one.party),
  )
  const leaves = gone.flatMap(({ op, party, change }) => {
    const held = store.request(contract, change)
    if (held === undefined) return []
    const operation = epochOperationOf(held.request)
    if (operation?.op === 'remove') removing.push(operation.evidence)
    const { request, signature } = held
    return op === 'leave' && span.electorate.cosignKeys.has(party) ? [{ request, signature }] : []
  })
  const card = turn.change === undefined ? undefined : broughtBy(replica, turn.change, before)
  return {
    block: stored.block as TurnBlock,
    effects: [[epochUidOf(contract), recordHash(after as StateRecord as EpochRecord)]],
    notarization: stored.notarization,
    finalization: stored.commit,
    ...(card && stays.has(card.party) && { card: card.proven }),
    ...(leaves.length > 0 && { leaves }),
  }
}

/** The card that a change brings, and the party whose it is. */
function broughtBy(
  replica: Replica,
  id: string,
  before: EpochRecord | undefined,
): { party: string; proven: ProvenCard } | undefined {
  const change = before?.changes?.find((one) => one.change === id)
  if (change === undefined || !('card' in change)) return undefined
  const { contract, store } = replica
  const held = store.request(contract, id)
  const operation = held && (epochOperationOf(held.request) as EpochOperation | undefined)
  const proven = operation && 'card' in operation ? operation.card : provenCard(replica, change.card as Card)
  if (proven === undefined)
    throw new CountersignError('unavailable', `what proves the card of ${change.party} is not held here`)
  return { party: change.party, proven }
}
