import { describe, expect, it } from 'vitest'
import {
  A,
  ask,
  askCosign,
  B,
  CONTRACT,
  checkpoint,
  cosignedOf,
  type Kind,
  keys,
  logs,
  MemoryJournal,
  open,
  openNew,
  PARTY,
  signedOf,
  statement,
} from '../../test/support/signing.ts'
import { CountersignError } from '../crypto/errors.ts'
import { verifyStatement } from '../crypto/statement.ts'
import type { Statement } from '../ledger/certificate.ts'
import { type Cosignature, cosignatureVerifies } from '../ledger/checkpoint.ts'
import { type AnyRequest, checkAnyRequest, checkRequest } from '../ledger/request.ts'
import type { SignItem } from './signer.ts'

const authorKey = () => keys.author.publicKey
const OTHERS = ['e', 'f'].map((digit) => digit.repeat(64)) as [string, string]

describe('signing', () => {
  it('signs statements and checkpoints so that they verify, and says why it refuses', () => {
    const { signer } = openNew()
    const results = signer.sign([
      ask('VOTE', 1),
      askCosign(logs[0], 1, []),
      ask('VOTE', 1, B),
      ask('SKIP', 2, A, OTHERS[0]),
    ])
    const signed = signedOf(results)
    expect(signed.map((one) => one.statement)).toEqual([
      statement('VOTE', 1),
      statement('SKIP', 2, A, OTHERS[0]),
    ])
    for (const one of signed) {
      expect(one.party).toBe(PARTY)
      expect(verifyStatement(keys.vote.publicKey, one.statement, one.signature)).toBe(true)
    }
    expect(results[2]).toEqual({ refused: expect.stringContaining('another block') })
    const [cosignature] = cosignedOf(results) as [Cosignature]
    expect(cosignature).toMatchObject({ party: PARTY, size: 1, root: logs[0].root(1), timeS: 1 })
    expect(cosignatureVerifies(keys.cosign.publicKey, CONTRACT, 0, cosignature)).toBe(true)
  })

  it('[SGN-2] has all locks of a batch on disk, in one append, before it returns a signature', () => {
    const { journal, signer } = openNew()
    signer.sign([ask('VOTE', 1), ask('VOTE', 1, A, OTHERS[0]), askCosign(logs[0], 1, [])])
    expect(journal.appends).toBe(1)
    expect(open(journal).lock(CONTRACT, 0)).toEqual(signer.lock(CONTRACT, 0))
    expect(open(journal).lock(OTHERS[0], 0)).toEqual(signer.lock(OTHERS[0], 0))
  })

  it('[SGN-2] lets nothing out and locks nothing where the disk fails', () => {
    const { journal, signer } = openNew()
    signer.sign([ask('VOTE', 1), askCosign(logs[0], 1, [])])
    const before = [signer.counter, signer.lock(CONTRACT, 0), signer.reissue(CONTRACT, 0)]
    const batch = [
      ask('VOTE', 1),
      ask('FINALIZE', 1),
      ask('VOTE', 1, B, OTHERS[0]),
      askCosign(logs[0], 2, []),
    ]
    journal.fails = 'lost'
    expect(() => signer.sign(batch)).toThrow(expect.objectContaining({ code: 'storage-failed' }))
    expect(() => signer.recall(CONTRACT, 0, [], undefined, { epoch: 0, view: 9 })).toThrow(
      expect.objectContaining({ code: 'storage-failed' }),
    )
    expect([signer.counter, signer.lock(CONTRACT, 0), signer.reissue(CONTRACT, 0)]).toEqual(before)
    expect(signer.lock(OTHERS[0], 0)).toBeUndefined()
    journal.fails = undefined
    expect(signedOf(signer.sign([ask('SKIP', 1), ask('VOTE', 1, A, OTHERS[0])]))).toHaveLength(2)
  })

  it('[AMN-1] takes no lock and raises no counter where all is refused', () => {
    const { journal, signer } = openNew()
    signer.sign([ask('VOTE', 5), askCosign(logs[0], 3, [])])
    const before = [signer.counter, journal.appends, signer.lock(CONTRACT, 0)]
    const results = signer.sign([ask('VOTE', 4), ask('VOTE', 5, B), askCosign(logs[0], 2, [])])
    expect(results).toEqual(Array(3).fill({ refused: expect.any(String) }))
    expect([signer.counter, journal.appends, signer.lock(CONTRACT, 0)]).toEqual(before)
  })

  it('[SGN-1] refuses what is malformed, and signs what stands beside it', () => {
    const { signer } = openNew()
    const vote = statement('VOTE', 1)
    const malformed = [
      { ...vote, view: 1.5 },
      { ...vote, view: 0 },
      { ...vote, view: Number.NaN },
      { ...vote, view: Number.MAX_SAFE_INTEGER },
      { ...vote, epoch: -1 },
      { ...vote, contract: 'C'.repeat(64) },
      { ...vote, block: undefined },
      { ...vote, type: 'SKIP' },
      { ...vote, type: 'FREEZE' },
      { ...vote, more: 1 },
    ] as unknown as Statement[]
    const voteKey = keys.vote.publicKey
    const items: SignItem[] = malformed.map((one) => ({ kind: 'statement', statement: one, voteKey }))
    const results = signer.sign([...items, askCosign(logs[0], 1, [], -1), ask('VOTE', 1)])
    expect(results.slice(0, -1)).toEqual(Array(items.length + 1).fill({ refused: expect.any(String) }))
    expect(results.at(-1)).toMatchObject({ signed: { statement: vote } })
  })

  it('[SIG-3] signs the statements of one call together', () => {
    const { signer } = openNew()
    const signed = signedOf(signer.sign([ask('VOTE', 1), askCosign(logs[0], 1, []), ask('FINALIZE', 1)]))
    expect(new Set(signed.map(({ signature }) => signature.signature)).size).toBe(1)
    expect(signed.map(({ signature }) => signature.batch?.index)).toEqual([0, 1])
  })

  it('[SGN-1] looks at the items of one call in order', () => {
    const { signer } = openNew()
    const results = signer.sign([
      ask('VOTE', 2),
      ask('VOTE', 1),
      ask('SKIP', 2),
      ask('FINALIZE', 2),
      ask('VOTE', 2),
    ])
    expect(results.map((result) => Object.keys(result)[0])).toEqual([
      'signed',
      'refused',
      'signed',
      'refused',
      'signed',
    ])
  })

  it('[SGN-1] gives the same again for the same: a statement out of a batch, a checkpoint at a later time', () => {
    const { journal, signer } = openNew()
    const first = signer.sign([ask('VOTE', 1), ask('VOTE', 7, B, OTHERS[0]), ask('SKIP', 1), ask('VOTE', 1)])
    expect(first[3]).toEqual(first[0])
    const cosigned = signer.sign([askCosign(logs[0], 3, [], 5)])
    const { appends } = journal
    for (const again of [signer, open(journal)]) {
      expect(again.sign([ask('SKIP', 1)])).toEqual([first[2]])
      expect(again.sign([ask('VOTE', 7, B, OTHERS[0]), ask('VOTE', 1)])).toEqual([first[1], first[0]])
      expect(again.sign([askCosign(logs[0], 3, [], 6)])).toEqual(cosigned)
      expect(again.reissue(CONTRACT, 0)).toEqual(signedOf([first[0], first[2]] as typeof first))
    }
    expect(journal.appends).toBe(appends)
  })

  it('[COS-2] cosigns checkpoints of one call in order, each with its own signature', () => {
    const { journal, signer } = openNew()
    const results = signer.sign([
      askCosign(logs[0], 3, []),
      askCosign(logs[0], 3, [], 9),
      askCosign(logs[0], 5, logs[0].consistencyProof(3, 5), 2),
      askCosign(logs[0], 3, []),
      askCosign(logs[1], 6, logs[1].consistencyProof(5, 6)),
    ])
    const cosignatures = cosignedOf(results)
    expect(cosignatures.map(({ size, timeS }) => [size, timeS])).toEqual([
      [3, 1],
      [3, 1],
      [5, 2],
    ])
    for (const one of cosignatures)
      expect(cosignatureVerifies(keys.cosign.publicKey, CONTRACT, 0, one)).toBe(true)
    expect(open(journal).sign([askCosign(logs[0], 5, [], 7)])).toEqual([{ cosignature: cosignatures[2] }])
  })

  it('[SGN-1] gives the same again in a later epoch too, whose views have the numbers of the former’s', () => {
    const { journal, signer } = openNew()
    const inEpoch = (epoch: number, type: Kind): SignItem => {
      const item = ask(type, 1) as Extract<SignItem, { kind: 'statement' }>
      return { ...item, statement: { ...item.statement, epoch } }
    }
    signer.sign([inEpoch(0, 'VOTE'), inEpoch(0, 'FINALIZE')])
    const later = signer.sign([inEpoch(1, 'VOTE'), inEpoch(1, 'SKIP')])
    expect(signedOf(later)).toHaveLength(2)
    for (const again of [signer, open(journal)]) {
      expect(again.sign([inEpoch(1, 'VOTE'), inEpoch(1, 'SKIP')])).toEqual(later)
      expect(again.reissue(CONTRACT, 0)).toEqual(signedOf(later))
      expect(again.sign([inEpoch(0, 'VOTE')])).toEqual([{ refused: expect.stringContaining('epoch 0') }])
    }
  })

  it('[AMN-1] counts the batches that took a new lock, and no others', () => {
    const { journal, signer } = openNew()
    expect(signer.counter).toBe(0)
    signer.sign([ask('VOTE', 1), ask('VOTE', 1, A, OTHERS[0])])
    expect(signer.counter).toBe(1)
    signer.sign([ask('VOTE', 1)])
    signer.sign([ask('VOTE', 1, B)])
    signer.sign([])
    expect(signer.counter).toBe(1)
    signer.sign([ask('SKIP', 1)])
    expect(open(journal).counter).toBe(2)
  })

  it('signs requests without a lock', () => {
    const { journal, signer } = openNew()
    const signed = signer.signRequest({
      contract: CONTRACT,
      author: PARTY,
      authorKey: keys.author.publicKey,
      nonce: 'A'.repeat(22),
      notAfterMs: 1,
      operations: [{ op: 'delete', uid: 'a'.repeat(32), seen: A }],
    })
    const { id, ...wire } = signed
    expect(checkRequest(wire, CONTRACT, authorKey).id).toBe(id)
    expect(journal.appends).toBe(0)
  })

  it('[EPO-12] has on disk that it left before LEAVE is returned, and cosigns nothing larger after it', () => {
    const { journal, signer } = openNew()
    const leave = (size: number, nonce = 'A'.repeat(22)): AnyRequest => {
      const { contract, lineage: _, ...point } = checkpoint(logs[0], size)
      return {
        contract,
        author: PARTY,
        authorKey: keys.author.publicKey,
        nonce,
        notAfterMs: 1,
        operations: [{ op: 'leave', checkpoint: point }],
      }
    }
    const refusal = expect.objectContaining({ code: 'signer-refused' })
    expect(() => signer.signRequest(leave(5)), 'nothing was cosigned').toThrow(refusal)
    signer.sign([askCosign(logs[0], 5, [])])
    expect(() => signer.signRequest(leave(4))).toThrow(refusal)
    expect(
      () => signer.signRequest(leave(5), { lineage: 1, isObserver: false }),
      'in another lineage',
    ).toThrow(refusal)
    expect(journal.appends).toBe(1)
    journal.fails = 'lost'
    expect(() => signer.signRequest(leave(5))).toThrow(expect.objectContaining({ code: 'storage-failed' }))
    expect(signer.lock(CONTRACT, 0)?.left).toBeUndefined()
    journal.fails = undefined
    const signed = signer.signRequest(leave(5))
    expect(
      checkAnyRequest({ request: signed.request, signature: signed.signature }, CONTRACT, authorKey).id,
    ).toBe(signed.id)
    expect(signer.counter).toBe(2)
    signer.signRequest(leave(5, `${'B'.repeat(21)}A`))
    expect(signer.counter, 'the same again takes no lock').toBe(2)
    for (const one of [signer, open(journal)]) {
      const larger = askCosign(logs[0], 6, logs[0].consistencyProof(5, 6))
      const [refused, same, vote] = one.sign([larger, askCosign(logs[0], 5, []), ask('VOTE', 3)])
      expect(refused).toEqual({ refused: expect.stringContaining('LEAVE') })
      expect([same, vote]).toEqual([{ cosignature: expect.anything() }, { signed: expect.anything() }])
      expect(one.lock(CONTRACT, 0)?.left).toBe(true)
    }
  })

  it('[EPO-12] an observer that has cosigned nothing may leave, and cosigns nothing after', () => {
    const { journal, signer } = openNew()
    const { contract, lineage, ...point } = checkpoint(logs[0], 5)
    const request: AnyRequest = {
      contract,
      author: PARTY,
      authorKey: keys.author.publicKey,
      nonce: 'A'.repeat(22),
      notAfterMs: 1,
      operations: [{ op: 'leave', checkpoint: point }],
    }
    const refusal = expect.objectContaining({ code: 'signer-refused' })
    expect(() => signer.signRequest(request, { lineage, isObserver: false })).toThrow(refusal)
    signer.signRequest(request, { lineage, isObserver: true })
    for (const one of [signer, open(journal)]) {
      expect(one.lock(CONTRACT, 0)).toEqual({ view: 0, epoch: 0, left: true })
      expect(one.sign([askCosign(logs[0], 5, [])])).toEqual([{ refused: expect.stringContaining('LEAVE') }])
    }
    const { signer: member } = openNew()
    member.sign([askCosign(logs[0], 6, [])])
    expect(() => member.signRequest(request, { lineage, isObserver: true })).toThrow(refusal)
  })

  it('signs nothing once it is closed', () => {
    const { signer } = openNew()
    signer.close()
    expect(() => signer.sign([ask('VOTE', 1)])).toThrow(CountersignError)
  })
})

