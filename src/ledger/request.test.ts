import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { expectStrict } from '../../test/support/hostile-json.ts'
import { fixtureParty, seededBytes } from '../../test/support/ledger-parties.ts'
import { base64UrlDecode, base64UrlEncode, utf8 } from '../crypto/bytes.ts'
import { signingInput } from '../crypto/hash.ts'
import { jcs } from '../crypto/jcs.ts'
import { publicKeyToPem } from '../crypto/keys.ts'
import { ed25519Sign } from '../crypto/provider.ts'
import { signStatements } from '../crypto/statement.ts'
import { signCard } from '../identity/card.ts'
import {
  type CreateOperation,
  checkRequest,
  commitmentsOf,
  LIFETIME_MAX_MS,
  nameShape,
  OPERATIONS_MAX,
  type Operation,
  openingsSizeBytes,
  operationShape,
  orderShape,
  REQUEST_MAX_BYTES,
  type Request,
  requestId,
  requestSigningInput,
  requestSizeBytes,
  signRequest,
} from './request.ts'

const random = seededBytes('requests')
const alder = fixtureParty('Alder Insurance', random)
const birch = fixtureParty('Birch Shipping', random)
const contract = 'c0'.repeat(32)
const hash = (byte: string) => byte.repeat(32)
const uid = (byte: string) => byte.repeat(16)
const bad = (code: string) => expect.objectContaining({ code })

const field: CreateOperation = {
  op: 'create',
  uid: uid('01'),
  parent: uid('02'),
  name: 'Amount',
  kind: 'field',
  order: 'a0',
  type: 'decimal',
  value: hash('03'),
}
const block: CreateOperation = {
  op: 'create',
  uid: uid('04'),
  parent: uid('02'),
  name: 'é',
  kind: 'list',
  order: 'Z',
}
const set: Operation = { op: 'set', uid: uid('05'), seen: hash('06'), type: 'text', value: hash('07') }
const remove: Operation = { op: 'delete', uid: uid('08'), seen: hash('09') }

const body: Request = {
  contract,
  author: alder.party,
  authorKey: alder.keys.author.publicKey,
  nonce: 'AAECAwQFBgcICQoLDA0ODw',
  notAfterMs: 1_800_000_000_000,
  operations: [field, block, set, remove],
}
const sign = (request: Request) => {
  const { signature } = signRequest(alder.keys.author.privateKey, request)
  return { request, signature }
}
const keys = new Map([alder, birch].map(({ party, keys: { author } }) => [party, author.publicKey]))
const check = (value: unknown) => checkRequest(value, contract, (party) => keys.get(party))

