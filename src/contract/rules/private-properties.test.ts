/**
 * Whatever is private, to whomever, and whatever judges say of it: honest nodes never differ, nothing throws, and what is refused
 * changes nothing. A judge that lies makes a request fail at most.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Agreement } from '../../../test/support/agreement.ts'
import {
  document,
  type Move,
  move,
  names,
  operationsOf,
  pick,
  recordsOf,
  uidsOf,
} from '../../../test/support/random-requests.ts'
import { CountersignError } from '../../crypto/errors.ts'
import type { Behaviour } from '../../ledger/behaviour.ts'
import { type JudgedBy, type JudgedItem, type JudgedResult, revealedIn } from '../../ledger/judgement.ts'
import type { Operation } from '../../ledger/request.ts'
import { executeBlock, type JudgedRequest } from '../apply.ts'
import { withRecords } from '../rewind.ts'
import { type ContractState, element, restoreState, stateRoot } from '../state.ts'
import { dueMs, executeTick } from '../tick.ts'
import { conflictsOf } from './conflicts.ts'
import { NotJudged } from './judging.ts'
import { ValueNotHeld } from './work.ts'

/** What becomes of a request's judgements on their way. */
const FATES = ['kept', 'kept', 'kept', 'late', 'missing', 'flipped', 'more', 'shown', 'foreign'] as const
type Step = Move & {
  what: 'request' | 'see' | 'repeal' | 'aggregate' | 'together'
  fate: (typeof FATES)[number]
}
const step: fc.Arbitrary<Step> = fc
  .tuple(
    move,
    fc.constantFrom('request', 'request', 'request', 'request', 'see', 'repeal', 'aggregate', 'together'),
    fc.constantFrom(...FATES),
  )
  .map(([one, what, fate]): Step => {
    // Mostly values are set where something becomes of judgements.
    const kind = fate !== 'kept' && one.b % 4 > 0 ? 'set' : one.kind
    return { ...one, kind, what: what as Step['what'], fate }
  })

const PRIVATE = [
  ['Amount'],
  ['Due'],
  ['Total'],
  ['Tax'],
  ['Tax', 'Number'],
  ['Lines', 'Share'],
  ['Lines'],
  ['Country'],
]

function seenBy(one: Agreement, { a, b, yes }: Move): Behaviour {
  const chosen = names.filter((_, index) => (a >> index) % 2 === 0)
  const grants = chosen.map((name, index) => ({
    party: one.party(name),
    ...(yes && index > 0 && { untilMs: one.timeMs + (b % 5) * 60_000 }),
    ...(!yes && index > 0 && b % 4 === 0 && { untilPhase: 'two' }),
  }))
  return { kind: 'access', actions: ['see'], grants }
}

/** Brings drafts into force, as far as they can be. */
function bring(
  one: Agreement,
  by: string,
  ...actions: Extract<Operation, { op: 'draft' }>['action'][]
): void {
  const drafts = actions.map((action) => ({ op: 'draft' as const, uid: one.uid(), action }))
  if (trying(one, by, drafts)?.outcome !== 'accepted') return
  for (const { uid } of drafts)
    for (const name of names) if (name !== by) trying(one, name, [{ op: 'vote-on', uid, yes: true }])
  trying(one, by, [{ op: 'publish', drafts: drafts.map(({ uid }) => uid) }])
}

/** A request that nobody can judge, since a judge that lied has made a value that nobody holds, is not ordered. */
function trying(
  one: Agreement,
  by: string,
  operations: Operation[],
): ReturnType<Agreement['run']> | undefined {
  const [request] = one.requestOf(by, ...operations)
  const judgement = judgedOr(one, request)
  return judgement && ordered(one, { ...request, judgement })
}

function judgedOr(one: Agreement, request: JudgedRequest): JudgedBy[] | undefined {
  try {
    return one.judged(request as Parameters<Agreement['judged']>[0])
  } catch (error) {
    if (error instanceof ValueNotHeld || error instanceof NotJudged) return undefined
    if (error instanceof Error && error.message.includes('can judge it')) return undefined
    throw error
  }
}

