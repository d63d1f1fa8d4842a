/** What documents arrive as: bytes or a string, of a size. */
import { isWellFormed } from '../crypto/bytes.ts'
import { CountersignError } from '../crypto/errors.ts'
import { utf8Length } from './types.ts'

/**
 * A document's text. Bytes must be UTF-8, with or without a byte order mark, which is taken off.
 *
 * @throws CountersignError `too-large` over `limitBytes` in UTF-8; `bad-xml` or `bad-json` for bytes that are not UTF-8
 * and strings that have no UTF-8 form
 */
export function decodeSource(
  source: Uint8Array | string,
  limitBytes: number,
  format: 'XML' | 'JSON',
): string {
  const sizeBytes = typeof source === 'string' ? utf8Length(source) : source.byteLength
  if (sizeBytes > limitBytes) {
    throw new CountersignError('too-large', `A ${format} document may have at most ${limitBytes} bytes.`)
  }
  const code = format === 'XML' ? 'bad-xml' : 'bad-json'
  if (typeof source === 'string') {
    if (isWellFormed(source)) return source
    throw new CountersignError(code, `The ${format} holds half a character (an unpaired surrogate).`)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(source)
  } catch {
    throw new CountersignError(
      code,
      `The ${format} is not in UTF-8: it must be converted, or a character is cut off.`,
    )
  }
}
