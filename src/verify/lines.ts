/** Cuts a stream of bytes into lines, of a hostile file too: no more than one line of the longest kind is ever held. */
import { fromUtf8 } from '../crypto/bytes.ts'
import { CountersignError } from '../crypto/errors.ts'

const NEWLINE = 0x0a
const NOTHING = new Uint8Array(0)

export class LineCutter {
  readonly #maxBytes: number
  /** What has come of the line under way stands at its start. */
  #held = NOTHING
  #sizeBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The lines that these bytes end, without their newlines. @throws CountersignError `too-large`, `bad-format` (no UTF-8) */
  *take(bytes: Uint8Array): Generator<string, void, void> {
    let start = 0
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      const line = this.#line(bytes.subarray(start, end))
      start = end + 1
      yield line
    }
    this.#keep(bytes.subarray(start))
  }

  /** What stands after the last newline, if anything. @throws CountersignError `bad-format` */
  rest(): string | undefined {
    return this.#sizeBytes === 0 ? undefined : this.#line(NOTHING)
  }

  /** The line that ends with this part. */
  #line(part: Uint8Array): string {
    if (this.#sizeBytes === 0) {
      this.#refuseTooLong(part.length)
      return fromUtf8(part)
    }
    this.#keep(part)
    const line = this.#held.subarray(0, this.#sizeBytes)
    this.#sizeBytes = 0
    return fromUtf8(line)
  }

  /** Copies, since the caller may fill its buffer anew; into room that doubles, so that parts of any size do. */
  #keep(part: Uint8Array): void {
    const sizeBytes = this.#sizeBytes + part.length
    this.#refuseTooLong(sizeBytes)
    if (sizeBytes > this.#held.length) {
      const grown = new Uint8Array(Math.min(this.#maxBytes, Math.max(sizeBytes, this.#held.length * 2)))
      grown.set(this.#held.subarray(0, this.#sizeBytes))
      this.#held = grown
    }
    this.#held.set(part, this.#sizeBytes)
    this.#sizeBytes = sizeBytes
  }

  #refuseTooLong(sizeBytes: number): void {
    if (sizeBytes <= this.#maxBytes) return
    this.#held = NOTHING
    this.#sizeBytes = 0
    throw new CountersignError('too-large', `the line is longer than ${this.#maxBytes} bytes`)
  }
}
