/**
 * A genuine ledger whose members come and go: built in memory, executed, certified and cosigned by keys of a seed. What a test
 * wants wrong it asks for by `alter`; everything after is signed as if it were right.
 */
import { type ExecutedBlock, executeBlock } from '../../src/contract/apply.ts'
import { electorateAt } from '../../src/contract/epoch.ts'
import { type ContractState, genesisState, rootUidOf, stateRoot } from '../../src/contract/state.ts'
import { executeTick } from '../../src/contract/tick.ts'
import { executeTurn, type Turn, turnsAt } from '../../src/contract/turn.ts'
import { base64UrlEncode, hexEncode } from '../../src/crypto/bytes.ts'
import type { PrivateKey } from '../../src/crypto/keys.ts'
import { emptyRoot } from '../../src/crypto/log.ts'
import { signStatements } from '../../src/crypto/statement.ts'
import { type Card, type ProvenCard, signCard } from '../../src/identity/card.ts'
import { blockHash, entriesRoot, type Header, NO_PARENT } from '../../src/ledger/block.ts'
import { type Certificate, certifiedStatement, type Electorate } from '../../src/ledger/certificate.ts'
import { type Checkpoint, type Cosignature, cosign, type LedgerPoint } from '../../src/ledger/checkpoint.ts'
import type { EpochOperation } from '../../src/ledger/epoch-operation.ts'
import { contractId, type Genesis, type Policy } from '../../src/ledger/genesis.ts'
import { LedgerHistory } from '../../src/ledger/history.ts'
import {
  type AnyOperation,
  type AnyRequest,
  type OpenRequest,
  type Operation,
  signRequest,
} from '../../src/ledger/request.ts'
import { type AnyLedgerBlock, type BlockPlace, type TurnEntry, turnOf } from '../../src/ledger/turn.ts'
import { commitmentOf, type Opening } from '../../src/ledger/value.ts'
import { CARD_TIME_MS, type FixtureParty, fixtureParty, rekeyed, seededBytes } from './ledger-parties.ts'

export const START_MS = CARD_TIME_MS
export const DAY_MS = 24 * 3_600_000
const NAMES = ['Alder Insurance', 'Birch Shipping', 'Cedar Bank', 'Douglas Customs', 'Elm Assay']

/** A ledger block with all that stands beside it. checkpoint: of the ledger with this block as its last. */
export type EpochBlock = {
  block: AnyLedgerBlock
  requests: OpenRequest<AnyRequest>[]
  /** Before it: what it was ordered by. */
  electorate: Electorate
  checkpoint: Checkpoint
  state: ContractState
  outcomes: string[]
  notarization?: Certificate
  finalization?: Certificate
}

/** certify: which certificates the block gets, in which view: by default both, in its own. */
export type BlockOptions = {
  timeMs?: number
  view?: number
  alter?: (header: Header) => Partial<Header>
  certify?: readonly ('notarization' | 'finalization')[]
  certifiedView?: number
}

export class EpochLedger {
  readonly random: (sizeBytes: number) => Uint8Array
  readonly founders: FixtureParty[]
  readonly genesis: Genesis
  readonly contract: string
  readonly history = new LedgerHistory()
  readonly blocks: EpochBlock[] = []
  /** By party, with its newest keys. */
  readonly known = new Map<string, FixtureParty>()
  /** All vote keys there ever were, by their public halves. */
  readonly #voteKeys = new Map<string, PrivateKey>()
  /** By party: the newest. */
  readonly cosignatures = new Map<string, Cosignature>()

