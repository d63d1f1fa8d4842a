/**
 * Two histories (EVI-3): a member that has cosigned another history than is committed here is asked for the certificates
 * of its own. Where they prove another COMMIT, somebody has signed on both sides: the contract halts, and the certificates
 * of both sides say who it was. A member that can prove nothing has only spoilt its own cosignature.
 */
import type { ConsensusState } from '../consensus/state.ts'
import { blockHash, type Header } from '../ledger/block.ts'
import { type Certificate, certificateVerifies, type SignedStatement } from '../ledger/certificate.ts'
import { contradictionsAmong, statementsOfCertificates } from '../ledger/evidence.ts'
import type { ProofMessage } from './messages.ts'
import type { Replica } from './replica.ts'

/** Headers in one PROOF; what is not final yet is seldom more than a few. */
export const PROOF_HEADERS_MAX = 2048
export const PROOF_CERTIFICATES_MAX = 8192
const ANSWER_EVERY_MS = 1000
/** A turn may have been proposed in several views. */
const CERTIFICATES_OF_BLOCK = 64

export class Disputes {
  private readonly replica: Replica
  /** What was asked of whom and not answered: the first height. */
  private readonly asked = new Map<string, number>()
  /** When each member was last asked because of something new, answered, and when it last told us unasked, ms since 1970. */
  private readonly raisedMs = new Map<string, number>()
  private readonly answeredMs = new Map<string, number>()
  private readonly toldMs = new Map<string, number>()
  /** Members that have cosigned another history and have not proved a COMMIT of it. */
  readonly open = new Set<string>()

  constructor(replica: Replica) {
    this.replica = replica
  }

  /** A member has cosigned another history. One question stands at a time, however many such cosignatures come. */
  raise(party: string, nowMs: number): void {
    const { contract, outbox, self } = this.replica
    if (party === self) return
    if (!this.open.has(party)) outbox.log('warn', 'astray', { rule: 'EVI-3', contract, party })
    this.open.add(party)
    if (this.asked.get(party) === this.replica.finalSize) return
    // Nobody answers sooner; `askAgain` asks later.
    if (nowMs < (this.raisedMs.get(party) ?? 0) + ANSWER_EVERY_MS) return
    this.raisedMs.set(party, nowMs)
    this.ask(party)
  }

  /** Its connection is new: what was asked may be lost. */
  peerUp(party: string): void {
    if (this.open.has(party)) this.ask(party)
  }

  /** An answer may have been lost, or not been given so soon after another. */
  askAgain(): void {
    for (const party of this.open) this.ask(party)
  }

  private ask(party: string): void {
    const fromHeight = this.replica.finalSize
    this.asked.set(party, fromHeight)
    this.replica.send(party, { type: 'PROVE', fromHeight })
  }

  /** An answer is long, and nobody needs two in a second. toHeight: of the last block that this party may see. */
  answer(to: string, fromHeight: number, nowMs: number, toHeight = Number.POSITIVE_INFINITY): void {
    const { replica } = this
    if (nowMs < (this.answeredMs.get(to) ?? 0) + ANSWER_EVERY_MS) return
    const { contract, store, chain, outbox } = replica
    if (fromHeight < 1 || fromHeight > chain.height) return
    this.answeredMs.set(to, nowMs)
    outbox.flush()
    const count = Math.min(PROOF_HEADERS_MAX, toHeight + 1 - fromHeight)
    if (count < 1) return
    const blocks = store.blocks(contract, fromHeight, count)
    const headers = blocks.map(({ block }): Header => block.header)
    const shown = new Set(blocks.map(({ hash }) => hash))
    const isShown = ({ block }: Certificate): boolean => block !== undefined && shown.has(block)
    const certificates = certificatesFrom(replica, fromHeight)
      .filter((one) => toHeight === Number.POSITIVE_INFINITY || isShown(one))
      .slice(0, PROOF_CERTIFICATES_MAX)
    replica.send(to, { type: 'PROOF', fromHeight, headers, certificates })
  }

