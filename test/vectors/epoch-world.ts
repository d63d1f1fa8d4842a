/** Ledgers whose members come and go, for the vectors: short ways to ask for whatever changes an epoch (PROTOCOL EPO-1 to EPO-14). */
import { electorateAt, freezeEpochOf } from '../../src/contract/epoch.ts'
import { executeTick } from '../../src/contract/tick.ts'
import { executeTurn, type Turn, turnsAt } from '../../src/contract/turn.ts'
import { signStatements } from '../../src/crypto/statement.ts'
import { cardHash } from '../../src/identity/card.ts'
import { type Entry, entriesRoot } from '../../src/ledger/block.ts'
import type { Electorate, SignedStatement, Statement } from '../../src/ledger/certificate.ts'
import type { Checkpoint } from '../../src/ledger/checkpoint.ts'
import type { EpochOperation } from '../../src/ledger/epoch-operation.ts'
import type { Evidence } from '../../src/ledger/evidence.ts'
import type { SignedFreeze } from '../../src/ledger/freeze.ts'
import type { Top } from '../../src/ledger/freeze-history.ts'
import type { FreezeEpoch } from '../../src/ledger/freeze-turn.ts'
import type { OpenRequest, Operation, Request } from '../../src/ledger/request.ts'
import { nextLineage } from '../../src/ledger/resolve.ts'
import type { BlockPlace, TurnEntry } from '../../src/ledger/turn.ts'
import type { BundleLine, LineageLine } from '../../src/verify/bundle.ts'
import {
  DAY_MS,
  type Execution,
  type Holder,
  hashNamed,
  holder,
  Ledger,
  type LedgerOptions,
  type OrderOptions,
  rekeyed,
  type Step,
} from './world.ts'

/** They come in later. */
export const elm = holder('elm', 'Elm Assay')
export const fir = holder('fir', 'Fir Lines')

/** Who asks for what. */
export type Asked = [author: Holder, operation: EpochOperation]

/** view: of its certificates where they are of another than its own. */
export type TurnOptions = OrderOptions & { certifiedView?: number }

/** See the head of this file. */
export class EpochLedger extends Ledger {
  /** By party, with the keys that it has by now. */
  readonly holders = new Map<string, Holder>()

  constructor(label: string, options: LedgerOptions = {}) {
    super(label, options)
    for (const one of [...this.members, elm, fir]) this.holders.set(one.party, one)
  }

  holderOf(party: string): Holder {
    return this.holders.get(party) as Holder
  }

  /** Who is out of the lineage, and the lines of a bundle that say why, by the height of what each lineage began with. */
  readonly leftOut = new Set<string>()
  readonly lineageLines = new Map<number, LineageLine>()

  /** Members of the ledger block that comes next. */
  get seated(): Holder[] {
    const { members } = this.tip.state.epoch
    return members.filter((party) => !this.leftOut.has(party)).map((party) => this.holderOf(party))
  }

  override place(timeMs?: number): BlockPlace {
    return { ...super.place(timeMs), leftOut: this.leftOut }
  }

  /** In its lineage: what a lineage began with is cosigned anew in it. */
  override checkpoint(height = this.height): Checkpoint {
    const right = super.checkpoint(height)
    return this.lineageLines.has(height) ? { ...right, lineage: this.lineage } : right
  }

  /** Every epoch, as FREEZEs of the lineage are checked against it. */
  get freezeEpochs(): FreezeEpoch[] {
    const begun = this.steps.filter(
      ({ state }, height) => state.epoch.epoch !== this.steps[height - 1]?.state.epoch.epoch,
    )
    return begun.map(({ state, block }) => {
      const epoch = freezeEpochOf(
        electorateAt(state, this.lineage),
        block.header.height === 0 ? 0 : block.header.height + 1,
      )
      return { ...epoch, members: epoch.members.filter((party) => !this.leftOut.has(party)) }
    })
  }

  /** These FREEZEs lead to the next lineage, which begins with the tip. */
  begin(freezes: SignedFreeze[], base: Top = { size: 1, block: (this.steps[0] as Step).hash }): void {
    const next = nextLineage(freezes, { epochs: this.freezeEpochs, base })
    if ('missing' in next) throw new Error('they lead nowhere')
    const { genesis: lineage } = next
    if (lineage.tip.block !== this.tip.hash) throw new Error('they lead elsewhere')
    this.lineageLines.set(this.height, { type: 'lineage', lineage, freezes })
    for (const party of next.guilty) this.leftOut.add(party)
    this.lineage = lineage.lineage
    this.cosignatures.clear()
  }

