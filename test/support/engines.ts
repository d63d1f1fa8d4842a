/**
 * Several real engines (real SQLite in memory, real signer with a journal in memory) joined by lines that a test can watch,
 * change and cut. No sockets, no clock but the one here: for tests of what one message does.
 */

import { importOperations, setOperations } from '../../src/contract/edit.ts'
import { childrenOf, element } from '../../src/contract/state.ts'
import { generateKeyPair, generateSealingKeyPair, type KeyPair } from '../../src/crypto/keys.ts'
import { fromJson } from '../../src/document/from-json.ts'
import {
  type Card,
  cardHash,
  type ProvenCard,
  partyOf,
  type SignedCard,
  signCard,
} from '../../src/identity/card.ts'
import { GENESIS_ROOT, type Policy } from '../../src/ledger/genesis.ts'
import { Engine } from '../../src/node/engine.ts'
import { DEFAULT_POLICY } from '../../src/node/engine-options.ts'
import type { Notice } from '../../src/node/outbox.ts'
import type { Journal } from '../../src/signer/journal.ts'
import type { SignerKeys } from '../../src/signer/key-ring.ts'
import type { Keys } from '../../src/signer/keys.ts'
import { Signer } from '../../src/signer/signer.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'

export const START_MS = Date.UTC(2026, 10, 20)

export type WireMessage = { type: string; contract: string } & Record<string, unknown>
/** What becomes of a message on its way: passed on as returned, or lost (undefined). */
export type Line = (message: WireMessage, from: string, to: string) => WireMessage | undefined

export type Member = {
  party: string
  keys: Keys
  /** What its signer holds. */
  ring: SignerKeys
  card: SignedCard
  store: Store
  journal: Journal
  engine: Engine
  notices: Notice[]
  logs: { level: string; event: string; detail: Record<string, unknown> }[]
}

/** A journal without a file. */
export function memoryJournal(): Journal {
  const records: object[] = []
  return {
    append: (added) => void records.push(...structuredClone(added)),
    load: () => structuredClone(records),
    close: () => undefined,
  }
}

const seed = (index: number, use: number): Uint8Array => new Uint8Array(32).fill(index * 16 + use + 1)

export class Engines {
  readonly members: Member[] = []
  nowMs = START_MS
  line: Line = (message) => message
  private readonly connected = new Set<string>()
  private counter = 0

  constructor(count: number) {
    for (let index = 0; index < count; index += 1) {
      const key = (use: number) => generateKeyPair(seed(index, use))
      const keys: Keys = {
        root: key(0),
        author: key(1),
        vote: key(2),
        cosign: key(3),
        tls: key(4),
        sealing: generateSealingKeyPair(seed(index, 5)),
      }
      const card: Card = {
        version: 1,
        sequence: 1,
        name: `Party ${index + 1}`,
        endpoints: [`127.0.0.1:${7400 + index}`],
        keys: {
          root: key(0).publicKey,
          author: keys.author.publicKey,
          vote: keys.vote.publicKey,
          cosign: keys.cosign.publicKey,
          sealing: keys.sealing.publicKey,
          tls: keys.tls.publicKey,
        },
        timeMs: START_MS,
      }
      const signed = signCard(key(0).privateKey, card)
      const party = partyOf(card)
      const store = openSqliteStore(':memory:')
      const journal = memoryJournal()
      const { author, vote, cosign } = keys
      const ring = { author, vote, cosign }
      const member = {
        ...{ party, keys, ring, card: signed, store, journal, notices: [], logs: [] },
      } as unknown as Member
      this.members.push(member)
      this.boot(member, false)
    }
    for (const a of this.members) for (const b of this.members) if (a !== b) this.connect(a, b)
  }

  member(index: number): Member {
    return this.members[index] as Member
  }

