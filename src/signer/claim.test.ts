import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { claimDirectory } from './claim.ts'

let directory: string
let child: ChildProcess | undefined

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'countersign-claim-'))
})
afterEach(async () => {
  await endChild()
  rmSync(directory, { recursive: true })
})

/** A process that does nothing, and its number. */
async function startChild(): Promise<number> {
  child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  await once(child, 'spawn')
  return child.pid as number
}

async function endChild(): Promise<void> {
  if (child === undefined) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  child = undefined
  await ended
}

const names = (): string[] => readdirSync(directory).sort()
const put = (number: number, content: string): void =>
  writeFileSync(join(directory, `in-use.${number}`), content)
const refused = expect.objectContaining({ code: 'conflict' })

it('lets one signer have a directory at a time, in one process too', () => {
  const release = claimDirectory(directory)
  expect(() => claimDirectory(directory)).toThrow(refused)
  expect(() => claimDirectory(directory)).toThrow(new RegExp(`process ${process.pid} is using`))
  release()
  claimDirectory(directory)()
  expect(names()).toEqual(['in-use.2'])
})

it('refuses while the process that has it lives, and takes it once that is dead', async () => {
  const pid = await startChild()
  put(4, JSON.stringify({ pid }))
  expect(() => claimDirectory(directory)).toThrow(new RegExp(`process ${pid} is using`))
  expect(names()).toEqual(['in-use.4'])
  await endChild()
  claimDirectory(directory)
  expect(names()).toEqual(['in-use.5'])
})

it('is not taken in by a process that got the number of a dead one, nor by a machine that was started anew', async () => {
  const pid = await startChild()
  put(1, JSON.stringify({ pid, started: '1' }))
  claimDirectory(directory)()
  put(7, JSON.stringify({ pid, boot: 'another' }))
  claimDirectory(directory)()
  expect(names()).toEqual(['in-use.8'])
})

it.each(['', '{', '"text"', '{"pid":"1"}', '{"pid":-1}', '{"pid":0}'])(
  'takes a directory whose claim a power cut left as «%s»',
  (content) => {
    put(3, content)
    claimDirectory(directory)
    expect(names()).toEqual(['in-use.4'])
  },
)

it('looks at the latest claim alone', async () => {
  const pid = await startChild()
  put(2, JSON.stringify({ pid }))
  put(3, '{}')
  claimDirectory(directory)
  expect(names()).toEqual(['in-use.4'])
  expect(JSON.parse(readFileSync(join(directory, 'in-use.4'), 'utf8'))).toMatchObject({ pid: process.pid })
})
