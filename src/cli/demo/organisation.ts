/** One organisation of the demo: a directory and a real `countersign start` process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { CountersignError } from '../../crypto/errors.ts'
import { NodeClient } from '../client.ts'
import { initialise, readOwnCard } from '../directory.ts'
import { NAMES, type Role } from './trade.ts'

/** Below those that the kernel gives to connections on their way out: such a port may be taken again before a node listens on it. */
const PORTS = { low: 12_000, high: 32_000 } as const
const given = new Set<number>()

/** A port of this machine that was free a moment ago, and that this process has not been given before. */
export async function freePort(): Promise<number> {
  const port = PORTS.low + Math.floor(Math.random() * (PORTS.high - PORTS.low))
  const isFree = await new Promise<boolean>((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
  if (!isFree || given.has(port)) return freePort()
  given.add(port)
  return port
}

export type WriteStatus = {
  id: string
  stage: string
  outcome?: string
  code?: string
  height?: number
  dialogues: { party: string; name: string; received: boolean; accepted: boolean }[]
  waitingFor: { party: string; name: string; connected: boolean }[]
}

export class Organisation {
  readonly role: Role
  readonly name: string
  readonly directory: string
  party = ''
  port = 0
  apiPort = 0
  private process: ChildProcess | undefined
  private log = ''

  constructor(role: Role, root: string) {
    this.role = role
    this.name = NAMES[role]
    this.directory = join(root, role)
  }

  get client(): NodeClient {
    return new NodeClient(this.directory)
  }

  get database(): string {
    return join(this.directory, 'data', 'countersign.db')
  }

  async initialise(): Promise<void> {
    this.port = await freePort()
    this.apiPort = await freePort()
    initialise(this.directory, {
      version: 1,
      name: this.name,
      host: '127.0.0.1',
      port: this.port,
      apiHost: '127.0.0.1',
      apiPort: this.apiPort,
    })
    this.party = readOwnCard(this.directory).party
  }

  /** Starts the node's process and waits until its API answers. */
  async start(): Promise<void> {
    this.log = ''
    const command = process.argv[1] as string
    const child = spawn(
      process.execPath,
      [command, 'start', '--data', this.directory, '--log-level', 'warn'],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    )
    this.process = child
    child.stderr?.on('data', (chunk: Buffer) => {
      this.log = (this.log + chunk.toString()).slice(-4000)
    })
    for (let tries = 0; tries < 300; tries += 1) {
      if (child.exitCode !== null) break
      const up = await fetch(`http://127.0.0.1:${this.apiPort}/healthz`).then(
        (response) => response.ok,
        () => false,
      )
      if (up) return
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new CountersignError('unavailable', `the node of ${this.name} did not start: ${this.log}`)
  }

  /** SIGKILL: no goodbye, nothing flushed. */
  async kill(): Promise<void> {
    await this.end('SIGKILL')
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM')
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.process
    this.process = undefined
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve())
      child.kill(signal)
    })
  }

  /** Sets a field as this party; answers when final or after `waitS`. Conflicts come back as a status, not an error. */
  async set(contract: string, path: string, value: string, waitS = 20, seen?: string): Promise<WriteStatus> {
    const headers: Record<string, string> = { 'content-type': 'text/plain', prefer: `wait=${waitS}` }
    if (seen) headers['if-match'] = seen
    const { base, token } = { base: this.client.base, token: this.client.bearer }
    const place = path.split('/').map(encodeURIComponent).join('/')
    const response = await fetch(`${base}/records/${contract}/${place}`, {
      method: 'PUT',
      body: value,
      headers: { ...headers, authorization: `Bearer ${token}` },
    })
    const text = await response.text()
    const body = JSON.parse(text) as {
      status?: WriteStatus
      context?: { status?: WriteStatus }
    } & WriteStatus
    if (response.status === 409 && body.context?.status) return body.context.status
    if (response.status >= 400) throw new CountersignError('internal', `${this.name}: ${text.slice(0, 300)}`)
    return body
  }
}
