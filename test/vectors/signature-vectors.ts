/** Ed25519 signatures by the one verification rule (PROTOCOL SIG-2): those on which libraries differ above all. */
import { createHash } from 'node:crypto'
import { base64UrlEncode, concat, hexDecode, hexEncode, utf8 } from '../../src/crypto/bytes.ts'
import { generateKeyPair } from '../../src/crypto/keys.ts'
import { ed25519Sign } from '../../src/crypto/provider.ts'
import { type Vector, Vectors } from './vector.ts'
import { seeded } from './world.ts'

/** RFC 8032 section 7.1, tests 1 to 3: public key, message, signature. */
const RFC_8032 = [
  [
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
] as const

const SMALL_A = 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa'
const MIXED_A = 'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d'
const GOOD_A = 'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43'
const OTHER_A = '442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623'
/**
 * Edge cases of «Taming the many EdDSAs» (Chalkias, Garillot, Nikolaenko 2020), as published with
 * novifinancial/ed25519-speccheck: name, what is in it, message, public key, signature.
 */
const EDGE_CASES = [
  [
    'key-and-r-of-small-order',
    'A and R are of small order, S is 0.',
    '8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6',
    SMALL_A,
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a0000000000000000000000000000000000000000000000000000000000000000',
  ],
  [
    'key-of-order-8',
    'A is of order 8; the equation holds.',
    '9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79',
    SMALL_A,
    'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04',
  ],
  [
    'r-of-small-order',
    'R is of small order; the equation holds.',
    'aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab',
    GOOD_A,
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e',
  ],
  [
    'good-by-the-cofactored-equation-only',
    'A and R are of mixed order; the equation holds only where both sides are multiplied by 8.',
    'e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c',
    MIXED_A,
    '160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09',
  ],
  [
    'good-by-the-cofactored-equation-unreduced',
    'As before, but k must not be reduced before it is multiplied by 8.',
    'e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c',
    MIXED_A,
    '21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405',
  ],
  [
    's-past-the-order',
    'S is L or more.',
    '85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40',
    OTHER_A,
    'e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514',
  ],
  [
    's-far-past-the-order',
    'S is far more than L.',
    '85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40',
    OTHER_A,
    '8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa19427e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22',
  ],
  [
    'r-not-canonical',
    'The y coordinate of R is p, in place of 0; k is over these bytes.',
    'fdaebc429f4a735932a160da1301080c13280eea8bc280d1b392c6b9e6ba3a5a',
    GOOD_A,
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f454d370c8d9fc323a41450f8d513eafeb5b0697390c1e505a0d4ddc71f566607',
  ],
  [
    'r-not-canonical-reduced-first',
    'As before, but k is over the canonical bytes of R.',
    '84b698d39be126ff55fe45079e6c8bf64a0d7db6994560b4e96b7021eb39c1a1',
    GOOD_A,
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f084d5b99c2a9463d9c8bd5026916996984eeec87ddf1d3be329006ace1b37b09',
  ],
] as const
const MIXED_ORDER = [
  '9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79',
  MIXED_A,
  '9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009',
] as const

const L = 2n ** 252n + 27742317777372353535851937790883648493n
const P = 2n ** 255n - 19n

const littleEndian = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn))
const integer = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)

export function signatureVectors(): Vector[] {
  const vectors = new Vectors()
  const context = (publicKey: Uint8Array, signature: Uint8Array) => ({
    publicKey: base64UrlEncode(publicKey),
    signature: base64UrlEncode(signature),
  })
  const ofHex = (publicKey: string, signature: string) => context(hexDecode(publicKey), hexDecode(signature))

  for (const [index, [publicKey, hex, signature]] of RFC_8032.entries())
    vectors.valid(`rfc-8032-test-${index + 1}`, 'Of RFC 8032 section 7.1.', ofHex(publicKey, signature), {
      hex,
    })
  const [text, mixed, ofMixed] = MIXED_ORDER
  vectors.valid(
    'key-of-mixed-order',
    'A and R have a part of small order, and the equation holds as it stands: a good signature.',
    ofHex(mixed, ofMixed),
    { hex: text },
  )
  const refuse = (
    name: string,
    about: string,
    publicKey: Uint8Array,
    message: Uint8Array,
    signed: Uint8Array,
  ) => vectors.invalid(name, about, context(publicKey, signed), { hex: hexEncode(message) }, 'SIG-2')
  for (const [name, about, message, publicKey, signature] of EDGE_CASES)
    refuse(name, about, hexDecode(publicKey), hexDecode(message), hexDecode(signature))

  const seed = seeded('alder vote')
  const pair = generateKeyPair(seed)
  const key = new Uint8Array(Buffer.from(pair.publicKey, 'base64url'))
  const message = utf8('a message')
  const good = ed25519Sign(pair.privateKey, message)
  vectors.valid('good', 'A signature as any library makes it.', context(key, good), {
    hex: hexEncode(message),
  })
  const [r, s] = [good.slice(0, 32), integer(good.slice(32))]
  refuse(
    's-plus-the-order',
    'S + L in place of S: the equation holds.',
    key,
    message,
    concat(r, littleEndian(s + L)),
  )
  refuse('another-message', 'Of another message.', key, utf8('b message'), good)
  refuse('a-bit-of-r', 'One bit of R is another.', key, message, flipped(good, 3))
  refuse('a-bit-of-s', 'One bit of S is another.', key, message, flipped(good, 300))
  refuse('short', 'One byte short.', key, message, good.slice(0, 63))
  refuse('long', 'One byte long.', key, message, concat(good, Uint8Array.of(0)))
  refuse('key-of-another', 'By another key.', generateBytes('birch vote'), message, good)
  refuse('key-off-the-curve', 'A is no point: y = 2 has no x.', littleEndian(2n), message, good)

  // With A the neutral element the equation is S·B = R: anyone who knows the logarithm of some R can sign.
  const scalar = createHash('sha512').update(seed).digest().subarray(0, 32)
  scalar[0] = (scalar[0] as number) & 248
  scalar[31] = ((scalar[31] as number) & 63) | 64
  const forged = concat(key, littleEndian(integer(scalar) % L))
  refuse('key-of-order-1', 'A is the neutral element; the equation holds.', littleEndian(1n), message, forged)
  refuse(
    'key-not-canonical',
    'A is the neutral element with y = p + 1.',
    littleEndian(P + 1n),
    message,
    forged,
  )
  const signed = littleEndian(1n + 2n ** 255n)
  refuse('key-of-order-1-with-sign', 'A is the neutral element with a sign bit.', signed, message, forged)
  return vectors.all
}

const generateBytes = (label: string): Uint8Array =>
  new Uint8Array(Buffer.from(generateKeyPair(seeded(label)).publicKey, 'base64url'))

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const changed = bytes.slice()
  changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
  return changed
}
