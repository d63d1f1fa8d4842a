/**
 * The format of the lock journal's file. Pure.
 *
 *   countersign lock journal 1
 *   <check> <records as JSON>         one line an append; check: the first 32 hex digits of
 *   <check> <records as JSON>         SHA-256(check before ‖ JSON), the first line's "check before" being the heading
 *
 * What an interrupted append leaves at the end is told apart from every other damage (SGN-3): a byte that differs, a line
 * that is missing, moved or added. Lines missing from the end, whole, are what the data's copy of the counter tells (AMN-1).
 */
import type { Buffer } from 'node:buffer'
import { CountersignError } from '../crypto/errors.ts'
import { sha256Hex } from '../crypto/provider.ts'

/** The first line of a journal, and the check before its second. */
export const HEADING = 'countersign lock journal 1'
const ANY_VERSION = /^countersign lock journal ([0-9]{1,9})\n/
const CHECK_LENGTH = 32
const NEWLINE = 10
const SECTOR_BYTES = 512
/** Visible ASCII and space: what the records' JSON is made of, so that a byte of the file is a character. */
const PLAIN = /^[ -~]*$/

/** A line of records, and its check; before: that of the line before. @throws CountersignError `invariant-broken` for records that are not all ASCII */
export function encodeLine(before: string, records: readonly object[]): { check: string; text: string } {
  const json = JSON.stringify(records)
  if (!PLAIN.test(json))
    throw new CountersignError('invariant-broken', 'lock records are ASCII; these are not')
  const check = sha256Hex(before + json).slice(0, CHECK_LENGTH)
  return { check, text: `${check} ${json}\n` }
}

/**
 * What a journal file holds. check: that of its last line; sizeBytes: without what an interrupted append left; file: its name,
 * for people. @throws CountersignError `invariant-broken` where it is damaged, or of another version
 */
export function parseJournal(
  bytes: Buffer,
  file: string,
): { records: object[]; check: string; sizeBytes: number } {
  const damaged = (line: number): CountersignError =>
    new CountersignError(
      'invariant-broken',
      `${file}: line ${line} of the lock journal is damaged, so it does not tell any more what this node has signed. Check the ` +
        'disk, move the file aside and start with --restored: all other members are then asked for this node’s signatures',
    )
  const heading = bytes.subarray(0, HEADING.length + 1).toString('latin1')
  if (heading !== `${HEADING}\n`) {
    const version = ANY_VERSION.exec(bytes.toString('latin1', 0, 64))?.[1]
    if (version === undefined) throw damaged(1)
    throw new CountersignError(
      'invariant-broken',
      `${file} is a lock journal of version ${version}; use the version of this program that wrote it`,
    )
  }
  const records: object[] = []
  let lines = 0
  let check = HEADING
  let start = heading.length
  while (start < bytes.length) {
    const newline = bytes.indexOf(NEWLINE, start)
    const line = newline === -1 ? undefined : decode(check, bytes.subarray(start, newline))
    if (line === undefined) {
      if (isTorn(bytes, start, check)) break
      throw damaged(lines + 2)
    }
    lines += 1
    for (const record of line.records) records.push(record)
    check = line.check
    start = newline + 1
  }
  return { records, check, sizeBytes: start }
}

function decode(before: string, line: Buffer): { records: object[]; check: string } | undefined {
  const text = line.toString('latin1')
  const check = text.slice(0, CHECK_LENGTH)
  const json = text.slice(CHECK_LENGTH + 1)
  if (text[CHECK_LENGTH] !== ' ' || !PLAIN.test(json)) return undefined
  if (sha256Hex(before + json).slice(0, CHECK_LENGTH) !== check) return undefined
  return { records: JSON.parse(json) as object[], check }
}

/**
 * Whether what stands from `start` is what an interrupted append leaves. It is one write of one line: a crash leaves a
 * part of it from its start or, where a file system makes the file longer before the bytes are there, zeros for whole
 * sectors. A line that has its end and all its bytes was once acknowledged; something else has changed it.
 */
function isTorn(bytes: Buffer, start: number, before: string): boolean {
  const rest = bytes.subarray(start)
  const newline = rest.indexOf(NEWLINE)
  if (newline !== -1 && newline !== rest.length - 1) return false
  const zeros = zeroRuns(rest)
  const isSectors = zeros.every(
    ([from, to]) =>
      (from === 0 || (start + from) % SECTOR_BYTES === 0) &&
      (to === rest.length || (start + to) % SECTOR_BYTES === 0),
  )
  if (!isSectors) return false
  if (zeros.length > 0) return true
  // Without an end: cut short, unless only the end itself differs.
  return newline === -1 && decode(before, rest.subarray(0, -1)) === undefined
}

/** Where runs of zero bytes begin and end. */
function zeroRuns(bytes: Buffer): [from: number, to: number][] {
  const runs: [number, number][] = []
  for (let from = bytes.indexOf(0); from !== -1; ) {
    let to = from
    while (to < bytes.length && bytes[to] === 0) to += 1
    runs.push([from, to])
    from = bytes.indexOf(0, to)
  }
  return runs
}
