import { expect, it } from 'vitest'
import { Play } from '../support/play.ts'

it('[TPL-6] suppliers report, enough of them, until the round closes by itself', () => {
  const roles = { coordinator: 'Hub', supplier: ['Ash', 'Birch', 'Cedar'] }
  const room = Play.of('supply-chain-clean-room', roles)
  const said = (came: Parameters<typeof room.said>[0]): string => room.said(came)

  expect(said(room.set('Ash', '/Round/Quarter', '2026-Q1'))).toBe('access-denied round-by-coordinator')
  expect(said(room.set('Hub', '/Round/Quarter', 'spring'))).toBe('limits-broken quarter')
  expect(said(room.set('Hub', '/Round/Quarter', '2026-Q1'))).toBe('accepted')
  expect(said(room.phase('Ash', 'open'))).toBe('access-denied phases')
  expect(said(room.phase('Hub', 'open'))).toBe('required-missing article-needed')
  expect(said(room.set('Hub', '/Round/Article', 'Valve'))).toBe('accepted')
  expect(said(room.phase('Hub', 'open'))).toBe('accepted')
  expect(said(room.item('Ash', '/Reports', {}))).toBe('not-owner reports-by-coordinator')
  expect(said(room.item('Hub', '/Reports', { Supplier: room.party('Ash') }))).toBe(
    'not-unique one-report-each',
  )
  expect(said(room.item('Hub', '/Reports', {}))).toBe('accepted')
  expect(said(room.delete('Hub', '/Reports[4]'))).toBe('accepted')
  expect(said(room.item('Hub', '/Reports', { Supplier: room.party('Hub') }))).toBe('accepted')

  expect(said(room.set('Ash', '/Reports[2]/Stock', '5'))).toBe('access-denied own-report')
  expect(said(room.set('Ash', '/Reports[1]/Stock', '-5'))).toBe('limits-broken stock-not-negative')
  expect(said(room.set('Ash', '/Reports[1]/Done', true))).toBe('constraint-broken done-with-figures')
  for (const [index, party] of ['Ash', 'Birch', 'Cedar'].entries()) {
    expect(room.value('/Result/Enough') ?? false).toBe(false)
    const at = `/Reports[${index + 1}]`
    expect(
      said(room.fill(party, { [`${at}/Stock`]: '10', [`${at}/Capacity`]: '5', [`${at}/Done`]: true })),
    ).toBe('accepted')
  }
  expect([room.value('/Result/Reports'), room.value('/Result/Enough')]).toEqual(['3', true])
  expect(said(room.set('Hub', '/Result/Reports', '9'))).toBe('derived-field reports-counted')
  expect(said(room.set('Hub', '/Result/Enough', true))).toBe('derived-field enough')

  const closes = new Date(room.timeMs + 86_400_000).toISOString().slice(0, 10)
  expect(said(room.set('Hub', '/Round/Closes', closes))).toBe('accepted')
  room.wait(2 * 24 * 60)
  room.tick()
  expect(room.phaseNow).toBe('closed')
  expect(said(room.set('Ash', '/Reports[1]/Stock', '11'))).toBe('access-denied own-report')
  // Private values, and what only their readers can compute, are no matter of execution yet.
  const later = ['stock-private', 'capacity-private', 'stock-total', 'capacity-total']
  expect(room.unproven()).toEqual(
    later.flatMap((name) => [`${name}: never had an effect`, `${name}: never stood against anything`]),
  )
})
