/** The states found so far: tuples of small numbers, each with the one it was found from. */

const LOAD_MAX = 0.6

export class StateTable {
  readonly #width: number
  #tuples: Int32Array
  #parents: Int32Array
  #slots: Int32Array
  #count = 0

  /** @param width numbers in a tuple */
  constructor(width: number) {
    this.#width = width
    this.#tuples = new Int32Array(1024 * width)
    this.#parents = new Int32Array(1024)
    this.#slots = new Int32Array(4096).fill(-1)
  }

  get size(): number {
    return this.#count
  }

  /** Reads a state into `tuple`. */
  read(index: number, tuple: Int32Array): void {
    const from = index * this.#width
    for (let at = 0; at < this.#width; at += 1) tuple[at] = this.#tuples[from + at] as number
  }

  parentOf(index: number): number {
    return this.#parents[index] as number
  }

  /** Its index where it is new, otherwise -1. */
  add(tuple: Int32Array, parent: number): number {
    if (this.#count > this.#slots.length * LOAD_MAX) this.#growSlots()
    const mask = this.#slots.length - 1
    let slot = this.#hash(tuple, 0) & mask
    for (let held = this.#slots[slot] as number; held >= 0; held = this.#slots[slot] as number) {
      if (this.#isSame(held, tuple)) return -1
      slot = (slot + 1) & mask
    }
    if (this.#count === this.#parents.length) this.#growRows()
    const index = this.#count
    this.#slots[slot] = index
    this.#tuples.set(tuple, index * this.#width)
    this.#parents[index] = parent
    this.#count += 1
    return index
  }

  #isSame(index: number, tuple: Int32Array): boolean {
    const from = index * this.#width
    for (let at = 0; at < this.#width; at += 1) if (this.#tuples[from + at] !== tuple[at]) return false
    return true
  }

  #hash(source: Int32Array, from: number): number {
    let hash = 0x9e3779b9
    for (let at = 0; at < this.#width; at += 1) {
      hash = Math.imul(hash ^ (source[from + at] as number), 0x85ebca6b)
      hash ^= hash >>> 13
      hash = Math.imul(hash, 0xc2b2ae35)
      hash ^= hash >>> 16
    }
    return hash >>> 0
  }

  #growRows(): void {
    const tuples = new Int32Array(this.#tuples.length * 2)
    tuples.set(this.#tuples)
    this.#tuples = tuples
    const parents = new Int32Array(this.#parents.length * 2)
    parents.set(this.#parents)
    this.#parents = parents
  }

  #growSlots(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(-1)
    const mask = slots.length - 1
    for (let index = 0; index < this.#count; index += 1) {
      let slot = this.#hash(this.#tuples, index * this.#width) & mask
      while ((slots[slot] as number) >= 0) slot = (slot + 1) & mask
      slots[slot] = index
    }
    this.#slots = slots
  }
}
