/** Names of elements, and what XML allows in a name. */
import { isWellFormed } from '../crypto/bytes.ts'
import { CountersignError } from '../crypto/errors.ts'

/** Longest name, in UTF-16 units, with its `@`, `?` or `#`. */
export const MAX_NAME_LENGTH = 256

const NAME_START =
  'A-Z_a-z\\u00C0-\\u00D6\\u00D8-\\u00F6\\u00F8-\\u02FF\\u0370-\\u037D\\u037F-\\u1FFF\\u200C\\u200D\\u2070-\\u218F' +
  '\\u2C00-\\u2FEF\\u3001-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFFFD\\u{10000}-\\u{EFFFF}'
const NC_NAME = `[${NAME_START}][${NAME_START}.0-9\\u00B7\\u0300-\\u036F\\u203F\\u2040-]*`
const NC_NAME_PATTERN = new RegExp(`^${NC_NAME}$`, 'u')
const QUALIFIED_NAME_PATTERN = new RegExp(`^(?:(${NC_NAME}):)?(${NC_NAME})$`, 'u')

/** True for a name without a colon (Namespaces in XML 1.0, NCName). */
export function isNcName(name: string): boolean {
  return NC_NAME_PATTERN.test(name)
}

/** The parts of a qualified name (Namespaces in XML 1.0, QName), prefix '' if it has none; undefined if it is none. */
export function splitQualifiedName(name: string): { prefix: string; local: string } | undefined {
  const match = QUALIFIED_NAME_PATTERN.exec(name)
  if (match === null) return undefined
  return { prefix: match[1] ?? '', local: match[2] as string }
}

/** What XML 1.0 (§2.2, Char) forbids; with the `u` flag also half a surrogate pair. */
const FORBIDDEN_CHARACTER = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu

/** The text with U+FFFD for every character that XML forbids. */
export function legalCharacters(value: string): string {
  return value.replace(FORBIDDEN_CHARACTER, '\uFFFD')
}

/**
 * Checks the name of a block, list or field: 1 to 256 UTF-16 units, no control characters (U+0000–U+001F,
 * U+007F–U+009F), no unpaired surrogates. Everything else is allowed, `/` and `.` included.
 *
 * @throws CountersignError `bad-name`
 */
export function checkName(name: string): void {
  if (name.length === 0) {
    throw new CountersignError('bad-name', 'A name is empty; give it 1 to 256 characters.')
  }
  if (name.length > MAX_NAME_LENGTH) {
    throw new CountersignError(
      'bad-name',
      `The name ${quoteShort(name)} has ${name.length} characters; at most ${MAX_NAME_LENGTH} are allowed.`,
    )
  }
  for (let index = 0; index < name.length; index++) {
    const unit = name.charCodeAt(index)
    if (unit < 0x20 || (unit >= 0x7f && unit <= 0x9f)) {
      throw new CountersignError(
        'bad-name',
        `The name ${quoteShort(name)} holds the control character U+${unit.toString(16).padStart(4, '0')}; leave it out.`,
      )
    }
  }
  if (!isWellFormed(name)) {
    throw new CountersignError(
      'bad-name',
      `The name ${quoteShort(name)} holds half a character (an unpaired surrogate); leave it out.`,
    )
  }
}

/** A string from outside, quoted and cut for a message: never long, never with raw control characters. */
export function quoteShort(value: string, length = 60): string {
  const quoted = JSON.stringify(value.length > length ? `${value.slice(0, length)}…` : value)
  return quoted.replace(/[\u007f-\u009f]/g, (control) => `\\u00${control.charCodeAt(0).toString(16)}`)
}
