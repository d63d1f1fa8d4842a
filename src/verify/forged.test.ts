/**
 * Ledgers that break a rule though members signed them: what is wrong was put in before blocks were hashed, certified and
 * cosigned. The auditor must find it by computing, not by a signature.
 */
import { describe, expect, it } from 'vitest'
import { audit, auditAltered } from '../../test/support/audit.ts'
import { LedgerFixture, storyLedger } from '../../test/support/ledger-fixture.ts'
import { type FixtureParty, fixtureParty, rekeyed, seededBytes } from '../../test/support/ledger-parties.ts'
import type { Header } from '../ledger/block.ts'
import { checkpointOf } from '../ledger/checkpoint.ts'
import { LIFETIME_MAX_MS } from '../ledger/request.ts'

const ZEROS = '0'.repeat(64)
const ONES = '1'.repeat(64)

/** The finding on a ledger that all members have cosigned to its end. */
function findingOn(ledger: LedgerFixture): string {
  ledger.cosign()
  const report = audit(ledger.lines(), ledger.parties)
  expect(report.verdict).toBe('invalid')
  return `${report.finding?.rule} ${report.finding?.place}`
}

/** The finding on a ledger of five blocks whose third header is altered, everything after it built on that. */
function findingOnHeader(alter: (header: Header) => Partial<Header>): string {
  const ledger = storyLedger(2)
  ledger.order([ledger.create(0, 'Amount', '100')], { alter: (header) => ({ ...header, ...alter(header) }) })
  for (const name of ['Item 4', 'Item 5']) ledger.order([ledger.create(1, name, '1')])
  return findingOn(ledger)
}

describe('a header that all members signed', () => {
  it('[STA-1] with another state root', () => {
    expect(findingOnHeader(() => ({ stateRoot: ONES }))).toBe('STA-1 ledger block 3')
    expect(findingOnHeader(() => ({ stateRoot: storyLedger(2).tip.block.header.stateRoot }))).toBe(
      'STA-1 ledger block 3',
    )
  })

  it('[BLK-2] with another entries root', () => {
    expect(findingOnHeader(() => ({ entriesRoot: ONES }))).toBe('BLK-2 ledger block 3')
  })

  it('[LOG-1] with another log root, or that of the log with this block in it', () => {
    expect(findingOnHeader(() => ({ logRoot: ONES }))).toBe('LOG-1 ledger block 3')
    expect(findingOnHeader(() => ({ logRoot: storyLedger(3).tip.root }))).toBe('LOG-1 ledger block 3')
  })

  it('[BLK-4] with a time that is not later, or a parent that is not the block before', () => {
    expect(findingOnHeader(({ timeMs }) => ({ timeMs: timeMs - 1000 }))).toBe('BLK-4 ledger block 3')
    expect(findingOnHeader(() => ({ parent: storyLedger(1).tip.hash }))).toBe('BLK-4 ledger block 3')
  })

  it('[BLK-4] with a view that is not later', () => {
    expect(findingOnHeader(() => ({ view: 2 }))).toBe('BLK-4 ledger block 3')
  })

  it('[BLK-4] with a height that is not the next', () => {
    expect(findingOnHeader(() => ({ height: 4 }))).toBe('BLK-4 ledger block 4')
  })

  it('[BLK-1] of another contract, lineage or epoch', () => {
    expect(findingOnHeader(() => ({ contract: ZEROS }))).toBe('BLK-1 ledger block 3')
    expect(findingOnHeader(() => ({ lineage: 1 }))).toBe('BLK-1 ledger block 3')
    expect(findingOnHeader(() => ({ epoch: 1 }))).toBe('BLK-1 ledger block 3')
  })
})

