/** Cursors of pages: words that only this node has to understand, in a form that nobody takes for anything else. */
import { base64UrlDecode, base64UrlEncode, fromUtf8, utf8 } from '../crypto/bytes.ts'
import { CountersignError } from '../crypto/errors.ts'

export function encodeCursor(...words: readonly (string | number)[]): string {
  return base64UrlEncode(utf8(words.join(' ')))
}

/**
 * The whole numbers of a cursor, as many as there should be.
 * @throws CountersignError `bad-request`
 */
export function numbersInCursor(cursor: string, count: number): number[] {
  const words = decode(cursor).split(' ')
  const numbers = words.map((word) => (/^-?[0-9]{1,15}$/.test(word) ? Number(word) : Number.NaN))
  if (numbers.length === count && numbers.every(Number.isSafeInteger)) return numbers
  throw new CountersignError('bad-request', 'querystring/cursor: take it from nextCursor of the page before')
}

function decode(cursor: string): string {
  try {
    return fromUtf8(base64UrlDecode(cursor))
  } catch {
    return ''
  }
}
