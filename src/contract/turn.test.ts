import { describe, expect, it } from 'vitest'
import { otherHash } from '../../test/support/audit.ts'
import { Club } from '../../test/support/epoch-club.ts'
import { DAY_MS } from '../../test/support/epoch-ledger.ts'
import { type FixtureParty, rekeyed } from '../../test/support/ledger-parties.ts'
import { cardHash } from '../ledger/epoch.ts'
import type { TurnEntry } from '../ledger/turn.ts'
import { epochUidOf, recordHash, stateRoot } from './state.ts'
import { executeTurn, turnsAt } from './turn.ts'

const bad = (code: string) => expect.objectContaining({ code })
const hashOf = ({ signedCard }: FixtureParty) => cardHash(signedCard.card)
const changesThatMayCome = (club: Club) => club.turns().map(({ entry }) => entry.change)

describe('the turns that may come next', () => {
  it('[EPO-7] are none while nothing is decided', () => {
    const club = new Club()
    expect(club.turns()).toEqual([])
    club.do(club.policy(club.alder), club.invite(club.birch, club.elm))
    expect(club.turns()).toEqual([])
  })

  it('[EPO-7] are one for each decided change, in ledger order', () => {
    const club = new Club()
    const open = club.done(club.policy(club.alder))
    const elm = club.decideInvitation(club.elm)
    const next = rekeyed(club.alder, club.random)
    const card = club.done(club.card(club.alder, next))
    const fir = club.decideInvitation(club.fir)
    expect(changesThatMayCome(club)).toEqual([elm, card, fir])
    club.do(club.vote(club.birch, open), club.vote(club.cedar, open))
    expect(changesThatMayCome(club)).toEqual([open, elm, card, fir])
    club.know(next)
    club.turn(club.turnEntry(card))
    club.order()
    expect(changesThatMayCome(club)).toEqual([open, elm, fir])
  })

  it('[EPO-7] are one alone where parties are to go, and it takes out all of them', () => {
    const club = new Club({ members: 4 })
    const elm = club.decideInvitation(club.elm)
    club.done(club.leave(club.birch))
    club.done(club.remove(club.alder, club.twoVotes(club.cedar)))
    expect(changesThatMayCome(club)).toEqual([undefined])
    club.turn()
    expect(club.state.epoch.members).toEqual([club.alder.party, club.founder(3).party])
    club.order()
    expect(changesThatMayCome(club)).toEqual([elm])
  })
})

describe('who was left out of a lineage', () => {
  it('[EPO-7] [EPO-8] goes with any turn, and its next card with it', () => {
    const club = new Club({ members: 4 })
    const elm = club.decideInvitation(club.elm)
    const card = club.done(club.card(club.cedar, rekeyed(club.cedar, club.random)))
    const recordAfter = (leftOut: string[]) =>
      turnsAt(club.state, club.timeMs, new Set(leftOut)).find(({ entry }) => entry.change === elm)?.next
    expect(recordAfter([])?.changes?.map(({ change }) => change)).toEqual([card])
    expect(recordAfter([club.cedar.party])?.members).not.toContain(club.cedar.party)
    expect(recordAfter([club.cedar.party])?.changes).toBeUndefined()
  })
})

