import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkValue } from '../../document/types.ts'
import {
  add,
  compareDecimals,
  type Decimal,
  decimalText,
  divide,
  integerText,
  modulo,
  multiply,
  parseDecimal,
  raise,
  round,
  squareRoot,
  subtract,
  toInteger,
} from './decimal.ts'

/** A reference by fractions: a numerator and a positive denominator. */
interface Fraction {
  readonly top: bigint
  readonly bottom: bigint
}

const power = (exponent: number): bigint => 10n ** BigInt(exponent)

function fractionOf({ coefficient, exponent }: Decimal): Fraction {
  return exponent >= 0
    ? { top: coefficient * power(exponent), bottom: 1n }
    : { top: coefficient, bottom: power(-exponent) }
}

function halfEven(top: bigint, bottom: bigint): bigint {
  const size = top < 0n ? -top : top
  const [quotient, rest] = [size / bottom, size % bottom]
  const isUp = rest * 2n > bottom || (rest * 2n === bottom && quotient % 2n === 1n)
  const rounded = isUp ? quotient + 1n : quotient
  return top < 0n ? -rounded : rounded
}

/** A fraction to 34 digits, found by trying exponents. */
function expected({ top, bottom }: Fraction): string {
  if (top === 0n) return '0'
  const size = top < 0n ? -top : top
  let exponent = size.toString().length - bottom.toString().length - 36
  const scaled = (at: number) =>
    at >= 0 ? halfEven(top, bottom * power(at)) : halfEven(top * power(-at), bottom)
  while (scaled(exponent).toString().replace('-', '').length > 34) exponent += 1
  return decimalText(parseDecimal(`${scaled(exponent)}e${exponent}`) as Decimal)
}

const numbers = fc
  .tuple(
    fc.bigInt(-(10n ** 34n) + 1n, 10n ** 34n - 1n),
    fc.integer({ min: -60, max: 60 }),
    fc.integer({ min: 0, max: 34 }),
  )
  .map(([digits, exponent, cut]) => parseDecimal(`${digits / power(cut)}e${exponent}`) as Decimal)

const written = (value: Decimal | undefined) => (value === undefined ? 'none' : decimalText(value))