  override lines(): BundleLine[] {
    const lines = super.lines().flatMap((line): BundleLine[] => {
      if (line.type === 'cosignature' && this.lineage > 0) return [{ ...line, lineage: this.lineage }]
      const behind = line.type === 'ledger-block' && this.lineageLines.get(line.block.header.height)
      return behind ? [line, behind] : [line]
    })
    const first = this.lineageLines.get(0)
    if (first) lines.splice(2 + this.cosignatures.size, 0, first)
    return structuredClone(lines)
  }

  /** Who is in by now, or these, cosign up to a height. */
  override cosign(height = this.height, by: readonly Holder[] = this.seated): void {
    super.cosign(height, by)
  }

  override get voters(): readonly Holder[] {
    return this.seated
  }

  override get electorate(): Electorate {
    return electorateAt(this.tip.state, this.lineage)
  }

  /** Of the ledger block that comes next, if nothing else is asked for. */
  get timeMs(): number {
    return this.tip.block.header.timeMs + 1000
  }

  get expiresMs(): number {
    return this.timeMs + 10 * DAY_MS
  }

  // ── requests ──────────────────────────────────────────────────────────────────────────────────────────────────────

  ask([author, operation]: Asked, changes: Partial<Request> = {}): OpenRequest {
    const lasting = { notAfterMs: this.timeMs + 7 * DAY_MS, ...changes }
    return this.request(author, [operation as unknown as Operation], lasting)
  }

  /** All in one ledger block; gives their ids. */
  do(...asked: Asked[]): string[] {
    return this.order(asked.map((one) => this.ask(one))).requests.map(({ id }) => id)
  }

  /** In a ledger block of its own, which must have an effect; gives the request's id. */
  done(asked: Asked): string {
    const [id = ''] = this.do(asked)
    const [entry] = this.tip.block.entries
    if (entry?.outcome !== 'accepted') throw new Error(`not done: ${entry?.code}`)
    return id
  }

  invite(by: Holder, { card }: Holder, more: object = {}): Asked {
    return [by, { op: 'invite', card, role: 'member', older: false, expiresMs: this.expiresMs, ...more }]
  }

  accept(by: Holder, change: string, more: object = {}): Asked {
    return [by, { op: 'accept', change, genesis: this.contract, checkpoint: this.point(), ...more }]
  }

  vote(by: Holder, change: string, yes = true): Asked {
    return [by, { op: 'vote', change, yes }]
  }

  leave(by: Holder, checkpoint = this.point()): Asked {
    return [by, { op: 'leave', checkpoint }]
  }

  /** The next card of a party, put forward by it or by another. */
  newCard(by: Holder, { card }: Holder, more: object = {}): Asked {
    return [by, { op: 'card', card, expiresMs: this.expiresMs, ...more }]
  }

  newPolicy(by: Holder, changes: object = { quorum: 'bft' }, more: object = {}): Asked {
    const policy = { ...this.tip.state.epoch.policy, ...changes }
    return [by, { op: 'policy', policy, expiresMs: this.expiresMs, ...more }]
  }

  remove(by: Holder, evidence: Evidence): Asked {
    return [by, { op: 'remove', evidence }]
  }

  /** What a party has signed against itself, by default with its keys of now. */
  twoVotes(by: Holder, epoch = this.epoch, lineage = this.lineage): Evidence {
    return twoVotes(this.contract, by, epoch, lineage)
  }

  // ── turns and TICKs ───────────────────────────────────────────────────────────────────────────────────────────────

  turns(timeMs = this.timeMs): Turn[] {
    return turnsAt(this.tip.state, timeMs, this.place(timeMs).leftOut)
  }

  /** The entry of a turn, certified by all who have to, who have cosigned the tip, or the ledger up to another height. */
  turnEntry(change?: string, height = this.height, timeMs = this.timeMs): TurnEntry {
    const turn = this.turns(timeMs).find(({ entry }) => entry.change === change)
    if (turn === undefined) throw new Error('no such turn may come')
    const certificate = turn.signers.map(({ party }) => this.#cosigned(party, height, turn))
    return { ...turn.entry, certificate }
  }

  /** By the key that it has after the turn. */
  #cosigned(party: string, height: number, { next }: Turn): TurnEntry['certificate'][0] {
    const card = next.cards[next.members.indexOf(party)]
    const signer = [...this.holders.values(), ...this.#later].find(
      (one) => one.party === party && cardHashOf(one) === card,
    )
    return this.cosignature(signer ?? this.holderOf(party), this.checkpoint(height))
  }

