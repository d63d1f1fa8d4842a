import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { altered, expectStrict } from '../../test/support/hostile-json.ts'
import { LedgerFixture } from '../../test/support/ledger-fixture.ts'
import type { FixtureParty } from '../../test/support/ledger-parties.ts'
import { base64UrlDecode, base64UrlEncode } from '../crypto/bytes.ts'
import { CountersignError } from '../crypto/errors.ts'
import { signingInput } from '../crypto/hash.ts'
import { jcs } from '../crypto/jcs.ts'
import { leafHash, nodeHash } from '../crypto/log.ts'
import { ed25519Sign } from '../crypto/provider.ts'
import { SignatureCache, type StatementSignature, signStatements } from '../crypto/statement.ts'
import {
  type Certificate,
  certificateVerifies,
  certifiedStatement,
  checkCertificateShape,
  checkStatementShape,
  type Electorate,
  type SignedStatement,
  type Statement,
  statementSignatureShape,
  statementVerifies,
} from './certificate.ts'

const ledger = new LedgerFixture({ members: 4 })
const { electorate, members, contract } = ledger
const [alder, birch] = members as [FixtureParty, FixtureParty]
const header = ledger.order([]).block.header
const bad = (code: string) => expect.objectContaining({ code })

const at = { contract, lineage: 0, epoch: 0, view: 7 }
const vote: Statement = { ...at, type: 'VOTE', block: 'b1'.repeat(32) }
const finalize: Statement = { ...vote, type: 'FINALIZE' }
const skip: Statement = { ...at, type: 'SKIP' }

/** Signed by a member; in a batch where there are others. */
function signed(
  statement: Statement,
  by = alder,
  before: Statement[] = [],
  after: Statement[] = [],
): SignedStatement {
  const signatures = signStatements(by.keys.vote.privateKey, [...before, statement, ...after])
  return { statement, party: by.party, signature: signatures[before.length] as StatementSignature }
}

