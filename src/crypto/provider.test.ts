import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { base64UrlEncode, concat, hexDecode, hexEncode, utf8 } from './bytes.ts'
import {
  ed25519Sign,
  ed25519Verify,
  importPrivateKey,
  isEd25519PublicKey,
  privateKeyBytes,
} from './provider.ts'

/** RFC 8032 section 7.1: seed, public key, message, signature. */
const RFC_8032 = [
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
] as const

/**
 * Ten edge cases of «Taming the many EdDSAs» (Chalkias, Garillot, Nikolaenko 2020), as published with
 * novifinancial/ed25519-speccheck: message, public key, signature, and whether the pinned rule takes it.
 */
const SMALL_A = 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa'
const MIXED_A = 'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d'
const GOOD_A = 'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43'
const OTHER_A = '442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623'
const EDGE_CASES = [
  [
    'small order A and R, S = 0',
    '8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6',
    SMALL_A,
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a0000000000000000000000000000000000000000000000000000000000000000',
    false,
  ],
  [
    'small order A',
    '9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79',
    SMALL_A,
    'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04',
    false,
  ],
  [
    'small order R',
    'aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab',
    GOOD_A,
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e',
    false,
  ],
  [
    'A and R of mixed order, good by either equation',
    '9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79',
    MIXED_A,
    '9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009',
    true,
  ],
  [
    'good by the cofactored equation only',
    'e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c',
    MIXED_A,
    '160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09',
    false,
  ],
  [
    'good by the cofactored equation, k not reduced first',
    'e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c',
    MIXED_A,
    '21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405',
    false,
  ],
  [
    'S past L',
    '85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40',
    OTHER_A,
    'e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514',
    false,
  ],
  [
    'S far past L',
    '85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40',
    OTHER_A,
    '8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa19427e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22',
    false,
  ],
  [
    'non-canonical R, hashed as it is',
    'fdaebc429f4a735932a160da1301080c13280eea8bc280d1b392c6b9e6ba3a5a',
    GOOD_A,
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f454d370c8d9fc323a41450f8d513eafeb5b0697390c1e505a0d4ddc71f566607',
    false,
  ],
  [
    'non-canonical R, reduced first',
    '84b698d39be126ff55fe45079e6c8bf64a0d7db6994560b4e96b7021eb39c1a1',
    GOOD_A,
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f084d5b99c2a9463d9c8bd5026916996984eeec87ddf1d3be329006ace1b37b09',
    false,
  ],
] as const

const L = 2n ** 252n + 27742317777372353535851937790883648493n
const P = 2n ** 255n - 19n
const IDENTITY = littleEndian(1n)
const ZERO = littleEndian(0n)

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn))
}

function integer(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
}

function sha512(...parts: Uint8Array[]): Uint8Array {
  return createHash('sha512')
    .update(concat(...parts))
    .digest()
}

/** A point of the curve in extended coordinates (RFC 8032 section 5.1.4). */
type Point = readonly [x: bigint, y: bigint, z: bigint, t: bigint]

const modulo = (value: bigint) => ((value % P) + P) % P

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  for (let square = modulo(base), rest = exponent; rest > 0n; rest >>= 1n, square = modulo(square * square))
    if (rest & 1n) result = modulo(result * square)
  return result
}

const inverse = (value: bigint) => power(value, P - 2n)
const D = modulo(-121665n * inverse(121666n))

function add([x1, y1, z1, t1]: Point, [x2, y2, z2, t2]: Point): Point {
  const a = modulo((y1 - x1) * (y2 - x2))
  const b = modulo((y1 + x1) * (y2 + x2))
  const c = modulo(2n * t1 * t2 * D)
  const d = modulo(2n * z1 * z2)
  return [
    modulo((b - a) * (d - c)),
    modulo((d + c) * (b + a)),
    modulo((d - c) * (d + c)),
    modulo((b - a) * (b + a)),
  ]
}

function multiply(scalar: bigint, point: Point): Point {
  let result: Point = [0n, 1n, 1n, 0n]
  for (let double = point, rest = scalar; rest > 0n; rest >>= 1n, double = add(double, double))
    if (rest & 1n) result = add(result, double)
  return result
}

/** The point of an encoding, read with every leniency: y past p, and x = 0 with a sign. */
function decode(bytes: Uint8Array): Point | undefined {
  const encoded = integer(bytes)
  const y = modulo(encoded & (2n ** 255n - 1n))
  const ratio = modulo((y * y - 1n) * inverse(D * y * y + 1n))
  let x = power(ratio, (P + 3n) / 8n)
  if (modulo(x * x) !== ratio) x = modulo(x * power(2n, (P - 1n) / 4n))
  if (modulo(x * x) !== ratio) return undefined
  if ((x & 1n) !== encoded >> 255n) x = modulo(-x)
  return [x, y, 1n, modulo(x * y)]
}

