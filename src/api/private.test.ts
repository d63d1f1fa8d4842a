/** Private values at the door: what is signed, and what somebody reads whose node does not hold them. */
import { describe, expect, test } from 'vitest'
import { Agreement } from '../../test/support/agreement.ts'
import type { AccessAction, Behaviour } from '../ledger/behaviour.ts'
import type { SetOperation } from '../ledger/request.ts'
import { commitmentOf, type Opening } from '../ledger/value.ts'
import type { Context } from './context.ts'
import { RawJson } from './json-body.ts'
import { judgedView, judgedViews } from './judging.ts'
import { composeEdit } from './operations.ts'
import { leftOutHeader, madePrivate, refuseHidden } from './private.ts'
import { writeElement } from './records/documents.ts'
import { foresee } from './refusals.ts'
import type { Wish } from './request-schemas.ts'
import { proposalRecords, proposalView } from './rules/views.ts'
import { Values } from './values.ts'

const NAMES = ['Ada', 'Ben', 'Cyd'] as const
const DOCUMENT = '{"Bid": "", "Floor": "", "Secret": {"Note": ""}, "Public": "seen"}'

function seenBy(one: Agreement, ...names: string[]): Behaviour {
  const actions: AccessAction[] = ['see']
  return { kind: 'access', actions, grants: names.map((name) => ({ party: one.party(name) })) }
}

function withBid(): Agreement {
  const one = new Agreement(NAMES, DOCUMENT)
  one.rule('Ada', ['Bid'], seenBy(one, 'Ada', 'Ben'))
  return one
}

/** What routes work with, as it is at a party that holds what it may see. */
function at(one: Agreement, name: string, more: object = {}): Context {
  const party = one.party(name)
  const names = new Map(NAMES.map((each) => [one.party(each), each]))
  const held = one.viewOf(party)
  const states = {
    tentative: () => ({ state: one.state, height: one.height }),
    read: <T>(_: string, look: () => T): T => look(),
    damaged: (_: string, message: string) => new Error(`damaged: ${message}`),
  }
  const store = {
    openings: (_: string, commitments: string[]) =>
      new Map(
        commitments.flatMap((each): [string, Opening][] => {
          const opening = held.get(each)
          return opening === undefined ? [] : [[each, opening]]
        }),
      ),
  }
  const header = { timeMs: one.timeMs, height: one.height }
  const chain = { tip: { block: { header } }, pool: new Map() }
  const replica = { contract: one.contract, self: party, chain, roster: { names }, up: new Set(), ...more }
  return {
    states,
    node: { party, store, now: () => one.timeMs, engine: { replicas: new Map([[one.contract, replica]]) } },
    replica: () => replica,
    random: one.random,
    values: (...all: [typeof one.state]) => new Values(all, store as never, states as never, false),
  } as unknown as Context
}

function compose(context: Context, one: Agreement, ...wishes: object[]) {
  return composeEdit(context, one.state, wishes as Wish[])
}

const value = (json: string) => new RawJson(json)

