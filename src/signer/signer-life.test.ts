import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  A,
  askCosign,
  B,
  CONTRACT,
  checkpoint,
  FORK_AT,
  type Kind,
  logs,
  MemoryJournal,
  PARTY,
  pair,
  signedOf,
} from '../../test/support/signing.ts'
import { CountersignError } from '../crypto/errors.ts'
import type { SignedStatement, Statement } from '../ledger/certificate.ts'
import type { Cosignature, LedgerPoint } from '../ledger/checkpoint.ts'
import { contradiction } from '../ledger/evidence.ts'
import type { AnyRequest } from '../ledger/request.ts'
import { nameOf } from './entry.ts'
import { EMPTY_LOCK, type EpochView } from './locks.ts'
import { Signer, type SignItem, type SignResult } from './signer.ts'

const isBelow = (one: EpochView, other: EpochView): boolean =>
  one.epoch < other.epoch || (one.epoch === other.epoch && one.view < other.view)

/** Two keys of each use: its former card's and its newer one's. */
const pairs = {
  author: [pair(1), pair(11)],
  vote: [pair(2), pair(12)],
  cosign: [pair(3), pair(13)],
} as const
const openRing = (journal: MemoryJournal): Signer => Signer.open({ journal, keys: pairs, party: PARTY })

const leaveRequest = (named: LedgerPoint): AnyRequest => ({
  contract: CONTRACT,
  author: PARTY,
  authorKey: pairs.author[1].publicKey,
  nonce: 'A'.repeat(22),
  notAfterMs: 1,
  operations: [{ op: 'leave', checkpoint: named }],
})

