/** What values have to be, and what follows from them: limits, required, unique, activation, phases, triggers, types. */
import { describe, expect, it } from 'vitest'
import { Agreement } from '../../../test/support/agreement.ts'
import { fixtureParty, seededBytes } from '../../../test/support/ledger-parties.ts'
import { partyOf } from '../../ledger/epoch.ts'
import { element } from '../state.ts'
import { dueMs, executeTick } from '../tick.ts'

const accepted = { outcome: 'accepted' }
const names = ['Acme', 'Beta'] as const

describe('limits', () => {
  it('[RUL-6] compare values by what they are', () => {
    const one = new Agreement([...names], '{"Rate": 1.5, "Name": "Mill", "Kind": "fire"}')
    one.rule('Acme', ['Rate'], { kind: 'limits', min: '0', max: '10.0' })
    one.rule('Acme', ['Name'], { kind: 'limits', minLength: 2, maxLength: 6, pattern: '[A-Z][a-z😀]+' })
    one.rule('Acme', ['Kind'], { kind: 'limits', oneOf: ['fire', 'flood'] })
    for (const rate of ['0', '10', '9.999', '1e1', '0.0'])
      expect([rate, one.set('Beta', '/Rate', rate, 'decimal')]).toEqual([rate, accepted])
    for (const rate of ['-0.001', '10.001', '1e2'])
      expect([rate, one.set('Beta', '/Rate', rate, 'decimal')]).toMatchObject([
        rate,
        { code: 'limits-broken' },
      ])
    for (const name of ['Ab', 'Abcdef', 'A😀😀😀'])
      expect([name, one.set('Beta', '/Name', name)]).toEqual([name, accepted])
    for (const name of ['A', 'Abcdefg', 'ab', 'Ab1', ''])
      expect([name, one.set('Beta', '/Name', name)]).toMatchObject([name, { code: 'limits-broken' }])
    expect(one.set('Beta', '/Kind', 'flood')).toEqual(accepted)
    expect(one.set('Beta', '/Kind', 'Flood')).toMatchObject({ code: 'limits-broken' })
  })

  it('[RUL-6] of dates and of money in one currency', () => {
    const one = new Agreement([...names], '{"Day": "", "Sum": ""}')
    expect(one.set('Acme', '/Day', '2026-01-01', 'date')).toEqual(accepted)
    expect(one.set('Acme', '/Sum', '5.00 EUR', 'money')).toEqual(accepted)
    one.rule('Acme', ['Day'], { kind: 'limits', min: '2026-01-01', max: '2026-12-31' })
    one.rule('Acme', ['Sum'], { kind: 'limits', max: '100 EUR' })
    expect(one.set('Beta', '/Day', '2025-12-31')).toMatchObject({ code: 'limits-broken' })
    expect(one.set('Beta', '/Day', '2026-12-31')).toEqual(accepted)
    expect(one.set('Beta', '/Sum', '100.00 EUR')).toEqual(accepted)
    expect(one.set('Beta', '/Sum', '100.01 EUR')).toMatchObject({ code: 'limits-broken' })
    expect(one.set('Beta', '/Sum', '1 USD')).toMatchObject({ code: 'limits-broken' })
  })

  it('[RUL-6] named types hold wherever they are used', () => {
    const type = 'aa'.repeat(16)
    const one = new Agreement([...names], '{}', [], {
      types: [
        {
          op: 'define',
          uid: type,
          type: { name: 'Percentage', base: 'decimal', hint: 'percentage', min: '0', max: '100' },
        },
      ],
    })
    const create = (uid: string, value: string) =>
      ({
        op: 'create',
        uid,
        parent: one.state.rootUid,
        name: 'Share',
        kind: 'field',
        order: 'a0',
        type: 'decimal',
        typed: type,
        value,
      }) as const
    const commit = (value: string): string => {
      const opening = { salt: Buffer.from(one.random(16)).toString('base64url'), value }
      one.open([opening])
      return [...one.openings.keys()].at(-1) as string
    }
    expect(one.run('Acme', create(one.uid(), commit('100.1')))).toMatchObject({
      code: 'limits-broken',
      rule: type,
    })
    expect(one.run('Acme', create(one.uid(), commit('99.5')))).toEqual(accepted)
    expect(one.set('Beta', '/Share', '-1', 'decimal')).toMatchObject({ code: 'limits-broken', rule: type })
    expect(one.set('Beta', '/Share', 'x', 'text')).toMatchObject({ code: 'limits-broken' })
    expect(element(one.state, one.at('/Share'))).toMatchObject({ typed: type })
  })
})

