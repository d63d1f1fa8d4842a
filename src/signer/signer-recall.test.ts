import { describe, expect, it } from 'vitest'
import {
  A,
  ask,
  askCosign,
  B,
  CONTRACT,
  cosignedOf,
  logs,
  open,
  openNew,
  signedOf,
  statement,
} from '../../test/support/signing.ts'
import type { CountersignError } from '../crypto/errors.ts'
import type { SignedStatement } from '../ledger/certificate.ts'
import type { Cosignature } from '../ledger/checkpoint.ts'

const OTHERS = ['e', 'f'].map((digit) => digit.repeat(64)) as [string, string]

describe('recalling', () => {
  it('[AMN-2] takes own signatures that others held as locks, on disk, and counts that', () => {
    const { signer: lost } = openNew()
    const told = signedOf(lost.sign([ask('VOTE', 3), ask('SKIP', 3)]))
    const [cosignature] = cosignedOf(lost.sign([askCosign(logs[0], 6, [])]))
    const { journal, signer } = openNew()
    signer.recall(CONTRACT, 0, told, cosignature)
    expect(signer.counter).toBe(1)
    expect(open(journal).lock(CONTRACT, 0)).toEqual(lost.lock(CONTRACT, 0))
    expect(signer.sign([ask('VOTE', 3, B), ask('FINALIZE', 3), askCosign(logs[1], 8, [])])).toEqual(
      Array(3).fill({ refused: expect.any(String) }),
    )
    const onwards = signer.sign([ask('VOTE', 4), askCosign(logs[0], 8, logs[0].consistencyProof(6, 8))])
    expect(onwards.some((result) => 'refused' in result)).toBe(false)
    signer.recall(CONTRACT, 0, told, cosignature)
    expect(signer.counter).toBe(2)
  })

  it('[AMN-2] gives the very signatures that others told', () => {
    const { signer: lost } = openNew()
    const told = signedOf(lost.sign([ask('VOTE', 3), ask('SKIP', 3), ask('VOTE', 3, A, OTHERS[0])]))
    const [cosignature] = cosignedOf(lost.sign([askCosign(logs[0], 6, [], 4)])) as [Cosignature]
    const { signer } = openNew()
    signer.recall(CONTRACT, 0, told.slice(0, 2), cosignature)
    expect(signer.reissue(CONTRACT, 0)).toEqual(told.slice(0, 2))
    expect(signer.sign([ask('SKIP', 3), askCosign(logs[0], 6, [], 9)])).toEqual([
      { signed: told[1] },
      { cosignature },
    ])
  })

  it('[AMN-2] of nothing takes no lock', () => {
    const { journal, signer } = openNew()
    signer.recall(CONTRACT, 0, [])
    expect([signer.counter, journal.appends, signer.lock(CONTRACT, 0)]).toEqual([0, 0, undefined])
  })

  it('[AMN-2] signs nothing up to a view that is known to be over', () => {
    const { signer } = openNew()
    signer.recall(CONTRACT, 0, [], undefined, { epoch: 0, view: 7 })
    expect(
      signer.sign([ask('VOTE', 7), ask('SKIP', 6), ask('VOTE', 8)]).map((result) => 'signed' in result),
    ).toEqual([false, false, true])
  })

  it('[AMN-2] refuses what its keys never signed here, and takes nothing of it', () => {
    const { signer: lost } = openNew()
    const own = signedOf(lost.sign([ask('VOTE', 3)])) as [SignedStatement]
    const [cosignature] = cosignedOf(lost.sign([askCosign(logs[0], 6, [])])) as [Cosignature]
    const { signer } = openNew()
    const forged = { ...own[0], statement: statement('VOTE', 900) }
    const code = (work: () => void): unknown => {
      try {
        work()
        return undefined
      } catch (error) {
        return (error as CountersignError).code
      }
    }
    expect(code(() => signer.recall(CONTRACT, 0, [...own, forged]))).toBe('bad-signature')
    expect(code(() => signer.recall(OTHERS[0], 0, own))).toBe('wrong-contract')
    expect(code(() => signer.recall(CONTRACT, 1, own))).toBe('wrong-contract')
    expect(code(() => signer.recall(CONTRACT, 0, own, { ...cosignature, size: 900 }))).toBe('bad-signature')
    expect(code(() => signer.recall(CONTRACT, 1, [], cosignature))).toBe('bad-signature')
    expect(code(() => signer.recall(CONTRACT, 0, own, undefined, { epoch: 0, view: 1.5 }))).toBe('bad-format')
    expect(code(() => signer.recall(CONTRACT, 0, [{ ...own[0], more: 1 } as SignedStatement]))).toBe(
      'bad-format',
    )
    expect(signer.lock(CONTRACT, 0)).toBeUndefined()
    expect(signer.counter).toBe(0)
  })
})
