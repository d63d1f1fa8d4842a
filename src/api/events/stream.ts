/**
 * One reader's stream of events (WHATWG server-sent events). It is drawn, not pushed: notices only say where there is
 * something new, and what is told is read from the ledger from the reader's cursor on. So a reader that comes back, or is
 * slow, misses nothing, and nothing piles up here for it. What it was told shortly before a break may come again.
 */
import type { ServerResponse } from 'node:http'
import { CountersignError } from '../../crypto/errors.ts'
import type { Notice } from '../../node/outbox.ts'
import type { Context } from '../context.ts'
import { contractIds } from '../views.ts'
import { CURSOR_MAX_LENGTH, Cursor } from './cursor.ts'
import { addressOf, type Subjects } from './subjects.ts'

export type StreamOptions = {
  /** Only of this one. */
  contract?: string
  stages: readonly ('tentative' | 'final')[]
  /** One event for each changed record; without, one for each contract and turn. */
  withPaths: boolean
  /** From where on; from now where absent. */
  cursor?: Cursor
}

export const HEARTBEAT_MS = 15_000
/** With more contracts than this, the long ids come at most once in ID_EVERY_MS. */
const FEW_CONTRACTS = 32
const ID_EVERY_MS = 1000
/** Notices that no ledger height stands for, kept for a reader that is slow. */
const LIFE_MAX = 1000

type LifeNotice = Extract<
  Notice,
  {
    type:
      | 'invited'
      | 'created'
      | 'accepted'
      | 'active'
      | 'expired'
      | 'halted'
      | 'evidence'
      | 'frozen'
      | 'lineage'
      | 'returned'
      | 'turned'
      | 'begun'
      | 'left'
  }
>

export class EventStream {
  private readonly context: Context
  private readonly subjects: Subjects
  private readonly response: ServerResponse
  private readonly options: StreamOptions
  private readonly cursor: Cursor
  private readonly dirty = new Set<string>()
  private life: LifeNotice[] = []
  private scheduled = false
  private blocked = false
  private idDue = false
  private lastIdMs = 0
  private idTimer: NodeJS.Timeout | undefined
  private readonly heartbeat: NodeJS.Timeout

  constructor(context: Context, subjects: Subjects, response: ServerResponse, options: StreamOptions) {
    this.context = context
    this.subjects = subjects
    this.response = response
    this.options = options
    this.cursor = options.cursor ?? this.here()
    if (options.cursor) this.catchUp()
    this.heartbeat = setInterval(() => this.write(': heartbeat\n\n'), HEARTBEAT_MS)
    this.heartbeat.unref()
    response.on('drain', () => {
      this.blocked = false
      this.schedule()
    })
    this.write('retry: 1000\n\n')
    this.idDue = true
    this.schedule()
  }

  close(): void {
    clearInterval(this.heartbeat)
    clearTimeout(this.idTimer)
    this.response.end()
  }

  /** Something has happened; what it means for this reader is worked out in a moment. */
  take(notice: Notice): void {
    if (this.options.contract !== undefined && notice.contract !== this.options.contract) return
    if (notice.type === 'received' || notice.type === 'opened') return
    if (notice.type === 'tentative' || notice.type === 'final') this.dirty.add(notice.contract)
    else if (this.life.length < LIFE_MAX) this.life.push(notice)
    if (notice.type === 'lineage' || notice.type === 'returned') this.goBack(notice.contract, notice.height)
    this.schedule()
  }

  /** LIN-3, AMN-4: what was tentative above this height was given up; what comes there now is told anew. */
  private goBack(contract: string, height: number): void {
    this.subjects.forget(contract, height)
    const position = this.cursor.get(contract)
    if (position && position.tentative > height)
      this.cursor.set(contract, { ...position, tentative: Math.max(height, position.final) })
    this.dirty.add(contract)
    this.idDue = true
  }

  private contracts(): string[] {
    const { contract } = this.options
    return contractIds(this.context).filter((id) => contract === undefined || id === contract)
  }

  private here(): Cursor {
    const { states, node } = this.context
    const cursor = new Cursor()
    for (const contract of this.contracts())
      if (node.engine.replicas.has(contract))
        cursor.set(contract, {
          tentative: states.tentative(contract).height,
          final: states.finalHeight(contract),
        })
    return cursor
  }

