/** The openings of the values that a state holds, which its rules read: what is replaced and proposed nowhere is dropped. */
import { commitmentIn } from '../contract/record.ts'
import type { ContractState, ElementChange, OpeningSource } from '../contract/state.ts'
import { commitmentOf, type Opening } from '../ledger/value.ts'

export class CurrentValues implements OpeningSource {
  readonly #openings = new Map<string, Opening>()
  /** In how many records a commitment stands. */
  readonly #counts = new Map<string, number>()

  get(commitment: string): Opening | undefined {
    return this.#openings.get(commitment)
  }

  /** Takes openings in; of those that no record names after the next `follow`, nothing stays. */
  take(openings: Iterable<Opening>): void {
    for (const opening of openings) this.#openings.set(commitmentOf(opening), opening)
  }

  /** Goes along with what changed from one state to the next. @param offered commitments taken in for it */
  follow(
    before: ContractState | undefined,
    changes: Iterable<ElementChange>,
    offered: Iterable<string>,
  ): void {
    for (const [uid, record] of changes) {
      const value = commitmentIn(record)
      if (value !== undefined) this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1)
      const earlier = commitmentIn(before?.map.get(uid))
      if (earlier !== undefined) this.#release(earlier)
    }
    for (const commitment of offered) if (!this.#counts.has(commitment)) this.#openings.delete(commitment)
  }

  #release(commitment: string): void {
    const left = (this.#counts.get(commitment) ?? 1) - 1
    if (left > 0) this.#counts.set(commitment, left)
    else {
      this.#counts.delete(commitment)
      this.#openings.delete(commitment)
    }
  }
}
