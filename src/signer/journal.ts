/**
 * The lock journal: append-only, on disk before `append` returns (SGN-2). A record is a line `sha256-hex length json`. A torn
 * last line is what a crash leaves and is cut off; any other damage refuses to open (SGN-3).
 */
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { CountersignError } from '../crypto/errors.ts'
import { sha256Hex } from '../crypto/provider.ts'

export type Journal = {
  /** Durable when it returns. */
  append(records: readonly object[]): void
  /** Everything appended, in order. */
  load(): object[]
  close(): void
}

function encode(record: object): string {
  const json = JSON.stringify(record)
  return `${sha256Hex(json).slice(0, 16)} ${json}\n`
}

function decode(line: string): object | undefined {
  const json = line.slice(17)
  if (line[16] !== ' ' || sha256Hex(json).slice(0, 16) !== line.slice(0, 16)) return undefined
  return JSON.parse(json) as object
}

/** Takes the directory for this process alone. @throws CountersignError `conflict` while another process lives that has it */
function takeDirectory(directory: string): () => void {
  const file = join(directory, 'signer.pid')
  for (let tries = 0; tries < 3; tries += 1) {
    try {
      const fd = openSync(file, 'wx', 0o600)
      writeSync(fd, String(process.pid))
      closeSync(fd)
      return () => unlinkSync(file)
    } catch {
      const holder = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0
      if (holder > 0 && holder !== process.pid && isAlive(holder))
        throw new CountersignError(
          'conflict',
          `process ${holder} is using ${directory}: stop that node first (if it is none, remove signer.pid)`,
        )
      if (existsSync(file)) unlinkSync(file)
    }
  }
  throw new CountersignError('conflict', `${file} can’t be taken`)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

export function openJournal(directory: string): Journal {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const release = takeDirectory(directory)
  const file = join(directory, 'locks.journal')
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const lines = text.split('\n')
  const torn = lines.pop() ?? ''
  const records = lines.map((line, index) => {
    const record = decode(line)
    if (record) return record
    release()
    throw new CountersignError('invariant-broken', `${file}: line ${index + 1} of the lock journal is damaged`)
  })
  const fd = openSync(file, 'a', 0o600)
  if (torn !== '') {
    ftruncateSync(fd, Buffer.byteLength(text) - Buffer.byteLength(torn))
    fsyncSync(fd)
  }
  const folder = openSync(directory, 'r')
  fsyncSync(folder)
  closeSync(folder)
  return {
    append(added) {
      writeSync(fd, added.map(encode).join(''))
      fdatasyncSync(fd)
    },
    load: () => records,
    close() {
      closeSync(fd)
      release()
    },
  }
}
void renameSync