function encode([x, y, z]: Point): Uint8Array {
  const factor = inverse(z)
  return littleEndian(modulo(y * factor) + (modulo(x * factor) & 1n) * 2n ** 255n)
}

const BASE = decode(littleEndian(modulo(4n * inverse(5n)))) as Point

/** Step 4 of the rule alone: whether the bytes of S·B - k·A are those of R. */
function equationHolds(publicKey: Uint8Array, text: Uint8Array, some: Uint8Array): boolean {
  const point = decode(publicKey)
  if (point === undefined) return false
  const k = integer(sha512(some.subarray(0, 32), publicKey, text)) % L
  const [x, y, z, t] = multiply(k, point)
  const r = add(multiply(integer(some.subarray(32)), BASE), [modulo(-x), y, z, modulo(-t)])
  return hexEncode(encode(r)) === hexEncode(some.subarray(0, 32))
}

const rule = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) =>
  ed25519Verify(base64UrlEncode(publicKey), message, signature)

const seed = new Uint8Array(32).fill(7)
const key = importPrivateKey('Ed25519', seed)
const message = utf8('the message')
const signature = ed25519Sign(key, message)

describe('Ed25519', () => {
  it.each(RFC_8032)('gives RFC 8032’s signature for seed %s', (seedHex, publicKey, text, expected) => {
    const privateKey = importPrivateKey('Ed25519', hexDecode(seedHex))
    expect(privateKey.publicKey).toBe(base64UrlEncode(hexDecode(publicKey)))
    expect(hexEncode(ed25519Sign(privateKey, hexDecode(text)))).toBe(expected)
    expect(ed25519Verify(privateKey.publicKey, hexDecode(text), hexDecode(expected))).toBe(true)
  })

  it('takes back what it signs, and nothing with a bit changed', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array(),
        fc.nat(511),
        (some, text, bit) => {
          const privateKey = importPrivateKey('Ed25519', some)
          const good = ed25519Sign(privateKey, text)
          expect(ed25519Verify(privateKey.publicKey, text, good)).toBe(true)
          const changed = good.slice()
          changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
          expect(ed25519Verify(privateKey.publicKey, text, changed)).toBe(false)
          expect(ed25519Verify(privateKey.publicKey, concat(text, Uint8Array.of(0)), good)).toBe(false)
          expect(ed25519Verify(key.publicKey, text, good)).toBe(false)
        },
      ),
      { numRuns: 30 },
    )
  })

  it('answers false, never an error, for what is malformed', () => {
    for (const publicKey of [
      '',
      'AA',
      `${key.publicKey}=`,
      key.publicKey.slice(1),
      `${key.publicKey}A`,
      '!'.repeat(43),
    ])
      expect(ed25519Verify(publicKey, message, signature)).toBe(false)
    for (const length of [0, 32, 63, 65])
      expect(ed25519Verify(key.publicKey, message, new Uint8Array(length))).toBe(false)
    // 43 digits whose last has a bit set that stands for nothing.
    expect(ed25519Verify(`${key.publicKey.slice(0, -1)}B`, message, signature)).toBe(false)
  })

  it('keeps answering right when more keys were seen than it remembers', () => {
    for (let index = 1; index <= 5000; index += 1) {
      const bytes = littleEndian(BigInt(index) * 2n ** 128n)
      expect(isEd25519PublicKey(base64UrlEncode(bytes))).toBe(true)
    }
    expect(ed25519Verify(key.publicKey, message, signature)).toBe(true)
  })
})

