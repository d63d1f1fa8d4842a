import { describe, expect, it } from 'vitest'
import { Club } from '../../test/support/epoch-club.ts'
import { DAY_MS } from '../../test/support/epoch-ledger.ts'
import { recordHash } from './record.ts'
import { stateRoot } from './state.ts'
import { dueMs, executeTick } from './tick.ts'

describe('a TICK', () => {
  it('[EPO-14] is due one past the first expiry, and never where nothing lapses', () => {
    const club = new Club()
    expect(dueMs(club.state)).toBeUndefined()
    const expiresMs = club.timeMs + DAY_MS
    club.done(club.policy(club.alder, { expiresMs: expiresMs + 5 }))
    club.done(club.invite(club.alder, club.elm, { expiresMs }))
    expect(dueMs(club.state)).toBe(expiresMs + 1)
    club.order()
    club.done(club.leave(club.cedar))
    expect(dueMs(club.state), 'who leaves goes, however long it takes').toBe(expiresMs + 1)
  })

  it('[EPO-6] [EPO-14] takes what has lapsed out of the record, and nothing else', () => {
    const club = new Club()
    const expiresMs = club.timeMs + DAY_MS
    const [invitation, policy] = [
      club.done(club.invite(club.alder, club.elm, { expiresMs })),
      club.done(club.policy(club.birch, { expiresMs: expiresMs + 1 })),
    ]
    expect(() => executeTick(club.state, { height: 1, timeMs: expiresMs }, new Map())).toThrow(
      'before anything is due',
    )
    const first = executeTick(club.state, { height: 1, timeMs: expiresMs + 1 }, new Map())
    expect(first.state.epoch.changes?.map(({ change }) => change)).toEqual([policy])
    expect(first.stateRoot).toBe(stateRoot(first.state))
    expect(first.effects).toEqual([[[club.state.epochUid, recordHash(first.state.epoch)]]])
    expect(first.entriesRoot).not.toBe(
      executeTick(club.state, { height: 1, timeMs: expiresMs + 2 }, new Map()).entriesRoot,
    )
    const both = executeTick(club.state, { height: 1, timeMs: expiresMs + 2 }, new Map())
    expect(both.state.epoch.changes).toBeUndefined()
    expect(club.changes.map(({ change }) => change)).toEqual([invitation, policy])
    expect(() => executeTick(both.state, { height: 1, timeMs: expiresMs + DAY_MS }, new Map())).toThrow(
      'before anything is due',
    )
  })
})
