import { describe, expect, it } from 'vitest'
import {
  A,
  ask,
  askCosign,
  askFreeze,
  B,
  CONTRACT,
  cosignedOf,
  keys,
  logs,
  MemoryJournal,
  PARTY,
  pair,
  signedOf,
} from '../../test/support/signing.ts'
import { verifyStatement } from '../crypto/statement.ts'
import type { SignedStatement } from '../ledger/certificate.ts'
import { type Cosignature, cosignatureVerifies } from '../ledger/checkpoint.ts'
import type { SignedFreeze } from '../ledger/freeze.ts'
import { reportVerifies } from '../ledger/report.ts'
import { checkRequest } from '../ledger/request.ts'
import { Signer, type SignerOptions, type SignItem } from './signer.ts'

const newer = { author: pair(11), vote: pair(12), cosign: pair(13) }
const both = {
  author: [keys.author, newer.author],
  vote: [keys.vote, newer.vote],
  cosign: [keys.cosign, newer.cosign],
}

function openWith(
  journal: MemoryJournal,
  held: SignerOptions['keys'],
  former?: SignerOptions['former'],
): Signer {
  return Signer.open({ journal, keys: held, party: PARTY, ...(former && { former }) })
}

/** The same item, by the newer key. */
const anew = (item: SignItem): SignItem =>
  'voteKey' in item
    ? { ...item, voteKey: newer.vote.publicKey }
    : { ...item, cosignKey: newer.cosign.publicKey }

const cosignedBy = (key: string, cosignature: Cosignature | undefined): boolean =>
  cosignature !== undefined && cosignatureVerifies(key, CONTRACT, 0, cosignature)

