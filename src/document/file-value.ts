/**
 * What a field of type `file` holds: not the bytes but what they are, in one line of text (PROTOCOL VAL-5). That line is what is
 * signed; the bytes are known by their SHA-256 and travel apart.
 */

/** Largest file: 100 MiB. */
export const FILE_MAX_BYTES = 104_857_600

/** Longest file name in UTF-16 units. */
export const FILE_NAME_MAX_LENGTH = 255

/** hash: SHA-256 of the bytes, 64 hex digits. */
export type FileValue = { hash: string; sizeBytes: number; mediaType: string; name: string }

/** RFC 6838 section 4.2: a restricted name each before and behind the slash, no parameters. */
const RESTRICTED = '[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}'
const MEDIA_TYPE = new RegExp(`^${RESTRICTED}/${RESTRICTED}$`)
const FILE = new RegExp(`^([0-9a-f]{64}) (0|[1-9][0-9]{0,8}) (${RESTRICTED}/${RESTRICTED}) ([^]+)$`)
/** Of the four parts with the spaces between them; longer texts never reach the pattern. */
const MAX_LENGTH = 64 + 1 + 9 + 1 + 255 + 1 + FILE_NAME_MAX_LENGTH

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const NOT_IN_NAMES = /[\u0000-\u001f\u007f-\u009f/\\\ud800-\udfff]/u

/** Whether a text is a media type in the shape of RFC 6838, without parameters. */
export function isMediaType(text: string): boolean {
  return text.length <= 255 && MEDIA_TYPE.test(text)
}

/**
 * Whether a text may be a file's name: 1–255 UTF-16 units, no control characters, `/`, `\` or unpaired surrogates, no space at
 * either end, neither `.` nor `..`.
 */
export function isFileName(name: string): boolean {
  if (name.length === 0 || name.length > FILE_NAME_MAX_LENGTH || NOT_IN_NAMES.test(name)) return false
  return !name.startsWith(' ') && !name.endsWith(' ') && name !== '.' && name !== '..'
}

/** The parts of a file field's value; undefined for what is none. */
export function parseFileValue(text: string): FileValue | undefined {
  if (text.length > MAX_LENGTH) return undefined
  const [, hash = '', size = '', mediaType = '', name = ''] = FILE.exec(text) ?? []
  const sizeBytes = Number(size)
  if (hash === '' || sizeBytes > FILE_MAX_BYTES || mediaType.length > 255 || !isFileName(name))
    return undefined
  return { hash, sizeBytes, mediaType, name }
}

/** The inverse of {@link parseFileValue}. */
export function formatFileValue({ hash, sizeBytes, mediaType, name }: FileValue): string {
  return `${hash} ${sizeBytes} ${mediaType} ${name}`
}