  random = (sizeBytes: number): Uint8Array => {
    this.counter += 1
    const bytes = new Uint8Array(sizeBytes)
    let state = this.counter * 2654435761
    for (let index = 0; index < sizeBytes; index += 1) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      bytes[index] = state >>> 24
    }
    return bytes
  }

  /** The member's next card, with new keys of these uses; its signer holds the former ones too. Not told to anybody. */
  rekey(
    member: Member,
    uses: readonly ('author' | 'vote' | 'cosign')[] = ['author', 'vote', 'cosign'],
  ): ProvenCard {
    const { earlier = [], ...last } = member.card as ProvenCard
    const made = Object.fromEntries(uses.map((use) => [use, generateKeyPair(this.random(32))]))
    const publicKeys = Object.fromEntries(uses.map((use) => [use, made[use]?.publicKey]))
    const { sequence, keys, name, endpoints } = last.card
    const card: Card = {
      ...last.card,
      ...{ name, endpoints, party: member.party, sequence: sequence + 1, previous: cardHash(last.card) },
      keys: { ...keys, ...publicKeys },
    }
    const root = (member.keys.root as KeyPair).privateKey
    const proven: ProvenCard = { ...signCard(root, card), earlier: [...earlier, last] }
    member.card = proven
    for (const use of uses) {
      const former = member.ring[use]
      member.ring = { ...member.ring, [use]: [...(Array.isArray(former) ? former : [former]), made[use]] }
    }
    this.boot(member, false)
    for (const other of this.members) if (other !== member) this.reconnect(member, other)
    return proven
  }

  /** Starts a member's engine anew over its store and journal: what a crash and a restart leave. */
  boot(member: Member, restored: boolean): void {
    member.engine = new Engine(
      {
        party: member.party,
        store: member.store,
        signer: Signer.open({ journal: member.journal, keys: member.ring, party: member.party }),
        timing: { viewMs: 2000, viewMaxMs: 30_000, emptyAfterMs: 300, resendMs: 1000, resendMaxMs: 15_000 },
        random: this.random,
        restored,
        notify: (notice) => member.notices.push(notice),
        log: (level, event, detail) => member.logs.push({ level, event, detail }),
        closeFormer: () => undefined,
      },
      this.nowMs,
    )
  }

  connect(a: Member, b: Member): void {
    this.connected.add(`${a.party} ${b.party}`)
    a.engine.peerUp(b.party, this.nowMs)
  }

  disconnect(a: Member, b: Member): void {
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      this.connected.delete(`${one.party} ${other.party}`)
      one.engine.peerDown(other.party, this.nowMs)
    }
  }

  reconnect(a: Member, b: Member): void {
    this.connect(a, b)
    this.connect(b, a)
  }

  /** Passes messages until nobody has any more to say at this time. */
  settle(): void {
    for (let rounds = 0; rounds < 10_000; rounds += 1) {
      const envelopes = this.members.flatMap((member) =>
        member.engine.turn(this.nowMs).map((envelope) => ({ ...envelope, from: member.party })),
      )
      if (envelopes.length === 0) return
      for (const { from, to, text } of envelopes) {
        if (!this.connected.has(`${from} ${to}`)) continue
        const message = this.line(JSON.parse(text) as WireMessage, from, to)
        const receiver = this.members.find(({ party }) => party === to)
        if (message && receiver) receiver.engine.deliver(from, [message], this.nowMs)
      }
    }
    throw new Error('the engines never came to rest')
  }

  /** Lets time pass, with every tick that is asked for on the way. */
  pass(durationMs: number, stepMs = 50): void {
    for (const endMs = this.nowMs + durationMs; this.nowMs < endMs; ) {
      this.nowMs += stepMs
      for (const { engine } of this.members) {
        const wakeMs = engine.wakeMs(this.nowMs)
        if (wakeMs !== undefined && wakeMs <= this.nowMs) engine.tick(this.nowMs)
      }
      this.settle()
    }
  }

  /** A contract of the first `count` members, accepted by all. */
  contract(json: string, count = this.members.length, policy: Partial<Policy> = {}): string {
    const [creator, ...others] = this.members.slice(0, count) as [Member, ...Member[]]
    const contract = creator.engine.create(
      'test',
      [creator.card, ...others.map(({ card }) => card)],
      importOperations(fromJson(json), GENESIS_ROOT, this.random),
      { ...DEFAULT_POLICY, ...policy },
      this.nowMs,
    )
    this.settle()
    for (const { engine } of others) engine.accept(contract, this.nowMs)
    this.settle()
    return contract
  }

  /** Sets a top-level field as a member; the request's id. Nothing is passed on before `settle`. */
  set(member: Member, contract: string, name: string, value: string): string {
    const { state } = member.engine.replica(contract).chain.tip
    const uid = childrenOf(state, state.rootUid).find(
      (child) => element(state, child)?.name === name,
    ) as string
    const openings = {
      get: (commitment: string) => member.store.openings(contract, [commitment]).get(commitment),
    }
    const made = setOperations(state, openings as never, uid, undefined, value, this.random)
    return member.engine.submit(contract, made.operations, made.openings, this.nowMs, () => undefined)
  }

  finalSizes(contract: string): number[] {
    return this.members.flatMap(({ engine }) => {
      const replica = engine.replicas.get(contract)
      return replica ? [replica.finalSize] : []
    })
  }
}