describe('required and unique', () => {
  it('[RUL-6] what is required is not cleared, and from its phase on it is there', () => {
    const one = new Agreement(
      [...names],
      '{"Name": "x", "Bank": {"Iban": ""}}',
      [{ path: [], behaviour: { kind: 'phases', names: ['quote', 'bound'] } }],
      { phase: 'quote' },
    )
    expect(one.set('Acme', '/Bank/Iban', undefined)).toEqual(accepted)
    one.rule('Acme', ['Name'], { kind: 'required' })
    one.rule('Acme', ['Bank', 'Iban'], { kind: 'required', from: 'bound' })
    expect(one.set('Beta', '/Name', undefined)).toMatchObject({ code: 'required-missing' })
    expect(one.delete('Beta', '/Name')).toMatchObject({ code: 'required-missing' })
    expect(one.run('Acme', { op: 'phase', from: 'quote', to: 'bound' })).toMatchObject({
      code: 'required-missing',
    })
    expect(one.set('Beta', '/Bank/Iban', 'DE1')).toEqual(accepted)
    expect(one.run('Acme', { op: 'phase', from: 'quote', to: 'bound' })).toEqual(accepted)
    expect(one.run('Acme', { op: 'phase', from: 'quote', to: 'bound' })).toMatchObject({
      code: 'wrong-phase',
    })
    expect(one.set('Beta', '/Bank/Iban', undefined)).toMatchObject({ code: 'required-missing' })
  })

  it('[RUL-6] unique among siblings, by value', () => {
    const one = new Agreement([...names], '{"Lines": [{"No": 1}, {"No": 2}]}')
    one.rule('Acme', ['Lines'], { kind: 'unique', by: ['No'] })
    expect(one.add('Beta', '/Lines', '{"No": 2}')).toMatchObject({ code: 'not-unique' })
    expect(one.add('Beta', '/Lines', '{"No": 3}')).toEqual(accepted)
    expect(one.set('Beta', '/Lines[1]/No', '3.0', 'decimal')).toMatchObject({ code: 'not-unique' })
    expect(one.set('Beta', '/Lines[1]/No', '4')).toEqual(accepted)
  })
})

describe('activation', () => {
  it('[RUL-6] a block is there for as long as its condition is true', () => {
    const one = new Agreement([...names], '{"Country": "FR", "Tax": {"Number": "", "Rate": 19}, "Due": 0.0}')
    const rule = one.rule('Acme', ['Tax'], { kind: 'activation', expression: 'Country = "DE"' })
    one.rule('Acme', ['Due'], {
      kind: 'assignment',
      expression: 'if Tax.Rate = null then 0 else Tax.Rate * 2',
    })
    expect(element(one.state, one.at('/Tax'))?.inactive).toBe(true)
    expect(one.value('/Due')).toBe('0')
    const number = one.at('/Tax/Number')
    expect(one.set('Beta', '/Tax/Number', '12')).toMatchObject({ code: 'not-active', rule, element: number })
    expect(one.add('Beta', '/Tax', '{"More": 1}')).toMatchObject({ code: 'not-active', rule })
    expect(one.set('Beta', '/Country', 'DE')).toMatchObject({ outcome: 'accepted' })
    expect(element(one.state, one.at('/Tax'))?.inactive).toBeUndefined()
    expect(one.value('/Due')).toBe('38')
    expect(one.set('Beta', '/Tax/Number', '12')).toEqual(accepted)
    expect(one.set('Beta', '/Country', 'FR')).toMatchObject({ outcome: 'accepted' })
    expect(one.value('/Due')).toBe('0')
  })
})

