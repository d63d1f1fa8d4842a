/** The command as a person types it, from `init` to `verify`, between two nodes; and the demo. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Cluster, COMMAND, countersign, until } from '../support/processes.ts'

describe('the command', () => {
  const root = mkdtempSync(join(tmpdir(), 'countersign-command-'))
  const cluster = new Cluster(2, join(root, 'cluster'))
  afterAll(async () => {
    await cluster.stop()
    rmSync(root, { recursive: true, force: true })
  })

  it('walks from init to verify', { timeout: 120_000 }, async () => {
    const made = countersign(
      'init',
      '--data',
      join(root, 'alone'),
      '--name',
      'Alone & Co',
      '--port',
      '17999',
      '--json',
    )
    expect(made.code).toBe(0)
    expect(JSON.parse(made.stdout)).toMatchObject({ name: 'Alone & Co', port: 17999 })
    const twice = countersign('init', '--data', join(root, 'alone'), '--name', 'Other')
    expect(twice.code).toBe(2)
    expect(twice.stderr).toContain('already holds a node')

    for (const node of cluster.nodes) {
      await node.initialise()
      await node.start()
    }
    const [a, b] = [cluster.node(0), cluster.node(1)]
    const asA = (...args: string[]) => countersign(...args, '--data', a.directory)
    const asB = (...args: string[]) => countersign(...args, '--data', b.directory)
    const shown = asA('peer', 'add', `https://127.0.0.1:${b.port}`)
    expect(shown.stdout.replaceAll(' ', '')).toContain(b.party)
    expect(shown.code, 'not pinned without comparing').toBe(2)
    const wrong = asA('peer', 'add', `https://127.0.0.1:${b.port}`, '--fingerprint', a.party)
    expect(wrong.code).toBe(2)
    expect(asA('peer', 'add', `https://127.0.0.1:${b.port}`, '--fingerprint', b.party).code).toBe(0)
    expect(asB('peer', 'add', `https://127.0.0.1:${a.port}`, '--fingerprint', a.party).code).toBe(0)
    expect(asA('peer', 'list').stdout).toContain(b.name)

    const slip = join(root, 'slip.json')
    writeFileSync(slip, '{"Slip":{"Insured":"Pier 7 Ltd","Premium":{"Amount":12500.00,"Currency":"GBP"}}}')
    const created = asA('contract', 'create', '--from', slip, '--with', b.name, '--json')
    expect(created.stderr).toBe('')
    const { id } = JSON.parse(created.stdout) as { id: string }
    await until('the invitation arrives', async () =>
      asB('contract', 'list').stdout.includes(id.slice(0, 12)),
    )
    expect(asB('contract', 'accept', 'slip').code).toBe(0)
    await cluster.equal(id, 0)
    const set = asB('contract', 'set', 'slip', 'Slip/Premium/Amount', '11900.00')
    expect(set.stderr).toBe('')
    expect(set.stdout).toContain('final')
    await cluster.equal(id, 1)
    expect(asA('contract', 'show', id.slice(0, 10)).stdout).toContain('11900.00')
    expect(asA('contract', 'show', 'slip', '--height', '0').stdout).toContain('12500.00')
    const bad = asA('contract', 'set', 'slip', 'Slip/Premium/Nothing/There', '1')
    expect(bad.code).toBe(2)
    expect(bad.stderr).toContain('unknown-path')
    const wrongType = asA('contract', 'set', 'slip', 'Slip/Premium/Amount', 'lots')
    expect(wrongType.code).toBe(2)

    const bundle = join(root, 'slip.bundle')
    expect(asA('export', 'slip', '-o', bundle).code).toBe(0)
    await cluster.node(0).kill('SIGTERM')
    await cluster.node(1).kill('SIGTERM')
    const card = join(root, 'b.card')
    writeFileSync(card, countersign('card', '--data', b.directory).stdout)
    expect(countersign('verify', bundle, '--trust', a.party, '--card', card).code).toBe(0)
    const json = countersign('verify', bundle, '--trust', a.party, b.party, '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({ verdict: 'valid', height: 1 })
    expect(countersign('verify', bundle, '--trust', a.party).code, 'one signer unknown').toBe(3)
    const text = readFileSync(bundle, 'utf8')
    writeFileSync(bundle, text.replace('11900.00', '11900.01'))
    const tampered = countersign('verify', bundle, '--trust', a.party, b.party)
    expect(tampered.code).toBe(1)
    expect(tampered.stdout).toContain('[VAL-2]')
    writeFileSync(bundle, 'not a bundle')
    expect(countersign('verify', bundle).code).toBe(2)
    expect(countersign('verify', join(root, 'missing')).code).toBe(2)
  })

  it('has help and clear errors everywhere', () => {
    const commands = [
      [],
      ['init'],
      ['start'],
      ['card'],
      ['peer'],
      ['peer', 'add'],
      ['peer', 'list'],
      ['contract'],
      ['contract', 'create'],
      ['contract', 'accept'],
      ['contract', 'list'],
      ['contract', 'show'],
      ['contract', 'set'],
      ['contract', 'check'],
      ['contract', 'diff'],
      ['contract', 'history'],
      ['report'],
      ['report', 'schedule'],
      ['report', 'schedule', 'add'],
      ['report', 'schedule', 'list'],
      ['report', 'schedule', 'remove'],
      ['verify', 'report'],
      ['export'],
      ['verify'],
      ['demo'],
    ]
    for (const command of commands) {
      const { code, stdout } = countersign(...command, '--help')
      expect(code, command.join(' ')).toBe(0)
      expect(stdout).toContain('Usage: countersign')
    }
    const unknown = countersign('contract', 'frobnicate')
    expect(unknown.code).toBe(2)
    const noNode = countersign('contract', 'list', '--data', join(root, 'nowhere'))
    expect(noNode.code).toBe(2)
    expect(noNode.stderr).toContain('countersign init')
    const stopped = countersign('contract', 'list', '--data', join(root, 'alone'))
    expect(stopped.code).toBe(2)
    expect(stopped.stderr).toContain('countersign start')
  })

  it('goes on where nobody reads what it prints any more', { timeout: 60_000 }, async () => {
    const child = spawn(
      process.execPath,
      [COMMAND, 'init', '--data', join(root, 'unread'), '--name', 'Unread'],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    child.stdout.destroy()
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    const code = await new Promise((done) => child.once('exit', done))
    expect([code, said]).toEqual([0, ''])
  })

  it('refuses a second process on one directory', { timeout: 60_000 }, async () => {
    const directory = join(root, 'alone')
    const first = spawn(process.execPath, [COMMAND, 'start', '--data', directory], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    await new Promise((done) => first.stdout.once('data', done))
    const second = spawnSync(process.execPath, [COMMAND, 'start', '--data', directory], { encoding: 'utf8' })
    expect(second.status).not.toBe(0)
    expect(second.stderr).toContain(String(first.pid))
    const ended = new Promise((done) => first.once('exit', done))
    first.kill('SIGTERM')
    await ended
  })
})

describe('the demo', () => {
  it('tells its story with every claim true, and prints it as one JSON object', { timeout: 180_000 }, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, 'demo', '--json'], {
      encoding: 'utf8',
    })
    const result = JSON.parse(stdout) as {
      ok: boolean
      members: unknown[]
      checks: { claim: string; ok: boolean }[]
    }
    expect(
      result.checks.filter(({ ok }) => !ok),
      stderr,
    ).toEqual([])
    expect(result.checks.length).toBeGreaterThan(15)
    expect(result.members).toHaveLength(4)
    expect(result.ok).toBe(true)
    expect(status).toBe(0)
  })
})
