/** The checker of histories is checked: by hand-made histories, by a brute-force oracle, and by registers that are real. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Random } from '../sim/random.ts'
import {
  type History,
  type Operation,
  type Read,
  stepOf,
  type Version,
  type Write,
} from '../support/linearizability/history.ts'
import { linearize } from '../support/linearizability/linearize.ts'
import { brokenPromises, PROMISES, type Promised } from '../support/linearizability/promises.ts'

// ── histories by hand ───────────────────────────────────────────────────────────────────────────────────────────────

type Where = { node?: number; run?: number; field?: string }
const at = (client: string, { node = 0, run = 1, field = 'f' }: Where, invokedMs: number) => ({
  client,
  node,
  run,
  field,
  invokedMs,
})

/** A write of `value` over `seen`, accepted in ledger block `height`. */
const accepted = (
  invokedMs: number,
  answeredMs: number,
  seen: string,
  value: string,
  height: number,
  where: Where = {},
): Write => ({
  ...at('w', where, invokedMs),
  kind: 'write',
  answeredMs,
  seen,
  value,
  outcome: 'accepted',
  height,
})
const conflicted = (
  invokedMs: number,
  answeredMs: number,
  seen: string,
  value: string,
  where: Where = {},
): Write => ({
  ...at('w', where, invokedMs),
  kind: 'write',
  answeredMs,
  seen,
  value,
  outcome: 'conflicted',
})
const unknown = (invokedMs: number, seen: string, value: string, where: Where = {}): Write => ({
  ...at('w', where, invokedMs),
  kind: 'write',
  seen,
  value,
  outcome: 'unknown',
})
const read =
  (of: Read['of']) =>
  (invokedMs: number, answeredMs: number, value: string, height: number, where: Where = {}): Read => ({
    ...at('r', where, invokedMs),
    kind: 'read',
    of,
    answeredMs,
    value,
    height,
  })
const final = read('final')
const confirmed = read('confirmed')
const tentative = read('tentative')

/** The ledger of field f: its values at heights 0, 1, 2, … */
const ledger = (...values: string[]): ReadonlyMap<string, Version[]> =>
  new Map([['f', values.map((value, height) => ({ value, height }))]])

const REGISTER: Promised = 'writes and confirmed reads are linearizable over all nodes'
const NODE: Promised = 'final reads and writes at one node are linearizable there'
const ORDER: Promised = 'all nodes show one order, and each write in it once'
const BACK: Promised = 'what one node shows as final never goes back'
const EVERYWHERE: Promised = 'what one node has shown as final, every node shows as at least tentative'

type Case = [title: string, ledger: History['ledger'], operations: Operation[], broken?: Promised[]]

