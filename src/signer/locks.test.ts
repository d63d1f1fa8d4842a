import { describe, expect, it } from 'vitest'
import { LogTree, leafHash } from '../crypto/log.ts'
import type { SignedStatement, Statement } from '../ledger/certificate.ts'
import type { Checkpoint, Cosignature, LedgerPoint } from '../ledger/checkpoint.ts'
import {
  EMPTY_LOCK,
  importCosignature,
  importStatements,
  type Lock,
  raiseView,
  takeCheckpoint,
  takeLeave,
  takeStatement,
  VIEW_MAX,
} from './locks.ts'

const CONTRACT = 'c'.repeat(64)
const A = 'a'.repeat(64)
const B = 'b'.repeat(64)

const at = (view: number, epoch = 0) => ({ contract: CONTRACT, lineage: 0, epoch, view })
const vote = (view: number, block: string, epoch = 0): Statement => ({
  ...at(view, epoch),
  type: 'VOTE',
  block,
})
const finalize = (view: number, block: string): Statement => ({ ...at(view), type: 'FINALIZE', block })
const skip = (view: number): Statement => ({ ...at(view), type: 'SKIP' })

/** The lock after statements that must all be taken as new. */
function lockOf(...statements: Statement[]): Lock {
  let lock = EMPTY_LOCK
  for (const statement of statements) {
    const taken = takeStatement(lock, statement)
    if (taken.result !== 'new') throw new Error(`not taken: ${JSON.stringify([statement, taken])}`)
    lock = taken.lock
  }
  return lock
}

describe('statements', () => {
  it.each<[string, Statement[], Statement]>([
    ['a second VOTE of one view for another block', [vote(3, A)], vote(3, B)],
    ['a second FINALIZE of one view for another block', [finalize(3, A)], finalize(3, B)],
    ['SKIP after FINALIZE of one view', [finalize(3, A)], skip(3)],
    ['FINALIZE after SKIP of one view', [skip(3)], finalize(3, A)],
    ['FINALIZE after VOTE and SKIP of one view', [vote(3, A), skip(3)], finalize(3, A)],
    ['a VOTE below the highest view', [skip(3)], vote(2, A)],
    ['the very VOTE it signed in a view below the highest', [vote(2, A), skip(3)], vote(2, A)],
    ['a FINALIZE below the highest view', [vote(3, A)], finalize(2, A)],
    ['a SKIP below the highest view', [vote(3, A)], skip(2)],
    ['a statement of an earlier epoch, be its view later', [vote(3, A, 1)], vote(4, A, 0)],
    ['the very VOTE it signed in an earlier epoch', [vote(3, A), vote(1, A, 1)], vote(3, A)],
  ])('[SGN-1] refuses %s', (_, before, statement) => {
    expect(takeStatement(lockOf(...before), statement)).toMatchObject({ result: 'refused' })
  })

  it.each<[string, Statement[], Statement]>([
    ['the first VOTE', [], vote(1, A)],
    ['FINALIZE of the block voted for', [vote(3, A)], finalize(3, A)],
    ['FINALIZE of another block than the one voted for', [vote(3, A)], finalize(3, B)],
    ['SKIP after VOTE', [vote(3, A)], skip(3)],
    ['VOTE after SKIP', [skip(3)], vote(3, A)],
    ['anything in a later view', [vote(3, A), finalize(3, A)], vote(4, B)],
    ['an earlier view in a later epoch', [vote(3, A)], vote(1, B, 1)],
    ['a VOTE for another block of the same view in a later epoch', [vote(3, A)], vote(3, B, 1)],
    ['SKIP after FINALIZE of the same view in an earlier epoch', [finalize(3, A)], { ...skip(3), epoch: 1 }],
  ])('[SGN-1] takes %s', (_, before, statement) => {
    const taken = takeStatement(lockOf(...before), statement)
    expect(taken.result).toBe('new')
  })

  it.each<[string, Statement[]]>([
    ['VOTE', [vote(3, A)]],
    ['FINALIZE', [vote(3, A), finalize(3, A)]],
    ['SKIP', [vote(3, A), skip(3)]],
  ])('[SGN-1] takes the same %s again without a new lock', (_, before) => {
    const lock = lockOf(...before)
    expect(takeStatement(lock, before.at(-1) as Statement)).toEqual({ result: 'same', lock })
  })

  it('[SGN-1] keeps the cosigned checkpoint when the view rises', () => {
    const cosign = { epoch: 0, size: 1, root: A, block: A, stateRoot: A }
    expect(takeStatement({ ...lockOf(vote(1, A)), cosign }, vote(2, A))).toEqual({
      result: 'new',
      lock: { view: 2, epoch: 0, vote: A, cosign },
    })
    expect(raiseView({ ...lockOf(vote(1, A)), cosign }, at(7))).toEqual({ view: 7, epoch: 0, cosign })
    expect(takeStatement({ ...lockOf(vote(9, A)), cosign }, vote(2, A, 1))).toEqual({
      result: 'new',
      lock: { view: 2, epoch: 1, vote: A, cosign },
    })
  })

  it('[SGN-1] refuses a statement of a type that it does not know', () => {
    const unknown = { ...at(1), type: 'FREEZE' } as unknown as Statement
    expect(takeStatement(EMPTY_LOCK, unknown)).toMatchObject({ result: 'refused' })
  })

  it('raises a view, epoch first, and never lowers it', () => {
    const lock = lockOf(vote(5, A, 1))
    for (const below of [at(5, 1), at(4, 1), at(6)]) expect(raiseView(lock, below)).toBe(lock)
    expect(raiseView(lock, at(6, 1))).toEqual({ view: 6, epoch: 1 })
    expect(raiseView(lock, at(1, 2))).toEqual({ view: 1, epoch: 2 })
  })
})

