import { describe, expect, it } from 'vitest'
import { parse } from './parser.ts'
import { sentence } from './sentence.ts'

describe('sentences', () => {
  it.each([
    ['Share <= 100 and Rate > 0', 'Share is at most 100 and Rate is greater than 0'],
    ['_.Premium.Amount >= 5', 'Amount of Premium is at least 5'],
    ['(a = 1 or b = 2) and c = 3', '(a is 1 or b is 2) and c is 3'],
    ['a = 1 or b = 2 and c = 3', 'a is 1 or (b is 2 and c is 3)'],
    ['not(a = 1)', 'it is not so that a is 1'],
    ['sum(_.Lines.Share) = 100', 'the sum of Share of Lines is 100'],
    ['count(Lines[Share > 50]) < 2', 'the number of (Lines where Share is greater than 50) is less than 2'],
    [
      'every l in Lines satisfies l.Share > 0 and l.Share < 5',
      'for every l of Lines, Share of l is greater than 0 and Share of l is less than 5',
    ],
    ['some l in Lines, m in Marks satisfies l = m', 'for at least one l of Lines and one m of Marks, l is m'],
    ['for i in 1..10 return i * 2', '(i times 2) for each i from 1 to 10'.replace(/^\((.*?)\)/, '$1')],
    ['if a then 1 else 2', 'if a, then 1, otherwise 2'],
    ['x = null', 'x is empty'],
    ['x != null', 'x is not empty'],
    ['Kind = "marine"', 'Kind is “marine”'],
    ['Kind in ["a", "b", "c"]', 'Kind is one of “a”, “b” or “c”'],
    ['Kind in ("a", "b")', 'Kind is one of “a” or “b”'],
    ['Share in [0..100]', 'Share is from 0 to 100'],
    ['Share in (0..100)', 'Share is above 0 and below 100'],
    ['Share in (< 5, > 10)', 'Share is less than 5 or is greater than 10'],
    ['Kind in Kinds', 'Kind is in Kinds'],
    ['Share between 1 and 10', 'Share is from 1 to 10'],
    ['Start < date("2024-01-31")', 'Start is before 2024-01-31'],
    ['Start >= date("2024-01-31")', 'Start is on or after 2024-01-31'],
    ['End <= Start + duration("P1Y6M")', 'End is at most Start plus 1 year and 6 months'],
    ['a - (b - c) * 2', 'a minus (b minus c) times 2'],
    ['(a + b) / 2', '(a plus b) divided by 2'],
    ['Lines[1].Share', 'Share of the first of Lines'],
    ['Lines[-1]', 'the last of Lines'],
    ['Lines[3]', 'number 3 of Lines'],
    ['contains(Name, "x")', 'Name contains “x”'],
    ['matches(Code, "^[A-Z]+$")', 'Code matches the pattern “^[A-Z]+$”'],
    ['max(a, b, 3)', 'the largest of a, b and 3'],
    ['round half up(a / b, 2)', '(a divided by b) rounded half away from zero to 2 digits'],
    ['modulo(a, 2) = 0', 'modulo of a and 2 is 0'],
    ['-a + -5', 'minus a plus −5'],
    ['duration("-P3DT1H")', 'minus 3 days and 1 hour'],
    ['[]', 'an empty list'],
    ['_', 'the contract'],
  ])('%s: %s', (expression, expected) => {
    expect(sentence(parse(expression))).toBe(expected)
  })
})
