import { expect, it } from 'vitest'
import { Play } from '../support/play.ts'

const SUPPLIERS = ['Ash', 'Birch', 'Cedar']
const ALL = ['Hub', ...SUPPLIERS]
const RESULTS = ['Volume', 'Spend', 'Emissions', 'LowestCost', 'HighestCost', 'Suppliers']

it('[TPL-6] suppliers report what no other sees, and all see what it comes to, round after round', () => {
  const room = Play.of('supply-chain-clean-room', { operator: 'Hub', supplier: SUPPLIERS })
  const said = (came: Parameters<typeof room.said>[0]): string => room.said(came)
  const results = (): unknown[] => RESULTS.map((name) => room.value(`/Result/${name}`))
  const agree = (isPublished: boolean): string[] => {
    const proposed = said(room.set('Hub', '/Round/Published', isPublished))
    return [proposed, ...SUPPLIERS.map((name) => said(room.answer(name, '/Round/Published')))]
  }

  expect(said(room.set('Ash', '/Round/Quarter', '2026-Q1'))).toBe('access-denied round-by-operator')
  expect(said(room.set('Hub', '/Round/Quarter', 'spring'))).toBe('limits-broken quarter')
  expect(said(room.set('Hub', '/Round/Quarter', '2026-Q1'))).toBe('accepted')
  expect(said(room.phase('Ash', 'collecting'))).toBe('access-denied phases')
  expect(said(room.phase('Hub', 'collecting'))).toBe('required-missing article-needed')
  expect(said(room.set('Hub', '/Round/Article', 'Valve'))).toBe('accepted')
  expect(said(room.phase('Hub', 'collecting'))).toBe('accepted')
  expect(said(room.item('Ash', '/Reports', {}))).toBe('not-owner reports-by-operator')
  expect(said(room.item('Hub', '/Reports', { Supplier: room.party('Ash') }))).toBe(
    'not-unique one-report-each',
  )
  expect(said(room.item('Hub', '/Reports', { Supplier: room.party('Hub') }))).toBe('accepted')
  expect(said(room.set('Ash', '/Reports[4]/Supplier', room.party('Ash')))).toBe(
    'access-denied supplier-by-operator',
  )
  expect(said(room.run('Hub', room.setting('/Reports[4]/Supplier', undefined)))).toBe(
    'required-missing supplier-stays',
  )
  expect(said(room.delete('Hub', '/Reports[4]'))).toBe('accepted')
  expect(said(room.set('Ash', '/Chair', room.party('Ash')))).toBe('accepted')
  expect(said(room.set('Birch', '/Chair', room.party('Birch')))).toBe('not-holder chair-handed-on')
  expect(said(room.set('Ash', '/Chair', room.party('Birch')))).toBe('accepted')

  const figures = (index: number, cost: string, volume = '10', emissions = '3') => ({
    [`/Reports[${index}]/Figures/UnitCost`]: cost,
    [`/Reports[${index}]/Figures/Volume`]: volume,
    [`/Reports[${index}]/Figures/Emissions`]: emissions,
  })
  expect(said(room.fill('Ash', figures(2, '5')))).toBe('access-denied own-report')
  expect(said(room.set('Ash', '/Reports[2]/Done', true))).toBe('access-denied own-done')
  expect(said(room.fill('Ash', figures(1, '-5')))).toBe('limits-broken cost-not-negative')
  expect(said(room.fill('Ash', figures(1, '5', '0')))).toBe('limits-broken volume-positive')
  expect(said(room.fill('Ash', figures(1, '5', '10', '-1')))).toBe('limits-broken emissions-not-negative')
  expect(said(room.set('Ash', '/Reports[1]/Figures/Volume', '10'))).toBe('accepted')
  expect(said(room.set('Ash', '/Reports[1]/Done', true))).toBe('constraint-broken done-with-figures')
  for (const [index, party] of SUPPLIERS.entries()) {
    expect(said(room.fill(party, figures(index + 1, `${5 + index}`)))).toBe('accepted')
    if (party !== 'Cedar') expect(said(room.set(party, `/Reports[${index + 1}]/Done`, true))).toBe('accepted')
  }
  const spend = '/Reports[1]/Figures/Spend'
  expect(ALL.map((name) => room.seen(name, spend))).toEqual(['50', '50', undefined, undefined])
  expect(said(room.set('Ash', spend, '1', 'decimal'))).toBe('derived-field spend')
  const cost = '/Reports[1]/Figures/UnitCost'
  expect(ALL.map((name) => room.seen(name, cost))).toEqual(['5', '5', undefined, undefined])
  expect(said(room.show('Ash', cost, '6', ['Ash', 'Hub', 'Birch']))).toBe('wrong-readers')
  expect(said(room.set('Hub', '/Result/Volume', '9', 'decimal'))).toBe('access-denied results-stay')

  expect(agree(true)).toEqual([
    'accepted',
    'accepted',
    'accepted',
    'constraint-broken published-only-when-enough',
  ])
  expect(results(), 'before anything is published').toEqual(RESULTS.map(() => undefined))
  expect(said(room.set('Cedar', '/Reports[3]/Done', true))).toBe('accepted')
  const closes = new Date(room.timeMs + 86_400_000).toISOString().slice(0, 10)
  expect(said(room.set('Hub', '/Round/Closes', closes))).toBe('accepted')
  room.wait(2 * 24 * 60)
  room.tick()
  expect(room.phaseNow).toBe('closed')
  expect(said(room.fill('Ash', figures(1, '4')))).toBe('access-denied own-report')
  expect(said(room.answer('Hub', '/Round/Published'))).toBe('not-asked published-with-consent')
  expect(said(room.answer('Cedar', '/Round/Published'))).toBe('accepted')
  expect(room.phaseNow).toBe('published')
  expect(results()).toEqual(['30', '180', '9', '5', '7', '3'])
  for (const name of ALL) {
    expect(room.seen(name, '/Result/AverageCost')).toBe('6')
    expect(room.seen(name, '/Result/EmissionsPerUnit')).toBe('0.3')
    expect(room.seen(name, '/Result/Spend')).toBe('180')
  }
  for (const [name, rule] of [
    ['Volume', 'volume-total'],
    ['Spend', 'spend-total'],
    ['Emissions', 'emissions-total'],
    ['LowestCost', 'lowest-cost'],
    ['HighestCost', 'highest-cost'],
    ['Suppliers', 'suppliers-counted'],
    ['AverageCost', 'average-cost'],
    ['EmissionsPerUnit', 'emissions-per-unit'],
    ['Reports', 'reports-counted'],
  ])
    expect(said(room.set('Hub', `/Result/${name}`, '9', 'decimal'))).toBe(`derived-field ${rule}`)

  expect(agree(false)).toEqual(['accepted', 'accepted', 'accepted', 'accepted'])
  expect(room.phaseNow).toBe('collecting')
  expect(said(room.fill('Birch', figures(2, '16')))).toBe('accepted')
  expect(results(), 'of the round before').toEqual(['30', '180', '9', '5', '7', '3'])
  expect(said(room.phase('Hub', 'closed'))).toBe('accepted')
  expect(agree(true)).toEqual(['accepted', 'accepted', 'accepted', 'accepted'])
  expect(results()).toEqual(['30', '280', '9', '5', '16', '3'])
  expect(room.unproven()).toEqual([])
})
