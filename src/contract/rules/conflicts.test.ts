import { describe, expect, it } from 'vitest'
import { Agreement } from '../../../test/support/agreement.ts'
import { conflictsOf } from './conflicts.ts'
import { elementStatus } from './status.ts'

const accepted = { outcome: 'accepted' }
const names = ['Acme', 'Beta', 'Cove'] as const
const conflicts = (one: Agreement) => conflictsOf(one.state, one.openings, one.timeMs)

describe('conflicts', () => {
  it('[RUL-11] several proposals on one field, and one that was made for what is no more there', () => {
    const one = new Agreement([...names], '{"Rate": 1.5}')
    one.rule('Acme', ['Rate'], { kind: 'approval', count: 2, several: true })
    expect(one.set('Beta', '/Rate', '2.5')).toEqual(accepted)
    expect(conflicts(one)).toEqual([])
    const rate = one.at('/Rate')
    expect(elementStatus(one.state, rate)).toMatchObject({
      agreed: false,
      proposals: [{ by: one.party('Beta'), lacking: 1, missing: [one.party('Acme'), one.party('Cove')] }],
    })
    expect(one.set('Cove', '/Rate', '3.5')).toEqual(accepted)
    const [both] = conflicts(one)
    expect(both).toMatchObject({ kind: 'competing-proposals', elements: [rate] })
    expect(new Set(both?.parties)).toEqual(new Set([one.party('Beta'), one.party('Cove')]))
    expect(both?.ways.map((way) => way.do).sort()).toEqual(['vote', 'vote', 'withdraw', 'withdraw'])
    const cove = elementStatus(one.state, rate)?.proposals.find(({ by }) => by === one.party('Cove'))
    expect(one.vote('Acme', cove?.uid as string)).toEqual(accepted)
    expect(conflicts(one)).toMatchObject([
      {
        kind: 'outdated-proposal',
        parties: [one.party('Beta')],
        ways: [{ do: 'propose' }, { do: 'withdraw' }],
      },
    ])
    expect(one.run('Beta', { op: 'withdraw', uid: conflicts(one)[0]?.records[0] as string })).toEqual(
      accepted,
    )
    expect(conflicts(one)).toEqual([])
    expect(elementStatus(one.state, rate)).toEqual({ agreed: 'votes', proposals: [], settled: undefined })
  })

  it('[RUL-11] values that break a rule which is voted on, and the ways out of it', () => {
    const one = new Agreement([...names], '{"Lines": [{"Share": 60}, {"Share": 70}, {"Share": 5}]}')
    const { uid } = one.draft('Acme', ['Lines', 'Share'], { kind: 'limits', max: '50' })
    const [conflict] = conflicts(one)
    expect(conflict).toMatchObject({
      kind: 'values-break-draft',
      records: [uid],
      parties: [one.party('Acme')],
    })
    expect(new Set(conflict?.elements)).toEqual(
      new Set([one.at('/Lines[1]/Share'), one.at('/Lines[2]/Share')]),
    )
    expect(one.agree(uid)).toMatchObject({ code: 'limits-broken' })
    expect(one.set('Beta', '/Lines[1]/Share', '40')).toEqual(accepted)
    expect(one.set('Beta', '/Lines[2]/Share', '50')).toEqual(accepted)
    expect(conflicts(one)).toEqual([])
    expect(one.agree(uid)).toEqual(accepted)
  })

  it('[RUL-11] two drafts that change one rule: one can be published', () => {
    const one = new Agreement([...names], '{"A": 1}')
    const rule = one.rule('Acme', ['A'], { kind: 'limits', max: '5' })
    const [first, second] = [one.uid(), one.uid()]
    const body = { at: one.state.rootUid, path: ['A'], behaviour: { kind: 'limits', max: '9' } } as const
    one.run('Beta', {
      op: 'draft',
      uid: first,
      action: { do: 'replace', rule, by: { ...body, path: ['A'] } },
    })
    one.run('Cove', { op: 'draft', uid: second, action: { do: 'repeal', rule } })
    expect(conflicts(one)).toMatchObject([
      { kind: 'competing-drafts', ways: [{ do: 'withdraw' }, { do: 'withdraw' }] },
    ])
    expect(one.agree(second)).toEqual(accepted)
    expect(one.agree(first)).toMatchObject({ code: 'gone', rule })
    expect(one.set('Beta', '/A', '100')).toEqual(accepted)
  })

  it('[RUL-10] says who has confirmed the record, and who has not', () => {
    const one = new Agreement([...names], '{"A": 1}')
    expect(one.run('Acme', { op: 'settle', record: one.state.map.root() })).toEqual(accepted)
    expect(elementStatus(one.state, one.at('/A'))).toEqual({
      agreed: 'rules',
      proposals: [],
      settled: { yes: [one.party('Acme')], missing: [one.party('Beta'), one.party('Cove')] },
    })
  })
})