/** Orders a request that is complete, and looks at what came of it; undefined for one that no node takes into a block. */
function ordered(one: Agreement, request: JudgedRequest): ReturnType<Agreement['run']> | undefined {
  const { judgement = [] } = request
  // Until what is opened to all is here, no node takes it for complete.
  if (revealedIn(judgement).some((commitment) => one.openings.get(commitment) === undefined)) return undefined
  const at = { height: one.height + 1, timeMs: one.timeMs + 1 }
  const before = one.state
  const faults = new Set(
    Object.values(one.parties).map((party) => faultOf(before, [request], one.viewOf(party), at)),
  )
  // All refuse such a block, or none.
  expect([...faults]).toHaveLength(1)
  if (!faults.has('')) return undefined
  const came = one.send(request as Parameters<Agreement['send']>[0], [...judgement])
  if (came.outcome !== 'accepted') expect(one.state).toBe(before)
  else compareRestored(one, before)
  return came
}

/** The code of what stands against a block; empty where nothing does. */
function faultOf(
  state: ContractState,
  requests: JudgedRequest[],
  view: ReturnType<Agreement['viewOf']>,
  at: { height: number; timeMs: number },
): string {
  try {
    executeBlock(state, requests, view, at)
    return ''
  } catch (error) {
    if (!(error instanceof CountersignError) || !['not-judged', 'bad-signature'].includes(error.code))
      throw error
    return error.code
  }
}

/** A state made of its records, and one made of the state after by what differs, are the state. */
function compareRestored(one: Agreement, before: ContractState): void {
  const { state } = one
  const restored = restoreState(one.contract, state.map, one.genesis)
  expect([restored.privateCount, stateRoot(restored)]).toEqual([state.privateCount, stateRoot(state)])
  const uids = new Set([...[...before.map].map(([uid]) => uid), ...[...state.map].map(([uid]) => uid)])
  const changes = [...uids].map((uid) => [uid, before.map.get(uid) ?? null] as const)
  const back = withRecords(state, changes)
  if (back) expect([back.privateCount, stateRoot(back)]).toEqual([before.privateCount, stateRoot(before)])
}

function lie(one: Agreement, { a, text }: Move, said: JudgedResult): JudgedResult {
  const others = [null, true, false, text, 'e'.repeat(64), ...one.openings.keys()].filter(
    (other) => other !== said,
  )
  return pick(others, a)
}

/** What becomes of judgements. */
function fated(one: Agreement, request: JudgedRequest, given: JudgedBy[], doing: Step): JudgedBy[] {
  const { fate, a, b } = doing
  const victim = given[a % Math.max(1, given.length)]
  if (victim === undefined && fate !== 'more') return given
  const withOne = (
    party: string,
    change: (word: Pick<JudgedBy, 'items' | 'reveals'>) => Partial<JudgedBy>,
  ) => {
    const { signature: _, ...word } = given.find((one) => one.party === party) ?? { party, items: [] }
    const judged = one.signed(party, request.id, { ...word, ...change(word) })
    return [...given.filter((other) => other.party !== party), judged].sort((x, y) =>
      x.party < y.party ? -1 : 1,
    )
  }
  switch (fate) {
    case 'missing':
      return given.filter((judged) => judged !== victim)
    case 'flipped': {
      const index = b % Math.max(1, victim?.items.length ?? 0)
      const change = (item: JudgedItem, at: number): JudgedItem =>
        at === index ? [item[0], item[1], item[2], lie(one, doing, item[3])] : item
      return withOne(victim?.party as string, ({ items }) => ({ items: items.map(change) }))
    }
    case 'more': {
      const uid = pick(uidsOf(one), b)
      return withOne(one.party(pick(names, a)), ({ items }) => ({
        items: [...items, [uid, uid, 'a'.repeat(64), true]],
      }))
    }
    case 'shown': {
      const commitment = pick([...one.openings.keys()], b)
      const { signature: _, reveals, ...word } = victim as JudgedBy
      const said = reveals === undefined ? { ...word, reveals: [commitment] } : word
      return given.map((judged) => (judged === victim ? one.signed(said.party, request.id, said) : judged))
    }
    case 'foreign': {
      const signature = one.signed(victim?.party as string, 'f'.repeat(64), victim as JudgedBy).signature
      return given.map((judged) => (judged === victim ? { ...judged, signature } : judged))
    }
    default:
      return given
  }
}

