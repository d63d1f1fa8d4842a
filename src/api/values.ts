/**
 * The values behind commitments, read from the store as they are shown. Each is opened against its commitment: what is on
 * disk but was not signed is never shown, and stops the contract.
 */
import type { ContractState, ElementRecord, OpeningSource } from '../contract/state.ts'
import { pathOf } from '../contract/view.ts'
import { CountersignError } from '../crypto/errors.ts'
import { commitmentOf, type Opening } from '../ledger/value.ts'
import type { FinalView } from '../node/final-view.ts'
import type { Store } from '../store/store.ts'

export class Values implements OpeningSource {
  private readonly state: ContractState
  private readonly store: Store
  private readonly states: FinalView
  private readonly lacksOlder: boolean
  /** Commitments of the tentative state, once they are asked for. */
  private current: Set<string> | undefined

  /** lacksOlder: values of before this party came in may be missing. */
  constructor(state: ContractState, store: Store, states: FinalView, lacksOlder: boolean) {
    this.state = state
    this.store = store
    this.states = states
    this.lacksOlder = lacksOlder
  }

  /** @throws CountersignError `invariant-broken` where it is missing or is not what was signed; `not-shown` */
  get(commitment: string): Opening {
    const { contract } = this.state
    const look = (): Opening | undefined => this.store.openings(contract, [commitment]).get(commitment)
    const opening = this.states.read(contract, look, () => this.fault(commitment))
    if (opening === undefined && this.lacksOlder && !this.isCurrent(commitment))
      throw new CountersignError('not-shown', 'the value is from before this party came in')
    if (opening === undefined || commitmentOf(opening) !== commitment)
      throw this.states.damaged(contract, this.fault(commitment))
    return opening
  }

  /** A field's value; undefined while it is empty. @throws as `get` */
  of({ value }: ElementRecord): Opening | undefined {
    return value === undefined ? undefined : this.get(value)
  }

  /** As `get`; undefined for a value that this party is not shown. @throws CountersignError `invariant-broken` as `get` */
  shown(commitment: string): Opening | undefined {
    try {
      return this.get(commitment)
    } catch (error) {
      if (error instanceof CountersignError && error.code === 'not-shown') return undefined
      throw error
    }
  }

  private isCurrent(commitment: string): boolean {
    if (this.current === undefined) {
      const { state } = this.states.tentative(this.state.contract)
      this.current = new Set()
      for (const [, record] of state.map)
        if ('value' in record && record.value) this.current.add(record.value)
    }
    return this.current.has(commitment)
  }

  private fault(commitment: string): string {
    for (const [uid, record] of this.state.map)
      if ('value' in record && record.value === commitment)
        return `the value of ${pathOf(this.state, uid)} on disk is not what was signed`
    return `the value of commitment ${commitment} on disk is not what was signed`
  }
}
