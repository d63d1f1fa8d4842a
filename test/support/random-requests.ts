/** Requests of all sorts, for contracts of a few parties: what nobody would think of is tried this way. */
import fc from 'fast-check'
import { childrenOf, element, stateRoot } from '../../src/contract/state.ts'
import type { Behaviour } from '../../src/ledger/behaviour.ts'
import type { Operation } from '../../src/ledger/request.ts'
import type { Agreement } from './agreement.ts'

export const names = ['Acme', 'Beta', 'Cove'] as const
export const document =
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

export type Move = {
  by: (typeof names)[number]
  kind: string
  a: number
  b: number
  text: string
  yes: boolean
}
export const move: fc.Arbitrary<Move> = fc.record({
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

export const pick = <T>(list: readonly T[], index: number): T => list[index % list.length] as T

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

export function uidsOf(one: Agreement): string[] {
  const uids = [one.state.rootUid]
  for (const uid of uids) uids.push(...childrenOf(one.state, uid))
  return uids
}

export function recordsOf(one: Agreement, kind: string): string[] {
  return [...one.state.map].flatMap(([uid, record]) =>
    'kind' in record && record.kind === kind ? [uid] : [],
  )
}

/** The operations of a move; none where there is nothing to do it to. */
export function operationsOf(one: Agreement, step: Move): Operation[] {
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
export function agreeAll(one: Agreement): void {
  for (const uid of recordsOf(one, 'draft')) for (const name of names) one.vote(name, uid)
}