/** Several requests in one block, each judged on the state before it. */
function together(one: Agreement, steps: readonly Step[]): void {
  const requests = steps.flatMap((doing): JudgedRequest[] => {
    const operations = operationsOf(one, doing)
    if (operations.length === 0) return []
    const [request] = one.requestOf(doing.by, ...operations)
    const judgement = judgedOr(one, request)
    return judgement ? [{ ...request, judgement }] : []
  })
  const at = { height: one.height + 1, timeMs: one.timeMs + 1 }
  const left: string[][] = []
  const views = [...Object.values(one.parties).map((party) => one.viewOf(party)), one.openings]
  const done = views.map((view) => {
    const out: string[] = []
    left.push(out)
    return executeBlock(one.state, requests, view, at, undefined, (id) => out.push(id))
  })
  for (const out of left) expect(out).toEqual(left[0])
  const [first] = done
  if (first === undefined) return
  const kept = requests.filter(({ id }) => !left[0]?.includes(id))
  const unopened = executeBlock(one.state, kept, new Map(), at, first.entries)
  for (const other of [...done, unopened])
    expect([other.stateRoot, other.entriesRoot]).toEqual([first.stateRoot, first.entriesRoot])
}

/** What is due by time, at every party and at one who holds nothing. */
function ticked(one: Agreement): void {
  const due = dueMs(one.state)
  if (due === undefined || due > one.timeMs) return
  const at = { height: one.height + 1, timeMs: one.timeMs }
  const done = Object.values(one.parties).map((party) => executeTick(one.state, at, one.viewOf(party)))
  for (const other of done) expect(other.stateRoot).toBe(done[0]?.stateRoot)
  const before = one.state
  one.tick()
  expect(stateRoot(one.state)).toBe(done[0]?.stateRoot)
  compareRestored(one, before)
}

function started(): Agreement {
  const one = new Agreement([...names], document)
  const seen = (...who: string[]): Behaviour => ({
    kind: 'access',
    actions: ['see'],
    grants: who.map((name) => ({ party: one.party(name) })),
  })
  const [first, second] = [1, 2].map((index) => one.at(`/Lines/item[${index}]`))
  one.rule('Acme', ['Amount'], seen('Acme', 'Beta'))
  one.rule('Acme', ['Due'], seen('Acme'))
  one.rule('Acme', ['Tax', 'Number'], seen('Beta', 'Cove'))
  one.rule('Acme', ['Share'], seen('Acme', 'Beta'), { at: first as string })
  one.rule('Acme', ['Share'], seen('Acme', 'Cove'), { at: second as string })
  one.rule('Acme', ['Due'], { kind: 'assignment', expression: 'Amount * Rate / 100' })
  one.rule('Acme', ['Total'], {
    kind: 'aggregate',
    function: 'sum',
    over: ['Lines', 'Share'],
    reader: one.party('Acme'),
    atLeast: 2,
  })
  one.rule('Beta', ['Tax'], { kind: 'activation', expression: 'Amount > 50 or Country = "DE"' })
  one.rule('Beta', ['Tax', 'Number'], { kind: 'approval', count: 2, several: true })
  one.rule('Cove', ['Amount'], { kind: 'limits', max: '100' })
  one.rule('Cove', [], { kind: 'constraint', expression: 'sum(Lines.Share) <= 150', message: 'm' })
  one.rule('Cove', [], {
    kind: 'trigger',
    when: { kind: 'expression', expression: 'Amount > 90' },
    actions: [{ do: 'switch', set: 'Some', on: false }],
  })
  for (const [name, path] of [
    ['Acme', '/Amount'],
    ['Acme', '/Lines/item[1]/Share'],
    ['Cove', '/Lines/item[2]/Share'],
  ] as const)
    expect(one.set(name, path, '40')).toMatchObject({ outcome: 'accepted' })
  return one
}

