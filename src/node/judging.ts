/**
 * Requests that read or bring private values, until everybody has judged them who has to (PROTOCOL JUD-1): their author's node asks,
 * each reader answers with what it signs, and only then are they told to all and ordered. The other side of it is here, too.
 */
import { checkJudgements } from '../contract/apply.ts'
import { judge, judgednessOf } from '../contract/judge.ts'
import { NotJudged } from '../contract/rules/judging.ts'
import { ValueNotHeld } from '../contract/rules/work.ts'
import { CountersignError } from '../crypto/errors.ts'
import type { StatementSignature } from '../crypto/statement.ts'
import {
  JUDGEMENTS_MAX_BYTES,
  type JudgedBy,
  type Judgement,
  judgementAt,
  judgementsSizeBytes,
  revealedIn,
} from '../ledger/judgement.ts'
import {
  type AnyRequest,
  checkAnyRequest,
  committedIn,
  epochOperationOf,
  type OpenRequest,
  type Request,
  readersIn,
} from '../ledger/request.ts'
import { type AnyLedgerBlock, type BlockPlace, entriesOf } from '../ledger/turn.ts'
import { commitmentOf, type Opening } from '../ledger/value.ts'
import { pickOpenings } from './intake.ts'
import type { JudgedMessage, JudgeMessage } from './messages.ts'
import { dropRequests } from './outbox.ts'
import type { Replica } from './replica.ts'
import { shownTo } from './shown-openings.ts'

/** Who has yet to judge a request of this party, and since when it waits, ms since 1970. */
export type WaitingFor = { parties: readonly string[]; sinceMs: number }

type Waiting = {
  entry: OpenRequest<Request> & { receivedMs: number }
  given: Map<string, JudgedBy>
  /** Words that go only so far, until others have said what their judges can't see. */
  partial: Map<string, JudgedBy>
  /** What opens what each has revealed. */
  revealed: Map<string, Opening[]>
  /** How often somebody was asked at once, out of turn. */
  hurried: number
  lacking: readonly string[]
  sinceMs: number
  askAtMs: number
  /** When it is to be looked at again since the ledger has gone on: who has said nothing yet isn't asked anew for that. */
  lookAtMs: number
  times: number
}

const ASK_FIRST_MS = 500
const ASK_MOST_MS = 30_000
/** What was judged while the ledger went on is looked at again a little later: others have to come so far. */
const AGAIN_MS = 100
/** Judges that wait for one another are asked at once so often; who says now this and now that gets no more of it. */
const HURRIED_MAX = 64

export class Judging {
  readonly #replica: Replica
  readonly #waiting = new Map<string, Waiting>()
  /** Judgements that the signer has been asked for: whom they are for, and what goes with them. */
  readonly #signing = new Map<
    string,
    { to: string; openings: readonly Opening[]; waits: boolean; reveals: string; items: number }
  >()

  constructor(replica: Replica) {
    this.#replica = replica
  }

  /** Whether a request may still be ordered; one that is to be judged first stands in no pool. */
  isAwaited(id: string): boolean {
    return this.#replica.chain.pool.has(id) || this.#waiting.has(id)
  }

  /** Undefined for a request that lacks nobody's word. */
  waitingFor(id: string): WaitingFor | undefined {
    const one = this.#waiting.get(id)
    return one && { parties: [...one.lacking], sinceMs: one.sinceMs }
  }

