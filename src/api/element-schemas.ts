/** Shapes of elements as the HTTP interface shows them. */
import { z } from 'zod'
import { components, hash, timeMs, uid } from './schemas.ts'

export type ElementView = {
  uid: string
  name: string
  kind: 'block' | 'list' | 'field'
  type?: string
  value?: string | boolean | null
  version?: string
  readers?: readonly string[]
  notShown?: true
  typed?: string
  label?: string
  help?: string
  inactive?: true
  file?: FileView
  path: string
  children?: ElementView[]
}
const fileView = z.object({
  hash: hash.describe('SHA-256 of its bytes'),
  sizeBytes: z.int(),
  mediaType: z.string(),
  name: z.string(),
  held: z.array(hash).describe('parties that have said that they hold the bytes'),
  of: z.int().describe('parties in the contract'),
})
export type FileView = z.infer<typeof fileView>

const elementFields = {
  uid,
  name: z.string(),
  kind: z.enum(['block', 'list', 'field']),
  type: z.string().optional(),
  value: z
    .union([z.string(), z.boolean(), z.null()])
    .optional()
    .describe('as the type has it; null with another type than null: the field is empty'),
  version: hash.optional().describe('a field’s commitment, 64 zeros while it is empty: what If-Match takes'),
  readers: z
    .array(hash)
    .readonly()
    .optional()
    .describe('parties that may see the value, where that is not everybody; names and types all see'),
  notShown: z.literal(true).optional().describe('the value is private and not held by this node'),
  typed: uid.optional().describe('the named type it has'),
  label: z.string().optional(),
  help: z.string().optional(),
  inactive: z.literal(true).optional().describe('switched off by a rule, with all below it'),
  file: fileView.optional().describe('of a field of type file: its bytes are at its path with /$file behind'),
  path: z.string().describe('what follows /records/{contract}, before percent-encoding'),
}
const elementView: z.ZodType<ElementView> = z.object({
  ...elementFields,
  get children() {
    return z.array(elementView).optional()
  },
})
components.add(elementView, { id: 'Element' })

const atState = {
  id: hash,
  name: z.string(),
  height: z.int(),
  stage: z.enum(['final', 'tentative', 'lapse']),
  recordHash: hash,
  timeMs,
}
export const fullView = z.object({ ...atState, root: elementView })
export const childView = z.object({ ...elementFields, parent: uid, childCount: z.int().optional() })
export type ChildView = z.infer<typeof childView>
export const elementPage = z.object({
  ...atState,
  elements: z.array(childView),
  nextCursor: z.string().optional(),
})
