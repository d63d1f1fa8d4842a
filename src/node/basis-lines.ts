/** What a ledger begins with that isn't held from its genesis on, as lines of a bundle (PROTOCOL BUN-4). */
import { commitmentIn, type StateRecord, shownCommitmentIn } from '../contract/record.ts'
import type { Basis, Store } from '../store/store.ts'
import { type BasisLine, formatLine } from '../verify/bundle.ts'

const HEADERS_A_LINE = 2048
const ORDERED_A_LINE = 50_000
const RECORDS_A_LINE = 5000
const RECORDS_BYTES = 4 * 1024 * 1024

/** @param withPrivate also what is held of values that not everybody may see */
export function* basisLines(
  store: Store,
  contract: string,
  basis: Basis,
  withPrivate = false,
): Generator<string, void, void> {
  const { height, ordered, cards } = basis
  const line = (parts: Partial<BasisLine>): string =>
    formatLine({
      type: 'basis',
      height,
      headers: [],
      records: [],
      openings: [],
      ordered: [],
      cards: [],
      ...parts,
    })
  yield line({ cards })
  for (let from = 1; from <= height; from += HEADERS_A_LINE)
    yield line({ headers: store.headers(contract, from, Math.min(HEADERS_A_LINE, height - from + 1)) })
  let records: [string, StateRecord][] = []
  let sizeBytes = 0
  const recordLine = (): string => {
    const valueIn = withPrivate ? commitmentIn : shownCommitmentIn
    const commitments = records.flatMap(([, record]) => valueIn(record) ?? [])
    const openings = [...store.openings(contract, commitments).values()]
    const text = line({ records, openings })
    records = []
    sizeBytes = 0
    return text
  }
  for (const [uid, record] of store.elements(contract, height) as Iterable<[string, StateRecord]>) {
    records.push([uid, record])
    const value = commitmentIn(record)
    const opening = value === undefined ? undefined : store.openings(contract, [value]).get(value)
    sizeBytes += JSON.stringify(record).length + (opening === undefined ? 0 : JSON.stringify(opening).length)
    if (records.length >= RECORDS_A_LINE || sizeBytes > RECORDS_BYTES) yield recordLine()
  }
  yield recordLine()
  for (let from = 0; from < ordered.length; from += ORDERED_A_LINE)
    yield line({ ordered: ordered.slice(from, from + ORDERED_A_LINE) })
}
