import { describe, expect, it } from 'vitest'
import { Agreement } from '../../../test/support/agreement.ts'

const slip =
  '{"Insured": "Mill", "Premium": {"Amount": 1000, "Rate": 2.5}, "Lines": [{"Who": "a", "Share": 60}, {"Who": "b", "Share": 40}]}'
const accepted = { outcome: 'accepted' }

describe('rules in force', () => {
  it('[REQ-8] [STA-3] [RUL-2] begin once every member has said yes and one has published', () => {
    const one = new Agreement(['Acme', 'Beta', 'Cove'], slip)
    const { uid, came } = one.draft('Acme', ['Premium', 'Rate'], {
      kind: 'access',
      actions: ['propose'],
      grants: [{ party: one.party('Acme') }],
    })
    expect(came).toEqual(accepted)
    expect(one.set('Beta', '/Premium/Rate', '3')).toEqual(accepted)
    expect(one.run('Acme', { op: 'publish', drafts: [uid] })).toEqual({
      outcome: 'conflicted',
      code: 'not-agreed',
      rule: uid,
    })
    expect(one.vote('Beta', uid)).toEqual(accepted)
    expect(one.run('Acme', { op: 'publish', drafts: [uid] })).toMatchObject({ code: 'not-agreed' })
    expect(one.vote('Cove', uid)).toEqual(accepted)
    expect(one.set('Beta', '/Premium/Rate', '4')).toEqual(accepted)
    expect(one.run('Beta', { op: 'publish', drafts: [uid] })).toEqual(accepted)
    expect(one.set('Beta', '/Premium/Rate', '5')).toEqual({
      outcome: 'rejected',
      code: 'access-denied',
      rule: uid,
      element: one.at('/Premium/Rate'),
    })
    expect(one.set('Acme', '/Premium/Rate', '5')).toEqual(accepted)
    expect(one.set('Beta', '/Premium/Amount', '5')).toEqual(accepted)
  })

  it('[RUL-6] a constraint over all items of a list', () => {
    const one = new Agreement(['Acme', 'Beta'], slip)
    const rule = one.rule('Acme', [], {
      kind: 'constraint',
      expression: 'sum(Lines.Share) <= 100',
      message: 'lines come to no more than 100 %',
    })
    expect(one.add('Beta', '/Lines', '{"Who": "c", "Share": 1}')).toMatchObject({
      code: 'constraint-broken',
      rule,
    })
    expect(one.set('Beta', '/Lines[1]/Share', '59', 'integer')).toEqual(accepted)
    expect(one.add('Beta', '/Lines', '{"Who": "c", "Share": 1}')).toEqual(accepted)
    expect(one.set('Beta', '/Lines[3]/Share', '1.001', 'decimal')).toMatchObject({
      code: 'constraint-broken',
    })
  })

  it('[RUL-7] derived fields follow from what they read, each from those before it', () => {
    const one = new Agreement(
      ['Acme', 'Beta'],
      '{"Amount": 1000, "Rate": 2.5, "Due": 0.0, "Tax": 0.0, "Total": 0.0}',
    )
    one.rule('Acme', ['Tax'], { kind: 'assignment', expression: 'Due * 0.1' })
    one.rule('Acme', ['Total'], { kind: 'assignment', expression: 'Due + Tax' })
    one.rule('Acme', ['Due'], { kind: 'assignment', expression: 'Amount * Rate / 100' })
    expect([one.value('/Due'), one.value('/Tax'), one.value('/Total')]).toEqual(['25', '2.5', '27.5'])
    expect(one.set('Beta', '/Amount', '2000')).toMatchObject({ outcome: 'accepted' })
    expect([one.value('/Due'), one.value('/Tax'), one.value('/Total')]).toEqual(['50', '5', '55'])
    expect(one.set('Beta', '/Tax', '1', 'decimal')).toMatchObject({ code: 'derived-field' })
  })

  it('[RUL-3] rules that compute from one another in a circle are refused', () => {
    const one = new Agreement(['Acme', 'Beta'], '{"A": 1, "B": 2}')
    one.rule('Acme', ['A'], { kind: 'assignment', expression: 'B + 1' })
    const { uid } = one.draft('Acme', ['B'], { kind: 'assignment', expression: 'A + 1' })
    expect(one.agree(uid)).toMatchObject({ code: 'bad-rule' })
  })
})
