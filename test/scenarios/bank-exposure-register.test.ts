import { expect, it } from 'vitest'
import { partyOf } from '../../src/identity/card.ts'
import { cardOf, Play } from '../support/play.ts'

it('[TPL-6] banks report exposures, agree that insolvency was filed for, and the court is let in', () => {
  const roles = { agent: 'Agent', bank: ['Alpha', 'Beta'], regulator: 'Regulator', court: 'Court' }
  const register = Play.of('bank-exposure-register', roles, ['Regulator', 'Court'])
  const said = (came: Parameters<typeof register.said>[0]): string => register.said(came)

  expect(said(register.set('Alpha', '/Debtor/Name', 'Mill'))).toBe('access-denied debtor-by-agent')
  expect(said(register.set('Agent', '/Debtor/Name', 'Mill'))).toBe('accepted')
  expect(said(register.run('Agent', register.setting('/Debtor/Name', undefined)))).toBe(
    'required-missing name-stays',
  )
  expect(said(register.set('Agent', '/Debtor/Lei', 'MILL'))).toBe('limits-broken lei')
  expect(said(register.set('Agent', '/Debtor/Lei', '5493001KJTIIGC8Y1R12'))).toBe('accepted')

  expect(said(register.set('Beta', '/Exposures[1]/Line', '100'))).toBe('access-denied own-exposure')
  expect(said(register.fill('Alpha', { '/Exposures[1]/Line': '100', '/Exposures[1]/Drawn': '101' }))).toBe(
    'constraint-broken within-line',
  )
  expect(said(register.set('Alpha', '/Exposures[1]/Grade', '11'))).toBe('limits-broken grade')
  const alpha = { Line: '100', Drawn: '80', Collateral: '30', Grade: '4' }
  const beta = { Line: '50', Drawn: '20', Grade: '5' }
  for (const [index, party, values] of [
    [1, 'Alpha', alpha],
    [2, 'Beta', beta],
  ] as const)
    for (const [name, value] of Object.entries(values))
      expect(said(register.set(party, `/Exposures[${index}]/${name}`, value))).toBe('accepted')
  expect(['Line', 'Drawn', 'Open'].map((name) => register.value(`/Totals/${name}`))).toEqual([
    '150',
    '100',
    '70',
  ])
  for (const [name, rule] of [
    ['Line', 'total-line'],
    ['Drawn', 'total-drawn'],
    ['Open', 'total-open'],
  ])
    expect(said(register.set('Agent', `/Totals/${name}`, '1'))).toBe(`derived-field ${rule}`)
  expect(said(register.item('Beta', '/Exposures', {}))).toBe('not-owner register-by-agent')
  expect(said(register.item('Agent', '/Exposures', { Bank: register.party('Beta') }))).toBe(
    'not-unique one-exposure-each',
  )
  expect(said(register.item('Agent', '/Exposures', { Bank: register.party('Agent') }))).toBe('accepted')

  expect(said(register.set('Agent', '/Insolvency/Case', '12 IN 34/26'))).toBe(
    'constraint-broken case-needs-filing',
  )
  expect(said(register.set('Alpha', '/Insolvency/Filed', false))).toBe('accepted')
  expect(said(register.answer('Beta', '/Insolvency/Filed'))).toBe('accepted')
  expect(said(register.set('Alpha', '/Insolvency/Filed', true))).toBe('accepted')
  expect(said(register.answer('Agent', '/Insolvency/Filed'))).toBe('not-asked filed-by-banks')
  expect(said(register.set('Beta', '/Exposures[2]/Line', '60'))).toBe('accepted')
  expect(said(register.answer('Beta', '/Insolvency/Filed'))).toBe('accepted')
  expect(register.state.epoch.changes).toMatchObject([
    { op: 'invite', party: partyOf(cardOf('Court').card), role: 'observer', older: true },
  ])
  expect(said(register.set('Agent', '/Insolvency/Case', '12 IN 34/26'))).toBe('accepted')
  expect(said(register.set('Beta', '/Exposures[2]/Line', '70'))).toBe('access-denied no-more-drawing')
  expect(said(register.set('Agent', '/Exposures[3]/Line', '0'))).toBe('accepted')
  expect(register.unproven()).toEqual([])
})
