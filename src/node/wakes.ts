/** When replicas want their tick: asked of those alone that something has happened to, so that idle contracts cost nothing. */
import type { Replica } from './replica.ts'

export class Wakes {
  private readonly touched = new Set<Replica>()
  private readonly times = new Map<Replica, number>()

  /** Something has happened to it since its time was last asked. */
  touch(replica: Replica): void {
    this.touched.add(replica)
  }

  /** The earliest time, ms since 1970; undefined while all are idle. `isOpen`: false for one that is run no more. */
  earliest(nowMs: number, isOpen: (replica: Replica) => boolean): number | undefined {
    this.settle(nowMs, isOpen)
    let earliest: number | undefined
    for (const time of this.times.values()) if (earliest === undefined || time < earliest) earliest = time
    return earliest
  }

  /** Those whose time has come. */
  due(nowMs: number, isOpen: (replica: Replica) => boolean): Replica[] {
    this.settle(nowMs, isOpen)
    return [...this.times].filter(([, time]) => time <= nowMs).map(([replica]) => replica)
  }

  private settle(nowMs: number, isOpen: (replica: Replica) => boolean): void {
    for (const replica of this.touched) {
      const time = isOpen(replica) ? replica.wakeMs(nowMs) : undefined
      if (time === undefined) this.times.delete(replica)
      else this.times.set(replica, time)
    }
    this.touched.clear()
  }
}