describe('a request', () => {
  const signed = sign(body)

  it('[REQ-1] is taken with its author’s signature, and returned with its id', () => {
    expect(check(signed)).toEqual({ ...signed, id: requestId(body) })
    expect(signRequest(alder.keys.author.privateKey, body)).toEqual({ ...signed, id: requestId(body) })
  })

  it('[REQ-1] has an id over its canonical JSON, so that the order of keys makes no difference', () => {
    const bytes = `countersign/v1/request\n${jcs(body)}`
    expect(requestId(body)).toBe(createHash('sha256').update(bytes).digest('hex'))
    expect(new TextDecoder().decode(requestSigningInput(body))).toBe(bytes)
    const { operations, ...rest } = body
    const reversed = Object.fromEntries(Object.entries({ operations, ...rest }).reverse()) as Request
    expect(check({ signature: signed.signature, request: reversed }).id).toBe(requestId(body))
  })

  it('[SIG-1] is verified by openssl pkeyutl -verify -rawin over its bytes in the domain', (context) => {
    if (spawnSync('openssl', ['version']).status !== 0) context.skip('openssl is not installed')
    const folder = mkdtempSync(join(tmpdir(), 'countersign-request-'))
    afterAll(() => rmSync(folder, { recursive: true }))
    const file = (name: string, content: string | Uint8Array) => {
      writeFileSync(join(folder, name), content)
      return join(folder, name)
    }
    const key = file('key.pem', publicKeyToPem(body.authorKey))
    const signature = file('signature', base64UrlDecode(signed.signature))
    const verify = (message: Uint8Array) => {
      const input = ['-sigfile', signature, '-in', file('message', message)]
      return spawnSync('openssl', ['pkeyutl', '-verify', '-rawin', '-pubin', '-inkey', key, ...input]).status
    }
    expect(verify(requestSigningInput(body))).toBe(0)
    expect(verify(requestSigningInput({ ...body, notAfterMs: body.notAfterMs + 1 }))).not.toBe(0)
    expect(verify(utf8(jcs(body)))).not.toBe(0)
  })

  it('[REQ-1] is for one contract: elsewhere it is nothing', () => {
    expect(() => checkRequest(signed, hash('c1'), (party) => keys.get(party))).toThrow(bad('wrong-contract'))
    const moved = { ...signed, request: { ...body, contract: hash('c1') } }
    expect(() => checkRequest(moved, hash('c1'), (party) => keys.get(party))).toThrow(bad('bad-signature'))
  })

  it('[REQ-1] is by a member, with the author key of its card', () => {
    expect(() => checkRequest(signed, contract, () => undefined)).toThrow(bad('unknown-party'))
    const { party, keys: other } = birch
    for (const change of [
      { author: party },
      { authorKey: other.author.publicKey },
      { author: party, authorKey: other.author.publicKey },
      { authorKey: alder.keys.vote.publicKey },
    ])
      expect(() => check({ ...signed, request: { ...body, ...change } })).toThrow(bad('bad-signature'))
    // Well signed by its author, who names a key that its card does not have.
    for (const authorKey of [other.author.publicKey, alder.keys.vote.publicKey])
      expect(() => check(sign({ ...body, authorKey }))).toThrow(bad('bad-signature'))
    const byVoteKey = signRequest(alder.keys.vote.privateKey, body)
    expect(() => check({ request: body, signature: byVoteKey.signature })).toThrow(bad('bad-signature'))
  })

  it('[SIG-1] is not taken with a signature made for something else', () => {
    const { privateKey } = alder.keys.author
    const bytes = (domain: string) =>
      base64UrlEncode(ed25519Sign(privateKey, signingInput(domain, jcs(body))))
    const signatures = [
      bytes('card'),
      bytes('statements'),
      base64UrlEncode(ed25519Sign(privateKey, utf8(jcs(body)))),
      signStatements(privateKey, [body])[0]?.signature,
      signCard(privateKey, body as never).signature,
      sign({ ...body, nonce: 'BAECAwQFBgcICQoLDA0ODw' }).signature,
    ]
    for (const signature of signatures)
      expect(() => check({ request: body, signature })).toThrow(bad('bad-signature'))
  })

  it('[SIG-2] is not taken with a signature whose S was raised by the order of the group', () => {
    const bytes = base64UrlDecode(signed.signature)
    const order = (1n << 252n) + 27742317777372353535851937790883648493n
    let scalar = order
    for (let index = 0; index < 32; index += 1)
      scalar += BigInt(bytes[32 + index] as number) << BigInt(8 * index)
    for (let index = 0; index < 32; index += 1)
      bytes[32 + index] = Number((scalar >> BigInt(8 * index)) & 255n)
    expect(() => check({ request: body, signature: base64UrlEncode(bytes) })).toThrow(bad('bad-signature'))
  })

  it('[REQ-1] has exactly the keys of its format, and one spelling for each', () => {
    for (const change of [
      { nonce: 'AAECAwQFBgcICQoLDA0ODx' },
      { nonce: 'AAECAwQFBgcICQoLDA0ODw==' },
      { nonce: '' },
      { contract: contract.toUpperCase() },
      { author: alder.party.slice(1) },
      { notAfterMs: -1 },
      { notAfterMs: 1.5 },
      { notAfterMs: 253_402_300_800_000 },
      { notAfterMs: '1800000000000' },
      { lineage: 0 },
      { operations: {} },
    ] as never[])
      expect(() => check(sign({ ...body, ...(change as object) }))).toThrow(bad('bad-format'))
    const text = jcs(signed)
    for (const with_ of ['"__proto__":{},', '"constructor":1,', '"":1,'])
      for (const at of ['{"request":{', '{'])
        expect(() => check(JSON.parse(text.replace(at, `${at}${with_}`)))).toThrow(bad('bad-format'))
  })

  it('[REQ-2] may last to the end of the year 9999 as far as its form goes, and 30 days in a ledger', () => {
    expect(check(sign({ ...body, notAfterMs: 253_402_300_799_999 })).request.notAfterMs).toBe(
      253_402_300_799_999,
    )
    expect(check(sign({ ...body, notAfterMs: 0 })).request.notAfterMs).toBe(0)
    expect(LIFETIME_MAX_MS).toBe(30 * 24 * 60 * 60 * 1000)
  })

  it('[REQ-2] has 1 to 100,000 operations', () => {
    expect(OPERATIONS_MAX).toBe(100_000)
    expect(() => check(sign({ ...body, operations: [] }))).toThrow(bad('bad-format'))
    // No operation has fewer than 128 bytes: of honest ones, the size ends the list first.
    const many = { ...body, operations: Array(OPERATIONS_MAX + 1).fill(0) }
    expect(() => check({ request: many, signature: signed.signature })).toThrow(bad('bad-format'))
  })

  it('[REQ-2] has 8 MiB at most, in bytes of its canonical JSON', () => {
    const named = (name: string): Operation => ({ ...field, name })
    const sizeOf = (value: unknown) => utf8(jcs(value)).length
    const operations = [named('名')]
    let room = REQUEST_MAX_BYTES - sizeOf({ ...body, operations })
    const add = (name: string) => {
      operations.push(named(name))
      room -= sizeOf(named(name)) + 1
    }
    const least = sizeOf(named('')) + 1
    while (room > least + 2000) add('名'.repeat(256))
    while (room > least + 700) add('y')
    // Three bytes a character, the remainder in characters of one.
    const name = `${'名'.repeat(Math.floor((room - least) / 3))}${'z'.repeat((room - least) % 3)}`
    const largest = { ...body, operations: [...operations, named(name)] }
    expect(sizeOf(largest)).toBe(REQUEST_MAX_BYTES)
    expect(check(sign(largest)).id).toBe(requestId(largest))
    const over = { ...body, operations: [...operations, named(`${name}z`)] }
    expect(() => sign(over)).toThrow(bad('too-large'))
    expect(() => check({ request: over, signature: signed.signature })).toThrow(bad('too-large'))
  })

  it('[REQ-2] is refused by its size before anyone looks at what is in it', () => {
    const junk = { request: 'x'.repeat(REQUEST_MAX_BYTES), signature: signed.signature }
    expect(() => check(junk)).toThrow(bad('too-large'))
    expect(() => check({ ...junk, request: 'x'.repeat(REQUEST_MAX_BYTES - 2) })).toThrow(bad('bad-format'))
  })

  it('[REQ-2] is measured with its openings as canonical JSON', () => {
    const opening = fc.record({ value: fc.string({ unit: 'grapheme' }), salt: fc.constant('A'.repeat(22)) })
    fc.assert(
      fc.property(fc.array(opening, { maxLength: 5 }), (openings) => {
        expect(openingsSizeBytes(openings)).toBe(utf8(jcs(openings)).length)
        expect(requestSizeBytes(body, openings)).toBe(utf8(jcs(body)).length + utf8(jcs(openings)).length)
      }),
    )
  })

  it('[VAL-2] needs the opening of each commitment once, however often it names it', () => {
    expect(commitmentsOf([field, set, block, remove, set, { ...field, uid: uid('0a') }])).toEqual([
      hash('03'),
      hash('07'),
    ])
  })

  it('[ENC-1] is refused whatever else it is, and never by anything but an error of the registry', () => {
    expectStrict(check, signed, ({ id }) => id)
  })
})

