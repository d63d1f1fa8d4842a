/** Private values: who may see them, what rules make of them, and that nobody else's node comes to anything else. */
import { describe, expect, test } from 'vitest'
import { Agreement } from '../../../test/support/agreement.ts'
import type { AccessAction, Behaviour } from '../../ledger/behaviour.ts'
import { commitmentOf } from '../../ledger/value.ts'
import { executeBlock } from '../apply.ts'
import { element } from '../state.ts'
import { NotJudged } from './judging.ts'

const NAMES = ['Ada', 'Ben', 'Cyd'] as const
const DOCUMENT = '{"Bid": "", "Floor": "", "Double": "", "Public": "", "Secret": {"Note": ""}}'

function seenBy(one: Agreement, ...names: string[]): Behaviour {
  return {
    kind: 'access',
    actions: ['see'] as AccessAction[],
    grants: names.map((name) => ({ party: one.party(name) })),
  }
}

function withSecrets(): Agreement {
  const one = new Agreement(NAMES, DOCUMENT)
  for (const path of ['/Bid', '/Floor', '/Double', '/Public']) one.set('Ada', path, '1', 'decimal')
  one.rule('Ada', ['Bid'], seenBy(one, 'Ada', 'Ben'))
  return one
}

const readersOf = (one: Agreement, path: string) => element(one.state, one.at(path))?.readers

describe('values that not everybody may see', () => {
  test('[VAL-4] [JUD-1] a private value is of its field alone, and every reader signs for it', () => {
    const one = withSecrets()
    expect(readersOf(one, '/Bid')).toBeUndefined()
    expect(one.set('Ada', '/Bid', '12')).toEqual({ outcome: 'accepted' })
    expect(readersOf(one, '/Bid')).toEqual([one.party('Ada'), one.party('Ben')].sort())
    const [entry] = one.last?.entries ?? []
    expect((entry as { judgement: { party: string }[] }).judgement.map(({ party }) => party)).toEqual(
      [one.party('Ada'), one.party('Ben')].sort(),
    )
    const commitment = element(one.state, one.at('/Bid'))?.value as string
    expect(one.viewOf(one.party('Cyd')).get(commitment)).toBeUndefined()
    expect(one.viewOf(one.party('Ben')).get(commitment)?.value).toBe('12')
  })

  test('[JUD-2] no block holds a private value that a reader has not signed for', () => {
    const one = withSecrets()
    const [request] = one.requestOf('Ada', one.setting('/Bid', '12'))
    const at = { height: one.height + 1, timeMs: one.timeMs + 1 }
    const alone = one.judgedBy(one.party('Ada'), request, at)
    for (const judgement of [[], [alone]])
      expect(() => executeBlock(one.state, [{ ...request, judgement }], one.openings, at)).toThrow(NotJudged)
    const left: string[] = []
    const built = executeBlock(one.state, [request], one.openings, at, undefined, (id) => left.push(id))
    expect([built.entries, left]).toEqual([[], [request.id]])
  })

  test('[JUD-2] a judgement that another has signed, or that is of another request, is none', () => {
    const one = withSecrets()
    const [request] = one.requestOf('Ada', one.setting('/Bid', '12'))
    const judgement = one.judged(request)
    const at = { height: one.height + 1, timeMs: one.timeMs + 1 }
    const forged = judgement.map((judged, index) =>
      index === 0
        ? { ...judged, signature: judgement[1]?.signature as (typeof judged)['signature'] }
        : judged,
    )
    expect(() => executeBlock(one.state, [{ ...request, judgement: forged }], one.openings, at)).toThrow(
      'is not signed by it',
    )
    const [other] = one.requestOf('Ada', one.setting('/Bid', '13'))
    expect(() => executeBlock(one.state, [{ ...other, judgement }], one.openings, at)).toThrow(
      'is not signed by it',
    )
    const stranger = judgement.map((judged) => ({ ...judged, party: 'f'.repeat(64) }))
    expect(() => executeBlock(one.state, [{ ...request, judgement: stranger }], one.openings, at)).toThrow(
      'is no member',
    )
  })

  test('[VAL-4] another’s commitment, put into a field of one’s own, is of no type', () => {
    const one = withSecrets()
    one.rule('Ada', ['Secret', 'Note'], seenBy(one, 'Ada', 'Ben'))
    one.set('Ada', '/Bid', '12')
    const bid = element(one.state, one.at('/Bid'))
    const operation = {
      op: 'set' as const,
      uid: one.at('/Secret/Note'),
      seen: element(one.state, one.at('/Secret/Note'))?.value as string,
      type: 'decimal' as const,
      value: bid?.value as string,
      readers: bid?.readers as string[],
    }
    expect(one.run('Ada', operation)).toMatchObject({ outcome: 'rejected', code: 'wrong-type' })
  })

  test('[JUD-2] a private value is judged for each type that it is put forward as', () => {
    const one = withSecrets()
    const first = one.setting('/Bid', '12')
    const again = { ...first, type: 'date', seen: (first as { value: string }).value } as typeof first
    expect(one.run('Ada', first, again)).toMatchObject({ outcome: 'rejected', code: 'wrong-type' })
  })

  test('a value named for other readers than the rules say is conflicted', () => {
    const one = withSecrets()
    const uid = one.at('/Public')
    const opening = { salt: 'A'.repeat(22), value: '5', of: uid }
    one.open([opening])
    const readers = [one.party('Ada')]
    const seen = element(one.state, uid)?.value as string
    const set = {
      op: 'set' as const,
      uid,
      seen,
      type: 'decimal' as const,
      value: commitmentOf(opening),
      readers,
    }
    expect(one.run('Ada', set)).toMatchObject({ code: 'wrong-readers', element: uid })
  })

  test('a grant ends at its time: who could see sees nothing of what comes after', () => {
    const one = new Agreement(NAMES, DOCUMENT)
    const untilMs = one.timeMs + 10 * 60_000
    one.rule('Ada', ['Bid'], {
      kind: 'access',
      actions: ['see'],
      grants: [{ party: one.party('Ada') }, { party: one.party('Ben'), untilMs }],
    })
    one.set('Ada', '/Bid', 'then')
    expect(readersOf(one, '/Bid')).toHaveLength(2)
    one.wait(20)
    one.set('Ada', '/Bid', 'now')
    expect(readersOf(one, '/Bid')).toEqual([one.party('Ada')])
  })

  test('nobody to judge it: a value that no member may see is refused', () => {
    const one = new Agreement(NAMES, DOCUMENT)
    one.rule('Ada', ['Bid'], { kind: 'access', actions: ['see'], grants: [] })
    expect(one.set('Ada', '/Bid', 'x')).toMatchObject({ outcome: 'rejected', code: 'no-judge' })
  })
})

