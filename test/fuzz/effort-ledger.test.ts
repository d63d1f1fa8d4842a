/** What genuine ledgers and streams take when they are as large as somebody likes to make them, everything in them signed. */
import { createHash } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { rootUidOf } from '../../src/contract/state.ts'
import type { Operation } from '../../src/ledger/request.ts'
import type { BundleLine } from '../../src/verify/bundle.ts'
import { LedgerFixture, storyLedger } from '../support/ledger-fixture.ts'
import { type FixtureParty, fixtureParty, rekeyed, seededBytes } from '../support/ledger-parties.ts'
import { FILES, type Room } from './room.ts'
import * as samples from './samples.ts'
import { type Case, expectLinear, StepCounter } from './steps.ts'

const counter = new StepCounter<Room>(...FILES)
afterAll(() => counter.close())
const room = counter.module

const textOf = (lines: readonly BundleLine[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('')

/** The audit of a bundle that must hold, its bytes handed in at once. */
function auditing(ledger: LedgerFixture): Case {
  ledger.cosign()
  const bytes = Buffer.from(textOf(ledger.lines()))
  const run = () => {
    const verifier = new room.BundleVerifier({ trusted: new Set(ledger.parties) })
    verifier.bytes(bytes)
    const { verdict, finding } = verifier.end()
    if (verdict !== 'valid') throw new Error(`${verdict}: ${JSON.stringify(finding)}`)
  }
  return { inputBytes: bytes.length, run }
}

const creation = (ledger: LedgerFixture, value: string): Operation => ({
  op: 'create',
  uid: ledger.uid(),
  parent: rootUidOf(ledger.contract),
  name: 'a',
  kind: 'field',
  order: 'd',
  type: 'text',
  value,
})

describe('the audit of a bundle takes steps in proportion to it', () => {
  it('of many ledger blocks', () => {
    expectLinear(counter, 'blocks', (size) => auditing(storyLedger(size, { members: 2 })), 10)
  })

  it('of many members', () => {
    expectLinear(counter, 'members', (size) => auditing(storyLedger(2, { members: size })), 4)
  })

  it('of many requests that share one long text', () => {
    expectLinear(
      counter,
      'requests',
      (size) => {
        const ledger = new LedgerFixture({ members: 2 })
        const { opening, commitment } = ledger.commit('é'.repeat(size * 200))
        const requests = Array.from({ length: size }, () => ledger.request(0, [creation(ledger, commitment)]))
        const [first, ...others] = requests as [(typeof requests)[0]]
        ledger.order([{ ...first, openings: [opening] }, ...others])
        return auditing(ledger)
      },
      20,
    )
  })

  it('of many operations that name one long text', () => {
    expectLinear(
      counter,
      'operations',
      (size) => {
        const ledger = new LedgerFixture({ members: 2 })
        const { opening, commitment } = ledger.commit('é'.repeat(size * 200))
        const operations = Array.from({ length: size }, () => creation(ledger, commitment))
        ledger.order([ledger.request(0, operations, [opening])])
        return auditing(ledger)
      },
      50,
    )
  })
})

describe('a chain of cards', () => {
  const chainOf = (length: number): FixtureParty => {
    const random = seededBytes('chain')
    let party = fixtureParty('Alder', random)
    for (let sequence = 2; sequence <= length; sequence += 1) party = rekeyed(party, random)
    return party
  }

  it('takes steps in proportion to its length, and one check of a signature for each card', () => {
    expectLinear(
      counter,
      'cards',
      (size) => {
        const text = JSON.stringify(chainOf(size).signedCard)
        return { inputBytes: text.length, run: () => void room.checkProvenCard(room.parseJson(text)) }
      },
      8,
    )
    const { signedCard } = chainOf(8)
    expect(counter.calls(() => void room.checkProvenCard(signedCard)).get('ed25519Verify')).toBe(8)
  })
})

describe('checks of signatures', () => {
  const { ledger, contract } = samples
  const checks = (run: () => void): number => counter.calls(run).get('ed25519Verify') ?? 0

  it('are one for each signature that a genuine object carries', () => {
    const [request] = samples.requests as [(typeof samples.requests)[0]]
    const keyOf = (party: string) => samples.authorKeys.get(party)
    expect(checks(() => void room.checkRequest(request, contract, keyOf))).toBe(1)
    expect(checks(() => void room.checkGenesis(samples.genesis))).toBe(2 + 3)
    const [certificate] = samples.certificates as [(typeof samples.certificates)[0]]
    expect(checks(() => void room.certificateVerifies(ledger.electorate, certificate))).toBe(3)
    for (const evidence of samples.evidence)
      expect(checks(() => void room.evidenceHolds(evidence, ledger.electorate, samples.cosignKeys))).toBe(2)
  })

  it('are none for what has the wrong shape, names nobody known, or is too large', () => {
    const [request] = samples.requests as [(typeof samples.requests)[0]]
    const nobody = () => undefined
    const refused = (work: () => unknown) => checks(() => expect(work).toThrow())
    expect(refused(() => room.checkRequest(request, contract, nobody))).toBe(0)
    expect(refused(() => room.checkRequest({ ...request, x: 0 }, contract, nobody))).toBe(0)
    const operations = Array(100_001).fill(request.request.operations[0])
    const large = { ...request, request: { ...request.request, operations } }
    const keyOf = (party: string) => samples.authorKeys.get(party)
    expect(refused(() => room.checkRequest(large, contract, keyOf))).toBe(0)
    expect(refused(() => room.checkGenesis({ ...samples.genesis, members: [] }))).toBe(0)
    const [first] = samples.genesis.members
    const tooMany = { ...first, earlier: Array(1025).fill(first) }
    expect(refused(() => room.checkProvenCard(tooMany))).toBe(0)
    const [certificate] = samples.certificates as [(typeof samples.certificates)[0]]
    const [one] = certificate.signatures
    const twice = { ...certificate, signatures: Array(256).fill(one) }
    expect(checks(() => void room.certificateVerifies(ledger.electorate, twice))).toBe(1)
  })
})

describe('a stream takes steps in proportion to its bytes, however they are cut', () => {
  const frame = (size: number) => room.encodeFrame([`{"type":"A","x":"${'a'.repeat(size)}"}`])
  const reading = (bytes: Buffer, pieceBytes: number): Case => {
    const run = () => {
      const reader = new room.FrameReader(1 << 25)
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        const { fault } = reader.push(bytes.subarray(at, at + pieceBytes))
        if (fault !== undefined) throw fault
      }
    }
    return { inputBytes: bytes.length, run }
  }
  const allowed = { perByte: 100, perCall: 200_000 }

  it.each([1, 7, 1000])('frames in pieces of %i bytes', (pieceBytes) => {
    expectLinear(counter, 'one frame', (size) => reading(frame(size), pieceBytes), 5000, { allowed })
    const many = (size: number) => Buffer.concat(Array(size).fill(frame(1)))
    expectLinear(counter, 'many frames', (size) => reading(many(size), pieceBytes), 200, { allowed })
  })

  it('a frame that promises more than it brings', () => {
    const promising = (size: number) => Buffer.concat([Buffer.from([1, 0, 0, 0]), Buffer.alloc(size, 'a')])
    expectLinear(counter, 'a promise', (size) => reading(promising(size), 100), 140_000, { allowed })
  })

  it.each([1, 7, 1000])('lines in pieces of %i bytes', (pieceBytes) => {
    const cutting = (bytes: Buffer): Case => {
      const run = () => {
        const cutter = new room.LineCutter(1 << 25)
        for (let at = 0; at < bytes.length; at += pieceBytes)
          for (const _ of cutter.take(bytes.subarray(at, at + pieceBytes)));
      }
      return { inputBytes: bytes.length, run }
    }
    expectLinear(counter, 'one line', (size) => cutting(Buffer.alloc(size, 'a')), 5000, { allowed })
    expectLinear(counter, 'many lines', (size) => cutting(Buffer.from('a\n'.repeat(size))), 2000, { allowed })
    expectLinear(counter, 'empty lines', (size) => cutting(Buffer.alloc(size, '\n')), 2000, { allowed })
  })
})

describe('a lock journal takes steps in proportion to its bytes', () => {
  const HEADING = 'countersign lock journal 1'
  const line = (before: string, json: string) => {
    const check = createHash('sha256')
      .update(before + json)
      .digest('hex')
      .slice(0, 32)
    return { check, text: `${check} ${json}\n` }
  }
  const parsing = (bytes: Buffer): Case => ({
    inputBytes: bytes.length,
    run: () => {
      try {
        room.foldRecords(room.parseJournal(bytes, 'the file').records)
      } catch (error) {
        if (!(error instanceof room.CountersignError)) throw error
      }
    },
  })
  const [, batch] = samples.lockRecords as [unknown, (typeof samples.lockRecords)[0]]
  const lines = (count: number): string => {
    let text = `${HEADING}\n`
    for (let index = 1, check = HEADING; index <= count; index += 1) {
      const next = line(check, JSON.stringify([{ ...batch, counter: index }]))
      check = next.check
      text += next.text
    }
    return text
  }

  it.each<[string, (size: number) => Buffer]>([
    ['of many lines', (size) => Buffer.from(lines(size / 400))],
    [
      'of one line with many records',
      (size) => {
        const records = Array.from({ length: size / 400 }, (_, index) => ({ ...batch, counter: index + 1 }))
        return Buffer.from(`${HEADING}\n${line(HEADING, JSON.stringify(records)).text}`)
      },
    ],
    ['with a long torn line', (size) => Buffer.from(`${lines(1)}${'a'.repeat(size)}`)],
    ['with zeros at its end', (size) => Buffer.concat([Buffer.from(lines(1)), Buffer.alloc(size)])],
    [
      'with zeros in every second sector',
      (size) => Buffer.concat([Buffer.from(lines(1)), ...Array(size / 1000).fill(zeroSector)]),
    ],
    ['with many single zeros', (size) => Buffer.from(`${lines(1)}${'a\0'.repeat(size / 2)}`)],
    ['of many empty lines', (size) => Buffer.from(`${lines(1)}${'\n'.repeat(size)}`)],
    [
      'with a heading that does not end',
      (size) => Buffer.from(`countersign lock journal ${'1'.repeat(size)}`),
    ],
  ])('%s', (name, make) => {
    expectLinear(counter, name, (size) => parsing(make(size)), 20_000)
  })

  const zeroSector = Buffer.concat([Buffer.alloc(512), Buffer.alloc(512, 'a')])
})

describe('a proof longer than any tree takes no steps to speak of', () => {
  const hash = '1'.repeat(64)
  const refusing =
    (verify: (path: string[]) => boolean) =>
    (size: number): Case => {
      const path = Array(size).fill(hash) as string[]
      return {
        inputBytes: size * 67,
        run: () => {
          if (verify(path)) throw new Error('a proof of nothing was taken')
        },
      }
    }
  const statement = { ...(samples.statements[0] as { statement: object }).statement }
  const [root, uid] = [hash, '0'.repeat(32)]

  it.each<[string, (path: string[]) => boolean]>([
    [
      'of a batch of statements',
      (path) =>
        room.verifyStatement(samples.pair.publicKey, statement, {
          signature: 'A'.repeat(86),
          batch: { index: 0, size: 65_536, path },
        }),
    ],
    ['of a leaf', (path) => room.verifyInclusion(hash, 0, 2 ** 53 - 1, path, root)],
    ['of consistency', (path) => room.verifyConsistency(1, 2 ** 53 - 1, hash, root, path)],
    [
      'of the map',
      (path) =>
        room.verifyMapProof(root, uid, hash, {
          steps: path.map((sibling, bit) => ({ bit: bit % 128, sibling })),
        }),
    ],
  ])('%s', (name, verify) => {
    expectLinear(counter, name, refusing(verify), 1000, { allowed: { perByte: 1, perCall: 5000 } })
  })
})
