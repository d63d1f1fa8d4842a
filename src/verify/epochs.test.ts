import { describe, expect, it } from 'vitest'
import { audit, other, otherHash } from '../../test/support/audit.ts'
import { Club } from '../../test/support/epoch-club.ts'
import { DAY_MS, type EpochLedger } from '../../test/support/epoch-ledger.ts'
import { type FixtureParty, rekeyed } from '../../test/support/ledger-parties.ts'
import { signStatements } from '../crypto/statement.ts'
import type { TurnEntry } from '../ledger/turn.ts'
import type { Report } from './verifier.ts'

/** Of a bundle: tests alter any part of them. */
type Lines = ReturnType<EpochLedger['lines']>
type Line = Lines[number]

/** Elm comes in, Alder replaces its keys, Cedar leaves, Fir comes in as observer, under a new policy: five epochs after the first. */
function story(): Club {
  const club = new Club()
  club.order([club.create(club.alder, 'first')])
  club.admit(club.elm)
  club.order([club.create(club.elm, 'second')])
  const alder = club.rekeyLater(club.alder)
  club.know(alder)
  club.turn(club.turnEntry(alder.change))
  club.order([club.create(alder, 'third'), club.create(club.elm, 'fourth')])
  club.cosign([club.cedar.party])
  club.done(club.leave(club.cedar))
  club.turn()
  club.order()
  club.admit(club.fir, 'observer')
  club.order([club.create(club.birch, 'fifth')])
  const policy = club.done(club.policy(club.birch))
  club.do(club.vote(alder, policy), club.vote(club.elm, policy))
  club.turn(club.turnEntry(policy))
  club.order([club.create(club.elm, 'sixth')])
  club.cosign()
  return club
}

const everybody = (ledger: EpochLedger) => [...ledger.known.keys()]
const reportOn = (
  ledger: EpochLedger,
  alter: (lines: Lines) => unknown = () => undefined,
  unfinished = false,
): Report => {
  const lines = ledger.lines()
  alter(lines)
  return audit(lines, everybody(ledger), unfinished)
}
const findingOn = (ledger: EpochLedger, alter?: (lines: Lines) => unknown) => {
  const { verdict, finding } = reportOn(ledger, alter)
  return verdict === 'invalid' ? `${finding?.rule} ${finding?.place}` : verdict
}
const blockLine = (lines: Lines, height: number) =>
  lines.find((line) => line.type === 'ledger-block' && line.block.header.height === height)

