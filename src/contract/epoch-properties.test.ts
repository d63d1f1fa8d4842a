/**
 * Random stories of a contract whose members come and go. What must hold is kept account of here by itself, from the requests
 * that were ordered and nothing else.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Club, type Step } from '../../test/support/epoch-club.ts'
import { DAY_MS } from '../../test/support/epoch-ledger.ts'
import { type FixtureParty, rekeyed } from '../../test/support/ledger-parties.ts'
import { cardHash } from '../ledger/epoch.ts'
import { type AnyRequest, epochOperationOf } from '../ledger/request.ts'
import type { TurnEntry } from '../ledger/turn.ts'
import { authorKeysAt, electorateAt } from './epoch.ts'
import { EPOCH_OUTCOME_CODES } from './epoch-outcome.ts'
import { restoreState, stateRoot } from './state.ts'
import { executeTurn } from './turn.ts'

/** What somebody tries next: `who` and `whom` pick parties, `which` a change. */
type Move = {
  kind:
    | 'invite'
    | 'accept'
    | 'vote'
    | 'no'
    | 'leave'
    | 'card'
    | 'policy'
    | 'remove'
    | 'wait'
    | 'turn'
    | 'all-yes'
  who: number
  whom: number
  which: number
  isOdd: boolean
}

const kinds = [
  ...['invite', 'invite', 'accept', 'accept', 'vote', 'vote', 'vote', 'all-yes', 'all-yes', 'no'],
  ...['leave', 'card', 'policy', 'remove', 'wait', 'turn', 'turn', 'turn', 'turn'],
] as Move['kind'][]
const move: fc.Arbitrary<Move> = fc.record({
  kind: fc.constantFrom(...kinds),
  who: fc.nat(20),
  whom: fc.nat(20),
  which: fc.nat(20),
  isOdd: fc.boolean(),
})
const story = fc.array(move, { minLength: 20, maxLength: 45 })

/** What was ordered, by the requests alone. */
class Account {
  readonly yeses = new Map<string, Set<string>>()
  readonly accepted = new Map<string, string>()
  readonly left = new Set<string>()
  readonly proved = new Set<string>()
  readonly invited = new Map<string, string>()
  /** By height the members after it that were not on their way out. */
  readonly stayingAt = new Map<number, string[]>()

  note(id: string, request: AnyRequest, outcome: string): void {
    const operation = epochOperationOf(request)
    if (operation === undefined || outcome !== 'accepted') return
    const { author } = request
    const yes = (change: string) => this.yeses.set(change, (this.yeses.get(change) ?? new Set()).add(author))
    if (operation.op === 'invite') {
      const { card } = operation.card
      this.invited.set(id, card.party ?? cardHash(card))
    }
    if (operation.op === 'invite' || operation.op === 'policy') yes(id)
    if (operation.op === 'vote' && operation.yes) yes(operation.change)
    if (operation.op === 'accept') this.accepted.set(operation.change, author)
    if (operation.op === 'leave') this.left.add(author)
    if (operation.op === 'remove') this.proved.add(operation.evidence.party)
  }
}

/** A club that tries whatever it is told, keeps account of it, and checks what must hold after every block. */
class Story extends Club {
  readonly account = new Account()
  readonly seen = new Set<string>()
  /** Keys that a card has announced, taken when its turn comes. */
  readonly announced = new Map<string, FixtureParty>()
  readonly pool: FixtureParty[]

  constructor(members: number, policy: object) {
    super({ members, policy })
    this.pool = [...this.founders, this.elm, this.fir, this.party('Gorse Ltd')]
    this.check()
  }

  pick(index: number): FixtureParty {
    const { party } = this.pool[index % this.pool.length] as FixtureParty
    return this.known.get(party) as FixtureParty
  }