describe('what is signed', () => {
  test('[VAL-4] is private where rules say so, however the wish is made', () => {
    const one = withBid()
    const context = at(one, 'Cyd')
    const wished = compose(context, one, { set: '/Bid', value: value('"12"') })
    const plain = {
      operations: [one.setting('/Bid', '12') as SetOperation],
      openings: [...one.openings.values()],
    }
    for (const edit of [
      madePrivate(context, one.contract, wished),
      madePrivate(context, one.contract, plain),
    ]) {
      const [operation] = edit.operations as [SetOperation]
      expect(operation.readers).toEqual([one.party('Ada'), one.party('Ben')].sort())
      const opening = edit.openings.find((each) => commitmentOf(each) === operation.value)
      expect(opening).toMatchObject({ value: '12', of: one.at('/Bid') })
    }
    const open = compose(context, one, { set: '/Public', value: value('"12"') })
    expect(madePrivate(context, one.contract, open)).toEqual(open)
  })

  test('[VAL-4] a later wish of the request has seen the commitment that is signed', () => {
    const one = withBid()
    const context = at(one, 'Ada')
    const { operations, openings } = madePrivate(
      context,
      one.contract,
      compose(context, one, { set: '/Bid', value: value('"12"') }, { set: '/Bid', value: value('"13"') }),
    )
    const [first, second] = operations as SetOperation[]
    expect(second?.seen).toBe(first?.value)
    expect(foresee(context, one.contract, { operations, openings })).toBeUndefined()
    one.open(openings)
    expect(one.run('Ada', ...operations)).toEqual({ outcome: 'accepted' })
    expect(one.value('/Bid')).toBe('13')
  })

  test('[VAL-4] what lies below a private block is private as it is created', () => {
    const one = new Agreement(NAMES, DOCUMENT)
    one.rule('Ada', ['Secret'], seenBy(one, 'Ada'))
    const wish = { create: { parent: '/Secret', name: 'More', value: value('{"Deep": "1"}') } }
    const { operations } = compose(at(one, 'Ada'), one, wish)
    expect(operations.map((each) => ('readers' in each ? each.readers : undefined))).toEqual([
      undefined,
      [one.party('Ada')],
    ])
  })

  test('no value goes out in the request that settles who may see it', () => {
    const one = new Agreement(NAMES, DOCUMENT)
    const { uid } = one.draft('Ada', ['Bid'], seenBy(one, 'Ada'))
    for (const name of NAMES) if (name !== 'Ada') one.vote(name, uid)
    const context = at(one, 'Ada')
    const set = { set: '/Bid', value: value('"12"') }
    const both = compose(context, one, { publish: [uid] }, set)
    expect(() => madePrivate(context, one.contract, both)).toThrow(/in a request of its own/)
    // The other way round it is set while everybody may see it.
    const before = compose(context, one, set, { publish: [uid] })
    expect(madePrivate(context, one.contract, before).operations).toHaveLength(2)
    const alone = compose(context, one, { publish: [uid] })
    expect(madePrivate(context, one.contract, alone)).toEqual(alone)
  })
})

describe('what is foreseen before it is signed', () => {
  function limited(): Agreement {
    const one = new Agreement(NAMES, DOCUMENT)
    for (const path of ['/Floor', '/Bid']) one.set('Ada', path, '10', 'decimal')
    one.rule('Ada', ['Bid'], seenBy(one, 'Ada', 'Ben'))
    one.set('Ada', '/Bid', '12')
    one.rule('Ben', [], { kind: 'constraint', expression: 'Bid >= Floor', message: 'too low' })
    return one
  }
  const set = (context: Context, one: Agreement, path: string, json: string) =>
    madePrivate(context, one.contract, compose(context, one, { set: path, value: value(json) }))

  test('[JUD-2] who sees what a rule reads is told; who doesn’t learns nothing of it', () => {
    const one = limited()
    const ada = at(one, 'Ada')
    expect(foresee(ada, one.contract, set(ada, one, '/Bid', '9'))).toMatchObject({
      code: 'constraint-broken',
    })
    expect(foresee(ada, one.contract, set(ada, one, '/Bid', '11'))).toBeUndefined()
    const cyd = at(one, 'Cyd')
    expect(foresee(cyd, one.contract, set(cyd, one, '/Floor', '99'))).toBeUndefined()
  })

  test('what is locked is told whoever may see it; what nobody can judge, too', () => {
    const one = limited()
    one.rule('Ada', ['Secret'], seenBy(one))
    one.run('Ben', { op: 'lock', uid: one.uid(), on: one.at('/Bid'), leaseMs: 60_000 })
    const cyd = at(one, 'Cyd')
    expect(foresee(cyd, one.contract, set(cyd, one, '/Bid', '13'))).toMatchObject({ code: 'locked' })
    expect(foresee(cyd, one.contract, set(cyd, one, '/Secret/Note', '"x"'))).toMatchObject({
      code: 'no-judge',
    })
  })
})