describe('a ledger whose members come and go', () => {
  const club = story()
  const turns = club.turnHeights

  it('[BUN-2] [EPO-11] is valid, recomputed throughout, and final to its end', () => {
    const report = reportOn(club)
    expect(report).toMatchObject({ verdict: 'valid', height: club.height, tentativeHeights: 0 })
    expect(turns).toHaveLength(5)
    const requests = club.blocks.flatMap((one) => one.requests)
    const certified = turns.map(
      (height) => (club.at(height).block.entries[0] as TurnEntry).certificate.length,
    )
    const statements = club.blocks.flatMap(({ notarization, finalization }) =>
      [notarization, finalization].flatMap((one) => one?.signatures ?? []),
    )
    expect(report.counts).toEqual({
      ledgerBlocks: club.height,
      requests: requests.length,
      openings: 6,
      signatures:
        3 +
        requests.length +
        statements.length +
        certified.reduce((sum, count) => sum + count) +
        club.cosignatures.size,
    })
    expect(report.recomputed).toMatchObject({ outcomes: requests.length, stateRoots: club.height })
  })

  it('[BUN-2] names everybody who is or was a member, and how far each has cosigned', () => {
    const sizes = reportOn(club).members.map(({ party, name, cosignedSize }) => [party, name, cosignedSize])
    const size = club.height + 1
    expect(sizes).toEqual([
      [club.alder.party, 'Alder Insurance', size],
      [club.birch.party, 'Birch Shipping', size],
      [club.cedar.party, 'Cedar Bank', club.cosignatures.get(club.cedar.party)?.size],
      [club.elm.party, 'Elm Assay', size],
    ])
  })

  it('[CHK-1] [CHK-2] gives the final checkpoint as a note with the cosignatures of the last epoch’s members', () => {
    const { checkpoint = '' } = reportOn(club)
    expect(checkpoint.split('\n').slice(1, 4)).toEqual([
      `${club.height + 1}`,
      expect.any(String),
      `epoch ${turns.length}`,
    ])
    const signers = [...checkpoint.matchAll(/^— countersign\/(\S+) /gm)].map(([, party]) => party)
    expect(signers.sort()).toEqual([...club.state.epoch.members].sort())
  })

  it('[BUN-3] is by strangers where one who came later is not known', () => {
    const trusted = everybody(club).filter((party) => party !== club.elm.party)
    const report = audit(club.lines(), trusted)
    expect(report).toMatchObject({
      verdict: 'unidentified',
      finding: { rule: 'BUN-3', place: `ledger block ${turns[0]}` },
    })
    expect(report.finding?.message).toContain(club.elm.party)
    // An observer signs nothing that counts.
    expect(
      audit(
        club.lines(),
        trusted.concat(club.elm.party).filter((one) => one !== club.fir.party),
      ).verdict,
    ).toBe('valid')
  })

  it('[EPO-2] takes a request by the keys of its block’s epoch, and none by others', () => {
    const before = new Club()
    const late = rekeyed(before.alder, before.random)
    before.order([before.create(late, 'too early')])
    before.cosign()
    expect(findingOn(before)).toMatch(/^REQ-1 request \S+ in ledger block 1$/)
    const after = story()
    after.order([after.create(after.alder, 'by the old key')])
    after.cosign()
    expect(findingOn(after)).toMatch(new RegExp(`^REQ-1 request \\S+ in ledger block ${after.height}$`))
  })

  it.each([
    ['a member that has left', (one: Club) => one.create(one.cedar, 'late')],
    ['an observer', (one: Club) => one.create(one.fir, 'beyond its rights')],
    ['a stranger', (one: Club) => one.create(one.party('Stranger'), 'strange')],
    [
      'a stranger that accepts',
      (one: Club) => one.request(one.party('Stranger'), [one.accept(one.elm, '0'.repeat(64))[1]]),
    ],
  ])('[EPO-2] [REQ-6] takes no request of %s', (_, request) => {
    const one = story()
    one.order([request(one)])
    one.cosign()
    expect(findingOn(one)).toMatch(new RegExp(`^REQ-6 request \\S+ in ledger block ${one.height}$`))
  })

  it('[CARD-2] takes no card that is not proven', () => {
    const one = new Club()
    const card = { ...one.elm.signedCard, signature: one.fir.signedCard.signature }
    one.do(one.invite(one.alder, { ...one.elm, signedCard: card }))
    one.cosign()
    expect(findingOn(one)).toMatch(/^CARD-2 request \S+ in ledger block 1$/)
  })
})

