/** What could make nodes differ over private values, or keep a request waiting for ever: each once went wrong. */
import { describe, expect, test } from 'vitest'
import { Agreement } from '../../../test/support/agreement.ts'
import type { Behaviour } from '../../ledger/behaviour.ts'
import type { JudgedBy, JudgedItem } from '../../ledger/judgement.ts'
import { commitmentOf } from '../../ledger/value.ts'
import { executeBlock } from '../apply.ts'
import { judge } from '../judge.ts'
import { withRecords } from '../rewind.ts'
import { element, restoreState, stateRoot } from '../state.ts'
import { executeTick } from '../tick.ts'
import { conflictsOf } from './conflicts.ts'
import { ValueNotHeld } from './work.ts'

const accepted = { outcome: 'accepted' }

function seenBy(one: Agreement, ...names: string[]): Behaviour {
  return { kind: 'access', actions: ['see'], grants: names.map((name) => ({ party: one.party(name) })) }
}

function of(names: string[], document: string): Agreement {
  const one = new Agreement(names, document)
  for (const path of Object.keys(JSON.parse(document)))
    if (JSON.parse(document)[path] === '') one.set(names[0] as string, `/${path}`, undefined, 'decimal')
  return one
}

/** The judgements of a request, with what one party says changed. */
function changed(
  one: Agreement,
  id: string,
  given: readonly JudgedBy[],
  name: string,
  change: (item: JudgedItem) => JudgedItem,
): JudgedBy[] {
  return given.map((judged) =>
    judged.party === one.party(name)
      ? one.signed(judged.party, id, { ...judged, items: judged.items.map(change) })
      : judged,
  )
}

describe('what rules come to, taken from the block', () => {
  test('[RUL-7] is taken in order where a rule is looked at twice', () => {
    const one = new Agreement(['Ada'], '{"In": 1, "Sum": 0, "B": {"X": 10}}')
    one.rule('Ada', ['Sum'], { kind: 'assignment', expression: 'In - (if B.X = null then 0 else B.X)' })
    const trigger = one.rule('Ada', [], {
      kind: 'trigger',
      when: { kind: 'expression', expression: 'Sum > 5' },
      actions: [{ do: 'activate', target: ['B'] }],
    })
    // It is so, and what it then does makes it not so: executed by those who hold no value too.
    const came = one.set('Ada', '/In', '12')
    expect(came).toMatchObject(accepted)
    expect(came.results?.filter(([rule]) => rule === trigger).map(([, , result]) => result)).toEqual([
      true,
      false,
    ])
    expect(element(one.state, one.at('/B'))?.inactive).toBeUndefined()
  })

  test('[EPO-14] likewise over all that is due in one TICK', () => {
    const one = new Agreement(['Ada'], '{"First": "", "Second": "", "B": {"Day": ""}}')
    const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
    const now = one.timeMs
    one.set('Ada', '/First', day(now + 5 * 86_400_000), 'date')
    one.set('Ada', '/Second', day(now + 6 * 86_400_000), 'date')
    one.set('Ada', '/B/Day', day(now + 4 * 86_400_000), 'date')
    const when = (expression: string, then: 'B' | 'phase'): Behaviour => ({
      kind: 'trigger',
      when: { kind: 'date', expression },
      actions: [then === 'B' ? { do: 'activate', target: ['B'] } : { do: 'phase', to: 'later' }],
    })
    one.rule('Ada', [], { kind: 'phases', names: ['now', 'later'] })
    const rules = [when('First', 'B'), when('if B.Day = null then Second else B.Day', 'phase')]
    const drafts = rules.map((behaviour, index) => {
      const uid = `${index + 1}`.repeat(32)
      const rule = { at: one.state.rootUid, path: [], behaviour }
      one.run('Ada', { op: 'draft', uid, action: { do: 'add', rule } })
      return uid
    })
    expect(one.agree(...drafts)).toMatchObject(accepted)
    one.wait(7 * 24 * 60)
    one.tick()
    expect(one.state.governance.workflow.phase).toBe('later')
  })

  test('[RUL-7] a block that does not say it is refused, and stops nobody', () => {
    const one = new Agreement(['Ada'], '{"In": 1, "Sum": 0}')
    one.rule('Ada', ['Sum'], { kind: 'assignment', expression: 'In * 2' })
    const before = one.state
    const [request] = one.requestOf('Ada', one.setting('/In', '4'))
    one.send(request)
    const [entry] = one.last?.entries ?? []
    if (entry === undefined) throw new Error('an entry')
    const at = { height: one.height, timeMs: one.timeMs }
    for (const results of [undefined, [], [[...(entry.results?.[0] ?? []).slice(0, 2), true]]])
      expect(() =>
        executeBlock(before, [request], new Map(), at, [{ ...entry, results: results as never }]),
      ).toThrow(expect.objectContaining({ code: 'invariant-broken' }))
  })

  test('a TICK whose block does not say it is refused likewise', () => {
    const one = new Agreement(['Ada'], '{"Day": "", "B": {"X": 1}, "Sum": 0}')
    const inAWeek = new Date(one.timeMs + 7 * 86_400_000).toISOString().slice(0, 10)
    one.set('Ada', '/Day', inAWeek, 'date')
    one.rule('Ada', ['Sum'], { kind: 'assignment', expression: 'if B.X = null then 0 else B.X' })
    one.rule('Ada', [], {
      kind: 'trigger',
      when: { kind: 'date', expression: 'Day' },
      actions: [{ do: 'activate', target: ['B'] }],
    })
    one.wait(8 * 24 * 60)
    const at = { height: one.height + 1, timeMs: one.timeMs }
    expect(() => executeTick(one.state, at, new Map(), [])).toThrow(
      expect.objectContaining({ code: 'invariant-broken' }),
    )
  })
})

