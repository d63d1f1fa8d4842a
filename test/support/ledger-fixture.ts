/**
 * A genuine ledger built in memory, without a node: parties with keys of a seed, a contract, blocks that were executed,
 * certified and cosigned. What a test wants wrong it asks for by `alter`, and everything after is signed as if it were right.
 */
import { executeBlock } from '../../src/contract/apply.ts'
import {
  type ContractState,
  type ElementChange,
  genesisState,
  rootUidOf,
  seenOf,
  stateRoot,
} from '../../src/contract/state.ts'
import { base64UrlEncode, hexEncode } from '../../src/crypto/bytes.ts'
import type { KeyPair } from '../../src/crypto/keys.ts'
import { emptyRoot, LogTree } from '../../src/crypto/log.ts'
import { type StatementSignature, signStatements } from '../../src/crypto/statement.ts'
import { blockHash, type Header, type LedgerBlock, logLeaf, NO_PARENT } from '../../src/ledger/block.ts'
import { type Certificate, certifiedStatement, type Electorate } from '../../src/ledger/certificate.ts'
import { type Checkpoint, type Cosignature, checkpointOf, cosign } from '../../src/ledger/checkpoint.ts'
import { contractId, GENESIS_ROOT, type Genesis, type Policy, quorumOf } from '../../src/ledger/genesis.ts'
import {
  type CreateOperation,
  type OpenRequest,
  type Operation,
  type Request,
  signRequest,
} from '../../src/ledger/request.ts'
import { commitmentOf, type Opening, type Value } from '../../src/ledger/value.ts'
import type { StoreWrite } from '../../src/store/store.ts'
import { type BlockLine, type BundleLine, formatLine } from '../../src/verify/bundle.ts'
import { CARD_TIME_MS, type FixtureParty, fixtureParty, seededBytes } from './ledger-parties.ts'

export const GENESIS_TIME_MS = CARD_TIME_MS
const HOUR_MS = 3_600_000

/** A ledger block with all that stands beside it. `root`: of the log with this block in it. */
export type FixtureBlock = {
  hash: string
  block: LedgerBlock
  requests: OpenRequest[]
  changes: ElementChange[]
  state: ContractState
  root: string
  notarization?: Certificate
  finalization?: Certificate
}

/**
 * alter: what the header is to be other than it should; certify: which certificates it gets; signers: who signs them, all
 * members if left out.
 */
export type OrderOptions = {
  timeMs?: number
  view?: number
  alter?: (header: Header) => Header
  certify?: readonly ('notarization' | 'finalization')[]
  signers?: readonly number[]
}

export type FixtureOptions = {
  seed?: string
  /** How many, or the very parties. */
  members?: number | readonly FixtureParty[]
  quorum?: Policy['quorum']
}

const NAMES = ['Alder Insurance', 'Birch Shipping', 'Cedar Bank', 'Douglas Customs', 'Elm Assay']

export class LedgerFixture {
  readonly random: (sizeBytes: number) => Uint8Array
  readonly members: readonly FixtureParty[]
  readonly genesis: Genesis
  readonly genesisOpenings: Opening[]
  readonly contract: string
  /** Block 0 first. */
  readonly blocks: FixtureBlock[] = []
  /** By party: the newest. */
  readonly cosignatures = new Map<string, Cosignature>()
  readonly openings = new Map<string, Opening>()
  readonly #log = new LogTree()

  constructor({ seed = 'seed', members = 3, quorum = 'majority' }: FixtureOptions = {}) {
    this.random = seededBytes(seed)
    this.members =
      typeof members === 'number'
        ? Array.from({ length: members }, (_, index) =>
            fixtureParty(NAMES[index] ?? `Party ${index}`, this.random),
          )
        : members
    const field = this.#creation(GENESIS_ROOT, 'Currency', 'EUR', 'b')
    const block = {
      op: 'create',
      uid: this.uid(),
      parent: GENESIS_ROOT,
      name: 'Claim',
      kind: 'block',
      order: 'c',
    } as const
    this.genesisOpenings = field.openings
    this.genesis = {
      version: 1,
      name: 'Claim 4711',
      creator: (this.members[0] as FixtureParty).party,
      nonce: base64UrlEncode(this.random(16)),
      timeMs: GENESIS_TIME_MS,
      members: this.members.map(({ signedCard }) => signedCard),
      policy: { quorum, clockBoundMs: 30_000, silenceMs: null, admission: { invite: 'any', admit: 'every' } },
      executionVersion: 1,
      operations: [...field.operations, block],
    }
    this.contract = contractId(this.genesis)
    const { state, changes } = genesisState(this.contract, this.genesis, this.openings)
    const header: Header = {
      contract: this.contract,
      lineage: 0,
      epoch: 0,
      height: 0,
      view: 0,
      parent: NO_PARENT,
      timeMs: GENESIS_TIME_MS,
      entriesRoot: emptyRoot,
      stateRoot: stateRoot(state),
      logRoot: emptyRoot,
    }
    this.#append({ header, entries: [] }, [], changes, state)
  }

  get tip(): FixtureBlock {
    return this.blocks.at(-1) as FixtureBlock
  }

