import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { base64UrlDecode, base64UrlEncode, concat, hexDecode, utf8 } from './bytes.ts'
import { generateKeyPair } from './keys.ts'
import { LogTree, leafHash, merkleRoot } from './log.ts'
import { ed25519Sign, ed25519Verify } from './provider.ts'
import {
  BATCH_MAX_SIZE,
  SignatureCache,
  type StatementSignature,
  signStatements,
  verifyStatement,
} from './statement.ts'

const { publicKey, privateKey } = generateKeyPair(new Uint8Array(32).fill(1))
const other = generateKeyPair(new Uint8Array(32).fill(2))
const statements = (size: number) => Array.from({ length: size }, (_, view) => ({ type: 'VOTE', view }))

describe('[SIG-3] statement signatures', () => {
  it('are over the domain and the RFC 6962 root of the statements’ canonical JSON', () => {
    const list = [{ b: 1, a: 'é' }, { a: [] }, { x: null }]
    const root = merkleRoot(['{"a":"é","b":1}', '{"a":[]}', '{"x":null}'].map((text) => leafHash(utf8(text))))
    const message = concat(utf8('countersign/v1/statements\n'), hexDecode(root))
    const [first] = signStatements(privateKey, list) as [StatementSignature]
    expect(ed25519Verify(publicKey, message, base64UrlDecode(first.signature))).toBe(true)
  })

  it('alone are a batch of one, without a place', () => {
    const [sig, ...others] = signStatements(privateKey, [{ a: 1 }]) as [StatementSignature]
    expect(others).toEqual([])
    expect(Object.keys(sig)).toEqual(['signature'])
    const message = concat(utf8('countersign/v1/statements\n'), hexDecode(leafHash('{"a":1}')))
    expect(sig.signature).toBe(base64UrlEncode(ed25519Sign(privateKey, message)))
    expect(verifyStatement(publicKey, { a: 1 }, sig)).toBe(true)
    expect(verifyStatement(publicKey, { a: 2 }, sig)).toBe(false)
  })

  it('check one by one, each for its own statement, key and place', () => {
    for (const size of [1, 2, 3, 4, 5, 8, 13]) {
      const list = statements(size)
      const sigs = signStatements(privateKey, list)
      expect(new Set(sigs.map(({ signature }) => signature)).size).toBe(1)
      for (const [index, sig] of sigs.entries()) {
        const statement = list[index] as { view: number }
        expect(verifyStatement(publicKey, statement, sig)).toBe(true)
        expect(verifyStatement(other.publicKey, statement, sig)).toBe(false)
        expect(verifyStatement(publicKey, { ...statement, view: size }, sig)).toBe(false)
        if (size > 1) {
          const moved = sigs[(index + 1) % size] as StatementSignature
          expect(verifyStatement(publicKey, statement, moved)).toBe(false)
          expect(verifyStatement(publicKey, statement, { signature: sig.signature })).toBe(false)
        }
      }
    }
  })

  it('show nothing once a part of them is changed', () => {
    const list = statements(11)
    const sigs = signStatements(privateKey, list)
    fc.assert(
      fc.property(
        fc.nat(10),
        fc.nat(3),
        fc.nat(3),
        fc.integer({ min: 0, max: 20 }),
        (index, how, at, number) => {
          const sig = structuredClone(sigs[index]) as Required<StatementSignature>
          if (how === 0) sig.batch.path[at % sig.batch.path.length] = leafHash('x')
          if (how === 1) sig.batch.path.splice(at, 1)
          if (how === 2) sig.batch.index = number
          if (how === 3) sig.batch.path.push(leafHash('x'))
          if (JSON.stringify(sig) === JSON.stringify(sigs[index])) return
          expect(verifyStatement(publicKey, { ...list[index] }, sig)).toBe(false)
        },
      ),
    )
  })

  it.each([
    ['a batch of one with a place', { batch: { index: 0, size: 1, path: [] } }],
    ['a batch of none', { batch: { index: 0, size: 0, path: [] } }],
    ['a batch too large', { batch: { index: 0, size: BATCH_MAX_SIZE + 1, path: [] } }],
    ['an index past the end', { batch: { index: 2, size: 2, path: [leafHash('x')] } }],
    ['a path that is none', { batch: { index: 0, size: 2, path: 'x' } }],
    ['a batch that is none', { batch: null }],
    ['an empty batch', { batch: {} }],
    ['a signature cut short', { signature: 'AAAA' }],
    ['a signature that is none', { signature: 7 }],
    ['no signature', { signature: undefined }],
  ])('that are malformed are false, not an error: %s', (_, change) => {
    const [sig] = signStatements(privateKey, [{ a: 1 }]) as [StatementSignature]
    expect(verifyStatement(publicKey, { a: 1 }, { ...sig, ...change } as StatementSignature)).toBe(false)
  })

  it('are only of JSON objects', () => {
    for (const bad of [[], null, 'x', 1, { a: undefined }, { a: new Date(0) }] as never[]) {
      expect(() => signStatements(privateKey, [bad])).toThrow(expect.objectContaining({ code: 'bad-json' }))
      expect(verifyStatement(publicKey, bad, { signature: 'A'.repeat(86) })).toBe(false)
    }
  })

  it('cover 1 to 65,536 statements', () => {
    const tooLarge = expect.objectContaining({ code: 'too-large' })
    expect(() => signStatements(privateKey, [])).toThrow(tooLarge)
    const tooMany = new Array<object>(BATCH_MAX_SIZE + 1).fill({})
    expect(() => signStatements(privateKey, tooMany as never[])).toThrow(tooLarge)
    const tree = new LogTree(tooMany.map(() => leafHash('{}')))
    const message = concat(utf8('countersign/v1/statements\n'), hexDecode(tree.root()))
    const signature = base64UrlEncode(ed25519Sign(privateKey, message))
    const batch = { index: 7, size: tooMany.length, path: tree.inclusionProof(7) }
    expect(verifyStatement(publicKey, {}, { signature, batch })).toBe(false)
  })
})

