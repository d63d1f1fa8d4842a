/** Clients of real nodes, many at once, that read and set a few fields and record what they asked and what they were told. */
import { randomUUID } from 'node:crypto'
import { Random } from '../../sim/random.ts'
import { type ProcessNode, pause, until } from '../processes.ts'
import {
  describeOperation,
  type History,
  type Operation,
  type Read,
  type ReadOf,
  type Version,
  type Write,
} from './history.ts'

export type ClientsOptions = {
  nodes: readonly ProcessNode[]
  contract: string
  fields: readonly string[]
  clientsPerNode: number
  seed: number
}

/** Longer than a node at work takes for any answer; a stopped one never answers. */
const ANSWER_MS = 20_000
const WAIT_S = 5
/** Writes and confirmed reads that one client lets wait at a time; meanwhile it goes on reading. */
const WAITING_MAX = 2
const PAUSE_MS = 60

type Seen = { value: string; version: string }
type Answer = { status: number; headers: Headers; text: string; run: number }

type Status = { id: string; contract: string; stage: string; outcome: Write['outcome']; height: number }

/** What the clients of one contract share. */
type Shared = ClientsOptions & {
  operations: Operation[]
  abandoned: AbortSignal
  fail: (error: Error) => void
}

export class Clients {
  readonly operations: Operation[] = []
  private readonly options: ClientsOptions
  private readonly abandoned = new AbortController()
  private readonly failures: Error[] = []
  private isRunning = false
  private working = 0

  constructor(options: ClientsOptions) {
    this.options = options
  }

  start(): void {
    const { nodes, clientsPerNode, seed } = this.options
    const { operations } = this
    const { signal: abandoned } = this.abandoned
    const shared = {
      ...this.options,
      operations,
      abandoned,
      fail: (error: Error) => this.failures.push(error),
    }
    this.isRunning = true
    for (const node of nodes.keys())
      for (let count = 0; count < clientsPerNode; count += 1) {
        // Every other client gives up at the first failure; then nobody knows what became of its write.
        const isPatient = count % 2 === 0
        const random = new Random(seed, node * clientsPerNode + count)
        const client = new Client(`client ${node}.${count}`, node, isPatient, random, shared)
        this.working += 1
        client
          .run(() => this.isRunning)
          .catch((error) => this.failures.push(error as Error))
          .finally(() => {
            this.working -= 1
          })
      }
  }

  /** Resolves when every client has an answer to what it waits for, or has given up. @throws where one never gets it */
  async stop(): Promise<void> {
    this.isRunning = false
    await until('every client has its answer', async () => this.working === 0)
    if (this.failures.length > 0) throw this.failures[0]
  }

  /** Ends all that still waits for an answer. */
  abandon(): void {
    this.isRunning = false
    this.abandoned.abort()
  }

  /** How many reads or writes of a kind that were begun since then are answered; at one node, or at all. */
  count(of: ReadOf | Write['outcome'], sinceMs: number, node?: number): number {
    return this.operations.filter(
      (one) =>
        (one.kind === 'read' ? one.of : one.outcome) === of &&
        one.invokedMs >= sinceMs &&
        (node === undefined || one.node === node),
    ).length
  }

  /** The highest height that a node has shown so far. */
  highest(of: ReadOf, node: number): number {
    const shown = this.operations.filter((one) => one.kind === 'read' && one.of === of && one.node === node)
    return Math.max(-1, ...shown.map(({ height = -1 }) => height))
  }

  /** With the ledger as every node tells it in the end. @throws where two tell it differently */
  async history(): Promise<History> {
    const { nodes, contract, fields } = this.options
    const ledger = new Map<string, Version[]>()
    for (const field of fields) {
      const told = await Promise.all(
        nodes.map(async (node) => {
          const { versions } = await node.client.get<{ versions: (Version & { stage: string })[] }>(
            `/records/${contract}/${field}/$history`,
          )
          return versions.map(({ height, value, stage }) => ({ height, value, stage }))
        }),
      )
      const [first] = told
      for (const [index, versions] of told.entries())
        if (
          JSON.stringify(versions) !== JSON.stringify(first) ||
          versions.some(({ stage }) => stage !== 'final')
        )
          throw new Error(
            `nodes 0 and ${index} differ: ${JSON.stringify(first)}, ${JSON.stringify(versions)}`,
          )
      ledger.set(field, first as Version[])
    }
    return { operations: this.operations, ledger }
  }
}

class Client {
  private readonly name: string
  private readonly node: number
  private readonly isPatient: boolean
  private readonly random: Random
  private readonly shared: Shared
  private readonly process: ProcessNode
  private readonly bearer: string
  /** What was last read of each field. */
  private readonly seen = new Map<string, Seen>()
  private readonly waiting = new Set<Promise<void>>()
  private written = 0

