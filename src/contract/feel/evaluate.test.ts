import { describe, expect, it } from 'vitest'
import {
  CONTRACT as contract,
  evaluation,
  number,
  result,
  text,
  worldOf,
} from '../../../test/support/feel.ts'

describe('paths', () => {
  it.each([
    ['_.Premium.Amount', '1250.00 EUR'],
    ['Premium.Amount * Premium.Rate', '156.25 EUR'],
    ['`Sum insured` / 2', '2500'],
    ['_.`Sum insured`', '5000'],
    ['Lines.Share', '[60, 40, null]'],
    ['count(Lines)', '3'],
    ['sum(Lines.Share)', 'null'],
    ['sum(Lines.Share[item != null])', '100'],
    ['sum(for l in Lines return get or else(l.Share, 0))', '100'],
    ['Lines[Share > 50].Share', '[60]'],
    ['Lines[Share > 50][1].Share', '60'],
    ['Lines[item = "y"].Share', '[40]'],
    ['count(Lines[Share = null])', '1'],
    ['Lines[-1].item', 'z'],
    ['flatten(Lines.Items)', '[1, 2, 3]'],
    ['for l in Lines return count(l.Items)', '[2, 0, 1]'],
    ['some l in Lines, n in l.Items satisfies n = 3', 'true'],
    ['sum(flatten(Lines.Items))', '6'],
    ['Numbers[item > 1]', '[3, 2]'],
    ['Numbers[2]', '1'],
    ['max(Numbers)', '3'],
    ['2 in Numbers', 'true'],
    ['Slip.name', 'slip of 2024.pdf'],
    ['Slip.size', '1024'],
    ['Slip.media type', 'application/pdf'],
    ['Slip.hash', 'ab'.repeat(32)],
    ['starts with(Slip, "ab")', 'true'],
    ['Start + duration("P1Y")', '2025-02-28'],
    ['Signed.hour', '8'],
    ['Kind in ("marine", "motor")', 'true'],
    ['Active and Kind != "motor"', 'true'],
    ['Changed', 'null'],
    ['Changed = null', 'true'],
    ['Later.Amount', 'null'],
    ['Later = null', 'true'],
    ['Premium = null', 'false'],
    ['count(None)', '0'],
    ['None.Share', '[]'],
    ['every n in None satisfies n.Share > 1', 'true'],
    ['Nothing = null', 'true'],
    ['string length(Nothing)', 'null'],
    ['Premium.Amount.currency', 'EUR'],
    ['Lines.Party[1] = Lines.Party[2]', 'true'],
    // A number of more than 34 digits is rounded when it is read.
    ['Odd = 1', 'true'],
  ])('%s is %s', (expression, expected) => {
    expect(result(expression, contract)).toBe(expected)
  })

  it('starts bare names at the current block, and _ at the root', () => {
    const world = worldOf({ Share: number('1'), Inner: { Share: number('5') } }, ['Inner'])
    expect(result('Share - _.Share', world)).toBe('4')
  })

  it('looks a name up in the item, then further out', () => {
    const world = worldOf({ Limit: number('2'), Lines: [{ Share: number('1') }, { Share: number('3') }] })
    expect(result('count(Lines[Share > Limit])', world)).toBe('1')
    expect(result('for Limit in [0] return count(Lines[Share > Limit])', world)).toBe('[2]')
    expect(result('Lines[count(Lines[Share > 2]) = 1 and Share = 1].Share', world)).toBe('[1]')
  })

  it('takes a value of another type than the one checked for as null', () => {
    const before = worldOf({ Share: number('1') })
    const after = worldOf({ Share: text('1') })
    expect(result('Share + 1', { ...before, source: after.source })).toBe('null')
  })

  it('gives blocks by the source’s own references', () => {
    const found = evaluation('Premium', contract)
    expect(found).toMatchObject({ kind: 'value', value: { kind: 'block' } })
  })
})

describe('hidden values', () => {
  it.each([
    'Secret',
    'Secret > 1',
    'Secret = null',
    'Active and Secret > 1',
    'sum(Secrets)',
    'Secrets[1]',
    'Secrets',
    'if Active then Secret else 1',
    '[Secret]',
    'count(Secrets[item > 1])',
  ])('%s is hidden', (expression) => {
    expect(evaluation(expression, contract).kind).toBe('hidden')
  })

  it.each([
    ['Active or Secret > 1', 'true'],
    ['not(Active) and Secret > 1', 'false'],
    ['count(Secrets)', '2'],
    ['Secrets[2]', '7'],
    ['if Active then 1 else Secret', '1'],
    ['get or else(Active, Secret > 1)', 'true'],
  ])('%s does not touch them and is %s', (expression, expected) => {
    expect(result(expression, contract)).toBe(expected)
  })

  it('reads nothing that it does not need', () => {
    const world = worldOf({ A: number('1'), B: number('2'), List: [number('3'), number('4')] })
    evaluation('A = 1 or B = 2', world)
    evaluation('List[2]', world)
    evaluation('count(List)', world)
    expect(world.reads).toEqual(['1', '4'])
  })
})