describe('the signature cache', () => {
  it('[SIG-3] has a batch checked once, and never makes a bad signature good', () => {
    const list = statements(5)
    const sigs = signStatements(privateKey, list)
    const cache = new SignatureCache()
    for (const [index, sig] of sigs.entries())
      expect(verifyStatement(publicKey, list[index] as never, sig, cache)).toBe(true)
    expect(cache.size).toBe(1)
    for (const [index, sig] of sigs.entries()) {
      expect(verifyStatement(other.publicKey, list[index] as never, sig, cache)).toBe(false)
      expect(verifyStatement(publicKey, { type: 'SKIP', view: index }, sig, cache)).toBe(false)
      const changed = sig.signature.startsWith('A')
        ? `B${sig.signature.slice(1)}`
        : `A${sig.signature.slice(1)}`
      expect(verifyStatement(publicKey, list[index] as never, { ...sig, signature: changed }, cache)).toBe(
        false,
      )
    }
    expect(cache.size).toBe(1)
  })

  it('answers from what it remembers, key, root and signature together', () => {
    const cache = new SignatureCache()
    const [sig] = signStatements(other.privateKey, [{ a: 1 }]) as [StatementSignature]
    expect(verifyStatement(publicKey, { a: 1 }, sig, cache)).toBe(false)
    cache.add(publicKey, leafHash('{"a":1}'), sig.signature)
    expect(verifyStatement(publicKey, { a: 1 }, sig, cache)).toBe(true)
    expect(verifyStatement(publicKey, { a: 2 }, sig, cache)).toBe(false)
  })

  it('holds no more than its capacity, and lets the oldest go', () => {
    const cache = new SignatureCache(3)
    for (const root of ['a', 'b', 'c', 'd']) cache.add('key', root, 'signature')
    expect(cache.size).toBe(3)
    expect(['a', 'b', 'c', 'd'].map((root) => cache.has('key', root, 'signature'))).toEqual([
      false,
      true,
      true,
      true,
    ])
    const none = new SignatureCache(0)
    none.add('key', 'a', 'signature')
    expect(none.size).toBe(0)
  })
})