describe('a request that all members let in', () => {
  it('[REQ-5] a second time in a later block', () => {
    const ledger = storyLedger(2)
    const again = ledger.blocks[1]?.requests[0] as never
    ledger.order([ledger.create(0, 'Amount', '100'), again])
    expect(findingOn(ledger)).toBe(`REQ-5 request ${(again as { id: string }).id} in ledger block 3`)
  })

  it('[REQ-5] twice in one block', () => {
    const ledger = storyLedger(2)
    const request = ledger.create(0, 'Amount', '100')
    const block = ledger.order([request, request])
    block.requests[1] = { ...request, openings: [] }
    expect(findingOn(ledger)).toBe(`REQ-5 request ${request.id} in ledger block 3`)
  })

  it('[REQ-5] a second time after its id could have been forgotten: it has expired', () => {
    const ledger = new LedgerFixture({ members: 1 })
    const notAfterMs = ledger.tip.block.header.timeMs + 1000
    const missing = () => [{ op: 'delete', uid: ledger.uid(), seen: ZEROS }] as never
    const requests = Array.from({ length: 1024 }, () => ledger.request(0, missing(), [], { notAfterMs }))
    ledger.order(requests)
    ledger.order([ledger.request(0, missing())])
    ledger.order([requests[0] as never])
    expect(findingOn(ledger)).toBe(`REQ-5 request ${requests[0]?.id} in ledger block 3`)
  })

  it('[REQ-5] after it had expired', () => {
    const ledger = storyLedger(2)
    const late = ledger.request(0, ledger.delete(0, ledger.field).request.operations, [], {
      notAfterMs: ledger.tip.block.header.timeMs + 999,
    })
    ledger.order([late])
    expect(findingOn(ledger)).toBe(`REQ-5 request ${late.id} in ledger block 3`)
  })

  it('[REQ-2] that would live longer than 30 days', () => {
    const ledger = storyLedger(2)
    const { operations } = ledger.delete(0, ledger.field).request
    const notAfterMs = ledger.tip.block.header.timeMs + 1000 + LIFETIME_MAX_MS
    ledger.order([ledger.request(0, operations, [], { notAfterMs })])
    const long = ledger.request(0, operations, [], { notAfterMs: notAfterMs + 1001 })
    ledger.order([long])
    expect(findingOn(ledger)).toBe(`REQ-2 request ${long.id} in ledger block 4`)
  })

  it('[REQ-2] whose openings take more room than they may', () => {
    const ledger = storyLedger(2)
    const mebibyte = 'x'.repeat(1024 * 1024)
    const large = (values: number) => {
      const creations = Array.from({ length: values }, (_, index) =>
        ledger.create(0, `Text ${index}`, mebibyte),
      )
      const operations = creations.flatMap(({ request }) => request.operations)
      return ledger.request(
        0,
        operations,
        creations.flatMap(({ openings }) => openings),
      )
    }
    ledger.order([large(7)])
    const tooLarge = large(8)
    ledger.order([tooLarge])
    expect(findingOn(ledger)).toBe(`REQ-2 request ${tooLarge.id} in ledger block 4`)
  })

  it('[BLK-2] together with others more than a block may hold', () => {
    const ledger = storyLedger(2)
    const half = 'x'.repeat(512 * 1024)
    const requests = (count: number) =>
      Array.from({ length: count }, (_, index) => ledger.create(0, `Text ${index}`, half))
    ledger.order(requests(31))
    ledger.order(requests(32))
    expect(findingOn(ledger)).toBe('BLK-2 ledger block 4')
  })

  it('[REQ-6] of a party that is not a member', () => {
    const ledger = storyLedger(2)
    const stranger = fixtureParty('Stranger', seededBytes('stranger'))
    const { operations } = ledger.delete(0, ledger.field).request
    const author = { author: stranger.party, authorKey: stranger.keys.author.publicKey }
    const request = ledger.request(0, operations, [], author, stranger.keys.author)
    ledger.order([request])
    expect(findingOn(ledger)).toBe(`REQ-6 request ${request.id} in ledger block 3`)
  })

  it('[REQ-1] signed by another key than the author key of the card', () => {
    const ledger = storyLedger(2)
    const { operations } = ledger.delete(0, ledger.field).request
    const { keys } = ledger.members[0] as FixtureParty
    const request = ledger.request(0, operations, [], { authorKey: keys.vote.publicKey }, keys.vote)
    ledger.order([request])
    expect(findingOn(ledger)).toBe(`REQ-1 request ${request.id} in ledger block 3`)
  })

  it('[SIG-1] signed by somebody else in the author’s name', () => {
    const ledger = storyLedger(2)
    const { operations } = ledger.delete(0, ledger.field).request
    const request = ledger.request(0, operations, [], {}, ledger.members[1]?.keys.author)
    ledger.order([request])
    expect(findingOn(ledger)).toBe(`SIG-1 request ${request.id} in ledger block 3`)
  })

  it('[REQ-1] for another contract', () => {
    const ledger = storyLedger(2)
    const { operations } = ledger.delete(0, ledger.field).request
    const request = ledger.request(0, operations, [], { contract: ONES })
    ledger.order([request])
    expect(findingOn(ledger)).toBe(`REQ-1 request ${request.id} in ledger block 3`)
  })

  it('[REQ-1] without operations', () => {
    const ledger = storyLedger(2)
    const request = ledger.request(0, [])
    ledger.order([request])
    expect(findingOn(ledger)).toBe(`REQ-1 request ${request.id} in ledger block 3`)
  })

  it('[REQ-4] [VAL-3] as accepted though its value is not of the type', () => {
    const ledger = storyLedger(2)
    const { opening, commitment } = ledger.commit('not a number')
    const { uid, seen } = ledger.set(0, ledger.field, '').request.operations[0] as {
      uid: string
      seen: string
    }
    const set = { op: 'set', uid, seen, type: 'integer', value: commitment } as const
    const request = ledger.request(0, [set], [opening])
    const block = ledger.order([request])
    expect(block.block.entries).toEqual([
      { kind: 'request', request: request.id, outcome: 'rejected', code: 'wrong-type' },
    ])
    block.block.entries[0] = { kind: 'request', request: request.id, outcome: 'accepted' }
    expect(findingOn(ledger)).toBe(`REQ-4 request ${request.id} in ledger block 3`)
  })
})

