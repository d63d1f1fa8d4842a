import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { A, B, CONTRACT, FORK_AT, type Kind, logs } from '../../test/support/signing.ts'
import { jcs } from '../crypto/jcs.ts'
import { verifyConsistency } from '../crypto/log.ts'
import type { SignedStatement, Statement } from '../ledger/certificate.ts'
import type { Checkpoint, Cosignature } from '../ledger/checkpoint.ts'
import { contradiction } from '../ledger/evidence.ts'
import {
  EMPTY_LOCK,
  type EpochView,
  importCosignature,
  importStatements,
  type Lock,
  raiseView,
  takeCheckpoint,
  takeLeave,
  takeStatement,
} from './locks.ts'

const statements: fc.Arbitrary<Statement> = fc
  .record({
    type: fc.constantFrom<Kind>('VOTE', 'FINALIZE', 'SKIP'),
    view: fc.integer({ min: 1, max: 4 }),
    epoch: fc.constantFrom(0, 0, 1, 2),
    block: fc.constantFrom(A, B),
  })
  .map(({ type, view, epoch, block }) => {
    const at = { contract: CONTRACT, lineage: 0, epoch, view }
    return type === 'SKIP' ? { ...at, type } : { ...at, type, block }
  })

/** A checkpoint of one of three logs, which are one up to FORK_AT, and a proof that may be from another or for another size. */
const offers = fc
  .record({
    log: fc.constantFrom(...logs),
    size: fc.integer({ min: 1, max: 16 }),
    proofOf: fc.constantFrom(...logs),
    from: fc.oneof({ weight: 3, arbitrary: fc.constant('held' as const) }, fc.integer({ min: 0, max: 16 })),
    twist: fc.constantFrom('none', 'none', 'none', 'block', 'stateRoot', 'epoch'),
    cut: fc.constantFrom(0, 0, 0, 1),
  })
  .map(({ log, size, proofOf, from, twist, cut }) => {
    const checkpoint: Checkpoint = {
      contract: CONTRACT,
      lineage: 0,
      epoch: twist === 'epoch' ? 1 : 0,
      size,
      root: log.root(size),
      block: twist === 'block' ? B : log.leaf(size - 1),
      stateRoot: twist === 'stateRoot' ? B : A,
    }
    const proof = (lock: Lock): string[] => {
      const old = from === 'held' ? (lock.cosign?.size ?? 0) : from
      return old > size ? [] : proofOf.consistencyProof(old, size).slice(cut)
    }
    return { log, checkpoint, proof }
  })

const told = (statement: Statement): SignedStatement => ({
  statement,
  party: A,
  signature: { signature: '' },
})
const pointOf = ({ contract: _, lineage: __, ...point }: Checkpoint) => point
const cosignatureOf = ({ contract: _, lineage: __, ...parts }: Checkpoint): Cosignature => ({
  ...parts,
  party: A,
  timeS: 1,
  signature: '',
})

/** Epochs come first, whatever the view. */
const isBelow = (one: EpochView, other: EpochView): boolean =>
  one.epoch < other.epoch || (one.epoch === other.epoch && one.view < other.view)

/** The lock after all of these that it takes. */
function lockAfter(offered: readonly Statement[]): Lock {
  return offered.reduce<Lock>((lock, statement) => {
    const taken = takeStatement(lock, statement)
    return taken.result === 'refused' ? lock : taken.lock
  }, EMPTY_LOCK)
}

describe('whatever statements are offered', () => {
  it('[SGN-1] takes no two that contradict one another, and the same again exactly while its view lasts', () => {
    let taken = 0
    fc.assert(
      fc.property(fc.array(statements, { maxLength: 40 }), (offered) => {
        const signed: Statement[] = []
        let lock = EMPTY_LOCK
        for (const statement of offered) {
          const answer = takeStatement(lock, statement)
          const before = signed.some((one) => jcs(one) === jcs(statement))
          if (before) expect(answer.result).toBe(isBelow(statement, lock) ? 'refused' : 'same')
          else expect(answer.result).not.toBe('same')
          if (answer.result === 'refused') continue
          expect(isBelow(answer.lock, lock)).toBe(false)
          lock = answer.lock
          signed.push(statement)
        }
        taken += signed.length
        for (const first of signed)
          for (const second of signed) expect(contradiction(told(first), told(second))).toBeUndefined()
      }),
      { numRuns: 500 },
    )
    expect(taken).toBeGreaterThan(300)
  })

  it('[SGN-1] refuses nothing but what it must: a statement above all others is always taken', () => {
    fc.assert(
      fc.property(fc.array(statements, { maxLength: 20 }), statements, (offered, last) => {
        const lock = lockAfter(offered)
        for (const above of [
          { epoch: lock.epoch, view: lock.view + 1 },
          { epoch: lock.epoch + 1, view: 1 },
        ])
          expect(takeStatement(lock, { ...last, ...above }).result).toBe('new')
      }),
    )
  })
})