  constructor({
    members = 3,
    policy = {},
    seed = 'epochs',
  }: { members?: number; policy?: Partial<Policy>; seed?: string } = {}) {
    this.random = seededBytes(seed)
    this.founders = Array.from({ length: members }, (_, index) => this.party(NAMES[index] ?? `P${index}`))
    this.genesis = {
      version: 1,
      name: 'Claim 4711',
      creator: (this.founders[0] as FixtureParty).party,
      nonce: base64UrlEncode(this.random(16)),
      timeMs: START_MS,
      members: this.founders.map(({ signedCard }) => signedCard),
      policy: { ...POLICY, ...policy },
      executionVersion: 1,
      operations: [],
    }
    this.contract = contractId(this.genesis)
    const { state } = genesisState(this.contract, this.genesis, new Map())
    const header: Header = {
      contract: this.contract,
      lineage: 0,
      epoch: 0,
      height: 0,
      view: 0,
      parent: NO_PARENT,
      timeMs: START_MS,
      entriesRoot: emptyRoot,
      stateRoot: stateRoot(state),
      logRoot: emptyRoot,
    }
    this.#append({ header, entries: [] }, [], electorateAt(state), state, [])
  }

  get tip(): EpochBlock {
    return this.blocks.at(-1) as EpochBlock
  }

  at(height: number): EpochBlock {
    return this.blocks[height] as EpochBlock
  }

  get state(): ContractState {
    return this.tip.state
  }

  get height(): number {
    return this.blocks.length - 1
  }

  get timeMs(): number {
    return this.tip.block.header.timeMs
  }

  /** The founder of this number, with its newest keys. */
  founder(index: number): FixtureParty {
    return this.known.get((this.founders[index] as FixtureParty).party) as FixtureParty
  }

  /** From now on the party signs with these keys; for a block of a former epoch with the vote key it had there. */
  know(party: FixtureParty): void {
    this.known.set(party.party, party)
    this.#voteKeys.set(party.keys.vote.publicKey, party.keys.vote.privateKey)
  }