describe('the block that ends an epoch', () => {
  /** A ledger in which Elm was let in by the third block, with a turn that `alter` has made false. */
  const falseTurn = (alter: (entry: TurnEntry, club: Club) => Partial<TurnEntry>, policy = {}) => {
    const club = new Club({ policy })
    const change = club.decideInvitation(club.elm)
    const entry = club.turnEntry(change)
    club.falseTurn({ ...entry, ...alter(entry, club) })
    club.cosign()
    return findingOn(club)
  }

  it('[EPO-7] brings no change that is not there', () => {
    expect(falseTurn(() => ({ change: '0'.repeat(64) }))).toBe('EPO-7 ledger block 3')
  })

  it('[EPO-7] has neither requests nor openings beside it', () => {
    const club = story()
    const [height = 0] = club.turnHeights
    for (const key of ['requests', 'openings'])
      expect(findingOn(club, (lines) => blockLine(lines, height)[key].push({}))).toBe(
        `EPO-7 ledger block ${height}`,
      )
  })

  it('[EPO-8] says what follows, and nothing else', () => {
    for (const alter of [
      ({ members }: TurnEntry) => ({ members: members.slice(1) }),
      ({ epoch }: TurnEntry) => ({ epoch: epoch + 1 }),
      ({ policy }: TurnEntry) => ({ policy: { ...policy, quorum: 'unanimous' as const } }),
    ])
      expect(falseTurn(alter)).toBe('EPO-8 ledger block 3')
  })

  it('[EPO-9] is certified by all, who cosigned this ledger', () => {
    const forged = new Club()
    for (const alter of [
      ({ certificate }: TurnEntry) => ({ certificate: certificate.slice(1) }),
      ({ certificate }: TurnEntry) => ({ certificate: certificate.toReversed() }),
      ({ certificate }: TurnEntry) => ({
        certificate: certificate.map((one) => ({ ...one, signature: other(one.signature) })),
      }),
      ({ certificate }: TurnEntry) => ({
        certificate: certificate.map((one) => ({ ...one, root: otherHash(one.root) })),
      }),
      ({ certificate }: TurnEntry, { alder }: Club) => ({
        certificate: certificate.with(0, forged.cosignature(alder.party, 0)),
      }),
    ])
      expect(falseTurn(alter)).toBe('EPO-9 ledger block 3')
    expect(falseTurn(() => ({}))).toMatch(/^BLK-2/)
  })

  it('[EPO-10] is certified without who was silent long enough, where that is agreed', () => {
    const silent = (silenceMs: number | null, afterMs: number) => {
      const club = new Club({ policy: { silenceMs } })
      const change = club.decideInvitation(club.elm)
      const timeMs = club.timeMs + afterMs
      const entry = club.turnEntry(change)
      const certificate = entry.certificate.filter(({ party }) => party !== club.birch.party)
      const isLet = silenceMs !== null && afterMs >= silenceMs
      if (isLet) club.turn({ ...entry, certificate }, { timeMs })
      else club.falseTurn({ ...entry, certificate }, { timeMs })
      if (isLet) club.order()
      club.cosign()
      return findingOn(club)
    }
    expect(silent(DAY_MS, DAY_MS)).toBe('valid')
    expect(silent(DAY_MS, DAY_MS - 1)).toBe('EPO-9 ledger block 3')
    expect(silent(null, 9 * DAY_MS)).toBe('EPO-9 ledger block 3')
  })

  it('[BLK-3] has its form', () => {
    const club = story()
    const [height = 0] = club.turnHeights
    const broken = (alter: (entry: Line, block: Line) => unknown) =>
      findingOn(club, (lines) => {
        const { block } = blockLine(lines, height)
        alter(block.entries[0], block)
      })
    for (const alter of [
      (entry: Line) => delete entry.certificate,
      (entry: Line) => Object.assign(entry, { effects: [] }),
      (entry: Line, block: Line) => block.entries.push(entry),
    ])
      expect(broken(alter)).toBe(`BLK-1 ledger block ${height}`)
  })

  it('[BLK-2] [STA-1] has the roots that follow from it', () => {
    const rooted = (key: 'entriesRoot' | 'stateRoot') => {
      const club = new Club()
      const entry = club.turnEntry(club.decideInvitation(club.elm))
      club.turn(entry, { alter: () => ({ [key]: '1'.repeat(64) }) })
      club.cosign(club.founders.map(({ party }) => party))
      return findingOn(club)
    }
    expect([rooted('entriesRoot'), rooted('stateRoot')]).toEqual([
      'BLK-2 ledger block 3',
      'STA-1 ledger block 3',
    ])
  })

  it('[EPO-12] lets nobody go by a checkpoint that the ledger never had', () => {
    const club = new Club()
    const forked = new Club({ seed: 'forked' })
    forked.order()
    club.order()
    club.do(club.leave(club.cedar, forked.point()))
    expect(club.tip.outcomes).toEqual(['other-history'])
    expect(club.turns()).toEqual([])
    const block = club.tip.block.entries[0] as { outcome: string; code?: string }
    // All members say that it was accepted: the auditor knows better.
    block.outcome = 'accepted'
    delete block.code
    club.cosign()
    expect(findingOn(club)).toMatch(/^REQ-4 request \S+ in ledger block 2$/)
  })
})

