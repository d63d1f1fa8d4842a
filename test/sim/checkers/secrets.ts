/** A private value is held by those who may see it and by who has set it, and nobody else (VAL-4). */
import { isElement, type StateRecord } from '../../../src/contract/record.ts'
import type { SimNode } from '../sim-node.ts'
import { type Checker, Violation, type World } from './checker.ts'

export class Secrets implements Checker {
  readonly name = 'private values are held by those alone who may see them'
  readonly #world: World
  #held = 0
  #hidden = 0

  constructor(world: World) {
    this.#world = world
  }

  ended(): void {
    for (const node of this.#world.honest)
      for (const { contract } of node.disk.store.contracts()) this.#look(node, contract)
  }

  #look({ name, disk, party }: SimNode, contract: string): void {
    const { store } = disk
    for (const [uid] of store.elements(contract))
      for (const { record, request } of store.elementHistory(contract, uid)) {
        const state = record as StateRecord | null
        if (state === null || !isElement(state) || state.readers === undefined) continue
        const { value = '', readers } = state
        const isHeld = store.openings(contract, [value]).size > 0
        const author = request === undefined ? undefined : store.request(contract, request)?.request.author
        if (isHeld) this.#held += 1
        else this.#hidden += 1
        if (isHeld && !readers.includes(party.id) && !this.#isOwn(store, contract, value, party.id))
          throw new Violation(this.name, `${name} holds a value of ${uid}, set by ${author}`)
      }
  }

  /** Whether a party has set this value itself. */
  #isOwn(store: SimNode['disk']['store'], contract: string, commitment: string, party: string): boolean {
    return store
      .requests(contract, { limit: 100_000 })
      .some(
        ({ request }) =>
          request.author === party &&
          request.operations.some((one) => 'value' in one && one.value === commitment),
      )
  }

  counts(): Record<string, number> {
    return { privateHeld: this.#held, privateHidden: this.#hidden }
  }
}
