/**
 * The load of the benchmark, in a process of its own: clients that each write one field at a time over HTTP and wait until
 * it is final, and a watcher of every node that notes when it is final there. Tells its results to its parent.
 */
import { connect, type Socket } from 'node:net'

export type WorkerTask = {
  nodes: { host: string; port: number; token: string }[]
  clients: number
  /** Paths below /records/, one a client and contract: paths[contract][client modulo length]. */
  paths: string[][]
  /** 0: small whole numbers are written instead of texts. */
  valueBytes: number
  seconds: number
  warmupSeconds: number
}

export type WorkerResult = {
  /** Writes acknowledged as final at all nodes within the window. */
  writes: number
  conflicted: number
  errors: number
  seconds: number
  latenciesMs: number[]
}

type Pending = { startMs: number; contract: string; height: number }

const task = await new Promise<WorkerTask>((resolve) =>
  process.once('message', resolve as (task: unknown) => void),
)
const finalHeights: Map<string, number>[] = task.nodes.map(() => new Map())
let unconfirmed: Pending[] = []
const latenciesMs: number[] = []
let writes = 0
let conflicted = 0
let errors = 0
let measuring = false
let stopping = false
/** What the numbers that are written begin with: another one each run, so that nothing is set to what it is. */
const base = 1 + (Math.floor(performance.timeOrigin) % 900_000)

/** A connection that speaks just enough HTTP/1.1: one request at a time, kept alive, answers with a content-length. */
class Client {
  private readonly socket: Socket
  private received: Buffer = Buffer.alloc(0)
  private resolve: ((answer: { status: number; body: string }) => void) | undefined
  private readonly head: string

  constructor(node: WorkerTask['nodes'][number]) {
    this.head = `Host: ${node.host}:${node.port}\r\nAuthorization: Bearer ${node.token}\r\n`
    this.socket = connect({ host: node.host, port: node.port, noDelay: true })
    this.socket.on('data', (chunk) => this.take(chunk))
    this.socket.on('error', () => this.resolve?.({ status: 0, body: '' }))
    this.socket.on('close', () => this.resolve?.({ status: 0, body: '' }))
  }

  private take(chunk: Buffer): void {
    this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk])
    const end = this.received.indexOf('\r\n\r\n')
    if (end < 0) return
    const head = this.received.toString('latin1', 0, end)
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
    if (this.received.length < end + 4 + length) return
    const body = this.received.toString('utf8', end + 4, end + 4 + length)
    this.received = this.received.subarray(end + 4 + length)
    const { resolve } = this
    this.resolve = undefined
    resolve?.({ status: Number(head.slice(9, 12)), body })
  }

  put(path: string, value: string): Promise<{ status: number; body: string }> {
    return new Promise((resolve) => {
      this.resolve = resolve
      this.socket.write(
        `PUT /records/${path} HTTP/1.1\r\n${this.head}Content-Type: text/plain\r\nPrefer: wait=60\r\nContent-Length: ${value.length}\r\n\r\n${value}`,
      )
    })
  }

  close(): void {
    this.socket.destroy()
  }
}

/** Follows a node's events and keeps the final height of every contract there. */
function watch(index: number, node: WorkerTask['nodes'][number]): Promise<void> {
  return new Promise((ready) => {
    const socket = connect({ host: node.host, port: node.port, noDelay: true })
    socket.write(
      `GET /api/events?stage=final&paths=none HTTP/1.1\r\nHost: ${node.host}\r\nAuthorization: Bearer ${node.token}\r\nAccept: text/event-stream\r\n\r\n`,
    )
    let rest = ''
    const seen = finalHeights[index] as Map<string, number>
    socket.on('data', (chunk) => {
      ready()
      const lines = (rest + chunk.toString('latin1')).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (!line.startsWith('data:')) continue
        const { contract, toHeight } = JSON.parse(line.slice(5)) as { contract: string; toHeight?: number }
        if (toHeight !== undefined) seen.set(contract, toHeight)
      }
      confirm()
    })
  })
}

/** Counts what has become final at every node. */
function confirm(): void {
  const nowMs = performance.now()
  const waiting: Pending[] = []
  for (const pending of unconfirmed) {
    if (!finalHeights.every((heights) => (heights.get(pending.contract) ?? -1) >= pending.height)) {
      waiting.push(pending)
      continue
    }
    if (!measuring) continue
    writes += 1
    latenciesMs.push(nowMs - pending.startMs)
  }
  unconfirmed = waiting
}

async function run(index: number): Promise<void> {
  const client = new Client(task.nodes[index % task.nodes.length] as WorkerTask['nodes'][number])
  let round = 0
  while (!stopping) {
    // Spread over contracts: each client goes through its own share of them.
    const own = Math.max(1, Math.floor(task.paths.length / task.clients))
    const contractIndex = (index * own + (round % own)) % task.paths.length
    const paths = task.paths[contractIndex] as string[]
    // Clients that share a contract write fields of their own in it: contention is not what is measured here.
    const path = paths[Math.floor((index * own) / task.paths.length) % paths.length] as string
    round += 1
    const value =
      task.valueBytes === 0 ? String(base + round) : `${index}.${round} `.padEnd(task.valueBytes, 'x')
    const startMs = performance.now()
    const { status, body } = await client.put(path, value)
    if (stopping) break
    if (status === 200) {
      const answer = JSON.parse(body) as { contract: string; height: number; outcome: string; stage: string }
      if (answer.stage === 'final' && answer.outcome === 'accepted')
        unconfirmed.push({ startMs, contract: answer.contract, height: answer.height })
      else errors += 1
      confirm()
    } else if (status === 409) conflicted += 1
    else {
      errors += 1
      if (errors < 4) process.stderr.write(`answer ${status}: ${body.slice(0, 300)}\n`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  client.close()
}

await Promise.all(task.nodes.map((node, index) => watch(index, node)))
const clients = Array.from({ length: task.clients }, (_, index) => run(index))
await new Promise((resolve) => setTimeout(resolve, task.warmupSeconds * 1000))
measuring = true
process.send?.({ started: true })
const startMs = performance.now()
await new Promise((resolve) => setTimeout(resolve, task.seconds * 1000))
measuring = false
const seconds = (performance.now() - startMs) / 1000
stopping = true
const result: WorkerResult = { writes, conflicted, errors, seconds, latenciesMs }
process.send?.({ result })
void clients
setTimeout(() => process.exit(0), 200)