  /** Holders by cards that were ordered and are not in force yet. */
  readonly #later: Holder[] = []

  /** Orders a party's next card; gives the request's id. */
  rekey(next: Holder): string {
    this.#later.push(next)
    return this.done(this.newCard(this.holderOf(next.party), next))
  }

  /** Orders the next card of the first member, of these seeds. */
  rekeyedBy(seed: string): string {
    return this.rekey(rekeyed(this.holderOf((this.members[0] as Holder).party), seed))
  }

  /** The ledger block that ends the epoch. entry: in place of the one that follows, with roots as if it were that one. */
  turn(right: TurnEntry, options: TurnOptions = {}, entry: object = right): Step {
    const execute = ({ state, at }: Execution) => {
      const executed = executeTurn(state, right, at)
      const entries = [entry as Entry]
      return { ...executed, entries, entriesRoot: entriesRoot(entries, executed.effects) }
    }
    const step = this.extend([], execute, { ...options, signers: options.signers ?? this.seated })
    const { certifiedView, certify = ['notarization', 'finalization'] } = options
    if (certifiedView !== undefined)
      for (const kind of certify) step[kind] = this.certificate(kind, step, this.#before, certifiedView)
    for (const later of this.#later)
      if (step.state.epoch.cards.includes(cardHashOf(later))) this.holders.set(later.party, later)
    return step
  }

  get #before(): Holder[] {
    const { state } = this.steps.at(-2) as Step
    return state.epoch.members.map((party) => this.holderOf(party))
  }

  tick(options: OrderOptions = {}): Step {
    const execute = ({ state, at }: Execution) => {
      const executed = executeTick(state, { height: 1, timeMs: at.timeMs }, new Map())
      return { ...executed, entries: executed.entries as unknown as Entry[] }
    }
    return this.extend([], execute, options)
  }

  /** A ledger block of these entries that changes nothing. */
  unchanged(entries: object[], options: OrderOptions = {}): Step {
    const execute = ({ state }: Execution) => {
      const effects = entries.map(() => [])
      const { stateRoot } = this.tip.block.header
      return {
        state,
        effects,
        stateRoot,
        entries: entries as Entry[],
        entriesRoot: entriesRoot(entries as Entry[], effects),
      }
    }
    return this.extend([], execute, options)
  }

  // ── whole stories ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Invites a party, to whom all say yes and which accepts, in two ledger blocks; gives the change's id. */
  decide(party: Holder, more: object = {}): string {
    const [first, ...others] = this.seated as [Holder, ...Holder[]]
    const change = this.done(this.invite(first, party, more))
    this.do(...others.map((one) => this.vote(one, change)), this.accept(party, change))
    return change
  }

  /** Lets a party come in, its turn included. */
  admit(party: Holder, more: object = {}): void {
    this.turn(this.turnEntry(this.decide(party, more)))
  }

  /** All say yes to a policy, in two ledger blocks; gives the change's id. */
  agree(changes: object = { quorum: 'bft' }): string {
    const [first, ...others] = this.seated as [Holder, ...Holder[]]
    const change = this.done(this.newPolicy(first, changes))
    if (others.length > 0) this.do(...others.map((one) => this.vote(one, change)))
    return change
  }
}

const cardHashOf = ({ card }: Holder): string => cardHash(card.card)

/** VOTEs of a party for two blocks in one view. */
export function twoVotes(contract: string, { party, keys }: Holder, epoch = 0, lineage = 0): Evidence {
  const [first, second] = ['one', 'two'].map((label): SignedStatement => {
    const statement: Statement = { type: 'VOTE', contract, lineage, epoch, view: 7, block: hashNamed(label) }
    const [signature] = signStatements(keys.vote.privateKey, [statement])
    return { statement, party, signature: signature as SignedStatement['signature'] }
  }) as [SignedStatement, SignedStatement]
  return { kind: 'two-votes', party, first, second }
}