describe('cosignatures that are good by themselves', () => {
  it('[COS-2] on another history of the same size', () => {
    const ledger = storyLedger(4)
    const { checkpoint } = { checkpoint: { ...ledger.checkpoint(2), root: ONES } }
    ledger.cosignatures.set(ledger.parties[1] as string, ledger.cosignature(1, checkpoint))
    const report = audit(ledger.lines(), ledger.parties)
    expect(report).toMatchObject({ verdict: 'invalid', finding: { rule: 'COS-2', place: 'ledger block 2' } })
    expect(report.finding?.message).toContain(ledger.parties[1])
    expect(report.height).toBe(-1)
  })

  it('[COS-2] on another genesis', () => {
    const ledger = storyLedger(4)
    const other = { ...ledger.checkpoint(0), root: ONES }
    ledger.cosignatures.set(ledger.parties[2] as string, ledger.cosignature(2, other))
    const report = audit(ledger.lines(), ledger.parties)
    expect(report).toMatchObject({ verdict: 'invalid', finding: { rule: 'COS-2', place: 'ledger block 0' } })
  })

  it.each([['stateRoot'], ['block'], ['epoch']])('[CHK-1] on this history with another %s', (key) => {
    const ledger = storyLedger(4)
    const altered = { ...ledger.checkpoint(), [key]: key === 'epoch' ? 1 : ONES }
    ledger.cosignatures.set(ledger.parties[0] as string, ledger.cosignature(0, altered))
    const report = audit(ledger.lines(), ledger.parties)
    expect(report).toMatchObject({ verdict: 'invalid', finding: { rule: 'CHK-1', place: 'ledger block 4' } })
  })

  it('[BUN-2] on more than the file holds', () => {
    const ledger = storyLedger(4)
    const { header } = ledger.tip.block
    const beyond = { ...checkpointOf({ ...header, height: 1_000_000 }, ONES) }
    ledger.cosignatures.set(ledger.parties[0] as string, ledger.cosignature(0, beyond))
    const report = audit(ledger.lines(), ledger.parties)
    const place = `cosignature of ${ledger.parties[0]}`
    expect(report).toMatchObject({ verdict: 'invalid', height: -1, finding: { rule: 'BUN-2', place } })
  })
})