const GOOD: Case[] = [
  [
    'one after the other',
    ledger('a', 'b', 'c'),
    [
      final(0, 1, 'a', 0),
      accepted(2, 3, 'a', 'b', 1),
      confirmed(4, 5, 'b', 1),
      accepted(6, 7, 'b', 'c', 2),
      final(8, 9, 'c', 2),
    ],
  ],
  [
    'of two at once one is accepted and one conflicted',
    ledger('a', 'b'),
    [accepted(0, 9, 'a', 'b', 1), conflicted(1, 8, 'a', 'x', { node: 1 }), final(10, 11, 'b', 1)],
  ],
  [
    'during a write either value is read',
    ledger('a', 'b'),
    [
      accepted(0, 9, 'a', 'b', 1),
      confirmed(1, 2, 'a', 0),
      confirmed(3, 5, 'b', 1, { node: 1 }),
      confirmed(4, 6, 'a', 0, { node: 2 }),
    ],
  ],
  ['a write without an answer never comes', ledger('a'), [unknown(0, 'a', 'b'), confirmed(5, 6, 'a', 0)]],
  [
    'a write without an answer comes late',
    ledger('a', 'b'),
    [unknown(0, 'a', 'b'), confirmed(5, 6, 'a', 0), confirmed(7, 8, 'b', 1)],
  ],
  [
    'a write without an answer must have come, for another rests on it',
    ledger('a', 'b', 'c'),
    [unknown(0, 'a', 'b'), accepted(1, 9, 'b', 'c', 2), confirmed(10, 11, 'c', 2)],
  ],
  [
    'of two without an answer the second came first and the first not at all',
    ledger('a', 'c'),
    [unknown(0, 'a', 'b'), unknown(1, 'a', 'c'), conflicted(2, 3, 'a', 'd'), confirmed(4, 5, 'c', 1)],
  ],
  [
    'another node is behind',
    ledger('a', 'b'),
    [
      accepted(0, 1, 'a', 'b', 1),
      final(2, 3, 'a', 0, { node: 1 }),
      tentative(2, 3, 'b', 1, { node: 1 }),
      final(4, 5, 'b', 1, { node: 1 }),
    ],
  ],
  [
    'a client conflicts with what its node does not show yet',
    ledger('a', 'b'),
    [accepted(0, 1, 'a', 'b', 1), conflicted(2, 5, 'a', 'x', { node: 1 }), final(3, 4, 'a', 0, { node: 1 })],
  ],
  [
    'a node that was started anew shows what it had shown',
    ledger('a', 'b'),
    [accepted(0, 1, 'a', 'b', 1), final(2, 3, 'b', 1), final(4, 5, 'b', 1, { run: 2 })],
  ],
  [
    'two fields',
    new Map([
      [
        'f',
        [
          { height: 0, value: 'a' },
          { height: 2, value: 'b' },
        ],
      ],
      [
        'g',
        [
          { height: 0, value: 'p' },
          { height: 1, value: 'q' },
        ],
      ],
    ]),
    [
      accepted(0, 5, 'a', 'b', 2),
      accepted(1, 4, 'p', 'q', 1, { field: 'g' }),
      final(6, 7, 'q', 2, { field: 'g' }),
      final(6, 7, 'b', 2),
    ],
  ],
]

