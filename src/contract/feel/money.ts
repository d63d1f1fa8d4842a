/**
 * Amounts of money: a number and a currency, written `1250.00 EUR`. Not in FEEL; here because contracts are full of them,
 * and because an amount must not lose its currency on the way. Two currencies never mix: the result is then null.
 */
import { add, compareDecimals, type Decimal, decimalText, divide, multiply, parseDecimal } from './decimal.ts'

/** An amount in a currency of three capital letters (ISO 4217). */
export interface Money {
  readonly kind: 'money'
  readonly amount: Decimal
  readonly currency: string
}

const CURRENCY = /^[A-Z]{3}$/
const MONEY = /^(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?) ([A-Z]{3})$/
const MAX_LENGTH = 80

/** Currencies without hundredths, by the digits that they have after the point. */
const DIGITS: Readonly<Record<string, number>> = Object.fromEntries([
  ...'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'
    .split(' ')
    .map((code) => [code, 0]),
  ...'BHD IQD JOD KWD LYD OMR TND'.split(' ').map((code) => [code, 3]),
  ...'CLF UYW'.split(' ').map((code) => [code, 4]),
])

/** The amount; undefined if `currency` is not three capital letters. */
export function money(amount: Decimal | undefined, currency: string): Money | undefined {
  if (amount === undefined || !CURRENCY.test(currency)) return undefined
  return { kind: 'money', amount, currency }
}

/** The amount that a text such as `1250.00 EUR` writes; undefined if it writes none. */
export function parseMoney(text: string): Money | undefined {
  const match = text.length <= MAX_LENGTH ? MONEY.exec(text) : null
  return match === null ? undefined : money(parseDecimal(match[1] as string), match[2] as string)
}

/**
 * The one way to write an amount: with at least the digits of the currency's smallest coin and no zeros beyond them.
 * undefined for an amount of more than 34 digits on a side of the point, which no field takes.
 */
export function moneyText({ amount, currency }: Money): string | undefined {
  const text = decimalText(amount)
  if (text.includes('e')) return undefined
  const digits = DIGITS[currency] ?? 2
  const [whole, fraction = ''] = text.split('.')
  const padded = fraction.padEnd(digits, '0')
  return `${whole}${padded === '' ? '' : `.${padded}`} ${currency}`
}

/** The sum; undefined if the currencies differ. */
export function addMoney(left: Money, right: Money): Money | undefined {
  return left.currency === right.currency ? money(add(left.amount, right.amount), left.currency) : undefined
}

export function multiplyMoney(value: Money, factor: Decimal): Money | undefined {
  return money(multiply(value.amount, factor), value.currency)
}

/** The part; undefined by 0. */
export function divideMoney(value: Money, divisor: Decimal): Money | undefined {
  return money(divide(value.amount, divisor), value.currency)
}

/** How often `right` goes into `left`; undefined if the currencies differ. */
export function moneyRatio(left: Money, right: Money): Decimal | undefined {
  return left.currency === right.currency ? divide(left.amount, right.amount) : undefined
}

/** As `compareDecimals`; undefined if the currencies differ. */
export function compareMoney(left: Money, right: Money): number | undefined {
  return left.currency === right.currency ? compareDecimals(left.amount, right.amount) : undefined
}
