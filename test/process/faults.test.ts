/** Real faults of one node's machine: a full disk, a wrong clock, a database edited by hand, an old copy brought back. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, countersign, pause, until } from '../support/processes.ts'

describe('a full disk', () => {
  const mountPoint = mkdtempSync(join(tmpdir(), 'countersign-small-disk-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', mountPoint]).status === 0
  const cluster = new Cluster(2, mountPoint)

  afterAll(async () => {
    await cluster.stop().catch(() => undefined)
    if (mounted) spawnSync('umount', ['-l', mountPoint])
    rmSync(mountPoint, { recursive: true, force: true })
  })

  it('refuses writes, says so, and recovers', { timeout: 120_000 }, async (context) => {
    if (!mounted) return context.skip('this user may not mount a small file system to fill')
    await cluster.start()
    const contract = await cluster.contract('small disk', '{"field":"before"}')
    const filler = join(mountPoint, 'filler')
    try {
      writeFileSync(filler, Buffer.alloc(64 * 1024 * 1024))
    } catch {
      // The disk is full now: that is what this was for.
    }
    const node = cluster.node(0)
    await until('a write is refused for want of space', async () => {
      const { status, body } = await node.put(contract, 'field', 'x'.repeat(100_000), { prefer: 'wait=1' })
      return status === 507 && body.type === '/errors/disk-full'
    })
    const health = await fetch(`http://127.0.0.1:${node.apiPort}/healthz`)
    expect(health.status).toBe(503)
    expect(await node.read(contract, 'field')).not.toBe('')
    rmSync(filler)
    await until('writes are taken again and become final', async () => {
      const { status } = await node.put(contract, 'field', 'after', { prefer: 'wait=5' })
      return status === 200
    })
    await cluster.equal(contract, 1)
    for (const one of cluster.nodes) expect(await one.read(contract, 'field')).toBe('after')
    expect((await fetch(`http://127.0.0.1:${node.apiPort}/healthz`)).status).toBe(200)
  })
})

describe('one node among four', () => {
  const cluster = new Cluster(4)
  beforeAll(() => cluster.start(), 60_000)
  afterAll(() => cluster.stop())

  it('[ORD-8] whose clock is an hour ahead orders nothing, stops nobody, and everything becomes final', {
    timeout: 120_000,
  }, async () => {
    const contract = await cluster.contract('clock', '{"field":"before"}')
    const wrong = cluster.node(2)
    await wrong.kill('SIGTERM')
    const preload = join(cluster.root, 'clock.mjs')
    writeFileSync(preload, 'const now = Date.now; Date.now = () => now() + 3600_000\n')
    await wrong.start({ nodeFlags: ['--import', preload] })
    for (let round = 0; round < 8; round += 1) {
      const { status, body } = await cluster
        .node(round % 2)
        .put(contract, 'field', `round ${round}`, { prefer: 'wait=40' })
      expect(status, JSON.stringify(body)).toBe(200)
    }
    await cluster.equal(contract, 8)
    expect(wrong.log).toContain('"code":"clock"')
    const { blocks } = await cluster
      .node(0)
      .client.get<{ blocks: { header: { timeMs: number } }[] }>(
        `/api/contracts/${contract}/ledger-blocks?from=1&limit=50`,
      )
    for (const { header } of blocks) expect(Math.abs(header.timeMs - Date.now())).toBeLessThan(1_800_000)
    await wrong.kill('SIGTERM')
    await wrong.start()
  })

  it('[VAL-2] that edits its database by hand is caught: by itself, by its export, and by nobody’s loss', {
    timeout: 120_000,
  }, async () => {
    const contract = await cluster.contract('tampered', '{"Price":"6.42","Other":"stays"}')
    const liar = cluster.node(1)
    const database = new DatabaseSync(join(liar.directory, 'data', 'countersign.db'))
    database.exec('PRAGMA busy_timeout = 5000')
    expect(database.prepare(`UPDATE opening SET value = '"7.42"' WHERE value = '"6.42"'`).run().changes).toBe(
      1,
    )
    database.close()
    const trusted = cluster.nodes.map(({ party }) => party)
    for (const [index, node] of cluster.nodes.entries()) {
      const file = join(cluster.root, `export-${index}`)
      const response = await node.client.fetch(`/api/contracts/${contract}/export`)
      writeFileSync(file, await response.text())
      const { code, stdout } = countersign('verify', file, '--trust', ...trusted)
      if (node === liar) {
        expect(code).toBe(1)
        expect(stdout).toContain('[VAL-2]')
      } else expect(code).toBe(0)
    }
    expect(await liar.client.post(`/api/contracts/${contract}/check`)).toMatchObject({
      ok: false,
      finding: { rule: 'VAL-2' },
    })
    for (const node of cluster.nodes)
      if (node !== liar)
        expect(await node.client.post(`/api/contracts/${contract}/check`)).toMatchObject({ ok: true })
  })

  it('[AMN-2] brought back from an old copy of its data signs nothing twice, and catches up', {
    timeout: 120_000,
  }, async () => {
    const contract = await cluster.contract('old copy', '{"field":"0"}')
    const node = cluster.node(3)
    await node.kill('SIGTERM')
    const copy = join(cluster.root, 'copy')
    cpSync(join(node.directory, 'data'), copy, { recursive: true })
    await node.start()
    for (let round = 1; round <= 5; round += 1) {
      const { status } = await cluster
        .node(round % 4)
        .put(contract, 'field', String(round), { prefer: 'wait=40' })
      expect(status).toBe(200)
    }
    await cluster.equal(contract, 5)
    await node.kill('SIGTERM')
    rmSync(join(node.directory, 'data'), { recursive: true })
    cpSync(copy, join(node.directory, 'data'), { recursive: true })
    node.log = ''
    await node.start()
    expect(node.log).toContain('AMN-2')
    await cluster.equal(contract, 5)
    expect((await cluster.node(0).put(contract, 'field', 'after', { prefer: 'wait=40' })).status).toBe(200)
    await cluster.equal(contract, 6)
    for (const one of cluster.nodes)
      expect(await one.client.get(`/api/contracts/${contract}`)).toMatchObject({ status: 'accepted' })
  })

  it('[AMN-2] whose data and signer are both old copies asks everybody when started --restored', {
    timeout: 120_000,
  }, async () => {
    const contract = await cluster.contract('both old', '{"field":"0"}')
    const node = cluster.node(0)
    await node.kill('SIGTERM')
    const copy = join(cluster.root, 'both')
    for (const part of ['data', 'signer'])
      cpSync(join(node.directory, part), join(copy, part), { recursive: true })
    await node.start()
    for (let round = 1; round <= 3; round += 1)
      expect(
        (await cluster.node(round).put(contract, 'field', String(round), { prefer: 'wait=40' })).status,
      ).toBe(200)
    await cluster.equal(contract, 3)
    await node.kill('SIGTERM')
    for (const part of ['data', 'signer']) {
      rmSync(join(node.directory, part), { recursive: true })
      cpSync(join(copy, part), join(node.directory, part), { recursive: true })
    }
    const absent = cluster.node(1)
    await absent.kill()
    await node.start({ flags: ['--restored'] })
    await pause(2000)
    const waiting = await node.client.get<{ phase: string }>(`/api/contracts/${contract}`)
    expect(waiting.phase, 'one member has not told yet').toBe('recalling')
    await absent.start()
    await until('it signs again', async () => {
      const view = await node.client.get<{ phase: string }>(`/api/contracts/${contract}`)
      return view.phase === 'signing'
    })
    await cluster.equal(contract, 3)
    expect((await node.put(contract, 'field', 'after', { prefer: 'wait=40' })).status).toBe(200)
    await cluster.equal(contract, 4)
  })
})
