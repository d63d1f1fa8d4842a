import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Club, type Step } from '../../test/support/epoch-club.ts'
import { DAY_MS } from '../../test/support/epoch-ledger.ts'
import { type FixtureParty, rekeyed, seededBytes, withKey } from '../../test/support/ledger-parties.ts'
import { EPOCH_OUTCOME_CODES, type EpochOutcomeCode } from './epoch-outcome.ts'

const ZEROS = '0'.repeat(64)

type Case = { club: Club; given: Step[]; accepted: Step[] }

/** For each code steps that are given it, and others of the same operations that are not. */
const cases: Record<EpochOutcomeCode, () => Case> = {
  'already-in': () => {
    const club = new Club()
    club.done(club.invite(club.alder, club.elm))
    club.admit(club.fir, 'observer')
    return {
      club,
      given: [
        club.invite(club.birch, club.elm),
        club.invite(club.alder, club.elm, { role: 'observer' }),
        club.invite(club.alder, club.birch),
        club.invite(club.alder, club.alder),
        club.invite(club.alder, club.fir),
      ],
      accepted: [club.invite(club.birch, club.party('Gorse Ltd'))],
    }
  },
  'bad-expiry': () => {
    const club = new Club()
    const soon = club.timeMs + 1000
    const late = soon + 180 * DAY_MS
    const next = rekeyed(club.alder, club.random)
    const steps = (expiresMs: number) => [
      club.invite(club.alder, club.elm, { expiresMs }),
      club.card(club.alder, next, { expiresMs }),
      club.policy(club.alder, { expiresMs }),
    ]
    return {
      club,
      given: [...steps(soon - 1), ...steps(late + 1)],
      accepted: [...steps(soon), ...steps(late)],
    }
  },
  'card-forked': () => {
    const club = new Club()
    const other = rekeyed(club.alder, seededBytes('another next card'))
    const before = club.alder
    const alder = club.rekey(before)
    const change = club.done(club.card(before, alder))
    club.turn(club.turnEntry(change))
    return {
      club,
      given: [club.card(alder, rekeyed(other, club.random))],
      accepted: [club.card(alder, rekeyed(alder, club.random))],
    }
  },
  'card-outdated': () => {
    const club = new Club()
    const next = rekeyed(club.alder, club.random)
    const last = rekeyed(next, club.random)
    club.done(club.card(club.alder, last))
    return {
      club,
      given: [club.card(club.birch, next), club.card(club.birch, club.alder), club.card(club.alder, last)],
      accepted: [club.card(club.alder, rekeyed(last, club.random))],
    }
  },
  'change-decided': () => {
    const club = new Club()
    const change = club.decideInvitation(club.elm)
    const card = club.done(club.card(club.birch, rekeyed(club.birch, club.random)))
    const open = club.done(club.policy(club.alder))
    return {
      club,
      given: [
        club.vote(club.birch, change, false),
        club.vote(club.birch, change),
        club.vote(club.cedar, card),
      ],
      accepted: [club.vote(club.birch, open)],
    }
  },
  'change-gone': () => {
    const club = new Club()
    const refused = club.done(club.invite(club.alder, club.elm))
    club.done(club.vote(club.birch, refused, false))
    const open = club.done(club.invite(club.alder, club.elm))
    return {
      club,
      given: [
        club.vote(club.cedar, refused),
        club.accept(club.elm, refused),
        club.vote(club.cedar, ZEROS, false),
      ],
      accepted: [club.vote(club.cedar, open), club.accept(club.elm, open)],
    }
  },
  'epoch-full': () => {
    const club = new Club({ members: 255, seed: 'a crowd' })
    club.done(club.invite(club.alder, club.elm))
    return {
      club,
      given: [club.invite(club.birch, club.fir)],
      accepted: [club.invite(club.birch, club.fir, { role: 'observer' })],
    }
  },
  'evidence-fails': () => {
    const club = new Club()
    const holds = club.twoVotes(club.cedar)
    const checkpoints = club.twoCheckpoints(club.cedar)
    return {
      club,
      given: [
        { ...holds, party: club.birch.party },
        { ...holds, second: holds.first },
        { ...holds, kind: 'two-finalizes' as const },
        { ...holds, second: { ...holds.second, signature: holds.first.signature } },
        { ...checkpoints, contract: ZEROS },
      ].map((evidence) => club.remove(club.alder, evidence)),
      accepted: [holds, checkpoints, club.twoVotes(club.cedar, 7)].map((one) => club.remove(club.birch, one)),
    }
  },
  'key-in-use': () => {
    const club = new Club()
    club.done(club.invite(club.alder, club.elm))
    const next = rekeyed(club.birch, club.random)
    const borrowed = withKey(next, 'tls', club.elm.keys.tls.publicKey, club.birch.keys.root)
    const kept = withKey(next, 'cosign', club.birch.keys.cosign.publicKey, club.birch.keys.root)
    return {
      club,
      given: [
        club.invite(club.birch, withKey(club.fir, 'cosign', club.cedar.keys.vote.publicKey)),
        club.invite(club.birch, withKey(club.fir, 'cosign', club.elm.keys.cosign.publicKey)),
        club.card(club.birch, borrowed),
      ],
      // Its own key from before may stay.
      accepted: [club.invite(club.birch, club.fir), club.card(club.birch, next), club.card(club.birch, kept)],
    }
  },
  'last-member': () => {
    const club = new Club()
    club.done(club.leave(club.alder))
    club.done(club.leave(club.birch))
    return {
      club,
      given: [club.leave(club.cedar), club.remove(club.cedar, club.twoVotes(club.cedar))],
      accepted: [club.invite(club.cedar, club.elm)],
    }
  },
  leaving: () => {
    const club = new Club()
    const change = club.done(club.invite(club.alder, club.elm))
    club.done(club.leave(club.birch))
    const by = (author: FixtureParty) => [
      club.invite(author, club.fir),
      club.vote(author, change),
      club.leave(author),
      club.policy(author),
      club.remove(author, club.twoVotes(club.alder)),
      club.card(author, rekeyed(author, club.random)),
    ]
    return { club, given: by(club.birch), accepted: by(club.cedar) }
  },
  'not-in': () => {
    const club = new Club()
    club.done(club.invite(club.alder, club.elm))
    club.done(club.leave(club.cedar))
    return {
      club,
      given: [
        club.card(club.alder, rekeyed(club.fir, club.random)),
        club.card(club.alder, rekeyed(club.elm, club.random)),
        club.card(club.alder, rekeyed(club.cedar, club.random)),
        club.remove(club.alder, club.twoVotes(club.elm)),
        club.remove(club.alder, club.twoVotes(club.cedar)),
      ],
      accepted: [
        club.card(club.alder, rekeyed(club.birch, club.random)),
        club.remove(club.alder, club.twoVotes(club.birch)),
      ],
    }
  },
  'not-invited': () => {
    const club = new Club()
    const change = club.done(club.invite(club.alder, club.elm))
    const policy = club.done(club.policy(club.birch))
    return {
      club,
      given: [club.accept(club.birch, change), club.accept(club.fir, change), club.accept(club.elm, policy)],
      accepted: [club.accept(club.elm, change)],
    }
  },
  'other-history': () => {
    const club = new Club()
    const change = club.done(club.invite(club.alder, club.elm))
    const point = club.point()
    return {
      club,
      given: [
        club.accept(club.elm, change, { genesis: ZEROS }),
        club.accept(club.elm, change, { checkpoint: { ...point, root: ZEROS } }),
        club.leave(club.birch, { ...point, size: point.size + 1 }),
        club.leave(club.birch, { ...point, epoch: 1 }),
      ],
      accepted: [
        club.accept(club.elm, change),
        club.leave(club.birch),
        club.leave(club.birch, club.point(0)),
      ],
    }
  },
  'policy-open': () => {
    const club = new Club()
    club.done(club.policy(club.alder))
    return {
      club,
      given: [club.policy(club.birch), club.policy(club.alder)],
      accepted: [club.invite(club.birch, club.elm)],
    }
  },
  'may-not-invite': () => {
    const seed = 'some invite'
    const [first] = new Club({ seed }).founders
    const admission = { invite: [first?.party ?? ''], admit: 'every' as const }
    const club = new Club({ seed, policy: { admission } })
    return {
      club,
      given: [club.invite(club.birch, club.elm)],
      accepted: [club.invite(club.alder, club.elm), club.policy(club.birch)],
    }
  },
  'too-many-changes': () => {
    const club = new Club()
    const change = club.decideInvitation(club.party('Decided'))
    expect(club.changes.find((one) => one.change === change)?.by).toBe(club.alder.party)
    for (const name of ['One', 'Two', 'Three', 'Four']) club.done(club.invite(club.alder, club.party(name)))
    return {
      club,
      given: [club.invite(club.alder, club.elm), club.policy(club.alder)],
      accepted: [club.invite(club.birch, club.elm), club.card(club.alder, rekeyed(club.alder, club.random))],
    }
  },
}

