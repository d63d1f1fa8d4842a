/** The forms that records are written in: which one is asked for, which one came. */
import { CountersignError } from '../../crypto/errors.ts'

export type Form = 'json' | 'xml' | 'text'
/** What is asked for: a form, or the bytes of the file that a field names. */
export type Shape = Form | 'file'

/** Every Content-Type that a record can be written in. */
export const MEDIA_TYPES = [
  'application/json',
  'application/merge-patch+json',
  'application/xml',
  'text/xml',
  'text/plain',
] as const

export const CONTENT_TYPE: Readonly<Record<Form, string>> = {
  json: 'application/json; charset=utf-8',
  xml: 'application/xml; charset=utf-8',
  text: 'text/plain; charset=utf-8',
}

/** Media types that stand for a form, as in an Accept header. */
const ACCEPTED: readonly [type: string, form: Shape][] = [
  ['application/json', 'json'],
  ['application/xml', 'xml'],
  ['text/xml', 'xml'],
  ['text/plain', 'text'],
  ['application/octet-stream', 'file'],
]

/** The form of a body by its Content-Type, which the server has let in. */
export function formOf(contentType: string | undefined): Form {
  const type = mediaTypeOf(contentType)
  if (type === 'text/plain') return 'text'
  return type.endsWith('xml') ? 'xml' : 'json'
}

export function mediaTypeOf(contentType: string | undefined): string {
  return (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

/**
 * The form that an Accept header (RFC 9110 section 12.5.1) prefers; JSON where it does not care.
 * @param hasText whether the element can be shown as plain text
 * @param isFile whether it is a field that names a file
 * @throws CountersignError `not-acceptable`
 */
export function chooseForm(accept: string | undefined, hasText: boolean, isFile = false): Shape {
  if (accept === undefined || accept === '*/*' || accept === '') return 'json'
  const ranges = accept.split(',').map(readRange)
  const offered = ACCEPTED.filter(([, form]) => (form !== 'text' || hasText) && (form !== 'file' || isFile))
  let best: { form: Shape; quality: number; place: number } | undefined
  for (const [type, form] of offered) {
    const range = mostSpecific(ranges, type)
    if (range === undefined || range.quality === 0) continue
    const place = ranges.indexOf(range)
    const isBetter =
      best === undefined ||
      range.quality > best.quality ||
      // As good as another: what is named goes before what is meant by a wildcard, what is named first before the rest.
      (range.quality === best.quality && rank(range) > 1 && place < best.place)
    if (isBetter) best = { form, quality: range.quality, place: rank(range) > 1 ? place : ranges.length }
  }
  if (best !== undefined) return best.form
  const available = offered.map(([type]) => type)
  throw new CountersignError('not-acceptable', `this element can be had as ${available.join(', ')}`)
}

type Range = { type: string; quality: number }

function readRange(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const quality = parameters.find((one) => one.startsWith('q='))?.slice(2)
  const value = quality === undefined ? 1 : Number(quality)
  return { type, quality: value >= 0 && value <= 1 ? value : 0 }
}

const rank = ({ type }: Range): number => (type === '*/*' ? 0 : type.endsWith('/*') ? 1 : 2)

function mostSpecific(ranges: readonly Range[], type: string): Range | undefined {
  const [family] = type.split('/')
  let found: Range | undefined
  for (const range of ranges) {
    if (range.type !== type && range.type !== `${family}/*` && range.type !== '*/*') continue
    if (found === undefined || rank(range) > rank(found)) found = range
  }
  return found
}
