/** Real nodes for tests: each a `countersign start` process with a directory of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { NodeClient } from '../../src/cli/client.ts'
import { freePort } from '../../src/cli/demo/organisation.ts'
import { initialise, readOwnCard } from '../../src/cli/directory.ts'

export const COMMAND = resolve('bin/countersign.js')

export type Write = { status: number; body: Record<string, unknown> }

export class ProcessNode {
  readonly directory: string
  readonly name: string
  party = ''
  /** Where its API and the other nodes reach it. */
  host = '127.0.0.1'
  port = 0
  apiPort = 0
  log = ''
  /** What its process is started by, such as `ip netns exec NAME`. */
  prefix: readonly string[] = []
  /** How often it was started. */
  starts = 0
  private child: ChildProcess | undefined

  constructor(directory: string, name: string) {
    this.directory = directory
    this.name = name
  }

  async initialise(): Promise<void> {
    this.port = await freePort()
    this.apiPort = await freePort()
    const { host, port, apiPort, name } = this
    initialise(this.directory, { version: 1, name, host, port, apiHost: host, apiPort })
    this.party = readOwnCard(this.directory).party
  }

  get client(): NodeClient {
    return new NodeClient(this.directory)
  }

  get isRunning(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null
  }

  /** The signal that ended its process, if one did. */
  get endedBy(): NodeJS.Signals | null {
    return this.child?.signalCode ?? null
  }

  /** Starts the process; resolves when its API answers. */
  async start(options: { flags?: string[]; nodeFlags?: string[] } = {}): Promise<void> {
    const [program, ...rest] = [...this.prefix, process.execPath, ...(options.nodeFlags ?? []), COMMAND]
    const child = spawn(
      program as string,
      [...rest, 'start', '--data', this.directory, ...(options.flags ?? [])],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    )
    this.child = child
    this.starts += 1
    child.stderr?.on('data', (chunk: Buffer) => {
      this.log = (this.log + chunk.toString()).slice(-200_000)
    })
    for (let tries = 0; tries < 600; tries += 1) {
      if (!this.isRunning) break
      const up = await fetch(`http://${this.host}:${this.apiPort}/healthz`).then(
        () => true,
        () => false,
      )
      if (up) return
      await pause(50)
    }
    throw new Error(`${this.name} did not start:\n${this.log.slice(-3000)}`)
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const { child } = this
    this.child = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    await new Promise<void>((done) => {
      child.once('exit', () => done())
      child.kill(signal)
    })
  }

  get pid(): number {
    return this.child?.pid ?? 0
  }

  /** SIGSTOP, until `resume`; resolves when it has stopped. */
  async suspend(): Promise<void> {
    this.child?.kill('SIGSTOP')
    await until(`${this.name} has stopped`, async () => stateOf(this.pid) === 'T')
  }

  resume(): void {
    this.child?.kill('SIGCONT')
  }

  /** A PUT of plain text. Network errors reject. */
  async put(
    contract: string,
    path: string,
    value: string,
    headers: Record<string, string> = {},
  ): Promise<Write> {
    const response = await fetch(`http://${this.host}:${this.apiPort}/records/${contract}/${path}`, {
      method: 'PUT',
      body: value,
      headers: { 'content-type': 'text/plain', authorization: `Bearer ${this.client.bearer}`, ...headers },
    })
    const text = await response.text()
    return { status: response.status, body: JSON.parse(text) as Record<string, unknown> }
  }

  async read(contract: string, path: string): Promise<string> {
    const response = await this.client.fetch(`/records/${contract}/${path}`, {
      headers: { accept: 'text/plain' },
    })
    return response.text()
  }

  async contract(id: string): Promise<ContractView | undefined> {
    const { contracts } = await this.client.get<{ contracts: ContractView[] }>('/api/contracts')
    return contracts.find((one) => one.id === id)
  }
}

/** What a process does, in the letter that Linux and ps give it: T is stopped. */
function stateOf(pid: number): string {
  if (existsSync('/proc/self/stat')) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.charAt(stat.lastIndexOf(')') + 2)
  }
  return spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
    .stdout.trim()
    .charAt(0)
}

