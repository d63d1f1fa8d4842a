/**
 * All that can be said within bounds: members with real keys, ledger blocks with real headers, hashes and log, statements
 * with real signatures. Each is made once, when first needed, and known by a small number from then on.
 */

import type { ConsensusConfig } from '../../src/consensus/state.ts'
import { DEFAULT_TIMING } from '../../src/consensus/state.ts'
import { generateKeyPair, type KeyPair } from '../../src/crypto/keys.ts'
import { emptyRoot, LogTree } from '../../src/crypto/log.ts'
import { SignatureCache, signStatements } from '../../src/crypto/statement.ts'
import { blockHash, entriesRoot, type LedgerBlock, logLeaf, NO_PARENT } from '../../src/ledger/block.ts'
import type { Certificate, Electorate, SignedStatement, Statement } from '../../src/ledger/certificate.ts'
import { type Checkpoint, type Cosignature, checkpointOf, cosign } from '../../src/ledger/checkpoint.ts'
import type { Cosigners } from '../../src/node/finality.ts'
import { type Bounds, quorumIn } from './bounds.ts'

const CONTRACT = 'c'.repeat(64)
const CACHE_SIZE = 100_000
const MILLISECONDS = 1000

/** A ledger block: its number, a name that tells view, variant and ancestors, and the log up to and with it. */
export type KnownBlock = {
  index: number
  name: string
  hash: string
  block: LedgerBlock
  view: number
  height: number
  /** Number of its parent; -1 for the genesis. */
  parent: number
  log: LogTree
}

/** VOTE and FINALIZE name a ledger block by its number. */
export type Saying = { index: number; type: Statement['type']; view: number; block: number; name: string }

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
  readonly electorate: Electorate
  readonly cosigners: Cosigners
  readonly blocks: KnownBlock[] = []
  readonly sayings: Saying[] = []
  readonly certificates: KnownCertificate[] = []
  readonly #votePairs: readonly KeyPair[]
  readonly #cosignPairs: readonly KeyPair[]
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
    this.electorate = {
      contract: CONTRACT,
      lineage: 0,
      epoch: 0,
      quorum: this.quorum,
      voteKeys: new Map(this.#votePairs.map(({ publicKey }, index) => [this.party(index), publicKey])),
    }
    const cosignKeys = new Map(
      this.#cosignPairs.map(({ publicKey }, index) => [this.party(index), publicKey]),
    )
    this.cosigners = {
      current: 0,
      spans: [{ firstHeight: 0, electorate: { members: [...cosignKeys.keys()] } }],
      cosignKeyOf: (party) => cosignKeys.get(party),
      laterCosignKeysOf: () => [],
      arriving: new Map(),
    }
    this.#addGenesis()
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

  configOf(member: number): ConsensusConfig {
    return {
      electorate: this.electorate,
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

  #add(block: LedgerBlock, parent: number, name: string): KnownBlock {
    const hash = blockHash(block.header)
    const index = this.blocks.length
    const below = this.blocks[parent]?.log
    const leaves = below ? Array.from({ length: below.size }, (_, at) => below.leaf(at)) : []
    const log = new LogTree([...leaves, logLeaf(hash)])
    const { view, height } = block.header
    const known = { index, name, hash, block, view, height, parent, log }
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

  /** The block without entries of a view on a parent; blocks of several variants differ in their time. */
  build(parent: number, view: number, variant: number): KnownBlock {
    const key = `${parent} ${view} ${variant}`
    const held = this.#built.get(key)
    if (held) return held
    const before = this.block(parent)
    const { header } = before.block
    const letter = String.fromCharCode('a'.charCodeAt(0) + variant)
    const name = `${view}${letter}${parent === GENESIS ? '' : `/${before.name}`}`
    const made: LedgerBlock = {
      header: {
        ...header,
        height: header.height + 1,
        view,
        parent: before.hash,
        timeMs: header.timeMs + 1 + variant,
        entriesRoot: entriesRoot([], []),
        logRoot: before.log.root(),
      },
      entries: [],
    }
    const known = this.#add(made, parent, name)
    this.#built.set(key, known)
    return known
  }

  /** BLK-4, for blocks without entries. */
  isValid({ block: { header, entries }, parent }: KnownBlock): boolean {
    const before = this.block(parent)
    return (
      entries.length === 0 &&
      header.parent === before.hash &&
      header.height === before.height + 1 &&
      header.view > before.view &&
      header.timeMs > before.block.header.timeMs &&
      header.entriesRoot === entriesRoot([], []) &&
      header.stateRoot === before.block.header.stateRoot &&
      header.logRoot === before.log.root()
    )
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

  /** @param block number of the block that VOTE or FINALIZE names; -1 for SKIP */
  saying(type: Statement['type'], view: number, block: number): Saying {
    const key = `${type} ${view} ${block}`
    const held = this.#sayingIndices.get(key)
    if (held !== undefined) return this.sayings[held] as Saying
    const index = this.sayings.length
    const name = type === 'SKIP' ? `SKIP ${view}` : `${type} ${this.block(block).name}`
    const made = { index, type, view, block, name }
    this.sayings.push(made)
    this.#sayingIndices.set(key, index)
    return made
  }

  about(type: 'VOTE' | 'FINALIZE', block: number): Saying {
    return this.saying(type, this.block(block).view, block)
  }

  sayingOf(statement: Statement): Saying {
    const block = statement.type === 'SKIP' ? -1 : this.indexOf(statement.block)
    return this.saying(statement.type, statement.view, block)
  }

  statement({ type, view, block }: Saying): Statement {
    const { contract, lineage, epoch } = this.electorate
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

  /** A certificate that a member has made or been given. */
  knownCertificate({ kind, view, block, signatures }: Certificate): KnownCertificate {
    const type = kind === 'notarization' ? 'VOTE' : kind === 'finalization' ? 'FINALIZE' : 'SKIP'
    const saying = this.saying(type, view, block === undefined ? -1 : this.indexOf(block))
    const signers = signatures.map(([party]) => this.memberOf(party)).sort((first, second) => first - second)
    return this.certificate(saying.index, signers)
  }

  /** What a block rests on (ORD-3): the notarization of its parent, and a SKIPCERT for every view between. */
  restsOn(parent: number, view: number): Saying[] {
    const sayings: Saying[] = []
    const { view: parentView } = this.block(parent)
    for (let between = view - 1; between > parentView; between -= 1)
      sayings.push(this.saying('SKIP', between, -1))
    if (parent !== GENESIS) sayings.push(this.about('VOTE', parent))
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
}
