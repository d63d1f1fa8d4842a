import { createPublicKey, randomBytes, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { generateKeyPair, publicKeyToPem, toPem } from '../../crypto/keys.ts'
import { selfSignedCertificate, tlsOptions } from './certificate.ts'

describe('the certificate', () => {
  const pair = generateKeyPair(randomBytes(32))
  const certificate = new X509Certificate(selfSignedCertificate(pair))

  it('[NET-1] is over the key and signed by it', () => {
    expect(certificate.publicKey.asymmetricKeyType).toBe('ed25519')
    expect(certificate.publicKey.export({ format: 'jwk' }).x).toBe(pair.publicKey)
    expect(certificate.verify(certificate.publicKey)).toBe(true)
    expect(
      certificate.verify(createPublicKey(publicKeyToPem(generateKeyPair(randomBytes(32)).publicKey))),
    ).toBe(false)
    expect(certificate.checkIssued(certificate)).toBe(true)
  })

  it('says nothing about the party, and does not run out', () => {
    expect(certificate.subject).toBe('CN=countersign')
    expect(certificate.issuer).toBe('CN=countersign')
    expect(certificate.subjectAltName).toBeUndefined()
    expect(certificate.ca).toBe(false)
    expect(new Date(certificate.validFrom).getTime()).toBe(0)
    expect(new Date(certificate.validTo).toISOString()).toBe('9999-12-31T23:59:59.000Z')
  })

  it('is the same for the same key', () => {
    const [first, second, other] = [7, 7, 8].map((byte) =>
      selfSignedCertificate(generateKeyPair(seedOf(byte))),
    )
    expect(second).toBe(first)
    expect(other).not.toBe(first)
  })

  it('goes with its key into a TLS context, and with no other', () => {
    expect(() => createSecureContext(tlsOptions(pair))).not.toThrow()
    const other = toPem(generateKeyPair(randomBytes(32)).privateKey)
    expect(() => createSecureContext({ ...tlsOptions(pair), key: other })).toThrow()
  })
})

const seedOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
