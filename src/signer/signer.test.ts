import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CountersignError } from '../crypto/errors.ts'
import { generateKeyPair } from '../crypto/keys.ts'
import { LogTree, leafHash } from '../crypto/log.ts'
import { verifyStatement } from '../crypto/statement.ts'
import type { SignedStatement, Statement } from '../ledger/certificate.ts'
import { type Checkpoint, type Cosignature, cosignatureVerifies } from '../ledger/checkpoint.ts'
import { contradiction } from '../ledger/evidence.ts'
import { checkRequest } from '../ledger/request.ts'
import type { Journal } from './journal.ts'
import { Signer, type SignItem, type SignResult } from './signer.ts'

const CONTRACT = 'c'.repeat(64)
const PARTY = 'd'.repeat(64)
const A = 'a'.repeat(64)
const B = 'b'.repeat(64)

const pair = (byte: number) => generateKeyPair(new Uint8Array(32).fill(byte))
const keys = { author: pair(1), vote: pair(2), cosign: pair(3) }

/** A journal in memory that can fail an append, with the records lost or kept. */
class MemoryJournal implements Journal {
  records: string[] = []
  appends = 0
  fails: 'lost' | 'kept' | undefined

  append(records: readonly object[]): void {
    this.appends += 1
    if (this.fails !== 'lost') this.records.push(...records.map((record) => JSON.stringify(record)))
    if (this.fails !== undefined) throw new CountersignError('storage-failed', 'the disk failed')
  }

  load(): object[] {
    return this.records.map((text) => JSON.parse(text))
  }

  compact(records: readonly object[]): void {
    this.records = records.map((record) => JSON.stringify(record))
  }

  close(): void {
    this.fails = 'lost'
  }
}

const open = (journal: Journal): Signer => Signer.open({ journal, keys, party: PARTY })

function openNew(): { journal: MemoryJournal; signer: Signer } {
  const journal = new MemoryJournal()
  return { journal, signer: open(journal) }
}

type Kind = 'VOTE' | 'FINALIZE' | 'SKIP'
function statement(type: Kind, view: number, block = A, contract = CONTRACT): Statement {
  const place = { contract, lineage: 0, epoch: 0, view }
  return type === 'SKIP' ? { ...place, type } : { ...place, type, block }
}
const ask = (type: Kind, view: number, block = A, contract = CONTRACT): SignItem => ({
  kind: 'statement',
  statement: statement(type, view, block, contract),
})

const FORK_AT = 4
const logs = ['', 'x', 'y'].map(
  (fork) =>
    new LogTree(
      Array.from({ length: 16 }, (_, index) => leafHash(index < FORK_AT ? `${index}` : `${fork}${index}`)),
    ),
) as [LogTree, LogTree, LogTree]

function checkpoint(log: LogTree, size: number): Checkpoint {
  return {
    contract: CONTRACT,
    lineage: 0,
    epoch: 0,
    size,
    root: log.root(size),
    block: log.leaf(size - 1),
    stateRoot: A,
  }
}
const askCosign = (log: LogTree, size: number, consistency: string[], timeS = 1): SignItem => ({
  kind: 'checkpoint',
  checkpoint: checkpoint(log, size),
  consistency,
  timeS,
})

const signedOf = (results: SignResult[]): SignedStatement[] =>
  results.flatMap((result) => ('signed' in result ? [result.signed] : []))
const cosignedOf = (results: SignResult[]): Cosignature[] =>
  results.flatMap((result) => ('cosignature' in result ? [result.cosignature] : []))

