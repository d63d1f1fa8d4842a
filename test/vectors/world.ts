/**
 * Parties of fixed seeds, and ledgers that they sign, for the vectors. Nothing here comes from the test fixtures, so that they
 * can change. What a vector wants wrong is put in before everything after it is signed, unless the fault is the signature.
 */
import { type ExecutedBlock, executeBlock } from '../../src/contract/apply.ts'
import { type ContractState, genesisState, stateRoot } from '../../src/contract/state.ts'
import { base64UrlEncode, hexEncode, utf8 } from '../../src/crypto/bytes.ts'
import { jcs } from '../../src/crypto/jcs.ts'
import { generateKeyPair, generateSealingKeyPair, type KeyPair } from '../../src/crypto/keys.ts'
import { emptyRoot, LogTree } from '../../src/crypto/log.ts'
import { sha256 } from '../../src/crypto/provider.ts'
import { type StatementSignature, signStatements } from '../../src/crypto/statement.ts'
import {
  type Card,
  type CardKeys,
  cardHash,
  type ProvenCard,
  partyOf,
  type SignedCard,
  signCard,
} from '../../src/identity/card.ts'
import {
  blockHash,
  type Effect,
  type Entry,
  type Header,
  type LedgerBlock,
  logLeaf,
  NO_PARENT,
} from '../../src/ledger/block.ts'
import { type Certificate, certifiedStatement, type Electorate } from '../../src/ledger/certificate.ts'
import {
  type Checkpoint,
  type Cosignature,
  checkpointOf,
  cosign,
  type LedgerPoint,
} from '../../src/ledger/checkpoint.ts'
import { contractId, GENESIS_ROOT, type Genesis, type Policy, quorumOf } from '../../src/ledger/genesis.ts'
import {
  commitmentsOf,
  type FieldType,
  type OpenRequest,
  type Operation,
  type Request,
  requestId,
  signRequest,
} from '../../src/ledger/request.ts'
import type { BlockPlace } from '../../src/ledger/turn.ts'
import { commitmentOf, type Opening, type Value } from '../../src/ledger/value.ts'
import type { BlockLine, BundleLine } from '../../src/verify/bundle.ts'

export const TIME_MS = 1_750_000_000_000
export const DAY_MS = 86_400_000
export const USES = ['root', 'author', 'vote', 'cosign', 'sealing', 'tls'] as const
type Keys = Record<keyof CardKeys, KeyPair>

/** The first bytes of the SHA-256 of a label: all that is random in the vectors. */
export const seeded = (label: string, sizeBytes = 32): Uint8Array => sha256(utf8(label)).slice(0, sizeBytes)
export const uidOf = (label: string): string => hexEncode(seeded(`uid ${label}`, 16))
export const hashNamed = (label: string): string => hexEncode(seeded(`hash ${label}`))

/** A party: its newest card with those before it, and the private keys of that card. */
export type Holder = { seed: string; party: string; card: ProvenCard; keys: Keys }

export const keysOf = (seed: string): Keys =>
  Object.fromEntries(
    USES.map((use) => [
      use,
      (use === 'sealing' ? generateSealingKeyPair : generateKeyPair)(seeded(`${seed} ${use}`)),
    ]),
  ) as Keys

export const publicKeysOf = (keys: Keys): CardKeys =>
  Object.fromEntries(USES.map((use) => [use, keys[use].publicKey])) as CardKeys

export function holder(seed: string, name: string): Holder {
  const keys = keysOf(seed)
  const card = signCard(keys.root.privateKey, {
    version: 1,
    sequence: 1,
    name,
    endpoints: [`${seed}.example:7400`],
    keys: publicKeysOf(keys),
    timeMs: TIME_MS,
  })
  return { seed, party: partyOf(card.card), card, keys }
}

export const alder = holder('alder', 'Alder Insurance')
export const birch = holder('birch', 'Birch Shipping')
export const cedar = holder('cedar', 'Cedar Bank')
export const douglas = holder('douglas', 'Douglas Customs')

