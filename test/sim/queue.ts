/** Events by virtual time; those of one time in the order they were scheduled. */

export type Scheduled = { atMs: number; order: number; label: string; run: () => void; cancelled: boolean }

export class EventQueue {
  private readonly heap: Scheduled[] = []
  private scheduled = 0

  get size(): number {
    return this.heap.length
  }

  add(atMs: number, label: string, run: () => void): Scheduled {
    this.scheduled += 1
    const event = { atMs, order: this.scheduled, label, run, cancelled: false }
    this.heap.push(event)
    this.rise(this.heap.length - 1)
    return event
  }

  /** The earliest event, without those cancelled; undefined where there is none. */
  next(): Scheduled | undefined {
    for (;;) {
      const event = this.take()
      if (!event?.cancelled) return event
    }
  }

  /** When the earliest event is due. */
  get nextMs(): number | undefined {
    while (this.heap[0]?.cancelled) this.take()
    return this.heap[0]?.atMs
  }

  private take(): Scheduled | undefined {
    const first = this.heap[0]
    const last = this.heap.pop()
    if (first === undefined || last === undefined || this.heap.length === 0) return first
    this.heap[0] = last
    this.sink(0)
    return first
  }

  private before(left: number, right: number): boolean {
    const a = this.heap[left] as Scheduled
    const b = this.heap[right] as Scheduled
    return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
  }

  private swap(left: number, right: number): void {
    const held = this.heap[left] as Scheduled
    this.heap[left] = this.heap[right] as Scheduled
    this.heap[right] = held
  }

  private rise(start: number): void {
    for (let index = start; index > 0; ) {
      const parent = (index - 1) >> 1
      if (!this.before(index, parent)) return
      this.swap(index, parent)
      index = parent
    }
  }

  private sink(start: number): void {
    for (let index = start; ; ) {
      let least = index
      for (const child of [2 * index + 1, 2 * index + 2])
        if (child < this.heap.length && this.before(child, least)) least = child
      if (least === index) return
      this.swap(index, least)
      index = least
    }
  }
}