  get height(): number {
    return this.blocks.length - 1
  }

  get parties(): string[] {
    return this.members.map(({ party }) => party)
  }

  get electorate(): Electorate {
    return {
      contract: this.contract,
      lineage: 0,
      epoch: 0,
      quorum: quorumOf(this.genesis.policy, this.members.length),
      voteKeys: new Map(this.members.map(({ party, keys }) => [party, keys.vote.publicKey])),
    }
  }

  /** The UID of the genesis's field. */
  get field(): string {
    return (this.genesis.operations[0] as { uid: string }).uid
  }

  /** The UID of the genesis's block. */
  get claim(): string {
    return (this.genesis.operations[1] as { uid: string }).uid
  }

  uid(): string {
    return hexEncode(this.random(16))
  }

  /** A new opening, and its commitment. */
  commit(value: Value): { opening: Opening; commitment: string } {
    const opening = { salt: base64UrlEncode(this.random(16)), value }
    const commitment = commitmentOf(opening)
    this.openings.set(commitment, opening)
    return { opening, commitment }
  }

  #creation(
    parent: string,
    name: string,
    value: string,
    order: string,
  ): { operations: Operation[]; openings: Opening[] } {
    const { opening, commitment } = this.commit(value)
    const operation = {
      op: 'create',
      uid: this.uid(),
      parent,
      name,
      kind: 'field',
      order,
      type: 'text',
    } as const
    return { operations: [{ ...operation, value: commitment }], openings: [opening] }
  }

  /** A request of the member of this number; `signedWith` in place of its author key. */
  request(
    author: number,
    operations: Operation[],
    openings: Opening[] = [],
    changes: Partial<Request> = {},
    signedWith?: KeyPair,
  ): OpenRequest {
    const { party, keys } = this.members[author] as FixtureParty
    const request: Request = {
      contract: this.contract,
      author: party,
      authorKey: keys.author.publicKey,
      nonce: base64UrlEncode(this.random(16)),
      notAfterMs: this.tip.block.header.timeMs + 24 * HOUR_MS,
      operations,
      ...changes,
    }
    return { ...signRequest((signedWith ?? keys.author).privateKey, request), openings }
  }

  /** Creates a text field below the root, or another block. */
  create(author: number, name: string, value: string, parent = rootUidOf(this.contract)): OpenRequest {
    const { operations, openings } = this.#creation(parent, name, value, 'd')
    return this.request(author, operations, openings)
  }

  /** Sets a text field, as seen at the tip. */
  set(author: number, uid: string, value: string): OpenRequest {
    const { opening, commitment } = this.commit(value)
    const seen = seenOf(this.tip.state, uid) ?? '0'.repeat(64)
    return this.request(author, [{ op: 'set', uid, seen, type: 'text', value: commitment }], [opening])
  }

  /** Deletes an element, as seen at the tip. */
  delete(author: number, uid: string): OpenRequest {
    const seen = seenOf(this.tip.state, uid) ?? '0'.repeat(64)
    return this.request(author, [{ op: 'delete', uid, seen }])
  }

  /** Orders requests in a new ledger block. */
  order(requests: OpenRequest[], options: OrderOptions = {}): FixtureBlock {
    const { hash: parent, block: before, state: stateBefore, root } = this.tip
    const {
      timeMs = before.header.timeMs + 1000,
      view = before.header.view + 1,
      alter = (header: Header) => header,
      certify = ['notarization', 'finalization'],
    } = options
    const executed = executeBlock(stateBefore, requests, this.openings, { height: 1, timeMs })
    const header = alter({
      contract: this.contract,
      lineage: 0,
      epoch: 0,
      height: this.height + 1,
      view,
      parent,
      timeMs,
      entriesRoot: executed.entriesRoot,
      stateRoot: executed.stateRoot,
      logRoot: root,
    })
    const block = this.#append(
      { header, entries: executed.entries },
      requests,
      executed.changes,
      executed.state,
    )
    for (const kind of certify) block[kind] = this.certificate(kind, header, options.signers)
    return block
  }

  #append(
    block: LedgerBlock,
    requests: OpenRequest[],
    changes: ElementChange[],
    state: ContractState,
  ): FixtureBlock {
    const hash = blockHash(block.header)
    this.#log.append(logLeaf(hash))
    const added = { hash, block, requests, changes, state, root: this.#log.root() }
    this.blocks.push(added)
    return added
  }

  /** A certificate on a block. Every second member signs in a batch with a statement of no concern here. */
  certificate(
    kind: Certificate['kind'],
    header: Header,
    signers: readonly number[] = [...this.members.keys()],
    changes: Partial<Certificate> = {},
  ): Certificate {
    const certificate: Certificate = { kind, view: header.view, signatures: [] }
    if (kind !== 'skip') certificate.block = blockHash(header)
    Object.assign(certificate, changes)
    const statement = certifiedStatement(this.electorate, certificate)
    certificate.signatures = signers.map((index): [string, StatementSignature] => {
      const { party, keys } = this.members[index] as FixtureParty
      const other = { ...statement, contract: '0'.repeat(64) }
      const batch = index % 2 === 0 ? [statement] : [other, statement]
      return [party, signStatements(keys.vote.privateKey, batch).at(-1) as StatementSignature]
    })
    return certificate
  }

  checkpoint(height = this.height): Checkpoint {
    const { block, root } = this.blocks[height] as FixtureBlock
    return checkpointOf(block.header, root)
  }

  /** A member's cosignature of a checkpoint, by default that of the tip. */
  cosignature(member: number, checkpoint: Checkpoint = this.checkpoint()): Cosignature {
    const { party, keys } = this.members[member] as FixtureParty
    return cosign(
      keys.cosign.privateKey,
      party,
      checkpoint,
      Math.floor(GENESIS_TIME_MS / 1000) + checkpoint.size,
    )
  }

  /** These members, by default all, cosign up to this height. */
  cosign(height = this.height, members: readonly number[] = [...this.members.keys()]): void {
    for (const member of members) {
      const cosignature = this.cosignature(member, this.checkpoint(height))
      this.cosignatures.set(cosignature.party, cosignature)
    }
  }

  /** The line of a bundle that a ledger block stands in. */
  blockLine(height: number): BlockLine {
    const { block, requests, notarization, finalization } = this.blocks[height] as FixtureBlock
    const line: BlockLine = {
      type: 'ledger-block',
      block,
      requests: requests.map(({ request, signature }) => ({ request, signature })),
      openings: requests.flatMap(({ openings }) => openings),
    }
    if (notarization !== undefined) line.notarization = notarization
    if (finalization !== undefined) line.finalization = finalization
    return line
  }

  /** The lines of its bundle; a copy, to be altered at will. */
  lines(): BundleLine[] {
    const { contract, height } = this
    const lines: BundleLine[] = [
      { type: 'bundle', version: 1, contract, exporter: this.parties[0] as string, height },
      { type: 'genesis', genesis: this.genesis, openings: this.genesisOpenings },
      ...this.parties.flatMap((party): BundleLine[] => {
        const cosignature = this.cosignatures.get(party)
        return cosignature === undefined ? [] : [{ type: 'cosignature', ...cosignature }]
      }),
      ...this.blocks.slice(1).map((_, index) => this.blockLine(index + 1)),
      { type: 'end', height },
    ]
    return structuredClone(lines)
  }

  /** What a node's store would have been told of all this. */
  writes(): StoreWrite[] {
    const { contract, genesis } = this
    const receivedMs = GENESIS_TIME_MS
    const stored = { contract, genesis, status: 'accepted', receivedMs, from: genesis.creator } as const
    const writes: StoreWrite[] = [
      { kind: 'contract', contract: stored },
      { kind: 'openings', contract, openings: this.genesisOpenings },
    ]
    for (const { hash, block, requests, changes, notarization, finalization } of this.blocks) {
      for (const { openings, ...request } of requests) {
        writes.push({ kind: 'request', contract, request, receivedMs, local: false })
        writes.push({ kind: 'openings', contract, openings })
      }
      const write: StoreWrite = { kind: 'committed', contract, hash, block, changes: changes as never }
      if (notarization !== undefined) write.notarization = notarization
      if (finalization !== undefined) write.commit = finalization
      writes.push(write)
    }
    for (const cosignature of this.cosignatures.values())
      writes.push({ kind: 'cosignature', contract, cosignature })
    return writes
  }
}

