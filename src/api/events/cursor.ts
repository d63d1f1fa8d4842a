/**
 * How far a reader of events has come, in every contract: the `id` of its last event, which it sends back to go on from
 * there. Text: `<first digits of the contract’s id>:<tentative height>:<final height>`, one for each contract, with `;`.
 */
import { CountersignError } from '../../crypto/errors.ts'

/** Heights that events have told: all up to and with these; -1 for none. */
export type Position = { tentative: number; final: number }

/** Digits of a contract's id: few, as ids of events go over the wire often; enough that no two of a node are alike. */
const DIGITS = 12
const PART = /^([0-9a-f]{12}):(-1|[0-9]{1,15}):(-1|[0-9]{1,15})$/
/** Longer ones don't fit into a header. */
export const CURSOR_MAX_LENGTH = 48 * 1024

export class Cursor {
  private readonly positions: Map<string, Position>

  constructor(positions: Iterable<[string, Position]> = []) {
    this.positions = new Map(positions)
  }

  /** @throws CountersignError `bad-request` */
  static parse(text: string): Cursor {
    const cursor = new Cursor()
    if (text === '') return cursor
    for (const part of text.split(';')) {
      const [, key, tentative, final] = PART.exec(part) ?? []
      if (key === undefined)
        throw new CountersignError(
          'bad-request',
          'Last-Event-ID: expected the id of an earlier event of this stream',
        )
      cursor.positions.set(key, { tentative: Number(tentative), final: Number(final) })
    }
    return cursor
  }

  get(contract: string): Position | undefined {
    return this.positions.get(contract.slice(0, DIGITS))
  }

  set(contract: string, position: Position): void {
    this.positions.set(contract.slice(0, DIGITS), position)
  }

  get size(): number {
    return this.positions.size
  }

  toString(): string {
    return [...this.positions].map(([key, { tentative, final }]) => `${key}:${tentative}:${final}`).join(';')
  }
}
