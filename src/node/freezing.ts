/**
 * FREEZEs of one contract (LIN-1, LIN-2): this party's made on its own act, the others' taken in, told on, and put together
 * until they lead to the next lineage. FREEZEs of lineages that are over are told to who has yet to follow.
 */
import { CountersignError } from '../crypto/errors.ts'
import type { Electorate } from '../ledger/certificate.ts'
import type { CosignKeys, Evidence } from '../ledger/evidence.ts'
import { evidenceId, evidenceLineage } from '../ledger/evidence.ts'
import { broughtBy, type FreezeContext, freezeHolds, freezeId, type SignedFreeze } from '../ledger/freeze.ts'
import { History } from '../ledger/freeze-history.ts'
import { frozenSize } from '../ledger/freeze-statement.ts'
import { keysOf } from '../ledger/freeze-turn.ts'
import { type NextLineage, nextLineage } from '../ledger/resolve.ts'
import type { Lineage } from './lineage.ts'
import type { Message } from './messages.ts'
import { ownFreeze } from './own-freeze.ts'
import type { Replica } from './replica.ts'

/** Kept of one party in a lineage: two that differ prove it guilty. */
const KEPT_OF_PARTY = 2
/** And of those that bring a key which no other brings: by that another's may hold, here as elsewhere. */
const KEPT_WITH_KEYS = 16
const TELL_EVERY_MS = 1000
const NO_KEYS: CosignKeys = new Map()
const FROZEN = 'this party has frozen it, as others have'

export class Freezing {
  private readonly replica: Replica
  /** Of every lineage, by id. */
  private readonly held = new Map<string, SignedFreeze>()
  private readonly toldMs = new Map<string, number>()
  /** The signer has been asked for ours and has not answered. */
  private isAsked = false
  /** What the FREEZEs of this lineage lead to, or whose are missing. */
  outcome: NextLineage | { missing: string[] } | undefined

  constructor(replica: Replica) {
    this.replica = replica
    for (const freeze of replica.store.freezes(replica.contract)) this.held.set(freezeId(freeze), freeze)
  }

  /** Of every lineage. */
  get all(): SignedFreeze[] {
    return [...this.held.values()]
  }

  /** FREEZEs of a lineage, this one by default. */
  of(lineage: number = this.replica.lineage.number): SignedFreeze[] {
    return [...this.held.values()].filter(({ statement }) => statement.lineage === lineage)
  }

  /** This party's own in this lineage. */
  get own(): SignedFreeze | undefined {
    return this.of().find(({ statement }) => statement.party === this.replica.self)
  }

  /** Parties of whom a FREEZE is held. */
  get frozen(): string[] {
    return [...new Set(this.of().map(({ statement }) => statement.party))]
  }

  /** Members without whose FREEZE nothing goes on; none before the contract is halted. */
  get missing(): string[] {
    return this.outcome && 'missing' in this.outcome ? this.outcome.missing : []
  }

  /**
   * The contract is halted and somebody is shown to have signed two histories, or another member has frozen: who holds no
   * more than one of the histories may have no other sign of it.
   */
  get isCalledFor(): boolean {
    const { status, evidence, lineage } = this.replica
    if (this.of().length > 0) return true
    if (status !== 'halted') return false
    const isAccused = [...evidence.accused.values()].some((list) =>
      list.some(({ evidence: one }) => evidenceLineage(one) === lineage.number),
    )
    return isAccused
  }

  // ── ours ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Signs this party's FREEZE. Nothing happens where it was signed.
   * @throws CountersignError `conflict` where there is nothing to freeze; `unavailable`, `too-large` where it can't be made
   */
  start(): void {
    const { replica } = this
    if (this.own || this.isAsked) return
    if (!this.isCalledFor)
      throw new CountersignError(
        'conflict',
        replica.status === 'halted'
          ? `contract ${replica.contract} is halted, but nobody is shown to have signed two histories: ${replica.haltReason ?? 'see its log'}`
          : `contract ${replica.contract} is not halted: there is nothing to freeze`,
      )
    if (replica.phase === 'recalling')
      throw new CountersignError(
        'unavailable',
        'this node has yet to be told what it signed before; try again',
      )
    if (!replica.ownHistory.isHeld)
      throw new CountersignError(
        'unavailable',
        'this node has yet to read the ledger that it has cosigned; try again',
      )
    replica.halt(FROZEN)
    const { statement, cosignKey } = ownFreeze(replica, this.contextOf(replica.lineage.number))
    this.isAsked =
      cosignKey !== undefined &&
      replica.outbox.sign(replica.contract, { kind: 'freeze', statement, cosignKey })
    if (!this.isAsked)
      throw new CountersignError('unavailable', 'this node lacks the cosign key that the contract goes by')
  }

  /** The signer has it. A crash may have come before it was kept here; no other is ever signed. */
  resume(freeze: SignedFreeze): void {
    if (this.own) return
    this.replica.halt(FROZEN)
    this.signed(freeze)
  }

