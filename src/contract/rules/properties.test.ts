/** Whatever parties send: every node comes to the same, nothing throws, and what is refused changes nothing. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Agreement, type Came } from '../../../test/support/agreement.ts'
import {
  agreeAll,
  document,
  move,
  names,
  operationsOf,
  uidsOf,
} from '../../../test/support/random-requests.ts'
import type { Operation } from '../../ledger/request.ts'
import { conflictsOf } from './conflicts.ts'
import { ruleSentence } from './sentence.ts'
import { elementStatus } from './status.ts'

/** Of the sequences of one seed. */
const CODES = [
  'access-denied',
  'bad-rule',
  'constraint-broken',
  'derived-field',
  'gone',
  'locked',
  'not-active',
  'not-agreed',
  'publish accepted',
  'settle accepted',
]

describe('any sequence of requests', () => {
  const holds = (parameters: fc.Parameters<unknown>): Set<string> => {
    const seen = new Set<string>()
    fc.assert(
      fc.property(fc.array(move, { minLength: 10, maxLength: 45 }), (moves) => {
        const one = new Agreement([...names], document)
        one.rule('Acme', ['Rate'], {
          kind: 'access',
          actions: ['propose'],
          grants: [{ party: one.party('Acme') }],
        })
        one.rule('Acme', ['Due'], { kind: 'assignment', expression: 'Amount * Rate / 100' })
        one.rule('Beta', ['Tax'], { kind: 'activation', expression: 'Country = "DE"' })
        one.rule('Beta', ['Tax', 'Number'], { kind: 'approval', count: 2 })
        one.rule('Cove', ['Amount'], { kind: 'limits', max: '100' })
        one.rule('Cove', [], { kind: 'constraint', expression: 'sum(Lines.Share) <= 150', message: 'm' })
        for (const step of moves) {
          if (step.kind === 'wait') one.wait(step.a % 3)
          if (step.kind === 'publish' && step.b % 2 === 0) agreeAll(one)
          const operations = operationsOf(one, step)
          if (operations.length === 0) continue
          const before = one.state
          // Executed three times and compared: computed, taken from the entry, and on the state read again.
          const came: Came = one.run(step.by, ...operations)
          seen.add(came.code ?? `${step.kind} accepted`)
          if (came.outcome !== 'accepted') expect(one.state).toBe(before)
          for (const conflict of conflictsOf(one.state, one.openings, one.timeMs))
            expect(conflict.ways).not.toEqual([])
        }
        for (const { rule } of one.state.governance.law.rules.values())
          expect(ruleSentence(rule, (party) => party)).toMatch(/\.$/)
        for (const uid of uidsOf(one)) expect(elementStatus(one.state, uid)).toBeDefined()
      }),
      parameters,
    )
    return seen
  }

  it('[RUL-3] [REQ-4] gives one record hash however it is executed, throws nothing, and changes nothing where it is refused', () => {
    holds({ numRuns: 25 })
  })

  it('[RUL-3] is of many sorts', () => {
    const seen = holds({ numRuns: 30, seed: 20261121 })
    for (const code of CODES) expect([...seen].sort()).toContain(code)
  })

  it('[RUL-3] rules compute the same whatever their UIDs, and so their order, are', () => {
    const chain: [string, string][] = [
      ['B', 'A * 2'],
      ['C', 'B + A'],
      ['D', 'if E.X = null then C else C + E.X'],
      ['F', 'D + sum(L.S)'],
    ]
    const shuffled = fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5, maxLength: 5 })
    fc.assert(
      fc.property(
        shuffled,
        fc.array(fc.integer({ min: -5, max: 20 }), { minLength: 1, maxLength: 6 }),
        (order, values) => {
          const run = (uids: (index: number) => string): unknown[] => {
            const one = new Agreement(
              ['Acme'],
              '{"A": 1, "B": 0, "C": 0, "D": 0, "E": {"X": 3}, "F": 0, "L": [{"S": 1}]}',
            )
            const drafts = chain.map(
              ([field, expression], index): Operation => ({
                op: 'draft',
                uid: uids(index),
                action: {
                  do: 'add',
                  rule: {
                    at: one.state.rootUid,
                    path: [field],
                    behaviour: { kind: 'assignment', expression },
                  },
                },
              }),
            )
            drafts.push({
              op: 'draft',
              uid: uids(4),
              action: {
                do: 'add',
                rule: {
                  at: one.state.rootUid,
                  path: ['E'],
                  behaviour: { kind: 'activation', expression: 'C > 10' },
                },
              },
            })
            one.run('Acme', ...drafts)
            one.run('Acme', { op: 'publish', drafts: [0, 1, 2, 3, 4].map(uids) })
            return values.map((value) => {
              one.set('Acme', '/A', `${value}`)
              return ['A', 'B', 'C', 'D', 'F'].map((field) => one.value(`/${field}`))
            })
          }
          const straight = run((index) => `${index}`.repeat(32).replace(/^0/, '1'))
          expect(run((index) => `${order[index]}`.repeat(32).replace(/^0/, '1'))).toEqual(straight)
        },
      ),
      { numRuns: 15 },
    )
  })
})