describe('the block after the one that ends an epoch', () => {
  /** A ledger of one turn and two blocks after it. */
  const turned = (options: object = {}, after: object = {}) => {
    const club = new Club()
    const entry = club.turnEntry(club.decideInvitation(club.elm))
    club.turn(entry, options)
    club.order([], after)
    club.order()
    club.cosign()
    return club
  }

  it('[EPO-11] is of the next epoch, and the one before it of the last', () => {
    expect(findingOn(turned())).toBe('valid')
    expect(findingOn(turned({}, { alter: () => ({ epoch: 0 }) }))).toBe('EPO-11 ledger block 4')
    expect(findingOn(turned({}, { alter: () => ({ epoch: 2 }) }))).toBe('EPO-11 ledger block 4')
    expect(findingOn(turned({ alter: () => ({ epoch: 1 }) }))).toBe('BLK-1 ledger block 3')
    const club = turned()
    club.order([], { alter: () => ({ epoch: 0 }) })
    expect(findingOn(club)).toBe('BLK-1 ledger block 6')
  })

  it('[EPO-11] has a committed parent: its COMMIT stands there, and no later one stands for it', () => {
    for (const key of ['notarization', 'finalization'])
      expect(findingOn(turned(), (lines) => delete blockLine(lines, 3)[key])).toBe('EPO-11 ledger block 4')
    expect(findingOn(turned({ certify: [] }))).toBe('EPO-11 ledger block 4')
    // Where the ledger ends with it nothing has been built on it.
    const last = new Club()
    last.turn(last.turnEntry(last.decideInvitation(last.elm)), { certify: [] })
    last.cosign(last.founders.map(({ party }) => party))
    expect(findingOn(last)).toBe('valid')
  })

  it('[EPO-11] comes in a view after that of the turn’s header, whose COMMIT may be of a later one', () => {
    expect(findingOn(turned({ certifiedView: 9 }))).toBe('valid')
    expect(findingOn(turned({ certifiedView: 9 }, { view: 9 }))).toBe('valid')
    expect(findingOn(turned({ view: 5, certifiedView: 9 }, { view: 6 }))).toBe('valid')
    expect(findingOn(turned({ view: 5, certifiedView: 9 }, { view: 5 }))).toBe('BLK-4 ledger block 4')
    expect(findingOn(turned({ view: 5, certifiedView: 4 }))).toBe('ORD-1 ledger block 3')
    const two = turned({ certifiedView: 9 })
    two.at(3).notarization = two.certificate('notarization', two.at(3), 8)
    expect(findingOn(two)).toBe('ORD-1 ledger block 3')
    // Of any other block a certificate of another view is none.
    const club = new Club()
    club.order([], { certifiedView: 2 })
    club.cosign()
    expect(findingOn(club)).toBe('ORD-1 ledger block 1')
  })

  it('[EPO-2] [ORD-1] is certified by the members of its epoch: the old ones certify the turn, the new ones what follows', () => {
    const club = turned()
    const founders = club.founders.map(({ party }) => party)
    const certified = (height: number, parties: string[]) => {
      const one = turned()
      one.at(height).notarization = one.certificate('notarization', one.at(height), undefined, parties)
      return findingOn(one)
    }
    expect(certified(3, founders.slice(1))).toBe('valid')
    expect(certified(3, [...founders, club.elm.party])).toBe('ORD-1 ledger block 3')
    expect(certified(4, [...founders.slice(1), club.elm.party])).toBe('valid')
    expect(certified(4, founders.slice(1))).toBe('ORD-1 ledger block 4')
    // With statements of the epoch before it is none either.
    const { notarization } = club.at(4)
    const statement = {
      contract: club.contract,
      lineage: 0,
      epoch: 0,
      view: 4,
      type: 'VOTE',
      block: notarization?.block,
    }
    for (const pair of notarization?.signatures ?? []) {
      const { keys } = club.known.get(pair[0]) as FixtureParty
      pair[1] = signStatements(keys.vote.privateKey, [statement as never])[0] as never
    }
    expect(findingOn(club)).toBe('ORD-1 ledger block 4')
  })
})