describe('several keys of one use', () => {
  it('[CARD-2] sign each what asks for them, the statements of one call together by key', () => {
    const signer = openWith(new MemoryJournal(), both)
    const other = 'e'.repeat(64)
    const results = signer.sign([
      ask('VOTE', 1),
      anew(ask('VOTE', 1, A, other)),
      ask('SKIP', 1),
      anew(ask('SKIP', 1, A, other)),
      anew(askCosign(logs[0], 1, [])),
    ])
    const signed = signedOf(results)
    const byKey = [keys, newer, keys, newer].map(({ vote }) => vote.publicKey)
    expect(
      signed.map((one, index) => verifyStatement(byKey[index] ?? '', one.statement, one.signature)),
    ).toEqual([true, true, true, true])
    expect(new Set(signed.map(({ signature }) => signature.signature)).size).toBe(2)
    expect(signed.map(({ signature }) => signature.batch?.index)).toEqual([0, 0, 1, 1])
    expect(cosignedBy(newer.cosign.publicKey, cosignedOf(results)[0])).toBe(true)
    for (const { author } of [keys, newer]) {
      const { id, ...wire } = signer.signRequest({
        contract: CONTRACT,
        author: PARTY,
        authorKey: author.publicKey,
        nonce: 'A'.repeat(22),
        notAfterMs: 1,
        operations: [{ op: 'delete', uid: 'a'.repeat(32), seen: A }],
      })
      expect(checkRequest(wire, CONTRACT, () => author.publicKey).id).toBe(id)
      const seal = { party: PARTY, authorKey: author.publicKey, lines: 3, root: A }
      const counter = signer.counter
      expect(reportVerifies(seal, signer.signReport(author.publicKey, 3, A))).toBe(true)
      expect(signer.counter, '[RPT-2] a report takes no lock').toBe(counter)
    }
  })

  it('[SGN-1] never contradict one another: one lock holds for all of them, after a restart too', () => {
    const journal = new MemoryJournal()
    openWith(journal, both).sign([ask('VOTE', 3), ask('FINALIZE', 3), askCosign(logs[1], 8, [])])
    const { appends } = journal
    const signer = openWith(journal, both)
    const results = signer.sign([
      anew(ask('VOTE', 3, B)),
      anew(ask('SKIP', 3)),
      anew(ask('VOTE', 2)),
      anew(ask('VOTE', 3)),
      anew(askCosign(logs[1], 7, [])),
      anew(askCosign(logs[2], 8, [])),
      anew(askCosign(logs[2], 9, logs[2].consistencyProof(8, 9))),
    ])
    expect(results).toEqual(Array(7).fill({ refused: expect.any(String) }))
    expect(journal.appends).toBe(appends)
  })

  it('[SGN-1] cosign one checkpoint each, and give each its own cosignature again', () => {
    const journal = new MemoryJournal()
    const signer = openWith(journal, both)
    const item = askCosign(logs[0], 5, [], 1)
    const [first, second, third, fourth] = cosignedOf(
      signer.sign([
        item,
        anew({ ...item, timeS: 2 } as SignItem),
        item,
        anew({ ...item, timeS: 3 } as SignItem),
      ]),
    )
    expect([third, fourth]).toEqual([first, second])
    expect(cosignedBy(keys.cosign.publicKey, first) && cosignedBy(newer.cosign.publicKey, second)).toBe(true)
    const { appends } = journal
    for (const one of [signer, openWith(journal, both)])
      expect(one.sign([anew({ ...item, timeS: 9 } as SignItem), { ...item, timeS: 9 } as SignItem])).toEqual([
        { cosignature: second },
        { cosignature: first },
      ])
    expect(journal.appends, 'nothing of this was new').toBe(appends)
    const larger = askCosign(logs[0], 7, logs[0].consistencyProof(5, 7))
    const grown = cosignedOf(signer.sign([anew(larger), larger, item, anew(item)]))
    expect(grown.map(({ size }) => size)).toEqual([7, 7])
    expect(openWith(journal, both).sign([larger])).toEqual([{ cosignature: grown[1] }])
  })

  it('[SGN-2] have a cosignature by another key on disk before it is returned', () => {
    const journal = new MemoryJournal()
    const signer = openWith(journal, both)
    const item = askCosign(logs[0], 5, [])
    signer.sign([item])
    journal.fails = 'lost'
    expect(() => signer.sign([anew(item)])).toThrow(expect.objectContaining({ code: 'storage-failed' }))
    journal.fails = undefined
    const [made] = cosignedOf(signer.sign([anew({ ...item, timeS: 8 } as SignItem)]))
    expect(made?.timeS).toBe(8)
    expect(signer.counter).toBe(2)
    expect(cosignedOf(openWith(journal, both).sign([anew(item)]))).toEqual([made])
  })

  it('[LIN-1] freeze a lineage by one of them, and cosign nothing anew in it after that', () => {
    const journal = new MemoryJournal()
    const signer = openWith(journal, both)
    const item = askCosign(logs[0], 5, [])
    const [own] = cosignedOf(signer.sign([item])) as [Cosignature]
    const freeze = askFreeze([own])
    const [frozen] = signer.sign([anew(freeze)])
    expect(frozen).toHaveProperty('frozen')
    for (const one of [signer, openWith(journal, both)])
      expect(one.sign([anew(freeze), freeze, item, anew(item), anew(ask('VOTE', 1))])).toEqual([
        frozen,
        { refused: expect.stringContaining('another key') },
        { cosignature: own },
        { refused: expect.stringContaining('frozen') },
        { refused: expect.stringContaining('frozen') },
      ])
    const former = { cosign: [newer.cosign.publicKey] }
    const recalling = openWith(new MemoryJournal(), keys, former)
    recalling.recall(CONTRACT, 0, [], own, undefined, (frozen as { frozen: SignedFreeze }).frozen)
    expect(recalling.lock(CONTRACT, 0)).toEqual(signer.lock(CONTRACT, 0))
  })

  it('[SGN-1] tell the last cosignature by the key that is asked for', () => {
    const signer = openWith(new MemoryJournal(), both)
    const item = askCosign(logs[0], 5, [])
    const [first, second] = cosignedOf(signer.sign([item, anew(item)]))
    const told = [keys, newer, { cosign: pair(99) }].map(({ cosign }) =>
      signer.lastCosignature(CONTRACT, 0, cosign.publicKey),
    )
    expect(told).toEqual([first, second, first])
  })

  it('refuse what asks for one that is missing, and sign what stands beside it', () => {
    const signer = openWith(new MemoryJournal(), keys)
    expect([signer.holds('vote', keys.vote.publicKey), signer.holds('vote', newer.vote.publicKey)]).toEqual([
      true,
      false,
    ])
    const refused = { refused: expect.stringContaining('key') }
    const results = signer.sign([anew(ask('VOTE', 1)), ask('VOTE', 1), anew(askCosign(logs[0], 1, []))])
    expect(results).toEqual([refused, { signed: expect.anything() }, refused])
    const request = {
      contract: CONTRACT,
      author: PARTY,
      authorKey: newer.author.publicKey,
      nonce: 'A'.repeat(22),
      notAfterMs: 1,
      operations: [{ op: 'delete' as const, uid: 'a'.repeat(32), seen: A }],
    }
    expect(() => signer.signRequest(request)).toThrow(expect.objectContaining({ code: 'key-missing' }))
  })
})