describe('after a restart', () => {
  it('[SGN-1] holds the locks of all contracts, and signs their statements again alike', () => {
    const { journal, signer } = openNew()
    for (const contract of [CONTRACT, ...OTHERS])
      signer.sign([ask('VOTE', 1, A, contract), ask('VOTE', 2, B, contract), ask('FINALIZE', 2, B, contract)])
    signer.sign([askCosign(logs[0], 5, [])])
    const again = open(journal)
    for (const contract of [CONTRACT, ...OTHERS]) {
      expect(again.lock(contract, 0)).toEqual(signer.lock(contract, 0))
      expect(again.reissue(contract, 0)).toEqual(signer.reissue(contract, 0))
    }
    expect(again.reissue(CONTRACT, 0).map((one) => one.statement)).toEqual([
      statement('VOTE', 2, B),
      statement('FINALIZE', 2, B),
    ])
    expect(again.lock(CONTRACT, 0)?.cosign?.size).toBe(5)
    expect(again.sign([ask('VOTE', 2, A)])).toEqual([{ refused: expect.any(String) }])
    expect(again.lock(CONTRACT, 1)).toBeUndefined()
    expect(again.reissue(CONTRACT, 1)).toEqual([])
  })

  it('keeps each lock once in the journal', () => {
    const { journal, signer } = openNew()
    for (let view = 1; view <= 50; view += 1) signer.sign([ask('VOTE', view)])
    expect(journal.records).toHaveLength(50)
    const again = open(journal)
    expect(journal.records).toHaveLength(1)
    expect(again.counter).toBe(50)
    expect(open(journal).lock(CONTRACT, 0)).toEqual(signer.lock(CONTRACT, 0))
  })

  it('leaves each lock once in the journal now and then, and signs on where that fails', () => {
    const { journal, signer } = openNew()
    const contracts = Array.from({ length: 500 }, (_, index) => index.toString(16).padStart(64, '0'))
    const compact = journal.compact.bind(journal)
    let compactions = 0
    journal.compact = (records) => {
      compactions += 1
      if (compactions === 1) throw new CountersignError('disk-full', 'the disk is full')
      compact(records)
    }
    let view = 0
    while (compactions < 2 && view < 200) {
      view += 1
      const results = signer.sign(contracts.map((contract) => ask('VOTE', view, A, contract)))
      expect(results.every((result) => 'signed' in result)).toBe(true)
    }
    expect(journal.records).toHaveLength(1)
    expect(view).toBeGreaterThan(80)
    signer.sign([ask('VOTE', view + 1, A, contracts[0])])
    const again = open(journal)
    expect(again.counter).toBe(view + 1)
    for (const contract of contracts) expect(again.lock(contract, 0)).toEqual(signer.lock(contract, 0))
  })

  const good = { kind: 'batch', counter: 1, entries: [] }
  const entry = { contract: CONTRACT, lineage: 0, lock: { view: 1, epoch: 0, vote: A }, signatures: {} }
  it.each<[string, object[]]>([
    ['no record of a signer', [{ entries: [] }]],
    ['a lock without a view', [{ ...good, entries: [{ ...entry, lock: {} }] }]],
    ['a lock without its signature', [{ ...good, entries: [entry] }]],
    ['a list', [[]]],
    ['a record of another kind', [{ ...good, kind: 'some' }]],
    ['no first batch', [{ ...good, counter: 2 }]],
    ['a batch too few', [good, { ...good, counter: 3 }]],
    ['a batch twice', [good, good]],
    ['everything, behind something else', [good, { ...good, kind: 'all' }]],
  ])('[SGN-3] refuses a journal that holds %s, and gives it back', (_, records) => {
    const journal = new MemoryJournal()
    journal.records.push(...records.map((record) => JSON.stringify(record)))
    expect(() => open(journal)).toThrow(expect.objectContaining({ code: 'invariant-broken' }))
    expect(journal.fails, 'closed').toBe('lost')
  })
})
