import fc from 'fast-check'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { type Failure, Standstill } from '../../test/support/fragile-files.ts'
import { FragileJournal, numbersOf, record } from '../../test/support/fragile-journal.ts'
import { CountersignError } from '../crypto/errors.ts'

let machine = new FragileJournal()

afterEach(() => renew())

/** A new machine with an empty disk. */
function renew(): void {
  machine.remove()
  machine = new FragileJournal()
}
afterAll(() => machine.remove())

describe('a machine that stands still', () => {
  /** Opens, appends, compacts and appends again; says what of it was acknowledged. */
  function work(acknowledged: number[][]): void {
    const journal = machine.open()
    const done = (...numbers: number[]): void => void acknowledged.push(numbers)
    journal.append([record(1)])
    done(1)
    journal.append([record(2), record(3)])
    done(1, 2, 3)
    journal.compact?.([record(6)])
    done(6)
    journal.append([record(7)])
    done(6, 7)
    machine.end()
    machine.open().append([record(8)])
    done(6, 7, 8)
  }

  it('[SGN-2] [SGN-3] at each single step holds all that was acknowledged, and opens', () => {
    const states = [[], [1], [1, 2, 3], [6], [6, 7], [6, 7, 8]]
    let step = 0
    for (; ; step += 1) {
      renew()
      machine.files.callsLeft = step
      const acknowledged: number[][] = [[]]
      let stood = false
      try {
        work(acknowledged)
      } catch (error) {
        if (!machine.files.stoodStill) throw error
        stood = true
      }
      machine.end()
      machine.files.restart()
      const found = numbersOf(machine.open().load())
      const last = acknowledged.length - 1
      expect(states.slice(last, last + 2), `step ${step}`).toContainEqual(found)
      machine.end()
      if (!stood) break
    }
    expect(step).toBeGreaterThan(30)
  })

  type Step =
    | { do: 'append'; count: number }
    | { do: 'compact' | 'reopen' }
    | { do: 'fail'; failure: Failure }
    | { do: 'cut'; callsLeft: number; choices: number[] }

  const failure = fc.record({
    operation: fc.constantFrom<Failure['operation']>(
      'openSync',
      'writeSync',
      'ftruncateSync',
      'fdatasyncSync',
      'fsyncSync',
      'renameSync',
      'unlinkSync',
    ),
    error: fc.constantFrom('ENOSPC', 'EIO', 'EINTR'),
    after: fc.oneof(fc.boolean(), fc.integer({ min: 0, max: 200 })),
  })
  const steps = fc.array(
    fc.oneof<fc.WeightedArbitrary<Step>[]>(
      {
        weight: 8,
        arbitrary: fc.record({ do: fc.constant('append' as const), count: fc.integer({ min: 1, max: 3 }) }),
      },
      { weight: 2, arbitrary: fc.constant<Step>({ do: 'compact' }) },
      { weight: 1, arbitrary: fc.constant<Step>({ do: 'reopen' }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('fail' as const), failure }) },
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant('cut' as const),
          callsLeft: fc.integer({ min: 0, max: 12 }),
          choices: fc.array(fc.nat(), { minLength: 6, maxLength: 6 }),
        }),
      },
    ),
    { minLength: 1, maxLength: 40 },
  )

  /** A journal of numbers in a row, through everything that can happen to it. */
  class Life {
    /** The highest number acknowledged, and the highest that may be there. */
    certain = 0
    possible = 0
    next = 1
    cuts = 0
    private choices: number[] | undefined

    run(step: Step): void {
      if (step.do === 'fail') machine.files.failures.push(step.failure)
      if (step.do === 'cut') {
        machine.files.callsLeft = step.callsLeft
        this.choices = step.choices
      }
      try {
        if (machine.opened === undefined) this.reopen()
        if (step.do === 'append') this.append(step.count)
        else if (step.do === 'compact') this.compact()
        else if (step.do === 'reopen') this.reopen()
      } catch (error) {
        if (!(error instanceof Standstill) && !(error instanceof CountersignError)) throw error
      }
      if (machine.files.stoodStill) this.cut()
    }

    private append(count: number): void {
      const numbers = Array.from({ length: count }, (_, index) => ({ n: this.next + index }))
      const last = this.next + count - 1
      this.possible = Math.max(this.possible, last)
      machine.opened?.append(numbers)
      this.certain = last
      this.possible = last
      this.next = last + 1
    }

    private compact(): void {
      // What failed before is undone by now, or makes this fail.
      machine.opened?.compact?.([{ n: this.certain, all: true }])
    }

    reopen(): void {
      machine.end()
      const found = (machine.open().load() as { n: number; all?: true }[]).map((one, index) => {
        expect(one.all === undefined || index === 0).toBe(true)
        return one
      })
      const start = found[0]?.all ? (found[0].n as number) : 0
      const rest = found[0]?.all ? found.slice(1) : found
      expect(rest.map(({ n }) => n)).toEqual(rest.map((_, index) => start + index + 1))
      const last = start + rest.length
      expect(last).toBeGreaterThanOrEqual(this.certain)
      expect(last).toBeLessThanOrEqual(Math.max(this.certain, this.possible))
      this.certain = last
      this.possible = last
      this.next = last + 1
    }

    private cut(): void {
      this.cuts += 1
      machine.end()
      const { choices = [] } = this
      let index = 0
      machine.files.powerCut((below) => {
        index += 1
        return (choices[index % choices.length] ?? 0) % below
      })
    }
  }

  it('[SGN-2] [SGN-3] never loses what was acknowledged, nor its use, whatever fails and whenever the power goes', () => {
    let cuts = 0
    let appended = 0
    fc.assert(
      fc.property(steps, (life) => {
        renew()
        const journal = new Life()
        try {
          for (const step of life) journal.run(step)
          machine.end()
          machine.files.restart()
          journal.reopen()
          machine.opened?.append([{ n: journal.next }])
        } finally {
          machine.end()
        }
        cuts += journal.cuts
        appended += journal.certain
      }),
      { numRuns: 300 },
    )
    expect(cuts).toBeGreaterThan(40)
    expect(appended).toBeGreaterThan(400)
  })
})