  stepOf({ kind, who, whom, which, isOdd }: Move): Step | undefined {
    const by = this.pick(who)
    const other = this.pick(whom)
    const change = this.changes[which % Math.max(1, this.changes.length)]
    const expiresMs = this.timeMs + (which % 4 === 0 ? 1 : 30) * DAY_MS
    switch (kind) {
      case 'invite':
        return this.invite(by, other, { role: isOdd ? 'observer' : 'member', expiresMs })
      case 'accept': {
        const invited =
          change !== undefined && 'party' in change && who % 4 > 0 ? this.known.get(change.party) : by
        return this.accept(invited ?? by, change?.change ?? '0'.repeat(64))
      }
      case 'vote':
      case 'no':
        return this.vote(by, change?.change ?? '0'.repeat(64), kind === 'vote')
      case 'leave':
        return this.leave(by, isOdd ? this.point() : { ...this.point(), epoch: 9 })
      case 'card': {
        const next = rekeyed(other, this.random)
        this.announced.set(cardHash(next.signedCard.card), next)
        return this.card(by, next, { expiresMs })
      }
      case 'policy':
        return this.policy(by, { expiresMs })
      case 'remove': {
        // Against two founders only: the others have done nothing wrong.
        const isGuilty = [this.founders[0]?.party, this.founders[1]?.party].includes(other.party)
        const evidence = this.twoVotes(other)
        return this.remove(by, isGuilty ? evidence : { ...evidence, second: evidence.first })
      }
      default:
        return undefined
    }
  }

  play(wanted: Move): void {
    if (wanted.kind === 'turn') this.tryTurn(wanted)
    else if (wanted.kind === 'wait') this.order([], { timeMs: this.timeMs + 2 * DAY_MS, certify: [] })
    else if (wanted.kind === 'all-yes') {
      const change = this.changes[wanted.which % Math.max(1, this.changes.length)]
      if (change !== undefined)
        this.ask(
          this.state.epoch.members.map((party) =>
            this.vote(this.known.get(party) as FixtureParty, change.change),
          ),
        )
    } else this.ask([this.stepOf(wanted) as Step])
    this.check()
  }

  /** Orders what its author may ask for; the rest no member would let in. */
  ask(steps: Step[]): void {
    const requests = steps.map(([author, operation]) => this.request(author, [operation]))
    const keyOf = authorKeysAt(this.state)
    const fit = requests.filter(({ request }) => keyOf(request) === request.authorKey)
    const { outcomes } = this.order(fit, { certify: [] })
    for (const [index, { id, request }] of fit.entries()) {
      this.account.note(id, request, outcomes[index] as string)
      this.seen.add(outcomes[index] as string)
    }
  }

  tryTurn({ which, isOdd }: Move): void {
    const turns = this.turns()
    const turn = turns[which % Math.max(1, turns.length)]
    if (turn === undefined || this.tip.block.entries.some(({ kind }) => kind === 'turn')) {
      this.order([], { certify: [] })
      return
    }
    this.#takeNewKeys(turn.entry)
    const before = this.state.epoch.members
    const entry = this.turnEntry(turn.entry.change)
    const lacking = {
      ...entry,
      certificate: entry.certificate.toSpliced(which % entry.certificate.length, 1),
    }
    expect(() => executeTurn(this.state, lacking, this.place())).toThrow()
    if (isOdd) this.order([], { certify: [] })
    const last = isOdd ? this.turnEntry(turn.entry.change) : entry
    this.turn(last, { certify: [] })
    this.checkTurn(before, last)
  }