const BAD: Case[] = [
  [
    'a lost update',
    ledger('a', 'b', 'c'),
    [accepted(0, 1, 'a', 'b', 1), accepted(2, 3, 'a', 'c', 2)],
    [REGISTER, NODE, ORDER],
  ],
  [
    'a lost update by two at once, at two nodes',
    ledger('a', 'b', 'c'),
    [accepted(0, 9, 'a', 'b', 1), accepted(0, 9, 'a', 'c', 2, { node: 1 })],
    [REGISTER, ORDER],
  ],
  [
    'a stale confirmed read',
    ledger('a', 'b'),
    [accepted(0, 1, 'a', 'b', 1), confirmed(2, 3, 'a', 0, { node: 1 })],
    [REGISTER, EVERYWHERE],
  ],
  [
    'confirmed reads that go back from node to node',
    ledger('a', 'b'),
    [accepted(0, 9, 'a', 'b', 1), confirmed(1, 2, 'b', 1), confirmed(3, 4, 'a', 0, { node: 1 })],
    [REGISTER, EVERYWHERE],
  ],
  [
    'an own write that its node does not show',
    ledger('a', 'b'),
    [accepted(0, 1, 'a', 'b', 1), final(2, 3, 'a', 0)],
    [NODE, BACK],
  ],
  [
    'final reads that go back',
    ledger('a', 'b'),
    [unknown(0, 'a', 'b', { node: 1 }), final(1, 2, 'b', 1), final(3, 4, 'a', 0)],
    [NODE, BACK],
  ],
  [
    'final reads that go back from field to field',
    new Map([
      [
        'f',
        [
          { height: 0, value: 'a' },
          { height: 1, value: 'b' },
        ],
      ],
      [
        'g',
        [
          { height: 0, value: 'p' },
          { height: 2, value: 'q' },
        ],
      ],
    ]),
    [
      accepted(0, 9, 'a', 'b', 1, { node: 1 }),
      accepted(0, 9, 'p', 'q', 2, { node: 1, field: 'g' }),
      final(1, 2, 'q', 2, { field: 'g' }),
      final(3, 4, 'b', 1),
    ],
    [BACK],
  ],
  [
    'a value that nobody wrote',
    ledger('a', 'b'),
    [accepted(0, 1, 'a', 'b', 1), final(2, 3, 'z', 1)],
    [NODE, ORDER],
  ],
  ['a value in the ledger that nobody wrote', ledger('a', 'z'), [final(0, 1, 'a', 0)], [ORDER]],
  [
    'a write without an answer that must have come, and is gone',
    ledger('a', 'b'),
    [unknown(0, 'a', 'b'), confirmed(1, 2, 'b', 1), confirmed(3, 4, 'a', 0)],
    [REGISTER, NODE, BACK, EVERYWHERE],
  ],
  [
    'a write without an answer that another rests on, and is read from before',
    ledger('a', 'b', 'c'),
    [unknown(0, 'a', 'b'), accepted(1, 2, 'b', 'c', 2), confirmed(3, 4, 'b', 1)],
    [REGISTER, NODE, BACK, EVERYWHERE],
  ],
  [
    'a write that takes effect twice',
    ledger('a', 'b', 'c', 'b'),
    [accepted(0, 1, 'a', 'b', 1), accepted(2, 3, 'b', 'c', 2), confirmed(4, 5, 'b', 3)],
    [REGISTER, NODE, ORDER],
  ],
  [
    'a conflict with nothing',
    ledger('a'),
    [conflicted(0, 1, 'a', 'b'), confirmed(2, 3, 'a', 0)],
    [REGISTER, NODE],
  ],
  [
    'a write that was refused and took effect',
    ledger('a', 'b'),
    [conflicted(0, 1, 'a', 'b')],
    [REGISTER, NODE, ORDER],
  ],
  ['a write that was accepted and is gone', ledger('a'), [accepted(0, 1, 'a', 'b', 1)], [ORDER]],
  [
    'a write that is read before it was made',
    ledger('a', 'b'),
    [confirmed(0, 1, 'b', 1), accepted(2, 3, 'a', 'b', 1)],
    [REGISTER, NODE],
  ],
  [
    'two nodes with two orders',
    ledger('a', 'b', 'c'),
    [
      accepted(0, 9, 'a', 'b', 1),
      accepted(0, 9, 'b', 'c', 2),
      final(10, 11, 'c', 1, { node: 1 }),
      final(12, 13, 'b', 2, { node: 1 }),
    ],
    [NODE, ORDER],
  ],
  [
    'a tentative read that misses what was acknowledged',
    ledger('a', 'b'),
    [accepted(0, 1, 'a', 'b', 1), tentative(2, 3, 'a', 0, { node: 1 })],
    [EVERYWHERE],
  ],
  [
    'a node that was started anew is behind what it had shown, but as tentative',
    ledger('a', 'b'),
    [
      accepted(0, 1, 'a', 'b', 1),
      final(2, 3, 'b', 1),
      final(4, 5, 'a', 0, { run: 2 }),
      tentative(6, 7, 'b', 1, { run: 2 }),
      final(8, 9, 'b', 1, { run: 2 }),
    ],
    [NODE, BACK],
  ],
  [
    'a node that was started anew, and goes back from there',
    ledger('a', 'b'),
    [accepted(0, 1, 'a', 'b', 1), final(2, 3, 'b', 1, { run: 2 }), final(4, 5, 'a', 0, { run: 2 })],
    [NODE, BACK],
  ],
  [
    'an expired write that is read',
    ledger('a', 'b'),
    [{ ...unknown(0, 'a', 'b'), outcome: 'expired', answeredMs: 1 }, final(2, 3, 'b', 1)],
    [NODE, ORDER],
  ],
]

describe('histories by hand', () => {
  it.each(GOOD)('is good: %s', (_, ledger, operations) => {
    expect(brokenPromises({ ledger, operations })).toEqual({})
  })

  it.each(BAD)('is bad: %s', (_, ledger, operations, broken) => {
    expect(Object.keys(brokenPromises({ ledger, operations }))).toEqual(broken)
  })
})

it('docs/consistency.md makes every promise that is checked', () => {
  const text = readFileSync('docs/consistency.md', 'utf8').replaceAll(/\s+/g, ' ')
  for (const promise of Object.keys(PROMISES))
    expect(text).toContain(`- **${promise.charAt(0).toUpperCase()}${promise.slice(1)}`)
})

// ── against an oracle ───────────────────────────────────────────────────────────────────────────────────────────────

