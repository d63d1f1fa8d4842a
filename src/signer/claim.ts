/**
 * A directory for one process at a time, by files alone: Node has no flock.
 *
 * The claim is the file `in-use.<n>` of the highest n. A process takes the directory by making `in-use.<n + 1>` once the
 * holder of n has released it or is dead. Making a file is exclusive, and the highest one is never removed, so of two
 * processes that both see n abandoned only one gets n + 1. (Removing a dead process's lock file and making it anew would
 * let the second remove what the first has just made.)
 *
 * The claim is on processes that this one can see: not on those of another machine or of another container.
 */
import { randomUUID } from 'node:crypto'
import { linkSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { CountersignError } from '../crypto/errors.ts'

/** started: when the process started, boot: which start of the machine that was in; absent where it can't be told. */
type Holder = { pid: number; started?: string; boot?: string }

const CLAIM = /^in-use\.([0-9]{1,15})$/
const RELEASED = '{}'
const TRIES = 16

/**
 * Takes the directory for this process; returns what gives it back. A process that dies gives it back by that.
 * @throws CountersignError `conflict` while a process that lives has it
 */
export function claimDirectory(directory: string): () => void {
  const claim = JSON.stringify(self())
  for (let tries = 0; tries < TRIES; tries += 1) {
    const highest = highestClaim(directory)
    const holder = highest === 0 ? undefined : readHolder(join(directory, `in-use.${highest}`))
    if (holder === 'gone') continue
    if (holder !== undefined && isAlive(holder))
      throw new CountersignError(
        'conflict',
        `process ${holder.pid} is using ${directory}: stop that node first, a second one must not sign with the same keys`,
      )
    const own = join(directory, `in-use.${highest + 1}`)
    if (!makeExclusively(own, claim)) continue
    if (highestClaim(directory) > highest + 1) {
      // Whoever is ahead removed the claim of this number before it was made here.
      rmSync(own, { force: true })
      continue
    }
    for (const number of claims(directory))
      if (number <= highest) rmSync(join(directory, `in-use.${number}`), { force: true })
    return () => replace(own, RELEASED)
  }
  throw new CountersignError('conflict', `other processes keep taking ${directory}: stop them first`)
}

function claims(directory: string): number[] {
  return readdirSync(directory).flatMap((name) => {
    const found = CLAIM.exec(name)
    return found === null ? [] : [Number(found[1])]
  })
}

function highestClaim(directory: string): number {
  return Math.max(0, ...claims(directory))
}

/** Makes a file with its content in one step; false if there is one of this name. */
function makeExclusively(file: string, content: string): boolean {
  const prepared = `${file}.${randomUUID()}`
  writeFileSync(prepared, content, { mode: 0o600, flag: 'wx' })
  try {
    linkSync(prepared, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(prepared, { force: true })
  }
}

function replace(file: string, content: string): void {
  const prepared = `${file}.${randomUUID()}`
  writeFileSync(prepared, content, { mode: 0o600, flag: 'wx' })
  renameSync(prepared, file)
}

/** undefined: released, or unreadable as only a power cut leaves it; gone: removed since it was seen. */
function readHolder(file: string): Holder | undefined | 'gone' {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'gone'
    throw error
  }
  try {
    const holder = JSON.parse(text) as Partial<Holder>
    return Number.isSafeInteger(holder.pid) && Number(holder.pid) > 0 ? (holder as Holder) : undefined
  } catch {
    return undefined
  }
}

function self(): Holder {
  return { pid: process.pid, started: startOf(process.pid), boot: bootOf() }
}

/** Whether the very process that made the claim still runs: a number alone may be another's by now. */
function isAlive(holder: Holder): boolean {
  const boot = bootOf()
  if (boot !== undefined && holder.boot !== undefined && boot !== holder.boot) return false
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const started = startOf(holder.pid)
  return started === undefined || holder.started === undefined || started === holder.started
}

/** When a process started, in the machine's ticks: field 22 of Linux's /proc/<pid>/stat. */
function startOf(pid: number): string | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`)
  // The name in field 2 may hold spaces and brackets; the last bracket ends it.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

function bootOf(): string | undefined {
  return readIfThere('/proc/sys/kernel/random/boot_id')?.trim()
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
