/** kill -9 and a full disk in the middle of writes, at the lowest level: the signer's journal and the store. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openJournal } from '../../src/signer/journal.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'

const ROUNDS = 12

/** A program that writes on and on, saying each number once it is on disk; `refused CODE` ends it. */
const WRITER = `
  import { writeSync } from 'node:fs'
  import { openJournal } from './src/signer/journal.ts'
  import { openSqliteStore } from './src/store/sqlite.ts'

  const [what, path, first] = process.argv.slice(2)
  const write = {
    journal() {
      const journal = openJournal(path)
      return (n) => journal.append([{ n, padding: 'x'.repeat((n * 37) % 3000) }])
    },
    store() {
      const store = openSqliteStore(path)
      return (n) =>
        store.write([
          { kind: 'signer-counter', counter: n },
          { kind: 'setting', key: 'last', value: String(n) },
          { kind: 'setting', key: \`n\${n}\`, value: 'x'.repeat((n * 37) % 9000) },
        ])
    },
  }[what]()
  try {
    for (let n = Number(first); ; n += 1) {
      write(n)
      writeSync(1, n + '\\n')
    }
  } catch (error) {
    writeSync(1, \`refused \${error.code}\\n\`)
  }
`

let directory: string
let program: string

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'countersign-durable-'))
  // Within the package, so that the program finds its libraries.
  const folder = resolve('node_modules/.cache/countersign-durable')
  mkdirSync(folder, { recursive: true })
  program = join(folder, `writer-${process.pid}.mjs`)
  await build({
    stdin: { contents: WRITER, resolveDir: resolve('.'), loader: 'ts' },
    outfile: program,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    logLevel: 'warning',
  })
})
afterAll(() => {
  rmSync(directory, { recursive: true, force: true })
  rmSync(program, { force: true })
})

/** Starts the writer, in a shell that first runs `setup`. */
function start(what: 'journal' | 'store', path: string, first: number, setup = ':'): ChildProcess {
  const command = `${setup}; exec "$0" "$@"`
  return spawn('/bin/sh', ['-c', command, process.execPath, program, what, path, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

/** Kills the writer once it has said `lines` lines; returns all it ever said. */
async function killAfter(child: ChildProcess, lines: number): Promise<string[]> {
  let said = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text
    if (said.split('\n').length > lines) child.kill('SIGKILL')
  })
  await once(child, 'close')
  return said.split('\n').slice(0, -1)
}

it('[SGN-2] kill -9 while locks are appended: every one that was acknowledged is there, and the directory is free', async () => {
  const path = join(directory, 'signer')
  let last = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    const said = await killAfter(start('journal', path, last + 1), 1 + ((round * 53) % 200))
    const acknowledged = Number(said.at(-1))
    expect(acknowledged).toBeGreaterThan(last)
    const journal = openJournal(path)
    const numbers = journal.load().map((record) => (record as { n: number }).n)
    journal.close()
    last = numbers.length
    expect(numbers).toEqual(Array.from({ length: last }, (_, index) => index + 1))
    expect(last - acknowledged).toBeGreaterThanOrEqual(0)
    expect(last - acknowledged).toBeLessThanOrEqual(1)
  }
})

it('kill -9 while the store writes: every batch that was acknowledged is there, and each is whole', async () => {
  const path = join(directory, 'store.db')
  let last = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    const said = await killAfter(start('store', path, last + 1), 1 + ((round * 53) % 200))
    const acknowledged = Number(said.at(-1))
    expect(acknowledged).toBeGreaterThan(last)
    const store = openSqliteStore(path)
    last = store.signerCounter()
    expect(store.setting('last')).toBe(String(last))
    for (let n = 1; n <= last; n += 1) expect(store.setting(`n${n}`)?.length).toBe((n * 37) % 9000)
    expect(store.setting(`n${last + 1}`)).toBeUndefined()
    store.close()
    expect(last - acknowledged).toBeGreaterThanOrEqual(0)
    expect(last - acknowledged).toBeLessThanOrEqual(1)
  }
})

it('[SGN-2] a journal that cannot grow any more refuses, keeps what was acknowledged, and goes on with room', async () => {
  const path = join(directory, 'full')
  // A limit on the size of files makes writes stop in the middle of a record, as a full disk does.
  const limited = start('journal', path, 1, `trap '' XFSZ; ulimit -f 64`)
  const said = await killAfter(limited, Number.POSITIVE_INFINITY)
  expect(said.at(-1)).toBe('refused disk-full')
  const acknowledged = said.length - 1
  expect(acknowledged).toBeGreaterThan(5)
  const journal = openJournal(path)
  expect(journal.load()).toHaveLength(acknowledged)
  const { size } = statSync(join(path, 'locks.journal'))
  journal.append([{ n: 'next' }])
  expect(statSync(join(path, 'locks.journal')).size).toBeGreaterThan(size)
  journal.close()
  const again = openJournal(path)
  expect(again.load().at(-1)).toEqual({ n: 'next' })
  again.close()
})
