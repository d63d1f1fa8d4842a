/**
 * Whether concurrent operations on one thing can be put into one sequence that explains every answer and keeps to real time:
 * an operation that was answered before another was begun comes before it (Herlihy & Wing 1990).
 *
 * The search is Wing and Gong's (1993) with Lowe's memory of configurations (2017): a set of operations done and the state
 * they leave is tried once, however it was reached. One field is one thing: where each field has its sequence, all of them
 * together have one (Herlihy and Wing's locality), so histories are cut by field.
 */

/** One operation. Times in ms of one clock that never goes back. */
export type Step = {
  invokedMs: number
  /** Absent where no answer came: then it may take effect at any time after, or never. */
  answeredMs?: number
  /** The state after it; undefined where its answer can't be given in this state. */
  next(state: string): string | undefined
}

export type Verdict<One extends Step> =
  | { linearizable: true; order: One[] }
  /** The longest sequence found, the state it leaves, and the operation that had to come next at the latest. */
  | { linearizable: false; order: One[]; state: string; stuck: One }

export function linearize<One extends Step>(initial: string, steps: readonly One[]): Verdict<One> {
  const search = new Search(initial, steps)
  return search.run()
}

class Search<One extends Step> {
  private readonly initial: string
  /** By time of answer, those without one last: the first not done says what may come next. */
  private readonly steps: readonly One[]
  private readonly answered: number
  /** Of each answered step and all answered behind it: when the earliest was begun. */
  private readonly begunMs: number[]
  private readonly done: boolean[]
  /** Indexes of what is done, in sequence. */
  private readonly sequence: number[] = []
  /** All before it are done. */
  private first = 0
  private readonly tried = new Set<string>()
  private longest: { sequence: number[]; state: string; stuck: number } = {
    sequence: [],
    state: '',
    stuck: 0,
  }

  constructor(initial: string, steps: readonly One[]) {
    this.initial = initial
    const endMs = ({ answeredMs = Number.POSITIVE_INFINITY }: Step): number => answeredMs
    this.steps = steps.toSorted((one, other) => endMs(one) - endMs(other))
    this.answered = steps.filter(({ answeredMs }) => answeredMs !== undefined).length
    this.done = steps.map(() => false)
    this.begunMs = this.steps.map(({ invokedMs }) => invokedMs)
    for (let index = this.answered - 2; index >= 0; index -= 1)
      this.begunMs[index] = Math.min(this.begunMs[index] as number, this.begunMs[index + 1] as number)
  }

  run(): Verdict<One> {
    if (this.goesOn(this.initial)) return { linearizable: true, order: this.stepsOf(this.sequence) }
    const { sequence, state, stuck } = this.longest
    return { linearizable: false, order: this.stepsOf(sequence), state, stuck: this.steps[stuck] as One }
  }

  private stepsOf(indexes: readonly number[]): One[] {
    return indexes.map((index) => this.steps[index] as One)
  }

  /** Whether all that was answered fits behind what is done already. If not, nothing is changed. */
  private goesOn(state: string): boolean {
    const before = this.sequence.length
    this.takeIdle(state)
    if (this.first >= this.answered) return true
    if (this.sequence.length >= this.longest.sequence.length)
      this.longest = { sequence: [...this.sequence], state, stuck: this.first }
    const configuration = `${this.done.map(Number).join('')} ${state}`
    if (!this.tried.has(configuration)) {
      this.tried.add(configuration)
      for (const [index, next] of this.possible(state)) {
        this.take(index)
        if (this.goesOn(next)) return true
        this.giveBack(this.sequence.length - 1)
      }
    }
    this.giveBack(before)
    return false
  }

  /** What may come now and leaves the state as it is comes now: nothing is lost by it, wherever else it could stand. */
  private takeIdle(state: string): void {
    for (let found = true; found; ) {
      found = false
      for (const [index, next] of this.possible(state))
        if (next === state) {
          this.take(index)
          found = true
        }
    }
  }

  /** What real time lets come next and whose answer fits, with the state it leaves. */
  private possible(state: string): [index: number, next: string][] {
    if (this.first >= this.answered) return []
    const latestMs = this.steps[this.first]?.answeredMs as number
    const found: [number, string][] = []
    for (let index = this.first; index < this.steps.length; index += 1) {
      // Nothing answered later was begun in time.
      if (index < this.answered && (this.begunMs[index] as number) > latestMs) index = this.answered
      const step = this.steps[index]
      if (step === undefined || this.done[index] || step.invokedMs > latestMs) continue
      const next = step.next(state)
      if (next !== undefined) found.push([index, next])
    }
    return found
  }

  private take(index: number): void {
    this.done[index] = true
    this.sequence.push(index)
    while (this.done[this.first]) this.first += 1
  }

  /** Takes back all but the first `length` of what is done. */
  private giveBack(length: number): void {
    for (const index of this.sequence.splice(length)) {
      this.done[index] = false
      this.first = Math.min(this.first, index)
    }
  }
}
