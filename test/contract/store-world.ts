/** A contract's life as a store sees it: real ids and hashes, made-up signatures. The same for the same seed. */
import { createHash } from 'node:crypto'
import { blockHash, type LedgerBlock, NO_PARENT, type Outcome } from '../../src/ledger/block.ts'
import type { Certificate, CertificateKind } from '../../src/ledger/certificate.ts'
import type { Cosignature } from '../../src/ledger/checkpoint.ts'
import { contractId, type Genesis } from '../../src/ledger/genesis.ts'
import { type Operation, type Request, requestId, type SignedRequest } from '../../src/ledger/request.ts'
import { commitmentOf, type Opening, type Value } from '../../src/ledger/value.ts'
import type { ElementChange, StateRecord, StoredContract, StoreWrite } from '../../src/store/store.ts'
import { type FixtureParty, fixtureParty, seededBytes } from '../support/ledger-parties.ts'

/** Block times are this and a second more for each height. */
export const START_MS = 1_750_000_000_000

export type WorldRequest = SignedRequest & { id: string; openings: Opening[] }
export type WorldBlock = { hash: string; block: LedgerBlock }
type CommittedWrite = Extract<StoreWrite, { kind: 'committed' }>

export class World {
  readonly contract: string
  readonly genesis: Genesis
  readonly parties: FixtureParty[]
  readonly rootUid: string
  readonly #random: (sizeBytes: number) => Uint8Array
  tip: WorldBlock | undefined

  constructor(seed: string) {
    this.#random = seededBytes(seed)
    this.parties = ['Alpha', 'Beta', 'Gamma'].map((name) => fixtureParty(name, this.#random))
    this.genesis = {
      version: 1,
      name: `Contract ${seed} “ünïcode”`,
      creator: this.party(0),
      nonce: this.base64(16),
      timeMs: START_MS,
      members: this.parties.map(({ signedCard }) => signedCard),
      policy: {
        quorum: 'majority',
        clockBoundMs: 30_000,
        silenceMs: null,
        admission: { invite: 'any', admit: 'every' },
      },
      executionVersion: 1,
      operations: [],
    }
    this.contract = contractId(this.genesis)
    this.rootUid = this.hex(16)
  }

  party(index: number): string {
    return (this.parties[index] as FixtureParty).party
  }

  hex(sizeBytes: number): string {
    return Buffer.from(this.#random(sizeBytes)).toString('hex')
  }

  base64(sizeBytes: number): string {
    return Buffer.from(this.#random(sizeBytes)).toString('base64url')
  }

  /** 64 bytes in the place of a signature. */
  signature(): string {
    return createHash('sha512').update(this.#random(32)).digest('base64url')
  }

  stored(status: StoredContract['status'] = 'accepted'): StoredContract {
    return {
      contract: this.contract,
      genesis: this.genesis,
      status,
      receivedMs: START_MS + 5,
      from: this.party(0),
    }
  }

  opening(value: Value): Opening {
    return { salt: this.base64(16), value }
  }

  request(
    operations: Operation[],
    openings: Opening[] = [],
    notAfterMs = START_MS + 86_400_000,
  ): WorldRequest {
    const request: Request = {
      contract: this.contract,
      author: this.party(0),
      authorKey: this.base64(32),
      nonce: this.base64(16),
      notAfterMs,
      operations,
    }
    return { request, signature: this.signature(), id: requestId(request), openings }
  }

  /** A request that sets a field to a value. */
  set(uid: string, value: Value = 'text', notAfterMs?: number): WorldRequest {
    const opening = this.opening(value)
    const operation: Operation = {
      op: 'set',
      uid,
      seen: this.hex(32),
      type: 'text',
      value: commitmentOf(opening),
    }
    return this.request([operation], [opening], notAfterMs)
  }

  /** A request that removes an element. */
  remove(uid: string): WorldRequest {
    return this.request([{ op: 'delete', uid, seen: this.hex(32) }])
  }

  field(value: string = this.hex(32), parent: string = this.rootUid): StateRecord {
    return { kind: 'field', name: 'Country', order: 'a5', parent, type: 'text', value }
  }

  /** A ledger block on the tip. */
  block(
    view: number,
    requests: readonly { id: string; outcome?: Outcome; code?: string }[] = [],
    parent = this.tip,
  ): WorldBlock {
    const height = parent === undefined ? 0 : parent.block.header.height + 1
    const block: LedgerBlock = {
      header: {
        contract: this.contract,
        lineage: 0,
        epoch: 0,
        height,
        view,
        parent: parent?.hash ?? NO_PARENT,
        timeMs: START_MS + height * 1000,
        entriesRoot: this.hex(32),
        stateRoot: this.hex(32),
        logRoot: this.hex(32),
      },
      entries: requests.map(({ id, outcome = 'accepted', code }) => ({
        kind: 'request',
        request: id,
        outcome,
        ...(code === undefined ? {} : { code }),
      })),
    }
    return { hash: blockHash(block.header), block }
  }

  /** The write that commits a ledger block, which is the tip from then on. */
  commit(
    { hash, block }: WorldBlock,
    changes: ElementChange[] = [],
    more: { notarization?: Certificate; commit?: Certificate } = {},
  ): CommittedWrite {
    this.tip = { hash, block }
    return { kind: 'committed', contract: this.contract, hash, block, changes, ...more }
  }

  certificate(kind: CertificateKind, view: number, block?: string): Certificate {
    const signatures = this.parties.map(({ party }): [string, { signature: string }] => [
      party,
      { signature: this.signature() },
    ])
    return block === undefined ? { kind, view, signatures } : { kind, view, block, signatures }
  }

  cosignature(member: number, size: number): Cosignature {
    return {
      party: this.party(member),
      epoch: 0,
      size,
      root: this.hex(32),
      block: this.hex(32),
      stateRoot: this.hex(32),
      timeS: 1_750_000_000 + size,
      signature: this.signature(),
    }
  }

  /** The contract with its block 0. */
  begin(changes: ElementChange[] = []): StoreWrite[] {
    return [{ kind: 'contract', contract: this.stored() }, this.commit(this.block(0), changes)]
  }

  /** The writes that a request comes in with. */
  arrive(request: WorldRequest, receivedMs = START_MS, local = false): StoreWrite[] {
    const { openings, ...signed } = request
    const { contract } = this
    return [
      { kind: 'request', contract, request: signed, receivedMs, local },
      { kind: 'openings', contract, openings },
    ]
  }
}
