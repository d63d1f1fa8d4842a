import { expect, it } from 'vitest'
import { Play } from '../support/play.ts'

it('[TPL-6] a facultative slip is placed, signed, bound and endorsed', () => {
  const roles = { broker: 'Acme', insured: 'Mill', lead: 'Lead', follower: ['First', 'Second'] }
  const slip = Play.of('facultative-slip', roles)
  const said = (came: Parameters<typeof slip.said>[0]): string => slip.said(came)

  // Drafting: the broker writes the terms, the insured who it is.
  expect(said(slip.set('Lead', '/Insured/Name', 'Pier 7 Ltd'))).toBe('access-denied insured-says-who')
  expect(said(slip.set('Mill', '/Insured/Name', 'Pier 7 Ltd'))).toBe('accepted')
  expect(said(slip.phase('Acme', 'placing'))).toBe('required-missing limit-needed')
  expect(said(slip.set('Acme', '/Terms/Limit', '0'))).toBe('limits-broken limit-positive')
  expect(said(slip.set('Lead', '/Terms/Limit', '5000000'))).toBe('access-denied terms-by-broker')
  expect(said(slip.fill('Acme', { '/Terms/Limit': '5000000', '/Terms/Currency': 'EUR' }))).toBe('accepted')
  expect(said(slip.fill('Acme', { '/Terms/From': '2026-01-01', '/Terms/To': '2025-12-31' }))).toBe(
    'constraint-broken ends-after-it-begins',
  )
  expect(said(slip.fill('Acme', { '/Terms/From': '2026-01-01', '/Terms/To': '2026-12-31' }))).toBe('accepted')
  expect(said(slip.set('Lead', '/Premium/Gross', '1'))).toBe('access-denied premium-by-broker')

  // Premium, brokerage and the tax of the country follow from one another.
  expect(said(slip.set('Mill', '/Insured/Country', 'GB'))).toBe('accepted')
  expect(said(slip.fill('Acme', { '/Premium/Gross': '20000', '/Premium/BrokerageRate': '12.5' }))).toBe(
    'accepted',
  )
  expect([slip.value('/Premium/Brokerage'), slip.value('/Premium/Net')]).toEqual(['2500', '17500'])
  expect(slip.value('/Tax/GB/Amount')).toBe('2400')
  expect(said(slip.set('Acme', '/Tax/GB/Amount', '1'))).toBe('derived-field tax-amount-uk')
  expect(said(slip.set('Acme', '/Premium/Brokerage', '1'))).toBe('derived-field brokerage')
  expect(said(slip.set('Acme', '/Premium/Net', '1'))).toBe('derived-field net-premium')
  expect(said(slip.set('Acme', '/Tax/DE/Rate', '20'))).toBe('not-active tax-of-germany')
  expect(said(slip.set('Mill', '/Insured/Country', 'DE'))).toBe('accepted')
  expect(slip.value('/Tax/DE/Amount')).toBe('3800')
  expect(said(slip.set('Acme', '/Tax/DE/Amount', '1'))).toBe('derived-field tax-amount-germany')
  expect(said(slip.set('Acme', '/Tax/GB/Rate', '20'))).toBe('not-active tax-of-the-uk')

  // Placing: the lead first, each its own line, never more than 100 %.
  expect(said(slip.phase('Lead', 'placing'))).toBe('access-denied phases')
  expect(said(slip.phase('Acme', 'placing'))).toBe('accepted')
  expect(said(slip.run('Mill', slip.setting('/Insured/Name', undefined)))).toBe(
    'required-missing insured-name-needed',
  )
  expect(said(slip.set('First', '/Lines[1]/Share', '50'))).toBe('access-denied lead-signs-its-own')
  expect(said(slip.set('Lead', '/Lines[2]/Share', '50'))).toBe('access-denied follower-signs-its-own')
  expect(said(slip.set('Lead', '/Lines[1]/Signed', true))).toBe('constraint-broken signed-means-a-share')
  expect(said(slip.set('First', '/Lines[2]/Share', '60'))).toBe('accepted')
  expect(said(slip.set('First', '/Lines[2]/Signed', true))).toBe('constraint-broken lead-first')
  expect(said(slip.fill('Lead', { '/Lines[1]/Share': '50', '/Lines[1]/Signed': true }))).toBe(
    'constraint-broken at-most-100',
  )
  expect(said(slip.set('First', '/Lines[2]/Share', '30'))).toBe('accepted')
  expect(said(slip.fill('Lead', { '/Lines[1]/Share': '50', '/Lines[1]/Signed': true }))).toBe('accepted')
  expect(said(slip.set('First', '/Lines[2]/Signed', true))).toBe('accepted')
  expect(said(slip.item('Lead', '/Lines', {}))).toBe('access-denied lines-by-broker')
  expect(said(slip.item('Acme', '/Lines', { Who: slip.party('First') }))).toBe('not-unique one-line-each')
  expect(said(slip.item('Acme', '/Lines', { Who: slip.party('Mill') }))).toBe('accepted')
  expect(said(slip.delete('Acme', '/Lines[4]'))).toBe('accepted')
  expect(slip.phaseNow).toBe('placing')
  expect(said(slip.fill('Second', { '/Lines[3]/Share': '20', '/Lines[3]/Signed': true }))).toBe('accepted')
  expect(slip.phaseNow).toBe('bound')

  // Bound: the lines stay, and terms change by endorsement.
  expect(said(slip.set('Second', '/Lines[3]/Share', '19'))).toBe('constraint-broken exactly-100-when-bound')
  expect(
    said(slip.run('Second', slip.setting('/Lines[3]/Share', '20.0'))),
    'another spelling of the same share',
  ).toBe('accepted')
  expect(said(slip.item('Lead', '/Endorsements', { Text: 'Extended' }))).toBe(
    'access-denied endorsements-by-broker',
  )
  expect(said(slip.item('Acme', '/Endorsements', { Text: 'Extended', Agreed: true }))).toBe(
    'needs-approval endorsement-agreed',
  )
  expect(said(slip.item('Acme', '/Endorsements', { Text: 'Extended', Effective: '2026-06-01' }))).toBe(
    'accepted',
  )
  for (const [path, before, value] of [
    ['/Endorsements[1]/Agreed', undefined, true],
    ['/Terms/To', '2026-12-31', '2027-03-31'],
    ['/Terms/Limit', '5000000', '6000000'],
    ['/Terms/From', '2026-01-01', '2026-02-01'],
    ['/Terms/Interest', undefined, 'Cargo in the pier’s sheds'],
    ['/Terms/Currency', 'EUR', 'GBP'],
    ['/Premium/Gross', '20000', '24000'],
    ['/Premium/BrokerageRate', '12.5', '10'],
  ] as const) {
    expect(said(slip.set('Acme', path, value))).toBe('accepted')
    expect(slip.value(path)).toBe(before)
    expect(said(slip.answer('Mill', path))).toMatch(/^not-asked [a-z-]+$/)
    for (const party of ['Lead', 'First', 'Second']) expect(said(slip.answer(party, path))).toBe('accepted')
    expect(slip.value(path)).toBe(value)
  }
  expect(said(slip.phase('Acme', 'closed'))).toBe('accepted')
  expect(slip.unproven()).toEqual([])
})
