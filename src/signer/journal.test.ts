import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CountersignError } from '../crypto/errors.ts'
import { type Journal, openJournal } from './journal.ts'

let directory: string
const opened: Journal[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'countersign-journal-'))
})
afterEach(() => {
  for (const journal of opened.splice(0)) journal.close()
  rmSync(directory, { recursive: true })
})

const file = (): string => join(directory, 'locks.journal')

function open(): Journal {
  const journal = openJournal(directory)
  opened.push(journal)
  return journal
}

function close(): void {
  for (const journal of opened.splice(0)) journal.close()
}

/** The records that the file, changed to these bytes, gives; or the code of the refusal. */
function recordsOf(bytes: Uint8Array): object[] | string {
  writeFileSync(file(), bytes)
  try {
    return open().load()
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error
    return error.code
  } finally {
    close()
  }
}

const record = (counter: number): object => ({ counter, locks: [{ text: 'x'.repeat(counter * 7) }] })
const records = (count: number): object[] => Array.from({ length: count }, (_, index) => record(index + 1))

/** The bytes of a journal with this many records. */
function written(count: number): Buffer {
  const journal = open()
  for (const one of records(count)) journal.append([one])
  close()
  return readFileSync(file())
}

/** Where the last record begins. */
const startOfLast = (bytes: Buffer): number => bytes.lastIndexOf('\n', bytes.length - 2) + 1

describe('the journal', () => {
  it('[SGN-2] gives back, in order, what was appended before and after it was opened anew', () => {
    open().append([record(1), record(2)])
    close()
    const second = open()
    expect(second.load()).toEqual(records(2))
    second.append([record(3)])
    expect(second.load()).toEqual(records(3))
    close()
    expect(open().load()).toEqual(records(3))
  })

  it('is empty at first', () => {
    expect(open().load()).toEqual([])
    close()
    expect(open().load()).toEqual([])
  })

  it('is readable by its owner alone, and stays so', () => {
    rmSync(directory, { recursive: true })
    open().append([record(1)])
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    for (const name of readdirSync(directory))
      expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600)
    close()
    chmodSync(file(), 0o644)
    open().compact?.([record(1)])
    expect(statSync(file()).mode & 0o777).toBe(0o600)
  })

  it.each([0o777, 0o770, 0o702])(
    'refuses a directory of mode %o, in which others may change the locks',
    (mode) => {
      chmodSync(directory, mode)
      expect(open).toThrow(expect.objectContaining({ code: 'invariant-broken' }))
      expect(open).toThrow('chmod 700')
      chmodSync(directory, 0o755)
      open()
    },
  )

  it('of another version is refused as that, and left as it is', () => {
    const other = 'countersign lock journal 2\nwhatever comes then\n'
    writeFileSync(file(), other)
    expect(open).toThrow(/version 2.*use the version of this program that wrote it/)
    expect(readFileSync(file(), 'utf8')).toBe(other)
  })

  it('is compacted in one step, and goes on after that', () => {
    const before = written(20)
    const journal = open()
    journal.compact?.([record(20)])
    expect(journal.load()).toEqual([record(20)])
    expect(readFileSync(file()).length).toBeLessThan(before.length)
    journal.append([record(21)])
    close()
    expect(open().load()).toEqual([record(20), record(21)])
    expect(readdirSync(directory).filter((name) => name.endsWith('.new'))).toEqual([])
  })

  it('is the old one where a crash came before the compacted one took its place', () => {
    written(3)
    writeFileSync(`${file()}.new`, 'countersign lock jour')
    const journal = open()
    expect(journal.load()).toEqual(records(3))
    journal.compact?.([record(3)])
    expect(journal.load()).toEqual([record(3)])
  })

  it('refuses records that are not ASCII, since a byte would not be a character', () => {
    const journal = open()
    expect(() => journal.append([{ text: 'ü' }])).toThrow(
      expect.objectContaining({ code: 'invariant-broken' }),
    )
    journal.append([record(1)])
    close()
    expect(open().load()).toEqual([record(1)])
  })

  it('takes nothing once it is closed', () => {
    const journal = openJournal(directory)
    journal.close()
    expect(() => journal.append([record(1)])).toThrow(expect.objectContaining({ code: 'storage-failed' }))
    expect(() => journal.compact?.([])).toThrow(expect.objectContaining({ code: 'storage-failed' }))
  })
})