describe('the codes of outcomes on the epoch', () => {
  const codes = Object.keys(EPOCH_OUTCOME_CODES) as EpochOutcomeCode[]

  it.each(codes)('[EPO-4] %s is given where it should be, and only there', (code) => {
    const { club, given, accepted } = cases[code]()
    expect(given.map((step) => club.codeOf(step))).toEqual(given.map(() => code))
    expect(accepted.map((step) => club.codeOf(step))).toEqual(accepted.map(() => 'accepted'))
  })

  it('[EPO-4] are given by another code where its limit is just not reached', () => {
    const club = new Club()
    for (const name of ['One', 'Two', 'Three']) club.done(club.invite(club.alder, club.party(name)))
    expect(club.codeOf(club.invite(club.alder, club.elm))).toBe('accepted')
    club.done(club.policy(club.alder))
    expect(club.codeOf(club.invite(club.alder, club.elm))).toBe('too-many-changes')
  })
})

describe('the order in which an operation is checked', () => {
  const seed = 'all at once'
  const [first, , third] = new Club({ seed }).founders
  const admission = { invite: [first?.party ?? '', third?.party ?? ''], admit: 'every' as const }
  const club = new Club({ members: 256, seed, policy: { admission } })
  const { alder, birch, cedar, elm } = club
  const next = rekeyed(alder, club.random)
  const forked = rekeyed(rekeyed(alder, seededBytes('a fork')), club.random)
  const bad = { expiresMs: 0 }
  const leave = (party: FixtureParty) => club.done(club.leave(party))

  /** What the document says of each operation. */
  const rows = new Map(
    [
      ...readFileSync(new URL('../../docs/outcomes.md', import.meta.url), 'utf8').matchAll(
        /^\| `([a-z]+)` \| (`.+`) \|$/gm,
      ),
    ].map(([, op = '', list = '']) => [op, list.replaceAll('`', '').split(', ')]),
  )
  /** Each list of steps has one thing less wrong with it than the one before. */
  const expectOrder = (op: string, steps: (() => Step)[]) =>
    expect(steps.map((step) => club.codeOf(step()))).toEqual(rows.get(op))

  it('[EPO-4] is that of docs/outcomes.md', () => {
    // Changes of Cedar's fill its share; Birch is leaving.
    const open = club.done(club.policy(cedar))
    for (const name of ['One', 'Two', 'Three'])
      club.done(club.invite(cedar, club.party(name), { role: 'observer' }))
    leave(birch)
    const taken = withKey(elm, 'cosign', cedar.keys.vote.publicKey)
    const known = withKey(alder, 'cosign', cedar.keys.vote.publicKey)
    expectOrder('invite', [
      () => club.invite(birch, known, bad),
      () => club.invite(club.founder(3), known, bad),
      () => club.invite(cedar, known, bad),
      () => club.invite(cedar, alder),
      () => club.invite(cedar, taken),
      () => club.invite(cedar, elm),
      () => club.invite(cedar, elm, { role: 'observer' }),
    ])
    expectOrder('policy', [
      () => club.policy(birch, bad),
      () => club.policy(cedar, bad),
      () => club.policy(cedar),
      () => {
        club.done(club.vote(alder, open, false))
        club.done(club.invite(cedar, club.party('Five'), { role: 'observer' }))
        return club.policy(cedar)
      },
    ])
    const stranger = rekeyed(elm, club.random)
    const stolen = withKey(
      forked,
      'tls',
      cedar.keys.vote.publicKey,
      rekeyed(alder, seededBytes('a fork')).keys.root,
    )
    const change = club.done(club.card(alder, next))
    club.turn()
    club.order()
    club.know(next)
    club.turn(club.turnEntry(change))
    leave(cedar)
    expectOrder('card', [
      () => club.card(cedar, stranger, bad),
      () => club.card(next, stranger, bad),
      () => club.card(next, stranger),
      () => club.card(next, alder),
      () => club.card(next, stolen),
      () => {
        const last = rekeyed(next, club.random)
        return club.card(next, withKey(last, 'tls', cedar.keys.vote.publicKey, next.keys.root))
      },
    ])
    const invited = club.done(club.invite(next, elm))
    const elsewhere = { checkpoint: { ...club.point(), root: ZEROS } }
    expectOrder('accept', [
      () => club.accept(club.fir, ZEROS, elsewhere),
      () => club.accept(club.fir, invited, elsewhere),
      () => club.accept(elm, invited, elsewhere),
    ])
    const decided = club.done(club.card(next, rekeyed(next, club.random)))
    expectOrder('vote', [
      () => club.vote(cedar, ZEROS),
      () => club.vote(next, ZEROS),
      () => club.vote(next, decided),
    ])
  })

  it('[EPO-4] is that of docs/outcomes.md where nobody would be left', () => {
    const small = new Club()
    const elsewhere = { ...small.point(), root: ZEROS }
    const fails = small.twoVotes(small.cedar)
    small.done(small.leave(small.alder))
    small.done(small.leave(small.birch))
    expect(
      [small.leave(small.birch, elsewhere), small.leave(small.cedar, elsewhere)].map((step) =>
        small.codeOf(step),
      ),
    ).toEqual(rows.get('leave')?.slice(0, 2))
    expect(rows.get('leave')?.[2]).toBe('other-history')
    expect(
      [
        small.remove(small.birch, { ...fails, party: small.elm.party }),
        small.remove(small.cedar, { ...fails, party: small.elm.party }),
        small.remove(small.cedar, { ...fails, kind: 'two-finalizes' }),
        small.remove(small.cedar, fails),
      ].map((step) => small.codeOf(step)),
    ).toEqual(rows.get('remove'))
  })
})