  #voteKeyOf(party: string, { voteKeys }: Electorate): PrivateKey {
    const own = (this.known.get(party) as FixtureParty).keys.vote
    return this.#voteKeys.get(voteKeys.get(party) ?? own.publicKey) ?? own.privateKey
  }

  /** A party that nobody has invited yet. */
  party(name: string): FixtureParty {
    const party = fixtureParty(name, this.random)
    this.know(party)
    return party
  }

  /** The party with its next card; from now on it signs with that. */
  rekey(party: FixtureParty): FixtureParty {
    const next = rekeyed(party, this.random)
    this.know(next)
    return next
  }

  /** A card of a party's, signed by its root key, with those before it. */
  signedBy({ keys }: FixtureParty, card: Card, earlier: ProvenCard[]): ProvenCard {
    return {
      ...signCard(keys.root.privateKey, card),
      earlier: earlier.map(({ card, signature }) => ({ card, signature })),
    }
  }

  /** A request signed by its author. */
  request(
    { party, keys }: FixtureParty,
    operations: AnyOperation[],
    openings: Opening[] = [],
  ): OpenRequest<AnyRequest> {
    const request: AnyRequest = {
      contract: this.contract,
      author: party,
      authorKey: keys.author.publicKey,
      nonce: base64UrlEncode(this.random(16)),
      notAfterMs: this.timeMs + 20 * DAY_MS,
      operations,
    }
    return { ...signRequest(keys.author.privateKey, request), openings }
  }

  /** A text field made below the root. */
  create(author: FixtureParty, name: string): OpenRequest<AnyRequest> {
    const opening = { salt: base64UrlEncode(this.random(16)), value: name }
    const operation: Operation = {
      op: 'create',
      uid: hexEncode(this.random(16)),
      parent: rootUidOf(this.contract),
      name,
      kind: 'field',
      order: 'a',
      type: 'text',
      value: commitmentOf(opening),
    }
    return this.request(author, [operation], [opening])
  }

  /** Orders these operations in one block, each in a request of its own; gives the requests' ids. */
  do(...steps: [author: FixtureParty, operation: EpochOperation][]): string[] {
    const requests = steps.map(([author, operation]) => this.request(author, [operation]))
    this.order(requests)
    return requests.map(({ id }) => id)
  }

  /** The place of the next block. */
  place(timeMs = this.timeMs + 1000): BlockPlace {
    const { history, height } = this
    return { lineage: 0, height: height + 1, timeMs, holds: (point) => history.holds(point) }
  }

  execute(requests: readonly OpenRequest<AnyRequest>[], timeMs?: number): ExecutedBlock {
    const openings = new Map(requests.flatMap((one) => one.openings).map((one) => [commitmentOf(one), one]))
    return executeBlock(this.state, requests, openings, this.place(timeMs))
  }

  order(requests: OpenRequest<AnyRequest>[] = [], options: BlockOptions = {}): EpochBlock {
    const executed = this.execute(requests, options.timeMs)
    const header = this.#header(executed, options)
    const outcomes = executed.entries.map(({ outcome, code }) => code ?? outcome)
    const block = { header, entries: executed.entries }
    return this.#certified(this.#append(block, requests, this.#electorate, executed.state, outcomes), options)
  }

  /** The turns that may come next. */
  turns(timeMs = this.timeMs + 1000): Turn[] {
    return turnsAt(this.state, timeMs)
  }

  /** The entry of a turn with its certificate, in which everybody who has to has cosigned the tip. */
  turnEntry(change?: string, timeMs?: number): TurnEntry {
    const turn = this.turns(timeMs).find(({ entry }) => entry.change === change)
    if (turn === undefined) throw new Error('no such turn may come')
    return { ...turn.entry, certificate: turn.signers.map(({ party }) => this.cosignature(party)) }
  }

  /** The block that ends the epoch; `entry` as it stands, whatever the state says. */
  turn(entry: TurnEntry = this.turnEntry(), options: BlockOptions = {}): EpochBlock {
    const executed = executeTurn(this.state, entry, this.place(options.timeMs))
    const header = this.#header(executed, options)
    const block = { header, entries: executed.entries }
    return this.#certified(this.#append(block, [], this.#electorate, executed.state, []), options)
  }

  /** A block of a TICK; `roots` in place of what it does. */
  tick(options: BlockOptions = {}, roots?: { entriesRoot: string; stateRoot: string }): EpochBlock {
    const timeMs = options.timeMs ?? this.timeMs + 1000
    const executed = roots
      ? { ...roots, state: this.state }
      : executeTick(this.state, { height: 1, timeMs }, new Map())
    const block: AnyLedgerBlock = { header: this.#header(executed, options), entries: [{ kind: 'tick' }] }
    return this.#certified(this.#append(block, [], this.#electorate, executed.state, []), options)
  }

  /** A block with a turn that no member would let in; the state is left as it was. */
  falseTurn(entry: TurnEntry, options: BlockOptions = {}): EpochBlock {
    const roots = { entriesRoot: entriesRoot([entry], [[]]), stateRoot: stateRoot(this.state) }
    const block: AnyLedgerBlock = { header: this.#header(roots, options), entries: [entry] }
    return this.#certified(this.#append(block, [], this.#electorate, this.state, []), options)
  }

  get #electorate(): Electorate {
    return electorateAt(this.state)
  }

  #header(roots: { entriesRoot: string; stateRoot: string }, options: BlockOptions): Header {
    const { header } = this.tip.block
    const { timeMs = header.timeMs + 1000, view = this.#lastView + 1, alter = () => ({}) } = options
    const own: Header = {
      contract: this.contract,
      lineage: 0,
      epoch: this.state.epoch.epoch,
      height: this.height + 1,
      view,
      parent: blockHash(header),
      timeMs,
      entriesRoot: roots.entriesRoot,
      stateRoot: roots.stateRoot,
      logRoot: this.history.root,
    }
    return { ...own, ...alter(own) }
  }

  get #lastView(): number {
    const { block, finalization } = this.tip
    return Math.max(block.header.view, finalization?.view ?? 0)
  }

  #append(
    block: AnyLedgerBlock,
    requests: OpenRequest<AnyRequest>[],
    electorate: Electorate,
    state: ContractState,
    outcomes: string[],
  ): EpochBlock {
    const checkpoint = this.history.append(block.header)
    const added = { block, requests, electorate, checkpoint, state, outcomes }
    this.blocks.push(added)
    return added
  }

  #certified(added: EpochBlock, { certify, certifiedView }: BlockOptions): EpochBlock {
    const { header } = added.block
    for (const kind of certify ?? (['notarization', 'finalization'] as const))
      added[kind] = this.certificate(kind, added, certifiedView ?? header.view)
    return added
  }

  /** By all members of the block's epoch, or by others. */
  certificate(
    kind: 'notarization' | 'finalization',
    { block, electorate }: EpochBlock,
    view = block.header.view,
    parties: Iterable<string> = electorate.voteKeys.keys(),
  ): Certificate {
    const certificate: Certificate = { kind, view, block: blockHash(block.header), signatures: [] }
    const statement = certifiedStatement(electorate, certificate)
    for (const party of parties) {
      const [signature] = signStatements(this.#voteKeyOf(party, electorate), [statement])
      if (signature !== undefined) certificate.signatures.push([party, signature])
    }
    return certificate
  }

  point(height = this.height): LedgerPoint {
    const { contract: _, lineage: __, ...point } = this.at(height).checkpoint
    return point
  }

  /** A party's cosignature by its newest key, by default of the tip. */
  cosignature(party: string, height = this.height): Cosignature {
    const { keys } = this.known.get(party) as FixtureParty
    const { checkpoint } = this.at(height)
    return cosign(keys.cosign.privateKey, party, checkpoint, Math.floor(START_MS / 1000) + checkpoint.size)
  }

  /** These parties, by default the members at the tip, cosign up to a height. */
  cosign(parties: readonly string[] = this.state.epoch.members, height = this.height): void {
    for (const party of parties) this.cosignatures.set(party, this.cosignature(party, height))
  }

  /** The lines of its bundle; a copy, to be altered at will. */
  // biome-ignore lint/suspicious/noExplicitAny: tests alter any part of them
  lines(): any[] {
    const { contract, genesis, height } = this
    const blocks = this.blocks.slice(1).map(({ block, requests, notarization, finalization }) => ({
      type: 'ledger-block',
      block,
      requests: requests.map(({ request, signature }) => ({ request, signature })),
      openings: requests.flatMap(({ openings }) => openings),
      ...(notarization && { notarization }),
      ...(finalization && { finalization }),
    }))
    return structuredClone([
      { type: 'bundle', version: 1, contract, exporter: genesis.creator, height },
      { type: 'genesis', genesis, openings: [] },
      ...[...this.cosignatures.values()].map((one) => ({ type: 'cosignature', ...one })),
      ...blocks,
      { type: 'end', height },
    ])
  }

  // ── whole stories ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Invites a party, which everybody admits and which accepts; gives the change's id. */
  decideInvitation(party: FixtureParty, role: 'member' | 'observer' = 'member', older = false): string {
    const members = this.state.epoch.members.map((member) => this.known.get(member) as FixtureParty)
    const [first, ...others] = members as [FixtureParty, ...FixtureParty[]]
    const expiresMs = this.timeMs + 10 * DAY_MS
    const card = party.signedCard
    const [change = ''] = this.do([first, { op: 'invite', card, role, older, expiresMs }])
    this.do(
      ...others.map((one): [FixtureParty, EpochOperation] => [one, { op: 'vote', change, yes: true }]),
      [party, { op: 'accept', change, genesis: this.contract, checkpoint: this.point() }],
    )
    return change
  }

  /** Lets a party come in, its turn included. */
  admit(party: FixtureParty, role: 'member' | 'observer' = 'member'): void {
    const change = this.decideInvitation(party, role)
    this.turn(this.turnEntry(change))
  }

  /** Heights of the blocks that end epochs. */
  get turnHeights(): number[] {
    return this.blocks.flatMap(({ block }, height) => (turnOf(block) === undefined ? [] : [height]))
  }
}

const POLICY: Policy = {
  quorum: 'majority',
  clockBoundMs: 30_000,
  silenceMs: null,
  admission: { invite: 'any', admit: 'every' },
}