describe('a signed statement', () => {
  it.each([vote, finalize, skip])(
    '[SIG-3] is taken and verifies by the vote key of its party: $type',
    (statement) => {
      for (const one of [signed(statement), signed(statement, birch, [vote, skip], [finalize])]) {
        expect(checkStatementShape(one)).toBe(one)
        expect(statementVerifies(electorate, one)).toBe(true)
      }
    },
  )

  it('[SIG-3] is Ed25519 over the domain statements and the RFC 6962 root of the batch', () => {
    const leaves = [vote, skip].map((statement) => leafHash(jcs(statement))) as [string, string]
    const root = Buffer.from(nodeHash(...leaves), 'hex')
    const signature = ed25519Sign(alder.keys.vote.privateKey, signingInput('statements', root))
    expect(signed(vote, alder, [], [skip]).signature).toEqual({
      signature: base64UrlEncode(signature),
      batch: { index: 0, size: 2, path: [leaves[1]] },
    })
  })

  it('[SIG-3] is nothing in another contract, lineage, epoch or view, as another type or for another block', () => {
    const changes: Partial<Statement>[] = [
      { contract: '0'.repeat(64) },
      { lineage: 1 },
      { epoch: 1 },
      { view: 8 },
      { type: 'FINALIZE' },
      { block: 'b2'.repeat(32) },
    ]
    for (const one of [signed(vote), signed(vote, alder, [skip], [finalize])])
      for (const change of changes) {
        const statement = { ...vote, ...change } as Statement
        const place = { ...electorate, ...change } as Electorate
        for (const where of [electorate, place])
          expect(statementVerifies(where, { ...one, statement })).toBe(false)
        // The genuine one, asked of another place.
        if (!('type' in change || 'block' in change || 'view' in change))
          expect(statementVerifies(place, one)).toBe(false)
      }
    expect(statementVerifies(electorate, { ...signed(vote), statement: skip })).toBe(false)
  })

  it('[SIG-3] is its signer’s: not another member’s, not a stranger’s, not by another key of its own', () => {
    const one = signed(vote)
    expect(statementVerifies(electorate, { ...one, party: birch.party })).toBe(false)
    expect(statementVerifies(electorate, { ...one, party: '0'.repeat(64) })).toBe(false)
    for (const use of ['author', 'cosign', 'root', 'tls'] as const) {
      const [signature] = signStatements(alder.keys[use].privateKey, [vote]) as [StatementSignature]
      expect(statementVerifies(electorate, { ...one, signature })).toBe(false)
    }
  })

  it('[SIG-3] has no place but one that its path leads from', () => {
    const batch = [vote, finalize, skip, { ...vote, view: 8 }, { ...vote, view: 9 }] as Statement[]
    const signatures = signStatements(alder.keys.vote.privateKey, batch) as Required<StatementSignature>[]
    const verifies = (statement: Statement, signature: StatementSignature) =>
      statementVerifies(electorate, { statement, party: alder.party, signature })
    for (const [index, signature] of signatures.entries())
      for (const [other, statement] of batch.entries())
        expect(verifies(statement, signature)).toBe(index === other)
    const [first] = signatures as [Required<StatementSignature>]
    const { path } = first.batch
    for (const place of [
      { index: 1, size: 5, path },
      { index: 0, size: 4, path },
      { index: 0, size: 8, path: path.slice(0, 2) },
      { index: 0, size: 5, path: path.toReversed() },
      { index: 0, size: 5, path: [...path, path[0] as string] },
      { index: 0, size: 2, path: [] },
      { index: 5, size: 5, path },
    ])
      expect(verifies(vote, { ...first, batch: place })).toBe(false)
    // An inner node can’t be shown as a statement, nor the root’s signature as one on the first leaf.
    expect(verifies(vote, { signature: first.signature })).toBe(false)
  })

  it('[SIG-3] altered in any way is refused, or says what was signed, by who signed it', () => {
    for (const genuine of [signed(vote), signed(skip, birch, [vote, finalize], [finalize])]) {
      const cache = new SignatureCache(8)
      expect(statementVerifies(electorate, genuine, cache)).toBe(true)
      fc.assert(
        fc.property(altered(genuine), (value) => {
          try {
            const taken = checkStatementShape(value)
            if (!statementVerifies(electorate, taken, cache)) return
            expect(jcs(taken.statement)).toBe(jcs(genuine.statement))
            expect(taken.party).toBe(genuine.party)
            expect(taken.signature.signature).toBe(genuine.signature.signature)
          } catch (error) {
            if (!(error instanceof CountersignError)) throw error
          }
        }),
        { numRuns: 1000 },
      )
    }
  })

  it('[ENC-1] is refused whatever else it is, and never by anything but an error of the registry', () => {
    for (const one of [signed(vote, alder, [skip]), signed(skip)]) expectStrict(checkStatementShape, one, jcs)
  })

  it.each([
    ['a SKIP of a block', { ...skip, block: 'b1'.repeat(32) }],
    ['a VOTE for nothing', { ...at, type: 'VOTE' }],
    ['a type to come', { ...at, type: 'FREEZE' }],
    ['no type', at],
    ['an inherited type', JSON.parse(`{"__proto__":${jcs(skip)}}`)],
    ['view 0', { ...skip, view: 0 }],
    ['a view past 2^53', { ...skip, view: 2 ** 53 }],
    ['no lineage', { contract, epoch: 0, view: 1, type: 'SKIP' }],
    ['null', null],
    ['text', 'SKIP'],
  ])('[SIG-3] is none with %s', (_, statement) => {
    expect(() => checkStatementShape({ ...signed(skip), statement })).toThrow(bad('bad-format'))
  })

  it('[SIG-3] has a batch of 2 to 65,536', () => {
    const { signature } = signed(vote).signature
    const shape = (batch: unknown) => statementSignatureShape({ signature, batch }, 'signature')
    const hash = '0'.repeat(64)
    expect(shape({ index: 65_535, size: 65_536, path: Array(16).fill(hash) })).toBeDefined()
    for (const batch of [
      { index: 0, size: 1, path: [] },
      { index: 0, size: 65_537, path: [] },
      { index: -1, size: 2, path: [] },
      { index: 65_536, size: 65_536, path: [] },
      { index: 0, size: 2, path: Array(17).fill(hash) },
      { index: 0, size: 2, path: ['x'] },
      { index: 0, size: 2 },
      { index: 0, size: 2, path: [], root: hash },
      [],
      null,
    ])
      expect(() => shape(batch)).toThrow(bad('bad-format'))
  })
})