/** A bundle as the text of its file. */
export function bundleText(lines: readonly BundleLine[]): string {
  return lines.map(formatLine).join('')
}

/**
 * A ledger of this many blocks past block 0, cosigned by all up to its end: fields made, set and removed by every member in
 * turn, some requests conflicted, some rejected, blocks without requests in between.
 */
export function storyLedger(blocks: number, options: FixtureOptions = {}): LedgerFixture {
  const ledger = new LedgerFixture(options)
  const count = ledger.members.length
  for (let height = 1; height <= blocks; height += 1) {
    const author = height % count
    const other = (height + 1) % count
    const made = ledger.create(author, `Item ${height}`, `first ${height}`, ledger.claim)
    const first = ledger.set(author, ledger.field, `EUR ${height}`)
    const second = ledger.set(other, ledger.field, `USD ${height}`)
    const rejected = ledger.set(other, ledger.claim, 'a block has no value')
    const kinds = [
      [made, first],
      // The second has not seen the first: conflicted.
      [first, second, made],
      [rejected],
      [],
      [ledger.delete(author, lastItem(ledger))],
    ]
    // A member's certificate is enough for the blocks before it: not every block has its own.
    const certify = height % 7 === 6 ? (['notarization'] as const) : undefined
    ledger.order(kinds[(height - 1) % kinds.length] as OpenRequest[], certify && { certify })
  }
  ledger.cosign()
  return ledger
}

function lastItem(ledger: LedgerFixture): string {
  const made = ledger.blocks
    .flatMap(({ requests }) => requests)
    .flatMap(({ request }) => request.operations)
    .filter((one): one is CreateOperation => one.op === 'create')
  return made.at(-1)?.uid ?? ledger.field
}
