/** Members, signatures and ledger blocks for tests of `step`, and one member that is driven event by event. */
import type { Effect, Event, Locks, Proposal, Timing } from '../../src/consensus/state.ts'
import { type ConsensusState, initialState, restoredState } from '../../src/consensus/state.ts'
import { step } from '../../src/consensus/step.ts'
import { generateKeyPair } from '../../src/crypto/keys.ts'
import { SignatureCache, signStatements } from '../../src/crypto/statement.ts'
import { blockHash } from '../../src/ledger/block.ts'
import type { Certificate, Electorate, SignedStatement, Statement } from '../../src/ledger/certificate.ts'
import { type Policy, quorumOf } from '../../src/ledger/genesis.ts'
import type { AnyLedgerBlock, TurnEntry } from '../../src/ledger/turn.ts'

export const CONTRACT = 'c'.repeat(64)
export const TIMING: Timing = {
  viewMs: 1000,
  viewMaxMs: 8000,
  emptyAfterMs: 300,
  resendMs: 500,
  resendMaxMs: 4000,
}

/** Statements of no other place than this, unless a test says so. */
export type Place = { contract?: string; lineage?: number; epoch?: number }
export type Known = { hash: string; block: AnyLedgerBlock }

const PAIRS = Array.from({ length: 8 }, (_, index) => generateKeyPair(new Uint8Array(32).fill(index + 1)))
/** Party ids of members 0 to 7. */
export const PARTIES = PAIRS.map((_, index) => index.toString(16).repeat(64))

/** What a turn may look like; nothing in it is true. */
export const TURN: TurnEntry = {
  kind: 'turn',
  epoch: 1,
  members: PARTIES.slice(0, 4),
  cards: PARTIES.slice(0, 4),
  policy: {
    quorum: 'majority',
    clockBoundMs: 5000,
    silenceMs: null,
    admission: { invite: 'any', admit: 'every' },
  },
  executionVersion: 1,
  certificate: [],
}

/** Ledger block of a view on a parent. `salt` tells blocks apart that would be equal. */
export function makeBlock(parent: Known, view: number, salt = 0): Known {
  const { height, timeMs } = parent.block.header
  const header = {
    ...parent.block.header,
    height: height + 1,
    view,
    parent: parent.hash,
    timeMs: timeMs + 1,
    stateRoot: salt.toString(16).padStart(64, '0'),
  }
  return { hash: blockHash(header), block: { header, entries: [] } }
}

/** Ledger block that ends the epoch; what its turn says is nothing to ordering. */
export function makeTurn(parent: Known, view: number, salt = 0): Known {
  const { hash, block } = makeBlock(parent, view, salt)
  return { hash, block: { ...block, entries: [TURN] } }
}

export const GENESIS: Known = (() => {
  const none = '0'.repeat(64)
  const header = {
    contract: CONTRACT,
    lineage: 0,
    epoch: 0,
    height: 0,
    view: 0,
    parent: none,
    timeMs: 1_000_000,
    entriesRoot: none,
    stateRoot: none,
    logRoot: none,
  }
  return { hash: blockHash(header), block: { header, entries: [] } }
})()

/** Ed25519 gives the same signature each time: what was made or checked once serves every test. */
const SIGNED = new Map<string, SignedStatement>()
const CHECKED = new SignatureCache(100_000)

/** A member's signed statement; `block` for VOTE and FINALIZE. */
export function signed(
  member: number,
  type: Statement['type'],
  view: number,
  block?: Known,
  place: Place = {},
): SignedStatement {
  const at = { contract: CONTRACT, lineage: 0, epoch: 0, view, ...place }
  const statement: Statement = type === 'SKIP' ? { ...at, type } : { ...at, type, block: block?.hash ?? '' }
  const key = `${member} ${JSON.stringify(statement)}`
  const held = SIGNED.get(key)
  if (held) return held
  const [signature] = signStatements((PAIRS[member] as (typeof PAIRS)[number]).privateKey, [statement])
  if (!signature) throw new Error('nothing was signed')
  const made = { statement, party: PARTIES[member] as string, signature }
  SIGNED.set(key, made)
  return made
}

const TYPES = { notarization: 'VOTE', finalization: 'FINALIZE', skip: 'SKIP' } as const

/** A certificate of these members' signatures, enough of them or not. */
export function certificate(
  kind: Certificate['kind'],
  view: number,
  members: readonly number[],
  block?: Known,
): Certificate {
  const signatures = members.map((member): Certificate['signatures'][number] => {
    const { party, signature } = signed(member, TYPES[kind], view, block)
    return [party, signature]
  })
  return kind === 'skip' ? { kind, view, signatures } : { kind, view, block: block?.hash ?? '', signatures }
}

/** What a leader sends. view: in which it is proposed, where that is not the block's own. */
export function proposal(
  { block, hash }: Known,
  shown: {
    notarization?: Certificate
    skips?: Certificate[]
    by?: number
    members?: number
    view?: number
  } = {},
): { hash: string; proposal: Proposal } {
  const { notarization, skips = [], members = 4, view = block.header.view } = shown
  const vote = signed(shown.by ?? view % members, 'VOTE', view, { hash, block })
  return {
    hash,
    proposal: { block, vote, skipCertificates: skips, ...(notarization ? { notarization } : {}) },
  }
}

export type MachineOptions = {
  self?: number
  members?: number
  quorum?: Policy['quorum']
  /** Members that are not connected. */
  down?: readonly number[]
  /** Begins as one that restarts. */
  restart?: { blocks?: Known[]; certificates?: Certificate[]; locks?: Locks; tip?: Known }
}

