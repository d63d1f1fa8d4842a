import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { claimDirectory } from './claim.ts'

// What other processes do to a claim is in test/process/signer-directory.test.ts.
let directory: string
const held: (() => void)[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'countersign-claim-'))
})
afterEach(() => {
  for (const release of held.splice(0)) release()
  rmSync(directory, { recursive: true })
})

function claim(): () => void {
  const release = claimDirectory(directory)
  held.push(release)
  return release
}
const refused = expect.objectContaining({ code: 'conflict' })

it('lets one signer have a directory at a time, in one process too', () => {
  const release = claim()
  for (let tries = 0; tries < 3; tries += 1) expect(claim).toThrow(refused)
  expect(claim).toThrow(new RegExp(`process ${process.pid} on .* is using ${directory}`))
  release()
  const second = claim()
  release()
  expect(claim, 'giving back twice gives back only what is one’s own').toThrow(refused)
  second()
  claim()
})

it('leaves nothing of the claim behind but an empty file', () => {
  const release = claim()
  for (const name of readdirSync(directory)) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600)
  release()
  expect(readdirSync(directory)).toEqual(['in-use.lock'])
  expect(readFileSync(join(directory, 'in-use.lock'))).toHaveLength(0)
})

it.each([
  ['a process that lives', `process ${process.ppid} on here\n`],
  ['nobody', ''],
  ['rubbish', '\u0000{'],
])('is not taken in by a note that names %s', (_, note) => {
  writeFileSync(join(directory, 'in-use.by'), note)
  writeFileSync(join(directory, 'in-use.lock'), '')
  claim()
  expect(readFileSync(join(directory, 'in-use.by'), 'utf8')).toContain(`process ${process.pid} on `)
})

it('says so where the lock file is none', () => {
  writeFileSync(join(directory, 'in-use.lock'), 'not empty, and no database either')
  expect(claim).toThrow(expect.objectContaining({ code: 'storage-failed' }))
})
