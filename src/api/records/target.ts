/** What a record's address names: a contract or element, a path below it, perhaps a question about it. */
import { CountersignError } from '../../crypto/errors.ts'
import type { Context } from '../context.ts'

/** What can stand behind a path; a field of such a name is reached by its UID. */
const QUESTIONS = ['proof', 'history', 'file', 'rules', 'proposals', 'votes', 'status'] as const
export type Question = (typeof QUESTIONS)[number]

/** id: of a contract (64 hex) or an element (32 hex); path: as document/path.ts reads it; query: as it came. */
export type Target = { id: string; path: string; question: Question | undefined; query: string }

const ADDRESS = /^\/records\/([^/?]*)([^?]*)(?:\?(.*))?$/s
const ID = /^(?:[0-9a-f]{64}|[0-9a-f]{32})$/

/**
 * Reads the address as it came: what is percent-encoded in a path is decoded once, as a whole.
 * @throws CountersignError `not-found`, `bad-request`
 */
export function readTarget(url: string): Target {
  const [, id = '', encoded = '', query = ''] = ADDRESS.exec(url) ?? []
  if (!ID.test(id))
    throw new CountersignError(
      'not-found',
      'records are at /records/, the id of a contract or element, and a path',
    )
  const path = decode(encoded)
  const slash = path.lastIndexOf('/')
  const last = path.slice(slash + 1)
  const question = QUESTIONS.find((one) => last === `$${one}`)
  return { id, path: question === undefined ? path : path.slice(0, slash), question, query }
}

function decode(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    throw new CountersignError('bad-request', 'the path is not percent-encoded UTF-8: write % as %25')
  }
}

/** The contract, and the UID that the path begins at. @throws CountersignError `unknown-contract`, `not-found`, … */
export function startOf(context: Context, id: string): { contract: string; start: string | undefined } {
  if (id.length === 64) return { contract: id, start: undefined }
  const { store, engine } = context.node
  let contracts = store.contractOfElement(id)
  if (contracts.length === 0) {
    engine.flush()
    contracts = store.contractOfElement(id)
  }
  // A UID may stand in several contracts; where it still does goes before where it once did.
  const contract =
    contracts.find((one) => engine.replicas.has(one) && context.states.tentative(one).state.map.has(id)) ??
    contracts[0]
  if (contract === undefined) throw new CountersignError('not-found', `this node holds no element ${id}`)
  return { contract, start: id }
}

/** The parameters of a query, each at most once. @throws CountersignError `bad-request` for one that is not `allowed` */
export function readQuery<Name extends string>(
  query: string,
  allowed: readonly Name[],
): Partial<Record<Name, string>> {
  const found: Partial<Record<Name, string>> = {}
  if (query === '') return found
  for (const [name, value] of new URLSearchParams(query)) {
    const known = allowed.find((one) => one === name)
    if (known === undefined || found[known] !== undefined)
      throw new CountersignError(
        'bad-request',
        known === undefined
          ? `this address takes no parameter ${JSON.stringify(name.slice(0, 40))}; it takes ${allowed.join(', ') || 'none'}`
          : `the parameter ${name} stands twice`,
      )
    found[known] = value
  }
  return found
}