describe('what judges are asked', () => {
  test('[JUD-2] a value is judged as the type it is set as, each time', () => {
    const one = new Agreement(['Ada', 'Ben'], '{"Box": {"Bid": ""}}')
    one.rule('Ada', ['Box'], seenBy(one, 'Ada', 'Ben'))
    const uid = one.at('/Box/Bid')
    const opening = { salt: 'A'.repeat(22), value: 'no number', of: uid }
    one.open([opening])
    const held = { uid, value: commitmentOf(opening), readers: [one.party('Ada'), one.party('Ben')].sort() }
    const [empty] = [one.settingOf(uid, undefined)]
    const first = { ...empty, ...held, type: 'text' } as never
    const second = { op: 'set', ...held, seen: held.value, type: 'decimal' } as never
    expect(one.run('Ada', first, second)).toMatchObject({ outcome: 'rejected', code: 'wrong-type' })
  })

  test('[JUD-2] what has no answer of its kind is refused, and stands in no record', () => {
    const one = of(['Ada', 'Ben'], '{"Bid": "", "Double": "", "Block": {"X": 1}}')
    for (const path of ['Bid', 'Double']) one.rule('Ada', [path], seenBy(one, 'Ada'))
    one.rule('Ada', ['Double'], { kind: 'assignment', expression: 'Bid * 2' })
    one.rule('Ada', ['Block'], { kind: 'activation', expression: 'Bid > 5' })
    for (const lie of ['12', true, 'f'.repeat(64), null]) {
      const [request] = one.requestOf('Ada', one.setting('/Bid', '12'))
      const given = one.judged(request)
      const lying = changed(one, request.id, given, 'Ada', (item) =>
        typeof item[3] === typeof lie ? item : [item[0], item[1], item[2], lie],
      )
      const came = one.send(request, lying)
      if (lie !== null) expect(came).toMatchObject({ code: 'judgement-outdated' })
      expect(stateRoot(restoreState(one.contract, one.state.map, one.genesis))).toBe(stateRoot(one.state))
    }
  })

  test('[JUD-2] a time that is none is refused', () => {
    const one = new Agreement(['Ada', 'Ben'], '{"Day": ""}')
    one.set('Ada', '/Day', undefined, 'date')
    one.rule('Ada', ['Day'], seenBy(one, 'Ada'))
    one.rule('Ada', [], {
      kind: 'trigger',
      when: { kind: 'date', expression: 'Day' },
      actions: [{ do: 'switch', set: 'Some', on: false }],
    })
    for (const lie of ['a'.repeat(64), '999999999999999', true]) {
      const [request] = one.requestOf('Ada', one.setting('/Day', '2030-01-01'))
      const lying = changed(one, request.id, one.judged(request), 'Ada', (item) =>
        typeof item[3] === 'string' ? [item[0], item[1], item[2], lie] : item,
      )
      expect(one.send(request, lying)).toMatchObject({ code: 'judgement-outdated' })
    }
    expect(one.set('Ada', '/Day', '2030-01-01')).toMatchObject(accepted)
  })

  test('[JUD-3] what somebody says who is not asked stands against nothing', () => {
    const one = of(['Ada', 'Ben', 'Cyd'], '{"Bid": "", "Note": ""}')
    one.rule('Ada', ['Bid'], seenBy(one, 'Ada', 'Ben'))
    const item: JudgedItem = [one.at('/Bid'), one.at('/Bid'), 'a'.repeat(64), false]
    for (const path of ['/Note', '/Bid']) {
      const [request] = one.requestOf('Ada', one.setting(path, '7'))
      const given = one.judged(request)
      const junk = one.signed(one.party('Cyd'), request.id, { items: [item] })
      const all = [...given, junk].sort((a, b) => (a.party < b.party ? -1 : 1))
      expect(one.send(request, all)).toMatchObject(accepted)
    }
  })

  test('[JUD-3] a list that is switched off makes what was judged with it outdated', () => {
    const one = of(['Ada', 'Ben', 'Cyd'], '{"Bid": "", "Floor": "", "On": true, "Lines": [{"S": 1}]}')
    one.rule('Ada', ['Bid'], seenBy(one, 'Ada', 'Ben'))
    one.rule('Ada', ['Lines'], { kind: 'activation', expression: 'On = true' })
    one.rule('Ben', [], {
      kind: 'constraint',
      expression: 'Bid = null or Floor = null or Bid + count(Lines) > Floor',
      message: 'too low',
    })
    one.set('Ada', '/Bid', '5')
    const [request] = one.requestOf('Cyd', one.setting('/Floor', '5'))
    const judgement = one.judged(request)
    expect(one.set('Cyd', '/On', false)).toMatchObject(accepted)
    expect(one.send(request, judgement)).toMatchObject({ code: 'judgement-outdated' })
    expect(one.set('Cyd', '/Floor', '5')).toMatchObject({ code: 'constraint-broken' })
  })

  test('[JUD-1] a reader that does not hold a value signs for nothing, whatever stands against the request', () => {
    const one = of(['Ada', 'Ben'], '{"Bid": "", "Note": ""}')
    one.rule('Ada', ['Bid'], seenBy(one, 'Ada', 'Ben'))
    const stale = { ...one.setting('/Note', '1'), seen: 'b'.repeat(64) } as never
    const [request] = one.requestOf('Ada', stale, one.setting('/Bid', '7'))
    const at = { height: one.height + 1, timeMs: one.timeMs + 1 }
    const bid = request.request.operations[1] as { value: string }
    const view = one.viewOf(one.party('Ben'))
    const without = { get: (of: string) => (of === bid.value ? undefined : view.get(of)) }
    expect(() => judge(one.state, request, without, at, one.party('Ben'))).toThrow(ValueNotHeld)
    expect(one.send(request)).toMatchObject({ code: 'stale-version' })
  })
})

