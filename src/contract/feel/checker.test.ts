import { describe, expect, it } from 'vitest'
import { CONTRACT, Field, number, worldOf } from '../../../test/support/feel.ts'
import { check } from './checker.ts'
import { parse } from './parser.ts'
import { typeName } from './types.ts'

const { scope } = CONTRACT
const inputsOf = (expression: string) =>
  check(parse(expression), scope).inputs.map(({ from, path }) =>
    [from === 'root' ? '_' : 'here', ...path].join('.'),
  )

describe('the checker', () => {
  it.each([
    ['1', 'a number'],
    ['"a"', 'a text'],
    ['Lines.Share', 'a list, each item a number'],
    ['Lines', 'a list, each item a block'],
    ['Lines[1]', 'a block'],
    ['Lines.Items', 'a list, each item a list, each item a number'],
    ['flatten(Lines.Items)', 'a list, each item a number'],
    ['Premium.Amount / Premium.Amount', 'a number'],
    ['Start - Signed', 'a duration in days and time'],
    ['if Active then null else 1', 'a number'],
    ['if Active then Slip else Kind', 'a text'],
    ['[1, null]', 'a list, each item a number'],
    ['[[1], []]', 'a list, each item a list, each item a number'],
    ['[]', 'a list'],
    ['null', 'nothing (null)'],
    ['Slip', 'a file'],
    ['duration("P1M")', 'a duration in years and months'],
    ['for l in Lines return l.Party', 'a list, each item a text'],
    ['concatenate(Lines.Share, 5)', 'a list, each item a number'],
  ])('finds that %s is %s', (expression, type) => {
    expect(typeName(check(parse(expression), scope).type)).toBe(type)
  })

  it.each([
    ['sum(_.Lines.Share)', ['_.Lines', '_.Lines.Share']],
    ['Premium.Amount', ['here.Premium', 'here.Premium.Amount']],
    ['some l in _.Lines satisfies l.Share > _.`Sum insured`', ['_.Lines', '_.Lines.Share', '_.Sum insured']],
    [
      'Lines[Share > Premium.Rate].Party',
      ['here.Lines', 'here.Lines.Party', 'here.Lines.Share', 'here.Premium', 'here.Premium.Rate'],
    ],
    ['Lines[1].Items[2]', ['here.Lines', 'here.Lines.Items']],
    [
      'for l in reverse(concatenate(Lines, _.Lines)) return l.Share',
      ['_.Lines', '_.Lines.Share', 'here.Lines', 'here.Lines.Share'],
    ],
    ['(if Active then Inner else null).Share', ['here.Active', 'here.Inner', 'here.Inner.Share']],
    ['(for l in Lines return l)[1].Share', ['here.Lines', 'here.Lines.Share']],
    ['[Inner][1].Deep.Share', ['here.Inner', 'here.Inner.Deep', 'here.Inner.Deep.Share']],
    ['Premium.Amount.currency', ['here.Premium', 'here.Premium.Amount']],
    ['for l in Lines, n in l.Items return n', ['here.Lines', 'here.Lines.Items']],
    ['count(_.Lines)', ['_.Lines']],
    ['1 + 1', []],
  ])('finds what %s reads', (expression, inputs) => {
    expect(inputsOf(expression).toSorted()).toEqual(inputs.toSorted())
  })

  it.each([
    ['Shar', 0, /There is no “Shar” here/],
    ['Premiun.Rate', 0, /did you mean Premium\?/],
    ['Premium.Ammount', 8, /did you mean Amount\?/],
    ['Premium.Xyzzy', 8, /look up the names/],
    ['Lines.Sharre', 6, /did you mean Share\?/],
    ['some line in Lines satisfies lime.Share > 1', 29, /did you mean line\?/],
    ['Lines[Shore > 1]', 6, /did you mean Share\?/],
    ['[1..5]', 0, /after in only/],
    ['1 + [1..5]', 4, /after in only/],
    ['12345678901234567890123456789012345', 0, /at most 34 digits/],
    ['1e7000', 0, /exponent within ±6144/],
    ['date("2023-02-29")', 0, /is no date; write it as in/],
    ['date and time("2024-01-01T00:00:00")', 0, /with Z or an offset/],
    ['duration("P")', 0, /is no duration/],
    ['duration("P1Y1D")', 0, /is no duration/],
    ['duration(Kind)', 0, /a text written out/],
    ['money(1, "Euro")', 9, /three capital letters/],
    ['matches(Kind, "(")', 14, /In the pattern, the end at position 1/],
    ['split(Kind, "a*")', 12, /use \+ for \*/],
    ['Lines[item]', 6, /position or a condition/],
    ['Numbers[item]', 8, /can’t depend on the items/],
    ['for i in 1..1000000000 return i', 0, /about 2e\+9 steps/],
    [
      'some a in Lines, b in Lines, c in Lines, d in Lines satisfies a.Share = d.Share',
      0,
      /fewer loops and filters into one another/,
    ],
  ])('refuses %s at %i', (expression, position, message) => {
    const checking = () => check(parse(expression), scope)
    expect(checking).toThrow(message)
    expect(checking).toThrow(
      expect.objectContaining({
        code: expect.stringMatching(/^(bad-expression|wrong-type)$/),
        detail: { position },
      }),
    )
  })

  it.each([
    ['1 + "a"', 2, /\+ does not go with a number and a text/],
    ['Lines.Share + 1', 12, /use sum\(…\)/],
    ['date("2024-01-01") + date("2024-01-01")', 19, /does not go with/],
    ['duration("P1Y") + duration("P1D")', 16, /does not go with/],
    ['Premium.Amount * Premium.Amount', 15, /does not go with/],
    ['Premium.Amount + 1', 15, /does not go with/],
    ['-"a"', 0, /minus before a text/],
    ['1 = "a"', 2, /can’t compare/],
    ['1 = true', 2, /can’t compare/],
    ['true < false', 5, /can’t compare/],
    ['Start < Signed', 6, /can’t compare a date with a date and time/],
    ['[1] < [2]', 4, /can’t compare/],
    ['Premium = Premium', 8, /a field of each/],
    ['Lines = Lines', 6, /can’t compare/],
    ['Lines = null', 6, /write count\(…\) = 0/],
    ['1 and true', 0, /true or false is needed/],
    ['not(1)', 0, /was given a number/],
    ['if 1 then 2 else 3', 3, /true or false is needed/],
    ['if true then 2 else "a"', 20, /make them of one kind/],
    ['[1, "a"]', 4, /items of a list are of one kind/],
    ['every x in Numbers satisfies x', 29, /true or false is needed/],
    ['for i in "a".."b" return i', 9, /from a number to a number/],
    ['abs("a")', 0, /It is written abs\(number\)/],
    ['abs(1, 2)', 0, /It is written abs\(number\)/],
    ['abs()', 0, /It is written abs/],
    ['abs(Lines.Share)', 0, /was given a list, each item a number/],
    ['sum(Lines)', 0, /each item a block/],
    ['sum(Lines.Items)', 0, /flatten\(…\)/],
    ['sum("a", "b")', 0, /It is written sum\(list\)/],
    ['distinct values(Lines)', 0, /distinct values/],
    ['string(Premium)', 0, /Name a field of the block/],
    ['Start.hour', 6, /has no “hour”; write year, month, day, weekday/],
    ['Kind.name', 5, /leave out the dot/],
    ['5 in "a"', 5, /can’t compare/],
    ['5 in ["a"..7]', 6, /can’t compare/],
    ['5 in < "a"', 5, /can’t compare/],
    ['Numbers["a"]', 8, /position or a condition/],
    ['5 between 1 and "a"', 16, /can’t compare/],
  ])('refuses %s at %i for its types', (expression, position, message) => {
    const checking = () => check(parse(expression), scope)
    expect(checking).toThrow(message)
    expect(checking).toThrow(expect.objectContaining({ code: 'wrong-type', detail: { position } }))
  })

  it('tells that a name is at the root', () => {
    const world = worldOf({ Total: number('1'), Inner: { Share: new Field('text', 'a') } }, ['Inner'])
    expect(() => check(parse('Total + 1'), world.scope)).toThrow(/write _\.Total/)
  })

  it('takes three loops over lists of the tree in one another, and estimates what they cost', () => {
    const { cost } = check(parse('count(Lines[Share in Lines.Share])'), scope)
    expect(cost).toBeGreaterThan(10_000)
    expect(() =>
      check(parse('some a in Lines, b in Lines, c in Lines satisfies a.Share + b.Share = c.Share'), scope),
    ).not.toThrow()
  })
})
