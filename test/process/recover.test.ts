/** A node's disk is lost with everything but its keys and its card: it is rebuilt from what its counterparties hold. */
import { cpSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { paths } from '../../src/cli/directory.ts'
import { Cluster, countersign } from '../support/processes.ts'

let cluster: Cluster
let safe: string
beforeAll(async () => {
  cluster = new Cluster(3)
  await cluster.start()
  safe = mkdtempSync(join(tmpdir(), 'countersign-safe-'))
})
afterAll(async () => {
  await cluster.stop()
  rmSync(safe, { recursive: true, force: true })
})

it('[AMN-3] every contract comes back, verified; nothing is signed twice; and it goes on writing', async () => {
  const [first, second, lost] = [cluster.node(0), cluster.node(1), cluster.node(2)]
  const contracts = [
    await cluster.contract('Slip', '{"Premium":"10","Share":"1"}'),
    // Made by the node that is lost, so that no creator is left to invite it.
    await lost.client
      .post<{ id: string }>(
        '/api/contracts',
        `{"name":"Order","with":["${first.party}","${second.party}"],"document":{"Price":"1"}}`,
      )
      .then(({ id }) => id),
  ] as [string, string]
  for (const node of [first, second]) {
    while ((await node.contract(contracts[1])) === undefined)
      await new Promise((done) => setTimeout(done, 50))
    await node.client.post(`/api/contracts/${contracts[1]}/accept`)
  }
  for (const value of ['11', '12']) expect((await lost.put(contracts[0], 'Premium', value)).status).toBe(200)
  expect((await lost.put(contracts[1], 'Price', '2')).status).toBe(200)

  const [keys, card] = [join(safe, 'keys'), join(safe, 'card.json')]
  cpSync(paths(lost.directory).keys, keys, { recursive: true })
  rmSync(join(keys, 'root.pem'))
  writeFileSync(card, countersign('card', '--data', lost.directory).stdout)
  await lost.kill('SIGKILL')
  rmSync(lost.directory, { recursive: true })
  // Meanwhile the others order on; nothing is final without the third.
  await first.put(contracts[0], 'Share', '2', { prefer: 'wait=20, until=tentative' })

  const args = ['recover', '--data', lost.directory, '--keys', keys, '--card', card]
  args.push('--api-port', String(lost.apiPort), '--wait', '60', '--json')
  const from = ['--from', ...[first, second].map(({ port }) => `https://127.0.0.1:${port}`)]
  const strange = countersign(...args, ...from, '--trust', first.party)
  expect(strange.code).not.toBe(0)
  expect(strange.stderr).toContain('Party 2')
  expect(existsSync(lost.directory), 'nothing was made').toBe(false)
  const others = countersign(
    ...args.with(4, paths(first.directory).keys),
    ...from,
    '--trust',
    first.party,
    second.party,
  )
  expect(others.code, 'another party’s keys').not.toBe(0)
  expect(existsSync(lost.directory)).toBe(false)

  const done = countersign(...args, ...from, '--trust', first.party, second.party)
  expect(done.code, done.stderr).toBe(0)
  type Told = {
    whole: boolean
    contracts: { id: string; status: string; height: number; recordHash: string }[]
  }
  const told = JSON.parse(done.stdout) as Told
  expect(told.whole).toBe(true)
  expect(told.contracts.map(({ id, status }) => [id, status]).sort()).toEqual(
    contracts.map((id) => [id, 'accepted']).sort(),
  )
  expect(statSync(join(paths(lost.directory).keys, 'vote.pem')).mode & 0o077, 'keys stay private').toBe(0)
  for (const { id, height, recordHash } of told.contracts)
    expect(await first.contract(id), 'and is what the others hold').toMatchObject({ height, recordHash })
  expect(
    countersign(...args, ...from, '--trust', first.party, second.party).code,
    'a node stands there',
  ).not.toBe(0)

  await lost.start()
  await cluster.equal(contracts[0], 3)
  await cluster.equal(contracts[1], 1)
  expect((await lost.put(contracts[0], 'Premium', '13')).status, 'it writes, and all sign').toBe(200)
  expect((await first.put(contracts[1], 'Price', '3')).status).toBe(200)
  await cluster.equal(contracts[0], 4)
  for (const node of cluster.nodes)
    for (const id of contracts) {
      const { evidence } = await node.client.get<{ evidence: unknown[] }>(`/api/contracts/${id}`)
      expect(evidence, 'it has contradicted nothing that it signed before').toEqual([])
    }
})
