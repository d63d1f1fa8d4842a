/**
 * All that can be said within bounds: members with real keys, ledger blocks with real headers, hashes and log, statements
 * with real signatures. Each is made once, when first needed, and known by a small number from then on.
 */

import type { ConsensusConfig } from '../../src/consensus/state.ts'
import { DEFAULT_TIMING } from '../../src/consensus/state.ts'
import { generateKeyPair, type KeyPair } from '../../src/crypto/keys.ts'
import { emptyRoot, LogTree } from '../../src/crypto/log.ts'
import { SignatureCache, signStatements } from '../../src/crypto/statement.ts'
import { blockHash, entriesRoot, logLeaf, NO_PARENT } from '../../src/ledger/block.ts'
import type { Certificate, Electorate, SignedStatement, Statement } from '../../src/ledger/certificate.ts'
import { type Checkpoint, type Cosignature, checkpointOf, cosign } from '../../src/ledger/checkpoint.ts'
import type { AnyLedgerBlock, TurnEntry } from '../../src/ledger/turn.ts'
import type { Cosigners } from '../../src/node/finality.ts'
import { type Bounds, quorumIn } from './bounds.ts'

const CONTRACT = 'c'.repeat(64)
const CACHE_SIZE = 100_000
const MILLISECONDS = 1000
const EPOCHS = [0, 1]
const POLICY = {
  clockBoundMs: 5000,
  silenceMs: null,
  admission: { invite: 'any', admit: 'every' },
} as const

/** A ledger block: its number, a name that tells view, variant and ancestors, and the log up to and with it. */
export type KnownBlock = {
  index: number
  name: string
  hash: string
  block: AnyLedgerBlock
  epoch: number
  view: number
  height: number
  /** It is a turn. */
  endsEpoch: boolean
  /** Number of its parent; -1 for the genesis. */
  parent: number
  log: LogTree
}

/** VOTE and FINALIZE name a ledger block by its number. */
export type Saying = {
  index: number
  type: Statement['type']
  epoch: number
  view: number
  block: number
  name: string
}

/** What a block is made as. epoch: where it is not the one that goes on after its parent. */
export type Made = { variant: number; endsEpoch?: boolean; epoch?: number }

/** saying: the number of the statement; signers: members, ascending. */
export type KnownCertificate = {
  index: number
  saying: number
  signers: readonly number[]
  certificate: Certificate
}

export const GENESIS = 0

export class Universe {
  readonly bounds: Bounds
  readonly quorum: number
  readonly parties: readonly string[]
  readonly blocks: KnownBlock[] = []
  readonly sayings: Saying[] = []
  readonly certificates: KnownCertificate[] = []
  readonly #votePairs: readonly KeyPair[]
  readonly #cosignPairs: readonly KeyPair[]
  readonly #cosignKeys: ReadonlyMap<string, string>
  readonly #electorates: readonly Electorate[]
  readonly #turn: TurnEntry
  readonly #blockIndices = new Map<string, number>()
  readonly #built = new Map<string, KnownBlock>()
  readonly #sayingIndices = new Map<string, number>()
  readonly #signed = new Map<string, SignedStatement>()
  readonly #certificates = new Map<string, KnownCertificate>()
  readonly #cosignatures = new Map<string, Cosignature>()
  readonly #cache = new SignatureCache(CACHE_SIZE)