/** The holder with all its keys replaced by those of another seed. */
export function rekeyed({ party, card: before, keys: old }: Holder, seed: string): Holder {
  const { earlier = [], ...last } = before
  const keys = keysOf(seed)
  const next: Card = {
    ...last.card,
    party,
    sequence: last.card.sequence + 1,
    keys: publicKeysOf(keys),
    previous: cardHash(last.card),
    timeMs: last.card.timeMs + DAY_MS,
  }
  const signed: SignedCard = signCard(old.root.privateKey, next)
  return { seed, party, card: { ...signed, earlier: [...earlier, last] }, keys }
}

/** A ledger block with what stands beside it. root: of the log with it; state: after it. */
export type Step = {
  hash: string
  block: LedgerBlock
  effects: Effect[][]
  requests: OpenRequest[]
  state: ContractState
  root: string
  notarization?: Certificate
  finalization?: Certificate
}

export type LedgerOptions = {
  members?: readonly Holder[]
  quorum?: Policy['quorum']
  /** Changes of the genesis before anything is made of it. */
  genesis?: Partial<Genesis>
}

/** header, entries: what the block is to hold in place of what it should; signers: of its certificates, all if left out. */
export type OrderOptions = {
  timeMs?: number
  view?: number
  header?: (right: Header) => Header
  entries?: (right: Entry[]) => Entry[]
  signers?: readonly Holder[]
  certify?: readonly ('notarization' | 'finalization')[]
}

/** What a ledger block is executed on, and what that comes to. */
export type Execution = { state: ContractState; at: BlockPlace }
export type Executed = Pick<ExecutedBlock, 'effects' | 'state' | 'entriesRoot' | 'stateRoot'> & {
  entries: Entry[]
}

/** One contract, its ledger from block 0 on, and all that its members sign for it. */
export class Ledger {
  readonly label: string
  readonly members: readonly Holder[]
  readonly genesis: Genesis
  readonly genesisOpenings: Opening[]
  readonly contract: string
  readonly steps: Step[] = []
  readonly openings = new Map<string, Opening>()
  readonly cosignatures = new Map<string, Cosignature>()
  /** Of the ledger block that comes next. */
  lineage = 0
  readonly #log = new LogTree()
  #drawn = 0

  /** label: seeds its nonces and salts; two ledgers of one label and one genesis are the same contract. */
  constructor(label: string, options: LedgerOptions = {}) {
    this.label = label
    this.members = options.members ?? [alder, birch, cedar]
    const operations: Operation[] = [
      {
        op: 'create',
        uid: uidOf('claim'),
        parent: GENESIS_ROOT,
        name: 'Claim',
        kind: 'block',
        order: 'a',
      },
      this.field('currency', 'Currency', 'text', 'EUR', uidOf('claim')),
      { op: 'create', uid: uidOf('goods'), parent: GENESIS_ROOT, name: 'Goods', kind: 'list', order: 'b' },
    ]
    this.genesis = {
      version: 1,
      name: 'Claim 4711',
      creator: (this.members[0] as Holder).party,
      nonce: this.#random(),
      timeMs: TIME_MS + DAY_MS,
      members: this.members.map(({ card }) => card),
      policy: {
        quorum: options.quorum ?? 'majority',
        clockBoundMs: 30_000,
        silenceMs: null,
        admission: { invite: 'any', admit: 'every' },
      },
      executionVersion: 1,
      operations,
      ...options.genesis,
    }
    this.genesisOpenings = this.openingsFor(this.genesis.operations)
    this.contract = contractId(this.genesis)
    const { state } = genesisState(this.contract, this.genesis, this.openings)
    const header: Header = {
      contract: this.contract,
      lineage: 0,
      epoch: 0,
      height: 0,
      view: 0,
      parent: NO_PARENT,
      timeMs: this.genesis.timeMs,
      entriesRoot: emptyRoot,
      stateRoot: stateRoot(state),
      logRoot: emptyRoot,
    }
    this.#append({ header, entries: [] }, [], [], state)
  }

