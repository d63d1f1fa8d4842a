/**
 * The values behind commitments, read from the store as they are shown. Each is opened against its commitment: what is on
 * disk but was not signed is never shown, and stops the contract. A private value may well not be here.
 */
import { commitmentIn } from '../contract/record.ts'
import type { ContractState, ElementRecord, OpeningSource } from '../contract/state.ts'
import { pathOf } from '../contract/view.ts'
import { CountersignError } from '../crypto/errors.ts'
import { commitmentOf, type Opening } from '../ledger/value.ts'
import type { FinalView } from '../node/final-view.ts'
import type { Store } from '../store/store.ts'

type Readers = readonly string[]

export class Values implements OpeningSource {
  private readonly all: readonly ContractState[]
  private readonly store: Store
  private readonly states: FinalView
  private readonly lacksOlder: boolean
  /** Commitments of the tentative state, once they are asked for. */
  private current: Set<string> | undefined
  /** Those of private values in these states, once they are asked for. */
  private privates: Map<string, Readers> | undefined

  /**
   * @param all states of one contract
   * @param lacksOlder values of before this party came in may be missing
   */
  constructor(all: readonly ContractState[], store: Store, states: FinalView, lacksOlder: boolean) {
    this.all = all
    this.store = store
    this.states = states
    this.lacksOlder = lacksOlder
  }

  get contract(): string {
    return (this.all as [ContractState])[0].contract
  }

  /**
   * Undefined for a private value that is not held here.
   * @param readers who may see it, where it may stand in none of the states
   * @throws CountersignError `invariant-broken` where it is missing or is not what was signed; `not-shown`
   */
  get(commitment: string, readers?: Readers): Opening | undefined {
    const { contract } = this
    const look = (): Opening | undefined => this.store.openings(contract, [commitment]).get(commitment)
    const opening = this.states.read(contract, look, () => this.fault(commitment))
    if (opening === undefined && (readers ?? this.readersOf(commitment)) !== undefined) return undefined
    if (opening === undefined && this.lacksOlder && !this.isCurrent(commitment))
      throw new CountersignError('not-shown', 'the value is from before this party came in')
    if (opening === undefined || commitmentOf(opening) !== commitment)
      throw this.states.damaged(contract, this.fault(commitment))
    return opening
  }

  /** A field's value; undefined while it is empty, and where it is hidden. @throws as `get` */
  of({ value, readers }: Pick<ElementRecord, 'value' | 'readers'>): Opening | undefined {
    return value === undefined ? undefined : this.get(value, readers)
  }

  /** Whether a field holds a private value that is not held here. @throws as `get` */
  isHidden(record: Pick<ElementRecord, 'value' | 'readers'>): boolean {
    return record.readers !== undefined && this.of(record) === undefined
  }

  /** As `get`; undefined for any value that this party is not shown. @throws CountersignError `invariant-broken` as `get` */
  shown(commitment: string, readers?: Readers): Opening | undefined {
    try {
      return this.get(commitment, readers)
    } catch (error) {
      if (error instanceof CountersignError && error.code === 'not-shown') return undefined
      throw error
    }
  }

  /** Who may see a private value of these states; undefined for any other. */
  readersOf(commitment: string): Readers | undefined {
    if (this.privates === undefined) {
      this.privates = new Map()
      for (const { map, governance, privateCount } of this.all) {
        if (privateCount === 0 && governance.proposalCount === 0) continue
        for (const [, record] of map) {
          const found = commitmentIn(record)
          if (found !== undefined && 'readers' in record && record.readers)
            this.privates.set(found, record.readers)
        }
      }
    }
    return this.privates.get(commitment)
  }

  private isCurrent(commitment: string): boolean {
    if (this.current === undefined) {
      const { state } = this.states.tentative(this.contract)
      this.current = new Set()
      for (const [, record] of state.map)
        if ('value' in record && record.value) this.current.add(record.value)
    }
    return this.current.has(commitment)
  }

  private fault(commitment: string): string {
    for (const state of this.all)
      for (const [uid, record] of state.map)
        if ('value' in record && record.value === commitment) {
          const on = 'on' in record && typeof record.on === 'string' ? record.on : uid
          return `the value of ${pathOf(state, on)} on disk is not what was signed`
        }
    return `the value of commitment ${commitment} on disk is not what was signed`
  }
}
