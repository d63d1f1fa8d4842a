import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  A,
  askCosign,
  B,
  CONTRACT,
  FORK_AT,
  type Kind,
  logs,
  MemoryJournal,
  open,
  signedOf,
} from '../../test/support/signing.ts'
import type { SignedStatement, Statement } from '../ledger/certificate.ts'
import type { Cosignature } from '../ledger/checkpoint.ts'
import { contradiction } from '../ledger/evidence.ts'
import { nameOf } from './entry.ts'
import type { SignItem, SignResult } from './signer.ts'

describe('whatever is asked', () => {
  type Step =
    | { step: 'statement'; type: Kind; view: number; epoch: number; block: string }
    | { step: 'checkpoint'; fork: 0 | 1 | 2; size: number; from: number | 'last'; proofOf: 0 | 1 | 2 }
    | { step: 'restart' }
    | { step: 'fail'; how: 'lost' | 'kept' }
    | { step: 'amnesia'; kept: number }

  const fork = fc.constantFrom<0 | 1 | 2>(0, 1, 2)
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 10,
      arbitrary: fc.record({
        step: fc.constant('statement' as const),
        type: fc.constantFrom<Kind>('VOTE', 'FINALIZE', 'SKIP'),
        view: fc.integer({ min: 1, max: 8 }),
        epoch: fc.constantFrom(0, 0, 0, 1),
        block: fc.constantFrom(A, B),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        step: fc.constant('checkpoint' as const),
        fork,
        size: fc.integer({ min: 1, max: 16 }),
        from: fc.oneof(fc.constant('last' as const), fc.integer({ min: 0, max: 16 })),
        proofOf: fork,
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
  )
  const batches = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 30 })

  /** One party over its whole life: everything it ever let out. */
  class Life {
    readonly statements: SignedStatement[] = []
    readonly cosigned: { fork: 0 | 1 | 2; size: number }[] = []
    cosignatures: Cosignature[] = []
    journal = new MemoryJournal()
    signer = open(this.journal)

    run(batch: Step[]): void {
      const items: { item: SignItem; step: Step }[] = []
      for (const one of batch) {
        if (one.step === 'statement') {
          const place = { contract: CONTRACT, lineage: 0, epoch: one.epoch, view: one.view }
          const wanted: Statement =
            one.type === 'SKIP' ? { ...place, type: 'SKIP' } : { ...place, type: one.type, block: one.block }
          items.push({ item: { kind: 'statement', statement: wanted }, step: one })
        } else if (one.step === 'checkpoint') {
          const from = one.from === 'last' ? (this.signer.lock(CONTRACT, 0)?.cosign?.size ?? 0) : one.from
          const proof = from <= one.size ? logs[one.proofOf].consistencyProof(from, one.size) : []
          items.push({ item: askCosign(logs[one.fork], one.size, proof, this.cosigned.length), step: one })
        } else if (one.step === 'fail') this.journal.fails = one.how
        else if (one.step === 'restart') this.signer = open(this.journal)
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
        this.signer = open(this.journal)
        return
      }
      this.journal.fails = undefined
      this.statements.push(...signedOf(results))
      for (const [index, result] of results.entries()) {
        const from = items[index]?.step
        if (!('cosignature' in result) || from?.step !== 'checkpoint') continue
        this.cosignatures.push(result.cosignature)
        this.cosigned.push({ fork: from.fork, size: from.size })
      }
    }

    /** The signer's directory is lost, or an old copy; others tell what they hold, in pieces. */
    private forget(kept: number): void {
      this.journal = Object.assign(new MemoryJournal(), { records: this.journal.records.slice(0, kept) })
      this.signer = open(this.journal)
      const half = Math.floor(this.statements.length / 2)
      const largest = this.cosignatures.reduce<Cosignature | undefined>(
        (best, one) => (best === undefined || one.size > best.size ? one : best),
        undefined,
      )
      this.recall(this.statements.slice(half))
      this.recall(this.statements.slice(0, half), largest)
    }

    private recall(statements: SignedStatement[], cosignature?: Cosignature): void {
      const before = this.signer.lock(CONTRACT, 0)
      const { counter } = this.signer
      this.signer.recall(CONTRACT, 0, statements, cosignature)
      const after = this.signer.lock(CONTRACT, 0)
      expect(after?.view ?? 0).toBeGreaterThanOrEqual(before?.view ?? 0)
      expect(after?.cosign?.size ?? 0).toBeGreaterThanOrEqual(before?.cosign?.size ?? 0)
      expect(this.signer.counter).toBe(after === before ? counter : counter + 1)
    }
  }

  it('[SGN-1] [COS-2] never signs evidence against its party, through restarts, failed writes and amnesia', () => {
    const seen = { statements: 0, cosigned: 0, again: 0 }
    fc.assert(
      fc.property(batches, (life) => {
        const party = new Life()
        for (const batch of life) party.run(batch)
        seen.statements += party.statements.length
        seen.cosigned += party.cosigned.length
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
    expect(seen.statements).toBeGreaterThan(100)
    expect(seen.cosigned).toBeGreaterThan(100)
  })

  /** The same statement or checkpoint was always given with the same signature; returns how often it was given again. */
  function checkSame(party: Life): number {
    const given = new Map<string, unknown>()
    const all: [string, unknown][] = [
      ...party.statements.map((one): [string, unknown] => [nameOf(one.statement), one.signature]),
      ...party.cosignatures.map((one): [string, unknown] => [`size ${one.size}`, one]),
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
        let highest = 0
        for (const batch of life) {
          const before = party.statements.length
          party.run(batch)
          for (const { statement: signed } of party.statements.slice(before)) {
            expect(signed.view).toBeGreaterThanOrEqual(highest)
            highest = signed.view
          }
        }
      }),
      { numRuns: 200 },
    )
  })
})
