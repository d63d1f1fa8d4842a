import { describe, expect, it } from 'vitest'
import { EpochLedger } from '../../test/support/epoch-ledger.ts'
import { expectStrict } from '../../test/support/hostile-json.ts'
import type { FixtureParty } from '../../test/support/ledger-parties.ts'
import { jcs } from '../crypto/jcs.ts'
import { cardHash } from '../identity/card.ts'
import { type EpochOperation, epochOperationShape, followsFrom, isEpochOperation } from './epoch-operation.ts'
import {
  type AnyRequest,
  checkAnyRequest,
  checkRequest,
  commitmentsOf,
  epochOperationOf,
  type Operation,
} from './request.ts'

const ledger = new EpochLedger()
const [alder, birch] = ledger.founders as [FixtureParty, FixtureParty]
const cedar = ledger.party('Cedar Bank')
const later = ledger.rekey(cedar)
const hash = (byte: string) => byte.repeat(32)
const bad = (code: string) => expect.objectContaining({ code })
const checkpoint = ledger.point()
const cosignature = ledger.cosignature(alder.party)

const operations: { [Op in EpochOperation['op']]: EpochOperation } = {
  invite: { op: 'invite', card: later.signedCard, role: 'observer', older: true, expiresMs: 1 },
  accept: { op: 'accept', change: hash('01'), genesis: ledger.contract, checkpoint },
  vote: { op: 'vote', change: hash('01'), yes: false },
  leave: { op: 'leave', checkpoint },
  card: { op: 'card', card: later.signedCard, expiresMs: 1 },
  policy: { op: 'policy', policy: { ...ledger.genesis.policy, quorum: 'bft' }, expiresMs: 1 },
  remove: {
    op: 'remove',
    evidence: {
      kind: 'two-checkpoints',
      party: alder.party,
      contract: ledger.contract,
      lineage: 0,
      first: cosignature,
      second: cosignature,
    },
  },
}
const all = Object.values(operations)

describe('an operation on the epoch', () => {
  it.each(all.map((one) => [one.op, one] as const))(
    '[EPO-1] %s has exactly the keys of its format',
    (_, one) => {
      expect(epochOperationShape(one, 'operation')).toBe(one)
      for (const key of Object.keys(one)) {
        const { [key]: left, ...rest } = one as Record<string, unknown>
        expect(() => epochOperationShape(rest, 'operation')).toThrow(bad('bad-format'))
        expect(() => epochOperationShape({ ...rest, [`${key}s`]: left }, 'operation')).toThrow(
          bad('bad-format'),
        )
        expect(() => epochOperationShape({ ...one, [key]: [left] }, 'operation')).toThrow(bad('bad-format'))
      }
      expect(() => epochOperationShape({ ...one, reason: '' }, 'operation')).toThrow(bad('bad-format'))
    },
  )

  it.each(all.map((one) => [one.op, one] as const))(
    '[ENC-1] %s is refused whatever else it is, and never by anything but an error of the registry',
    (_, one) => {
      expectStrict((value) => epochOperationShape(value, 'operation'), one, jcs, 300)
    },
  )

  it('[EPO-1] is none that the format does not have', () => {
    for (const value of [
      { op: 'create' },
      { op: 'toString' },
      { op: ['leave'] },
      {},
      null,
      'leave',
      undefined,
    ]) {
      expect(isEpochOperation(value)).toBe(false)
      expect(() => epochOperationShape(value, 'operation')).toThrow(bad('bad-format'))
    }
    expect(all.every(isEpochOperation)).toBe(true)
  })

  it('[CARD-2] may carry a card that follows from another, at any distance', () => {
    const last = ledger.rekey(later)
    for (const { card } of [cedar.signedCard, later.signedCard, last.signedCard])
      expect(followsFrom(last.signedCard, cardHash(card))).toBe(true)
    expect(followsFrom(cedar.signedCard, cardHash(later.signedCard.card))).toBe(false)
    expect(followsFrom(last.signedCard, cardHash(alder.signedCard.card))).toBe(false)
  })
})

describe('a request on the epoch', () => {
  const keyOf = ({ author }: AnyRequest) => ledger.known.get(author)?.keys.author.publicKey
  const check = (value: unknown) => checkAnyRequest(value, ledger.contract, keyOf)
  const signed = (...steps: unknown[]) => {
    const { request, signature } = ledger.request(birch, steps as EpochOperation[])
    return { request, signature }
  }
  const create = ledger.create(birch, 'Amount').request.operations[0] as Operation

  it.each(all.map((one) => [one.op, one] as const))(
    '[EPO-1] of %s is taken, and commits to no value',
    (_, one) => {
      const request = signed(one)
      expect(check(request)).toMatchObject(request)
      expect(epochOperationOf(request.request)).toBe(one)
      expect(commitmentsOf(request.request.operations)).toEqual([])
    },
  )

  it('[EPO-1] stands alone: neither with another nor with operations on elements', () => {
    for (const steps of [
      [operations.vote, operations.vote],
      [operations.vote, create],
      [create, operations.vote],
    ])
      expect(() => check(signed(...steps))).toThrow(bad('bad-format'))
    expect(check(signed(create, create)).request.operations).toHaveLength(2)
    expect(epochOperationOf(signed(create).request)).toBeUndefined()
  })

  it('[EPO-1] is none to who takes requests on elements only', () => {
    const elements = (value: unknown) =>
      checkRequest(value, ledger.contract, (party) => keyOf({ author: party } as never))
    expect(elements(signed(create)).id).toHaveLength(64)
    for (const one of all) expect(() => elements(signed(one))).toThrow(bad('bad-format'))
  })

  it('[CARD-2] is not taken with a card that is not proven by the cards before it', () => {
    const { card, signature } = later.signedCard
    const alone = { card, signature }
    const stranger = ledger.party('Stranger').signedCard
    const swapped = { ...cedar.signedCard, signature: stranger.signature }
    for (const one of [alone, swapped, { ...later.signedCard, earlier: [stranger] }]) {
      expect(() => check(signed({ ...operations.invite, card: one }))).toThrow(bad('bad-card'))
      expect(() => check(signed({ ...operations.card, card: one }))).toThrow(bad('bad-card'))
    }
  })

  it('[EPO-2] is not taken by a key that its author may not make it with', () => {
    const request = signed(operations.vote)
    expect(() => checkAnyRequest(request, ledger.contract, () => undefined)).toThrow(bad('unknown-party'))
    expect(() => checkAnyRequest(request, ledger.contract, () => alder.keys.author.publicKey)).toThrow(
      bad('bad-signature'),
    )
    const forged = { ...request, signature: signed(operations.leave).signature }
    expect(() => check(forged)).toThrow(bad('bad-signature'))
  })
})
