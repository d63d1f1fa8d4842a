/** Drafts by what people type: an id, the path that one is about, or the request that made several, as a template's upgrade does. */
import { CountersignError } from '../../crypto/errors.ts'
import type { NodeClient } from '../client.ts'
import { findIn } from './find.ts'
import { listAll, NOW } from './writes.ts'

type Draft = { uid: string; target?: string; request?: string }

/** The open drafts that one request made, by the id of that; none where there is no such request. @throws CountersignError `bad-request` */
export async function draftsOf(client: NodeClient, id: string, text: string): Promise<string[]> {
  return together(await openDrafts(client, id), text)
}

/** The open drafts that are meant, one or several. @throws CountersignError `not-found`, `bad-request` where several fit */
export async function draftsMeant(client: NodeClient, id: string, text: string): Promise<string[]> {
  const drafts = await openDrafts(client, id)
  const several = together(drafts, text)
  if (several.length > 0) return several
  const { uid } = findIn(
    drafts,
    text.includes('/') && !text.startsWith('/') ? `/${text}` : text,
    (one) => one.uid,
    ({ target }) => target ?? '',
    'open draft',
  )
  return [uid]
}

async function openDrafts(client: NodeClient, id: string): Promise<Draft[]> {
  const { items } = await listAll<object, Draft>(client, `/api/contracts/${id}/drafts${NOW}`, 'drafts')
  return items
}

function together(drafts: readonly Draft[], text: string): string[] {
  const wanted = text.toLowerCase()
  if (!/^[0-9a-f]{6,64}$/.test(wanted)) return []
  const found = drafts.filter(({ request }) => request?.startsWith(wanted) === true)
  if (new Set(found.map(({ request }) => request)).size > 1)
    throw new CountersignError('bad-request', `“${text}” fits several requests: give more of the id`)
  return found.map(({ uid }) => uid)
}
