/** What the commands on rules, votes, locks and phases share: how they write, page through lists, and name things. */
import type { NodeClient } from '../client.ts'
import { bold, dim, green, print, printJson, safe, yellow } from '../output.ts'
import { printStatus, type StatusView } from './status.ts'

export const DATA = [
  '--data <dir>',
  'the node’s directory',
  process.env.COUNTERSIGN_DATA ?? '.countersign',
] as const
export const WAIT = ['--wait <seconds>', 'how long to wait until it is final', '30'] as const
export const JSON_OUTPUT = ['--json', 'print JSON'] as const
/** What is ordered counts, whether it is final or not: votes and drafts are about it. */
export const NOW = '?status=tentative'

export type Common = { data: string; json?: boolean; wait: string }
export type Named = { party: string; name: string }
export type Place = { uid: string; path?: string }
export type Votes = { yes: Named[]; no: Named[]; missing: Named[] }
export type ProposalView = Votes & {
  uid: string
  by: Named
  on: Place
  /** Missing where it is private and not held by the node. */
  value?: string | boolean | null
  readers?: Named[]
  notShown?: true
  stale: boolean
  complete?: true
}
export type WriteView = StatusView & {
  made?: { kind: string; uid: string; expiresMs?: number; fence?: number }[]
  proposed?: ProposalView[]
}

/** @param body JSON text, or what is made to it. @throws CountersignError by the node’s answer */
export async function write(
  client: NodeClient,
  method: string,
  path: string,
  body: object | string | undefined,
  { wait }: Pick<Common, 'wait'>,
): Promise<WriteView> {
  const headers: Record<string, string> = { prefer: `wait=${wait}` }
  if (body !== undefined) headers['content-type'] = 'application/json'
  const text = typeof body === 'object' ? JSON.stringify(body) : body
  const init = { method, headers, ...(text !== undefined && { body: text }) }
  return (await (await client.fetch(path, init)).json()) as WriteView
}

/** Where a write stands, or its JSON. */
export function printWrite(status: WriteView, options: { json?: boolean }): void {
  if (options.json) printJson(status)
  else printStatus(status)
}

/** All of a list, page by page, with what stands beside it; tentative: what is ordered counts, final or not. */
export async function listAll<Head, Item>(
  client: NodeClient,
  path: string,
  key: string,
): Promise<{ head: Head; items: Item[] }> {
  const items: Item[] = []
  let cursor: string | undefined
  for (;;) {
    const query = `${path.includes('?') ? '&' : '?'}limit=1000${cursor === undefined ? '' : `&cursor=${cursor}`}`
    const page = await client.get<Record<string, unknown> & { nextCursor?: string }>(path + query)
    items.push(...(page[key] as Item[]))
    cursor = page.nextCursor
    if (cursor === undefined) return { head: page as Head, items }
  }
}

export function names(people: readonly Named[]): string {
  return people.map(({ name }) => safe(name)).join(', ')
}

/** Who has said what, and who is waited for, a line each. */
export function printVotes({ yes, no, missing }: Votes): void {
  if (yes.length > 0) print(`  yes          ${names(yes)}`)
  if (no.length > 0) print(`  no           ${yellow(names(no))}`)
  if (missing.length > 0) print(`  waiting for  ${yellow(names(missing))}`)
}

/** The address of a record by the path that somebody typed. */
export function recordAddress(contract: string, path: string): string {
  const place = path
    .replace(/^\//, '')
    .split('/')
    .map((segment) => encodeURIComponent(segment))
    .join('/')
  return `/records/${contract}${place === '' ? '' : `/${place}`}`
}

export function printDone(text: string): void {
  print(`${green('✓')} ${text}`)
}

/** A heading, with what a thing is called by behind it. */
export function printHead(kind: string, text: string, uid: string): void {
  print(`${bold(kind)}  ${safe(text)}  ${dim(uid.slice(0, 12))}`)
}