describe('what is read', () => {
  test('[VAL-4] says of a value that is not held here who may see it', () => {
    const one = withBid()
    one.set('Ada', '/Bid', '12')
    const uid = one.at('/Bid')
    const ada = at(one, 'Ada')
    expect(() => refuseHidden(ada, one.state, uid, ada.values(one.state))).not.toThrow()
    expect(leftOutHeader(ada, one.state, one.state.rootUid, ada.values(one.state))).toBeUndefined()
    const cyd = at(one, 'Cyd')
    const values = cyd.values(one.state)
    expect(() => refuseHidden(cyd, one.state, uid, values)).toThrow(
      expect.objectContaining({
        code: 'private-value',
        message: expect.stringMatching(/^\/Bid is private: (Ada, Ben|Ben, Ada) may see what is in it$/),
        detail: { path: '/Bid', readers: expect.arrayContaining([{ party: one.party('Ada'), name: 'Ada' }]) },
      }),
    )
    expect(leftOutHeader(cyd, one.state, one.state.rootUid, values)).toMatch(
      /^\/Bid;readers="(Ada Ben|Ben Ada)"$/,
    )
    expect(writeElement(one.state, one.state.rootUid, 'json', values)).toContain('"Bid":null')
    expect(writeElement(one.state, uid, 'text', values)).toBe('')
  })

  test('writing a document back that leaves private values out changes none of them', () => {
    const one = withBid()
    one.set('Ada', '/Bid', '12')
    const cyd = at(one, 'Cyd')
    const json = writeElement(one.state, one.state.rootUid, 'json', cyd.values(one.state))
    const same = compose(cyd, one, { set: '/', value: value(json) })
    expect(same.operations).toEqual([])
    const other = compose(cyd, one, { set: '/', value: value(json.replace('seen', 'read')) })
    expect(other.operations).toMatchObject([{ op: 'set', uid: one.at('/Public') }])
  })

  test('[JUD-1] a proposal of a private value names its readers to the others, not the value', () => {
    const one = withBid()
    one.rule('Ben', ['Bid'], { kind: 'approval', count: 2 })
    one.set('Ada', '/Bid', '12')
    const [found] = proposalRecords(one.state, one.state.rootUid)
    const [uid, record] = found as NonNullable<typeof found>
    expect(proposalView(at(one, 'Ben'), one.state, uid, record)).toMatchObject({ value: '12' })
    const shown = proposalView(at(one, 'Cyd'), one.state, uid, record)
    expect(shown).toMatchObject({ notShown: true, by: { name: 'Ada' } })
    expect(shown.readers?.map(({ name }) => name).sort()).toEqual(['Ada', 'Ben'])
    expect('value' in shown).toBe(false)
  })

  test('a value that is missing and is not private stops the contract still', () => {
    const one = withBid()
    const cyd = at(one, 'Cyd')
    one.openings.clear()
    expect(() => writeElement(one.state, one.at('/Public'), 'text', cyd.values(one.state))).toThrow('damaged')
  })
})

test('[JUD-1] a request that waits for a judgement names whose, since when', () => {
  const one = withBid()
  const lacking = { parties: [one.party('Ben')], sinceMs: 5 }
  const judging = {
    waitingFor: (id: string) => (id === 'waits' ? lacking : undefined),
    all: () => [{ request: 'waits', ...lacking }],
  }
  const context = at(one, 'Ada', { judging })
  const ben = { party: one.party('Ben'), name: 'Ben', sinceMs: 5, connected: false }
  expect(judgedView(context, one.contract, 'waits')).toEqual({ sinceMs: 5, waitingFor: [ben] })
  expect(judgedView(context, one.contract, 'other')).toBeUndefined()
  expect(judgedViews(context, context.replica(one.contract))).toEqual([
    { request: 'waits', sinceMs: 5, waitingFor: [ben] },
  ])
})
