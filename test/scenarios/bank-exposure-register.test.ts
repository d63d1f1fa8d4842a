import { expect, it } from 'vitest'
import { partyOf } from '../../src/identity/card.ts'
import { cardOf, Play } from '../support/play.ts'

it('[TPL-6] banks report exposures, agree that insolvency was filed for, and the court is let in', () => {
  const roles = { agent: 'Agent', bank: ['Alpha', 'Beta', 'Gamma'], regulator: 'Regulator', court: 'Court' }
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
  const reports = {
    Alpha: { Line: '100', Drawn: '80', Collateral: '30', Grade: '4' },
    Beta: { Line: '50', Drawn: '20', Collateral: '10', Grade: '7' },
    Gamma: { Line: '70', Drawn: '10', Collateral: '5', Grade: '2' },
  }
  for (const [index, [party, values]] of Object.entries(reports).entries())
    for (const [name, value] of Object.entries(values)) {
      expect(register.value('/Totals/Drawn'), 'while fewer than three have reported').toBeUndefined()
      expect(said(register.set(party, `/Exposures[${index + 1}]/${name}`, value))).toBe('accepted')
      if (name === 'Drawn' && party === 'Gamma') break
    }
  expect(said(register.set('Gamma', '/Exposures[3]/Collateral', '5'))).toBe('accepted')
  expect(said(register.set('Gamma', '/Exposures[3]/Grade', '2'))).toBe('accepted')
  const totals = { Line: '220', Drawn: '110', Collateral: '45', Open: '65', Worst: '7', Banks: '3' }
  for (const [name, total] of Object.entries(totals))
    for (const party of ['Agent', 'Alpha', 'Beta', 'Gamma'])
      expect(register.seen(party, `/Totals/${name}`)).toBe(total)
  for (const [name, rule] of [
    ['Line', 'total-line'],
    ['Drawn', 'total-drawn'],
    ['Collateral', 'total-collateral'],
    ['Open', 'total-open'],
    ['Worst', 'worst-grade'],
    ['Banks', 'banks-reported'],
  ])
    expect(said(register.set('Agent', `/Totals/${name}`, '1'))).toBe(`derived-field ${rule}`)
  for (const name of ['Line', 'Drawn', 'Collateral', 'Grade']) {
    const path = `/Exposures[1]/${name}`
    const value = reports.Alpha[name as 'Line']
    const seen = ['Agent', 'Alpha', 'Beta', 'Gamma'].map((party) => register.seen(party, path))
    expect(seen).toEqual([value, value, undefined, undefined])
    expect(said(register.show('Alpha', path, value, ['Alpha', 'Agent', 'Beta']))).toBe('wrong-readers')
  }
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
  expect(said(register.set('Agent', '/Exposures[4]/Line', '0'))).toBe('accepted')
  expect(register.unproven()).toEqual([])
})