describe('rule sets and triggers', () => {
  it('[RUL-8] a set is switched off and on by all, and looked at when it comes on', () => {
    const one = new Agreement([...names], '{"A": 1}')
    const rule = one.rule('Acme', ['A'], { kind: 'limits', max: '5' }, { set: 'Strict' })
    const flip = (on: boolean) => {
      const uid = one.uid()
      expect(one.run('Acme', { op: 'draft', uid, action: { do: 'switch', set: 'Strict', on } })).toEqual(
        accepted,
      )
      return one.agree(uid)
    }
    expect(one.set('Beta', '/A', '6')).toMatchObject({ code: 'limits-broken' })
    expect(flip(false)).toEqual(accepted)
    expect(one.set('Beta', '/A', '6')).toEqual(accepted)
    expect(flip(true)).toMatchObject({ code: 'limits-broken', rule })
    expect(one.set('Beta', '/A', '5')).toEqual(accepted)
    expect(flip(true)).toEqual(accepted)
  })

  it('[RUL-8] a condition moves the phase on, which switches a set and brings a block', () => {
    const one = new Agreement(
      [...names],
      '{"Signed": false, "Claims": {"Note": ""}, "Rate": 1}',
      [{ path: [], behaviour: { kind: 'phases', names: ['quote', 'bound'] } }],
      { phase: 'quote' },
    )
    one.rule('Acme', ['Rate'], { kind: 'limits', max: '1' }, { set: 'Frozen' })
    const off = one.uid()
    one.run('Acme', { op: 'draft', uid: off, action: { do: 'switch', set: 'Frozen', on: false } })
    expect(one.agree(off)).toEqual(accepted)
    one.rule('Acme', [], {
      kind: 'trigger',
      when: { kind: 'expression', expression: 'Signed' },
      actions: [{ do: 'phase', to: 'bound' }],
    })
    const bringing = one.rule('Acme', [], {
      kind: 'trigger',
      when: { kind: 'phase', phase: 'bound' },
      actions: [
        { do: 'switch', set: 'Frozen', on: true },
        { do: 'activate', target: ['Claims'] },
      ],
    })
    expect(one.set('Beta', '/Claims/Note', 'x')).toMatchObject({ code: 'not-active', rule: bringing })
    expect(one.set('Beta', '/Rate', '2')).toEqual(accepted)
    // What the trigger would lead to breaks a rule: then the request is not accepted.
    expect(one.set('Beta', '/Signed', true)).toMatchObject({ code: 'limits-broken' })
    expect(one.set('Beta', '/Rate', '1')).toEqual(accepted)
    expect(one.set('Beta', '/Signed', true)).toMatchObject({ outcome: 'accepted' })
    expect(one.state.governance.workflow.phase).toBe('bound')
    expect(one.set('Beta', '/Claims/Note', 'x')).toEqual(accepted)
    expect(one.set('Beta', '/Rate', '2')).toMatchObject({ code: 'limits-broken' })
  })

  it('[RUL-8] a question is answered by those it asks', () => {
    const one = new Agreement([...names, 'Cove'], '{"Court": {"File": ""}}')
    const rule = one.rule('Acme', [], {
      kind: 'trigger',
      when: {
        kind: 'question',
        text: 'Open the file?',
        parties: [one.party('Acme'), one.party('Beta')],
        count: 2,
      },
      actions: [{ do: 'activate', target: ['Court'] }],
    })
    expect(one.vote('Cove', rule)).toMatchObject({ code: 'not-asked' })
    expect(one.vote('Acme', rule)).toEqual(accepted)
    expect(one.set('Acme', '/Court/File', 'x')).toMatchObject({ code: 'not-active', rule })
    expect(one.vote('Beta', rule)).toEqual(accepted)
    expect(one.set('Acme', '/Court/File', 'x')).toEqual(accepted)
  })

  it('[RUL-8] [EPO-14] a date fires by a TICK, and follows the field that it is read from', () => {
    const one = new Agreement([...names], '{"Ends": "", "Over": {"Note": ""}}')
    expect(one.set('Acme', '/Ends', '2030-01-01', 'date')).toEqual(accepted)
    one.rule('Acme', [], {
      kind: 'trigger',
      when: { kind: 'date', expression: 'Ends' },
      actions: [{ do: 'activate', target: ['Over'] }],
    })
    expect(dueMs(one.state)).toBe(Date.UTC(2030, 0, 1))
    expect(one.set('Beta', '/Ends', '2029-01-01')).toMatchObject({ outcome: 'accepted' })
    expect(dueMs(one.state)).toBe(Date.UTC(2029, 0, 1))
    const at = { height: one.height + 1, timeMs: Date.UTC(2029, 0, 1) }
    expect(() => executeTick(one.state, { ...at, timeMs: at.timeMs - 1 }, one.openings)).toThrow(
      'before anything',
    )
    const ticked = executeTick(one.state, at, one.openings)
    expect(element(ticked.state, one.at('/Over'))?.inactive).toBeUndefined()
    expect(dueMs(ticked.state)).toBeUndefined()
    const unopened = executeTick(one.state, at, new Map(), ticked.entries[0].results)
    expect(unopened.stateRoot).toBe(ticked.stateRoot)
  })
})

