import { describe, expect, it } from 'vitest'
import { Club, type Step } from '../../test/support/epoch-club.ts'
import { DAY_MS } from '../../test/support/epoch-ledger.ts'
import { type FixtureParty, rekeyed } from '../../test/support/ledger-parties.ts'
import { cardHash } from '../ledger/epoch.ts'
import type { AnyRequest } from '../ledger/request.ts'
import { authorKeysAt, electorateAt } from './epoch.ts'
import { type ContractState, recordHash, restoreState, stateRoot } from './state.ts'

const isDecided = (club: Club, change: string) => {
  const found = club.changes.find((one) => one.change === change)
  expect(found).toBeDefined()
  return found?.decided !== undefined
}

describe('a change', () => {
  it('[EPO-5] of a policy is decided with the last member’s yes, in that block', () => {
    const club = new Club()
    const change = club.done(club.policy(club.alder))
    expect(isDecided(club, change)).toBe(false)
    club.done(club.vote(club.cedar, change))
    expect(isDecided(club, change)).toBe(false)
    club.done(club.vote(club.birch, change))
    const { header } = club.tip.block
    expect(club.changes).toMatchObject([
      {
        by: club.alder.party,
        yes: [club.alder.party, club.cedar.party, club.birch.party],
        decided: { height: header.height, timeMs: header.timeMs },
      },
    ])
  })

  it('[EPO-5] that invites takes every member’s yes and the invited party’s own, whichever comes last', () => {
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 2, 0],
    ]) {
      const club = new Club()
      const change = club.done(club.invite(club.alder, club.elm))
      const steps = [
        club.vote(club.birch, change),
        club.vote(club.cedar, change),
        club.accept(club.elm, change),
      ]
      for (const index of order) {
        expect(isDecided(club, change)).toBe(false)
        club.done(steps[index] as Step)
      }
      expect(isDecided(club, change)).toBe(true)
    }
  })

  it('[EPO-5] is taken back by one no, its author’s or another’s', () => {
    const club = new Club()
    for (const by of [club.alder, club.cedar]) {
      const change = club.done(club.invite(club.alder, club.elm))
      club.done(club.vote(club.birch, change))
      club.done(club.vote(by, change, false))
      expect(club.state.epoch).not.toHaveProperty('changes')
    }
  })

  it('[EPO-4] [EPO-5] has no effect by a yes or an accept given twice', () => {
    const club = new Club()
    const change = club.done(club.invite(club.alder, club.elm))
    club.done(club.accept(club.elm, change))
    const { epoch } = club.state
    for (const step of [club.vote(club.alder, change), club.accept(club.elm, change)]) {
      club.done(step)
      expect(club.state.epoch).toBe(epoch)
    }
    expect(club.tip.state).toBe(club.blocks.at(-2)?.state)
  })

  it('[EPO-5] of a card takes nobody’s yes, whoever sends it, and the later one takes its place', () => {
    const club = new Club()
    const next = rekeyed(club.alder, club.random)
    const last = rekeyed(next, club.random)
    club.done(club.card(club.birch, next))
    const change = club.done(club.card(club.cedar, last))
    expect(club.changes).toMatchObject([
      { change, op: 'card', by: club.cedar.party, party: club.alder.party, card: { sequence: 3 } },
    ])
    expect(isDecided(club, change)).toBe(true)
  })

  it('[EPO-5] that takes a party out takes its open changes with it, and needs its yes no more', () => {
    for (const out of ['leave', 'remove'] as const) {
      const club = new Club()
      const own = club.done(club.invite(club.cedar, club.elm))
      const policy = club.done(club.policy(club.alder))
      club.done(club.card(club.alder, rekeyed(club.cedar, club.random)))
      const kept = club.done(club.card(club.cedar, rekeyed(club.birch, club.random)))
      const fir = club.done(club.invite(club.birch, club.fir))
      club.do(club.vote(club.birch, policy), club.vote(club.birch, own), club.vote(club.alder, own))
      const gone = club.done(
        out === 'leave' ? club.leave(club.cedar) : club.remove(club.birch, club.twoVotes(club.cedar)),
      )
      expect(club.changes.map(({ change }) => change)).toEqual([policy, kept, fir, gone])
      expect(isDecided(club, policy)).toBe(true)
      expect(isDecided(club, fir)).toBe(false)
      expect(club.changes.at(-1)).toMatchObject({ op: out, party: club.cedar.party })
      expect(club.changes[0]?.decided?.height).toBe(club.height)
    }
  })

  it('[EPO-5] that is decided stays so when its author is taken out', () => {
    const club = new Club()
    const change = club.decideInvitation(club.elm)
    club.done(club.leave(club.alder))
    expect(isDecided(club, change)).toBe(true)
  })

  it('[EPO-5] may be open beside others: two parties invited at once both get in', () => {
    const club = new Club()
    const [elm, fir] = club.do(club.invite(club.alder, club.elm), club.invite(club.birch, club.fir)) as [
      string,
      string,
    ]
    club.do(
      ...[club.alder, club.birch, club.cedar].flatMap((one) => [club.vote(one, fir), club.vote(one, elm)]),
      club.accept(club.elm, elm),
      club.accept(club.fir, fir),
    )
    expect(club.blocks.flatMap(({ outcomes }) => outcomes)).toEqual(Array(10).fill('accepted'))
    club.turn(club.turnEntry(fir))
    club.order()
    club.turn(club.turnEntry(elm))
    const founders = club.founders.map(({ party }) => party)
    expect(club.state.epoch.members).toEqual([...founders, club.fir.party, club.elm.party])
  })

  it('[EPO-6] lapses with the first block past its expiry, decided or not, and is dropped with the next effect', () => {
    const club = new Club()
    const { expiresMs } = club
    const change = club.done(club.invite(club.alder, club.elm, { expiresMs }))
    const decided = club.done(club.card(club.alder, rekeyed(club.alder, club.random), { expiresMs }))
    const at = (timeMs: number) => [
      club.codeOf(club.vote(club.birch, change), timeMs),
      club.codeOf(club.accept(club.elm, change), timeMs),
      club.codeOf(club.vote(club.birch, decided), timeMs),
      club.turns(timeMs).length,
    ]
    expect(at(expiresMs)).toEqual(['accepted', 'accepted', 'change-decided', 1])
    expect(at(expiresMs + 1)).toEqual(['change-gone', 'change-gone', 'change-gone', 0])
    // Time alone changes nothing, nor does what has no effect.
    club.order([], { timeMs: expiresMs + 1 })
    const [author, operation] = club.vote(club.birch, change)
    club.order([club.request(author, [operation])])
    expect(club.tip.outcomes).toEqual(['change-gone'])
    expect(club.changes).toHaveLength(2)
    const again = club.done(club.invite(club.birch, club.elm))
    expect(club.changes.map((one) => one.change)).toEqual([again])
  })

  it('[EPO-6] that takes a party out does not lapse', () => {
    const club = new Club()
    const change = club.done(club.leave(club.alder))
    club.order([], { timeMs: club.timeMs + 1000 * DAY_MS })
    club.done(club.invite(club.birch, club.elm))
    expect(club.changes[0]?.change).toBe(change)
    expect(club.turns()).toHaveLength(1)
  })

  it('[EPO-4] has evidence checked by former keys too: nobody sheds it with a new card', () => {
    const club = new Club()
    const before = club.cedar
    const evidence = [club.twoVotes(before), club.twoCheckpoints(before)]
    const next = club.rekey(before)
    club.turn(club.turnEntry(club.done(club.card(before, next))))
    expect(club.state.epoch.former).toEqual([
      [before.party, before.keys.vote.publicKey, before.keys.cosign.publicKey],
    ])
    for (const one of [...evidence, club.twoVotes(next, 1)])
      expect(club.codeOf(club.remove(club.alder, one))).toBe('accepted')
    const foreign = { ...club.twoVotes(club.birch, 1), party: before.party }
    expect(club.codeOf(club.remove(club.alder, foreign))).toBe('evidence-fails')
  })
})