  /** What happened to contracts while the reader was away; their heights are told from the cursor on. */
  private catchUp(): void {
    const { engine } = this.context.node
    for (const contract of this.contracts()) {
      const replica = engine.replicas.get(contract)
      const reason = engine.damaged.get(contract) ?? replica?.haltReason
      if (reason !== undefined) this.life.push({ contract, type: 'halted', reason })
      if (!replica) continue
      for (const [party, list] of replica.evidence.accused)
        for (const { id } of list) this.life.push({ contract, type: 'evidence', party, id })
      const { number: lineage, base, leftOut } = replica.lineage
      if (lineage > 0)
        this.life.push({ contract, type: 'lineage', lineage, height: base.size - 1, leftOut: [...leftOut] })
      this.dirty.add(contract)
      const position = this.cursor.get(contract)
      const { height } = this.context.states.tentative(contract)
      if (position && position.tentative > height) {
        this.life.push({ contract, type: 'returned', height })
        this.goBack(contract, height)
      }
      if (replica.status === 'left') this.life.push({ contract, type: 'left' })
      for (const { firstHeight, electorate } of replica.roster.spans) {
        const { epoch, members, observers } = electorate
        const height = firstHeight - 1
        if (epoch > 0 && position !== undefined && height > position.tentative)
          this.life.push({
            contract,
            type: 'turned',
            height,
            epoch,
            members: [...members],
            observers: [...observers],
          })
      }
      if (!position)
        this.life.push({ contract, type: replica.genesis.creator === replica.self ? 'created' : 'invited' })
      if (position === undefined || position.final < 0)
        for (const party of replica.members)
          if (replica.finality.sizeOf(party) > 0) this.life.push({ contract, type: 'accepted', party })
    }
  }

  private schedule(): void {
    if (this.scheduled || this.blocked || this.response.writableEnded) return
    this.scheduled = true
    setImmediate(() => {
      this.scheduled = false
      try {
        this.pump()
      } catch (error) {
        if (!(error instanceof CountersignError)) throw error
        this.context.node.engine.log('error', 'events', { code: error.code, reason: error.message })
        this.close()
      }
    })
  }

  private pump(): void {
    const { life } = this
    this.life = []
    for (const notice of life)
      this.tell(notice.type, notice.contract, addressOfContract(notice.contract), rest(notice))
    for (const contract of this.dirty) {
      if (this.blocked || this.response.writableEnded) return
      if (this.advance(contract)) this.dirty.delete(contract)
    }
    this.tellId()
  }

  /** Tells of heights from the cursor on; false where the reader takes no more for now. */
  private advance(contract: string): boolean {
    const { states, node } = this.context
    if (!node.engine.replicas.has(contract)) return true
    const last = { tentative: states.tentative(contract).height, final: states.finalHeight(contract) }
    const position = { ...(this.cursor.get(contract) ?? { tentative: -1, final: -1 }) }
    // What was before is not held here.
    const beginHeight = node.engine.replica(contract).basis?.height ?? -1
    for (const stage of ['tentative', 'final'] as const)
      position[stage] = Math.max(position[stage], Math.min(beginHeight, last[stage]))
    for (const stage of ['tentative', 'final'] as const)
      while (position[stage] < last[stage]) {
        if (this.blocked) return false
        if (this.options.withPaths) {
          position[stage] += 1
          this.tellHeight(stage, contract, position[stage])
        } else {
          this.tellRange(stage, contract, position[stage] + 1, last[stage])
          position[stage] = last[stage]
        }
        this.cursor.set(contract, { ...position })
        this.idDue = true
      }
    return true
  }

  private tellRange(
    stage: 'tentative' | 'final',
    contract: string,
    fromHeight: number,
    toHeight: number,
  ): void {
    if (this.options.stages.includes(stage))
      this.tell(stage, contract, addressOf(contract, '/'), { fromHeight, toHeight })
  }

  private tellHeight(stage: 'tentative' | 'final', contract: string, height: number): void {
    if (!this.options.stages.includes(stage)) return
    // Block 0 has no requests: it is the contract itself that became final.
    if (height === 0 && stage === 'final') this.tell(stage, contract, addressOf(contract, '/'), { height })
    for (const { subject, uid, request } of this.subjects.of(contract, height))
      this.tell(stage, contract, subject, { height, uid, request })
  }

  private tell(type: string, contract: string, subject: string, more: Record<string, unknown>): void {
    this.write(`event: ${type}\ndata: ${JSON.stringify({ type, subject, contract, ...more })}\n\n`)
  }

  /** An id by itself is no event, but moves the place from which the reader would go on. */
  private tellId(): void {
    if (!this.idDue || this.blocked) return
    const nowMs = Date.now()
    const restMs = this.cursor.size <= FEW_CONTRACTS ? 0 : this.lastIdMs + ID_EVERY_MS - nowMs
    if (restMs > 0) {
      this.idTimer ??= setTimeout(() => {
        this.idTimer = undefined
        this.tellId()
      }, restMs)
      return
    }
    this.idDue = false
    this.lastIdMs = nowMs
    const id = this.cursor.toString()
    if (id.length <= CURSOR_MAX_LENGTH) this.write(`id: ${id}\n\n`)
  }

  private write(text: string): void {
    if (this.response.writableEnded || this.response.destroyed) return
    if (!this.response.write(text)) this.blocked = true
  }
}

function addressOfContract(contract: string): string {
  return `/api/contracts/${contract}`
}

function rest({ contract: _contract, type: _type, ...more }: LifeNotice): Record<string, unknown> {
  return more
}