describe('signing', () => {
  it('signs statements and checkpoints so that they verify, and says why it refuses', () => {
    const { signer } = openNew()
    const results = signer.sign([
      ask('VOTE', 1),
      askCosign(logs[0], 1, []),
      ask('VOTE', 1, B),
      ask('SKIP', 2, A, 'e'.repeat(64)),
    ])
    const signed = signedOf(results)
    expect(signed.map((one) => one.statement)).toEqual([
      statement('VOTE', 1),
      statement('SKIP', 2, A, 'e'.repeat(64)),
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

  it('[SGN-2] has all locks of a batch in one append, made before anything is signed', () => {
    const { journal, signer } = openNew()
    signer.sign([ask('VOTE', 1), ask('VOTE', 1, A, 'e'.repeat(64)), askCosign(logs[0], 1, [])])
    expect(journal.appends).toBe(1)
    journal.fails = 'lost'
    expect(() => signer.sign([ask('FINALIZE', 1)])).toThrow(
      expect.objectContaining({ code: 'storage-failed' }),
    )
    journal.fails = undefined
    // The failed one left no lock behind.
    expect(signedOf(signer.sign([ask('SKIP', 1)]))).toHaveLength(1)
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

  it('[SGN-1] signs the same again: a statement alike, a checkpoint with the new time', () => {
    const { journal, signer } = openNew()
    const first = signer.sign([ask('VOTE', 1)])
    signer.sign([askCosign(logs[0], 3, [], 5)])
    const { appends } = journal
    expect(signer.sign([ask('VOTE', 1)])).toEqual(first)
    const [again] = cosignedOf(signer.sign([askCosign(logs[0], 3, [], 6)])) as [Cosignature]
    expect(again.timeS).toBe(6)
    expect(cosignatureVerifies(keys.cosign.publicKey, CONTRACT, 0, again)).toBe(true)
    expect(journal.appends).toBe(appends)
  })

  it('[AMN-1] counts the batches that took a new lock, and no others', () => {
    const { journal, signer } = openNew()
    expect(signer.counter).toBe(0)
    signer.sign([ask('VOTE', 1), ask('VOTE', 1, A, 'e'.repeat(64))])
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
    expect(checkRequest(wire, CONTRACT, () => keys.author.publicKey).id).toBe(id)
    expect(journal.appends).toBe(0)
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
    const others = ['e', 'f'].map((digit) => digit.repeat(64))
    for (const contract of [CONTRACT, ...others])
      signer.sign([ask('VOTE', 1, A, contract), ask('VOTE', 2, B, contract), ask('FINALIZE', 2, B, contract)])
    signer.sign([askCosign(logs[0], 5, [])])
    const again = open(journal)
    for (const contract of [CONTRACT, ...others]) {
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

  it.each([
    ['no record of a signer', { locks: [] }],
    ['a lock without a view', { counter: 1, locks: [{ contract: CONTRACT, lineage: 0, lock: {} }] }],
    ['a list', []],
  ])('[SGN-3] refuses a journal that holds %s', (_, record) => {
    const journal = new MemoryJournal()
    journal.records.push(JSON.stringify(record))
    expect(() => open(journal)).toThrow(expect.objectContaining({ code: 'invariant-broken' }))
  })
})

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

  it('[AMN-2] signs nothing up to a view that is known to be over', () => {
    const { signer } = openNew()
    signer.recall(CONTRACT, 0, [], undefined, 7)
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
    expect(code(() => signer.recall('e'.repeat(64), 0, own))).toBe('wrong-contract')
    expect(code(() => signer.recall(CONTRACT, 1, own))).toBe('wrong-contract')
    expect(code(() => signer.recall(CONTRACT, 0, own, { ...cosignature, size: 900 }))).toBe('bad-signature')
    expect(code(() => signer.recall(CONTRACT, 1, [], cosignature))).toBe('bad-signature')
    expect(signer.lock(CONTRACT, 0)).toBeUndefined()
    expect(signer.counter).toBe(0)
  })
})

describe('whatever is asked', () => {
  type Step =
    | { step: 'statement'; type: Kind; view: number; epoch: number; block: string }
    | { step: 'checkpoint'; fork: 0 | 1 | 2; size: number; from: number | 'last'; proofOf: 0 | 1 | 2 }
    | { step: 'restart' }
    | { step: 'fail'; how: 'lost' | 'kept' }
    | { step: 'amnesia' }

  const fork = fc.constantFrom<0 | 1 | 2>(0, 1, 2)
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 10,
      arbitrary: fc.record({
        step: fc.constant('statement' as const),
        type: fc.constantFrom<Kind>('VOTE', 'FINALIZE', 'SKIP'),
        view: fc.integer({ min: 1, max: 4 }),
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
    { weight: 1, arbitrary: fc.constant<Step>({ step: 'amnesia' }) },
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
          items.push({ item: askCosign(logs[one.fork], one.size, proof), step: one })
        } else if (one.step === 'fail') this.journal.fails = one.how
        else if (one.step === 'restart') this.signer = open(this.journal)
        else this.forget()
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

    /** The signer's directory is lost; others tell what they hold, in pieces. */
    private forget(): void {
      this.journal = new MemoryJournal()
      this.signer = open(this.journal)
      const half = Math.floor(this.statements.length / 2)
      const largest = this.cosignatures.reduce<Cosignature | undefined>(
        (best, one) => (best === undefined || one.size > best.size ? one : best),
        undefined,
      )
      this.signer.recall(CONTRACT, 0, this.statements.slice(half))
      this.signer.recall(CONTRACT, 0, this.statements.slice(0, half), largest)
    }
  }

  it('[SGN-1] [COS-2] never signs evidence against its party, through restarts, failed writes and amnesia', () => {
    const seen = { statements: 0, cosigned: 0, refused: 0 }
    fc.assert(
      fc.property(batches, (life) => {
        const party = new Life()
        for (const batch of life) party.run(batch)
        seen.statements += party.statements.length
        seen.cosigned += party.cosigned.length
        for (const first of party.statements)
          for (const second of party.statements) expect(contradiction(first, second)).toBeUndefined()
        for (const first of party.cosigned)
          for (const second of party.cosigned) {
            const common = first.fork === second.fork || Math.min(first.size, second.size) <= FORK_AT
            expect(common).toBe(true)
          }
      }),
      { numRuns: 300 },
    )
    expect(seen.statements).toBeGreaterThan(300)
    expect(seen.cosigned).toBeGreaterThan(300)
  })

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