describe('decimals', () => {
  it('agree with fractions of integers', () => {
    fc.assert(
      fc.property(numbers, numbers, (left, right) => {
        const [a, b] = [fractionOf(left), fractionOf(right)]
        const bottom = a.bottom * b.bottom
        expect(written(add(left, right))).toBe(expected({ top: a.top * b.bottom + b.top * a.bottom, bottom }))
        expect(written(subtract(left, right))).toBe(
          expected({ top: a.top * b.bottom - b.top * a.bottom, bottom }),
        )
        expect(written(multiply(left, right))).toBe(expected({ top: a.top * b.top, bottom }))
        const order = a.top * b.bottom - b.top * a.bottom
        expect(Math.sign(compareDecimals(left, right))).toBe(order > 0n ? 1 : order < 0n ? -1 : 0)
        if (b.top === 0n) expect(divide(left, right)).toBeUndefined()
        else {
          const sign = b.top < 0n ? -1n : 1n
          const quotient = { top: a.top * b.bottom * sign, bottom: a.bottom * b.top * sign }
          expect(written(divide(left, right))).toBe(expected(quotient))
          const [whole, part] = [quotient.top / quotient.bottom, quotient.top % quotient.bottom]
          const floor = part < 0n ? whole - 1n : whole
          const rest = a.top * b.bottom - floor * b.top * a.bottom
          expect(written(modulo(left, right))).toBe(expected({ top: rest, bottom }))
        }
      }),
      { numRuns: 1500, seed: 7 },
    )
  })

  it('round to a scale as fractions do', () => {
    fc.assert(
      fc.property(numbers, fc.integer({ min: -40, max: 40 }), (value, scale) => {
        const { top, bottom } = fractionOf(value)
        const unit =
          scale >= 0 ? { top: top * power(scale), bottom } : { top, bottom: bottom * power(-scale) }
        const whole = parseDecimal(`${halfEven(unit.top, unit.bottom)}e${-scale}`)
        expect(written(round(value, scale, 'half even'))).toBe(written(whole))
      }),
      { numRuns: 500, seed: 7 },
    )
  })

  it('take roots whose squares lie on both sides', () => {
    fc.assert(
      fc.property(numbers, (value) => {
        const root = squareRoot(value)
        expect(root === undefined).toBe(value.coefficient < 0n)
        if (root === undefined || value.coefficient === 0n) return
        const { top, bottom } = fractionOf(root)
        const target = fractionOf(value)
        const distance = top * top * target.bottom - target.top * bottom * bottom
        // Half a unit in the root’s last place moves the square by that much, relatively twice.
        const bound = (top * top * target.bottom) / power(33)
        expect(distance <= bound && -distance <= bound).toBe(true)
      }),
      { numRuns: 300, seed: 7 },
    )
  })

  it('raise as repeated multiplication does where that is exact', () => {
    fc.assert(
      fc.property(fc.integer({ min: -50, max: 50 }), fc.integer({ min: 0, max: 20 }), (base, times) => {
        const exact = BigInt(base) ** BigInt(times)
        expect(written(raise(parseDecimal(`${base}`) as Decimal, parseDecimal(`${times}`) as Decimal))).toBe(
          expected({ top: exact, bottom: 1n }),
        )
      }),
      { seed: 7 },
    )
  })

  it('write field values, and read them back', () => {
    fc.assert(
      fc.property(numbers, fc.integer({ min: -6000, max: 6000 }), (value, more) => {
        const moved = parseDecimal(`${value.coefficient}e${value.exponent + more}`)
        if (moved === undefined) return
        const text = decimalText(moved)
        checkValue('decimal', text)
        const back = parseDecimal(text) as Decimal
        expect(compareDecimals(back, moved)).toBe(0)
        expect(decimalText(back)).toBe(text)
        const integer = integerText(moved, 64)
        if (integer !== undefined) checkValue('integer', integer)
      }),
      { numRuns: 1000, seed: 7 },
    )
  })

  it.each([
    ['0', '0'],
    ['-0', '0'],
    ['-0.00', '0'],
    ['1.50', '1.5'],
    ['1500', '1500'],
    ['1e33', `1${'0'.repeat(33)}`],
    ['1e34', '1e34'],
    ['1e-34', `0.${'0'.repeat(33)}1`],
    ['-1.5e-40', '-1.5e-40'],
    ['9'.repeat(40), '1e40'],
    [`1.${'0'.repeat(33)}5`, '1'],
    [`1.${'0'.repeat(32)}15`, `1.${'0'.repeat(31)}2`.replace(/2$/, '02')],
    ['1e-6176', '1e-6176'],
    ['1e-6177', '0'],
    ['5.1e-6177', '1e-6176'],
    ['1e6144', '1e6144'],
  ])('%s is written %s', (text, canonical) => {
    expect(written(parseDecimal(text))).toBe(canonical)
  })

  it.each([
    '',
    '-',
    '.',
    'e5',
    '1e',
    '--1',
    '1e6145',
    '1e99999',
    '1e999999',
    '1'.repeat(300),
    '٣',
    'NaN',
    'Infinity',
  ])('%s is no number', (text) => {
    expect(parseDecimal(text)).toBeUndefined()
  })

  it('overflow and vanish without work that grows with the exponents', () => {
    const [huge, tiny] = [parseDecimal('9e6144') as Decimal, parseDecimal('1e-6176') as Decimal]
    expect(written(add(huge, tiny))).toBe('9e6144')
    expect(add(huge, huge)).toBeUndefined()
    expect(multiply(huge, huge)).toBeUndefined()
    expect(written(multiply(tiny, tiny))).toBe('0')
    expect(divide(huge, tiny)).toBeUndefined()
    expect(written(divide(tiny, huge))).toBe('0')
    expect(written(modulo(huge, tiny))).toBe('0')
    expect(written(modulo(huge, parseDecimal('7') as Decimal))).toMatch(/^[0-6]$/)
    expect(written(modulo(tiny, huge))).toBe('1e-6176')
    expect(written(round(tiny, 0, 'up'))).toBe('1')
    expect(written(round(tiny, 0, 'half up'))).toBe('0')
    expect(raise(parseDecimal('10') as Decimal, parseDecimal('999999999') as Decimal)).toBeUndefined()
    expect(written(raise(parseDecimal('0.1') as Decimal, parseDecimal('999999999') as Decimal))).toBe('0')
    expect(written(raise(parseDecimal('1.000000001') as Decimal, parseDecimal('999999999') as Decimal))).toBe(
      '2.718281824381622497995021525865311',
    )
    expect(toInteger(huge)).toBeUndefined()
  })
})