describe('the epoch record', () => {
  it('[STA-2] [EPO-3] is the one effect of a change, and nothing but its elements’ record stands in the map', () => {
    const club = new Club()
    const [author, operation] = club.invite(club.alder, club.elm, { older: true, role: 'observer' })
    const request = club.request(author, [operation])
    const { effects, changes, state } = club.execute([request])
    expect(state.epoch).toEqual({
      ...club.state.epoch,
      changes: [
        {
          op: 'invite',
          change: request.id,
          by: club.alder.party,
          party: club.elm.party,
          card: club.elm.signedCard.card,
          role: 'observer',
          older: true,
          expiresMs: (operation as { expiresMs: number }).expiresMs,
          yes: [club.alder.party],
        },
      ],
    })
    expect(changes).toEqual([[state.epochUid, state.epoch]])
    expect(effects).toEqual([[[state.epochUid, recordHash(state.epoch)]]])
    expect(state.map.get(state.epochUid)).toBe(state.epoch)
    expect(stateRoot(state)).not.toBe(stateRoot(club.state))
  })

  it('[EPO-3] is as it was where what was asked for was taken back, and so is the state root', () => {
    const club = new Club()
    const before = stateRoot(club.state)
    const change = club.done(club.policy(club.alder))
    club.done(club.vote(club.birch, change, false))
    expect(stateRoot(club.state)).toBe(before)
    const [by, operation] = club.policy(club.alder)
    const made = club.request(by, [operation])
    const [other, no] = club.vote(club.birch, made.id, false)
    // Net over a block, too.
    expect(club.execute([made, club.request(other, [no])]).changes).toEqual([])
  })

  it('[EPO-3] comes back from a store with all it holds, and brings the keys with it', () => {
    const club = new Club()
    club.admit(club.elm)
    club.order()
    club.admit(club.fir, 'observer')
    club.order()
    const next = club.rekey(club.alder)
    club.turn(club.turnEntry(club.done(club.card(club.alder, next))))
    club.do(club.policy(next), club.leave(club.birch), club.card(club.elm, rekeyed(club.elm, club.random)))
    club.done(club.invite(club.cedar, club.party('Gorse Ltd')))
    const { epoch } = club.state
    const lists = { newer: 3, observers: 1, arrived: 2, former: 1, changes: 4 }
    for (const [key, count] of Object.entries(lists)) expect(epoch).toHaveProperty([key, 'length'], count)
    const restore = (record: unknown) =>
      restoreState(
        club.contract,
        [...club.state.map.entries()].map(([uid, one]) => [
          uid,
          uid === club.state.epochUid ? (record as never) : one,
        ]),
        club.genesis,
      )
    const restored = restore(JSON.parse(JSON.stringify(epoch)))
    expect(stateRoot(restored)).toBe(stateRoot(club.state))
    expect(electorateAt(restored)).toEqual(electorateAt(club.state))
    for (const key of Object.keys(lists)) {
      expect(() => restore({ ...epoch, [key]: [] })).toThrow('malformed record')
      expect(() => restore({ ...epoch, [key]: [{}] })).toThrow('malformed record')
    }
    for (const change of epoch.changes ?? [])
      for (const key of Object.keys(change)) {
        const broken = { ...change, [key]: { more: true } }
        expect(() => restore({ ...epoch, changes: [broken] })).toThrow('malformed record')
      }
  })

  it('[EPO-3] gives no keys of members whose cards are missing', () => {
    const club = new Club()
    const restored = restoreState(club.contract, club.state.map.entries() as never)
    expect(() => electorateAt(restored)).toThrow(expect.objectContaining({ code: 'invariant-broken' }))
  })
})

