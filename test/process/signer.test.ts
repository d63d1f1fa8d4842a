/** A signer's directory among real processes: kill -9 in the middle of signing, two at once, containers, a full disk. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { initialise, paths } from '../../src/cli/directory.ts'
import type { SignedStatement } from '../../src/ledger/certificate.ts'
import { contradiction } from '../../src/ledger/evidence.ts'
import { openJournal } from '../../src/signer/journal.ts'
import { createKeys, loadKeys } from '../../src/signer/keys.ts'
import { Signer, type SignItem, type SignResult } from '../../src/signer/signer.ts'
import { countersign } from '../support/processes.ts'
import type { Mode } from '../support/signer-program.ts'

const KILLS = 30
const PARTY = 'f'.repeat(64)

const root = mkdtempSync(join(tmpdir(), 'countersign-signer-'))
const keysDirectory = join(root, 'keys')
// Within the package, so that the program finds its libraries.
const program = resolve('node_modules/.cache/countersign-signer', `program-${process.pid}.mjs`)
let directory: string
const children = new Set<ChildProcess>()

beforeAll(async () => {
  await build({
    entryPoints: ['test/support/signer-program.ts'],
    outfile: program,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    logLevel: 'warning',
  })
  let seed = 0
  createKeys(keysDirectory, (sizeBytes) => {
    seed += 1
    return new Uint8Array(sizeBytes).fill(seed)
  })
})
afterAll(() => {
  rmSync(root, { recursive: true, force: true })
  rmSync(program, { force: true })
})
beforeEach(() => {
  directory = mkdtempSync(join(root, 'directory-'))
})
afterEach(async () => {
  await Promise.all([...children].map(kill))
})

function start(mode: Mode, command: string[] = []): ChildProcess {
  const [first, ...rest] = [...command, process.execPath, program, directory, keysDirectory, mode]
  const child = spawn(first as string, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
  children.add(child)
  child.once('close', () => children.delete(child))
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const closed = once(child, 'close')
  child.kill('SIGKILL')
  await closed
}

/** The first line that a process says. */
async function firstLine(child: ChildProcess): Promise<string> {
  let said = ''
  for await (const text of child.stdout?.setEncoding('utf8').iterator({ destroyOnReturn: false }) ?? []) {
    said += text
    if (said.includes('\n')) break
  }
  return said.split('\n')[0] as string
}

/** Kills a process once it has said so many lines; returns the whole lines. */
async function killAfter(child: ChildProcess, lines: number): Promise<string[]> {
  let said = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text
    if (said.split('\n').length > lines) child.kill('SIGKILL')
  })
  await once(child, 'close')
  return said.split('\n').slice(0, -1)
}

describe('kill -9 in the middle of signing', () => {
  it(`[SGN-2] ${KILLS} times: the journal opens, and holds every lock whose signature came out`, async () => {
    const statements: SignedStatement[] = []
    const largest = new Map<string, number>()
    let counter = 0
    for (let round = 0; round < KILLS; round += 1) {
      const lines = await killAfter(start('sign'), 2 + ((round * 29) % 60))
      const [began, ...turns] = lines.map(
        (line) => JSON.parse(line) as { results?: SignResult[]; counter: number },
      )
      expect(began?.counter).toBe(counter)
      const results = turns.flatMap((turn) => turn.results ?? [])
      expect(results.filter((result) => 'refused' in result)).toEqual([])
      const signed = results.flatMap((result) => ('signed' in result ? [result.signed] : []))
      statements.push(...signed)

      const keys = loadKeys(keysDirectory)
      const signer = Signer.open({ journal: openJournal(directory), keys, party: PARTY })
      const acknowledged = turns.at(-1)?.counter ?? counter
      expect(signer.counter - acknowledged).toBeGreaterThanOrEqual(0)
      expect(signer.counter - acknowledged, 'only the batch it was in').toBeLessThanOrEqual(1)
      counter = signer.counter
      for (const one of signed) {
        const ask: SignItem = {
          kind: 'statement',
          statement: one.statement,
          voteKey: keys.vote.publicKey,
        }
        const [again] = signer.sign([ask]) as [SignResult]
        const { view } = signer.lock(one.statement.contract, 0) ?? { view: 0 }
        if (one.statement.view === view) expect(again).toEqual({ signed: one })
        else expect(view).toBeGreaterThan(one.statement.view)
      }
      for (const result of results)
        if ('cosignature' in result) {
          const { stateRoot: contract, size } = result.cosignature
          largest.set(contract, Math.max(size, largest.get(contract) ?? 0))
        }
      for (const [contract, size] of largest)
        expect(signer.lock(contract, 0)?.cosign?.size).toBeGreaterThanOrEqual(size)
      expect(signer.counter, 'nothing of this was new').toBe(counter)
      signer.close()
    }
    expect(statements.length).toBeGreaterThan(KILLS)
    const byView = new Map<string, SignedStatement[]>()
    for (const one of statements) {
      const key = `${one.statement.contract} ${one.statement.view}`
      byView.set(key, [...(byView.get(key) ?? []), one])
    }
    for (const group of byView.values())
      for (const first of group)
        for (const second of group) expect(contradiction(first, second)).toBeUndefined()
  })
})

