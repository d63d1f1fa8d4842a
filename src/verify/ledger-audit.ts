/**
 * The audit of one ledger, block by block: everything in it that can be computed again is, and compared. It holds the state
 * of one height, the members' cosignatures, the hash of each checkpoint, and the ids of requests that could still be replayed;
 * never the ledger.
 *
 *   genesis ──▶ cosignatures ──▶ block 1 ──▶ block 2 ──▶ …      each step throws RuleBroken, after which the audit is over
 */
import { checkJudgements, type ExecutedBlock, executeBlock, type JudgedRequest } from '../contract/apply.ts'
import {
  authorKeysAt,
  type EpochElectorate,
  electorateAt,
  freezeEpochOf,
  holdersIn,
} from '../contract/epoch.ts'
import { type ContractState, genesisState, stateRoot } from '../contract/state.ts'
import type { ExecutedTick } from '../contract/tick.ts'
import type { ExecutedTurn } from '../contract/turn.ts'
import { jcs } from '../crypto/jcs.ts'
import { emptyRoot } from '../crypto/log.ts'
import { SignatureCache } from '../crypto/statement.ts'
import { blockHash, type Entry, type Header, type LedgerBlock, NO_PARENT } from '../ledger/block.ts'
import { type Cosignature, checkpointOf } from '../ledger/checkpoint.ts'
import { LedgerHistory } from '../ledger/history.ts'
import type { JudgedBy } from '../ledger/judgement.ts'
import { type BlockPlace, checkAnyBlockShape, isTick, turnOf } from '../ledger/turn.ts'
import { commitmentOf } from '../ledger/value.ts'
import { BasisAudit } from './basis-audit.ts'
import type { ReadBasisLine, ReadBlockLine, ReadLineageLine } from './bundle.ts'
import { CurrentValues } from './current-values.ts'
import { type FinalCheckpoint, FinalityAudit } from './finality-audit.ts'
import { type Finding, fail, under } from './finding.ts'
import { type JudgedCounts, JudgementAudit } from './judgement-audit.ts'
import { LineageAudit } from './lineage-audit.ts'
import {
  checkCertificate,
  cosignaturePlace,
  type Member,
  type Membership,
  readAnyCosignature,
  readMembership,
} from './membership.ts'
import { RequestAudit } from './request-audit.ts'
import { auditTick, auditTurn, checkAfterTurn } from './turn-audit.ts'

/** How many of each were read and found good; ledger blocks without block 0. */
export type Counts = { ledgerBlocks: number; requests: number; signatures: number; openings: number }

/**
 * How many of each were computed again and came out as the ledger has them: nothing is taken on a signature. takenOutcomes: of
 * requests whose values the exporter was not shown; what they came to is taken on signatures. judgedResults: what rules made of
 * private values that the file holds; takenJudgedResults: of those that it does not, on the signatures of who judged them.
 */
export type Recomputed = JudgedCounts & {
  requestIds: number
  commitments: number
  outcomes: number
  takenOutcomes: number
  entriesRoots: number
  stateRoots: number
  logRoots: number
}

const CACHED_SIGNATURES = 4096

/** How a party came in later. height: of its turn. */
type Arrival = { height: number }

export class LedgerAudit {
  /** Of epoch 0. */
  readonly membership: Membership
  /** Everybody who is or was a member, in the order they came. */
  readonly members = new Map<string, EverMember>()
  /** The last height with a COMMIT or a cosignature on it or behind it; block 0 needs none. */
  committedHeight = 0
  #header: Header
  #hash: string
  #epochFirstHeight = 0
  #state: ContractState
  /** Of the ledger block that comes next. */
  #electorate: EpochElectorate
  /** Of the epochs before. */
  readonly #before: { electorate: EpochElectorate; firstHeight: number }[] = []
  /** Of each party that came in later how it last did, also where it has left again. */
  readonly #arrivals = new Map<string, Arrival>()
  /** Who holds the values of before now; and whoever did once. */
  #holders: Set<string>
  readonly #everHolders = new Set<string>()
  /** The last block ended an epoch: whether its COMMIT stands beside it. */
  #turned: { isCommitted: boolean } | undefined
  readonly lineages = new LineageAudit()
  readonly #values = new CurrentValues()
  readonly #judgements = new JudgementAudit()
  /** Commitments whose openings came with the last block. */
  #offered: string[] = []
  /** Of the cosignatures. */
  cosignedLineage = 0
  #history = new LedgerHistory()
  #basis: BasisAudit | undefined
  readonly #finality = new FinalityAudit()
  readonly #requests: RequestAudit
  readonly #cache = new SignatureCache(CACHED_SIGNATURES)
  /** Of cards, cosignatures and certificates. */
  #signatures = 0
  #outcomes = 0
  #taken = 0
  #entriesRoots = 0
  #stateRoots = 0
  #logRoots = 0