  get tip(): Step {
    return this.steps.at(-1) as Step
  }

  get height(): number {
    return this.steps.length - 1
  }

  get electorate(): Electorate {
    const { contract, members, genesis } = this
    const quorum = quorumOf(genesis.policy, members.length)
    const voteKeys = new Map(members.map(({ party, keys }) => [party, keys.vote.publicKey]))
    return { contract, lineage: 0, epoch: 0, quorum, voteKeys }
  }

  /** Of the ledger block that comes next. */
  get epoch(): number {
    return this.tip.state.epoch.epoch
  }

  /** Where the next ledger block stands, as execution sees it. */
  place(timeMs = this.tip.block.header.timeMs + 1000): BlockPlace {
    const holds = (point: LedgerPoint): boolean =>
      point.size >= 1 && point.size <= this.steps.length && jcs(point) === jcs(this.point(point.size - 1))
    return { lineage: this.lineage, height: this.height + 1, timeMs, holds }
  }

  /** What members name of the ledger up to a height. */
  point(height = this.height): LedgerPoint {
    const { contract: _, lineage: __, ...point } = this.checkpoint(height)
    return point
  }

  /** 16 bytes, base64url: another 16 each time. */
  #random(): string {
    this.#drawn += 1
    return base64UrlEncode(seeded(`${this.label} ${this.#drawn}`, 16))
  }

  /** The commitment to a value under a new salt. */
  commit(value: Value): string {
    const opening = { salt: this.#random(), value }
    const commitment = commitmentOf(opening)
    this.openings.set(commitment, opening)
    return commitment
  }

  /** A field's creation, by default below the claim. */
  field(label: string, name: string, type: FieldType, value: Value, parent = uidOf('claim')): Operation {
    const commitment = this.commit(value)
    return {
      op: 'create',
      uid: uidOf(label),
      parent,
      name,
      kind: 'field',
      order: 'm',
      type,
      value: commitment,
    }
  }

  /** The commitment that an element of the tip has, or that of a label if it has none. */
  seen(uid: string): string {
    const record = this.tip.state.map.get(uid)
    return record !== undefined && 'value' in record ? (record.value as string) : hashNamed('nothing')
  }

  set(uid: string, value: Value, type: FieldType = 'text', seen = this.seen(uid)): Operation {
    return { op: 'set', uid, seen, type, value: this.commit(value) }
  }

  openingsFor(operations: readonly Operation[]): Opening[] {
    return commitmentsOf(operations).flatMap((commitment) => this.openings.get(commitment) ?? [])
  }

  /** A request with its openings, its body changed before it is signed; signedWith in place of the author's key. */
  request(
    author: Holder,
    operations: Operation[],
    changes: Partial<Request> = {},
    signedWith: KeyPair = author.keys.author,
  ): OpenRequest {
    const request: Request = {
      contract: this.contract,
      author: author.party,
      authorKey: author.keys.author.publicKey,
      nonce: this.#random(),
      notAfterMs: this.genesis.timeMs + 7 * DAY_MS,
      operations,
      ...changes,
    }
    const { signature } = signRequest(signedWith.privateKey, request)
    return { request, signature, id: requestId(request), openings: this.openingsFor(operations) }
  }

  /** Orders requests in a ledger block that all members have certified. */
  order(requests: OpenRequest[], options: OrderOptions = {}): Step {
    const execute = ({ state, at }: Execution) => executeBlock(state, requests, this.openings, at)
    return this.extend(requests, execute, options)
  }

  /** A ledger block of what execution comes to. */
  extend(requests: OpenRequest[], execute: (on: Execution) => Executed, options: OrderOptions = {}): Step {
    const { hash: parent, block: before, state, root: logRoot } = this.tip
    const {
      timeMs = before.header.timeMs + 1000,
      view = before.header.view + 1,
      header: alter = (right) => right,
      entries: claim = (right) => right,
      certify = ['notarization', 'finalization'],
    } = options
    const executed = execute({ state, at: this.place(timeMs) })
    const header = alter({
      contract: this.contract,
      lineage: this.lineage,
      epoch: this.epoch,
      height: this.height + 1,
      view,
      parent,
      timeMs,
      entriesRoot: executed.entriesRoot,
      stateRoot: executed.stateRoot,
      logRoot,
    })
    const block = { header, entries: claim(executed.entries) }
    const signers = options.signers ?? this.voters
    const step = this.#append(block, executed.effects, requests, executed.state)
    for (const kind of certify) step[kind] = this.certificate(kind, step, signers)
    return step
  }

  /** Who certifies the ledger block that comes next. */
  get voters(): readonly Holder[] {
    return this.members
  }

  #append(block: LedgerBlock, effects: Effect[][], requests: OpenRequest[], state: ContractState): Step {
    const hash = blockHash(block.header)
    this.#log.append(logLeaf(hash))
    const step = { hash, block, effects, requests, state, root: this.#log.root() }
    this.steps.push(step)
    return step
  }

  /** A certificate on a block. Every second member signs in a batch with a statement of no concern here. */
  certificate(
    kind: Certificate['kind'],
    step: Step,
    signers = this.members,
    view = step.block.header.view,
  ): Certificate {
    const { lineage, epoch } = step.block.header
    const certificate: Certificate =
      kind === 'skip' ? { kind, view, signatures: [] } : { kind, view, block: step.hash, signatures: [] }
    const statement = certifiedStatement({ ...this.electorate, lineage, epoch }, certificate)
    certificate.signatures = signers.map(({ party, keys }, index) => {
      const others = index % 2 === 0 ? [] : [{ ...statement, contract: hashNamed('another contract') }]
      const signed = signStatements(keys.vote.privateKey, [...others, statement])
      return [party, signed.at(-1) as StatementSignature]
    })
    return certificate
  }

  checkpoint(height = this.height): Checkpoint {
    const { block, root } = this.steps[height] as Step
    return checkpointOf(block.header, root)
  }

  /** A cosignature of a checkpoint, by default that of the tip, at a time that its size gives. */
  cosignature(by: Holder, checkpoint: Checkpoint = this.checkpoint()): Cosignature {
    const timeS = Math.floor(this.genesis.timeMs / 1000) + checkpoint.size
    return cosign(by.keys.cosign.privateKey, by.party, checkpoint, timeS)
  }

  /** These members, by default all, cosign up to this height. */
  cosign(height = this.height, by: readonly Holder[] = this.members): void {
    for (const member of by)
      this.cosignatures.set(member.party, this.cosignature(member, this.checkpoint(height)))
  }

  blockLine(height: number): BlockLine {
    const { block, requests, notarization, finalization } = this.steps[height] as Step
    const operations = requests.flatMap(({ request }) => request.operations)
    // Behind those that everybody gets: private ones, and what is revealed.
    const brought = requests.flatMap(({ openings }) => openings)
    return {
      type: 'ledger-block',
      block,
      requests: requests.map(({ request, signature }) => ({ request, signature })),
      openings: [...new Set([...this.openingsFor(operations), ...brought])],
      ...(notarization !== undefined && { notarization }),
      ...(finalization !== undefined && { finalization }),
    }
  }

  /** The lines of its bundle, to be altered at will. */
  lines(): BundleLine[] {
    const { contract, height, genesis, genesisOpenings: openings } = this
    const lines: BundleLine[] = [
      { type: 'bundle', version: 1, contract, exporter: (this.members[0] as Holder).party, height },
      { type: 'genesis', genesis, openings },
      ...[...this.cosignatures.values()].map((one): BundleLine => ({ type: 'cosignature', ...one })),
      ...this.steps.slice(1).map((_, index) => this.blockLine(index + 1)),
      { type: 'end', height },
    ]
    return structuredClone(lines)
  }
}
