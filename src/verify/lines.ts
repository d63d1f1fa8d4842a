/** Cuts a stream of bytes into lines, of a hostile file too: no more than one line of the longest kind is ever held. */
import { concat, fromUtf8 } from '../crypto/bytes.ts'
import { CountersignError } from '../crypto/errors.ts'

const NEWLINE = 0x0a

export class LineCutter {
  readonly #maxBytes: number
  #parts: Uint8Array[] = []
  #sizeBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The lines that these bytes end, without their newlines. @throws CountersignError `too-large`, `bad-format` (no UTF-8) */
  *take(bytes: Uint8Array): Generator<string, void, void> {
    let start = 0
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      this.#keep(bytes.subarray(start, end))
      start = end + 1
      yield this.#line()
    }
    // A copy: the caller may fill its buffer anew.
    this.#keep(bytes.slice(start))
  }

  /** What stands after the last newline, if anything. @throws CountersignError `bad-format` */
  rest(): string | undefined {
    return this.#sizeBytes === 0 ? undefined : this.#line()
  }

  #keep(part: Uint8Array): void {
    this.#sizeBytes += part.length
    if (this.#sizeBytes > this.#maxBytes) {
      this.#parts = []
      throw new CountersignError('too-large', `the line is longer than ${this.#maxBytes} bytes`)
    }
    if (part.length > 0) this.#parts.push(part)
  }

  #line(): string {
    const line = concat(...this.#parts)
    this.#parts = []
    this.#sizeBytes = 0
    return fromUtf8(line)
  }
}