/** Tries every subset of what may be left out, in every sequence that keeps to real time, on a plain register. */
function isLinearizable(initial: string, operations: readonly Operation[]): boolean {
  const [first] = operations
  if (first === undefined) return true
  return operations.some((operation, index) => {
    if (operations.some(({ answeredMs }) => answeredMs !== undefined && answeredMs < operation.invokedMs))
      return false
    const others = operations.toSpliced(index, 1)
    if (operation.kind === 'read') return operation.value === initial && isLinearizable(initial, others)
    if (operation.outcome === 'unknown' && isLinearizable(initial, others)) return true
    const isApplied = operation.seen === initial
    if (operation.outcome === 'accepted' && !isApplied) return false
    if (operation.outcome === 'conflicted' && isApplied) return false
    return isLinearizable(isApplied ? operation.value : initial, others)
  })
}

const judge = (operations: readonly Operation[]): boolean =>
  linearize(
    'v0',
    operations.flatMap((one) => stepOf(one) ?? []),
  ).linearizable

/** What a real register answers to random clients that overlap, some of which never hear of it. */
function realHistory(random: Random, count: number): Operation[] {
  let value = 'v0'
  const known = [value]
  return Array.from({ length: count }, (_, index): Operation => {
    const effectMs = (index + 1) * 10
    const invokedMs = effectMs - random.integer(0, 59)
    const answeredMs = effectMs + random.integer(0, 59)
    if (random.chance(0.5)) return confirmed(invokedMs, answeredMs, value, 0)
    const next = `v${index + 1}`
    const seen = random.chance(0.6) ? value : (random.pick(known) as string)
    const isLost = random.chance(0.15)
    known.push(next)
    if (isLost && random.chance(0.5)) return unknown(invokedMs, seen, next)
    const isAccepted = seen === value
    if (isAccepted) value = next
    if (isLost) return unknown(invokedMs, seen, next)
    return isAccepted
      ? accepted(invokedMs, answeredMs, seen, next, 0)
      : conflicted(invokedMs, answeredMs, seen, next)
  })
}

/** The same with one answer changed. */
function mutated(random: Random, operations: readonly Operation[]): Operation[] {
  const answered = operations.flatMap(({ answeredMs }, index) => (answeredMs === undefined ? [] : [index]))
  const chosen = random.pick(answered)
  return operations.map((one, index): Operation => {
    if (index !== chosen) return one
    if (one.kind === 'write')
      return { ...one, outcome: one.outcome === 'accepted' ? 'conflicted' : 'accepted' }
    const others = ['v0', ...operations.flatMap((other) => (other.kind === 'write' ? [other.value] : []))]
    return {
      ...one,
      value: random.pick([...others.filter((value) => value !== one.value), 'nobody’s']) as string,
    }
  })
}

describe('the search', () => {
  it('agrees with brute force on small histories, good and bad', () => {
    const random = new Random(1)
    const verdicts = { real: 0, mutatedGood: 0, mutatedBad: 0 }
    for (let round = 0; round < 3000; round += 1) {
      const real = realHistory(random, 2 + random.integer(0, 5))
      expect(judge(real) && isLinearizable('v0', real), JSON.stringify(real)).toBe(true)
      verdicts.real += 1
      const changed = mutated(random, mutated(random, real))
      const verdict = isLinearizable('v0', changed)
      expect(judge(changed), JSON.stringify(changed)).toBe(verdict)
      verdicts[verdict ? 'mutatedGood' : 'mutatedBad'] += 1
    }
    expect(verdicts.mutatedGood).toBeGreaterThan(200)
    expect(verdicts.mutatedBad).toBeGreaterThan(200)
  })

  it('accepts whatever a real register answers, and hardly ever with one answer changed', () => {
    const random = new Random(2)
    let rejected = 0
    for (let round = 0; round < 200; round += 1) {
      const real = realHistory(random, 150)
      expect(judge(real)).toBe(true)
      if (!judge(mutated(random, real))) rejected += 1
    }
    expect(rejected).toBeGreaterThan(180)
  })

  it('finds the sequence: it explains every answer', () => {
    const real = realHistory(new Random(3), 60)
    const verdict = linearize(
      'v0',
      real.flatMap((one) => stepOf(one) ?? []),
    )
    expect(verdict.linearizable).toBe(true)
    expect(verdict.order.filter(({ operation }) => operation.answeredMs !== undefined)).toHaveLength(
      real.filter(({ answeredMs }) => answeredMs !== undefined).length,
    )
    let state: string | undefined = 'v0'
    for (const step of verdict.order) {
      state = step.next(state as string)
      expect(state).toBeDefined()
    }
  })
})
