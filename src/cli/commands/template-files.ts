/** Templates as files, by path or by the name of one that comes with the program; and roles as people type them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseTemplate, type Template, templateHash } from '../../contract/template/format.ts'
import { CountersignError } from '../../crypto/errors.ts'
import type { NodeClient } from '../client.ts'
import { findIn, findParty } from './find.ts'

export type Roles = Record<string, string[]>

/** Where the templates lie that come with the program: beside what it is built into, or beside its sources. */
export function shippedFolder(): string {
  for (const path of ['../templates/', '../../../templates/']) {
    const folder = fileURLToPath(new URL(path, import.meta.url))
    if (existsSync(join(folder, 'facultative-slip.json'))) return folder
  }
  throw new CountersignError(
    'not-found',
    'the templates that come with the program are not here; name a file',
  )
}

/** @throws CountersignError `not-found`, or whatever is wrong with the file */
export function readTemplate(name: string): Template {
  return parseTemplate(templateText(name))
}

/** By the path of a file, or by the name of one that comes with the program. */
export function templateText(name: string): string {
  const isName = /^[a-z][a-z0-9-]*$/.test(name) && !existsSync(name)
  const path = isName ? join(shippedFolder(), `${name}.json`) : name
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new CountersignError('not-found', `${path} can’t be read: ${(error as Error).message}`)
  }
}

/**
 * The text of the edition before one: of a file that lies beside it, or of a template that comes with the program.
 * @throws CountersignError `bad-request` where it names none, `not-found`
 */
export function ancestorText(name: string, { ancestor, edition, name: called }: Template): string {
  if (ancestor === undefined)
    throw new CountersignError(
      'bad-request',
      `${name} names no ancestor, so it comes after no edition: count its \`edition\` up, and put the hash of the edition before as ` +
        '`ancestor` (countersign template check prints it)',
    )
  const isFile = existsSync(name)
  for (const folder of [...(isFile ? [dirname(name)] : []), shippedFolder()])
    for (const file of readdirSync(folder).filter((one) => one.endsWith('.json'))) {
      const text = textOfHash(join(folder, file), ancestor)
      if (text !== undefined) return text
    }
  throw new CountersignError(
    'not-found',
    `edition ${edition} of ${called} comes after the template with the hash ${ancestor}, which lies neither beside ${name} nor comes ` +
      'with the program: name its file with --from',
  )
}

/** Whatever else lies in a folder is no template, or another one. */
function textOfHash(path: string, hash: string): string | undefined {
  try {
    const text = readFileSync(path, 'utf8')
    return templateHash(parseTemplate(text)) === hash ? text : undefined
  } catch {
    return undefined
  }
}

/** The parties of each role, from words such as `broker=Acme`: members of a contract where there is one, else pinned ones. */
export async function rolesOf(
  client: NodeClient,
  words: readonly string[],
  members: readonly { party: string; name: string }[] = [],
): Promise<Roles> {
  const roles: Roles = {}
  const own = await client.get<{ party: string; name: string }>('/api/node')
  for (const word of words) {
    const split = word.indexOf('=')
    if (split < 1) throw new CountersignError('bad-request', `“${word}”: write role=party`)
    const [role, text] = [word.slice(0, split), word.slice(split + 1)]
    roles[role] = [...(roles[role] ?? []), await partyOf(client, text, own, members)]
  }
  return roles
}

async function partyOf(
  client: NodeClient,
  text: string,
  own: { party: string; name: string },
  members: readonly { party: string; name: string }[],
): Promise<string> {
  if (text.toLowerCase() === own.name.toLowerCase() || text === own.party) return own.party
  const isMember = members.some(
    ({ party, name }) => party === text || name.toLowerCase() === text.toLowerCase(),
  )
  if (!isMember) return findParty(client, text)
  return findIn(
    members,
    text,
    ({ party }) => party,
    ({ name }) => name,
    'member',
  ).party
}
