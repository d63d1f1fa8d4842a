/** Real nodes in one process: real sockets, real databases in a temporary directory, each with its HTTP interface. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApi } from '../../src/api/api.ts'
import {
  initialise,
  openStore,
  paths,
  readConfig,
  readKeys,
  readOwnCard,
  readToken,
} from '../../src/cli/directory.ts'
import { Node } from '../../src/node/node.ts'
import type { LogLevel } from '../../src/node/outbox.ts'
import { openJournal } from '../../src/signer/journal.ts'
import { Signer } from '../../src/signer/signer.ts'

const HOST = '127.0.0.1'

export type Answer = {
  status: number
  headers: Headers
  text: string
  /** The body as JSON; throws where it is none. */
  json: <T = Record<string, unknown>>() => T
}
export type Call = { body?: string | Uint8Array; headers?: Record<string, string> }

export class RunningNode {
  readonly directory: string
  readonly party: string
  readonly name: string
  readonly token: string
  readonly lines: { level: LogLevel; event: string; detail: Record<string, unknown> }[] = []
  node!: Node
  url = ''
  private closeApi: () => Promise<void> = async () => {}
  private running = false

  constructor(directory: string) {
    this.directory = directory
    this.name = readConfig(directory).name
    this.party = readOwnCard(directory).party
    this.token = readToken(directory)
  }

  get databaseFile(): string {
    return paths(this.directory).database
  }

  async start(): Promise<void> {
    const at = paths(this.directory)
    const { host, port } = readConfig(this.directory)
    const { keys, signer } = readKeys(this.directory, readOwnCard(this.directory))
    this.node = await Node.start({
      store: openStore(this.directory),
      signer: Signer.open({ journal: openJournal(at.signer), ...signer }),
      tlsKey: keys.tls,
      listen: { host, port },
      files: at.files,
      log: (level, event, detail) => this.lines.push({ level, event, detail }),
    })
    const api = await createApi(this.node, { token: this.token, host: HOST, port: 0, version: '0.0.0-test' })
    this.url = api.url
    this.closeApi = api.close
    this.running = true
  }

  async stop(): Promise<void> {
    if (!this.running) return
    this.running = false
    await this.closeApi()
    await this.node.close()
  }

  /** A call with the token, unless `headers` say otherwise. */
  async call(method: string, path: string, { body, headers = {} }: Call = {}): Promise<Answer> {
    const response = await fetch(this.url + path, {
      method,
      // Patient: on a busy machine a write may take long to become final.
      headers: { authorization: `Bearer ${this.token}`, prefer: 'wait=60', ...headers },
      ...(body !== undefined && { body: body as string }),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: <T>() => JSON.parse(text) as T,
    }
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.call('GET', path, { headers })
  }

  /** A PUT of plain text. */
  put(path: string, text: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.call('PUT', path, { body: text, headers: { 'content-type': 'text/plain', ...headers } })
  }

  /** A write with a JSON body, given as text or as a value. */
  send(method: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    return this.call(method, path, {
      body: text,
      headers: { 'content-type': 'application/json', ...headers },
    })
  }
}

export class RunningNodes {
  readonly all: RunningNode[]
  private readonly root: string

  constructor(root: string, all: RunningNode[]) {
    this.root = root
    this.all = all
  }

  at(index: number): RunningNode {
    return this.all[index] as RunningNode
  }

  /** A contract of all nodes, made at the first, accepted by all and final at height 0; returns its id. */
  async contract(name: string, document: string, more = ''): Promise<string> {
    const [first, ...others] = this.all as [RunningNode, ...RunningNode[]]
    const parties = JSON.stringify(others.map(({ party }) => party))
    const body = `{"name":${JSON.stringify(name)},"with":${parties},${more}${document.startsWith('<') ? `"xml":${JSON.stringify(document)}` : `"document":${document}`}}`
    const made = await first.send('POST', '/api/contracts', body)
    if (made.status !== 201) throw new Error(`the contract was not made: ${made.text}`)
    const { id } = made.json<{ id: string }>()
    await this.accepted(id)
    return id
  }

  /** Has all nodes but the first accept a contract that this one has made; it is final at height 0 then. */
  async accepted(id: string): Promise<void> {
    for (const one of this.all.slice(1)) {
      await until(() => one.node.engine.replicas.has(id))
      const accepted = await one.call('POST', `/api/contracts/${id}/accept`)
      if (accepted.status !== 200) throw new Error(`the contract was not accepted: ${accepted.text}`)
    }
    for (const one of this.all) await this.final(one, id, 0)
  }

  /** Waits until a height is final at a node. */
  async final(one: RunningNode, contract: string, height: number): Promise<void> {
    await until(async () => {
      const { finalHeight } = (await one.get(`/api/contracts/${contract}`)).json<{ finalHeight: number }>()
      return finalHeight >= height
    })
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((one) => one.stop()))
    rmSync(this.root, { recursive: true, force: true })
  }
}

/** Nodes that have pinned one another; `count` of them, with names Party 1, Party 2, … */
export async function startNodes(count: number): Promise<RunningNodes> {
  const root = mkdtempSync(join(tmpdir(), 'countersign-nodes-'))
  const ports = await freePorts(count)
  const all = ports.map((port, index) => {
    const directory = join(root, `node-${index + 1}`)
    initialise(directory, {
      version: 1,
      name: `Party ${index + 1}`,
      host: HOST,
      port,
      apiHost: HOST,
      apiPort: 0,
    })
    return new RunningNode(directory)
  })
  for (const one of all) await one.start()
  for (const one of all)
    for (const { directory, party } of all) if (party !== one.party) one.node.pin(readOwnCard(directory).card)
  await until(() =>
    all.every(({ node, party }) =>
      all.every((other) => other.party === party || node.engine.isUp(other.party)),
    ),
  )
  return new RunningNodes(root, all)
}

/** Polls until it holds. */
export async function until(holds: () => boolean | Promise<boolean>, timeoutMs = 40_000): Promise<void> {
  const end = Date.now() + timeoutMs
  while (!(await holds())) {
    if (Date.now() > end)
      throw new Error(`it did not come to hold within ${timeoutMs} ms: ${holds.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, HOST, () => resolve((server.address() as { port: number }).port))
        }),
    ),
  )
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