describe('an operation', () => {
  const where = 'request.operations[0]'
  const without = (operation: Operation, key: string) =>
    Object.fromEntries(Object.entries(operation).filter(([one]) => one !== key))

  it.each<[string, Operation]>([
    ['create of a field', field],
    ['create of a block', { ...block, kind: 'block' }],
    ['create of a list', block],
    ['set', set],
    ['delete', remove],
  ])('[REQ-3] is a %s with all its keys and no other', (_, operation) => {
    expect(operationShape(operation, where)).toBe(operation)
    for (const key of Object.keys(operation).filter((one) => one !== 'value'))
      expect(() => operationShape(without(operation, key), where)).toThrow(bad('bad-format'))
    for (const key of ['seen', 'type', 'value', 'kind', 'name', 'x', 'constructor'])
      if (!Object.hasOwn(operation, key))
        expect(() => operationShape({ ...operation, [key]: hash('06') }, where)).toThrow(bad('bad-format'))
    expectStrict((value) => operationShape(value, where), operation, jcs, 300)
  })

  it('[REQ-3] leaves a field empty where it is of a field and has no value', () => {
    for (const operation of [field, set])
      expect(operationShape(without(operation, 'value'), where)).not.toHaveProperty('value')
    for (const value of [null, undefined, ''])
      expect(() => operationShape({ ...set, value }, where)).toThrow(bad('bad-format'))
  })

  it.each([
    ['no kind of operation', { ...set, op: 'move' }],
    ['inherited', Object.assign(JSON.parse('{"__proto__":{"op":"set"}}'), without(set, 'op'))],
    ['of a kind of its own', { ...field, kind: 'table' }],
    ['of a type of its own', { ...set, type: 'colour' }],
    ['on a UID in capitals', { ...set, uid: 'AB'.repeat(16) }],
    ['on a UID too long', { ...set, uid: hash('01') }],
    ['of a value in the open', { ...set, value: 'EUR 1.00' }],
    ['a list', [set]],
    ['null', null],
    ['text', 'set'],
  ])('[REQ-3] is not taken when it is %s', (_, operation) => {
    expect(() => operationShape(operation, where)).toThrow(bad('bad-format'))
  })

  it('[ELE-1] creates no element of 32 zeros, which stand for the root of a genesis', () => {
    for (const operation of [field, block])
      expect(() => operationShape({ ...operation, uid: uid('00') }, where)).toThrow(bad('bad-format'))
    expect(operationShape({ ...field, parent: uid('00') }, where)).toBeDefined()
    expect(operationShape({ ...field, uid: `${'0'.repeat(31)}1` }, where)).toBeDefined()
  })
})

describe('the name of an element', () => {
  it.each([
    'a',
    ' ',
    'Straße',
    '@currency',
    'a/b.c[1]~',
    '#text',
    '__proto__',
    '名前',
    '😀',
    'a\u200db',
    'x'.repeat(256),
  ])('[ELE-3] can be %j', (name) => {
    expect(nameShape(name, 'name')).toBe(name)
  })

  it.each([
    '',
    'a\nb',
    '\u0000',
    'a\u007f',
    'a\u0085b',
    '\ud800',
    '\udc00a',
    'x'.repeat(257),
    '😀'.repeat(129),
    7,
    null,
  ])('[ELE-3] can’t be %j', (name) => {
    expect(() => nameShape(name, 'name')).toThrow(bad('bad-format'))
  })

  it('[ELE-2] stands beside an order of 1 to 64 letters and digits', () => {
    for (const order of ['0', 'a0Z', 'z'.repeat(64)]) expect(orderShape(order, 'order')).toBe(order)
    for (const order of ['', 'z'.repeat(65), 'a-b', 'é', 'a\n', '٣', 1])
      expect(() => orderShape(order, 'order')).toThrow(bad('bad-format'))
  })
})
