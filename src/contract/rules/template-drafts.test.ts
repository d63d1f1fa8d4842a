import { describe, expect, it } from 'vitest'
import { Agreement } from '../../../test/support/agreement.ts'
import type { RuleBody } from '../../ledger/behaviour.ts'
import { element } from '../elements.ts'

const accepted = { outcome: 'accepted' }
const mark = (letter: string, edition = 1) => ({ hash: letter.repeat(64), edition })

describe('a draft', () => {
  it('[TPL-2] may say whose its rule is to be: a member’s', () => {
    const one = new Agreement(['Acme', 'Beta'], '{"A": 1}')
    const rule: RuleBody = { at: one.state.rootUid, path: ['A'], behaviour: { kind: 'limits', min: '0' } }
    const action = { do: 'add', rule } as const
    const [uid, other] = [one.uid(), one.uid()]
    expect(one.run('Acme', { op: 'draft', uid, action, owner: one.party('Beta') })).toEqual(accepted)
    expect(one.agree(uid)).toEqual(accepted)
    expect(one.state.governance.law.rules.get(uid)?.owner).toBe(one.party('Beta'))
    expect(one.run('Acme', { op: 'draft', uid: other, action, owner: 'a'.repeat(64) })).toMatchObject({
      code: 'bad-rule',
    })
  })

  it('[TPL-3] names a block’s template once every member has said yes, as its author saw it', () => {
    const one = new Agreement(['Acme', 'Beta'], '{"Block": {}, "List": []}')
    const on = one.at('/Block')
    const [first, second, third] = [one.uid(), one.uid(), one.uid()]
    const action = { do: 'template', on, template: mark('a') } as const
    expect(one.run('Acme', { op: 'draft', uid: first, action })).toEqual(accepted)
    expect(one.run('Beta', { op: 'draft', uid: second, action })).toEqual(accepted)
    expect(element(one.state, on)?.template).toBeUndefined()
    expect(one.agree(first)).toEqual(accepted)
    expect(element(one.state, on)?.template).toEqual(mark('a'))
    expect(one.agree(second)).toMatchObject({ code: 'stale-place', element: on })
    const next = { ...action, from: 'a'.repeat(64), template: mark('b', 2) }
    expect(one.run('Acme', { op: 'draft', uid: third, action: next })).toEqual(accepted)
    expect(one.agree(third)).toEqual(accepted)
    expect(element(one.state, on)?.template).toEqual(mark('b', 2))
    for (const [target, code] of [
      [one.at('/List'), 'bad-rule'],
      [one.uid(), 'gone'],
    ] as const)
      expect(
        one.run('Acme', { op: 'draft', uid: one.uid(), action: { ...action, on: target } }),
      ).toMatchObject({ code })
  })

  it('[RUL-8] of a rule in a set that is switched off is not looked at before it is switched on', () => {
    const one = new Agreement(['Acme', 'Beta'], '{"A": 1}')
    const [off, on, rule] = [one.uid(), one.uid(), one.uid()]
    const behaviour = { kind: 'limits', min: '5' } as const
    const body = { at: one.state.rootUid, path: ['A'], set: 'later', behaviour }
    one.run('Acme', { op: 'draft', uid: off, action: { do: 'switch', set: 'later', on: false } })
    one.run('Acme', { op: 'draft', uid: rule, action: { do: 'add', rule: body } })
    expect(one.agree(off, rule)).toEqual(accepted)
    expect(one.set('Beta', '/A', '2')).toEqual(accepted)
    one.run('Acme', { op: 'draft', uid: on, action: { do: 'switch', set: 'later', on: true } })
    expect(one.agree(on)).toMatchObject({ code: 'limits-broken', rule })
    expect(one.set('Beta', '/A', '7')).toEqual(accepted)
    expect(one.agree(on)).toEqual(accepted)
    expect(one.set('Beta', '/A', '4')).toMatchObject({ code: 'limits-broken' })
  })
})