describe('[SIG-2] the one verification rule', () => {
  it.each(EDGE_CASES)('%s', (_, text, publicKey, edge, expected) => {
    expect(rule(hexDecode(publicKey), hexDecode(text), hexDecode(edge))).toBe(expected)
  })

  it('refuses a public key of small order, for which anyone can sign', () => {
    const forged = concat(IDENTITY, ZERO)
    expect(equationHolds(IDENTITY, message, forged)).toBe(true)
    expect(rule(IDENTITY, message, forged)).toBe(false)
  })

  it('refuses every encoding of the eight points of small order as A, for which forgeries fit the equation', () => {
    const order8 = ['26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', SMALL_A].map(
      (hex) => integer(hexDecode(hex)) & (2n ** 255n - 1n),
    )
    const forged = concat(IDENTITY, ZERO)
    for (const y of [0n, 1n, P - 1n, P, P + 1n, ...order8]) {
      for (const sign of [0n, 2n ** 255n]) {
        const publicKey = littleEndian(y + sign)
        expect(isEd25519PublicKey(base64UrlEncode(publicKey))).toBe(false)
        // With S = 0 and R the identity the equation holds for the messages, one in eight or more, with k a multiple of 8.
        let attempt = 0
        const text = () => utf8(`attempt ${attempt}`)
        while ((integer(sha512(IDENTITY, publicKey, text())) % L) % 8n !== 0n) attempt += 1
        expect(equationHolds(publicKey, text(), forged)).toBe(true)
        expect(rule(publicKey, text(), forged)).toBe(false)
      }
    }
  })

  it('refuses R of small order, even by the key’s owner', () => {
    // A signature made with the nonce 0: R is the identity, S = k·a.
    const publicKey = hexDecode(hexEncode(Buffer.from(key.publicKey, 'base64url')))
    const scalar = sha512(seed).slice(0, 32)
    scalar[0] = (scalar[0] as number) & 248
    scalar[31] = ((scalar[31] as number) & 63) | 64
    const k = integer(sha512(IDENTITY, publicKey, message)) % L
    const bare = concat(IDENTITY, littleEndian((k * integer(scalar)) % L))
    expect(equationHolds(publicKey, message, bare)).toBe(true)
    expect(rule(publicKey, message, bare)).toBe(false)
  })

  it('refuses every non-canonical encoding of A', () => {
    for (let y = P; y < 2n ** 255n; y += 1n)
      for (const sign of [0n, 2n ** 255n])
        expect(isEd25519PublicKey(base64UrlEncode(littleEndian(y + sign)))).toBe(false)
    expect(isEd25519PublicKey(base64UrlEncode(littleEndian(P - 2n)))).toBe(true)
  })

  it('refuses S + L, and S = L', () => {
    const publicKey = Buffer.from(key.publicKey, 'base64url')
    const s = integer(signature.slice(32))
    expect(equationHolds(publicKey, message, concat(signature.slice(0, 32), littleEndian(s + L)))).toBe(true)
    expect(rule(publicKey, message, signature)).toBe(true)
    expect(rule(publicKey, message, concat(signature.slice(0, 32), littleEndian(s + L)))).toBe(false)
    expect(rule(publicKey, message, concat(signature.slice(0, 32), littleEndian(L)))).toBe(false)
  })

  it('is the equation where A, R and S are as they must be', () => {
    for (const [, text, publicKey, edge, expected] of EDGE_CASES.filter(([name]) =>
      /mixed|cofactored/.test(name),
    ))
      expect(equationHolds(hexDecode(publicKey), hexDecode(text), hexDecode(edge))).toBe(expected)
    const publicKey = hexDecode(RFC_8032[1][1])
    const [text, good] = [hexDecode(RFC_8032[1][2]), hexDecode(RFC_8032[1][3])]
    for (const bit of [undefined, 3, 255, 300, 500]) {
      const some = good.slice()
      if (bit !== undefined) some[bit >> 3] = (some[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(rule(publicKey, text, some)).toBe(bit === undefined)
      expect(equationHolds(publicKey, text, some)).toBe(bit === undefined)
    }
  })

  it('refuses A that is no point of the curve', () => {
    // y = 2 has no x.
    expect(rule(littleEndian(2n), message, signature)).toBe(false)
  })
})

describe('a private key', () => {
  it('does not show in JSON, in text or when inspected', async () => {
    const { inspect } = await import('node:util')
    const secrets = [
      hexEncode(seed),
      Buffer.from(seed).toString('base64url'),
      Buffer.from(seed).toString('base64'),
    ]
    for (const shown of [JSON.stringify({ key }), `${key}`, inspect(key, { depth: 9, showHidden: true })])
      for (const secret of secrets) expect(shown).not.toContain(secret)
    expect(JSON.stringify({ key })).toBe('{"key":"[private Ed25519 key]"}')
    expect(privateKeyBytes(key)).toEqual(seed)
  })

  it('of another length or for another use is refused', () => {
    const badFormat = expect.objectContaining({ code: 'bad-format' })
    expect(() => importPrivateKey('Ed25519', new Uint8Array(31))).toThrow(badFormat)
    expect(() => importPrivateKey('X25519', new Uint8Array(33))).toThrow(badFormat)
    expect(() => ed25519Sign(importPrivateKey('X25519', seed), message)).toThrow(badFormat)
  })
})