  /** Reads the genesis and makes block 0 of it (GEN-1, GEN-2). @throws RuleBroken */
  constructor(contract: string, genesisValue: unknown, openingValues: readonly unknown[]) {
    this.membership = readMembership(contract, genesisValue)
    const { genesis } = this.membership
    for (const { earlier = [] } of genesis.members) this.#signatures += 1 + earlier.length
    this.#requests = new RequestAudit(this.membership)
    const openings = this.#requests.genesis(openingValues)
    const made = under('GEN-2', 'genesis', () => genesisState(contract, genesis, openings, true))
    const { state } = made
    this.#state = state
    this.#values.take([...openings.values(), ...made.openings])
    this.#values.follow(undefined, made.changes, openings.keys())
    this.#header = {
      contract,
      lineage: 0,
      epoch: 0,
      height: 0,
      view: 0,
      parent: NO_PARENT,
      timeMs: genesis.timeMs,
      entriesRoot: emptyRoot,
      stateRoot: stateRoot(state),
      logRoot: emptyRoot,
    }
    this.#hash = blockHash(this.#header)
    this.lineages.begin(this.#hash)
    this.#electorate = electorateAt(state)
    this.#holders = holdersIn(state.epoch, undefined)
    this.#noteMembers()
  }

  get counts(): Counts {
    const { requests, openings } = this.#requests
    return {
      ledgerBlocks: this.height - this.basisHeight,
      requests,
      signatures: this.#signatures + requests,
      openings,
    }
  }

  get recomputed(): Recomputed {
    return {
      requestIds: this.#requests.requests,
      commitments: this.#requests.openings,
      outcomes: this.#outcomes,
      takenOutcomes: this.#taken,
      entriesRoots: this.#entriesRoots,
      stateRoots: this.#stateRoots,
      logRoots: this.#logRoots,
      ...this.#judgements.counts,
    }
  }

