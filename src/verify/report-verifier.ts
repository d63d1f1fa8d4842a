/**
 * The auditor of signed reports (PROTOCOL RPT-1 to RPT-6): reads a file line by line, with no node running, and says whether
 * it is its reporter's, and whether every member has cosigned what it tells. Memory: one contract's state, and one line.
 */
import { leafHash, merkleRoot } from '../crypto/log.ts'
import { type Card, checkProvenCard, partyOf } from '../identity/card.ts'
import { type ReportSeal, reportVerifies } from '../ledger/report.ts'
import { LINE_MAX_BYTES } from './bundle.ts'
import { type Finding, fail, RuleBroken, under } from './finding.ts'
import { LineCutter } from './lines.ts'
import { parseReportLine, type ReadReportLine, type ReportHead } from './report.ts'
import { type AuditedContract, ContractAudit } from './report-contract.ts'
import type { Verdict } from './verifier.ts'

/**
 * What an audit came to; of an invalid report it describes the part before the finding. identified: the caller knows the
 * party. leftOut is the reporter's word alone.
 */
export type ReportAudit = {
  verdict: Verdict
  reporter?: { party: string; name: string; identified: boolean }
  atMs?: number
  madeMs?: number
  fields?: string[]
  leftOut?: ReportHead['leftOut']
  contracts: AuditedContract[]
  /** The first rule that is broken; of an unidentified report, who is not identified. */
  finding?: Finding
}

/** What may stand next, by what stood last; `start` and `signature` are the two ends. */
const NEXT = {
  start: ['report'],
  report: ['contract', 'signature'],
  contract: ['elements', 'contract', 'signature'],
  elements: ['elements', 'contract', 'signature'],
  signature: [],
} as const satisfies Record<ReadReportLine['type'] | 'start', readonly ReadReportLine['type'][]>

/** One audit of one report: hand in its bytes, then ask for what it came to. Nothing that is handed in makes it throw. */
export class ReportVerifier {
  readonly #trusted: ReadonlySet<string>
  readonly #cutter = new LineCutter(LINE_MAX_BYTES)
  readonly #leaves: string[] = []
  readonly #contracts: AuditedContract[] = []
  #last: keyof typeof NEXT = 'start'
  #head: ReportHead | undefined
  #contract: ContractAudit | undefined
  #card: Card | undefined
  #finding: Finding | undefined

  /** @param trusted ids of the parties that the caller knows */
  constructor(trusted: ReadonlySet<string>) {
    this.#trusted = trusted
  }

  /** Takes the next bytes of the file, cut anywhere. */
  bytes(chunk: Uint8Array): void {
    if (this.#finding !== undefined) return
    const lines = this.#cutter.take(chunk)
    this.#guard(() => {
      for (;;) {
        const next = under('RPT-1', this.#place, () => lines.next())
        if (next.done) return
        this.#take(next.value)
      }
    })
  }

  /** The file is complete. */
  end(): ReportAudit {
    if (this.#finding === undefined)
      this.#guard(() => {
        const rest = under('RPT-1', this.#place, () => this.#cutter.rest())
        if (rest !== undefined) fail('RPT-1', this.#place, 'the file is cut off: its last line has no end')
        if (this.#last === 'start') fail('RPT-1', this.#place, 'the file is empty')
        if (this.#last !== 'signature')
          fail('RPT-1', this.#place, 'the file is cut off: its signature is missing')
      })
    return this.#report()
  }

  get #place(): string {
    return `line ${this.#leaves.length + 1}`
  }

  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      // Whatever else a hostile file brings about is a reason to refuse it too.
      this.#finding =
        error instanceof RuleBroken
          ? error.finding
          : { rule: 'RPT-1', place: this.#place, message: 'it can’t be processed' }
    }
  }

  #take(text: string): void {
    const place = this.#place
    const line = under('RPT-1', place, () => parseReportLine(text))
    const allowed: readonly string[] = NEXT[this.#last]
    if (!allowed.includes(line.type))
      fail('RPT-1', place, `a line of type ${line.type} can’t stand here, behind the ${this.#last}`)
    if (line.type === 'report') this.#head = line
    else if (line.type === 'contract') {
      this.#closeContract()
      if (this.#contracts.some(({ contract }) => contract === line.contract))
        fail('RPT-1', place, `contract ${line.contract} stands there twice`)
      this.#contract = new ContractAudit(line, (this.#head as ReportHead).atMs, this.#trusted)
    } else if (line.type === 'elements') this.#contract?.elements(line.elements)
    else this.#sign(line, place)
    this.#leaves.push(leafHash(text))
    this.#last = line.type
  }

  #closeContract(): void {
    if (this.#contract === undefined) return
    this.#contracts.push(this.#contract.end())
    this.#contract = undefined
  }

  /** RPT-2: by the author key of the reporter's own card, over every line before. */
  #sign({ card: value, signature }: { card: unknown; signature: string }, place: string): void {
    this.#closeContract()
    const { reporter, contracts } = this.#head as ReportHead
    if (contracts !== this.#contracts.length)
      fail('RPT-1', place, `the report is of ${contracts} contracts, and holds ${this.#contracts.length}`)
    const { card } = under('RPT-2', place, () => checkProvenCard(value))
    if (partyOf(card) !== reporter)
      fail('RPT-2', place, `the card is that of ${partyOf(card)}; the report says that it is by ${reporter}`)
    this.#card = card
    const seal: ReportSeal = {
      party: reporter,
      authorKey: card.keys.author,
      lines: this.#leaves.length,
      root: merkleRoot(this.#leaves),
    }
    if (!reportVerifies(seal, signature))
      fail('RPT-2', place, 'the signature is not by the author key of the reporter’s card over these lines')
  }

  #report(): ReportAudit {
    const head = this.#head
    const finding = this.#finding ?? this.#unidentified()
    return {
      verdict:
        head === undefined
          ? 'unreadable'
          : this.#finding !== undefined
            ? 'invalid'
            : finding === undefined
              ? 'valid'
              : 'unidentified',
      ...(head && {
        reporter: {
          party: head.reporter,
          name: this.#card?.name ?? head.reporter,
          identified: this.#trusted.has(head.reporter),
        },
        atMs: head.atMs,
        madeMs: head.madeMs,
        ...(head.fields && { fields: head.fields }),
        leftOut: head.leftOut,
      }),
      contracts: this.#contracts,
      ...(finding && { finding }),
    }
  }

  /** RPT-6: a file's own keys prove nothing. */
  #unidentified(): Finding | undefined {
    const strangers = new Map<string, string>()
    const reporter = this.#head?.reporter ?? ''
    if (!this.#trusted.has(reporter)) strangers.set(reporter, this.#card?.name ?? reporter)
    for (const { members } of this.#contracts)
      for (const { party, name, identified } of members) if (!identified) strangers.set(party, name)
    const names = [...strangers].map(([party, name]) => `${JSON.stringify(name)} (${party})`)
    if (names.length > 0) {
      const message = `these signers are none of the parties you trust: ${names.join(', ')}`
      return { rule: 'RPT-6', place: 'file', message }
    }
    const open = this.#contracts.find(({ excluded }) => excluded.length > 0)
    if (open === undefined) return undefined
    const without = open.excluded.map(({ name }) => JSON.stringify(name)).join(', ')
    return {
      rule: 'RPT-6',
      place: `contract ${open.contract}`,
      message: `it goes on without ${without} in lineage ${open.lineage}: that they were proved guilty, only an export of the contract shows`,
    }
  }
}
