/**
 * Scheduled reports: kept in the node's data, made by the running node when they are due, as files signed by it. After a time
 * of standing still one report is made of the last due time, not one for each that was missed. What fails is logged and tried
 * again, after a minute at first, then ever more rarely.
 */
import { accessSync, constants, statSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { setTimeout as startTimer } from 'node:timers'
import { CountersignError } from '../crypto/errors.ts'
import type { FinalView } from './final-view.ts'
import type { Node } from './node.ts'
import { reportLines } from './report-file.ts'
import { type Every, lastDueMs, minuteOfDay, nextDueMs } from './report-times.ts'

/** at: a time of day in UTC, `06:00`; to: the directory its files go to; contracts, fields: as of a report. */
export type NewSchedule = {
  name: string
  every: Every
  at: string
  to: string
  contracts?: string[]
  fields?: string[]
}
/** doneMs: the due time of the last report made; failure: of the last attempt, since when, how often. */
export type Schedule = NewSchedule & {
  addedMs: number
  doneMs?: number
  failure?: { message: string; sinceMs: number; attempts: number }
}

const SETTING = 'report-schedules'
const SCHEDULES_MAX = 100
const NAME = /^[a-z0-9][a-z0-9-]{0,39}$/
/** Clocks are set, and machines sleep: the time is looked at this often. */
const LOOK_EVERY_MS = 30_000
const RETRY_MS = 60_000
const RETRY_MAX_MS = 3_600_000
const CHUNK_LENGTH = 1 << 20

type Watched = Pick<Node, 'engine' | 'store' | 'party' | 'card' | 'proven' | 'signReport' | 'now'>

export class ReportSchedules {
  private readonly node: Watched
  private readonly states: FinalView
  private schedules: Schedule[]
  /** When a schedule that failed is tried again, by name. */
  private readonly retryMs = new Map<string, number>()
  private timer: NodeJS.Timeout | undefined
  private working: Promise<void> | undefined
  private closed = false

  constructor(node: Watched, states: FinalView) {
    this.node = node
    this.states = states
    this.schedules = this.kept()
    this.setTimer(0)
  }

  /** By name, with when each is due next. */
  list(): (Schedule & { nextMs: number })[] {
    const nowMs = this.node.now()
    return this.schedules.map((one) => ({ ...one, nextMs: this.dueMs(one) ?? next(one, nowMs) }))
  }

  /**
   * @throws CountersignError `bad-request` for a name, time or directory that can't be; `conflict` where the name is taken;
   * `unknown-contract`; `disk-full`, `storage-failed`
   */
  add(wanted: NewSchedule): Schedule {
    const { name, at, to, contracts } = wanted
    if (!NAME.test(name))
      throw new CountersignError('bad-request', 'name: expected 1 to 40 lowercase letters, digits and -')
    if (this.schedules.some((one) => one.name === name))
      throw new CountersignError(
        'conflict',
        `a schedule is called ${name} already: remove it first, or choose another name`,
      )
    if (this.schedules.length >= SCHEDULES_MAX)
      throw new CountersignError('too-large', `a node keeps at most ${SCHEDULES_MAX} schedules`)
    if (minuteOfDay(at) === undefined)
      throw new CountersignError('bad-request', 'at: expected a time of day in UTC such as 06:00')
    checkDirectory(to)
    for (const contract of contracts ?? []) this.node.engine.replica(contract)
    const schedule = { ...wanted, addedMs: this.node.now() }
    this.keep([...this.schedules, schedule])
    this.setTimer(0)
    return schedule
  }

  /** @throws CountersignError `not-found` */
  remove(name: string): void {
    const rest = this.schedules.filter((one) => one.name !== name)
    if (rest.length === this.schedules.length)
      throw new CountersignError('not-found', `no schedule is called ${name}`)
    this.keep(rest)
    this.retryMs.delete(name)
  }

  /** Stops; a report that is being made is ended first, so that no half of it stays. */
  async close(): Promise<void> {
    this.closed = true
    clearTimeout(this.timer)
    await this.working
  }

  private kept(): Schedule[] {
    try {
      return JSON.parse(this.node.store.setting(SETTING) ?? '[]') as Schedule[]
    } catch (error) {
      // The contracts are as good as ever: a node does not stand still for its reports.
      this.node.engine.log('error', 'schedules-unreadable', { reason: (error as Error).message })
      return []
    }
  }

  private keep(schedules: Schedule[]): void {
    this.node.store.write([{ kind: 'setting', key: SETTING, value: JSON.stringify(schedules) }])
    this.schedules = schedules
  }

  private change(name: string, change: (schedule: Schedule) => Schedule): void {
    if (this.schedules.some((one) => one.name === name))
      this.keep(this.schedules.map((one) => (one.name === name ? change(one) : one)))
  }

  /** The due time that has no report yet. */
  private dueMs({ every, at, addedMs, doneMs }: Schedule): number | undefined {
    const due = lastDueMs(every, minuteOfDay(at) ?? 0, this.node.now())
    return due > Math.max(addedMs, doneMs ?? 0) ? due : undefined
  }

  private setTimer(delayMs: number): void {
    clearTimeout(this.timer)
    if (this.closed) return
    this.timer = startTimer(() => {
      this.working = this.look().finally(() => this.setTimer(this.delayMs()))
    }, delayMs)
    this.timer.unref()
  }

  private delayMs(): number {
    const nowMs = this.node.now()
    const soonest = Math.min(
      nowMs + LOOK_EVERY_MS,
      ...this.schedules.map((one) => this.retryMs.get(one.name) ?? next(one, nowMs)),
    )
    return Math.max(50, soonest - nowMs)
  }

  private async look(): Promise<void> {
    for (const schedule of this.schedules) {
      const dueMs = this.dueMs(schedule)
      if (this.closed || dueMs === undefined || this.node.now() < (this.retryMs.get(schedule.name) ?? 0))
        continue
      await this.make(schedule, dueMs)
    }
  }

  private async make(schedule: Schedule, dueMs: number): Promise<void> {
    const { name } = schedule
    const file = join(schedule.to, `${name}-${new Date(dueMs).toISOString().slice(0, 10)}.jsonl`)
    const { node } = this
    try {
      await this.write(schedule, dueMs, file)
      this.retryMs.delete(name)
      this.change(name, ({ failure: _, ...rest }) => ({ ...rest, doneMs: dueMs }))
      node.engine.log('info', 'report-made', { name, file })
    } catch (error) {
      const { message } = error as Error
      const nowMs = node.now()
      const attempts = (schedule.failure?.attempts ?? 0) + 1
      const waitMs = Math.min(RETRY_MS * 2 ** Math.min(attempts - 1, 10), RETRY_MAX_MS)
      this.retryMs.set(name, nowMs + waitMs)
      node.engine.log('error', 'report-failed', {
        name,
        file,
        attempts,
        retryMs: nowMs + waitMs,
        reason: message,
      })
      try {
        const failure = { message, sinceMs: schedule.failure?.sinceMs ?? nowMs, attempts }
        this.change(name, (one) => ({ ...one, failure }))
      } catch (refused) {
        node.engine.log('error', 'storage', { reason: (refused as Error).message })
      }
    }
  }

  /** Whole or not at all: beside its place, to disk, then by another name. */
  private async write({ contracts, fields }: Schedule, atMs: number, file: string): Promise<void> {
    const wish = { atMs, ...(contracts && { contracts }), ...(fields && { fields }) }
    const partial = `${file}.part`
    const handle = await open(partial, 'w', 0o600)
    try {
      let chunk = ''
      for (const line of reportLines({ node: this.node, states: this.states }, wish, this.node.now())) {
        chunk += line
        if (chunk.length < CHUNK_LENGTH) continue
        await handle.writeFile(chunk)
        chunk = ''
      }
      await handle.writeFile(chunk)
      await handle.sync()
    } catch (error) {
      await handle.close()
      await rm(partial, { force: true })
      throw error
    }
    await handle.close()
    await rename(partial, file)
  }
}

const next = ({ every, at }: Schedule, nowMs: number): number => nextDueMs(every, minuteOfDay(at) ?? 0, nowMs)

function checkDirectory(path: string): void {
  let isThere = false
  try {
    isThere = isAbsolute(path) && statSync(path).isDirectory()
    accessSync(path, constants.W_OK)
  } catch {
    isThere = false
  }
  if (!isThere)
    throw new CountersignError(
      'bad-request',
      `to: ${path} is not a directory, by its whole path, that the node can write to: make it first`,
    )
}