describe('the electorate of the next block', () => {
  const keysOf = (club: Club) => {
    const { voteKeys, cosignKeys, cards } = electorateAt(club.state)
    return { voteKeys: [...voteKeys], cosignKeys: [...cosignKeys], cards: [...cards.keys()] }
  }
  const keysBy = (use: 'vote' | 'cosign', parties: FixtureParty[]) =>
    parties.map(({ party, keys }) => [party, keys[use].publicKey])

  it('[EPO-2] is that of the genesis at first, whatever is decided, up to the turn', () => {
    const club = new Club({ policy: { quorum: 'bft' } })
    const founders = [club.alder, club.birch, club.cedar]
    club.decideInvitation(club.elm)
    club.done(club.card(club.birch, rekeyed(club.birch, club.random)))
    club.done(club.leave(club.alder))
    expect(electorateAt(club.state)).toMatchObject({
      contract: club.contract,
      lineage: 0,
      epoch: 0,
      quorum: 3,
      members: founders.map(({ party }) => party),
      observers: [],
      policy: club.genesis.policy,
    })
    expect(keysOf(club)).toMatchObject({
      voteKeys: keysBy('vote', founders),
      cosignKeys: keysBy('cosign', founders),
    })
  })

  it('[EPO-2] has a new card’s keys from the block after its turn, and a quorum of who is in then', () => {
    const club = new Club()
    const next = rekeyed(club.birch, club.random)
    const change = club.done(club.card(club.birch, next))
    club.know(next)
    club.turn(club.turnEntry(change))
    expect(keysOf(club).voteKeys).toEqual(keysBy('vote', [club.alder, next, club.cedar]))
    expect(keysOf(club).cosignKeys).toEqual(keysBy('cosign', [club.alder, next, club.cedar]))
    club.order()
    club.admit(club.elm)
    expect(electorateAt(club.state)).toMatchObject({ epoch: 2, quorum: 3 })
    expect(keysOf(club).voteKeys).toEqual(keysBy('vote', [club.alder, next, club.cedar, club.elm]))
  })

  it('[EPO-2] never counts an observer', () => {
    const club = new Club()
    club.admit(club.elm, 'observer')
    const { members, observers, quorum, voteKeys, cosignKeys, cards } = electorateAt(club.state)
    expect([members.length, quorum, voteKeys.size, cosignKeys.size]).toEqual([3, 2, 3, 3])
    expect(observers).toEqual([club.elm.party])
    expect(cards.get(club.elm.party)).toEqual(club.elm.signedCard.card)
    expect(club.state.epoch.observers).toEqual([[club.elm.party, cardHash(club.elm.signedCard.card)]])
  })
})

