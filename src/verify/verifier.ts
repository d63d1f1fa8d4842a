/**
 * The auditor: reads a bundle line by line (PROTOCOL BUN-1 to BUN-3) and reports whether it holds, how far it is final, and
 * who signed it. Memory: the contract's state, and one line.
 */
import type { CountersignError } from '../crypto/errors.ts'
import { checkpointNote } from '../ledger/checkpoint.ts'
import { type HeadLine, LINE_MAX_BYTES, parseLine, type ReadLine } from './bundle.ts'
import { type Finding, fail, RuleBroken, under } from './finding.ts'
import { type Counts, LedgerAudit, type Recomputed } from './ledger-audit.ts'
import { LineCutter } from './lines.ts'

export type { Finding } from './finding.ts'

/**
 * valid: everything holds, and every member is one the caller trusts; invalid: a rule is broken; unreadable: it is no bundle;
 * unidentified: it is consistent in itself, but a member is not one the caller trusts, or it begins at a checkpoint and the caller
 * does not say that this will do.
 */
export type Verdict = 'valid' | 'invalid' | 'unreadable' | 'unidentified'

/** cosignedSize: that of the member's cosignature if it was found to be on this ledger, otherwise 0. */
export type ReportedMember = { party: string; name: string; cosignedSize: number; identified: boolean }

/**
 * What an audit came to. Of an invalid bundle it describes the part before the finding. exporter: as the bundle says; names:
 * as cards and genesis say.
 */
export type Report = {
  verdict: Verdict
  contract?: string
  name?: string
  exporter?: string
  /** The last final height: cosigned by all members (COS-3); -1 if there is none. */
  height: number
  /** Heights past the last final one. */
  tentativeHeights: number
  /** Record hash at the last final height. */
  stateRoot?: string
  /** Where it is not its genesis that the ledger begins with here: the height of that block (BUN-4). */
  basisHeight?: number
  /** The last final checkpoint with all members' cosignatures as a C2SP signed note, if all cosigned at that very size. */
  checkpoint?: string
  /** Where it is not the first, and who was left out of it, proved to have signed two histories (LIN-3). */
  lineage?: number
  leftOut?: { party: string; name: string }[]
  members: ReportedMember[]
  counts: Counts
  recomputed: Recomputed
  /** The first rule that is broken; of an unidentified bundle, who is not identified. */
  finding?: Finding
}

/**
 * trusted: ids of the parties that the caller knows. fromCheckpoint: the caller takes the members' word for what was before a
 * checkpoint that the ledger begins with (BUN-4). unfinished: for a node's own ledger, where a member's cosignature may
 * be outstanding, or be of a size that has not arrived.
 */
export type VerifierOptions = { trusted: ReadonlySet<string>; fromCheckpoint?: boolean; unfinished?: boolean }

const NOTHING_COUNTED: Counts = { ledgerBlocks: 0, requests: 0, signatures: 0, openings: 0 }
const NOTHING_RECOMPUTED: Recomputed = {
  requestIds: 0,
  commitments: 0,
  outcomes: 0,
  takenOutcomes: 0,
  entriesRoots: 0,
  stateRoots: 0,
  logRoots: 0,
  judgedResults: 0,
  takenJudgedResults: 0,
}

/** What may stand next in a bundle, by what stood last; `start` and `end` are its two ends. */
const NEXT = {
  start: ['bundle'],
  bundle: ['genesis'],
  genesis: ['cosignature', 'ledger-block', 'lineage', 'end'],
  cosignature: ['cosignature', 'basis', 'ledger-block', 'lineage', 'end'],
  basis: ['basis', 'ledger-block', 'lineage', 'end'],
  'ledger-block': ['ledger-block', 'lineage', 'end'],
  lineage: ['ledger-block', 'lineage', 'end'],
  end: [],
} as const satisfies Record<ReadLine['type'] | 'start', readonly ReadLine['type'][]>

/**
 * One audit of one bundle: hand in its lines, or its bytes, then ask for the report. Nothing that is handed in makes it
 * throw; after the first finding the rest is ignored.
 */
export class BundleVerifier {
  readonly #trusted: ReadonlySet<string>
  readonly #isUnfinished: boolean
  readonly #isFromCheckpoint: boolean
  readonly #cutter = new LineCutter(LINE_MAX_BYTES)
  #lines = 0
  #last: keyof typeof NEXT = 'start'
  #head: HeadLine | undefined
  #audit: LedgerAudit | undefined
  #finding: Finding | undefined

  constructor({ trusted, fromCheckpoint = false, unfinished = false }: VerifierOptions) {
    this.#trusted = trusted
    this.#isFromCheckpoint = fromCheckpoint
    this.#isUnfinished = unfinished
  }

