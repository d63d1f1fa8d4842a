/**
 * The audit of one ledger, block by block: everything in it that can be computed again is, and compared. It holds the state
 * of one height, the members' cosignatures, and the ids of requests that could still be replayed; never the ledger.
 *
 *   genesis ──▶ cosignatures ──▶ block 1 ──▶ block 2 ──▶ …      each step throws RuleBroken, after which the audit is over
 */
import { type ExecutedBlock, executeBlock } from '../contract/apply.ts'
import { type ContractState, genesisState, stateRoot } from '../contract/state.ts'
import { appendLeaf, emptyFrontier, emptyRoot, type Frontier, frontierRoot } from '../crypto/log.ts'
import { SignatureCache } from '../crypto/statement.ts'
import {
  blockHash,
  checkBlockShape,
  type Entry,
  type Header,
  type LedgerBlock,
  logLeaf,
  NO_PARENT,
} from '../ledger/block.ts'
import { type Checkpoint, type Cosignature, checkpointOf, sameCheckpoint } from '../ledger/checkpoint.ts'
import type { ReadBlockLine } from './bundle.ts'
import { fail, under } from './finding.ts'
import { checkCertificate, type Membership, readCosignature, readMembership } from './membership.ts'
import { RequestAudit } from './request-audit.ts'

/** How many of each were read and found good; ledger blocks without block 0. */
export type Counts = { ledgerBlocks: number; requests: number; signatures: number; openings: number }

/** How many of each were computed again and came out as the ledger has them: nothing is taken on a signature. */
export type Recomputed = {
  requestIds: number
  commitments: number
  outcomes: number
  entriesRoots: number
  stateRoots: number
  logRoots: number
}

const CACHED_SIGNATURES = 4096