  /** Who replaces its keys signs the turn by the new ones, and everything after. */
  #takeNewKeys({ cards }: Pick<TurnEntry, 'cards'>): void {
    for (const hash of [
      ...cards,
      ...this.changes.flatMap((one) => ('card' in one ? [cardHash(one.card)] : [])),
    ]) {
      const next = this.announced.get(hash)
      if (next !== undefined && cards.includes(hash)) this.know(next)
    }
  }

  /** Nobody comes in without its own accept and everybody's yes; nobody goes but by its own signature or by evidence. */
  checkTurn(before: readonly string[], { change, members }: TurnEntry): void {
    const { account } = this
    const come = members.filter((party) => !before.includes(party))
    const gone = before.filter((party) => !members.includes(party))
    for (const party of gone) expect(account.left.has(party) || account.proved.has(party)).toBe(true)
    for (const party of gone) account.left.delete(party)
    expect(come.length).toBeLessThanOrEqual(change === undefined ? 0 : 1)
    for (const party of come) {
      expect(account.invited.get(change as string)).toBe(party)
      expect(account.accepted.get(change as string)).toBe(party)
    }
    const brought = this.at(this.height - 1).state.epoch.changes?.find((one) => one.change === change)
    if (brought === undefined || !('yes' in brought)) return
    for (const party of account.stayingAt.get(brought.decided?.height ?? -1) ?? ['nobody'])
      expect(account.yeses.get(brought.change)).toContain(party)
  }

  /** One electorate a height, and all of it hangs together. */
  check(): void {
    const { state, account } = this
    const { epoch } = state
    const electorate = electorateAt(state)
    const { members, observers, cards, voteKeys, cosignKeys, quorum } = electorate
    expect(members.length).toBeGreaterThan(0)
    expect(new Set([...members, ...observers]).size).toBe(members.length + observers.length)
    expect([...voteKeys.keys()]).toEqual(members)
    expect([...cosignKeys.keys()]).toEqual(members)
    expect(2 * quorum).toBeGreaterThan(members.length)
    expect(epoch.epoch).toBe(this.turnHeights.length)
    const keys = [...cards.values()].flatMap((card) => Object.values(card.keys))
    expect(new Set(keys).size).toBe(keys.length)
    expect([...cards].map(([party, card]) => card.party ?? party)).toEqual([...members, ...observers])
    const leaving = new Set(members.filter((party) => account.left.has(party) || account.proved.has(party)))
    for (const one of this.changes)
      if (one.op === 'leave' || one.op === 'remove')
        expect(leaving.has(one.party) || observers.includes(one.party)).toBe(true)
    const staying = members.filter((party) => !leaving.has(party))
    account.stayingAt.set(this.height, staying)
    const restored = restoreState(this.contract, structuredClone([...state.map.entries()]), this.genesis)
    expect(stateRoot(restored)).toBe(stateRoot(state))
    expect(electorateAt(restored)).toEqual(electorate)
  }
}

function play(members: number, moves: readonly Move[], policy: object = {}): Story {
  const one = new Story(members, policy)
  for (const wanted of moves) one.play(wanted)
  return one
}

describe('any story of who comes and goes', () => {
  it('[EPO-2] [EPO-3] [EPO-5] [EPO-8] has one electorate a height; in by one’s own yes and all others’, out by one’s own or by evidence', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 5 }), story, (members, moves) => {
        play(members, moves)
      }),
      { numRuns: 25 },
    )
  })

  it('[EPO-4] is of many sorts: each outcome occurs but for those that take hundreds, turns of every kind, and all sizes', () => {
    const seen = new Set<string>()
    const turns = new Set<string>()
    const sizes = new Set<number>()
    for (const [members, moves] of fc.sample(fc.tuple(fc.integer({ min: 3, max: 5 }), story), {
      seed: 5,
      numRuns: 40,
    })) {
      const one = play(members, moves)
      for (const outcome of one.seen) seen.add(outcome)
      for (const height of one.turnHeights) {
        const [entry] = one.at(height).block.entries as [TurnEntry]
        const brought = one.at(height - 1).state.epoch.changes?.find(({ change }) => change === entry.change)
        turns.add(brought?.op === 'invite' ? `invite ${brought.role}` : (brought?.op ?? 'departures'))
        sizes.add(entry.members.length)
      }
    }
    const rare = [
      'last-member',
      'bad-expiry',
      'card-forked',
      'card-outdated',
      'epoch-full',
      'key-in-use',
      // Where the policy lets everybody invite, never.
      'may-not-invite',
      'too-many-changes',
    ]
    const codes = Object.keys(EPOCH_OUTCOME_CODES).filter((code) => !rare.includes(code))
    expect([...seen]).toEqual(expect.arrayContaining(['accepted', ...codes]))
    expect([...turns].sort()).toEqual(['card', 'departures', 'invite member', 'invite observer', 'policy'])
    expect([...sizes]).toEqual(expect.arrayContaining([1, 2, 3, 4, 5, 6]))
  })
})