describe('a turn', () => {
  it('[EPO-8] lets a member come in last, with its card', () => {
    const club = new Club()
    const { epoch } = club.state
    club.admit(club.elm)
    expect(club.state.epoch).toEqual({
      ...epoch,
      epoch: 1,
      members: [...epoch.members, club.elm.party],
      cards: [...epoch.cards, hashOf(club.elm)],
      newer: [club.elm.signedCard.card],
      arrived: [[club.elm.party, 1, false]],
    })
  })

  it('[EPO-8] lets observers come in beside the members, and says who is given older openings', () => {
    const club = new Club()
    const { epoch } = club.state
    const change = club.decideInvitation(club.elm, 'observer', true)
    const entry = club.turnEntry(change)
    expect(entry.observers).toEqual([[club.elm.party, hashOf(club.elm)]])
    club.turn(entry)
    expect(club.state.epoch).toEqual({
      ...epoch,
      epoch: 1,
      observers: [[club.elm.party, hashOf(club.elm)]],
      newer: [club.elm.signedCard.card],
      arrived: [[club.elm.party, 1, true]],
    })
    club.order()
    club.done(club.leave(club.elm))
    club.turn()
    expect(club.state.epoch).toEqual({ ...epoch, epoch: 2 })
  })

  it('[EPO-8] takes out who leaves, with all that is kept of it, and keeps the order of the others', () => {
    const club = new Club()
    const alder = club.rekey(club.alder)
    club.turn(club.turnEntry(club.done(club.card(club.alder, alder))))
    club.order()
    club.admit(club.elm)
    club.order()
    expect(club.state.epoch.former).toHaveLength(1)
    club.do(club.leave(alder), club.leave(club.elm))
    club.turn()
    const { members, cards } = club.state.epoch
    expect([members, cards]).toEqual([
      [club.birch.party, club.cedar.party],
      [hashOf(club.birch), hashOf(club.cedar)],
    ])
    for (const key of ['newer', 'arrived', 'former', 'changes'])
      expect(club.state.epoch).not.toHaveProperty(key)
    expect([...club.state.cards.newer]).toEqual([])
  })

  it('[EPO-8] brings a card or a policy, and nothing else', () => {
    const club = new Club()
    const { epoch } = club.state
    const birch = club.rekey(club.birch)
    club.turn(club.turnEntry(club.done(club.card(club.alder, birch))))
    const { members } = epoch
    const cards = epoch.cards.with(1, hashOf(birch))
    const { vote, cosign } = club.birch.keys
    const rekeyedRecord = {
      ...epoch,
      epoch: 1,
      cards,
      newer: [birch.signedCard.card],
      former: [[birch.party, vote.publicKey, cosign.publicKey]],
    }
    expect(club.state.epoch).toEqual(rekeyedRecord)
    club.order()
    const change = club.done(club.policy(club.alder))
    club.do(club.vote(birch, change), club.vote(club.cedar, change))
    club.turn(club.turnEntry(change))
    const policy = { ...epoch.policy, quorum: 'bft' }
    expect(club.state.epoch).toEqual({ ...rekeyedRecord, epoch: 2, members, policy })
  })

  it('[EPO-8] keeps no former keys of a card that has the same', () => {
    const club = new Club()
    const { keys, signedCard } = club.alder
    const next = rekeyed(club.alder, club.random)
    const card = { ...next.signedCard.card, keys: { ...next.signedCard.card.keys } }
    card.keys.vote = keys.vote.publicKey
    card.keys.cosign = keys.cosign.publicKey
    const signed = club.signedBy(club.alder, card, [signedCard])
    club.turn(club.turnEntry(club.done(club.card(club.alder, { ...club.alder, signedCard: signed }))))
    expect(club.state.epoch).not.toHaveProperty('former')
    expect(club.state.epoch.newer).toEqual([card])
  })

  it('[EPO-8] drops lapsed changes, and yeses of who is out; what is open stays so', () => {
    const club = new Club({ members: 4 })
    const oak = club.founder(3)
    const open = club.done(club.invite(club.alder, club.elm))
    club.do(club.vote(club.birch, open), club.vote(oak, open))
    club.done(club.policy(oak, { expiresMs: club.timeMs + DAY_MS }))
    club.done(club.leave(club.birch))
    club.order([], { timeMs: club.timeMs + 2 * DAY_MS })
    club.turn()
    expect(club.changes).toMatchObject([{ change: open, yes: [club.alder.party, oak.party] }])
    // Whoever was out and comes back has to say yes again.
    expect(club.changes[0]).not.toHaveProperty('decided')
  })

  it('[EPO-5] [EPO-8] leaves what was decided so, for who comes in as well; the rest needs its yes', () => {
    const club = new Club()
    const decided = club.decideInvitation(club.fir)
    const open = club.done(club.policy(club.alder))
    club.order()
    club.admit(club.elm)
    expect(changesThatMayCome(club)).toEqual([decided])
    club.do(club.vote(club.birch, open), club.vote(club.cedar, open))
    expect(changesThatMayCome(club)).toEqual([decided])
    club.do(club.vote(club.elm, open))
    expect(changesThatMayCome(club)).toEqual([decided, open])
  })

  it('[BLK-3] has the epoch record for its one effect, and the roots that follow', () => {
    const club = new Club()
    const entry = club.turnEntry(club.decideInvitation(club.elm))
    const executed = executeTurn(club.state, entry, club.place())
    const uid = epochUidOf(club.contract)
    expect(executed.entries).toEqual([entry])
    expect(executed.effects).toEqual([[[uid, recordHash(executed.state.epoch)]]])
    expect(executed.changes).toEqual([[uid, executed.state.epoch]])
    expect(executed.stateRoot).toBe(stateRoot(executed.state))
    expect(executed.state.map.get(uid)).toBe(executed.state.epoch)
  })
})