describe('how far a ledger is final', () => {
  /** Elm in by block 3, two blocks after it; founders and Elm have cosigned up to these heights. */
  const cosigned = (founders: (number | undefined)[], elm?: number) => {
    const club = new Club()
    club.admit(club.elm)
    club.order()
    club.order()
    for (const [index, height] of founders.entries())
      if (height !== undefined) club.cosign([(club.founders[index] as FixtureParty).party], height)
    if (elm !== undefined) club.cosign([club.elm.party], elm)
    return reportOn(club)
  }

  it('[COS-3] is what all members of the last epoch have cosigned in it', () => {
    expect(cosigned([5, 5, 5], 5)).toMatchObject({ verdict: 'valid', height: 5, tentativeHeights: 0 })
    expect(cosigned([5, 4, 5], 5)).toMatchObject({ height: 4, tentativeHeights: 1 })
    expect(cosigned([5, 5, 5], 4)).toMatchObject({ height: 4 })
  })

  it('[COS-3] is, before that, what those of an earlier epoch have, at most to its end', () => {
    expect(cosigned([5, 5, 5])).toMatchObject({ verdict: 'valid', height: 3, tentativeHeights: 2 })
    expect(cosigned([5, 2, 5], 5)).toMatchObject({ height: 2 })
    expect(cosigned([5, 3, 5], 5)).toMatchObject({ height: 3 })
    const { stateRoot, checkpoint } = cosigned([3, 3, 3])
    expect(stateRoot).toMatch(/^[0-9a-f]{64}$/)
    expect(checkpoint).toContain('epoch 0')
  })

  it('[COS-3] needs no more of who has left: the others make final what it has not cosigned', () => {
    const club = new Club()
    club.order()
    club.cosign([club.cedar.party])
    club.done(club.leave(club.cedar))
    club.order()
    club.turn()
    const others = [club.alder.party, club.birch.party]
    club.cosign(others)
    expect(reportOn(club)).toMatchObject({ verdict: 'valid', height: 1, tentativeHeights: 3 })
    club.order()
    club.cosign(others)
    expect(reportOn(club)).toMatchObject({ verdict: 'valid', height: 5, tentativeHeights: 0 })
  })

  it('[COS-3] never counts an observer, whose cosignature is checked all the same', () => {
    const club = new Club()
    club.admit(club.elm, 'observer')
    club.order()
    club.cosign()
    expect(reportOn(club)).toMatchObject({ verdict: 'valid', height: 4 })
    club.cosign([club.elm.party])
    expect(reportOn(club)).toMatchObject({ verdict: 'valid', height: 4 })
    club.cosign([club.elm.party], 4)
    club.order()
    club.cosign(club.state.epoch.members)
    expect(reportOn(club)).toMatchObject({ verdict: 'valid', height: 5 })
    const forged = (lines: Lines) => {
      const line = lines.find(({ party }) => party === club.elm.party)
      line.signature = other(line.signature)
    }
    expect(findingOn(club, forged)).toBe(`CHK-2 cosignature of ${club.elm.party}`)
  })

  it('[ORD-7] has no block committed by an observer’s cosignature alone', () => {
    const club = new Club()
    club.admit(club.elm, 'observer')
    club.cosign(club.founders.map(({ party }) => party))
    club.order([], { certify: [] })
    club.cosign([club.elm.party])
    expect(findingOn(club)).toBe('ORD-7 ledger block 4')
  })

  it.each([
    ['by the key of an epoch before', (club: Club) => club.alder],
    ['by a key of nobody', (club: Club) => club.party('Stranger')],
  ])('[CHK-2] counts no cosignature %s', (_, signer) => {
    const club = story()
    const { cosign } = signer(club).keys
    const now = club.known.get(club.alder.party) as FixtureParty
    club.known.set(now.party, { ...now, keys: { ...now.keys, cosign } })
    club.cosign([now.party])
    expect(findingOn(club)).toBe(`CHK-2 cosignature of ${now.party}`)
  })

  it('[CHK-2] counts none of a party that is not in at that height', () => {
    const left = story()
    left.cosign([left.cedar.party])
    expect(findingOn(left)).toBe(`CHK-2 cosignature of ${left.cedar.party}`)
    const early = new Club()
    early.admit(early.elm)
    early.cosign(early.founders.map(({ party }) => party))
    early.cosign([early.elm.party])
    expect(findingOn(early)).toBe(`CHK-2 cosignature of ${early.elm.party}`)
  })

  it('[CHK-1] [COS-2] [BUN-2] compares each with the ledger at its size, of whichever epoch', () => {
    const club = story()
    const line = (lines: Lines) => lines.find(({ party }) => party === club.elm.party)
    const forked = { ...club.tip, checkpoint: { ...club.tip.checkpoint, root: '1'.repeat(64) } }
    const renumbered = { ...club.tip, checkpoint: { ...club.tip.checkpoint, epoch: 1 } }
    const beyond = { ...club.tip, checkpoint: { ...club.tip.checkpoint, size: club.height + 2 } }
    const findings = [forked, renumbered, beyond].map((tip) => {
      club.blocks.push(tip)
      const cosignature = club.cosignature(club.elm.party)
      club.blocks.pop()
      return findingOn(club, (lines) => Object.assign(line(lines), cosignature))
    })
    expect(findings).toEqual([
      `COS-2 ledger block ${club.height}`,
      `CHK-1 ledger block ${club.height}`,
      `BUN-2 cosignature of ${club.elm.party}`,
    ])
  })

  it('[BUN-1] [COS-3] has a cosignature of every member of the genesis, once', () => {
    const club = story()
    const without = (party: string) => (lines: Lines) =>
      lines.splice(
        lines.findIndex((line) => line.type === 'cosignature' && line.party === party),
        1,
      )
    expect(findingOn(club, without(club.cedar.party))).toBe(`COS-3 cosignature of ${club.cedar.party}`)
    expect(reportOn(club, without(club.elm.party))).toMatchObject({
      verdict: 'valid',
      height: club.turnHeights[0],
    })
    const twice = (lines: Lines) =>
      lines.splice(2, 0, structuredClone(lines.find(({ party }) => party === club.elm.party)))
    expect(findingOn(club, twice)).toBe(`BUN-1 cosignature of ${club.elm.party}`)
  })

  it('[BUN-2] counts on a ledger that is not finished only what it has come to', () => {
    const club = story()
    const cut = (lines: Lines) => {
      const [last = 0] = club.turnHeights
      lines.splice(
        lines.findIndex((line) => line.type === 'ledger-block' && line.block.header.height === last + 1),
        club.height - last,
      )
      lines[0].height = last
      lines.at(-1).height = last
    }
    expect(reportOn(club, cut, true)).toMatchObject({ verdict: 'valid', height: -1 })
    expect(reportOn(club, cut).finding?.rule).toBe('BUN-2')
  })
})