  /**
   * What it proves. It may tell before we know that there is anything to ask: who has the longer history halts first, and
   * its cosignature is only ahead for who has the shorter.
   */
  take(from: string, { fromHeight, headers, certificates }: ProofMessage, nowMs: number): void {
    const { replica } = this
    if (replica.status === 'halted' || fromHeight < 1) return
    if (this.asked.get(from) === fromHeight) this.asked.delete(from)
    else if (nowMs < (this.toldMs.get(from) ?? 0) + ANSWER_EVERY_MS) return
    else this.toldMs.set(from, nowMs)
    const ours = replica.store.blocks(replica.contract, fromHeight, PROOF_HEADERS_MAX)
    const fork = headers.findIndex((header, index) => {
      const held = ours[index]
      return held !== undefined && held.hash !== blockHash(header)
    })
    if (fork < 0 || !isChain(headers, replica, fromHeight)) return
    // The COMMIT first: who proves none costs no more than that.
    const top = committedTop(headers, certificates, replica)
    if (top < fork) return
    const statements = [...certificates, ...certificatesFrom(replica, fromHeight)].flatMap((one) =>
      statementsIn(replica, fromHeight, one),
    )
    const evidence = contradictionsAmong(statements)
    for (const one of evidence) replica.evidence.found(one)
    const guilty = [...new Set(evidence.map(({ party }) => party))]
    replica.halt(
      `two histories were committed from ledger block ${fromHeight + fork} on; ` +
        `${guilty.length} members have signed both: ${guilty.join(', ')}`,
    )
    this.answer(from, fromHeight, nowMs)
  }
}

/** Whether these are headers of this contract that follow one another, the first at this height. */
function isChain(headers: readonly Header[], { contract, lineage }: Replica, fromHeight: number): boolean {
  return headers.every((header, index) => {
    const before = headers[index - 1]
    if (
      header.contract !== contract ||
      header.lineage > lineage.number ||
      header.height !== fromHeight + index
    )
      return false
    return before === undefined || header.parent === blockHash(before)
  })
}

/**
 * Place of the last header that has both certificates of a COMMIT, by who was in then as far as is known here; else -1. Where both
 * have turned, an epoch may be another there than here: of each epoch one is looked at, back to what both have had.
 */
function committedTop(
  headers: readonly Header[],
  certificates: readonly Certificate[],
  { roster, consensus }: Replica,
): number {
  const isCommit = (one: Certificate, other: Certificate): boolean =>
    one.kind === 'notarization' &&
    other.kind === 'finalization' &&
    one.block === other.block &&
    one.view === other.view
  const byBlock = new Map<string, Certificate[]>()
  for (const one of certificates)
    if (one.block !== undefined) {
      const of = byBlock.get(one.block) ?? []
      byBlock.set(one.block, of)
      of.push(one)
    }
  // That of a block that ended an epoch may be of a later view than its own (EPO-11). More than two kinds, or views, nobody needs.
  const commitOf = ({ view }: Header, hash: string): Certificate[] => {
    const own = (byBlock.get(hash) ?? []).filter((one) => one.view >= view).slice(0, CERTIFICATES_OF_BLOCK)
    const first = own.find((one) => own.some((other) => isCommit(one, other)))
    return own.filter((one) => one.view === first?.view)
  }
  const { cache } = consensus.config
  for (let { current: epoch } = roster; epoch >= 0; epoch -= 1) {
    const top = headers.findLastIndex(
      (header) => header.epoch === epoch && commitOf(header, blockHash(header)).length > 0,
    )
    const header = headers[top]
    const electorate = roster.spans[epoch]?.electorate
    if (!header || !electorate) continue
    const commit = commitOf(header, blockHash(header))
    if (commit.every((one) => certificateVerifies(electorate, one, cache))) return top
  }
  return -1
}

/**
 * What its signers have signed: a certificate names no epoch, views are counted anew in each (EPO-11), and so it is of the one
 * whose members' it proves to be. Nothing where there is none since this height.
 */
function statementsIn(
  { roster, consensus }: Replica,
  fromHeight: number,
  one: Certificate,
): SignedStatement[] {
  const spans = roster.spans.filter(({ lastHeight = fromHeight }) => lastHeight + 1 >= fromHeight)
  const { cache } = consensus.config
  const span = spans.find(({ electorate }) => certificateVerifies(electorate, one, cache))
  return span === undefined ? [] : statementsOfCertificates(span.electorate, [one])
}

/** All certificates held for the views since the block before this height. */
function certificatesFrom({ contract, store, consensus }: Replica, fromHeight: number): Certificate[] {
  const before = store.block(contract, fromHeight - 1)
  const view = before?.block.header.view ?? 0
  return [...store.certificates(contract, view), ...certificatesIn(consensus)]
}

function certificatesIn({ views }: ConsensusState): Certificate[] {
  return [...views.values()].flatMap(({ notarizations, finalizations, skipCertificate }) => [
    ...notarizations.values(),
    ...finalizations.values(),
    ...(skipCertificate ? [skipCertificate] : []),
  ])
}