describe('a genesis with rules', () => {
  it('[GEN-1] [RUL-2] is in force from the first, and computes', () => {
    const one = new Agreement([...names], '{"A": 2, "B": 0, "Tax": {"No": ""}}', [
      { path: ['B'], behaviour: { kind: 'assignment', expression: 'A * 3' } },
      { path: ['Tax'], behaviour: { kind: 'activation', expression: 'A > 5' } },
      { path: ['A'], behaviour: { kind: 'limits', max: '10' } },
    ])
    expect(one.value('/B')).toBe('6')
    expect(one.set('Beta', '/A', '11')).toMatchObject({ code: 'limits-broken' })
    expect(one.set('Beta', '/A', '10')).toMatchObject({ outcome: 'accepted' })
    expect(one.value('/B')).toBe('30')
    expect(one.set('Beta', '/Tax/No', 'x')).toEqual(accepted)
  })
})

describe('a trigger that lets an observer in', () => {
  it('[RUL-8] [EPO-5] opens its invitation with every member’s yes', () => {
    const court = fixtureParty('Court', seededBytes('Court'))
    const party = partyOf(court.signedCard.card)
    const one = new Agreement([...names], '{"Dispute": false}')
    one.rule('Acme', [], {
      kind: 'trigger',
      when: { kind: 'expression', expression: 'Dispute' },
      actions: [{ do: 'admit', card: court.signedCard, older: true, forMs: 3_600_000 }],
    })
    expect(one.state.epoch.changes).toBeUndefined()
    expect(one.set('Beta', '/Dispute', true)).toMatchObject(accepted)
    expect(one.state.epoch.changes).toMatchObject([
      { op: 'invite', party, role: 'observer', older: true, yes: names.map((name) => one.party(name)) },
    ])
    expect(one.set('Beta', '/Dispute', false)).toMatchObject(accepted)
    expect(one.set('Beta', '/Dispute', true)).toMatchObject(accepted)
    expect(one.state.epoch.changes).toHaveLength(1)
  })
})

describe('a set that a request switches off', () => {
  it('[RUL-8] refuses nothing in it any more', () => {
    const one = new Agreement([...names], '{"A": 1, "Stop": false}')
    one.rule('Acme', ['A'], { kind: 'limits', min: '1' }, { set: 'Strict' })
    one.rule('Acme', [], {
      kind: 'trigger',
      when: { kind: 'expression', expression: 'Stop' },
      actions: [{ do: 'switch', set: 'Strict', on: false }],
    })
    expect(one.set('Beta', '/A', '0')).toMatchObject({ code: 'limits-broken' })
    const both = [one.setting('/A', '0'), one.setting('/Stop', true)]
    expect(one.run('Beta', ...both)).toMatchObject(accepted)
  })
})