describe('what was signed by a key since replaced', () => {
  /** What a signer of the former keys let out. */
  function formerly(): { told: SignedStatement[]; cosignature: Cosignature; journal: MemoryJournal } {
    const journal = new MemoryJournal()
    const signer = openWith(journal, keys)
    const results = signer.sign([ask('VOTE', 3), askCosign(logs[0], 6, [])])
    return { told: signedOf(results), cosignature: cosignedOf(results)[0] as Cosignature, journal }
  }

  it('[SGN-1] is told from what another key signed, in a journal written when there was one key', () => {
    const { journal, told, cosignature } = formerly()
    const signer = openWith(journal, both)
    expect(signer.sign([ask('VOTE', 3), askCosign(logs[0], 6, [], 9)])).toEqual([
      { signed: told[0] },
      { cosignature },
    ])
    const [made] = cosignedOf(signer.sign([anew(askCosign(logs[0], 6, [], 9))]))
    expect(made?.timeS).toBe(9)
  })

  it('[AMN-2] is recalled as a lock, be the key lost with the rest', () => {
    const { told, cosignature } = formerly()
    const former = { vote: [keys.vote.publicKey], cosign: [keys.cosign.publicKey] }
    for (const signer of [
      openWith(new MemoryJournal(), both),
      openWith(new MemoryJournal(), newer, former),
    ]) {
      signer.recall(CONTRACT, 0, told, cosignature)
      expect(signer.sign([anew(ask('VOTE', 3, B)), anew(askCosign(logs[1], 7, []))])).toEqual(
        Array(2).fill({ refused: expect.any(String) }),
      )
      const [made] = cosignedOf(signer.sign([anew(askCosign(logs[0], 6, []))]))
      expect(cosignedBy(newer.cosign.publicKey, made), 'the replacement extends it').toBe(true)
    }
    const stranger = openWith(new MemoryJournal(), newer)
    expect(() => stranger.recall(CONTRACT, 0, told)).toThrow(
      expect.objectContaining({ code: 'bad-signature' }),
    )
    expect(() => stranger.recall(CONTRACT, 0, [], cosignature)).toThrow(
      expect.objectContaining({ code: 'bad-signature' }),
    )
  })

  it('[AMN-2] is recalled beside the cosignature of the same checkpoint by another key', () => {
    const { cosignature } = formerly()
    const journal = new MemoryJournal()
    const signer = openWith(journal, both)
    const [own] = cosignedOf(signer.sign([anew(askCosign(logs[0], 6, [], 2))]))
    signer.recall(CONTRACT, 0, [], cosignature)
    for (const one of [signer, openWith(journal, both)])
      expect(one.sign([askCosign(logs[0], 6, [], 9), anew(askCosign(logs[0], 6, [], 9))])).toEqual([
        { cosignature },
        { cosignature: own },
      ])
    const { appends } = journal
    signer.recall(CONTRACT, 0, [], cosignature)
    expect(journal.appends).toBe(appends)
  })
})