describe('a certificate', () => {
  const block = ledger.tip.hash
  const make = (kind: Certificate['kind'], signers?: number[], changes?: Partial<Certificate>) =>
    ledger.certificate(kind, header, signers, changes)
  const verifies = (certificate: Certificate, where: Electorate = electorate) =>
    certificateVerifies(where, certificate, new SignatureCache(16))

  it('[ORD-1] is a quorum’s statements of one view: VOTEs, FINALIZEs or SKIPs', () => {
    const { view } = header
    const said = (['notarization', 'finalization', 'skip'] as const).map((kind) => {
      const certificate = make(kind, [0, 1, 3])
      expect(checkCertificateShape(certificate)).toBe(certificate)
      expect(verifies(certificate)).toBe(true)
      return certifiedStatement(electorate, certificate)
    })
    const place = { contract, lineage: 0, epoch: 0, view }
    expect(said).toEqual([
      { ...place, type: 'VOTE', block },
      { ...place, type: 'FINALIZE', block },
      { ...place, type: 'SKIP' },
    ])
  })

  it('[ORD-1] needs as many members as the quorum, each once and each good', () => {
    const { signatures, ...rest } = make('notarization')
    const [first, second, third, fourth] = signatures as Certificate['signatures'][number][] as [
      Certificate['signatures'][number],
      Certificate['signatures'][number],
      Certificate['signatures'][number],
      Certificate['signatures'][number],
    ]
    const count = (...some: Certificate['signatures']) => verifies({ ...rest, signatures: some })
    expect(electorate.quorum).toBe(3)
    expect(count(first, second, third)).toBe(true)
    expect(count(fourth, third, second, first)).toBe(true)
    expect(count(first, second)).toBe(false)
    expect(count(first, second, second)).toBe(false)
    expect(count(first, second, third, third)).toBe(false)
    expect(count(first, second, [first[0], first[1]])).toBe(false)
    expect(count(first, second, ['0'.repeat(64), third[1]])).toBe(false)
    expect(count(first, second, third, ['0'.repeat(64), third[1]])).toBe(false)
    expect(count(first, second, [third[0], second[1]])).toBe(false)
    expect(count(first, second, third, [fourth[0], third[1]])).toBe(false)
  })

  it('[ORD-1] can’t be read as one of another kind, view, block or place', () => {
    const certificate = make('notarization')
    const { block: _, ...rest } = certificate
    for (const other of [
      { ...certificate, kind: 'finalization' },
      { ...rest, kind: 'skip' },
      { ...certificate, view: header.view + 1 },
      { ...certificate, block: '0'.repeat(64) },
      { ...make('skip'), kind: 'notarization', block },
      { ...make('finalization'), kind: 'notarization' },
    ] as Certificate[])
      expect(verifies(other)).toBe(false)
    for (const change of [{ contract: '0'.repeat(64) }, { lineage: 1 }, { epoch: 1 }])
      expect(verifies(certificate, { ...electorate, ...change })).toBe(false)
  })

  it('[ORD-1] names a block with every kind but skip', () => {
    const { block: _, ...rest } = make('notarization')
    for (const one of [
      rest,
      { ...make('skip'), block },
      { ...rest, kind: 'vote' },
      { ...rest, kind: 'constructor' },
    ])
      expect(() => checkCertificateShape(one)).toThrow(bad('bad-format'))
  })

  it('[ORD-1] has 1 to 256 signatures, each a pair', () => {
    const { signatures, ...rest } = make('skip')
    const [party, signature] = signatures[0] as Certificate['signatures'][number]
    const shape = (some: unknown) => checkCertificateShape({ ...rest, signatures: some })
    expect(shape(Array(256).fill([party, signature])).signatures).toHaveLength(256)
    for (const some of [
      [],
      Array(257).fill([party, signature]),
      [[party]],
      [[party, signature, signature]],
      [{ 0: party, 1: signature, length: 2 }],
      [[signature, party]],
      [party, signature],
      {},
    ])
      expect(() => shape(some)).toThrow(bad('bad-format'))
  })

  it('[SIG-2] counts no signature whose S was raised by the order of the group', () => {
    const certificate = make('skip', [0, 2, 3])
    const [party, { signature }] = certificate.signatures[0] as Certificate['signatures'][number]
    const bytes = base64UrlDecode(signature)
    let scalar = (1n << 252n) + 27742317777372353535851937790883648493n
    for (let index = 0; index < 32; index += 1)
      scalar += BigInt(bytes[32 + index] as number) << BigInt(8 * index)
    for (let index = 0; index < 32; index += 1)
      bytes[32 + index] = Number((scalar >> BigInt(8 * index)) & 255n)
    expect(verifies(certificate)).toBe(true)
    certificate.signatures[0] = [party, { signature: base64UrlEncode(bytes) }]
    expect(checkCertificateShape(certificate)).toBe(certificate)
    expect(verifies(certificate)).toBe(false)
  })

  it('[ENC-1] is refused whatever else it is, and never by anything but an error of the registry', () => {
    for (const kind of ['notarization', 'skip'] as const)
      expectStrict(checkCertificateShape, make(kind, [1, 2]), jcs)
  })
})
