/** The course of a run: a hash over all of it, and its last events in words. */
import { createHash } from 'node:crypto'

export class Trace {
  private readonly hash = createHash('sha256')
  private readonly last: string[] = []
  events = 0
  private readonly kept: number

  /** kept: how many of the last events are remembered. */
  constructor(kept: number) {
    this.kept = kept
  }

  add(nowMs: number, text: string, detail = ''): void {
    this.events += 1
    this.hash.update(`${nowMs} ${text}\n${detail}\n`)
    this.last.push(`${String(nowMs).padStart(9)} ms  ${text}`)
    if (this.last.length > this.kept) this.last.shift()
  }

  get recent(): readonly string[] {
    return this.last
  }

  /** 64 hex digits; ends the trace. */
  digest(): string {
    return this.hash.digest('hex')
  }
}