describe('what a crash leaves of the last record', () => {
  it('[SGN-3] is cut off, wherever the append was interrupted, and appending goes on', () => {
    const whole = written(3)
    const end = startOfLast(whole)
    for (let length = end; length < whole.length; length += 1) {
      expect(recordsOf(whole.subarray(0, length))).toEqual(records(2))
      const journal = open()
      journal.append([record(9)])
      close()
      expect(open().load()).toEqual([...records(2), record(9)])
      close()
    }
  })

  it('[SGN-3] is cut off where the file had grown before the bytes came: zeros in whole sectors', () => {
    const whole = written(300)
    const start = startOfLast(whole)
    const boundary = Math.ceil((start + 1) / 512) * 512
    expect(boundary + 512).toBeLessThan(whole.length)
    const zeroed = (from: number, to: number): Buffer => Buffer.from(whole).fill(0, from, to)
    for (const bytes of [
      zeroed(start, whole.length),
      zeroed(boundary, whole.length),
      zeroed(start, boundary),
      zeroed(boundary, boundary + 512),
      zeroed(boundary, whole.length).subarray(0, whole.length - 7),
    ])
      expect(recordsOf(bytes)).toEqual(records(299))
    // The same is damage where it does not end at a sector's boundary, or lies in a record before the last.
    for (const bytes of [
      zeroed(start + 3, start + 4),
      zeroed(boundary, boundary + 100),
      zeroed(512, 1024),
      zeroed(start - 1, start),
    ])
      expect(recordsOf(bytes)).toBe('invariant-broken')
  })
})

describe('any other damage', () => {
  it('[SGN-3] refuses to open: a changed byte, at every place of every record', () => {
    const whole = written(3)
    for (let place = 0; place < whole.length; place += 1)
      for (const bit of [0x01, 0x20, 0x80]) {
        const bytes = Buffer.from(whole)
        bytes[place] = (bytes[place] as number) ^ bit
        expect([place, recordsOf(bytes)]).toEqual([place, 'invariant-broken'])
      }
  })

  it('[SGN-3] refuses to open: a record that is missing, doubled, moved, cut short or from another journal', () => {
    const whole = written(4).toString('latin1')
    const [heading, ...lines] = whole.split('\n').slice(0, -1) as [string, string, string, string, string]
    rmSync(file())
    const [, foreign] = written(1).toString('latin1').split('\n') as [string, string]
    const [first, second, third, fourth] = lines as [string, string, string, string]
    const journals = [
      [heading, second, third, fourth],
      [heading, first, third, fourth],
      [heading, first, second, second, third, fourth],
      [heading, first, third, second, fourth],
      [heading, first, second.slice(0, -5), third, fourth],
      [heading, first, second, '', third, fourth],
      [heading, first, second, third, fourth, foreign],
      [first, second, third, fourth],
      ['countersign lock journal 2', first, second],
      [''],
    ]
    for (const kept of journals)
      expect(recordsOf(Buffer.from(`${kept.join('\n')}\n`))).toBe('invariant-broken')
    expect(recordsOf(Buffer.alloc(0))).toBe('invariant-broken')
    expect(recordsOf(Buffer.from(whole))).toEqual(records(4))
  })

  it('[SGN-3] leaves the damaged file as it is, and the directory free for another try', () => {
    const whole = written(3)
    const bytes = Buffer.from(whole).fill('!', 60, 61)
    expect(recordsOf(bytes)).toBe('invariant-broken')
    expect(readFileSync(file())).toEqual(bytes)
    expect(recordsOf(whole)).toEqual(records(3))
  })
})
