import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  A,
  ask,
  askCosign,
  askFreeze,
  B,
  CONTRACT,
  cosignedOf,
  freezeStatement,
  type Kind,
  keys,
  logs,
  MemoryJournal,
  open,
  openNew,
} from '../../test/support/signing.ts'
import type { CountersignError } from '../crypto/errors.ts'
import type { Cosignature } from '../ledger/checkpoint.ts'
import { freezeId, freezeVerifies, type SignedFreeze, signFreeze } from '../ledger/freeze.ts'
import { frozenSize } from '../ledger/freeze-statement.ts'
import type { Signer, SignItem, SignResult } from './signer.ts'

const frozenOf = (results: SignResult[]): SignedFreeze[] =>
  results.flatMap((result) => ('frozen' in result ? [result.frozen] : []))
const refusal = { refused: expect.any(String) }

describe('freezing', () => {
  it('[SGN-1] [LIN-1] signs nothing new in the lineage afterwards; what was signed before comes again', () => {
    const { journal, signer } = openNew()
    const before = signer.sign([ask('VOTE', 3), askCosign(logs[0], 6, [])])
    const [last] = cosignedOf(before) as [Cosignature]
    const [freeze] = frozenOf(signer.sign([askFreeze([last])])) as [SignedFreeze]
    expect(freezeVerifies(keys.cosign.publicKey, freeze)).toBe(true)
    for (const one of [signer, open(journal)]) {
      expect(
        one.sign([
          ask('VOTE', 4),
          ask('FINALIZE', 3),
          ask('SKIP', 3),
          askCosign(logs[0], 8, logs[0].consistencyProof(6, 8)),
          askFreeze([last], B),
        ]),
      ).toEqual(Array(5).fill(refusal))
      expect(one.sign([ask('VOTE', 3), askCosign(logs[0], 6, []), askFreeze([last])])).toEqual([
        ...before,
        { frozen: freeze },
      ])
      expect(one.freeze(CONTRACT, 0)).toEqual(freeze)
      expect(one.lastCosignature(CONTRACT, 0)).toEqual(last)
    }
    const elsewhere = { contract: CONTRACT, lineage: 1, epoch: 0, view: 1, type: 'VOTE', block: A } as const
    expect(
      signer.sign([{ kind: 'statement', statement: elsewhere, voteKey: keys.vote.publicKey }])[0],
      'the next lineage',
    ).toHaveProperty('signed')
  })

  it('[SGN-1] is refused without the last cosignature, and for another party', () => {
    const { signer } = openNew()
    const [first] = cosignedOf(signer.sign([askCosign(logs[0], 3, [])])) as [Cosignature]
    const [last] = cosignedOf(signer.sign([askCosign(logs[0], 6, logs[0].consistencyProof(3, 6))])) as [
      Cosignature,
    ]
    const beyond = { ...last, size: 7 }
    const cosignKey = keys.cosign.publicKey
    const foreign: SignItem = { kind: 'freeze', statement: freezeStatement([last], A, B), cosignKey }
    expect(signer.sign([askFreeze([]), askFreeze([first]), askFreeze([last, beyond]), foreign])).toEqual(
      Array(4).fill(refusal),
    )
    expect(
      signer.sign([
        { kind: 'freeze', statement: { ...freezeStatement([last]), view: 1 } as never, cosignKey },
      ]),
    ).toEqual([refusal])
    expect(signer.lock(CONTRACT, 0)?.frozen).toBeUndefined()
    expect(signer.sign([askFreeze([first, last])])[0]).toHaveProperty('frozen')
    const { signer: fresh } = openNew()
    expect(fresh.sign([askFreeze([last])]), 'of a past that it knows nothing of').toEqual([refusal])
  })

  it('[SGN-2] is on disk before the signature is returned', () => {
    const { journal, signer } = openNew()
    journal.fails = 'lost'
    expect(() => signer.sign([askFreeze([])])).toThrow()
    journal.fails = undefined
    expect(open(journal).freeze(CONTRACT, 0)).toBeUndefined()
    const [freeze] = frozenOf(signer.sign([askFreeze([])]))
    expect(open(journal).freeze(CONTRACT, 0)).toEqual(freeze)
  })

  it('[AMN-2] that others tell of is a lock like one of its own', () => {
    const { signer: lost } = openNew()
    const [last] = cosignedOf(lost.sign([askCosign(logs[0], 6, [])])) as [Cosignature]
    const [freeze] = frozenOf(lost.sign([askFreeze([last])])) as [SignedFreeze]
    const { journal, signer } = openNew()
    signer.recall(CONTRACT, 0, [], last, undefined, freeze)
    expect(open(journal).freeze(CONTRACT, 0)).toEqual(freeze)
    expect(signer.sign([ask('VOTE', 9), askFreeze([last], B)])).toEqual([refusal, refusal])
    expect(signer.sign([askFreeze([last])])).toEqual([{ frozen: freeze }])
    const code = (work: () => void): unknown => {
      try {
        work()
        return undefined
      } catch (error) {
        return (error as CountersignError).code
      }
    }
    const { signer: other } = openNew()
    const forged = signFreeze(keys.vote.privateKey, freeze.statement)
    expect(code(() => other.recall(CONTRACT, 0, [], undefined, undefined, forged))).toBe('bad-signature')
    expect(code(() => other.recall(CONTRACT, 1, [], undefined, undefined, freeze))).toBe('wrong-contract')
    expect(other.lock(CONTRACT, 0)).toBeUndefined()
  })
})

