/** Whatever parties send: every node comes to the same, nothing throws, and what is refused changes nothing. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Agreement, type Came } from '../../../test/support/agreement.ts'
import type { Behaviour } from '../../ledger/behaviour.ts'
import type { Operation } from '../../ledger/request.ts'
import { childrenOf, element, stateRoot } from '../state.ts'
import { conflictsOf } from './conflicts.ts'
import { ruleSentence } from './sentence.ts'
import { elementStatus } from './status.ts'

const names = ['Acme', 'Beta', 'Cove'] as const
const document =
  '{"Country": "DE", "Amount": 100, "Rate": 2.5, "Due": 0.0, "Total": 0.0, "Tax": {"Number": "", "Share": 5}, ' +
  '"Lines": [{"Who": "a", "Share": 60}, {"Who": "b", "Share": 40}]}'
const paths: string[][] = [
  ['Country'],
  ['Amount'],
  ['Rate'],
  ['Due'],
  ['Total'],
  ['Tax'],
  ['Tax', 'Number'],
  ['Tax', 'Share'],
  ['Lines'],
  ['Lines', 'Who'],
  ['Lines', 'Share'],
  [],
  ['Nothing'],
]
const expressions = [
  'Amount * Rate / 100',
  'sum(Lines.Share)',
  'sum(_.Lines.Share) <= 100',
  'Country = "DE"',
  'Due + Tax.Share',
  'count(Lines) > 1',
  'every l in Lines satisfies l.Share > 0',
  'Share <= 100',
  'Total > 50',
  'if Tax.Number = null then 0 else 1',
  'Amount + ',
  'Missing > 1',
]

type Move = { by: (typeof names)[number]; kind: string; a: number; b: number; text: string; yes: boolean }
const move: fc.Arbitrary<Move> = fc.record({
  by: fc.constantFrom(...names),
  kind: fc.constantFrom(
    'set',
    'set',
    'set',
    'add',
    'delete',
    'draft',
    'draft',
    'vote',
    'publish',
    'lock',
    'unlock',
    'withdraw',
    'settle',
    'phase',
    'move',
    'rename',
    'wait',
    'clear',
    'switch',
  ),
  a: fc.nat(1000),
  b: fc.nat(1000),
  text: fc.constantFrom('1', '50', '101', '-3', '2.5', 'DE', 'FR', ''),
  yes: fc.boolean(),
})

const pick = <T>(list: readonly T[], index: number): T => list[index % list.length] as T

function behaviour(one: Agreement, { a, b, by, yes }: Move): Behaviour {
  const expression = pick(expressions, b)
  const grants = yes ? [{ party: one.party(by) }] : names.map((name) => ({ party: one.party(name) }))
  return pick<Behaviour>(
    [
      { kind: 'constraint', expression, message: 'm' },
      { kind: 'assignment', expression },
      { kind: 'activation', expression },
      { kind: 'limits', max: '100' },
      { kind: 'required' },
      { kind: 'unique', by: ['Share'] },
      { kind: 'access', actions: [yes ? 'propose' : 'add'], grants },
      { kind: 'approval', count: 1 + (b % 3), ...(yes && { several: true as const }) },
      { kind: 'ownership', owner: one.party(by) },
      { kind: 'phases', names: ['one', 'two'] },
      { kind: 'trigger', when: { kind: 'expression', expression }, actions: [{ do: 'phase', to: 'two' }] },
      {
        kind: 'trigger',
        when: { kind: 'phase', phase: 'two' },
        actions: [{ do: 'activate', target: ['Tax'] }],
      },
    ],
    a,
  )
}

function uidsOf(one: Agreement): string[] {
  const uids = [one.state.rootUid]
  for (const uid of uids) uids.push(...childrenOf(one.state, uid))
  return uids
}

function recordsOf(one: Agreement, kind: string): string[] {
  return [...one.state.map].flatMap(([uid, record]) =>
    'kind' in record && record.kind === kind ? [uid] : [],
  )
}

/** The operations of a move; none where there is nothing to do it to. */
function operationsOf(one: Agreement, step: Move): Operation[] {
  const { kind, a, b, text, yes } = step
  const uids = uidsOf(one)
  const fields = uids.filter((uid) => element(one.state, uid)?.kind === 'field')
  const open = [...recordsOf(one, 'draft'), ...recordsOf(one, 'proposal'), ...recordsOf(one, 'rule')]
  const [lock] = recordsOf(one, 'lock')
  switch (kind) {
    case 'set':
    case 'clear': {
      const uid = pick(fields, a)
      if (uid === undefined) return []
      const { type = 'text' } = element(one.state, uid) ?? {}
      const isNumber = type === 'integer' || type === 'decimal'
      const value = kind === 'clear' ? undefined : isNumber ? (/^-?[0-9]+$/.test(text) ? text : '7') : text
      return [one.settingOf(uid, value)]
    }
    case 'add':
      return one.addingTo(
        pick(
          uids.filter((uid) => element(one.state, uid)?.kind === 'list'),
          a,
        ) ?? one.state.rootUid,
        'item',
        `{"Who": "c", "Share": ${b % 120}}`,
      )
    case 'delete':
      return [one.deleting(pick(uids, a) as string)]
    case 'draft':
      return [
        {
          op: 'draft',
          uid: one.uid(),
          action: {
            do: 'add',
            rule: {
              at: one.state.rootUid,
              path: pick(paths, b),
              behaviour: behaviour(one, step),
              ...(yes && { set: 'Some' }),
            },
          },
        },
      ]
    case 'vote':
      return open.length === 0 ? [] : [{ op: 'vote-on', uid: pick(open, a), yes: yes || b % 3 > 0 }]
    case 'withdraw':
      return open.length === 0 ? [] : [{ op: 'withdraw', uid: pick(open, a) }]
    case 'publish': {
      const drafts = recordsOf(one, 'draft')
      return drafts.length === 0 ? [] : [{ op: 'publish', drafts: yes ? drafts : [pick(drafts, a)] }]
    }
    case 'lock':
      return [
        { op: 'lock', uid: yes && lock ? lock : one.uid(), on: pick(uids, a) as string, leaseMs: 60_000 },
      ]
    case 'unlock':
      return lock ? [{ op: 'unlock', uid: lock }] : []
    case 'settle':
      return [{ op: 'settle', record: one.state.governance.settlement?.record ?? stateRoot(one.state) }]
    case 'phase':
      return [{ op: 'phase', from: one.state.governance.workflow.phase, to: pick(['one', 'two'], a) }]
    case 'move': {
      const uid = pick(uids, a) as string
      return [
        {
          op: 'move',
          uid,
          from: element(one.state, uid)?.parent ?? uid,
          parent: pick(uids, b) as string,
          order: 'a5',
        },
      ]
    }
    case 'rename': {
      const uid = pick(uids, a) as string
      return [
        {
          op: 'rename',
          uid,
          from: element(one.state, uid)?.name || 'x',
          name: pick(['Amount', 'Other', 'item'], b),
        },
      ]
    }
    case 'switch':
      return [{ op: 'draft', uid: one.uid(), action: { do: 'switch', set: 'Some', on: yes } }]
    default:
      return []
  }
}

/** Has everybody say yes to every draft, so that rules come into force often. */
function agreeAll(one: Agreement): void {
  for (const uid of recordsOf(one, 'draft')) for (const name of names) one.vote(name, uid)
}

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
