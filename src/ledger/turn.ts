/**
 * The turn: the one entry of the ledger block that ends an epoch, with the certificate that lets it (PROTOCOL BLK-3, EPO-7,
 * EPO-9).
 */
import { CountersignError } from '../crypto/errors.ts'
import * as shape from '../crypto/shape.ts'
import {
  checkBlockShape,
  type Entry,
  type Header,
  headerShape,
  type LedgerBlock,
  type RuleResult,
  ruleResultsShape,
} from './block.ts'
import {
  type Cosignature,
  checkCosignatureShape,
  cosignatureVerifies,
  type LedgerPoint,
} from './checkpoint.ts'
import { type Epoch, epochParts, MEMBERS_MAX, observersShape } from './epoch.ts'

/** What the next epoch is. change: the one that it brings; absent where parties leave. observers: with their cards' hashes. */
export type TurnEntry = Epoch & {
  kind: 'turn'
  change?: string
  observers?: [party: string, card: string][]
  /** In the order of `members`. */
  certificate: Cosignature[]
}

/** Time has passed by which the state has to change by itself; see `contract/tick.ts`. */
export type TickEntry = { kind: 'tick'; results?: RuleResult[] }

/** A ledger block of one TICK: it holds nothing else. */
export type TickBlock = { header: Header; entries: [TickEntry] }
/** The ledger block that ends an epoch: it holds nothing else. */
export type TurnBlock = { header: Header; entries: [TurnEntry] }
export type AnyLedgerBlock = LedgerBlock | TurnBlock | TickBlock

type AnyEntry = Entry | TurnEntry | TickEntry

/** Where a ledger stands: in which place execution happens. */
export type BlockPlace = {
  lineage: number
  height: number
  timeMs: number
  /** Whether the ledger before this block had such a checkpoint (`LedgerHistory`). */
  holds: (point: LedgerPoint) => boolean
  /** Who has been left out of the lineage (LIN-2): a turn takes them out of the record as well. */
  leftOut?: ReadonlySet<string>
}

/** Who has to sign a turn. minSize: of the ledger that it cosigned; mayLack: it has been silent as long as is agreed. */
export type TurnSigner = { party: string; cosignKey: string; minSize: number; mayLack: boolean }

const turnShape = shape.object(
  {
    ...epochParts,
    kind: shape.literal('turn'),
    certificate: shape.array(checkCosignatureShape as shape.Check<Cosignature>, MEMBERS_MAX),
  },
  { change: shape.hash, observers: observersShape },
)
const tickShape = shape.object({ kind: shape.literal('tick') }, { results: ruleResultsShape })
const tickBlockShape = shape.object({ header: headerShape, entries: shape.array(tickShape, 1, 1) })
const turnBlockShape = shape.object({ header: headerShape, entries: shape.array(turnShape, 1, 1) })

/** Checks the shape of any ledger block from outside, one that ends an epoch included. @throws CountersignError `bad-format` */
export function checkAnyBlockShape(value: unknown): AnyLedgerBlock {
  const { entries } = Object(value) as { entries?: unknown }
  const has = (kind: string): boolean =>
    Array.isArray(entries) && entries.some((entry) => (Object(entry) as { kind?: unknown }).kind === kind)
  if (has('turn')) return turnBlockShape(value, 'ledgerBlock') as TurnBlock
  return has('tick') ? (tickBlockShape(value, 'ledgerBlock') as TickBlock) : checkBlockShape(value)
}

/** What a ledger block says of its requests, in order; nothing where it is a turn or a TICK. */
export function entriesOf({ entries }: AnyLedgerBlock): Entry[] {
  return (entries as AnyEntry[]).filter((entry): entry is Entry => entry.kind === 'request')
}

/** Ids of the requests that a ledger block orders, in order. */
export function requestIdsOf(block: AnyLedgerBlock): string[] {
  return entriesOf(block).map(({ request }) => request)
}

/** The turn that a ledger block consists of, if it does. */
export function turnOf({ entries }: AnyLedgerBlock): TurnEntry | undefined {
  const [first] = entries as AnyEntry[]
  return first?.kind === 'turn' ? first : undefined
}

/** The TICK that a ledger block is; undefined for any other. */
export function tickOf({ entries }: AnyLedgerBlock): TickEntry | undefined {
  const [entry] = entries as AnyEntry[]
  return entry?.kind === 'tick' ? entry : undefined
}

/** Whether a ledger block is a TICK. */
export function isTick({ entries }: AnyLedgerBlock): boolean {
  return (entries as AnyEntry[])[0]?.kind === 'tick'
}

/**
 * Checks the certificate of a turn: of each signer in order its cosignature, in the epoch that ends, of a checkpoint that the
 * ledger holds and that is large enough; none may lack but those that may.
 * @throws CountersignError `bad-signature`
 */
export function checkTurnCertificate(
  contract: string,
  { epoch, certificate }: TurnEntry,
  signers: readonly TurnSigner[],
  { lineage, holds }: BlockPlace,
): void {
  let next = 0
  for (const { party, cosignKey, minSize, mayLack } of signers) {
    const cosignature = certificate[next]
    if (cosignature?.party !== party) {
      if (!mayLack) throw refused(`the cosignature of ${party} is missing, or stands in another place`)
      continue
    }
    next += 1
    if (cosignature.epoch !== epoch - 1) throw refused(`that of ${party} is of epoch ${cosignature.epoch}`)
    if (cosignature.size < minSize)
      throw refused(`that of ${party} is on ${cosignature.size} ledger blocks; it takes ${minSize}`)
    const { size, root, block, stateRoot } = cosignature
    if (!holds({ epoch: cosignature.epoch, size, root, block, stateRoot }))
      throw refused(`that of ${party} is on another history`)
    if (!cosignatureVerifies(cosignKey, contract, lineage, cosignature))
      throw refused(`that of ${party} does not verify by the cosign key of its card`)
  }
  const more = certificate[next]
  if (more !== undefined) throw refused(`that of ${more.party} is one too many, or stands in another place`)
}

function refused(what: string): CountersignError {
  return new CountersignError('bad-signature', `of the cosignatures that certify the turn, ${what}`)
}
