/**
 * Where a bundle begins that does not hold the ledger from its genesis on (PROTOCOL BUN-4): headers, a state and its values, line
 * by line. What was before is taken on the cosignatures of the members there: nothing else shows it.
 */
import { basisState, checkBasisCards, checkEndsNoEpoch, HeaderChain } from '../contract/basis.ts'
import type { StateRecord } from '../contract/record.ts'
import { commitmentIn } from '../contract/record.ts'
import type { ContractState } from '../contract/state.ts'
import * as shape from '../crypto/shape.ts'
import { type Header, headerShape } from '../ledger/block.ts'
import type { Genesis } from '../ledger/genesis.ts'
import type { LedgerHistory } from '../ledger/history.ts'
import { commitmentOf, type Opening, openingShape } from '../ledger/value.ts'
import type { ReadBasisLine } from './bundle.ts'
import { fail, under } from './finding.ts'

/** What an audit goes on from. epochStarts: first heights of the epochs after the first. */
export type AuditedBasis = {
  header: Header
  state: ContractState
  history: LedgerHistory
  ordered: [id: string, notAfterMs: number][]
  epochStarts: number[]
  openings: ReadonlyMap<string, Opening>
}

const orderedShape: shape.Check<[string, number]> = (value, where) => {
  const [id, notAfterMs] = shape.array((one) => one, 2, 2)(value, where)
  return [shape.hash(id, `${where}[0]`), shape.timeMs(notAfterMs, `${where}[1]`)]
}
const recordShape: shape.Check<[string, StateRecord]> = (value, where) => {
  const [uid, record] = shape.array((one) => one, 2, 2)(value, where)
  if (typeof record !== 'object' || record === null) shape.hash(record, `${where}[1]`)
  return [shape.uid(uid, `${where}[0]`), record as StateRecord]
}

export class BasisAudit {
  readonly height: number
  readonly #chain: HeaderChain
  readonly #epochStarts: number[] = []
  readonly #records: [string, StateRecord][] = []
  readonly #openings = new Map<string, Opening>()
  readonly #ordered: [string, number][] = []
  readonly #cards: unknown[] = []

  /** @param first header of block 0 */
  constructor(height: number, first: Header) {
    this.height = height
    this.#chain = new HeaderChain(first)
  }

  /** Takes the next of its lines. @throws RuleBroken */
  add(line: ReadBasisLine): void {
    const place = `ledger block ${this.height}`
    if (line.height !== this.height)
      fail('BUN-4', place, `another line says that it begins with ${line.height}`)
    for (const value of line.headers) this.#follow(value, `ledger block ${this.#chain.last.height + 1}`)
    for (const value of line.records)
      this.#records.push(under('BUN-4', place, () => recordShape(value, 'record')))
    for (const value of line.openings)
      under('VAL-1', place, () => {
        const opening = openingShape(value, 'opening')
        this.#openings.set(commitmentOf(opening), opening)
      })
    for (const value of line.ordered)
      this.#ordered.push(under('BUN-4', place, () => orderedShape(value, 'ordered')))
    this.#cards.push(...line.cards)
  }

  #follow(value: unknown, place: string): void {
    const header = under('BLK-1', place, () => headerShape(value, 'header'))
    under('BLK-4', place, () => this.#chain.add(header))
    if (header.epoch > this.#epochStarts.length) this.#epochStarts.push(header.height)
  }

  /** All lines have been taken. @throws RuleBroken */
  end(contract: string, genesis: Genesis): AuditedBasis {
    const header = this.#chain.last
    const place = `ledger block ${this.height}`
    if (header.height !== this.height)
      fail('BUN-4', place, `the headers end with ledger block ${header.height}`)
    const state = under('STA-1', place, () => basisState(contract, genesis, header, this.#records))
    under('BUN-4', place, () => checkEndsNoEpoch(header, state))
    under('CARD-2', place, () => checkBasisCards(state, this.#cards))
    this.#checkOpened(place)
    return {
      header,
      state,
      history: this.#chain.history,
      ordered: this.#ordered,
      epochStarts: this.#epochStarts,
      openings: this.#openings,
    }
  }

  /**
   * VAL-2, VAL-4: every value of the state that everybody may see, private ones where they are held, and nothing else. Fields of
   * one commitment may have it opened in several lines.
   */
  #checkOpened(place: string): void {
    const committed = new Set<string>()
    for (const [uid, record] of this.#records) {
      const commitment = commitmentIn(record)
      if (commitment === undefined) continue
      const opening = this.#openings.get(commitment)
      const isPrivate = (record as { readers?: unknown }).readers !== undefined
      if (opening === undefined && !isPrivate)
        fail('VAL-2', place, `the opening of the field ${uid} is missing`)
      if (isPrivate && opening !== undefined && opening.of !== fieldOf(uid, record))
        fail('VAL-4', place, `the opening of the field ${uid} is of another field`)
      committed.add(commitment)
    }
    for (const commitment of this.#openings.keys())
      if (!committed.has(commitment))
        fail('VAL-2', place, `an opening opens ${commitment}, which no field has there`)
  }
}

/** The field that a record's value is for: what is proposed is of the field that it is proposed for. */
function fieldOf(uid: string, record: StateRecord): string {
  return 'kind' in record && record.kind === 'proposal' ? record.on : uid
}
