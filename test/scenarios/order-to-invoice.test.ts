import { expect, it } from 'vitest'
import { Play } from '../support/play.ts'

it('[TPL-6] an order is priced, confirmed, delivered, invoiced, overdue and paid', () => {
  const roles = { buyer: 'Buyer', seller: 'Seller', carrier: 'Carrier', bank: 'Bank' }
  const order = Play.of('order-to-invoice', roles)
  const said = (came: Parameters<typeof order.said>[0]): string => order.said(came)

  expect(said(order.item('Seller', '/Order/Lines', { Article: 'Bolt' }))).toBe('access-denied lines-by-buyer')
  expect(said(order.item('Buyer', '/Order/Lines', { Article: 'Bolt', Quantity: '0' }))).toBe(
    'limits-broken quantity-positive',
  )
  expect(said(order.item('Buyer', '/Order/Lines', { Article: 'Bolt', Quantity: '200' }))).toBe('accepted')
  expect(said(order.item('Buyer', '/Order/Lines', { Article: 'Bolt' }))).toBe('not-unique article-once')
  expect(said(order.item('Buyer', '/Order/Lines', { Article: 'Nut', Quantity: '100' }))).toBe('accepted')
  expect(said(order.set('Buyer', '/Order/Confirmed', true))).toBe('accepted')
  expect(said(order.answer('Carrier', '/Order/Confirmed'))).toBe('not-asked order-confirmed')
  expect(said(order.answer('Seller', '/Order/Confirmed'))).toBe('constraint-broken confirmed-with-prices')
  expect(said(order.set('Buyer', '/Order/Lines[1]/Price', '0.5'))).toBe('access-denied price-by-seller')
  expect(said(order.set('Seller', '/Order/Lines[1]/Quantity', '300'))).toBe('access-denied quantity-by-buyer')
  expect(said(order.set('Seller', '/Order/Lines[1]/Price', '0.5'))).toBe('accepted')
  expect(said(order.set('Seller', '/Order/Lines[2]/Price', '0.25'))).toBe('accepted')
  expect(said(order.set('Buyer', '/Order/Lines[1]/Quantity', '400'))).toBe('accepted')
  expect([order.value('/Order/Lines[1]/Amount'), order.value('/Order/Total')]).toEqual(['200', '225'])
  expect(said(order.set('Seller', '/Order/Lines[1]/Amount', '1'))).toBe('derived-field line-amount')
  expect(said(order.set('Seller', '/Order/Total', '1'))).toBe('derived-field order-total')
  expect(said(order.phase('Bank', 'delivering'))).toBe('access-denied phases')
  expect(said(order.answer('Seller', '/Order/Confirmed'))).toBe('accepted')
  expect(order.phaseNow).toBe('delivering')
  expect(said(order.set('Buyer', '/Order/Lines[1]/Quantity', '1'))).toBe('access-denied quantity-by-buyer')

  expect(said(order.set('Seller', '/Invoice/Number', 'R-1'))).toBe('not-active invoice-when-delivered')
  expect(said(order.set('Seller', '/Delivery/Shipped', '2026-03-02'))).toBe(
    'access-denied delivery-by-carrier',
  )
  expect(said(order.set('Carrier', '/Delivery/Shipped', '2026-03-02'))).toBe('accepted')
  expect(said(order.set('Carrier', '/Delivery/Delivered', '2026-03-01'))).toBe(
    'constraint-broken delivered-after-shipped',
  )
  expect(said(order.set('Carrier', '/Delivery/Delivered', '2026-03-04'))).toBe('accepted')
  expect(order.phaseNow).toBe('invoicing')

  expect(said(order.set('Buyer', '/Invoice/Number', 'R-1'))).toBe('access-denied invoice-by-seller')
  expect(said(order.fill('Seller', { '/Invoice/Date': '2026-03-05', '/Invoice/VatRate': '20' }))).toBe(
    'accepted',
  )
  expect(['Vat', 'Total', 'Due', 'Interest'].map((name) => order.value(`/Invoice/${name}`))).toEqual([
    '45',
    '270',
    '2026-04-04',
    undefined,
  ])
  for (const [name, rule] of [
    ['Vat', 'invoice-vat'],
    ['Total', 'invoice-total'],
    ['Due', 'invoice-due'],
  ])
    expect(said(order.run('Seller', order.setting(`/Invoice/${name}`, undefined)))).toBe(
      `derived-field ${rule}`,
    )
  order.timeMs = Date.UTC(2026, 3, 5)
  order.tick()
  expect(order.value('/Invoice/Interest')).toBe('2.7')
  expect(said(order.set('Seller', '/Invoice/Interest', '100'))).toBe('derived-field late-interest')

  expect(said(order.set('Buyer', '/Payment/Paid', true))).toBe('access-denied payment-by-bank')
  expect(said(order.set('Bank', '/Payment/Paid', true))).toBe('constraint-broken paid-has-a-day')
  expect(said(order.set('Bank', '/Payment/Paid', false))).toBe('accepted')
  const payment = { '/Payment/Paid': true, '/Payment/On': '2026-04-07', '/Payment/Reference': 'B-9' }
  expect(said(order.fill('Bank', payment))).toBe('accepted')
  expect(order.phaseNow).toBe('settled')
  expect(order.unproven()).toEqual([])
})
