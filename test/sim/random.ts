/** Randomness from a seed: the same seed gives the same numbers on every machine (sfc32, seeded through splitmix32). */

export class Random {
  private a: number
  private b: number
  private c: number
  private d: number

  /** `stream` keeps sources of one seed apart. */
  constructor(seed: number, stream = 0) {
    let state = (Math.imul(seed, 0x9e3779b9) ^ Math.imul(stream + 1, 0x85ebca6b)) >>> 0
    const split = (): number => {
      state = (state + 0x9e3779b9) >>> 0
      let mixed = state
      mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad)
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
      return (mixed ^ (mixed >>> 15)) >>> 0
    }
    this.a = split()
    this.b = split()
    this.c = split()
    this.d = split()
    for (let round = 0; round < 12; round += 1) this.word()
  }

  /** 32 random bits. */
  word(): number {
    const sum = (this.a + this.b + this.d) >>> 0
    this.d = (this.d + 1) >>> 0
    this.a = (this.b ^ (this.b >>> 9)) >>> 0
    this.b = (this.c + (this.c << 3)) >>> 0
    this.c = ((this.c << 21) | (this.c >>> 11)) >>> 0
    this.c = (this.c + sum) >>> 0
    return sum
  }

  /** An integer from low to high, both included. */
  integer(low: number, high: number): number {
    return low + (this.word() % (high - low + 1))
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.word() < probability * 0x1_0000_0000
  }

  pick<T>(list: readonly T[]): T {
    return list[this.word() % list.length] as T
  }

  bytes(sizeBytes: number): Uint8Array {
    const bytes = new Uint8Array(sizeBytes)
    for (let index = 0; index < sizeBytes; index += 1) bytes[index] = this.word() & 255
    return bytes
  }

  /** The list in random order; the list itself stays as it is. */
  shuffled<T>(list: readonly T[]): T[] {
    const result = [...list]
    for (let index = result.length - 1; index > 0; index -= 1) {
      const other = this.integer(0, index)
      ;[result[index], result[other]] = [result[other] as T, result[index] as T]
    }
    return result
  }
}
