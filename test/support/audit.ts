/** Audits of bundles that tests have altered. */
import type {
  BlockLine,
  BundleLine,
  CosignatureLine,
  EndLine,
  GenesisLine,
  HeadLine,
} from '../../src/verify/bundle.ts'
import { BundleVerifier, type Report } from '../../src/verify/verifier.ts'
import type { LedgerFixture } from './ledger-fixture.ts'

/** The report on lines that trusts these parties. unfinished: as on a node's own ledger. */
export function audit(
  lines: readonly (BundleLine | string)[],
  trusted: readonly string[],
  unfinished = false,
): Report {
  const verifier = new BundleVerifier({ trusted: new Set(trusted), unfinished })
  for (const line of lines) verifier.line(typeof line === 'string' ? line : JSON.stringify(line))
  return verifier.end()
}

/** The parts of a bundle's lines, each the very object that stands in them: altering one alters the bundle. */
export class Parts {
  readonly lines: BundleLine[]

  constructor(lines: BundleLine[]) {
    this.lines = lines
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

  cosignature(index: number): CosignatureLine {
    return this.lines[2 + index] as CosignatureLine
  }

  /** The line of the ledger block at this height. */
  block(height: number): BlockLine {
    return this.lines[this.indexOf(height)] as BlockLine
  }

  /** Where the ledger block of this height stands, counted from 0. */
  indexOf(height: number): number {
    return this.lines.findIndex((line) => line.type === 'ledger-block' && line.block.header.height === height)
  }

  /** Takes out the ledger blocks from a height on, and says so in the first and the last line. */
  cutAfter(height: number): void {
    this.lines.splice(this.indexOf(height + 1), this.end.height - height)
    this.end.height = height
    this.head.height = height
  }
}

/** The report on a ledger's bundle once it has been altered; all its members are trusted. */
export function auditAltered(ledger: LedgerFixture, alter: (parts: Parts) => void): Report {
  const parts = new Parts(ledger.lines())
  alter(parts)
  return audit(parts.lines, ledger.parties)
}

/** Rule and place of the finding on a ledger's bundle once altered, which must be invalid. */
export function findingOnAltered(ledger: LedgerFixture, alter: (parts: Parts) => void): string {
  const { verdict, finding } = auditAltered(ledger, alter)
  return verdict === 'invalid' ? `${finding?.rule} ${finding?.place}` : `the bundle is ${verdict}`
}

/** Another text of the same length, in base64url too. */
export const other = (text: string): string => (text.startsWith('A') ? 'B' : 'A') + text.slice(1)

/** Another text of the same length, in hex too. */
export const otherHash = (hash: string): string => (hash.startsWith('0') ? '1' : '0') + hash.slice(1)
