import { describe, expect, it } from 'vitest'
import { Club } from '../../test/support/epoch-club.ts'
import type { Policy } from '../ledger/epoch.ts'
import { guestsOf } from './epoch.ts'

const SEED = 'who lets in'
const [alder, birch, cedar] = new Club({ seed: SEED, members: 5 }).founders.map(({ party }) => party) as [
  string,
  string,
  string,
]

/** Five members under this policy, with an invitation of Elm's by the first, and what came of it. */
function invited(admit: Policy['admission']['admit']) {
  const club = new Club({ seed: SEED, members: 5, policy: { admission: { invite: 'any', admit } } })
  const change = club.done(club.invite(club.alder, club.elm))
  const say = (index: number, yes = true) => club.do(club.vote(club.founder(index), change, yes))
  const isGuest = () => guestsOf(club.state, club.timeMs).has(club.elm.party)
  const isOpen = () => club.changes.some((one) => one.change === change)
  const isDecided = () => {
    club.do(club.accept(club.elm, change))
    return club.changes.find((one) => one.change === change)?.decided !== undefined
  }
  return { club, say, isGuest, isOpen, isDecided }
}

describe('whose yes lets in', () => {
  it('[EPO-5] every member’s, unless the policy says otherwise; each can take it back', () => {
    const { say, isGuest, isDecided, isOpen } = invited('every')
    for (const index of [1, 2, 3]) say(index)
    expect([isGuest(), isDecided()]).toEqual([false, false])
    say(4)
    expect(isGuest()).toBe(true)
    const other = invited('every')
    other.say(4, false)
    expect([isOpen(), other.isOpen()]).toEqual([true, false])
  })

  it('[EPO-5] that of as many as order; one no takes nothing back but its author’s', () => {
    const { say, isGuest, isDecided, isOpen } = invited('quorum')
    say(1)
    say(2, false)
    expect([isGuest(), isDecided(), isOpen()]).toEqual([false, false, true])
    say(3)
    expect([isGuest(), isDecided()]).toEqual([true, true])
    const own = invited('quorum')
    own.say(0, false)
    expect(own.isOpen()).toBe(false)
  })

  it('[EPO-5] that of parties it names, who alone can take it back; where none of them is in, everybody’s', () => {
    const { say, isGuest, isDecided, isOpen } = invited([birch, cedar])
    say(3, false)
    say(1)
    expect([isOpen(), isGuest()]).toEqual([true, false])
    say(2)
    expect([isGuest(), isDecided()]).toEqual([true, true])
    const refused = invited([birch, cedar])
    refused.say(2, false)
    expect(refused.isOpen()).toBe(false)
    const strangers = invited(['ab'.repeat(32)])
    for (const index of [1, 2, 3]) strangers.say(index)
    expect(strangers.isGuest()).toBe(false)
    strangers.say(4)
    expect([strangers.isGuest(), strangers.isDecided()]).toEqual([true, true])
  })

  it('[EPO-5] a policy takes every member’s, whatever it says of invitations', () => {
    const club = new Club({
      seed: SEED,
      members: 5,
      policy: { admission: { invite: 'any', admit: [alder] } },
    })
    const change = club.done(club.policy(club.alder))
    for (const index of [1, 2, 3]) club.do(club.vote(club.founder(index), change))
    expect(club.changes[0]?.decided).toBeUndefined()
    club.do(club.vote(club.founder(4), change))
    expect(club.changes[0]?.decided).toBeDefined()
  })
})
