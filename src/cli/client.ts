/** The command's way to its own node: HTTP on loopback with the directory's token. */
import { CountersignError, REGISTRY } from '../crypto/errors.ts'
import { readConfig, readToken } from './directory.ts'

export class NodeClient {
  readonly base: string
  private readonly token: string
  private readonly directory: string

  constructor(directory: string) {
    const { apiHost, apiPort } = readConfig(directory)
    this.directory = directory
    this.base = `http://${apiHost.includes(':') ? `[${apiHost}]` : apiHost}:${apiPort}`
    this.token = readToken(directory)
  }

  get bearer(): string {
    return this.token
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    headers.set('authorization', `Bearer ${this.token}`)
    let response: Response
    try {
      response = await fetch(this.base + path, { ...init, headers })
    } catch {
      throw new CountersignError(
        'unavailable',
        `no node answers at ${this.base}: start it with \`countersign start --data ${this.directory}\``,
      )
    }
    if (response.status >= 400) throw problemOf(response.status, await response.text())
    return response
  }

  async get<T>(path: string): Promise<T> {
    return (await (await this.fetch(path)).json()) as T
  }

  /** `body` is JSON text already, so that a document's exact numbers pass through untouched. */
  async post<T>(path: string, body?: string): Promise<T> {
    const init: RequestInit = { method: 'POST' }
    if (body !== undefined) Object.assign(init, { body, headers: { 'content-type': 'application/json' } })
    return (await (await this.fetch(path, init)).json()) as T
  }
}

/** The node's problem document (RFC 9457) as an error of the same code. */
function problemOf(status: number, text: string): CountersignError {
  try {
    const problem = JSON.parse(text) as {
      type?: string
      detail?: string
      code?: string
      context?: Record<string, unknown>
    }
    const code = problem.code ?? problem.type?.split('/').at(-1) ?? ''
    if (Object.hasOwn(REGISTRY, code))
      return new CountersignError(
        code as keyof typeof REGISTRY,
        problem.detail ?? `the node answered ${status}`,
        problem.context,
      )
  } catch {
    // Not a problem document: said below.
  }
  return new CountersignError('internal', `the node answered ${status}: ${text.slice(0, 200)}`)
}