describe('whatever is asked of a signer that freezes', () => {
  type Step =
    | { step: 'statement'; type: Kind; view: number }
    | { step: 'cosign'; size: number }
    | { step: 'freeze'; mark: string }
    | { step: 'restart' }
    | { step: 'fail'; how: 'lost' | 'kept' }
    | { step: 'amnesia'; kept: number }
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        step: fc.constant('statement' as const),
        type: fc.constantFrom<Kind>('VOTE', 'FINALIZE', 'SKIP'),
        view: fc.integer({ min: 1, max: 6 }),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({ step: fc.constant('cosign' as const), size: fc.integer({ min: 1, max: 16 }) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ step: fc.constant('freeze' as const), mark: fc.constantFrom(A, B) }),
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
      weight: 2,
      arbitrary: fc.record({ step: fc.constant('amnesia' as const), kept: fc.integer({ min: 0, max: 5 }) }),
    },
  )

  it('[SGN-1] [LIN-1] gives one FREEZE a lineage, nothing new after it, and none that leaves out a cosignature', () => {
    let frozen = 0
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let journal = new MemoryJournal()
        let signer: Signer = open(journal)
        const freezes: SignedFreeze[] = []
        const cosigned: Cosignature[] = []
        const lastOf = (): Cosignature[] => {
          const last = signer.lastCosignature(CONTRACT, 0)
          return last ? [last] : []
        }
        const sign = (item: SignItem): SignResult | undefined => {
          try {
            return signer.sign([item])[0]
          } catch {
            signer = open(journal)
            return undefined
          } finally {
            journal.fails = undefined
          }
        }
        for (const one of steps) {
          if (one.step === 'restart') signer = open(journal)
          else if (one.step === 'fail') journal.fails = one.how
          else if (one.step === 'amnesia') {
            journal = Object.assign(new MemoryJournal(), { records: journal.records.slice(0, one.kept) })
            signer = open(journal)
            signer.recall(CONTRACT, 0, [], cosigned.at(-1), { epoch: 0, view: 9 }, freezes[0])
          } else {
            const [last] = lastOf()
            const from = last?.size ?? 0
            const item: SignItem =
              one.step === 'freeze'
                ? askFreeze(lastOf(), one.mark)
                : one.step === 'statement'
                  ? ask(one.type, one.view)
                  : askCosign(
                      logs[0],
                      one.size,
                      from < one.size ? logs[0].consistencyProof(from, one.size) : [],
                    )
            const { counter } = signer
            const result = sign(item)
            if (!result || 'refused' in result) continue
            if (freezes.length > 0) expect(signer.counter, 'nothing new after a FREEZE').toBe(counter)
            if ('frozen' in result) freezes.push(result.frozen)
            if ('cosignature' in result && !cosigned.some(({ size }) => size === result.cosignature.size))
              cosigned.push(result.cosignature)
          }
        }
        expect(new Set(freezes.map(freezeId)).size).toBeLessThan(2)
        for (const { statement } of freezes)
          for (const { size } of cosigned) expect(size).toBeLessThanOrEqual(frozenSize(statement))
        frozen += freezes.length
      }),
      { numRuns: 500 },
    )
    expect(frozen).toBeGreaterThan(100)
  })
})
