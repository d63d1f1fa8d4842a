/** If-Match and If-None-Match (RFC 9110 section 13.1): versions are commitments and subtree hashes, 64 hex digits. */
import { CountersignError } from '../../crypto/errors.ts'

/** What If-Match says: nothing, any version there is, or one of these. */
export type Match = undefined | '*' | readonly string[]

const TAG = /^"([0-9a-f]{64})"$/

/** @throws CountersignError `bad-request` for what is no version */
export function readIfMatch(header: string | undefined): Match {
  if (header === undefined) return undefined
  if (header.trim() === '*') return '*'
  return header.split(',').map((one) => {
    const version = TAG.exec(one.trim())?.[1]
    if (version === undefined)
      throw new CountersignError(
        'bad-request',
        'If-Match: expected the ETag of an earlier answer, in its quotes',
      )
    return version
  })
}

/**
 * The version that the author saw, to be judged in the ledger; undefined for the one that the state holds. Of several, the one
 * that is there counts.
 */
export function seenIn(match: Match, current: string | undefined): string | undefined {
  if (match === undefined || match === '*') return undefined
  return match.find((one) => one === current) ?? match[0]
}

/** Whether If-None-Match names this version. */
export function isNoneMatch(header: string | undefined, version: string): boolean {
  if (header === undefined) return false
  return header
    .split(',')
    .some((one) => one.trim().replace(/^W\//, '') === `"${version}"` || one.trim() === '*')
}