describe('judges who see nothing of one another’s', () => {
  const document =
    '{"Rate": 2, "A": {"Price": "", "Cost": "", "Twice": ""}, "B": {"Price": "", "Cost": "", "Twice": ""}}'

  function two(): Agreement {
    const one = new Agreement(['Ada', 'Ben', 'Cyd'], document)
    for (const [block, name] of [
      ['A', 'Ada'],
      ['B', 'Ben'],
    ] as const) {
      for (const field of ['Price', 'Cost', 'Twice'])
        one.run('Cyd', one.setting(`/${block}/${field}`, undefined, 'decimal'))
      one.rule('Cyd', [block], seenBy(one, name))
      one.rule('Cyd', [block, 'Cost'], { kind: 'assignment', expression: 'Price * _.Rate' })
      one.rule('Cyd', [block, 'Twice'], { kind: 'assignment', expression: 'Cost * 2' })
      one.rule('Cyd', [block], {
        kind: 'constraint',
        expression: 'Cost = null or Cost < 100',
        message: 'too much',
      })
    }
    return one
  }

  test('[JUD-1] don’t wait for one another for ever', () => {
    const one = two()
    expect(one.set('Ada', '/A/Price', '10')).toMatchObject(accepted)
    expect(one.set('Ben', '/B/Price', '20')).toMatchObject(accepted)
    expect(one.set('Cyd', '/Rate', '3')).toMatchObject(accepted)
    expect(['A', 'B'].map((block) => one.value(`/${block}/Twice`))).toEqual(['60', '120'])
    expect(one.viewOf(one.party('Ada')).get(element(one.state, one.at('/B/Cost'))?.value as string)).toBe(
      undefined,
    )
    expect(one.set('Cyd', '/Rate', '6')).toMatchObject({ code: 'constraint-broken' })
    expect(one.value('/Rate')).toBe('3')
    // A rule over both, brought in while their values stand.
    one.rule('Cyd', ['A', 'Price'], { kind: 'limits', max: '30' })
    one.rule('Cyd', ['B', 'Price'], { kind: 'limits', max: '30' })
    expect(one.set('Ben', '/B/Price', '31')).toMatchObject({ code: 'limits-broken' })
  })

  test('a draft that no member could judge is looked at as far as values are held', () => {
    const one = two()
    one.set('Ada', '/A/Price', '10')
    one.set('Ben', '/B/Price', '20')
    const expression = 'A.Price > B.Price'
    const { came } = one.draft('Cyd', [], { kind: 'constraint', expression, message: 'm' })
    expect(came).toEqual(accepted)
    const kinds = (view: Parameters<typeof conflictsOf>[1]) =>
      conflictsOf(one.state, view, one.timeMs).map(({ kind }) => kind)
    expect(kinds(one.openings)).toEqual(['values-break-draft'])
    for (const name of ['Ada', 'Ben', 'Cyd']) expect(kinds(one.viewOf(one.party(name)))).toEqual([])
  })
})

