/** Proof of holding a file without sending it (PROTOCOL FIL-6). */
import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { base64UrlDecode, hexDecode } from '../../crypto/bytes.ts'
import { signingInput } from '../../crypto/hash.ts'

/** nonce: 32 bytes, base64url, of the asker. party: who proves it. */
export type Challenge = { nonce: string; contract: string; party: string }

/** `H("file-proof", nonce32 ‖ contract32 ‖ party32 ‖ bytes)`, of a stream. */
export async function possessionProof(source: Readable, challenge: Challenge): Promise<string> {
  const hash = createHash('sha256').update(signingInput('file-proof', new Uint8Array(0)))
  hash.update(base64UrlDecode(challenge.nonce, 32))
  hash.update(hexDecode(challenge.contract))
  hash.update(hexDecode(challenge.party))
  for await (const chunk of source as AsyncIterable<Buffer>) hash.update(chunk)
  return hash.digest('hex')
}