const tree = new LogTree(Array.from({ length: 20 }, (_, index) => leafHash(`leaf ${index}`)))
const other = new LogTree(
  Array.from({ length: 20 }, (_, index) => leafHash(`leaf ${index < 5 ? index : -index}`)),
)

const checkpoint = (size: number, log = tree, more: Partial<Checkpoint> = {}): Checkpoint => ({
  contract: CONTRACT,
  lineage: 0,
  epoch: 0,
  size,
  root: log.root(size),
  block: A,
  stateRoot: B,
  ...more,
})

/** The lock after cosigning the checkpoint of this size. */
function cosigned(size: number): Lock {
  const taken = takeCheckpoint(EMPTY_LOCK, checkpoint(size), [])
  if (taken.result !== 'new') throw new Error('not taken')
  return taken.lock
}

describe('checkpoints', () => {
  it('[COS-2] takes any checkpoint first, then every one that is proved to extend the last', () => {
    let lock = EMPTY_LOCK
    let last = 0
    for (const size of [3, 4, 8, 13, 20]) {
      const taken = takeCheckpoint(lock, checkpoint(size), tree.consistencyProof(last, size))
      if (taken.result !== 'new') throw new Error(`size ${size} was not taken`)
      lock = taken.lock
      last = size
    }
    expect(lock.cosign).toEqual({ epoch: 0, size: 20, root: tree.root(20), block: A, stateRoot: B })
  })

  it('[SGN-1] takes the same checkpoint again without a new lock', () => {
    const lock = cosigned(7)
    expect(takeCheckpoint(lock, checkpoint(7), [])).toEqual({ result: 'same', lock })
  })

  it.each<[string, Checkpoint, string[]]>([
    ['a smaller one', checkpoint(6), tree.consistencyProof(6, 7)],
    ['another root of the same size', checkpoint(7, other), []],
    ['another ledger block under the same root', checkpoint(7, tree, { block: B }), []],
    ['another record hash under the same root', checkpoint(7, tree, { stateRoot: A }), []],
    ['a larger one of another history', checkpoint(12, other), other.consistencyProof(7, 12)],
    ['a larger one without proof', checkpoint(12), []],
    ['a larger one with a proof from another size', checkpoint(12), tree.consistencyProof(6, 12)],
    ['a larger one with a proof of another history', checkpoint(12), other.consistencyProof(7, 12)],
    ['a size of zero', checkpoint(0), []],
    ['a size that is no integer', checkpoint(7, tree, { size: 7.5 }), []],
  ])('[SGN-1] [COS-2] refuses %s', (_, wanted, proof) => {
    expect(takeCheckpoint(cosigned(7), wanted, proof)).toMatchObject({ result: 'refused' })
  })
})

