import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Failure, FragileFiles } from '../../test/support/fragile-files.ts'
import { FragileJournal, numbersOf, record } from '../../test/support/fragile-journal.ts'
import type { CountersignError } from '../crypto/errors.ts'
import type { Journal } from './journal.ts'

let machine: FragileJournal
let files: FragileFiles

beforeEach(() => {
  machine = new FragileJournal()
  files = machine.files
})
afterEach(() => machine.remove())

const open = (): Journal => machine.open()
const end = (): void => machine.end()
const file = (): Buffer => readFileSync(join(machine.directory, 'locks.journal'))
const codeOf = (work: () => void): string | undefined => {
  try {
    work()
    return undefined
  } catch (error) {
    return (error as CountersignError).code
  }
}

describe('an append that fails', () => {
  it.each<[string, string, Failure[]]>([
    ['a full disk', 'disk-full', [{ operation: 'writeSync', error: 'ENOSPC' }]],
    ['a full disk, in the middle', 'disk-full', [{ operation: 'writeSync', error: 'ENOSPC', after: 40 }]],
    ['a quota', 'disk-full', [{ operation: 'writeSync', error: 'EDQUOT', after: 1 }]],
    ['a limit of file sizes', 'disk-full', [{ operation: 'writeSync', error: 'EFBIG', after: 7 }]],
    ['a full disk met by the sync', 'disk-full', [{ operation: 'fdatasyncSync', error: 'ENOSPC' }]],
    ['a disk that fails the sync', 'storage-failed', [{ operation: 'fdatasyncSync', error: 'EIO' }]],
    ['a sync that took place', 'storage-failed', [{ operation: 'fdatasyncSync', error: 'EIO', after: true }]],
    ['a disk that fails the write', 'storage-failed', [{ operation: 'writeSync', error: 'EIO', after: 9 }]],
  ])(
    '[SGN-2] for %s says so, leaves nothing behind, and keeps nothing after it from working',
    (_, code, failures) => {
      const journal = open()
      journal.append([record(1)])
      const before = file()
      files.failures = failures
      expect(codeOf(() => journal.append([record(2)]))).toBe(code)
      expect(file()).toEqual(before)
      expect(numbersOf(journal.load())).toEqual([1])
      journal.append([record(3)])
      end()
      expect(numbersOf(open().load())).toEqual([1, 3])
    },
  )

  it.each(['ftruncateSync', 'fsyncSync'] as const)(
    '[SGN-2] and cannot be undone at once (%s) is undone before the next one, which waits for that',
    (operation) => {
      const journal = open()
      journal.append([record(1)])
      files.failures = [
        { operation: 'writeSync', error: 'ENOSPC', after: 50 },
        { operation, error: 'EIO' },
        { operation, error: 'EIO' },
      ]
      expect(codeOf(() => journal.append([record(2)]))).toBe('disk-full')
      expect(numbersOf(journal.load()), 'what is torn is not read').toEqual([1])
      files.calls.length = 0
      expect(codeOf(() => journal.append([record(3)]))).toBe('storage-failed')
      expect(files.calls, 'nothing is written behind what is torn').not.toContain('writeSync')
      journal.append([record(4)])
      expect(numbersOf(journal.load())).toEqual([1, 4])
      end()
      expect(numbersOf(open().load())).toEqual([1, 4])
    },
  )

  it('[SGN-2] cuts back what was longer than the next one', () => {
    const journal = open()
    files.failures = [
      { operation: 'fdatasyncSync', error: 'EIO' },
      { operation: 'ftruncateSync', error: 'EIO' },
    ]
    expect(codeOf(() => journal.append([{ n: 1, padding: 'y'.repeat(9000) }]))).toBe('storage-failed')
    journal.append([record(2)])
    expect(file().includes('y')).toBe(false)
    end()
    expect(numbersOf(open().load())).toEqual([2])
  })
})

describe('writing', () => {
  it('[SGN-2] goes on where a write takes only a part, and where a signal interrupts it', () => {
    const journal = open()
    files.writeMaxBytes = 7
    files.failures = [
      { operation: 'writeSync', error: 'EINTR' },
      { operation: 'fdatasyncSync', error: 'EINTR' },
    ]
    journal.append([record(1), record(2)])
    files.writeMaxBytes = 1
    journal.append([record(3)])
    journal.compact?.([record(4)])
    journal.append([record(5)])
    end()
    expect(numbersOf(open().load())).toEqual([4, 5])
  })

  it('[SGN-2] fails, and does not hang, where a write takes nothing', () => {
    const journal = open()
    files.writeMaxBytes = 0
    expect(codeOf(() => journal.append([record(1)]))).toBe('storage-failed')
    files.writeMaxBytes = 5
    journal.append([record(2)])
    expect(numbersOf(journal.load())).toEqual([2])
  })

  it('takes one write and one fdatasync for an append, of however many records', () => {
    const journal = open()
    journal.append([record(1)])
    files.calls.length = 0
    journal.append([record(2), record(3)])
    expect(files.calls).toEqual(['writeSync', 'fdatasyncSync'])
    journal.append([])
    expect(files.calls).toHaveLength(2)
  })
})

describe('compacting that fails', () => {
  it.each<[Failure, string, number[]]>([
    [{ operation: 'openSync', error: 'ENOSPC' }, 'disk-full', [1, 2, 3]],
    [{ operation: 'writeSync', error: 'ENOSPC', after: 20 }, 'disk-full', [1, 2, 3]],
    [{ operation: 'fsyncSync', error: 'EIO' }, 'storage-failed', [1, 2, 3]],
  ])('before the new file is in place (%o) leaves the long journal in use', (failure, code, expected) => {
    const journal = open()
    journal.append([record(1), record(2)])
    files.failures = [failure]
    expect(codeOf(() => journal.compact?.([record(9)]))).toBe(code)
    expect(readdirSync(machine.directory)).not.toContain('locks.journal.new')
    journal.append([record(3)])
    journal.compact?.(journal.load())
    end()
    expect(numbersOf(open().load())).toEqual(expected)
  })

  it.each([false, true])(
    '[SGN-2] while the new file is put in place (done: %s) takes nothing until it is opened anew',
    (after) => {
      const journal = open()
      journal.append([record(1), record(2)])
      files.failures = [{ operation: 'renameSync', error: 'EIO', after }]
      expect(codeOf(() => journal.compact?.([record(9)]))).toBe('storage-failed')
      expect(codeOf(() => journal.append([record(3)]))).toBe('storage-failed')
      end()
      expect(numbersOf(open().load())).toEqual(after ? [9] : [1, 2])
    },
  )

  it('[SGN-2] to make the new file’s name durable is made good before the next append', () => {
    const journal = open()
    journal.append([record(1), record(2)])
    // The first sync is of the new file, the second and third of the directory.
    files.failures = []
    const failAtDirectory = (): void => {
      const sync = files.fsyncSync.bind(files)
      let syncs = 0
      files.fsyncSync = (descriptor) => {
        syncs += 1
        if (syncs === 2 || syncs === 3) throw Object.assign(new Error('EIO'), { code: 'EIO' })
        sync(descriptor)
      }
    }
    failAtDirectory()
    expect(codeOf(() => journal.compact?.([record(9)]))).toBe('storage-failed')
    expect(codeOf(() => journal.append([record(3)]))).toBe('storage-failed')
    expect(numbersOf(journal.load())).toEqual([9])
    journal.append([record(4)])
    end()
    files.powerCut(() => 0)
    expect(numbersOf(open().load())).toEqual([9, 4])
  })
})