export class LedgerAudit {
  readonly membership: Membership
  /** The members' cosignatures, by party; what they are on is checked once the ledger has their size. */
  readonly cosignatures = new Map<string, Cosignature>()
  /** Members whose cosignature was found to be on this ledger. */
  readonly reached = new Set<string>()
  /** The last height with a COMMIT or a cosignature on it or behind it; block 0 needs none. */
  committedHeight = 0
  /** The checkpoint of the largest size that all members have cosigned, once the ledger has it. */
  finalCheckpoint: Checkpoint | undefined
  #header: Header
  #hash: string
  #state: ContractState
  #frontier: Frontier = emptyFrontier
  #logRoot = emptyRoot
  readonly #requests: RequestAudit
  readonly #cache = new SignatureCache(CACHED_SIGNATURES)
  /** Of cards, cosignatures and certificates. */
  #signatures = 0
  #outcomes = 0
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
    const { state } = under('GEN-2', 'genesis', () => genesisState(contract, genesis, openings))
    this.#state = state
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
    this.#append()
  }

  get counts(): Counts {
    const { requests, openings } = this.#requests
    return { ledgerBlocks: this.height, requests, signatures: this.#signatures + requests, openings }
  }

  get recomputed(): Recomputed {
    return {
      requestIds: this.#requests.requests,
      commitments: this.#requests.openings,
      outcomes: this.#outcomes,
      entriesRoots: this.#entriesRoots,
      stateRoots: this.#stateRoots,
      logRoots: this.#logRoots,
    }
  }

  /** Of the last ledger block that was found good. */
  get height(): number {
    return this.#header.height
  }

  /** The largest size that all members have cosigned, by what they sent; 0 while one is missing. */
  get cosignedByAll(): number {
    return Math.min(...this.membership.members.map(({ party }) => this.cosignatures.get(party)?.size ?? 0))
  }

  /** The largest size that all members were found to have cosigned in this very ledger. */
  get finalSize(): number {
    const sizes = this.membership.members.map(({ party }) =>
      this.reached.has(party) ? (this.cosignatures.get(party)?.size ?? 0) : 0,
    )
    return Math.min(...sizes)
  }

  /** Takes a member's cosignature; all of them come before block 1 (CHK-2). @throws RuleBroken */
  cosignature(value: unknown): void {
    const cosignature = readCosignature(this.membership, value)
    const { party } = cosignature
    if (this.cosignatures.has(party))
      fail('BUN-1', `cosignature of ${party}`, 'the member has a second one; only the largest stands here')
    this.cosignatures.set(party, cosignature)
    this.#signatures += 1
  }

  /** All cosignatures have been taken: compares those of block 0. @throws RuleBroken */
  begin(): void {
    this.#checkCosignatures()
  }

  /** Takes the next ledger block. @throws RuleBroken */
  block(line: ReadBlockLine): void {
    const block = under('BLK-1', `ledger block ${this.height + 1}`, () => checkBlockShape(line.block))
    const { header } = block
    const place = `ledger block ${header.height}`
    this.#checkHeader(header, place)
    const { requests, openings } = this.#requests.take(block, line, place)
    const executed = under('REQ-4', place, () => executeBlock(this.#state, requests, openings, header.timeMs))
    this.#compare(block, executed, place)
    const hash = blockHash(header)
    this.#checkCertificates(line, { hash, view: header.view, height: header.height }, place)
    this.#header = header
    this.#hash = hash
    this.#state = executed.state
    this.#requests.ordered(requests, header)
    this.#append()
    this.#checkCosignatures()
  }

  /** BLK-1, BLK-4, LOG-1: the header extends the block before. */
  #checkHeader(header: Header, place: string): void {
    const before = this.#header
    if (header.contract !== before.contract) fail('BLK-1', place, `it is of contract ${header.contract}`)
    if (header.lineage !== before.lineage || header.epoch !== before.epoch)
      fail('BLK-1', place, `it is of lineage ${header.lineage}, epoch ${header.epoch}`)
    if (header.height !== before.height + 1) fail('BLK-4', place, `expected height ${before.height + 1}`)
    if (header.parent !== this.#hash)
      fail('BLK-4', place, `its parent is not the ledger block before, whose hash is ${this.#hash}`)
    if (header.timeMs <= before.timeMs) fail('BLK-4', place, 'its time is not after that of the one before')
    if (header.view <= before.view) fail('BLK-4', place, 'its view is not after that of the one before')
    if (header.logRoot !== this.#logRoot)
      fail('LOG-1', place, `the log of all ledger blocks before it has the root ${this.#logRoot}`)
    this.#logRoots += 1
  }

  /** REQ-4, BLK-2, STA-1: execution gives what the block claims. */
  #compare({ header, entries }: LedgerBlock, executed: ExecutedBlock, place: string): void {
    for (const [index, { request: id, outcome, code }] of entries.entries()) {
      const own = executed.entries[index]
      if (own?.outcome !== outcome || own.code !== code)
        fail(
          'REQ-4',
          `request ${id} in ${place}`,
          `it was ${wordsOf(own)}, not ${wordsOf({ outcome, code })}`,
        )
    }
    this.#outcomes += entries.length
    if (executed.entriesRoot !== header.entriesRoot)
      fail('BLK-2', place, `its entries with their effects have the root ${executed.entriesRoot}`)
    this.#entriesRoots += 1
    if (executed.stateRoot !== header.stateRoot)
      fail('STA-1', place, `the state after it has the root ${executed.stateRoot}`)
    this.#stateRoots += 1
  }

  #checkCertificates(
    line: ReadBlockLine,
    block: { hash: string; view: number; height: number },
    place: string,
  ): void {
    let kinds = 0
    for (const kind of ['notarization', 'finalization'] as const) {
      if (line[kind] === undefined) continue
      const certificate = checkCertificate(this.membership, kind, line[kind], block, place, this.#cache)
      this.#signatures += certificate.signatures.length
      kinds += 1
    }
    if (kinds === 2) this.committedHeight = block.height
  }

  /** Puts the block that is now the last into the log. */
  #append(): void {
    this.#frontier = appendLeaf(this.#frontier, logLeaf(this.#hash))
    this.#logRoot = frontierRoot(this.#frontier)
  }

  /** COS-2, CHK-1: those who cosigned a ledger of this size cosigned this one. */
  #checkCosignatures(): void {
    const here = checkpointOf(this.#header, this.#logRoot)
    const place = `ledger block ${this.height}`
    for (const [party, cosignature] of this.cosignatures) {
      if (cosignature.size !== here.size) continue
      if (cosignature.root !== here.root)
        fail('COS-2', place, `${party} cosigned another history of size ${here.size}`)
      if (!sameCheckpoint(here, cosignature))
        fail('CHK-1', place, `the checkpoint that ${party} cosigned names another epoch, block or state`)
      this.reached.add(party)
      this.committedHeight = this.height
    }
    if (here.size === this.cosignedByAll) this.finalCheckpoint = here
  }
}

function wordsOf(entry: Pick<Entry, 'outcome' | 'code'> | undefined): string {
  return entry?.code === undefined ? `${entry?.outcome}` : `${entry.outcome} (${entry.code})`
}
