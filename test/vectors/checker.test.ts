/** The vectors by a second implementation, in Python, made from PROTOCOL.md: checker/check.py. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it, type TestContext } from 'vitest'
import { FOLDERS } from './folders.ts'

const here = fileURLToPath(new URL('.', import.meta.url))

const check = (folder: string, ...options: string[]) => {
  const { status, stdout, stderr } = spawnSync('python3', [join(folder, 'checker/check.py'), ...options], {
    encoding: 'utf8',
  })
  return { status, output: `${stdout}${stderr}` }
}

/** Skips the test where there is no Python of at least 3.9. */
function needPython(context: TestContext): void {
  const version = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))'])
  if (version.status !== 0) context.skip('python3 (3.9 or later) is not installed')
}

describe('a second implementation', () => {
  const copy = mkdtempSync(join(tmpdir(), 'countersign-vectors-'))
  afterAll(() => rmSync(copy, { recursive: true }))

  it('[ENC-1] takes every valid vector, and refuses every other for the rule it breaks', (context) => {
    needPython(context)
    const vectors = Object.keys(FOLDERS).flatMap((folder) => readdirSync(join(here, folder)))
    expect(check(here)).toEqual({ status: 0, output: `${vectors.length + 2} files, 0 failed\n` })
  }, 120_000)

  it('[SIG-1] comes to the same on signatures as openssl', (context) => {
    needPython(context)
    const { stdout } = spawnSync('openssl', ['version'], { encoding: 'utf8' })
    if (!/^OpenSSL ([3-9]|\d\d)/.test(stdout ?? '')) context.skip('openssl (3 or later) is not installed')
    const { status, output } = check(here, '--openssl', 'card', 'signature')
    expect(output).toContain('openssl differs on 0 of 24 signatures')
    expect(status).toBe(0)
  }, 120_000)

  it('[ENC-1] sees a vector whose input, rule or output is altered', (context) => {
    needPython(context)
    cpSync(here, copy, { recursive: true })
    const alter = (
      path: string,
      change: (vector: { expect: object; input: { text: string } }) => unknown,
    ) => {
      const file = join(copy, `${path}.json`)
      const vector = JSON.parse(readFileSync(file, 'utf8'))
      change(vector)
      writeFileSync(file, JSON.stringify(vector))
    }
    alter('card/first', ({ input }) => {
      input.text = input.text.replace('Alder', 'Elder')
    })
    alter('card/second', (vector) => Object.assign(vector.expect, { hash: '0'.repeat(64) }))
    alter('card/bad-signature', (vector) => Object.assign(vector.expect, { rule: 'CARD-2' }))
    alter('card/third', (vector) => Object.assign(vector, { expect: { valid: false, rule: 'CARD-2' } }))
    const { status, output } = check(copy, 'card')
    expect(status).toBe(1)
    expect(output.match(/^card\/.*?\.json/gm)).toEqual(
      ['bad-signature', 'first', 'second', 'third'].map((name) => `card/${name}.json`),
    )
  }, 120_000)
})
