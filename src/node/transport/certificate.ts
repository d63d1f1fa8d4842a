/**
 * The TLS face of a card's key (PROTOCOL NET-1): a self-signed X.509 certificate (RFC 5280, RFC 8410) over it, and the key
 * read out of the other side's certificate.
 *
 * Nothing in the certificate but the key means anything, so it is the same fixed DER for every key: no dates that run
 * out, no names. TLS 1.3 makes each side sign the handshake with the key it shows (CertificateVerify, RFC 8446 section
 * 4.4.3), and OpenSSL checks that signature even where the chain is not asked to be trusted. Session tickets are off, so
 * that every connection goes through it.
 */
import { constants } from 'node:crypto'
import type { ConnectionOptions, TLSSocket, TlsOptions } from 'node:tls'
import { base64Encode, base64UrlDecode, concat, hexDecode, utf8 } from '../../crypto/bytes.ts'
import { type KeyPair, toPem } from '../../crypto/keys.ts'
import { ed25519Sign } from '../../crypto/provider.ts'

/** The application protocol's name in ALPN (RFC 7301). */
export const ALPN = 'countersign/1'

const SEQUENCE = 0x30
const SET = 0x31
const UTF8_STRING = 0x0c
const BIT_STRING = 0x03
const UTC_TIME = 0x17
const GENERALIZED_TIME = 0x18
const VERSION_3 = hexDecode('a003020102')
const SERIAL_NUMBER_1 = hexDecode('020101')
const COMMON_NAME = hexDecode('0603550403')
const ED25519 = hexDecode('300506032b6570')
/** The one extension: basicConstraints, not a certificate authority. */
const EXTENSIONS = hexDecode('a30d300b30090603551d1304023000')

/** A DER value of at most 65,535 bytes. */
function der(tag: number, ...parts: Uint8Array[]): Uint8Array {
  const content = concat(...parts)
  const { length } = content
  const head =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 255]
  return concat(Uint8Array.from(head), content)
}

const bitString = (bytes: Uint8Array): Uint8Array => der(BIT_STRING, Uint8Array.of(0), bytes)

/** The self-signed certificate over an Ed25519 key pair, PEM. The same key gives the same certificate. */
export function selfSignedCertificate(pair: KeyPair): string {
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8_STRING, utf8('countersign')))))
  // RFC 5280 section 4.1.2.5: 99991231235959Z says that there is no well-defined end.
  const validity = der(
    SEQUENCE,
    der(UTC_TIME, utf8('700101000000Z')),
    der(GENERALIZED_TIME, utf8('99991231235959Z')),
  )
  const subjectKey = der(SEQUENCE, ED25519, bitString(base64UrlDecode(pair.publicKey, 32)))
  const body = der(
    SEQUENCE,
    VERSION_3,
    SERIAL_NUMBER_1,
    ED25519,
    name,
    validity,
    name,
    subjectKey,
    EXTENSIONS,
  )
  const certificate = der(SEQUENCE, body, ED25519, bitString(ed25519Sign(pair.privateKey, body)))
  const lines = base64Encode(certificate).match(/.{1,64}/g) as string[]
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

/**
 * What both ends of a connection set. No chain is checked because none exists: whoever uses these options must look at
 * `peerTlsKey` before anything else.
 */
export function tlsOptions(pair: KeyPair): ConnectionOptions & TlsOptions {
  return {
    key: toPem(pair.privateKey),
    cert: selfSignedCertificate(pair),
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    sigalgs: 'ed25519',
    ALPNProtocols: [ALPN],
    rejectUnauthorized: false,
    secureOptions: constants.SSL_OP_NO_TICKET,
  }
}

/**
 * The Ed25519 key (base64url) whose possession the other side has just proved; undefined if it showed none, or one of
 * another kind, or if this is not a whole handshake of our protocol.
 */
export function peerTlsKey(socket: TLSSocket): string | undefined {
  if (socket.alpnProtocol !== ALPN || socket.getProtocol() !== 'TLSv1.3' || socket.isSessionReused())
    return undefined
  try {
    const key = socket.getPeerX509Certificate()?.publicKey
    return key?.asymmetricKeyType === 'ed25519' ? key.export({ format: 'jwk' }).x : undefined
  } catch {
    // A certificate that OpenSSL lets through and Node can't read is nobody's.
    return undefined
  }
}
