import { expect, it } from 'vitest'
import { Play } from '../support/play.ts'

it('[TPL-6] books are submitted, receipted and attested, and the lender has read it', () => {
  const books = Play.of('accounting-attestation', { company: 'Mill', auditor: 'Audit', lender: 'Bank' })
  const said = (came: Parameters<typeof books.said>[0]): string => books.said(came)
  const statement = `${'a'.repeat(64)} 2048 application/pdf statement.pdf`

  const cash = { Name: 'Cash', Entries: '12', Debit: '100.50', Credit: '100.5' }
  expect(said(books.item('Audit', '/Journals', cash))).toBe('access-denied journals-by-company')
  expect(said(books.item('Mill', '/Journals', { ...cash, Credit: '100' }))).toBe(
    'constraint-broken journal-balances',
  )
  expect(said(books.set('Mill', '/Complete', true))).not.toBe('accepted')
  expect(said(books.fill('Mill', { '/Period/Year': '2025', '/Statement': statement }))).toBe('accepted')
  expect(said(books.set('Mill', '/Complete', true))).toBe('constraint-broken complete-has-journals')
  for (const [path, rule] of [
    ['/Period/Year', 'year-needed'],
    ['/Statement', 'statement-needed'],
  ] as const)
    expect(said(books.run('Mill', books.setting(path, undefined)))).toBe(`required-missing ${rule}`)
  expect(said(books.item('Mill', '/Journals', cash))).toBe('accepted')
  expect(said(books.item('Mill', '/Journals', cash))).toBe('not-unique journal-once')
  const sales = { Name: 'Sales', Entries: '30', Debit: '50', Credit: '50' }
  expect(said(books.item('Mill', '/Journals', sales))).toBe('accepted')
  expect(['Debit', 'Credit', 'Entries'].map((name) => books.value(`/Totals/${name}`))).toEqual([
    '150.5',
    '150.5',
    '42',
  ])
  for (const [name, rule] of [
    ['Debit', 'total-debit'],
    ['Credit', 'total-credit'],
    ['Entries', 'total-entries'],
  ])
    expect(said(books.set('Mill', `/Totals/${name}`, '1'))).toBe(`derived-field ${rule}`)
  expect(said(books.set('Audit', '/Period/Year', '2025'))).toBe('access-denied period-by-company')
  expect(said(books.set('Mill', '/Period/Year', '25'))).toBe('limits-broken year-plausible')
  expect(said(books.set('Audit', '/Complete', true))).toBe('access-denied complete-by-company')
  expect(said(books.set('Mill', '/Complete', false))).toBe('accepted')
  expect(said(books.set('Audit', '/Receipt/On', '2026-02-01'))).toBe('not-active receipt-when-complete')
  expect(said(books.phase('Audit', 'submitted'))).toBe('access-denied phases')
  expect(said(books.set('Mill', '/Complete', true))).toBe('accepted')
  expect(books.phaseNow).toBe('submitted')
  expect(said(books.set('Mill', '/Journals[1]/Entries', '13'))).toBe('access-denied journals-by-company')

  expect(said(books.set('Mill', '/Receipt/Opinion', 'unqualified'))).toBe('access-denied receipt-by-auditor')
  expect(said(books.set('Audit', '/Receipt/Opinion', 'fine'))).toBe('limits-broken opinion')
  expect(said(books.set('Audit', '/Receipt/Signed', true))).toMatch(
    /^constraint-broken (signed-with-opinion|reservations-said)$/,
  )
  expect(said(books.fill('Audit', { '/Receipt/Signed': true, '/Receipt/Opinion': 'unqualified' }))).toBe(
    'constraint-broken signed-with-opinion',
  )
  const qualified = { '/Receipt/Opinion': 'qualified', '/Receipt/On': '2026-02-01', '/Receipt/Signed': true }
  expect(said(books.fill('Audit', qualified))).toBe('constraint-broken reservations-said')
  expect(said(books.set('Bank', '/Read', true))).toBe('constraint-broken read-after-attested')
  expect(said(books.set('Audit', '/Receipt/Signed', false))).toBe('accepted')
  expect(said(books.fill('Audit', { ...qualified, '/Receipt/Reservations': 'Stock was not counted.' }))).toBe(
    'accepted',
  )
  expect(books.phaseNow).toBe('attested')
  expect(said(books.set('Mill', '/Read', true))).toBe('access-denied read-by-lender')
  expect(said(books.set('Bank', '/Read', true))).toBe('accepted')
  expect(books.unproven()).toEqual([])
})