  all(): (WaitingFor & { request: string })[] {
    return [...this.#waiting].map(([request, { lacking, sinceMs }]) => ({
      request,
      parties: [...lacking],
      sinceMs,
    }))
  }

  /** After a start, and where an epoch has begun: what was judged before holds no more. */
  restart(nowMs: number): void {
    const { chain, contract, outbox, roster, status } = this.#replica
    for (const [id, one] of this.#waiting) {
      one.given.clear()
      one.partial.clear()
      one.revealed.clear()
      const { request } = one.entry
      if (status !== 'left' && roster.authorKeyOf(request) === request.authorKey) continue
      // EPO-2: it may not stand any more.
      this.#waiting.delete(id)
      dropRequests(outbox, contract, [id])
    }
    if (status === 'left') return
    for (const entry of [...chain.pool.values()])
      if (this.#lacks(entry, nowMs)) this.unjudged(entry.id, nowMs)
    for (const one of this.#waiting.values()) one.askAtMs = nowMs
  }

  /** A request that waits to be ordered can't be, for want of a judgement: its author's node asks, others let go of it. */
  unjudged(id: string, nowMs: number): void {
    const { chain, contract, outbox } = this.#replica
    const entry = chain.pool.get(id)
    chain.remove(id)
    if (!entry?.local) return
    if (holdsOwn(entry)) {
      this.#wait(entry, nowMs)
      return
    }
    // Given back by others after the author's data were lost: nobody judges a value that is not shown.
    outbox.log('warn', 'value-lost', { contract, request: id })
    dropRequests(outbox, contract, [id])
  }

  /** Keeps a request made here that somebody has to judge first; false for one that nobody has to. */
  takes(entry: OpenRequest<AnyRequest> & { receivedMs: number }, nowMs: number): boolean {
    if (!this.#lacks(entry, nowMs)) return false
    this.#look(this.#wait(entry, nowMs), nowMs)
    return true
  }

  /** Whether the judgement of a request isn't complete, by the state here. */
  #lacks(entry: OpenRequest<AnyRequest>, nowMs: number): boolean {
    const { state } = this.#replica.chain.tip
    const { operations } = entry.request
    if (epochOperationOf(entry.request) || (state.privateCount === 0 && readersIn(operations).size === 0))
      return false
    const given = this.#verified(entry.id, entry.judgement)
    return this.#judgedness(entry as OpenRequest<Request>, given, nowMs).lacking.length > 0
  }

  /** Whether a request of another party can stand in a block, as far as its judgement goes. */
  isComplete(entry: OpenRequest<AnyRequest>, nowMs: number): boolean {
    return !this.#lacks(entry, nowMs)
  }

  #wait(entry: OpenRequest<AnyRequest> & { receivedMs: number }, nowMs: number): Waiting {
    const { judgement: _, ...rest } = entry as Waiting['entry']
    const one: Waiting = {
      entry: rest,
      given: new Map(),
      partial: new Map(),
      revealed: new Map(),
      hurried: 0,
      lacking: [],
      sinceMs: nowMs,
      askAtMs: nowMs,
      lookAtMs: Number.POSITIVE_INFINITY,
      times: 0,
    }
    this.#waiting.set(entry.id, one)
    return one
  }

  #judgedness(entry: OpenRequest<Request>, given: readonly JudgedBy[], nowMs: number) {
    const { chain } = this.#replica
    return judgednessOf(chain.tip.state, entry, chain.sourceFor(entry), this.#at(nowMs), given)
  }

  #at(nowMs: number): Pick<BlockPlace, 'height' | 'timeMs'> {
    const { header } = this.#replica.chain.tip.block
    return { height: header.height + 1, timeMs: Math.max(nowMs, header.timeMs + 1) }
  }

  /** Of a judgement those parts that are signed in this epoch. */
  #verified(request: string, judgement: readonly JudgedBy[] = []): JudgedBy[] {
    return judgement.filter((judged) => {
      try {
        this.#check(request, [judged])
        return true
      } catch (error) {
        if (error instanceof CountersignError) return false
        throw error
      }
    })
  }

  /** @throws CountersignError `bad-signature`, `unknown-party` */
  #check(request: string, judgement: readonly JudgedBy[]): void {
    const { chain, lineage } = this.#replica
    checkJudgements(chain.tip.state, { lineage: lineage.number, request }, judgement)
  }

  /** Asks whoever has yet to judge; once nobody has, the request goes its way. */
  #look(one: Waiting, nowMs: number): void {
    const replica = this.#replica
    const entry = withRevealed(one)
    const hasMoved = one.lookAtMs <= nowMs
    if (hasMoved) one.lookAtMs = Number.POSITIVE_INFINITY
    let { lacking, isOutdated } = this.#judgedness(entry, sorted(one.given), nowMs)
    if (isOutdated) {
      one.given.clear()
      one.partial.clear()
      one.revealed.clear()
      one.askAtMs = hasMoved ? nowMs : Math.max(one.askAtMs, nowMs + AGAIN_MS)
      ;({ lacking } = this.#judgedness(entry, [], nowMs))
    }
    // Others are asked than before.
    if (hasMoved && lacking.some((party) => !one.lacking.includes(party))) one.askAtMs = nowMs
    one.lacking = lacking
    if (lacking.length === 0) {
      this.#complete(one, nowMs)
      return
    }
    if (nowMs < one.askAtMs) return
    one.askAtMs = nowMs + Math.min(ASK_MOST_MS, ASK_FIRST_MS * 2 ** one.times)
    one.times = Math.min(one.times + 1, 10)
    const judgement = sorted(new Map([...one.given, ...one.partial]))
    for (const party of new Set([...lacking, ...one.partial.keys()]))
      if (party === replica.self) this.#judge(entry, party, judgement, nowMs)
      else if (replica.up.has(party)) this.#ask(party, entry, judgement)
  }

  #ask(party: string, entry: OpenRequest<Request>, judgement: JudgedBy[]): void {
    const { request, signature } = entry
    this.#replica.send(party, {
      type: 'JUDGE',
      request: { request, signature },
      openings: shownTo(entry, party),
      ...(judgement.length > 0 && { judgement }),
    })
  }

  #complete(one: Waiting, nowMs: number): void {
    const { contract, outbox, chain } = this.#replica
    const judgement = sorted(one.given)
    const { id, request } = one.entry
    this.#waiting.delete(id)
    const { openings: all } = withRevealed(one)
    if (!fits(judgement, request, all)) {
      outbox.log('error', 'judgement-too-large', { contract, request: id })
      dropRequests(outbox, contract, [id])
      return
    }
    // Nobody may have to judge it any more: what it names is gone. What was revealed and does not stand is told to nobody.
    const isJudged = judgement.length > 0
    const openings = pickOpenings(request.operations, all, judgement)
    const entry = { ...one.entry, openings, ...(isJudged && { judgement }), local: true }
    if (isJudged) outbox.write({ kind: 'judgement', contract, id, judgement })
    outbox.write({ kind: 'openings', contract, openings: entry.openings })
    chain.add(entry)
    this.#replica.sendRequest(undefined, entry)
    this.#replica.ordering.retryWaiting(nowMs)
  }

  // ── being asked ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Judges a request of another member's. @throws CountersignError where it is refused */
  asked(from: string, message: JudgeMessage, nowMs: number): void {
    const replica = this.#replica
    const { contract, roster, chain } = replica
    const checked = checkAnyRequest(message.request, contract, (own) => roster.authorKeyOf(own))
    const { id, request } = checked
    if (request.author !== from || epochOperationOf(request))
      throw new CountersignError(
        'bad-request',
        'a request is judged for its author, and not one on the epoch',
      )
    if (chain.hasOrdered(id)) return
    if (request.notAfterMs + replica.electorate.policy.clockBoundMs < nowMs)
      throw new CountersignError('expired', 'the request’s notAfterMs has passed')
    const { judgement = [] } = message
    this.#check(id, judgement)
    const openings = pickOpenings(request.operations, message.openings, judgement)
    // A value that its author can't show may be somebody else's of before, put forward unopened to be shown what it is.
    const came = new Set(openings.map(commitmentOf))
    for (const { commitment, readers } of committedIn(request.operations))
      if (readers?.includes(replica.self) && !came.has(commitment))
        throw new CountersignError('bad-request', 'a private value came without its opening')
    const entry = { ...checked, openings } as OpenRequest<Request>
    this.#judge(entry, from, judgement, nowMs)
  }

  #judge(entry: OpenRequest<Request>, to: string, others: readonly JudgedBy[], nowMs: number): void {
    const { contract, chain, self, phase, status, electorate, outbox } = this.#replica
    const voteKey = electorate.voteKeys.get(self)
    if (phase !== 'signing' || status !== 'accepted' || voteKey === undefined) return
    try {
      const { openings, waits, ...said } = judge(
        chain.tip.state,
        entry,
        chain.sourceFor(entry),
        this.#at(nowMs),
        self,
        others,
      )
      // It is a receipt: what it is for is on disk before it is signed.
      const held = entry.openings.filter(({ of }) => of !== undefined)
      if (held.length + openings.length > 0)
        outbox.write({ kind: 'openings', contract, openings: [...held, ...openings] })
      const revealed = new Set(said.reveals ?? [])
      this.#signing.set(entry.id, {
        to,
        openings: openings.filter((opening) => revealed.has(commitmentOf(opening))),
        waits: waits !== undefined,
        reveals: (said.reveals ?? []).join(),
        items: said.items.length,
      })
      const statement = judgementAt(this.#placeOf(entry.id), said)
      outbox.sign(contract, { kind: 'judgement', statement, voteKey })
    } catch (error) {
      // Others judge first what this party can't see: its author asks again with what they say.
      if (error instanceof NotJudged) return
      if (!(error instanceof ValueNotHeld)) throw error
      // Somebody may have named a result without showing it: of a request made here all are asked again.
      const one = this.#waiting.get(entry.id)
      for (const said of [one?.given, one?.partial, one?.revealed]) said?.clear()
      outbox.log('warn', 'not-judged', { contract, request: entry.id, reason: error.message })
    }
  }

  #placeOf(request: string): Pick<Judgement, 'contract' | 'lineage' | 'epoch' | 'request'> {
    const { contract, lineage, epochs } = this.#replica
    return { contract, lineage: lineage.number, epoch: epochs.number, request }
  }

  /** The signer has answered; refused: why it did not sign. */
  signed(statement: Judgement, signature: StatementSignature | undefined, nowMs: number): void {
    const { request, items, reveals, epoch } = statement
    const asked = this.#signing.get(request)
    if (asked === undefined) return
    // Asked again meanwhile, of other values: this answer is to the question before.
    if (asked.reveals !== (reveals ?? []).join() || asked.items !== items.length) return
    this.#signing.delete(request)
    if (signature === undefined || epoch !== this.#replica.epochs.number) return
    const { self } = this.#replica
    const judged: JudgedBy = { party: self, items, ...(reveals && { reveals }), signature }
    const openings = [...asked.openings]
    const answer = { request, judged, openings, ...(asked.waits && { waits: true as const }) }
    if (asked.to === self) this.#take(answer, nowMs)
    else this.#replica.send(asked.to, { type: 'JUDGED', ...answer })
  }

  /** Takes what a party judges of a request of this party's. @throws CountersignError `bad-signature`, `unknown-party` */
  answered(from: string, message: JudgedMessage, nowMs: number): void {
    const { request, judged } = message
    if (judged.party !== from || !this.#waiting.has(request)) return
    this.#check(request, [judged])
    this.#take(message, nowMs)
  }

  #take({ judged, request, openings, waits }: Omit<JudgedMessage, 'type'>, nowMs: number): void {
    const one = this.#waiting.get(request)
    if (one === undefined) return
    const { party } = judged
    const byCommitment = new Map(openings.map((opening) => [commitmentOf(opening), opening]))
    const brought = revealedIn([judged]).map((commitment) => byCommitment.get(commitment))
    // What is revealed and not opened nobody could take with the request: its judge is asked again. No private value is among it.
    if (!brought.every((opening) => opening !== undefined && opening.of === undefined)) return
    one.revealed.set(party, brought as Opening[])
    const known = one.partial.get(party) ?? one.given.get(party)
    one.given.delete(party)
    one.partial.delete(party)
    ;(waits ? one.partial : one.given).set(party, judged)
    // Who waits can go on with what is new.
    const isNew = one.partial.size > 0 && judged.items.length !== known?.items.length
    if (isNew && one.hurried < HURRIED_MAX) {
      one.hurried += 1
      one.askAtMs = nowMs
    }
    this.#look(one, nowMs)
  }

  // ── time ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The ledger has gone on: what was judged may be of other values now. */
  committed(done: Iterable<{ block: AnyLedgerBlock }>, nowMs: number): void {
    const { contract, outbox } = this.#replica
    for (const { block } of done)
      for (const { request: id, judgement } of entriesOf(block)) {
        this.#waiting.delete(id)
        if (judgement !== undefined) outbox.write({ kind: 'judgement', contract, id, judgement })
      }
    for (const one of this.#waiting.values()) one.lookAtMs = Math.min(one.lookAtMs, nowMs + AGAIN_MS)
  }

  peerUp(nowMs: number): void {
    for (const one of this.#waiting.values()) {
      one.times = 0
      one.askAtMs = nowMs
    }
  }

  wakeMs(): number | undefined {
    const times = [...this.#waiting.values()].flatMap(({ askAtMs, lookAtMs, entry }) => [
      askAtMs,
      lookAtMs,
      this.#expiryMs(entry.request),
    ])
    return times.length === 0 ? undefined : Math.min(...times)
  }

  #expiryMs({ notAfterMs }: AnyRequest): number {
    return notAfterMs + 2 * this.#replica.chain.clockBoundMs + 1
  }

  tick(nowMs: number): void {
    for (const [id, one] of this.#waiting)
      if (this.#expiryMs(one.entry.request) <= nowMs) {
        this.#waiting.delete(id)
        dropRequests(this.#replica.outbox, this.#replica.contract, [id])
      } else if (Math.min(one.askAtMs, one.lookAtMs) <= nowMs) this.#look(one, nowMs)
  }
}

/** A request with what its judges reveal, as they said it last. */
function withRevealed({ entry, revealed }: Waiting): Waiting['entry'] {
  return { ...entry, openings: [...entry.openings, ...[...revealed.values()].flat()] }
}

/** Whether everybody can take a request with this judgement (REQ-2, BLK-2). */
function fits(
  judgement: readonly JudgedBy[],
  { operations }: Request,
  openings: readonly Opening[],
): boolean {
  if (judgementsSizeBytes([{ judgement }]) > JUDGEMENTS_MAX_BYTES) return false
  try {
    pickOpenings(operations, openings, judgement)
    return true
  } catch (error) {
    if (error instanceof CountersignError) return false
    throw error
  }
}

function sorted(given: ReadonlyMap<string, JudgedBy>): JudgedBy[] {
  return [...given.values()].sort((a, b) => (a.party < b.party ? -1 : 1))
}

/** Whether the private values that a request of this party names are here. */
function holdsOwn({ request, openings }: OpenRequest<AnyRequest>): boolean {
  const held = new Set(openings.map(commitmentOf))
  return committedIn(request.operations).every(
    ({ commitment, readers }) => readers === undefined || held.has(commitment),
  )
}