  constructor(name: string, node: number, isPatient: boolean, random: Random, shared: Shared) {
    this.name = name
    this.node = node
    this.isPatient = isPatient
    this.random = random
    this.shared = shared
    this.process = shared.nodes[node] as ProcessNode
    this.bearer = this.process.client.bearer
  }

  async run(isRunning: () => boolean): Promise<void> {
    const { random, shared, waiting } = this
    while (isRunning()) {
      const field = random.pick(shared.fields)
      const seen = this.seen.get(field)
      const isFree = waiting.size < WAITING_MAX
      if (isFree && seen && random.chance(0.4)) this.wait(this.write(field, seen))
      else if (isFree && random.chance(0.3)) this.wait(this.read(field, 'confirmed'))
      else await this.read(field, random.pick<ReadOf>(['final', 'final', 'tentative']))
      await pause(random.integer(1, PAUSE_MS))
    }
    await Promise.all(waiting)
  }

  private wait(operation: Promise<void>): void {
    const waiting = operation.catch(this.shared.fail).finally(() => this.waiting.delete(waiting))
    this.waiting.add(waiting)
  }

  private asked(field: string): Pick<Operation, 'client' | 'node' | 'run' | 'field' | 'invokedMs'> {
    const { name: client, node, process } = this
    return { client, node, run: process.starts, field, invokedMs: performance.now() }
  }

  // ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A read that fails says nothing. */
  private async read(field: string, of: ReadOf): Promise<void> {
    const asked = this.asked(field)
    let shown = await this.get(field, of === 'final' ? '' : '?status=tentative')
    const height = Number(shown?.headers.get('countersign-height'))
    if (of === 'confirmed')
      for (let isFinal = false; shown && !isFinal && !this.shared.abandoned.aborted; ) {
        shown = await this.get(field, `?height=${height}`)
        isFinal = shown?.status === 200
        if (!isFinal) await pause(PAUSE_MS)
      }
    if (shown?.status !== 200) return
    const { headers, text: value, run } = shown
    const read: Read = { ...asked, run, kind: 'read', of, answeredMs: performance.now(), value, height }
    this.shared.operations.push(read)
    this.seen.set(field, { value, version: headers.get('etag') as string })
  }

  private get(field: string, query: string): Promise<Answer | undefined> {
    return this.call('GET', `/records/${this.shared.contract}/${field}${query}`, { accept: 'text/plain' })
  }

  // ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────────

  private async write(field: string, { value: seen, version }: Seen): Promise<void> {
    this.written += 1
    const value = `${field} ${this.name} ${this.written}`
    const write: Write = { ...this.asked(field), kind: 'write', seen, value, outcome: 'unknown' }
    this.shared.operations.push(write)
    const headers = {
      'content-type': 'text/plain',
      'if-match': version,
      'idempotency-key': randomUUID(),
      prefer: `wait=${WAIT_S}`,
    }
    const path = `/records/${this.shared.contract}/${field}`
    let waitsAt: string | undefined
    while (!this.shared.abandoned.aborted) {
      // The same key again: if an earlier attempt was taken, this one asks what became of it.
      const answer = waitsAt
        ? await this.call('GET', waitsAt, {})
        : await this.call('PUT', path, headers, value)
      if (waitsAt && answer?.status === 404)
        throw new Error(`taken, and then unknown: ${describeOperation(write)}`)
      const told = answer && toldOf(answer)
      if (told && 'outcome' in told) {
        Object.assign(write, told, { run: answer.run, answeredMs: performance.now() })
        return
      }
      waitsAt ??= told?.waitsAt
      if (!told && !this.isPatient) return
      await pause(PAUSE_MS)
    }
  }

  /** Undefined where there is no answer, or where it can't be said which run of the node gave it. */
  private async call(
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string,
  ): Promise<Answer | undefined> {
    const run = this.process.starts
    try {
      const response = await fetch(`http://${this.process.host}:${this.process.apiPort}${path}`, {
        method,
        headers: { ...headers, authorization: `Bearer ${this.bearer}` },
        signal: AbortSignal.any([this.shared.abandoned, AbortSignal.timeout(ANSWER_MS)]),
        ...(body !== undefined && { body }),
      })
      const text = await response.text()
      if (this.process.starts !== run) return undefined
      return { status: response.status, headers: response.headers, text, run }
    } catch {
      return undefined
    }
  }
}

/** What an answer says of a write; undefined where it says nothing, such as that the node can't take any now. */
function toldOf({
  status,
  text,
}: Answer): { outcome: Write['outcome']; height?: number } | { waitsAt: string } | undefined {
  const body = JSON.parse(text) as Status & { code?: string; context?: { status?: Status } }
  if (body.code === 'expired') return { outcome: 'expired' }
  const told = body.code === 'conflicted' ? body.context?.status : status < 300 ? body : undefined
  if (told === undefined) return undefined
  const { id, contract, stage, outcome, height } = told
  return stage === 'final' ? { outcome, height } : { waitsAt: `/api/contracts/${contract}/requests/${id}` }
}