describe('a card in the name of a party that others trust', () => {
  const truth = storyLedger(0)
  const random = seededBytes('forger')
  const forgerKeys = fixtureParty('Forger', random).keys
  const reportOn = (members: FixtureParty[]) => audit(storyLedger(2, { members }).lines(), truth.parties)
  const others = truth.members.slice(1)
  const first = truth.members[0] as FixtureParty

  it('[CARD-2] said to be its second, without its first', () => {
    const { earlier: _, ...signedCard } = rekeyed(first, random, forgerKeys.root).signedCard
    const report = reportOn([{ party: first.party, signedCard, keys: forgerKeys }, ...others])
    expect(report).toMatchObject({ verdict: 'invalid', finding: { rule: 'CARD-2', place: 'member 1' } })
  })

  it('[CARD-2] behind its true first card, which did not sign it', () => {
    const report = reportOn([rekeyed(first, random, forgerKeys.root), ...others])
    expect(report).toMatchObject({ verdict: 'invalid', finding: { rule: 'CARD-2', place: 'member 1' } })
  })

  it('[CARD-2] behind a first card of the forger’s', () => {
    const forger = fixtureParty('Forger', random)
    const forged = rekeyed({ ...forger, party: first.party }, random)
    expect(reportOn([forged, ...others])).toMatchObject({
      verdict: 'invalid',
      finding: { rule: 'CARD-2', place: 'member 1' },
    })
  })
})

describe('a tail', () => {
  it('[ORD-7] that nobody has committed', () => {
    const ledger = storyLedger(4)
    ledger.order([], { certify: ['notarization'] })
    ledger.order([], { certify: [] })
    const report = audit(ledger.lines(), ledger.parties)
    expect(report).toMatchObject({ verdict: 'invalid', finding: { rule: 'ORD-7', place: 'ledger block 5' } })
  })

  it('[ORD-1] that a minority has committed', () => {
    const ledger = storyLedger(4, { members: 4, quorum: 'bft' })
    ledger.order([], { signers: [0, 1] })
    const report = audit(ledger.lines(), ledger.parties)
    expect(report).toMatchObject({ verdict: 'invalid', finding: { rule: 'ORD-1', place: 'ledger block 5' } })
  })

  it.each([
    ['majority', 4, 3],
    ['bft', 4, 3],
    ['bft', 7, 5],
    ['unanimous', 3, 3],
  ] as const)('[ORD-1] by the quorum %s of %i takes %i signatures, no fewer', (quorum, members, needed) => {
    for (const count of [needed - 1, needed]) {
      const ledger = storyLedger(1, { members, quorum })
      ledger.order([], { signers: Array.from({ length: count }, (_, index) => index) })
      const report = audit(ledger.lines(), ledger.parties)
      expect(report.verdict).toBe(count === needed ? 'valid' : 'invalid')
      if (count < needed) expect(report.finding).toMatchObject({ rule: 'ORD-1', place: 'ledger block 2' })
    }
  })
})

describe('a node’s own ledger', () => {
  const ofOwn = (ledger: LedgerFixture) => audit(ledger.lines(), ledger.parties, true)

  it('[COS-3] may lack cosignatures: nothing is final then', () => {
    const ledger = storyLedger(3)
    ledger.cosignatures.delete(ledger.parties[1] as string)
    const report = ofOwn(ledger)
    expect(report).toMatchObject({ verdict: 'valid', height: -1, tentativeHeights: 4 })
    expect(report.stateRoot).toBeUndefined()
  })

  it('[BUN-2] may hold a cosignature of what has not arrived: it counts for nothing yet', () => {
    const ledger = storyLedger(3)
    const parts = storyLedger(5)
    ledger.cosignatures.set(parts.parties[1] as string, parts.cosignature(1))
    expect(ofOwn(ledger)).toMatchObject({ verdict: 'valid', height: -1, tentativeHeights: 4 })
  })

  it('[STA-1] is held to everything else', () => {
    const ledger = storyLedger(3)
    const report = auditAltered(ledger, (parts) =>
      Object.assign(parts.block(2).block.header, { stateRoot: ONES }),
    )
    expect(report.finding).toMatchObject({ rule: 'STA-1', place: 'ledger block 2' })
  })
})
