/** The bundle that vectors of bundles are made of, and how it is altered. */
import type {
  BlockLine,
  BundleLine,
  CosignatureLine,
  EndLine,
  GenesisLine,
  HeadLine,
} from '../../src/verify/bundle.ts'
import type { Input } from './vector.ts'
import { type Holder, Ledger, type LedgerOptions, uidOf } from './world.ts'

const [currency, goods] = ['currency', 'goods'].map(uidOf) as [string, string]

/**
 * Four blocks: requests accepted, conflicted and rejected, one block without any, an element deleted. The last two have
 * certificates, which is enough.
 */
export function story(options: LedgerOptions = {}, label = 'bundle'): Ledger {
  const ledger = new Ledger(label, options)
  const [first, second = first] = ledger.members as [Holder, Holder]
  const set = ledger.request(first, [ledger.set(currency, 'GBP')])
  const created = ledger.request(second, [ledger.field('amount', 'Amount', 'decimal', '1200.50')])
  ledger.order([set, created], { certify: [] })
  const faster = ledger.request(first, [ledger.set(currency, 'USD')])
  const slower = ledger.request(second, [ledger.set(currency, 'CHF')])
  const rejected = ledger.request(second, [ledger.field('date', 'Date', 'date', '31 May', goods)])
  ledger.order([faster, slower, rejected], { certify: [] })
  ledger.order([])
  const amount = uidOf('amount')
  ledger.order([ledger.request(first, [{ op: 'delete', uid: amount, seen: ledger.seen(amount) }])], {
    view: 7,
  })
  ledger.cosign()
  return ledger
}

/** The parts of a bundle's lines, each the very object that stands in them: altering one alters the bundle. */
export class Parts {
  readonly lines: BundleLine[]

  constructor(ledger: Ledger) {
    this.lines = ledger.lines()
  }

  get head(): HeadLine {
    return this.lines[0] as HeadLine
  }

  get genesis(): GenesisLine {
    return this.lines[1] as GenesisLine
  }

  get end(): EndLine {
    return this.lines.at(-1) as EndLine
  }

  cosignature(member: number): CosignatureLine {
    return this.lines[2 + member] as CosignatureLine
  }

  /** Where the ledger block of this height stands, counted from 0. */
  indexOf(height: number): number {
    return this.lines.findIndex((line) => line.type === 'ledger-block' && line.block.header.height === height)
  }

  block(height: number): BlockLine {
    return this.lines[this.indexOf(height)] as BlockLine
  }
}

export const inputOf = (lines: readonly BundleLine[]): Input => ({
  lines: lines.map((line) => JSON.stringify(line)),
})
export const genuine = story()
export const parties = genuine.members.map(({ party }) => party)

/** What somebody who holds no keys does to the genuine bundle: the rule that is then broken, and where. */
export type Alteration = [
  name: string,
  about: string,
  rule: string,
  place: string,
  alter: (parts: Parts) => unknown,
]