  /** Whether something was found: then the rest of the bundle makes no difference. */
  get isOver(): boolean {
    return this.#finding !== undefined
  }

  /** Takes the next line, without its newline. */
  line(text: string): void {
    if (this.#finding !== undefined) return
    this.#guard(() => this.#take(text))
  }

  /** Takes the next bytes of the file, cut anywhere: instead of `line`, not beside it. */
  bytes(chunk: Uint8Array): void {
    if (this.#finding !== undefined) return
    const lines = this.#cutter.take(chunk)
    this.#guard(() => {
      for (;;) {
        const next = under('BUN-1', this.#nextPlace, () => lines.next())
        if (next.done) return
        this.#take(next.value)
      }
    })
  }

  /** The bundle is complete. */
  end(): Report {
    if (this.#finding === undefined)
      this.#guard(() => {
        const rest = under('BUN-1', this.#nextPlace, () => this.#cutter.rest())
        if (rest !== undefined) this.#take(rest)
        if (this.#lines === 0) fail('BUN-1', this.#nextPlace, 'the file is empty')
        if (this.#last !== 'end')
          fail('BUN-1', this.#nextPlace, 'the file is cut off: its end line is missing')
      })
    return this.#report()
  }

  get #nextPlace(): string {
    return `line ${this.#lines + 1}`
  }

  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      // Whatever else a hostile file brings about (say, a text longer than the engine takes) is a reason to refuse it too.
      const place = `line ${this.#lines}`
      this.#finding =
        error instanceof RuleBroken
          ? error.finding
          : { rule: 'BUN-1', place, message: 'it can’t be processed' }
    }
  }

  #take(text: string): void {
    const place = this.#nextPlace
    this.#lines += 1
    const ruleOf = ({ code }: CountersignError) =>
      code === 'bad-json' && this.#head !== undefined ? 'ENC-1' : 'BUN-1'
    const line = under(ruleOf, place, () => parseLine(text))
    const allowed: readonly string[] = NEXT[this.#last]
    if (!allowed.includes(line.type))
      fail('BUN-1', place, `a line of type ${line.type} can’t stand here, behind the ${this.#last}`)
    if (line.type === 'bundle') this.#head = line
    else this.#check(line, this.#head as HeadLine, place)
    this.#last = line.type
  }

  #check(line: Exclude<ReadLine, HeadLine>, head: HeadLine, place: string): void {
    if (line.type === 'genesis') {
      this.#audit = new LedgerAudit(head.contract, line.genesis, line.openings)
      return
    }
    const audit = this.#audit as LedgerAudit
    if (line.type === 'cosignature') {
      audit.cosignature(line.cosignature, line.lineage)
      return
    }
    if (line.type === 'basis') {
      audit.basisLine(line)
      return
    }
    if (this.#last !== 'ledger-block' && this.#last !== 'lineage') this.#begin(audit)
    if (line.type === 'lineage') {
      audit.lineage(line)
      return
    }
    if (line.type === 'ledger-block') {
      audit.block(line)
      return
    }
    for (const [what, height] of [
      ['end line', line.height],
      ['first line', head.height],
    ] as const)
      if (height !== audit.height)
        fail('BUN-1', place, `the last ledger block is ${audit.height}, the ${what} says ${height}`)
    this.#conclude(audit, head.exporter, place)
  }

  /** COS-3: without a cosignature of each member nothing at all is final. */
  #begin(audit: LedgerAudit): void {
    audit.takeBasis()
    if (!this.#isUnfinished && audit.cosignedLineage === 0)
      checkSigned(
        audit,
        audit.basisHeight > 0 ? audit.currentMembers : audit.membership.members.map(({ party }) => party),
      )
    if (!this.#isUnfinished) checkReachable(audit)
    audit.begin()
  }

  /** Of a later lineage, who its members are is known at the end. */
  #checkLineage(audit: LedgerAudit, place: string): void {
    const { number } = audit.lineages
    if (this.#isUnfinished || (number === 0 && audit.cosignedLineage === 0)) return
    if (audit.cosignedLineage !== number)
      fail(
        'BUN-1',
        place,
        `the cosignatures are of lineage ${audit.cosignedLineage}, the ledger of ${number}`,
      )
    checkSigned(audit, audit.stayingMembers)
  }

  /** Every cosignature was compared, and every ledger block was committed (BUN-2, ORD-7). */
  #conclude(audit: LedgerAudit, exporter: string, place: string): void {
    this.#checkLineage(audit, place)
    const missing = audit.missing(exporter, this.#isUnfinished)
    if (missing !== undefined) throw new RuleBroken(missing)
    if (!this.#isUnfinished)
      for (const [party, { size }] of audit.cosignatures)
        if (!audit.reached.has(party))
          fail(
            'BUN-2',
            `cosignature of ${party}`,
            `it is on ${size} ledger blocks, and the file ends after ${audit.height + 1}: it is cut off`,
          )
    if (audit.basisHeight > 0 && !this.#isUnfinished && audit.finalSize <= audit.basisHeight)
      fail(
        'BUN-4',
        `ledger block ${audit.basisHeight}`,
        'the ledger begins with it here, and not every member has cosigned it or a later one of its epoch',
      )
    if (audit.committedHeight < audit.height)
      fail(
        'ORD-7',
        `ledger block ${audit.committedHeight + 1}`,
        'neither a COMMIT nor a cosignature is on it or on one behind it: nobody has committed it',
      )
  }

  #report(): Report {
    const audit = this.#audit
    const members = audit === undefined ? [] : this.#members(audit)
    const strangers = members.filter(({ identified }) => !identified)
    const basisHeight = audit?.basisHeight ?? 0
    const isTaken = basisHeight === 0 || this.#isFromCheckpoint
    const finding =
      this.#finding ?? unidentified(strangers, audit) ?? (isTaken ? undefined : begins(basisHeight))
    const height = (audit?.finalSize ?? 0) - 1
    const report: Report = {
      verdict: this.#verdict(strangers.length === 0 && isTaken),
      height,
      tentativeHeights: (audit?.height ?? -1) - height,
      members,
      counts: audit?.counts ?? NOTHING_COUNTED,
      recomputed: audit?.recomputed ?? NOTHING_RECOMPUTED,
    }
    if (this.#head !== undefined) {
      report.contract = this.#head.contract
      report.exporter = this.#head.exporter
    }
    if (finding !== undefined) report.finding = finding
    if (audit === undefined) return report
    report.name = audit.membership.genesis.name
    if (basisHeight > 0) report.basisHeight = basisHeight
    const { number, leftOut } = audit.lineages
    if (number > 0) {
      report.lineage = number
      report.leftOut = leftOut.map((party) => ({ party, name: audit.members.get(party)?.name ?? party }))
    }
    if (audit.final === undefined) return report
    const { checkpoint, cosignKeys } = audit.final
    report.stateRoot = checkpoint.stateRoot
    const cosignatures = [...audit.cosignatures.values()].filter(({ party }) => cosignKeys.has(party))
    if (cosignatures.every(({ size }) => size === checkpoint.size))
      report.checkpoint = checkpointNote(checkpoint, cosignatures, cosignKeys)
    return report
  }

  #verdict(isIdentified: boolean): Verdict {
    if (this.#head === undefined) return 'unreadable'
    if (this.#finding !== undefined) return 'invalid'
    return isIdentified ? 'valid' : 'unidentified'
  }

  #members({ members, cosignatures, reached }: LedgerAudit): ReportedMember[] {
    return [...members.values()].map(({ party, name }) => ({
      party,
      name,
      cosignedSize: reached.has(party) ? (cosignatures.get(party)?.size ?? 0) : 0,
      identified: this.#trusted.has(party),
    }))
  }
}

/** COS-3: every one of these members has signed. @throws RuleBroken */
function checkSigned(audit: LedgerAudit, members: readonly string[]): void {
  for (const party of members)
    if (!audit.cosignatures.has(party))
      fail(
        'COS-3',
        `cosignature of ${party}`,
        `it is missing: ${JSON.stringify(audit.members.get(party)?.name ?? party)} has signed nothing here`,
      )
}

/** BUN-4: what was cosigned before the block that the ledger begins with does not make it final. @throws RuleBroken */
function checkReachable({ cosignatures, basisHeight }: LedgerAudit): void {
  for (const [party, { size }] of cosignatures)
    if (size <= basisHeight)
      fail(
        'BUN-4',
        `cosignature of ${party}`,
        `it is on ${size} ledger blocks, and the ledger begins with ledger block ${basisHeight} here`,
      )
}

function unidentified(
  strangers: readonly ReportedMember[],
  audit: LedgerAudit | undefined,
): Finding | undefined {
  const [first] = strangers
  if (first === undefined) return undefined
  const names = strangers.map(({ name, party }) => `${JSON.stringify(name)} (${party})`)
  const sinceHeight = audit?.members.get(first.party)?.sinceHeight ?? 0
  return {
    rule: 'BUN-3',
    place: sinceHeight === 0 ? 'genesis' : `ledger block ${sinceHeight}`,
    message: `these signers are none of the parties you trust: ${names.join(', ')}`,
  }
}

/** BUN-4: nothing in the file shows what was before. */
function begins(height: number): Finding {
  return {
    rule: 'BUN-4',
    place: `ledger block ${height}`,
    message:
      'the file begins there: what was before is its members’ word. Ask for an export of a member that holds the whole, or say that their word will do',
  }
}