describe('a turn that a state does not let happen', () => {
  const refusal = (club: Club, entry: TurnEntry, timeMs?: number) => () =>
    executeTurn(club.state, entry, club.place(timeMs))

  it('[EPO-7] is of no change, of one that is not decided, brought, or taken back', () => {
    const club = new Club()
    const open = club.done(club.invite(club.alder, club.elm))
    const decided = club.decideInvitation(club.fir)
    const entry = club.turnEntry(decided)
    const { change: _, ...nothing } = entry
    for (const wrong of [nothing, { ...entry, change: open }, { ...entry, change: '0'.repeat(64) }])
      expect(refusal(club, wrong)).toThrow(bad('conflict'))
    club.turn(entry)
    club.order()
    expect(refusal(club, entry)).toThrow(bad('conflict'))
  })

  it('[EPO-6] [EPO-7] is of a change that has lapsed at its block’s time', () => {
    const club = new Club()
    const change = club.decideInvitation(club.elm)
    const entry = club.turnEntry(change)
    const { expiresMs } = club.changes[0] as { expiresMs: number }
    expect(refusal(club, entry, expiresMs)).not.toThrow()
    expect(refusal(club, entry, expiresMs + 1)).toThrow(bad('conflict'))
  })

  it('[EPO-7] brings a change while somebody is to go, or lets only one of them go', () => {
    const club = new Club()
    const entry = club.turnEntry(club.decideInvitation(club.elm))
    club.do(club.leave(club.alder), club.leave(club.birch))
    expect(refusal(club, entry)).toThrow(bad('conflict'))
    const both = club.turnEntry()
    const { members, cards } = club.state.epoch
    const one = { ...both, members: members.slice(1), cards: cards.slice(1) }
    expect(refusal(club, one)).toThrow(bad('bad-format'))
    expect(refusal(club, both)).not.toThrow()
  })

  it('[EPO-8] says anything else than what follows', () => {
    const club = new Club()
    club.admit(club.fir, 'observer')
    club.order()
    const entry = club.turnEntry(club.decideInvitation(club.elm))
    const { members, cards, policy, observers = [] } = entry
    const { observers: _, ...withoutObservers } = entry
    for (const wrong of [
      { ...entry, epoch: 1 },
      { ...entry, epoch: 3 },
      { ...entry, members: members.toReversed() },
      { ...entry, members: members.slice(0, 3), cards: cards.slice(0, 3) },
      { ...entry, members: [...members, club.fir.party], cards: [...cards, hashOf(club.fir)] },
      { ...entry, cards: cards.with(0, otherHash(cards[0] as string)) },
      { ...entry, policy: { ...policy, quorum: 'unanimous' as const } },
      { ...entry, policy: { ...policy, silenceMs: 60_000 } },
      { ...entry, observers: [...observers, [club.elm.party, hashOf(club.elm)] as [string, string]] },
      withoutObservers,
    ])
      expect(refusal(club, wrong)).toThrow(bad('bad-format'))
    expect(refusal(club, entry)).not.toThrow()
  })
})