export type ContractView = {
  id: string
  name: string
  status: string
  height: number
  finalHeight: number
  recordHash: string
  reason?: string
}

export const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))

/** Polls until it holds; fails with `what` after a time that no working system needs. */
export async function until(
  what: string,
  condition: () => Promise<boolean>,
  timeoutMs = 60_000,
): Promise<void> {
  const endMs = Date.now() + timeoutMs
  let last: unknown
  while (Date.now() < endMs) {
    try {
      if (await condition()) return
    } catch (error) {
      last = error
    }
    await pause(50)
  }
  throw new Error(`it never came: ${what}${last ? ` (last: ${(last as Error).message})` : ''}`)
}

export class Cluster {
  readonly nodes: ProcessNode[] = []
  readonly root: string

  constructor(count: number, root = mkdtempSync(join(tmpdir(), 'countersign-test-'))) {
    this.root = root
    for (let index = 0; index < count; index += 1)
      this.nodes.push(new ProcessNode(join(root, `node-${index}`), `Party ${index + 1}`))
  }

  node(index: number): ProcessNode {
    return this.nodes[index] as ProcessNode
  }

  async start(): Promise<void> {
    await Promise.all(
      this.nodes.map(async (node) => {
        await node.initialise()
        await this.startNode(node)
      }),
    )
    await this.pin()
  }

  /** Starts a node, for the first time or after it was stopped. */
  startNode(node: ProcessNode): Promise<void> {
    return node.start()
  }

  /** Every node pins every other, by fingerprint. */
  async pin(): Promise<void> {
    for (const node of this.nodes)
      for (const other of this.nodes)
        if (node !== other)
          await node.client.post(
            '/api/peers',
            JSON.stringify({ url: `https://${other.host}:${other.port}`, fingerprint: other.party }),
          )
  }

  /** A contract of all nodes, made at the first, accepted by all; returns its id. `document` is JSON text. */
  async contract(name: string, document: string, policy = '{}'): Promise<string> {
    return this.agree(`{"name":${JSON.stringify(name)},"policy":${policy},"document":${document}}`)
  }

  /** The same from a whole body without `with`. */
  async agree(body: string): Promise<string> {
    const [first, ...rest] = this.nodes as [ProcessNode, ...ProcessNode[]]
    const parties = JSON.stringify(rest.map(({ party }) => party))
    const { id } = await first.client.post<{ id: string }>(
      '/api/contracts',
      `{"with":${parties},${body.slice(1)}`,
    )
    for (const node of rest) {
      await until(`the invitation at ${node.name}`, async () => (await node.contract(id)) !== undefined)
      await node.client.post(`/api/contracts/${id}/accept`)
    }
    await this.equal(id, 0)
    return id
  }

  /** Waits until all nodes hold the same record, final, at this height or later. */
  async equal(
    contract: string,
    height: number,
    nodes: readonly ProcessNode[] = this.nodes,
  ): Promise<ContractView> {
    let views: (ContractView | undefined)[] = []
    try {
      await until('all nodes hold the same final record', async () => {
        views = await Promise.all(nodes.map((node) => node.contract(contract)))
        const [first] = views
        return (
          first !== undefined &&
          first.finalHeight >= height &&
          views.every(
            (view) =>
              view?.finalHeight === first.finalHeight &&
              view.height === first.finalHeight &&
              view.recordHash === first.recordHash,
          )
        )
      })
    } catch (error) {
      throw new Error(
        `${(error as Error).message}: ${JSON.stringify(views)}\n${nodes.map((n) => n.log.slice(-1500)).join('\n')}`,
      )
    }
    return views[0] as ContractView
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill('SIGTERM')))
    rmSync(this.root, { recursive: true, force: true })
  }
}

/** Runs the command as a person would, without colours; never throws for its exit code. */
export function countersign(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  })
  return { code: status, stdout, stderr }
}