  signed(freeze: SignedFreeze): void {
    this.isAsked = false
    this.keep(freeze)
    this.settle()
  }

  refused(): void {
    this.isAsked = false
  }

  // ── others' ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** @throws CountersignError `bad-evidence` where it does not hold */
  take(freeze: SignedFreeze): void {
    const { replica } = this
    const { party, lineage } = freeze.statement
    if (lineage > replica.lineage.number || this.held.has(freezeId(freeze))) return
    if (!freezeHolds(freeze, this.contextOf(lineage)))
      throw new CountersignError('bad-evidence', `the FREEZE of ${party} does not hold`)
    // This party's own, told by others: its signer takes it as a lock, or has it.
    const ofParty = this.of(lineage).filter(({ statement }) => statement.party === party).length
    if (ofParty >= (this.bringsKey(freeze) ? KEPT_WITH_KEYS : KEPT_OF_PARTY)) return
    this.keep(freeze)
    if (lineage < replica.lineage.number) this.compareWithStart(lineage)
    else {
      this.haltOnConflict(freeze)
      this.settle()
    }
  }

  /** Whether a turn in it brought a key that none in those held has brought. */
  private bringsKey(freeze: SignedFreeze): boolean {
    const known = broughtBy(this.of(freeze.statement.lineage))
    return [...broughtBy([freeze])].some(([party, keys]) => {
      const held = keysOf(known, party)
      return [keys].flat().some((key) => !held.includes(key))
    })
  }

  /** What FREEZEs of a lineage up to this one are checked against. */
  contextOf(lineage: number): FreezeContext {
    const { replica } = this
    const { base, leftOut } = this.standingIn(lineage)
    return {
      epochs: replica.roster.freezeEpochs({ lineage, leftOut }),
      base: base ?? { size: 1, block: replica.store.block(replica.contract, 0)?.hash ?? '' },
      brought: broughtBy(this.of(lineage)),
    }
  }

  /** By whom certificates of a lineage up to this one are signed in the epoch that goes on here. */
  electorateOf(lineage: number): Electorate {
    const { roster } = this.replica
    return roster.as({ lineage, leftOut: this.standingIn(lineage).leftOut })
  }

  private standingIn(lineage: number): ReturnType<Lineage['before']> {
    const current = this.replica.lineage
    return lineage === current.number ? current : current.before(lineage)
  }

  private keep(freeze: SignedFreeze): void {
    const { contract, outbox, evidence } = this.replica
    const { party, lineage } = freeze.statement
    const id = freezeId(freeze)
    if (this.held.has(id)) return
    const before = this.of(lineage)
    this.held.set(id, freeze)
    outbox.write({ kind: 'freeze', contract, freeze })
    outbox.log('warn', 'frozen', { rule: 'LIN-1', contract, party, lineage })
    outbox.notify({ contract, type: 'frozen', party, id })
    // One by a key that another FREEZE brings is taken behind that.
    const bearers = before.filter((one) => broughtBy([one]).has(party))
    const needsThem =
      bearers.length > 0 && !freezeHolds(freeze, { ...this.contextOf(lineage), brought: NO_KEYS })
    for (const one of needsThem ? [...bearers, freeze] : [freeze])
      this.replica.send(undefined, { type: 'FREEZE', freeze: one })
    for (const one of freeze.statement.evidence) evidence.told(one)
    for (const one of contradictionsOf(freeze, before)) evidence.found(one)
  }

  /** A history committed at its party that is not the one committed here, or at another party that has frozen. */
  private haltOnConflict(freeze: SignedFreeze): void {
    const { replica } = this
    const { party, history } = freeze.statement
    const theirs = new History(history)
    const shared = Math.min(theirs.size, replica.chain.height + 1)
    const root = theirs.rootAt(shared)
    const isOurs = root === undefined || root === replica.chain.log.root(shared)
    const others = this.of().filter(
      (one) => one !== freeze && isForked(theirs, new History(one.statement.history)),
    )
    if (!isOurs || others.length > 0)
      replica.halt(`two histories were committed, as the FREEZE of ${party} shows`)
  }

  /** Where the policy says so, a halt is answered by freezing, without anybody's act. Where that can't be, people see why. */
  startIfAutomatic(): void {
    const { genesis, phase, outbox, contract, self, ownHistory } = this.replica
    if (genesis.policy.freeze !== 'automatic' || phase !== 'signing' || this.own || this.isAsked) return
    if (!this.isCalledFor || this.replica.evidence.accused.has(self) || !ownHistory.isHeld) return
    try {
      this.start()
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error
      outbox.log('error', 'not-frozen', { contract, reason: error.message })
    }
  }