describe('who has to sign a turn', () => {
  const signersOf = (club: Club, change?: string, timeMs?: number) =>
    club.turns(timeMs).find(({ entry }) => entry.change === change)?.signers ?? []

  it('[EPO-9] are all members that stay and at last who comes in, past the block that decided', () => {
    const club = new Club()
    const change = club.decideInvitation(club.elm)
    const decidedSize = club.height + 1
    club.order()
    expect(signersOf(club, change)).toEqual(
      [club.alder, club.birch, club.cedar, club.elm].map(({ party, keys }) => ({
        party,
        cosignKey: keys.cosign.publicKey,
        minSize: decidedSize,
        mayLack: false,
      })),
    )
  })

  it('[EPO-9] are not those who leave or are removed, nor observers', () => {
    const club = new Club()
    club.admit(club.elm, 'observer')
    club.order()
    club.done(club.leave(club.alder))
    club.done(club.remove(club.birch, club.twoVotes(club.cedar, 1)))
    const size = club.height + 1
    expect(signersOf(club)).toMatchObject([{ party: club.birch.party, minSize: size }])
  })

  it('[EPO-9] sign by the keys of the next epoch: a replaced one shows that its party holds it', () => {
    const club = new Club()
    const { birch } = club
    const next = rekeyed(birch, club.random)
    const change = club.done(club.card(birch, next))
    const byOld = club.turnEntry(change)
    expect(() => club.turn(byOld)).toThrow(bad('bad-signature'))
    club.know(next)
    expect(signersOf(club, change)[1]?.cosignKey).toBe(next.keys.cosign.publicKey)
    club.turn(club.turnEntry(change))
    expect(club.state.epoch.epoch).toBe(1)
  })

  it('[EPO-9] have seen, where one comes in, all that is decided: it joins that too', () => {
    const club = new Club()
    const change = club.decideInvitation(club.elm)
    const before = club.height
    club.done(club.card(club.birch, rekeyed(club.birch, club.random)))
    const entry = club.turnEntry(change)
    const [first, second, third, joiner] = entry.certificate as [never, never, never, never]
    const early = club.cosignature(club.elm.party, before)
    expect(() => club.turn({ ...entry, certificate: [first, second, third, early] })).toThrow(
      bad('bad-signature'),
    )
    const others = club.founders.map(({ party }) => club.cosignature(party, before))
    expect(() => club.turn({ ...entry, certificate: [...others, joiner] })).not.toThrow()
  })

  it('[EPO-9] cosign in the epoch that ends: what they signed in the one before does not count', () => {
    const club = new Club()
    const elm = club.decideInvitation(club.elm)
    const fir = club.decideInvitation(club.fir)
    const height = club.height
    club.turn(club.turnEntry(fir))
    const old = club.turnEntry(elm)
    expect(old.certificate.every(({ epoch }) => epoch === 0)).toBe(true)
    expect(() => club.turn(old)).toThrow(bad('bad-signature'))
    club.order()
    const entry = club.turnEntry(elm)
    const stale = entry.certificate.with(0, club.cosignature(club.alder.party, height))
    expect(() => club.turn({ ...entry, certificate: stale })).toThrow(bad('bad-signature'))
    expect(() => club.turn(entry)).not.toThrow()
  })

  const silenceMs = 3_600_000
  const without = (entry: TurnEntry, { party }: FixtureParty): TurnEntry => ({
    ...entry,
    certificate: entry.certificate.filter((one) => one.party !== party),
  })

  it('[EPO-10] may be without a member that has been silent as long as is agreed, which stays in', () => {
    const club = new Club({ policy: { silenceMs } })
    const change = club.decideInvitation(club.elm)
    const timeMs = club.timeMs + silenceMs
    const entry = club.turnEntry(change, timeMs)
    const lacking = without(entry, club.birch)
    expect(() => executeTurn(club.state, lacking, club.place(timeMs - 1))).toThrow(bad('bad-signature'))
    expect(() => executeTurn(club.state, lacking, club.place(timeMs))).not.toThrow()
    club.turn(lacking, { timeMs })
    expect(club.state.epoch.members).toContain(club.birch.party)
  })

  it('[EPO-10] are counted from the block that decided, not from a later one', () => {
    const club = new Club({ policy: { silenceMs } })
    const change = club.decideInvitation(club.elm)
    const timeMs = club.timeMs + silenceMs
    club.done(club.card(club.cedar, rekeyed(club.cedar, club.random)))
    const mayLack = (at: number) => signersOf(club, change, at).map((signer) => signer.mayLack)
    expect(mayLack(timeMs - 1)).toEqual([false, false, false, false])
    expect(mayLack(timeMs)).toEqual([true, true, true, false])
    club.done(club.leave(club.alder))
    expect(signersOf(club, undefined, timeMs).map((signer) => signer.mayLack)).toEqual([false, false])
  })

  it('[EPO-10] are never without who comes in or replaces its key, and without nobody where no lapse is agreed', () => {
    const club = new Club({ policy: { silenceMs } })
    const change = club.decideInvitation(club.elm)
    const card = club.done(club.card(club.birch, rekeyed(club.birch, club.random)))
    const timeMs = club.timeMs + 2 * silenceMs
    expect(signersOf(club, change, timeMs).map((one) => one.mayLack)).toEqual([true, true, true, false])
    expect(signersOf(club, card, timeMs).map((one) => one.mayLack)).toEqual([true, false, true])
    const strict = new Club()
    const other = strict.decideInvitation(strict.elm)
    expect(signersOf(strict, other, strict.timeMs + DAY_MS).some((one) => one.mayLack)).toBe(false)
  })
})
