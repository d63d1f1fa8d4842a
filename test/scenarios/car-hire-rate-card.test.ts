import { expect, it } from 'vitest'
import { Play } from '../support/play.ts'

it('[TPL-6] rates are agreed, cars booked by them, and the card negotiated again', () => {
  const card = Play.of('car-hire-rate-card', { provider: 'Wheels', client: 'Mill' })
  const said = (came: Parameters<typeof card.said>[0]): string => card.said(came)

  expect(said(card.item('Mill', '/Card/Categories', { Code: 'Compact' }))).toBe(
    'access-denied card-by-provider',
  )
  expect(said(card.item('Wheels', '/Card/Categories', { Code: 'Compact', DailyRate: '40' }))).toBe(
    'needs-approval rate-agreed',
  )
  const compact = { Code: 'Compact', IncludedKm: '100', KmPrice: '0.2' }
  expect(said(card.item('Wheels', '/Card/Categories', compact))).toBe('accepted')
  expect(said(card.item('Wheels', '/Card/Categories', compact))).toBe('not-unique category-once')
  expect(said(card.item('Wheels', '/Card/Categories', { Code: 'Van' }))).toBe('accepted')
  expect(said(card.fill('Wheels', { '/Card/From': '2026-12-31', '/Card/To': '2026-01-01' }))).toBe(
    'constraint-broken card-ends-after-it-begins',
  )
  expect(said(card.phase('Wheels', 'in use'))).toBe('required-missing card-complete')
  expect(said(card.phase('Mill', 'in use'))).toBe('access-denied phases')
  expect(said(card.fill('Wheels', { '/Card/From': '2026-01-01', '/Card/To': '2026-12-31' }))).toBe('accepted')
  expect(said(card.set('Wheels', '/Card/Categories[1]/DailyRate', '0'))).toBe('limits-broken rate-positive')
  expect(said(card.set('Wheels', '/Card/Categories[1]/DailyRate', '40'))).toBe('accepted')
  expect(said(card.answer('Mill', '/Card/Categories[1]/DailyRate'))).toBe('accepted')
  expect(card.value('/Card/Categories[1]/DailyRate')).toBe('40')
  expect(said(card.phase('Wheels', 'in use'))).toBe('accepted')

  const trip = { Driver: 'Ann', Category: 'Compact', From: '2026-05-04', To: '2026-05-06' }
  expect(said(card.item('Wheels', '/Bookings', trip))).toBe('not-owner bookings-by-client')
  expect(said(card.item('Mill', '/Bookings', { ...trip, Category: 'Limousine' }))).toBe(
    'constraint-broken category-on-card',
  )
  expect(said(card.item('Mill', '/Bookings', { ...trip, To: '2027-05-06' }))).toBe(
    'constraint-broken within-card',
  )
  expect(said(card.item('Mill', '/Bookings', { ...trip, Km: '10' }))).toBe('access-denied km-by-provider')
  expect(said(card.item('Mill', '/Bookings', trip))).toBe('accepted')
  expect(said(card.item('Mill', '/Bookings', { ...trip, Category: 'Van' }))).toBe('accepted')
  expect(said(card.set('Wheels', '/Bookings[1]/Driver', 'Bob'))).toBe('access-denied driver-by-client')
  expect(said(card.set('Mill', '/Bookings[1]/Driver', 'Bob'))).toBe('accepted')
  expect(said(card.set('Mill', '/Bookings[1]/Confirmed', true))).toBe('access-denied confirmed-by-provider')
  expect(said(card.set('Wheels', '/Bookings[2]/Confirmed', true))).toBe(
    'constraint-broken confirmed-with-rate',
  )
  expect(said(card.fill('Wheels', { '/Bookings[1]/Confirmed': true, '/Bookings[1]/Km': '350' }))).toBe(
    'accepted',
  )
  expect(['Days', 'Price'].map((name) => card.value(`/Bookings[1]/${name}`))).toEqual(['3', '130'])
  expect(card.value('/Turnover')).toBe('130')
  expect(said(card.set('Wheels', '/Bookings[1]/Days', '4'))).toBe('derived-field booking-days')
  expect(said(card.set('Wheels', '/Bookings[1]/Price', '4', 'decimal'))).toBe('derived-field booking-price')
  expect(said(card.set('Mill', '/Turnover', '4', 'decimal'))).toBe('derived-field turnover')

  expect(said(card.run('Wheels', card.setting('/Card/From', undefined)))).toBe(
    'required-missing card-complete',
  )
  expect(said(card.reply('Mill', 'renew'))).toBe('accepted')
  expect(card.phaseNow).toBe('in use')
  expect(said(card.reply('Wheels', 'renew'))).toBe('accepted')
  expect(card.phaseNow).toBe('renewal')
  expect(said(card.reply('Wheels', 'renew'))).toBe('gone renew')
  expect(card.unproven()).toEqual([])
})