  /** The first lineage that they lead to is taken; the replica is then opened anew in it. */
  settle(): void {
    const { replica } = this
    const freezes = this.of()
    if (freezes.length === 0) {
      this.outcome = undefined
      return
    }
    this.outcome = nextLineage(freezes, this.contextOf(replica.lineage.number))
    if (!('genesis' in this.outcome)) {
      for (const party of this.missing) if (!replica.isHeard(party)) this.tellAll(party)
      return
    }
    const { guilty } = this.outcome
    if (guilty.includes(replica.self)) this.leftOut(this.outcome.genesis.lineage)
    else replica.outbox.renew(replica.contract)
  }

  /** The FREEZEs prove this party guilty: the others go on without it. */
  private leftOut(lineage: number): void {
    const { replica } = this
    const reason = `this party is proved to have signed two histories: the others go on without it, in lineage ${lineage}`
    if (replica.haltReason === reason) return
    replica.status = 'accepted'
    replica.halt(reason)
  }

  /** LIN-2: a FREEZE of a lineage that is over, and what it would have led to: another outcome shows a liar nobody knew of. */
  private compareWithStart(lineage: number): void {
    const { replica } = this
    const start = replica.lineage.start(lineage + 1)
    const now = nextLineage(this.of(lineage), this.contextOf(lineage))
    if (!start || !('genesis' in now)) return
    const isSame =
      now.genesis.tip.block === start.genesis.tip.block &&
      now.genesis.members.join() === start.genesis.members.join()
    if (isSame) return
    const liars = now.guilty.filter((party) => !start.guilty.includes(party))
    replica.halt(
      `the FREEZEs of lineage ${lineage} lead elsewhere than lineage ${lineage + 1} began; ` +
        `they prove guilty whom it let in: ${liars.join(', ')}`,
    )
  }

  // ── telling ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Those of this lineage, to a member whose connection is new. */
  tellAll(to: string): void {
    this.tell(to, this.replica.lineage.number)
  }

  /** Whose FREEZE it takes may be out by the history here, and has to hear that it does. */
  tellMissing(to: string, nowMs: number): void {
    if (this.missing.includes(to)) this.tellFormer(to, this.replica.lineage.number, nowMs)
  }

  /** To who is in a lineage that is over: what it needs to follow. */
  tellFormer(to: string, lineage: number, nowMs: number): void {
    if (this.isDue(to, nowMs)) this.tell(to, lineage)
  }

  /** Whether a party may be told again; then it counts as told. */
  isDue(to: string, nowMs: number): boolean {
    if (nowMs < (this.toldMs.get(to) ?? 0) + TELL_EVERY_MS) return false
    this.toldMs.set(to, nowMs)
    return true
  }

  /** Those first whose keys everybody knows. */
  private tell(to: string, lineage: number): void {
    const held = this.of(lineage)
    const brought = broughtBy(held)
    const isBrought = ({ statement }: SignedFreeze): number => (brought.has(statement.party) ? 1 : 0)
    for (const freeze of held.sort((a, b) => isBrought(a) - isBrought(b)))
      this.replica.send(to, { type: 'FREEZE', freeze })
  }

  /** True if the message is of another lineage than this: who lags is told what it needs to follow, by us or by them. */
  isElsewhere(from: string, { type, lineage = 0 }: Message, nowMs: number): boolean {
    const { number } = this.replica.lineage
    if (lineage === number || type === 'EVIDENCE' || type === 'FREEZE') return false
    if (lineage < number) this.tellFormer(from, lineage, nowMs)
    else if (this.isDue(from, nowMs)) this.replica.sendStatus(from)
    return true
  }

  /** What a party's own memory lacks (AMN-2). */
  ofParty(party: string): SignedFreeze | undefined {
    return this.of().find(({ statement }) => statement.party === party)
  }
}

/** Whether two committed histories are not one, as far as both show. */
function isForked(one: History, other: History): boolean {
  const shared = Math.min(one.size, other.size)
  const [first, second] = [one.rootAt(shared), other.rootAt(shared)]
  return first !== undefined && second !== undefined && first !== second
}

/** EVI-4: what this FREEZE and the ones held before show against their parties. */
function contradictionsOf(freeze: SignedFreeze, before: readonly SignedFreeze[]): Evidence[] {
  const { party, contract, lineage } = freeze.statement
  const found = new Map<string, Evidence>()
  const add = (one: Evidence): unknown => found.set(evidenceId(one), one)
  for (const second of before) {
    if (second.statement.party === party)
      add({ kind: 'two-freezes', party, contract, lineage, first: second, second: freeze })
    for (const [first, holder] of [
      [second, freeze],
      [freeze, second],
    ] as const)
      for (const cosignature of holder.statement.cosignatures)
        if (cosignature.party === first.statement.party && cosignature.size > frozenSize(first.statement))
          add({
            kind: 'cosigned-past-freeze',
            party: cosignature.party,
            contract,
            lineage,
            first,
            second: cosignature,
          })
  }
  return [...found.values()]
}
