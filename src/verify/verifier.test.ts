import { describe, expect, it } from 'vitest'
import { audit, Parts } from '../../test/support/audit.ts'
import { bundleText, LedgerFixture, storyLedger } from '../../test/support/ledger-fixture.ts'
import { rekeyed, seededBytes } from '../../test/support/ledger-parties.ts'
import { utf8 } from '../crypto/bytes.ts'
import { cosignatureOf, parseCheckpoint, parseNote, verifyCosignature } from '../crypto/note.ts'
import { BundleVerifier } from './verifier.ts'

describe('a genuine bundle', () => {
  for (const members of [1, 2, 3, 5])
    it(`[BUN-2] of ${members} members is valid, recomputed throughout`, () => {
      const ledger = storyLedger(11, { members, seed: `story ${members}`, quorum: 'bft' })
      const report = audit(ledger.lines(), ledger.parties)
      const requests = ledger.blocks.flatMap((block) => block.requests)
      expect(report.finding).toBeUndefined()
      expect(report).toMatchObject({
        verdict: 'valid',
        contract: ledger.contract,
        name: 'Claim 4711',
        exporter: ledger.parties[0],
        height: 11,
        tentativeHeights: 0,
        stateRoot: ledger.tip.block.header.stateRoot,
        members: ledger.parties.map((party) => ({ party, cosignedSize: 12, identified: true })),
        counts: { ledgerBlocks: 11, requests: requests.length },
        recomputed: {
          requestIds: requests.length,
          outcomes: requests.length,
          entriesRoots: 11,
          stateRoots: 11,
          logRoots: 11,
        },
      })
      expect(
        new Set(ledger.blocks.flatMap(({ block }) => block.entries.map(({ outcome }) => outcome))),
      ).toEqual(new Set(['accepted', 'conflicted', 'rejected']))
    })

  it('[BUN-2] counts every signature and opening it has checked', () => {
    const ledger = new LedgerFixture({ members: 2 })
    ledger.order([ledger.create(0, 'Amount', '100'), ledger.create(1, 'Date', 'May')])
    ledger.cosign()
    // Cards 2, cosignatures 2, requests 2, votes 2, finalizes 2; one opening in the genesis, two in the block.
    const expected = { ledgerBlocks: 1, requests: 2, signatures: 10, openings: 3 }
    expect(audit(ledger.lines(), ledger.parties).counts).toEqual(expected)
  })

  it('[GEN-3] that ends with the genesis is valid, and final at height 0', () => {
    const ledger = new LedgerFixture()
    ledger.cosign()
    const report = audit(ledger.lines(), ledger.parties)
    expect(report).toMatchObject({
      verdict: 'valid',
      height: 0,
      tentativeHeights: 0,
      counts: { ledgerBlocks: 0 },
    })
    expect(report.stateRoot).toBe(ledger.blocks[0]?.block.header.stateRoot)
  })

  it('[COS-3] is final up to the least that any member cosigned, tentative behind', () => {
    const ledger = storyLedger(9)
    ledger.cosign(4, [1])
    ledger.cosign(6, [2])
    const report = audit(ledger.lines(), ledger.parties)
    expect(report).toMatchObject({ verdict: 'valid', height: 4, tentativeHeights: 5 })
    expect(report.stateRoot).toBe(ledger.blocks[4]?.block.header.stateRoot)
    expect(report.members.map(({ cosignedSize }) => cosignedSize)).toEqual([10, 5, 7])
    expect(report.checkpoint).toBeUndefined()
  })

  it('[CHK-1] [CHK-2] gives the final checkpoint as a C2SP note with all cosignatures', () => {
    const ledger = storyLedger(5)
    const note = parseNote(audit(ledger.lines(), ledger.parties).checkpoint as string)
    expect(parseCheckpoint(note.body)).toEqual({
      origin: `countersign/${ledger.contract}/0`,
      size: 6,
      rootHash: ledger.tip.root,
      extensions: ['epoch 0', `block ${ledger.tip.hash}`, `state ${ledger.tip.block.header.stateRoot}`],
    })
    expect(note.signatures.map(({ name }) => name)).toEqual(
      ledger.parties.map((party) => `countersign/${party}`),
    )
    for (const [index, signature] of note.signatures.entries()) {
      const key = ledger.members[index]?.keys.cosign.publicKey as string
      expect(verifyCosignature(key, note.body, cosignatureOf(signature))).toBe(true)
    }
  })

  it('[ORD-7] may hold blocks without a COMMIT of their own, if one behind them has one', () => {
    const ledger = new LedgerFixture()
    ledger.cosign()
    ledger.order([], { certify: [] })
    ledger.order([ledger.create(0, 'Amount', '1')], { certify: ['notarization'] })
    ledger.order([])
    expect(audit(ledger.lines(), ledger.parties)).toMatchObject({
      verdict: 'valid',
      height: 0,
      tentativeHeights: 3,
    })
  })

  it('[ORD-7] may end with a block that only one member has cosigned', () => {
    const ledger = new LedgerFixture()
    ledger.cosign()
    ledger.order([], { certify: [] })
    ledger.cosign(1, [1])
    expect(audit(ledger.lines(), ledger.parties)).toMatchObject({
      verdict: 'valid',
      height: 0,
      tentativeHeights: 1,
    })
  })

  it('[REQ-5] may hold a request at the last moment of its life, and in thousands', () => {
    const ledger = new LedgerFixture({ members: 1 })
    for (let height = 1; height <= 3; height += 1) {
      const notAfterMs = ledger.tip.block.header.timeMs + 1000
      const requests = Array.from({ length: 700 }, (_, index) =>
        ledger.request(0, [{ op: 'delete', uid: ledger.uid(), seen: `${index}`.padStart(64, '0') }], [], {
          notAfterMs,
        }),
      )
      ledger.order(requests)
    }
    ledger.cosign()
    expect(audit(ledger.lines(), ledger.parties)).toMatchObject({
      verdict: 'valid',
      counts: { requests: 2100 },
    })
  })
})