  constructor(bounds: Bounds) {
    this.bounds = bounds
    this.quorum = quorumIn(bounds)
    const indices = Array.from({ length: bounds.members }, (_, index) => index)
    this.parties = indices.map((index) => index.toString(16).repeat(64))
    this.#votePairs = indices.map((index) => generateKeyPair(new Uint8Array(32).fill(index + 1)))
    this.#cosignPairs = indices.map((index) => generateKeyPair(new Uint8Array(32).fill(index + 101)))
    const voteKeys = new Map(this.#votePairs.map(({ publicKey }, index) => [this.party(index), publicKey]))
    this.#electorates = EPOCHS.map((epoch) => ({
      contract: CONTRACT,
      lineage: 0,
      epoch,
      quorum: this.quorum,
      voteKeys,
    }))
    this.#cosignKeys = new Map(
      this.#cosignPairs.map(({ publicKey }, index) => [this.party(index), publicKey]),
    )
    this.#turn = {
      kind: 'turn',
      epoch: 1,
      members: [...this.parties],
      cards: [...this.parties],
      policy: { ...POLICY, quorum: bounds.quorum },
      executionVersion: 1,
      certificate: [],
    }
    this.#addGenesis()
  }

  /** The epochs that there may be. */
  get epochs(): readonly number[] {
    return this.bounds.turns ? EPOCHS : EPOCHS.slice(0, 1)
  }

  party(member: number): string {
    return this.parties[member] as string
  }

  memberOf(party: string): number {
    return this.parties.indexOf(party)
  }

  leaderOf(view: number): number {
    return view % this.bounds.members
  }

  isLiar(member: number): boolean {
    return this.bounds.liars.includes(member)
  }

  electorateOf(epoch: number): Electorate {
    return this.#electorates[epoch] as Electorate
  }

  configOf(member: number, epoch: number): ConsensusConfig {
    return {
      electorate: this.electorateOf(epoch),
      members: this.parties,
      self: this.party(member),
      timing: DEFAULT_TIMING,
      cache: this.#cache,
    }
  }

  // ── ledger blocks ─────────────────────────────────────────────────────────────────────────────────────────────────

  #addGenesis(): void {
    const header = {
      contract: CONTRACT,
      lineage: 0,
      epoch: 0,
      height: 0,
      view: 0,
      parent: NO_PARENT,
      timeMs: 1_000_000,
      entriesRoot: emptyRoot,
      stateRoot: emptyRoot,
      logRoot: emptyRoot,
    }
    this.#add({ header, entries: [] }, GENESIS - 1, 'genesis')
  }

  #add(block: AnyLedgerBlock, parent: number, name: string, endsEpoch = false): KnownBlock {
    const hash = blockHash(block.header)
    const index = this.blocks.length
    const below = this.blocks[parent]?.log
    const leaves = below ? Array.from({ length: below.size }, (_, at) => below.leaf(at)) : []
    const log = new LogTree([...leaves, logLeaf(hash)])
    const { epoch, view, height } = block.header
    const known = { index, name, hash, block, epoch, view, height, endsEpoch, parent, log }
    this.blocks.push(known)
    this.#blockIndices.set(hash, index)
    return known
  }

  block(index: number): KnownBlock {
    return this.blocks[index] as KnownBlock
  }

  indexOf(hash: string): number {
    const index = this.#blockIndices.get(hash)
    if (index === undefined) throw new Error(`no ledger block has the hash ${hash}`)
    return index
  }

  /** The epoch that goes on after a block. */
  epochAfter(block: number): number {
    const { epoch, endsEpoch } = this.block(block)
    return endsEpoch ? epoch + 1 : epoch
  }

  /** Whether a block of this view on this parent may be a turn. */
  mayEndEpoch(parent: number, view: number): boolean {
    return this.bounds.turns?.includes(view) === true && this.epochAfter(parent) === 0
  }

  /** The turn or block without entries of a view on a parent; blocks of several variants differ in their time. */
  build(parent: number, view: number, { variant, endsEpoch = false, epoch }: Made): KnownBlock {
    const made = { epoch: epoch ?? this.epochAfter(parent), variant, endsEpoch }
    const key = `${parent} ${view} ${made.epoch} ${variant} ${endsEpoch}`
    const held = this.#built.get(key)
    if (held) return held
    const before = this.block(parent)
    const { header } = before.block
    const entries = endsEpoch ? [this.#turn] : []
    const block = {
      header: {
        ...header,
        epoch: made.epoch,
        height: header.height + 1,
        view,
        parent: before.hash,
        timeMs: header.timeMs + 1 + variant,
        entriesRoot: entriesRoot(entries, []),
        logRoot: before.log.root(),
      },
      entries,
    } as AnyLedgerBlock
    const known = this.#add(block, parent, this.#nameOf(parent, view, made), endsEpoch)
    this.#built.set(key, known)
    return known
  }

  #nameOf(parent: number, view: number, { variant, endsEpoch, epoch }: Required<Made>): string {
    const letter = String.fromCharCode('a'.charCodeAt(0) + variant)
    const isStale = epoch < this.epochAfter(parent)
    const own = `${view}${letter}${endsEpoch ? ' turn' : ''}${isStale ? ' of the ended epoch' : ''}`
    return parent === GENESIS ? own : `${own}/${this.block(parent).name}`
  }

  /**
   * BLK-4, for turns and blocks without entries. A block of the ended epoch on its turn is valid: nodes refuse to execute it, but
   * `consensus` has to keep from it by itself here.
   */
  isValid({ block: { header, entries }, parent, endsEpoch }: KnownBlock): boolean {
    const before = this.block(parent)
    const held = endsEpoch ? [this.#turn] : []
    return (
      entries.length === held.length &&
      header.parent === before.hash &&
      (header.epoch === this.epochAfter(parent) || header.epoch === before.epoch) &&
      header.height === before.height + 1 &&
      header.view > before.view &&
      header.timeMs > before.block.header.timeMs &&
      header.entriesRoot === entriesRoot(held, []) &&
      header.stateRoot === before.block.header.stateRoot &&
      header.logRoot === before.log.root()
    )
  }

  /** Whether it is built on a turn, in the epoch that this ends. */
  isStale({ epoch, parent }: KnownBlock): boolean {
    return parent >= GENESIS && epoch < this.epochAfter(parent)
  }

  /** The turns that a block is above of, or is. */
  turnsUpTo(block: number): number[] {
    const turns: number[] = []
    for (let at = block; at > GENESIS; at = this.block(at).parent)
      if (this.block(at).endsEpoch) turns.unshift(at)
    return turns
  }

  /** True if `above` is `below` or descends from it. */
  extends(above: number, below: number): boolean {
    let at = above
    while (at > below) at = this.block(at).parent
    return at === below
  }

  conflict(first: number, second: number): boolean {
    return !this.extends(first, second) && !this.extends(second, first)
  }

  // ── statements ────────────────────────────────────────────────────────────────────────────────────────────────────

  #saying(type: Statement['type'], epoch: number, view: number, block: number): Saying {
    const key = `${type} ${epoch} ${view} ${block}`
    const held = this.#sayingIndices.get(key)
    if (held !== undefined) return this.sayings[held] as Saying
    const index = this.sayings.length
    const name = type === 'SKIP' ? this.#nameOfSkip(epoch, view) : this.#nameOfNaming(type, view, block)
    const made = { index, type, epoch, view, block, name }
    this.sayings.push(made)
    this.#sayingIndices.set(key, index)
    return made
  }

  #nameOfSkip(epoch: number, view: number): string {
    return `SKIP ${view}${epoch > 0 ? ` of epoch ${epoch}` : ''}`
  }

  #nameOfNaming(type: Statement['type'], view: number, block: number): string {
    const { name, view: made } = this.block(block)
    return `${type} ${name}${view === made ? '' : ` in view ${view}`}`
  }

  skip(view: number, epoch = 0): Saying {
    return this.#saying('SKIP', epoch, view, -1)
  }

  /** @param view of a turn that is proposed again: a later one than its own */
  about(type: 'VOTE' | 'FINALIZE', block: number, view = this.block(block).view): Saying {
    return this.#saying(type, this.block(block).epoch, view, block)
  }

  /** Views in which a block may be voted for. */
  viewsOf(block: number): number[] {
    const { view, endsEpoch } = this.block(block)
    const last = endsEpoch ? this.bounds.views : view
    return Array.from({ length: last - view + 1 }, (_, past) => view + past)
  }

  sayingOf(statement: Statement): Saying {
    const { type, epoch, view } = statement
    return this.#saying(type, epoch, view, type === 'SKIP' ? -1 : this.indexOf(statement.block))
  }

  statement({ type, epoch, view, block }: Saying): Statement {
    const { contract, lineage } = this.electorateOf(epoch)
    const at = { contract, lineage, epoch, view }
    return type === 'SKIP' ? { ...at, type } : { ...at, type, block: this.block(block).hash }
  }

  signed(member: number, saying: Saying): SignedStatement {
    const key = `${member} ${saying.index}`
    const held = this.#signed.get(key)
    if (held) return held
    const statement = this.statement(saying)
    const [signature] = signStatements((this.#votePairs[member] as KeyPair).privateKey, [statement])
    if (!signature) throw new Error('nothing was signed')
    const made = { statement, party: this.party(member), signature }
    this.#signed.set(key, made)
    return made
  }

  /** The certificate that these members' signatures on a statement make. */
  certificate(saying: number, signers: readonly number[]): KnownCertificate {
    const key = `${saying} ${signers.join(',')}`
    const held = this.#certificates.get(key)
    if (held) return held
    const { type, view, block } = this.sayings[saying] as Saying
    const signatures = signers.map((member): Certificate['signatures'][number] => {
      const { party, signature } = this.signed(member, this.sayings[saying] as Saying)
      return [party, signature]
    })
    const kind = type === 'VOTE' ? 'notarization' : type === 'FINALIZE' ? 'finalization' : 'skip'
    const certificate: Certificate =
      type === 'SKIP' ? { kind, view, signatures } : { kind, view, block: this.block(block).hash, signatures }
    const known = { index: this.certificates.length, saying, signers, certificate }
    this.certificates.push(known)
    this.#certificates.set(key, known)
    return known
  }

  /** A certificate that a member has made or been given in an epoch. */
  knownCertificate({ kind, view, block, signatures }: Certificate, epoch: number): KnownCertificate {
    const type = kind === 'notarization' ? 'VOTE' : kind === 'finalization' ? 'FINALIZE' : 'SKIP'
    const saying = this.#saying(type, epoch, view, block === undefined ? -1 : this.indexOf(block))
    const signers = signatures.map(([party]) => this.memberOf(party)).sort((first, second) => first - second)
    return this.certificate(saying.index, signers)
  }

  /**
   * What a block of a view and epoch rests on (ORD-3): the notarization of its parent, and a SKIPCERT for every view between;
   * for a turn that is proposed again, its own notarization. On what ended the epoch before, no notarization is shown.
   * @param base view of the notarization
   */
  restsOn(parent: number, view: number, epoch: number, base = this.block(parent).view): Saying[] {
    const sayings: Saying[] = []
    for (let between = view - 1; between > base; between -= 1) sayings.push(this.skip(between, epoch))
    if (parent !== GENESIS && this.block(parent).epoch === epoch)
      sayings.push(this.about('VOTE', parent, base))
    return sayings
  }

  // ── checkpoints ───────────────────────────────────────────────────────────────────────────────────────────────────

  checkpoint(block: number): Checkpoint {
    const known = this.block(block)
    return checkpointOf(known.block.header, known.log.root())
  }

  cosignature(member: number, block: number): Cosignature {
    const key = `${member} ${block}`
    const held = this.#cosignatures.get(key)
    if (held) return held
    const { privateKey } = this.#cosignPairs[member] as KeyPair
    const timeS = Math.floor(this.block(block).block.header.timeMs / MILLISECONDS)
    const made = cosign(privateKey, this.party(member), this.checkpoint(block), timeS)
    this.#cosignatures.set(key, made)
    return made
  }

  /** Who has to cosign a ledger up to this block. */
  cosignersOf(tip: number): Cosigners {
    const electorate = { members: this.parties }
    const ends = this.turnsUpTo(tip).map((turn) => this.block(turn).height)
    const spans = [...ends, undefined].map((lastHeight, epoch) => {
      const firstHeight = epoch === 0 ? 0 : (ends[epoch - 1] as number) + 1
      return { firstHeight, electorate, ...(lastHeight === undefined ? {} : { lastHeight }) }
    })
    return {
      current: ends.length,
      spans,
      cosignKeyOf: (party) => this.#cosignKeys.get(party),
      laterCosignKeysOf: () => [],
      nextCosignKeysOf: () => [],
      arriving: new Map(),
    }
  }
}
