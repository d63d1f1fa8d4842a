/**
 * The signature under a report (PROTOCOL RPT-2): by its author's author key, in a domain of its own, over the Merkle root of the
 * report's lines. Like a request it says something in a party's name and contradicts nothing, so that it takes no lock.
 */
import { base64UrlDecode, base64UrlEncode } from '../crypto/bytes.ts'
import { signingInput } from '../crypto/hash.ts'
import { jcs } from '../crypto/jcs.ts'
import type { PrivateKey } from '../crypto/keys.ts'
import { ed25519Sign, ed25519Verify } from '../crypto/provider.ts'

/** What is signed: how many lines there are before the signature, and the RFC 6962 root whose leaves they are. */
export type ReportSeal = { party: string; authorKey: string; lines: number; root: string }

function inputOf({ party, authorKey, lines, root }: ReportSeal): Uint8Array {
  return signingInput('report', jcs({ party, authorKey, lines, root }))
}

/** The signature, base64url. */
export function signReport(authorKey: PrivateKey, seal: ReportSeal): string {
  return base64UrlEncode(ed25519Sign(authorKey, inputOf(seal)))
}

/** True if the signature (base64url of 64 bytes) is by the author key that the seal names. */
export function reportVerifies(seal: ReportSeal, signature: string): boolean {
  return ed25519Verify(seal.authorKey, inputOf(seal), base64UrlDecode(signature))
}