  /**
   * The first opening that is missing, unless it is from before the exporter came in, by an invitation without former values,
   * as the ledger itself says.
   * @param isOwn it is a node's own ledger: who has not come in yet may lack any
   */
  missing(exporter: string, isOwn = false): Finding | undefined {
    const { firstMissing, lastMissingHeight } = this.#requests
    const arrived = this.#arrivals.get(exporter)
    const isFounder = this.membership.members.some(({ party }) => party === exporter)
    if (isOwn && arrived === undefined && !isFounder) return undefined
    if (firstMissing === undefined || arrived === undefined || this.#everHolders.has(exporter))
      return firstMissing
    return lastMissingHeight <= arrived.height ? undefined : firstMissing
  }

  /** Of the last ledger block that was found good. */
  get height(): number {
    return this.#header.height
  }

  /** By party; what they are on is checked once the ledger has their size. */
  get cosignatures(): ReadonlyMap<string, Cosignature> {
    return this.#finality.cosignatures
  }

  /** Parties whose cosignature was found to be on this ledger. */
  get reached(): ReadonlySet<string> {
    return this.#finality.reached
  }

  /** The largest size that is final (COS-3): 0 if nothing is. */
  get finalSize(): number {
    return this.#finality.finalSize
  }

  /** The final checkpoint of that size, if what members say to have cosigned was all found. */
  get final(): FinalCheckpoint | undefined {
    return this.#finality.final
  }

  /** Takes a party's cosignature; all of them come before block 1 (CHK-2). @throws RuleBroken */
  cosignature(value: unknown, lineage = 0): void {
    if (this.#finality.cosignatures.size > 0 && lineage !== this.cosignedLineage)
      fail('BUN-1', cosignaturePlace(value), 'it is of another lineage than the one before it')
    this.cosignedLineage = lineage
    const { cosignature, isVerified } = readAnyCosignature(this.membership, value, lineage)
    this.#finality.add(cosignature, isVerified)
    this.#signatures += 1
  }

  /** Of the block that the ledger begins with here; 0 for its genesis (BUN-4). */
  get basisHeight(): number {
    return this.#basis?.height ?? 0
  }

  /** Takes a part of what the ledger begins with. @throws RuleBroken */
  basisLine(line: ReadBasisLine): void {
    this.#basis ??= new BasisAudit(line.height, this.#header)
    this.#basis.add(line)
  }

  /** All parts have been taken: the ledger goes on from there. @throws RuleBroken */
  takeBasis(): void {
    if (this.#basis === undefined) return
    const { contract, genesis } = this.membership
    const { header, state, history, ordered, epochStarts, openings } = this.#basis.end(contract, genesis)
    this.#header = header
    this.#hash = blockHash(header)
    this.#state = state
    this.#history = history
    this.#requests.begin(ordered, openings.size)
    this.#values.take(openings.values())
    this.#values.follow(undefined, state.map.entries(), openings.keys())
    this.#electorate = electorateAt(state)
    this.#holders = new Set()
    for (const [party, epoch] of state.epoch.arrived ?? [])
      this.#arrivals.set(party, { height: (epochStarts[epoch - 1] ?? 1) - 1 })
    this.members.clear()
    this.#noteMembers()
    for (const [number, firstHeight] of [0, ...epochStarts.slice(0, -1)].entries())
      if (number < epochStarts.length) this.#finality.unknownEpoch(firstHeight)
    this.#epochFirstHeight = epochStarts.at(-1) ?? 0
  }

  /** All cosignatures have been taken: compares those of the block it begins with. @throws RuleBroken */
  begin(): void {
    this.#finality.beginEpoch(this.#epochFirstHeight, this.#electorate)
    if (this.#basis === undefined) {
      this.#append(this.#header, false)
      return
    }
    const checkpoint = checkpointOf(this.#header, this.#history.root)
    if (this.cosignedLineage === 0) this.#finality.take(checkpoint, this.#electorate, false)
    this.committedHeight = this.height
  }

  /** Takes the next ledger block. @throws RuleBroken */
  block(line: ReadBlockLine): void {
    const block = under('BLK-1', `ledger block ${this.height + 1}`, () => checkAnyBlockShape(line.block))
    const { header } = block
    const place = `ledger block ${header.height}`
    this.#checkHeader(header, place)
    const turn = turnOf(block)
    const at: BlockPlace = {
      lineage: header.lineage,
      height: header.height,
      timeMs: header.timeMs,
      holds: (point) => this.#history.holds(point),
      leftOut: new Set(this.lineages.leftOut),
    }
    const executed =
      turn === undefined
        ? isTick(block)
          ? auditTick(this.#state, line, header, this.#values, place)
          : this.#execute(block as LedgerBlock, line, at, place)
        : auditTurn(this.#state, turn, line, at, place)
    if (turn !== undefined) this.#signatures += turn.certificate.length
    if ('openings' in executed) this.#values.take(executed.openings)
    this.#compareRoots(header, executed, place)
    const hash = blockHash(header)
    const { view, height } = header
    const isCommitted = this.#checkCertificates(line, { hash, view, isTurn: turn !== undefined }, place)
    if (isCommitted) this.committedHeight = height
    this.#header = header
    this.#hash = hash
    this.#values.follow(this.#state, executed.changes, this.#offered)
    this.#offered = []
    this.#state = executed.state
    this.#append(header, turn !== undefined)
    this.#turned = undefined
    if (turn !== undefined) this.#turn(isCommitted)
  }

  /** Takes what led to the next lineage, which begins with the last block. @throws RuleBroken */
  lineage(line: ReadLineageLine): void {
    const epochs = [
      ...this.#before,
      { electorate: this.#electorate, firstHeight: this.#epochFirstHeight },
    ].map((one) => freezeEpochOf(this.lineages.remaining(one.electorate), one.firstHeight))
    this.lineages.take(line, { size: this.height + 1, block: this.#hash }, epochs)
    this.#signatures += line.freezes.length
    // It began with what a member that nothing proves guilty had cosigned (COS-1), or with what a lineage before began with.
    this.committedHeight = this.height
    this.#electorate = this.#electorateNow()
    if (this.lineages.number !== this.cosignedLineage) return
    this.#finality.beginEpoch(this.height, this.#electorate)
    const here = checkpointOf(this.#header, this.#history.root, this.lineages.number)
    this.#finality.take(here, this.#electorate, false)
  }

  /** Who orders and cosigns the ledger block that comes next. */
  get currentMembers(): readonly string[] {
    return this.#electorate.members
  }

  /** Who of those that the lineage began with is still in. Who came in later may not have cosigned yet. */
  get stayingMembers(): string[] {
    return this.#electorate.members.filter((party) => this.lineages.members.includes(party))
  }

  #electorateNow(): EpochElectorate {
    return this.lineages.remaining(electorateAt(this.#state, this.lineages.number))
  }

  /** The epoch that the last block has begun. */
  #turn(isCommitted: boolean): void {
    for (const [party, epoch] of this.#state.epoch.arrived ?? [])
      if (epoch === this.#state.epoch.epoch) this.#arrivals.set(party, { height: this.height })
    this.#holders = holdersIn(this.#state.epoch, this.#holders)
    for (const party of this.#holders) this.#everHolders.add(party)
    this.#turned = { isCommitted }
    this.#before.push({ electorate: this.#electorate, firstHeight: this.#epochFirstHeight })
    this.#epochFirstHeight = this.height + 1
    this.#electorate = this.#electorateNow()
    this.#finality.beginEpoch(this.height + 1, this.#electorate)
    this.#noteMembers()
  }

  #noteMembers(): void {
    for (const party of this.#electorate.members)
      if (!this.members.has(party)) {
        const name = this.#electorate.cards.get(party)?.name ?? party
        this.members.set(party, { party, name, sinceHeight: this.height })
      }
  }

  /** BLK-1, BLK-4, LOG-1: the header extends the block before. */
  #checkHeader(header: Header, place: string): void {
    const before = this.#header
    if (header.contract !== before.contract) fail('BLK-1', place, `it is of contract ${header.contract}`)
    const { epoch } = this.#electorate
    if (header.lineage !== this.lineages.number || (header.epoch !== epoch && this.#turned === undefined))
      fail('BLK-1', place, `it is of lineage ${header.lineage}, epoch ${header.epoch}`)
    if (header.height !== before.height + 1) fail('BLK-4', place, `expected height ${before.height + 1}`)
    if (header.parent !== this.#hash)
      fail('BLK-4', place, `its parent is not the ledger block before, whose hash is ${this.#hash}`)
    if (header.timeMs <= before.timeMs) fail('BLK-4', place, 'its time is not after that of the one before')
    if (header.view <= before.view) fail('BLK-4', place, 'its view is not after that of the one before')
    if (header.logRoot !== this.#history.root)
      fail('LOG-1', place, `the log of all ledger blocks before it has the root ${this.#history.root}`)
    if (this.#turned !== undefined) checkAfterTurn(this.#turned.isCommitted, epoch, header, place)
    this.#logRoots += 1
  }

  /** REQ-4: execution gives the outcomes that the block claims. */
  #execute(block: LedgerBlock, line: ReadBlockLine, at: BlockPlace, place: string): ExecutedBlock {
    const { requests, openings } = this.#requests.take(
      block,
      line,
      place,
      this.lineages.authors(authorKeysAt(this.#state)),
    )
    this.#values.take(openings.values())
    const executed = this.#executeJudged(block.entries, requests, at, place)
    this.#offered = [...openings.keys(), ...executed.openings.map(commitmentOf)]
    for (const [index, { request: id, outcome, code }] of block.entries.entries()) {
      const own = executed.entries[index]
      if (own?.outcome !== outcome || own.code !== code)
        fail(
          'REQ-4',
          `request ${id} in ${place}`,
          `it was ${wordsOf(own)}, not ${wordsOf({ outcome, code })}`,
        )
      if (jcs(own) !== jcs(block.entries[index]))
        fail(
          'RUL-7',
          `request ${id} in ${place}`,
          'its entry says otherwise what rules came to, or stood against it',
        )
    }
    this.#outcomes += requests.length - executed.taken
    this.#taken += executed.taken
    this.#requests.ordered(requests, block.header)
    return executed
  }

  /** JUD-1, JUD-2: whoever judges something has signed it here, and whoever has to has. */
  #executeJudged(
    entries: readonly Entry[],
    requests: readonly JudgedRequest[],
    at: BlockPlace,
    place: string,
  ): ExecutedBlock {
    const state = this.#state
    const where = (id: string) => `request ${id} in ${place}`
    for (const [index, { id, request }] of requests.entries()) {
      const { judgement = [] } = entries[index] as Entry
      this.#judgements.checkReceipts(state, request, judgement, where(id))
      this.#signatures += judgement.length
    }
    const judgeOf = (given: readonly JudgedBy[], id: string) => this.#judgements.judgeOf(given, where(id))
    try {
      return under('REQ-4', place, () =>
        executeBlock(state, requests, this.#values, at, entries, undefined, judgeOf),
      )
    } catch (error) {
      // It says that a signature is another's, not in which entry: looked at once more, one by one.
      const { lineage } = at
      for (const { request: id, judgement = [] } of entries)
        under('JUD-1', where(id), () => checkJudgements(state, { lineage, request: id }, judgement))
      throw error
    }
  }

  /** BLK-2, STA-1: execution gives the roots that the block claims. */
  #compareRoots(header: Header, executed: ExecutedBlock | ExecutedTurn | ExecutedTick, place: string): void {
    if (executed.entriesRoot !== header.entriesRoot)
      fail('BLK-2', place, `its entries with their effects have the root ${executed.entriesRoot}`)
    this.#entriesRoots += 1
    if (executed.stateRoot !== header.stateRoot)
      fail('STA-1', place, `the state after it has the root ${executed.stateRoot}`)
    this.#stateRoots += 1
  }

  /** Whether the block's COMMIT stands beside it: both of its certificates, of one view. */
  #checkCertificates(
    line: ReadBlockLine,
    block: { hash: string; view: number; isTurn: boolean },
    place: string,
  ): boolean {
    const electorate = this.#electorate
    const views: number[] = []
    for (const kind of ['notarization', 'finalization'] as const) {
      if (line[kind] === undefined) continue
      const certificate = checkCertificate({ electorate }, kind, line[kind], block, place, this.#cache)
      this.#signatures += certificate.signatures.length
      views.push(certificate.view)
    }
    if (views.length < 2) return false
    if (views[0] !== views[1]) fail('ORD-1', place, 'its notarization and finalization are of two views')
    return true
  }

  /** Puts the last block into the log, and compares the cosignatures of a ledger of this size. */
  #append(header: Header, isLastOfEpoch: boolean): void {
    const checkpoint = this.#history.append(header)
    // What was cosigned in another lineage says nothing of this one.
    if (this.lineages.number !== this.cosignedLineage) return
    if (this.#finality.take(checkpoint, this.#electorate, isLastOfEpoch)) this.committedHeight = this.height
  }
}

/** sinceHeight: of the ledger block that made it a member. */
export type EverMember = Member & { sinceHeight: number }

function wordsOf(entry: Pick<Entry, 'outcome' | 'code'> | undefined): string {
  return entry?.code === undefined ? `${entry?.outcome}` : `${entry.outcome} (${entry.code})`
}