describe('rules that read private values', () => {
  test('[JUD-2] a constraint is judged by its readers, whoever makes the request', () => {
    const one = withSecrets()
    const uid = one.rule('Ben', [], { kind: 'constraint', expression: 'Bid >= Floor', message: 'too low' })
    expect(one.set('Ada', '/Bid', '12')).toMatchObject({ outcome: 'accepted' })
    // Cyd can't see the bid, and sets what it is held against.
    expect(one.set('Cyd', '/Floor', '10')).toMatchObject({ outcome: 'accepted' })
    const [entry] = one.last?.entries ?? []
    expect((entry as { judgement: unknown[] }).judgement).toHaveLength(2)
    expect(one.set('Cyd', '/Floor', '13')).toMatchObject({ code: 'constraint-broken', rule: uid })
    expect(one.set('Ada', '/Bid', '9')).toMatchObject({ code: 'constraint-broken', rule: uid })
  })

  test('[JUD-3] what was judged of other values than stand there is conflicted', () => {
    const one = withSecrets()
    one.rule('Ben', [], { kind: 'constraint', expression: 'Bid >= Floor', message: 'too low' })
    one.set('Ada', '/Bid', '12')
    const [request] = one.requestOf('Cyd', one.setting('/Floor', '11'))
    const judgement = one.judged(request)
    one.set('Ada', '/Bid', '14')
    expect(one.send(request, judgement)).toMatchObject({ outcome: 'conflicted', code: 'judgement-outdated' })
  })

  test('[JUD-3] what readers say differently, or beside what was asked, is not accepted', () => {
    const one = withSecrets()
    one.rule('Ben', [], { kind: 'constraint', expression: 'Bid >= Floor', message: 'too low' })
    one.set('Ada', '/Bid', '12')
    const [request] = one.requestOf('Cyd', one.setting('/Floor', '11'))
    const [first, second] = one.judged(request)
    if (first === undefined || second === undefined) throw new Error('two judge')
    const lying = one.signed(first.party, request.id, {
      items: first.items.map(([rule, uid, inputs]) => [rule, uid, inputs, false]),
    })
    expect(one.send(request, [lying, second])).toMatchObject({ outcome: 'rejected', code: 'judges-disagree' })
    const [next] = one.requestOf('Cyd', one.setting('/Floor', '11'))
    const [third, fourth] = one.judged(next)
    if (third === undefined || fourth === undefined) throw new Error('two judge')
    const more = one.signed(third.party, next.id, {
      items: [...third.items, [third.items[0]?.[0] as string, one.at('/Public'), 'a'.repeat(64), true]],
    })
    expect(one.send(next, [more, fourth])).toMatchObject({ code: 'judgement-outdated' })
  })

  test('[RUL-7] what is computed of a private value is for its readers too, or not accepted', () => {
    const one = withSecrets()
    const uid = one.rule('Ben', ['Double'], { kind: 'assignment', expression: 'Bid * 2' })
    expect(one.set('Ada', '/Bid', '12')).toMatchObject({ code: 'would-reveal', rule: uid })
    one.rule('Ben', ['Double'], seenBy(one, 'Ben'))
    expect(one.set('Ada', '/Bid', '12')).toMatchObject({ outcome: 'accepted' })
    expect(readersOf(one, '/Double')).toEqual([one.party('Ben')])
    expect(one.value('/Double')).toBe('24')
  })

  test('limits, uniqueness and who holds something are judged likewise', () => {
    const one = withSecrets()
    one.rule('Ben', ['Bid'], { kind: 'limits', max: '100' })
    expect(one.set('Ada', '/Bid', '101')).toMatchObject({ code: 'limits-broken' })
    expect(one.set('Ada', '/Bid', '99')).toMatchObject({ outcome: 'accepted' })

    const list = new Agreement(NAMES, '{"Bids": [{"No": "1"}, {"No": "2"}], "Holder": ""}')
    list.run('Ada', list.settingOf(list.at('/Holder'), list.party('Ada'), 'party'))
    for (const path of [['Bids', 'No'], ['Holder']]) list.rule('Ada', path, seenBy(list, 'Ada', 'Ben'))
    list.rule('Ben', ['Bids'], { kind: 'unique', by: ['No'] })
    list.rule('Ben', ['Holder'], { kind: 'transfer' })
    expect(list.set('Ada', '/Bids/item[1]/No', '7')).toMatchObject({ outcome: 'accepted' })
    expect(list.set('Cyd', '/Bids/item[2]/No', '7')).toMatchObject({ code: 'not-unique' })
    expect(list.set('Cyd', '/Bids/item[2]/No', '8')).toMatchObject({ outcome: 'accepted' })
    expect(list.set('Ada', '/Holder', list.party('Ben'))).toMatchObject({ outcome: 'accepted' })
    expect(list.set('Ada', '/Holder', list.party('Cyd'))).toMatchObject({ code: 'not-holder' })
    expect(list.set('Ben', '/Holder', list.party('Cyd'))).toMatchObject({ outcome: 'accepted' })
  })

  test('an activation and a trigger act on what is judged, which everybody then sees', () => {
    const one = withSecrets()
    one.rule('Ben', ['Secret'], { kind: 'activation', expression: 'Bid > 50' })
    expect(one.set('Ada', '/Bid', '12')).toMatchObject({ outcome: 'accepted' })
    expect(element(one.state, one.at('/Secret'))?.inactive).toBe(true)
    one.set('Ada', '/Bid', '51')
    expect(element(one.state, one.at('/Secret'))?.inactive).toBeUndefined()
    one.rule('Ben', [], {
      kind: 'trigger',
      when: { kind: 'expression', expression: 'Bid > 60' },
      actions: [{ do: 'phase', to: 'high' }],
    })
    one.set('Ada', '/Bid', '59')
    expect(one.state.governance.workflow.phase).toBe('live')
    one.set('Ada', '/Bid', '61')
    expect(one.state.governance.workflow.phase).toBe('high')
  })

  test('a proposal of a private value is judged when it is made and when it is agreed', () => {
    const one = withSecrets()
    one.rule('Ben', ['Bid'], { kind: 'approval', count: 2 })
    one.rule('Ben', ['Bid'], { kind: 'limits', max: '100' })
    expect(one.set('Ada', '/Bid', '101')).toMatchObject({ code: 'limits-broken' })
    expect(one.set('Ada', '/Bid', '90')).toMatchObject({ outcome: 'accepted' })
    const [[, [proposal]] = ['', []]] = [...one.state.governance.proposals]
    expect(one.vote('Cyd', proposal as string)).toMatchObject({ outcome: 'accepted' })
    expect(one.value('/Bid')).toBe('90')
    expect(readersOf(one, '/Bid')).toHaveLength(2)
  })
})