describe('who may make a request', () => {
  const keyAt = (state: ContractState, club: Club, [author, operation]: Step) =>
    authorKeysAt(state)(club.request(author, [operation]).request)

  it('[EPO-2] [REQ-6] is a member anything, an observer its leaving and its own card, an invited party its accept', () => {
    const club = new Club()
    const { alder, elm, fir } = club
    club.admit(fir, 'observer')
    const change = club.done(club.invite(alder, elm))
    const policy = club.done(club.policy(alder))
    const steps = (by: FixtureParty): Step[] => [
      club.invite(by, club.party('Gorse Ltd')),
      club.vote(by, change),
      club.policy(by),
      club.remove(by, club.twoVotes(club.birch)),
      club.card(by, rekeyed(alder, club.random)),
      club.accept(by, policy),
      club.accept(by, '0'.repeat(64)),
      club.card(by, rekeyed(by, club.random)),
      club.leave(by),
      club.accept(by, change),
    ]
    const given = (by: FixtureParty) =>
      steps(by).map((step) => keyAt(club.state, club, step) === by.keys.author.publicKey)
    expect(given(club.birch)).toEqual(Array(10).fill(true))
    expect(given(fir)).toEqual([...Array(7).fill(false), true, true, false])
    expect(given(elm)).toEqual([...Array(9).fill(false), true])
    expect(given(club.party('Stranger'))).toEqual(Array(10).fill(false))
    const create = (by: FixtureParty): AnyRequest => club.create(by, 'Amount').request
    const mayCreate = [club.birch, fir, elm].map((by) => authorKeysAt(club.state)(create(by)) !== undefined)
    expect(mayCreate).toEqual([true, false, false])
  })

  it('[EPO-2] makes it with the key in force at that height', () => {
    const club = new Club()
    const { alder } = club
    const next = rekeyed(alder, club.random)
    const change = club.done(club.card(alder, next))
    const before = club.state
    club.know(next)
    club.turn(club.turnEntry(change))
    expect(keyAt(before, club, club.leave(next))).toBe(alder.keys.author.publicKey)
    expect(keyAt(club.state, club, club.leave(alder))).toBe(next.keys.author.publicKey)
    club.order()
    club.done(club.leave(club.birch))
    const leaving = club.state
    club.turn()
    expect(keyAt(leaving, club, club.leave(club.birch))).toBe(club.birch.keys.author.publicKey)
    expect(keyAt(club.state, club, club.leave(club.birch))).toBeUndefined()
  })
})