describe('aggregates', () => {
  test('[RUL-12] nobody types what comes out', () => {
    const one = of(['Hub', 'Ada', 'Ben'], '{"A": "", "B": "", "Total": ""}')
    one.rule('Hub', ['A'], seenBy(one, 'Hub', 'Ada'))
    one.rule('Hub', ['B'], seenBy(one, 'Hub', 'Ben'))
    const rule = one.rule('Hub', ['Total'], {
      kind: 'aggregate',
      function: 'sum',
      over: ['A'],
      reader: one.party('Hub'),
      atLeast: 2,
    })
    for (const name of ['Hub', 'Ada'])
      expect(one.set(name, '/Total', '9')).toMatchObject({ code: 'derived-field', rule })
  })

  test('[RUL-12] a request that something stands against after they are computed is refused, not stuck', () => {
    const one = of(['Hub', 'Ada', 'Ben'], '{"Items": [{"X": 1}, {"X": 2}], "Total": "", "Limit": 5}')
    for (const [index, name] of ['Ada', 'Ben'].entries()) {
      one.run('Hub', one.setting(`/Items/item[${index + 1}]/X`, undefined, 'decimal'))
      one.rule('Hub', ['X'], seenBy(one, 'Hub', name), { at: one.at(`/Items/item[${index + 1}]`) })
    }
    const over = ['Items', 'X']
    const reader = one.party('Hub')
    one.rule('Hub', ['Total'], { kind: 'aggregate', function: 'sum', over, reader, atLeast: 2 })
    one.rule('Hub', [], { kind: 'constraint', expression: 'Total = null or Total < Limit', message: 'm' })
    expect(one.set('Ada', '/Items/item[1]/X', '2')).toMatchObject(accepted)
    expect(one.set('Ben', '/Items/item[2]/X', '4')).toMatchObject({ code: 'constraint-broken' })
    expect(one.set('Ben', '/Items/item[2]/X', '2')).toMatchObject(accepted)
    expect(one.value('/Total')).toBe('4')
  })
})

test('a state is not taken back over an element whose UID something else had before', () => {
  const one = of(['Ada', 'Ben'], '{"Bid": "", "Note": ""}')
  one.rule('Ada', ['Bid'], seenBy(one, 'Ada'))
  const before = one.state
  const uid = one.uid()
  one.run('Ada', { op: 'lock', uid, on: one.at('/Note'), leaseMs: 60_000 })
  const locked = one.state
  one.run('Ada', { op: 'unlock', uid })
  const create = { op: 'create', uid, parent: one.state.rootUid, name: 'New', kind: 'field', order: 'z' }
  expect(one.run('Ada', { ...create, type: 'text' } as never)).toMatchObject(accepted)
  expect(withRecords(one.state, [[uid, locked.map.get(uid) ?? null]])).toBeUndefined()
  expect(before.privateCount).toBe(0)
})

test('[REQ-4] whoever asks for the root to lie elsewhere is refused, where values are private too', () => {
  const one = of(['Ada', 'Ben'], '{"Bid": ""}')
  one.rule('Ada', ['Bid'], seenBy(one, 'Ada'))
  const uid = one.state.rootUid
  const refused = { code: 'root-undeletable' }
  expect(one.run('Ada', { op: 'rename', uid, from: 'x', name: 'y' })).toMatchObject(refused)
  expect(one.run('Ada', { op: 'move', uid, from: uid, parent: uid, order: 'a5' })).toMatchObject(refused)
})