describe('who signed it', () => {
  const ledger = storyLedger(3)

  it('[BUN-3] is unidentified while one signer is not trusted, and says which', () => {
    const [first, second, third] = ledger.parties as [string, string, string]
    const report = audit(ledger.lines(), [first, third])
    expect(report).toMatchObject({
      verdict: 'unidentified',
      height: 3,
      finding: { rule: 'BUN-3', place: 'genesis' },
    })
    expect(report.members.map(({ identified }) => identified)).toEqual([true, false, true])
    expect(report.finding?.message).toContain(second)
    expect(report.finding?.message).not.toContain(first)
  })

  it('[BUN-3] an invented bundle with keys of its own is unidentified, whoever is trusted', () => {
    const invented = storyLedger(3, { seed: 'invented' })
    for (const trusted of [[], ledger.parties]) {
      const report = audit(invented.lines(), trusted)
      expect(report).toMatchObject({ verdict: 'unidentified', finding: { rule: 'BUN-3' } })
      for (const party of invented.parties) expect(report.finding?.message).toContain(party)
    }
  })

  it('[CARD-2] a party is the same after it has replaced all its keys: its cards since the first are there', () => {
    const random = seededBytes('later')
    const members = ledger.members.map((member) => rekeyed(rekeyed(member, random), random))
    const report = audit(storyLedger(3, { members }).lines(), ledger.parties)
    expect(report).toMatchObject({ verdict: 'valid', height: 3 })
    expect(report.members.map(({ party }) => party)).toEqual(ledger.parties)
  })

  it('[BUN-3] an invalid bundle stays invalid, whoever is trusted', () => {
    const parts = new Parts(ledger.lines())
    parts.block(2).block.header.timeMs += 1
    expect(audit(parts.lines, []).verdict).toBe('invalid')
  })
})

describe('a bundle as bytes', () => {
  const ledger = storyLedger(4)
  const bytes = utf8(bundleText(ledger.lines()))
  const ofBytes = (chunks: Iterable<Uint8Array>) => {
    const verifier = new BundleVerifier({ trusted: new Set(ledger.parties) })
    for (const chunk of chunks) verifier.bytes(chunk)
    return verifier.end()
  }

  for (const sizeBytes of [1, 7, 1024, 1_000_000])
    it(`[BUN-1] is read in pieces of ${sizeBytes}, out of a buffer used again and again`, () => {
      const buffer = new Uint8Array(sizeBytes)
      function* chunks() {
        for (let start = 0; start < bytes.length; start += sizeBytes) {
          const piece = bytes.subarray(start, start + sizeBytes)
          buffer.set(piece)
          yield buffer.subarray(0, piece.length)
        }
      }
      expect(ofBytes(chunks()).verdict).toBe('valid')
    })

  it('[BUN-1] needs no newline at its very end', () => {
    expect(ofBytes([bytes.subarray(0, -1)]).verdict).toBe('valid')
  })

  it('[BUN-1] may have line ends of CR LF', () => {
    expect(ofBytes([utf8(bundleText(ledger.lines()).replaceAll('\n', '\r\n'))]).verdict).toBe('valid')
  })

  it('[BUN-1] is invalid where it is not UTF-8, and unreadable where that is its first line', () => {
    const damaged = bytes.slice()
    damaged[bytes.indexOf(0x0a) + 20] = 0xff
    expect(ofBytes([damaged])).toMatchObject({
      verdict: 'invalid',
      finding: { rule: 'BUN-1', place: 'line 2' },
    })
    expect(ofBytes([Uint8Array.of(0xff, 0x0a)])).toMatchObject({
      verdict: 'unreadable',
      finding: { rule: 'BUN-1', place: 'line 1' },
    })
  })

  it('[BUN-1] a line over 32 MiB is refused once it is, not when it ends', () => {
    const verifier = new BundleVerifier({ trusted: new Set() })
    verifier.bytes(bytes.subarray(0, bytes.indexOf(0x0a) + 1))
    const spaces = new Uint8Array(1024 * 1024).fill(0x20)
    for (let count = 0; count < 32; count += 1) verifier.bytes(spaces)
    expect(verifier.isOver).toBe(false)
    verifier.bytes(spaces)
    expect(verifier.isOver).toBe(true)
    expect(verifier.end()).toMatchObject({ verdict: 'invalid', finding: { rule: 'BUN-1', place: 'line 2' } })
  })
})