describe('whatever checkpoints are offered', () => {
  it('[COS-2] takes only ones that extend all before, and of one size only one', () => {
    let taken = 0
    let forks = 0
    fc.assert(
      fc.property(fc.array(offers, { maxLength: 40 }), (offered) => {
        const cosigned: { log: (typeof logs)[number]; checkpoint: Checkpoint }[] = []
        let lock = EMPTY_LOCK
        for (const { log, checkpoint, proof } of offered) {
          const answer = takeCheckpoint(lock, checkpoint, proof(lock))
          if (answer.result === 'refused') {
            if (log !== cosigned.at(-1)?.log) forks += 1
            continue
          }
          if (answer.result === 'same') expect(answer.lock).toBe(lock)
          lock = answer.lock
          for (const { checkpoint: before } of cosigned) {
            expect(checkpoint.size).toBeGreaterThanOrEqual(before.size)
            if (checkpoint.size === before.size) expect(checkpoint).toEqual(before)
            const genuine = log.consistencyProof(before.size, checkpoint.size)
            expect(
              verifyConsistency(before.size, checkpoint.size, before.root, checkpoint.root, genuine),
            ).toBe(true)
          }
          cosigned.push({ log, checkpoint })
        }
        taken += cosigned.length
      }),
      { numRuns: 500 },
    )
    expect(taken).toBeGreaterThan(200)
    expect(forks).toBeGreaterThan(400)
  })

  it('[COS-2] takes every one that is proved to extend the last', () => {
    const sizes = fc.uniqueArray(fc.integer({ min: 1, max: 16 }), { minLength: 1 })
    fc.assert(
      fc.property(sizes, fc.constantFrom(...logs), (some, log) => {
        let lock = EMPTY_LOCK
        for (const size of [...some].sort((a, b) => a - b)) {
          const root = log.root(size)
          const checkpoint = { contract: CONTRACT, lineage: 0, epoch: 0, size, root, block: A, stateRoot: A }
          const answer = takeCheckpoint(lock, checkpoint, log.consistencyProof(lock.cosign?.size ?? 0, size))
          expect(answer.result).toBe('new')
          if (answer.result === 'new') lock = answer.lock
        }
      }),
    )
    expect(FORK_AT).toBeLessThan(16)
  })
})

describe('whenever its party leaves', () => {
  it('[EPO-12] takes LEAVE at the last cosigned checkpoint alone, and nothing larger after it', () => {
    const seen = { left: 0, refused: 0, again: 0 }
    fc.assert(
      fc.property(
        fc.array(fc.tuple(offers, fc.constantFrom('cosigns', 'leaves', 'leaves at the last')), {
          minLength: 1,
          maxLength: 30,
        }),
        statements,
        (offered, statement) => {
          let lock = EMPTY_LOCK
          for (const [{ checkpoint, proof }, does] of offered) {
            const before = lock
            const leaves = does !== 'cosigns'
            const some = pointOf(checkpoint)
            const named = does === 'leaves at the last' ? (lock.cosign ?? some) : some
            const isLast = lock.cosign !== undefined && jcs(lock.cosign) === jcs(named)
            const answer = leaves ? takeLeave(lock, named) : takeCheckpoint(lock, checkpoint, proof(lock))
            if (leaves) expect(answer.result).toBe(isLast ? (lock.left ? 'same' : 'new') : 'refused')
            else if (lock.left) expect(answer.result).toBe(isLast ? 'same' : 'refused')
            if (answer.result !== 'refused') lock = answer.lock
            seen.left += leaves && answer.result === 'new' ? 1 : 0
            seen.refused += before.left && answer.result === 'refused' ? 1 : 0
            seen.again += before.left && answer.result === 'same' ? 1 : 0
            if (before.left) expect(lock).toBe(before)
          }
          const taken = takeStatement(lock, statement)
          if (taken.result !== 'new') throw new Error('it does not order any more')
          expect(taken.lock.left, 'orders on, and keeps that it left').toBe(lock.left)
        },
      ),
      { numRuns: 500 },
    )
    expect(seen.left).toBeGreaterThan(100)
    expect(seen.refused).toBeGreaterThan(100)
    expect(seen.again).toBeGreaterThan(100)
  })
})

describe('whatever is recalled', () => {
  const some = fc.array(statements, { maxLength: 8 })

  it('[AMN-2] only raises: what was refused stays refused', () => {
    fc.assert(
      fc.property(some, some, fc.integer({ min: 0, max: 5 }), statements, (own, others, floor, probe) => {
        const lock = lockAfter(own)
        const raised = raiseView(importStatements(lock, others.map(told)), { epoch: 0, view: floor })
        expect(isBelow(raised, lock)).toBe(false)
        for (const { statement } of others.map(told)) expect(isBelow(raised, statement)).toBe(false)
        if (takeStatement(lock, probe).result === 'refused')
          expect(takeStatement(raised, probe).result).toBe('refused')
        expect(importStatements(raised, others.map(told)), 'once is enough').toBe(raised)
      }),
      { numRuns: 1000 },
    )
  })

  it('[AMN-2] makes all unsignable that contradicts what others told', () => {
    let contradictions = 0
    fc.assert(
      fc.property(some, some, statements, (own, others, probe) => {
        const lock = importStatements(lockAfter(own), others.map(told))
        if (!others.some((one) => contradiction(told(one), told(probe)))) return
        contradictions += 1
        // Unless it had been signed itself: then the contradiction is an old one, and nothing new is signed.
        expect(['refused', 'same']).toContain(takeStatement(lock, probe).result)
      }),
      { numRuns: 2000 },
    )
    expect(contradictions).toBeGreaterThan(100)
  })

  it('[AMN-2] [COS-2] leaves the largest checkpoint cosigned', () => {
    fc.assert(
      fc.property(fc.array(offers, { minLength: 1, maxLength: 6 }), (offered) => {
        let lock = EMPTY_LOCK
        let largest = 0
        for (const { checkpoint } of offered) {
          const before = lock
          lock = importCosignature(lock, cosignatureOf(checkpoint))
          if (checkpoint.size <= largest) expect(lock).toBe(before)
          largest = Math.max(largest, checkpoint.size)
          expect(lock.cosign?.size).toBe(largest)
        }
      }),
    )
  })
})