describe('whatever is asked', () => {
  type Step =
    | { step: 'statement'; type: Kind; view: number; epoch: number; block: string; key: 0 | 1 }
    | {
        step: 'checkpoint'
        fork: 0 | 1 | 2
        size: number | 'last'
        from: number | 'last'
        proofOf: 0 | 1 | 2
        key: 0 | 1
      }
    | { step: 'leave'; fork: 0 | 1 | 2; size: number | 'last' }
    | { step: 'restart' }
    | { step: 'fail'; how: 'lost' | 'kept' }
    | { step: 'amnesia'; kept: number }

  const fork = fc.constantFrom<0 | 1 | 2>(0, 1, 2)
  const key = fc.constantFrom<0 | 1>(0, 0, 1)
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 10,
      arbitrary: fc.record({
        step: fc.constant('statement' as const),
        type: fc.constantFrom<Kind>('VOTE', 'FINALIZE', 'SKIP'),
        view: fc.integer({ min: 1, max: 8 }),
        epoch: fc.constantFrom(0, 0, 0, 1),
        block: fc.constantFrom(A, B),
        key,
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        step: fc.constant('checkpoint' as const),
        fork,
        size: fc.oneof(fc.constant('last' as const), {
          weight: 3,
          arbitrary: fc.integer({ min: 1, max: 16 }),
        }),
        from: fc.oneof(fc.constant('last' as const), fc.integer({ min: 0, max: 16 })),
        proofOf: fork,
        key,
      }),
    },
    { weight: 2, arbitrary: fc.constant<Step>({ step: 'restart' }) },
    {
      weight: 1,
      arbitrary: fc.record({
        step: fc.constant('fail' as const),
        how: fc.constantFrom<'lost' | 'kept'>('lost', 'kept'),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ step: fc.constant('amnesia' as const), kept: fc.integer({ min: 0, max: 9 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        step: fc.constant('leave' as const),
        fork,
        size: fc.oneof(fc.constant('last' as const), fc.integer({ min: 1, max: 16 })),
      }),
    },
  )
  const batches = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 30 })

  /** One party over its whole life: everything it ever let out. */
  class Life {
    readonly statements: SignedStatement[] = []
    readonly cosigned: { fork: 0 | 1 | 2; size: number; key: 0 | 1 }[] = []
    /** Size of the checkpoint that its LEAVE names. */
    left: number | undefined
    cosignatures: Cosignature[] = []
    journal = new MemoryJournal()
    signer = openRing(this.journal)

    run(batch: Step[]): void {
      const items: { item: SignItem; step: Step }[] = []
      for (const one of batch) {
        if (one.step === 'statement') {
          const place = { contract: CONTRACT, lineage: 0, epoch: one.epoch, view: one.view }
          const wanted: Statement =
            one.type === 'SKIP' ? { ...place, type: 'SKIP' } : { ...place, type: one.type, block: one.block }
          const voteKey = pairs.vote[one.key].publicKey
          items.push({ item: { kind: 'statement', statement: wanted, voteKey }, step: one })
        } else if (one.step === 'checkpoint') {
          const last = this.signer.lock(CONTRACT, 0)?.cosign?.size ?? 0
          const from = one.from === 'last' ? last : one.from
          const size = one.size === 'last' ? Math.max(last, 1) : one.size
          const proof = from <= size ? logs[one.proofOf].consistencyProof(from, size) : []
          const item = askCosign(logs[one.fork], size, proof, this.cosigned.length)
          items.push({ item: { ...item, cosignKey: pairs.cosign[one.key].publicKey } as SignItem, step: one })
        } else if (one.step === 'fail') this.journal.fails = one.how
        else if (one.step === 'restart') this.signer = openRing(this.journal)
        else if (one.step === 'leave') this.leave(logs[one.fork], one.size)
        else this.forget(one.kept)
      }
      this.sign(items)
    }

    private sign(items: { item: SignItem; step: Step }[]): void {
      let results: SignResult[]
      try {
        results = this.signer.sign(items.map(({ item }) => item))
      } catch {
        // What failed to be written may be there after a restart, or not.
        this.journal.fails = undefined
        this.signer = openRing(this.journal)
        return
      }
      this.journal.fails = undefined
      this.statements.push(...signedOf(results))
      for (const [index, result] of results.entries()) {
        const from = items[index]?.step
        if (!('cosignature' in result) || from?.step !== 'checkpoint') continue
        this.cosignatures.push(result.cosignature)
        const { size } = result.cosignature
        this.cosigned.push({ fork: from.fork, size, key: from.key })
        if (this.left !== undefined) expect(size, 'it has left').toBeLessThanOrEqual(this.left)
      }
    }

    private leave(log: (typeof logs)[number], size: number | 'last'): void {
      const last = this.signer.lock(CONTRACT, 0)?.cosign
      const { contract: _, lineage: __, ...named } = checkpoint(log, size === 'last' ? 1 : size)
      const point = size === 'last' ? (last ?? named) : named
      try {
        this.signer.signRequest(leaveRequest(point))
        expect(point, 'it leaves at the last it cosigned').toEqual(last)
        this.left = point.size
      } catch (error) {
        if (!(error instanceof CountersignError)) throw error
        if (error.code === 'storage-failed') {
          // A restart says whether it is on disk.
          this.signer = openRing(this.journal)
          if (this.signer.lock(CONTRACT, 0)?.left) this.left ??= last?.size
        } else expect(error.code).toBe('signer-refused')
      }
      this.journal.fails = undefined
    }

    /** The signer's directory is lost, or an old copy; others tell what they hold, in pieces. */
    private forget(kept: number): void {
      this.journal = Object.assign(new MemoryJournal(), { records: this.journal.records.slice(0, kept) })
      this.signer = openRing(this.journal)
      // That it left was the lost directory's to know; no member holds a signature of it yet.
      this.left = this.signer.lock(CONTRACT, 0)?.left && this.left
      const half = Math.floor(this.statements.length / 2)
      const largest = Math.max(...this.cosignatures.map(({ size }) => size))
      this.recall(this.statements.slice(half))
      this.recall(this.statements.slice(0, half))
      for (const one of this.cosignatures) if (one.size === largest) this.recall([], one)
    }

    private recall(statements: SignedStatement[], cosignature?: Cosignature): void {
      const before = this.signer.lock(CONTRACT, 0)
      const { counter } = this.signer
      const already = this.journal.appends
      this.signer.recall(CONTRACT, 0, statements, cosignature)
      const after = this.signer.lock(CONTRACT, 0)
      expect(isBelow(after ?? EMPTY_LOCK, before ?? EMPTY_LOCK)).toBe(false)
      expect(after?.cosign?.size ?? 0).toBeGreaterThanOrEqual(before?.cosign?.size ?? 0)
      const { appends } = this.journal
      // A cosignature of the same checkpoint by another key is kept as well, and locks nothing more.
      if (after === before && cosignature === undefined) expect(appends).toBe(already)
      if (after !== before) expect(appends).toBe(already + 1)
      expect(this.signer.counter - counter).toBe(appends - already)
      this.signer.recall(CONTRACT, 0, statements, cosignature)
      expect([this.journal.appends, this.signer.lock(CONTRACT, 0)], 'once is enough').toEqual([
        appends,
        after,
      ])
    }
  }

  it('[SGN-1] [COS-2] never signs evidence against its party, through restarts, failed writes and amnesia', () => {
    const seen = { statements: 0, cosigned: 0, again: 0, byOther: 0, left: 0 }
    fc.assert(
      fc.property(batches, (life) => {
        const party = new Life()
        for (const batch of life) party.run(batch)
        seen.statements += party.statements.length
        seen.cosigned += party.cosigned.length
        seen.byOther += party.cosigned.filter((one) =>
          party.cosigned.some(({ size, key }) => size === one.size && key !== one.key),
        ).length
        seen.left += party.left === undefined ? 0 : 1
        for (const first of party.statements)
          for (const second of party.statements) expect(contradiction(first, second)).toBeUndefined()
        seen.again += checkSame(party)
        for (const first of party.cosigned)
          for (const second of party.cosigned) {
            const common = first.fork === second.fork || Math.min(first.size, second.size) <= FORK_AT
            expect(common).toBe(true)
          }
      }),
      { numRuns: 300 },
    )
    expect(seen.again).toBeGreaterThan(30)
    expect(seen.byOther).toBeGreaterThan(30)
    expect(seen.left).toBeGreaterThan(30)
    expect(seen.statements).toBeGreaterThan(100)
    expect(seen.cosigned).toBeGreaterThan(100)
  })

  /** The same statement or checkpoint was always given with the same signature; returns how often it was given again. */
  function checkSame(party: Life): number {
    const given = new Map<string, unknown>()
    const all: [string, unknown][] = [
      ...party.statements.map((one): [string, unknown] => [nameOf(one.statement), one.signature]),
      ...party.cosignatures.map((one, index): [string, unknown] => [
        `size ${one.size} by key ${party.cosigned[index]?.key}`,
        one,
      ]),
    ]
    for (const [name, signature] of all) {
      expect(signature).toEqual(given.get(name) ?? signature)
      given.set(name, signature)
    }
    return all.length - given.size
  }

  it('[SGN-1] never signs below a view that it has signed in', () => {
    fc.assert(
      fc.property(batches, (life) => {
        const party = new Life()
        let highest: EpochView = { epoch: 0, view: 0 }
        for (const batch of life) {
          const before = party.statements.length
          party.run(batch)
          for (const { statement: signed } of party.statements.slice(before)) {
            expect(isBelow(signed, highest)).toBe(false)
            highest = signed
          }
        }
      }),
      { numRuns: 200 },
    )
  })
})