describe('two processes', () => {
  it('[SGN-2] of many that start at once exactly one gets the directory, and the next one once that is killed', async () => {
    for (let round = 0; round < 3; round += 1) {
      const racing = Array.from({ length: 6 }, () => start('hold'))
      const said = await Promise.all(racing.map(firstLine))
      expect([...said].sort()).toEqual(['held', ...Array(5).fill('refused conflict')])
      expect(() => openJournal(directory)).toThrow(expect.objectContaining({ code: 'conflict' }))
      await kill(racing[said.indexOf('held')] as ChildProcess)
    }
    openJournal(directory).close()
  })

  it('a refused try in the same process does not give the directory up', async () => {
    const journal = openJournal(directory)
    for (let tries = 0; tries < 3; tries += 1)
      expect(() => openJournal(directory)).toThrow(expect.objectContaining({ code: 'conflict' }))
    expect(await firstLine(start('hold'))).toBe('refused conflict')
    journal.append([{ n: 1 }])
    journal.close()
    expect(await firstLine(start('hold'))).toBe('held')
  })

  it('a note of a killed process whose number another has by now holds nobody up', async () => {
    const child = start('hold')
    expect(await firstLine(child)).toBe('held')
    expect(readFileSync(join(directory, 'in-use.by'), 'utf8')).toContain(`process ${child.pid} on `)
    await kill(child)
    writeFileSync(join(directory, 'in-use.by'), `process ${process.ppid} on here\n`)
    expect(await firstLine(start('hold'))).toBe('held')
  })

  it('holds between containers that count their processes apart', async (context) => {
    const apart = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child']
    if (spawnSync(apart[0] as string, [...apart.slice(1), 'true']).status !== 0)
      return context.skip('this user may not make a namespace of processes')
    const first = start('hold', apart)
    expect(await firstLine(first)).toBe('held')
    expect(await firstLine(start('hold', apart))).toBe('refused conflict')
    expect(await firstLine(start('hold'))).toBe('refused conflict')
    await kill(first)
    expect(await firstLine(start('hold', apart))).toBe('held')
  })
})

describe('starting a node', () => {
  const config = {
    version: 1 as const,
    name: 'A',
    host: '127.0.0.1',
    port: 1,
    apiHost: '127.0.0.1',
    apiPort: 1,
  }

  it('is refused with a key file that is not the one on the card, or that others may read', () => {
    initialise(directory, config)
    const keys = paths(directory).keys
    chmodSync(join(keys, 'vote.pem'), 0o644)
    const open = countersign('start', '--data', directory)
    expect(open.code).not.toBe(0)
    expect(open.stderr).toMatch(/vote\.pem.*chmod 600/)
    copyFileSync(join(keysDirectory, 'vote.pem'), join(keys, 'vote.pem'))
    chmodSync(join(keys, 'vote.pem'), 0o600)
    const exchanged = countersign('start', '--data', directory)
    expect(exchanged.code).not.toBe(0)
    expect(exchanged.stderr).toContain('vote.pem: not the key')
  })
})

describe('a disk that is full', () => {
  it('[SGN-2] refuses, leaves nothing torn, and takes locks again in the same process once there is room', async (context) => {
    if (spawnSync('prlimit', ['--version']).status !== 0) return context.skip('no prlimit on this machine')
    // A limit on the size of files makes a write take only a part, and the next one fail, as a full disk does.
    const limited = ['/bin/sh', '-c', `trap '' XFSZ; ulimit -S -f 64; exec "$0" "$@"`]
    const child = start('full', limited)
    const [, code, count] = (await firstLine(child)).split(' ')
    expect(code).toBe('disk-full')
    expect(Number(count)).toBeGreaterThan(5)
    const file = join(directory, 'locks.journal')
    const { size } = statSync(file)
    expect(readFileSync(file).at(-1), 'what was torn is gone already').toBe(10)
    const { status } = spawnSync('prlimit', ['--pid', String(child.pid), '--fsize=unlimited'])
    expect(status).toBe(0)
    child.stdin?.end('\n')
    expect(await firstLine(child)).toBe('appended')
    await once(child, 'close')
    expect(statSync(file).size).toBeGreaterThan(size)
    const journal = openJournal(directory)
    expect(journal.load().map((one) => (one as { n: number }).n)).toEqual(
      Array.from({ length: Number(count) + 1 }, (_, index) => index + 1),
    )
    journal.close()
  })
})