/**
 * One member: takes an event, and answers CHECK (valid, timely), BUILD and SIGN as a node would, until nothing is left.
 * `effects` are all since the last `clear`.
 */
export class Machine {
  readonly state: ConsensusState
  readonly electorate: Electorate
  readonly self: number
  nowMs = 1_000_000
  effects: Effect[] = []
  /** Blocks that CHECK finds invalid, or untimely. */
  readonly invalid = new Set<string>()
  readonly untimely = new Set<string>()
  /** Blocks whose CHECK is not answered. */
  readonly unanswered = new Set<string>()
  /** How many more blocks there is something to put into. */
  requests = Number.POSITIVE_INFINITY
  /** While false, SIGN is not answered. */
  signs = true
  private built = 0

  constructor({ self = 0, members = 4, quorum = 'majority', down = [], restart }: MachineOptions = {}) {
    this.self = self
    const parties = PARTIES.slice(0, members)
    this.electorate = {
      contract: CONTRACT,
      lineage: 0,
      epoch: 0,
      quorum: quorumOf({ quorum } as Policy, members),
      voteKeys: new Map(
        parties.map((party, index) => [party, (PAIRS[index] as (typeof PAIRS)[number]).publicKey]),
      ),
    }
    const config = {
      electorate: this.electorate,
      members: parties,
      self: PARTIES[self] as string,
      timing: TIMING,
      cache: CHECKED,
    }
    this.state = restart
      ? restoredState(
          config,
          restart.tip ?? GENESIS,
          restart.blocks ?? [],
          restart.certificates ?? [],
          restart.locks ?? { view: 0, statements: [] },
        )
      : initialState(config, GENESIS)
    for (const [index, party] of parties.entries())
      if (index !== self && !down.includes(index)) this.take({ type: 'PEER_UP', party })
    this.take({ type: 'MAY_SIGN' })
    this.take({ type: 'START' })
    this.clear()
  }

  clear(): void {
    this.effects = []
  }

  /** Takes an event now, and whatever follows of it. */
  take(event: Omit<Event, 'nowMs'> | Event): this {
    const queue: Event[] = [{ ...event, nowMs: this.nowMs } as Event]
    for (let next = queue.shift(); next; next = queue.shift())
      for (const effect of step(this.state, next)) {
        this.effects.push(effect)
        queue.push(...this.answers(effect).map((answer) => ({ ...answer, nowMs: this.nowMs }) as Event))
      }
    return this
  }

  private answers(effect: Effect): (Omit<Event, 'nowMs'> & Record<string, unknown>)[] {
    if (effect.type === 'CHECK' && !this.unanswered.has(effect.hash)) {
      const { hash } = effect
      return [{ type: 'CHECKED', hash, valid: !this.invalid.has(hash), timely: !this.untimely.has(hash) }]
    }
    if (effect.type === 'BUILD') {
      if (this.requests === 0 && !effect.evenEmpty) return [{ type: 'NOT_BUILT', view: effect.view }]
      this.built += 1
      this.requests = Math.max(0, this.requests - 1)
      const parent = this.state.blocks.get(effect.parent)
      if (!parent) throw new Error('asked to build on a block that is not held')
      return [{ type: 'BUILT', view: effect.view, ...makeBlock(parent, effect.view, this.built + 100) }]
    }
    if (effect.type === 'SIGN' && this.signs) {
      const { statement } = effect
      const [signature] = signStatements((PAIRS[this.self] as (typeof PAIRS)[number]).privateKey, [statement])
      return [{ type: 'SIGNED', signed: { statement, party: PARTIES[this.self] as string, signature } }]
    }
    return []
  }

  statement(member: number, type: Statement['type'], view: number, block?: Known, place?: Place): this {
    const from = PARTIES[member] as string
    return this.take({ type: 'STATEMENT', from, signed: signed(member, type, view, block, place) } as Event)
  }

  propose(...given: Parameters<typeof proposal>): this {
    const { hash, proposal: shown } = proposal(...given)
    const [{ block }, { view = block.header.view } = {}] = given
    const from = PARTIES[view % this.electorate.voteKeys.size] as string
    return this.take({ type: 'PROPOSE', from, hash, proposal: shown } as Event)
  }

  certify(given: Certificate): this {
    return this.take({ type: 'CERTIFICATE', from: PARTIES[1], certificate: given } as Event)
  }

  work(work = true): this {
    return this.take({ type: 'WORK', work } as Event)
  }

  /** Time passes; then the tick it may have asked for. */
  later(ms: number): this {
    this.nowMs += ms
    return this.take({ type: 'TICK' })
  }

  /** What it asked its signer for since the last `clear`, as `TYPE view` with the block's first digits. */
  get signedTexts(): string[] {
    return this.effects.flatMap((effect) => {
      if (effect.type !== 'SIGN') return []
      const { statement } = effect
      const block = statement.type === 'SKIP' ? '' : ` ${statement.block.slice(0, 8)}`
      return [`${statement.type} ${statement.view}${block}`]
    })
  }

  /** Types of the effects, in order. */
  get types(): Effect['type'][] {
    return this.effects.map(({ type }) => type)
  }

  of<Type extends Effect['type']>(type: Type): Extract<Effect, { type: Type }>[] {
    return this.effects.filter((effect): effect is Extract<Effect, { type: Type }> => effect.type === type)
  }
}

/** As `signedTexts` writes it. */
export function textOf(type: 'VOTE' | 'FINALIZE', view: number, { hash }: Known): string {
  return `${type} ${view} ${hash.slice(0, 8)}`
}
