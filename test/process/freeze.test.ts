/** A node's owner restores an old copy of everything, signer and all, and so signs two histories: the others go on without it. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Cluster, countersign, until } from '../support/processes.ts'

let cluster: Cluster
let copies: string
beforeAll(async () => {
  cluster = new Cluster(3)
  await cluster.start()
  copies = mkdtempSync(join(tmpdir(), 'countersign-copies-'))
})
afterAll(async () => {
  await cluster.stop()
  rmSync(copies, { recursive: true, force: true })
})

type Standing = {
  status: string
  lineage: number
  finalHeight: number
  leftOut: { name: string }[]
  halt?: { guilty: { name: string }[]; waitingFor: { name: string }[]; next: string }
}

it('[LIN-1] [LIN-2] [LIN-3] each party freezes, and the contract goes on without who signed two histories', async () => {
  const [first, second, liar] = [cluster.node(0), cluster.node(1), cluster.node(2)]
  const contract = await cluster.contract('Slip', '{"Premium":"10","Share":"1"}')
  expect((await first.put(contract, 'Premium', '11')).status, 'final').toBe(200)
  const standing = (node: typeof first) => node.client.get<Standing>(`/api/contracts/${contract}`)
  const early = countersign('freeze', 'Slip', '--data', first.directory)
  expect(early.code).not.toBe(0)
  expect(early.stderr).toContain('is not halted')

  const tentative = { prefer: 'wait=60, until=tentative' }
  await liar.kill('SIGTERM')
  cpSync(liar.directory, join(copies, 'liar'), { recursive: true })
  await liar.start()
  await second.kill('SIGTERM')
  expect((await first.put(contract, 'Premium', '12', tentative)).status).toBeLessThan(300)
  await Promise.all([first.kill('SIGTERM'), liar.kill('SIGTERM')])
  rmSync(liar.directory, { recursive: true })
  cpSync(join(copies, 'liar'), liar.directory, { recursive: true })
  await Promise.all([second.start(), liar.start()])
  expect((await second.put(contract, 'Share', '2', tentative)).status).toBeLessThan(300)
  await liar.kill('SIGTERM')

  await first.start()
  for (const node of [first, second])
    await until(`the halt at ${node.name}`, async () => (await standing(node)).status === 'halted')
  const { halt } = await standing(first)
  expect(halt?.guilty.map(({ name }) => name)).toEqual([liar.name])
  expect(halt?.waitingFor.map(({ name }) => name)).toEqual([first.name, second.name])
  const shown = countersign('contract', 'show', 'Slip', '--data', first.directory)
  expect(shown.stdout).toContain('HALTED')
  expect(shown.stdout).toContain(`countersign freeze ${contract.slice(0, 12)}`)
  expect((await first.put(contract, 'Share', '3')).status, 'nothing is taken').toBe(503)

  const frozen = countersign('freeze', 'Slip', '--data', first.directory)
  expect(frozen.code, frozen.stderr).toBe(0)
  expect(frozen.stdout).toContain(`waiting for  ${second.name}`)
  expect(frozen.stdout).toContain('the way out is then a new contract')
  expect(countersign('freeze', 'Slip', '--data', first.directory).code, 'again').toBe(0)
  expect(countersign('freeze', 'Slip', '--data', second.directory).code).toBe(0)
  for (const node of [first, second]) {
    await until(`the next lineage at ${node.name}`, async () => (await standing(node)).lineage === 1)
    expect((await standing(node)).leftOut.map(({ name }) => name)).toEqual([liar.name])
  }
  // What either history had ordered is final now, and so is what comes.
  await until('what was given up is ordered again', async () => (await standing(second)).finalHeight === 3)
  expect((await second.put(contract, 'Share', '4')).status).toBe(200)
  for (const node of [first, second]) {
    await until(`everything at ${node.name}`, async () => (await standing(node)).finalHeight === 4)
    expect(await node.read(contract, 'Premium')).toBe('12')
    expect(await node.read(contract, 'Share')).toBe('4')
    const check = countersign('contract', 'check', 'Slip', '--data', node.directory)
    expect(check.code, check.stdout).toBe(0)
    const file = join(copies, `${node.name}.bundle`)
    expect(countersign('export', 'Slip', '--data', node.directory, '-o', file).code).toBe(0)
    const trust = cluster.nodes.map(({ party }) => party)
    const verified = countersign('verify', file, '--trust', ...trust)
    expect(verified.code, verified.stdout).toBe(0)
    expect(verified.stdout).toContain(`lineage       1, without ${liar.name}`)
  }

  await liar.start()
  await until('the liar is told', async () => (await standing(liar)).status === 'halted')
  expect((await standing(liar)).halt?.next).toContain('go on without this party')
})