describe('aggregates', () => {
  const BIDDERS = ['Ada', 'Ben', 'Cyd'] as const

  /** Three that each show a cost to the hub alone. */
  function cleanRoom(atLeast = 3): { room: Agreement; fields: string[]; rule: string } {
    const room = new Agreement(
      ['Hub', ...BIDDERS],
      '{"Costs": [{"Cost": 0}, {"Cost": 0}, {"Cost": 0}], "Total": 0}',
    )
    const fields = BIDDERS.map((_, index) => room.at(`/Costs/item[${index + 1}]/Cost`))
    for (const uid of [...fields, room.at('/Total')])
      room.run('Hub', room.settingOf(uid, undefined, 'decimal'))
    for (const [index, name] of BIDDERS.entries())
      room.rule('Hub', ['Cost'], seenBy(room, name, 'Hub'), { at: room.at(`/Costs/item[${index + 1}]`) })
    const behaviour: Behaviour = {
      kind: 'aggregate',
      function: 'sum',
      over: ['Costs', 'Cost'],
      reader: room.party('Hub'),
      atLeast,
    }
    return { room, fields, rule: room.rule('Hub', ['Total'], behaviour) }
  }

  test('[RUL-12] the sum of what each shows to one reader alone, public once enough have given theirs', () => {
    const { room, fields } = cleanRoom()
    for (const [index, name] of BIDDERS.entries()) {
      expect(room.value('/Total')).toBeUndefined()
      const set = room.settingOf(fields[index] as string, String((index + 1) * 10), 'decimal')
      expect(room.run(name, set)).toMatchObject({ outcome: 'accepted' })
    }
    expect(room.value('/Total')).toBe('60')
    expect(readersOf(room, '/Total')).toBeUndefined()
    const total = element(room.state, room.at('/Total'))?.value as string
    expect(room.viewOf(room.party('Ada')).get(total)?.value).toBe('60')
    const other = element(room.state, fields[1] as string)?.value as string
    expect(room.viewOf(room.party('Ada')).get(other)).toBeUndefined()
    // Who takes a value back leaves too few.
    expect(room.run('Cyd', room.settingOf(fields[2] as string, undefined, 'decimal'))).toMatchObject({
      outcome: 'accepted',
    })
    expect(room.value('/Total')).toBeUndefined()
  })

  test('[RUL-12] its reader’s result is refused where it is not opened to all, or of another type', () => {
    const { room, fields } = cleanRoom(2)
    room.run('Ada', room.settingOf(fields[0] as string, '10', 'decimal'))
    const [request] = room.requestOf('Ben', room.settingOf(fields[1] as string, '20', 'decimal'))
    const judgement = room.judged(request)
    const hub = room.party('Hub')
    const kept = judgement.map((one) =>
      one.party === hub ? room.signed(hub, request.id, { items: one.items }) : one,
    )
    expect(room.send(request, kept)).toMatchObject({ code: 'judgement-outdated' })
    const text = { salt: 'A'.repeat(22), value: 'a text' }
    room.open([text])
    const [next] = room.requestOf('Ben', room.settingOf(fields[1] as string, '20', 'decimal'))
    const wrong = room.judged(next).map((one) => {
      const { items, reveals } = one
      if (one.party !== hub || reveals === undefined) return one
      const changed = items.map((item): (typeof items)[0] =>
        item[3] === reveals[0] ? [item[0], item[1], item[2], commitmentOf(text)] : item,
      )
      return room.signed(hub, next.id, { items: changed, reveals: [commitmentOf(text)] })
    })
    expect(room.send(next, wrong)).toMatchObject({ code: 'judgement-outdated' })
  })

  test('[RUL-12] a value that its reader may not see is refused where it is set', () => {
    const { room, fields, rule } = cleanRoom(2)
    room.run('Ada', room.settingOf(fields[0] as string, '10', 'decimal'))
    room.rule('Hub', ['Costs'], seenBy(room, 'Ada', 'Ben', 'Cyd'))
    const set = room.settingOf(fields[1] as string, '20', 'decimal')
    expect(room.run('Ben', set)).toMatchObject({ outcome: 'rejected', code: 'no-judge', rule })
  })
})