/** Plays steps; gives what came of them, in words. */
function play(steps: readonly Step[]): Set<string> {
  const one = started()
  const seen = new Set<string>()
  let late: JudgedRequest | undefined
  for (const [index, doing] of steps.entries()) {
    const at = one.state.rootUid
    const path = pick(PRIVATE, doing.b)
    if (doing.kind === 'wait') one.wait(doing.a % 3)
    ticked(one)
    if (doing.what === 'see') {
      bring(one, doing.by, { do: 'add', rule: { at, path, behaviour: seenBy(one, doing) } })
      continue
    }
    if (doing.what === 'repeal') {
      const rule = pick(recordsOf(one, 'rule'), doing.a)
      const by = { at, path, behaviour: seenBy(one, doing) }
      if (rule !== undefined)
        bring(one, doing.by, doing.yes ? { do: 'replace', rule, by } : { do: 'repeal', rule })
      continue
    }
    if (doing.what === 'aggregate') {
      const reader = one.party(pick(names, doing.a))
      const name = pick(['sum', 'count', 'min', 'max'] as const, doing.b)
      const behaviour: Behaviour = {
        kind: 'aggregate',
        function: name,
        over: ['Lines', 'Share'],
        reader,
        atLeast: 2,
      }
      bring(one, doing.by, { do: 'add', rule: { at, path: pick([['Total'], ['Rate']], doing.b), behaviour } })
      continue
    }
    if (doing.what === 'together') {
      together(one, steps.slice(index, index + 3))
      continue
    }
    if (doing.kind === 'publish' && doing.b % 2 === 0) agreed(one)
    const operations = operationsOf(one, doing)
    if (operations.length === 0) continue
    const [request] = one.requestOf(doing.by, ...operations)
    const given = judgedOr(one, request)
    if (given === undefined) {
      seen.add('nobody judges it')
      continue
    }
    const judged = { ...request, judgement: fated(one, request, given, doing) }
    if (doing.fate === 'late') {
      const before = late
      late = judged
      if (before !== undefined) seen.add(`late ${ordered(one, before)?.code ?? 'accepted'}`)
      continue
    }
    const came = ordered(one, judged)
    seen.add(came === undefined ? `no block ${doing.fate}` : (came.code ?? `${doing.fate} accepted`))
    for (const name of names) conflictsOf(one.state, one.viewOf(one.party(name)), one.timeMs)
    if (one.state.privateCount > 0) seen.add('private values stand')
  }
  for (const uid of uidsOf(one)) expect(element(one.state, uid)).toBeDefined()
  return seen
}

function agreed(one: Agreement): void {
  for (const uid of recordsOf(one, 'draft'))
    for (const name of names) trying(one, name, [{ op: 'vote-on', uid, yes: true }])
}

/** Of what came of the sequences of one seed. */
const SORTS = [
  'flipped accepted',
  'judgement-outdated',
  'judges-disagree',
  'kept accepted',
  'late accepted',
  'no block foreign',
  'no block missing',
  'no-judge',
  'private values stand',
  'would-reveal',
]

describe('any sequence of requests over private values', { timeout: 60_000 }, () => {
  const many = fc.array(step, { minLength: 8, maxLength: 30 })

  it('[RUL-7] [JUD-2] gives one record hash at every party, whatever judges say', () => {
    fc.assert(
      fc.property(many, (steps) => void play(steps)),
      { numRuns: 5 },
    )
  })

  it('[JUD-3] is of many sorts', () => {
    const seen = new Set<string>()
    fc.assert(
      fc.property(many, (steps) => {
        for (const one of play(steps)) seen.add(one)
      }),
      { numRuns: 12, seed: 20261122 },
    )
    for (const one of SORTS) expect([...seen].sort()).toContain(one)
  })
})
