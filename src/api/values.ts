/**
 * The values behind commitments, read from the store as they are shown. Each is opened against its commitment: what is on
 * disk but was not signed is never shown, and stops the contract.
 */
import type { ContractState, ElementRecord, OpeningSource } from '../contract/state.ts'
import { pathOf } from '../contract/view.ts'
import { commitmentOf, type Opening } from '../ledger/value.ts'
import type { FinalView } from '../node/final-view.ts'
import type { Store } from '../store/store.ts'

export class Values implements OpeningSource {
  private readonly state: ContractState
  private readonly store: Store
  private readonly states: FinalView

  constructor(state: ContractState, store: Store, states: FinalView) {
    this.state = state
    this.store = store
    this.states = states
  }

  /** @throws CountersignError `invariant-broken` where it is missing or is not what was signed */
  get(commitment: string): Opening {
    const { contract } = this.state
    const look = (): Opening | undefined => this.store.openings(contract, [commitment]).get(commitment)
    const opening = this.states.read(contract, look, () => this.fault(commitment))
    if (opening === undefined || commitmentOf(opening) !== commitment)
      throw this.states.damaged(contract, this.fault(commitment))
    return opening
  }

  /** A field's value. @throws as `get` */
  of(record: ElementRecord): Opening {
    return this.get(record.value as string)
  }

  private fault(commitment: string): string {
    for (const [uid, record] of this.state.map)
      if ('value' in record && record.value === commitment)
        return `the value of ${pathOf(this.state, uid)} on disk is not what was signed`
    return `the value of commitment ${commitment} on disk is not what was signed`
  }
}