describe('leaving', () => {
  const pointOf = ({ contract: _, lineage: __, ...point }: Checkpoint): LedgerPoint => point

  it('[EPO-12] is taken at the last cosigned checkpoint, once and the same again', () => {
    const lock = cosigned(7)
    const left = { ...lock, left: true }
    expect(takeLeave(lock, pointOf(checkpoint(7)))).toEqual({ result: 'new', lock: left })
    expect(takeLeave(left as Lock, pointOf(checkpoint(7)))).toEqual({ result: 'same', lock: left })
  })

  it.each<[string, Lock, Checkpoint]>([
    ['where nothing was cosigned', EMPTY_LOCK, checkpoint(1)],
    ['in a frozen lineage', { ...cosigned(7), frozen: A }, checkpoint(7)],
    ['at a smaller checkpoint', cosigned(7), checkpoint(6)],
    ['at a larger one', cosigned(7), checkpoint(8)],
    ['at another of the same size', cosigned(7), checkpoint(7, other)],
    ['at one that differs in its epoch', cosigned(7), checkpoint(7, tree, { epoch: 1 })],
    ['at one that differs in its record hash', cosigned(7), checkpoint(7, tree, { stateRoot: A })],
  ])('[EPO-12] is refused %s', (_, lock, named) => {
    expect(takeLeave(lock, pointOf(named))).toMatchObject({ result: 'refused' })
  })

  it('[EPO-12] ends cosigning, but for the same again, through every later view and epoch', () => {
    const taken = takeLeave(cosigned(7), pointOf(checkpoint(7)))
    if (taken.result !== 'new') throw new Error('not taken')
    const ordered = takeStatement(taken.lock, vote(3, A, 1))
    if (ordered.result !== 'new') throw new Error('not taken')
    for (const lock of [taken.lock, ordered.lock, raiseView(ordered.lock, at(9, 4))]) {
      expect(takeCheckpoint(lock, checkpoint(8), tree.consistencyProof(7, 8))).toEqual({
        result: 'refused',
        reason: expect.stringContaining('LEAVE'),
      })
      expect(takeCheckpoint(lock, checkpoint(7), [])).toEqual({ result: 'same', lock })
    }
  })
})

describe('what others held', () => {
  const signed = (statement: Statement): SignedStatement => ({
    statement,
    party: A,
    signature: { signature: '' },
  })

  it('[AMN-2] raises the lock to the highest statements told, in whatever order', () => {
    const told = [skip(4), vote(2, A), vote(4, B), finalize(3, A)].map(signed)
    expect(importStatements(lockOf(vote(1, A)), told)).toEqual({ view: 4, epoch: 0, vote: B, skip: true })
    expect(importStatements(EMPTY_LOCK, told.reverse())).toEqual({ view: 4, epoch: 0, vote: B, skip: true })
  })

  it('[AMN-2] keeps its own locks against what is lower or contradicts them', () => {
    const lock = lockOf(vote(5, A), finalize(5, A))
    expect(importStatements(lock, [vote(5, B), skip(5), vote(4, B)].map(signed))).toEqual(lock)
  })

  it('[AMN-2] raises the lock to the last epoch told, whatever the views', () => {
    const told = [vote(6, B), vote(2, A, 1), skip(9)].map(signed)
    expect(importStatements(EMPTY_LOCK, told)).toEqual({ view: 2, epoch: 1, vote: A })
    const lock = lockOf(vote(3, A, 1))
    expect(importStatements(lock, told)).toBe(lock)
  })

  it('[AMN-2] raises the view for a statement that this signer would not sign', () => {
    const beyond = signed(vote(VIEW_MAX + 1, A))
    expect(importStatements(EMPTY_LOCK, [beyond])).toEqual({ view: VIEW_MAX + 1, epoch: 0 })
  })

  it('[AMN-2] raises the cosigned checkpoint, and never lowers it', () => {
    const told = (size: number): Cosignature => ({
      ...checkpoint(size),
      party: A,
      timeS: 1,
      signature: '',
    })
    expect(importCosignature(cosigned(7), told(9)).cosign).toMatchObject({ size: 9, root: tree.root(9) })
    expect(importCosignature(EMPTY_LOCK, told(9)).cosign).toMatchObject({ size: 9 })
    const lock = cosigned(7)
    expect(importCosignature(lock, told(6))).toBe(lock)
    expect(importCosignature(lock, { ...told(7), root: A })).toBe(lock)
  })
})
