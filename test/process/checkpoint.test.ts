/** A party begins at a checkpoint that a member vouches for, by the command, between real processes (EPO-15, BUN-4). */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Cluster, countersign, type ProcessNode, until } from '../support/processes.ts'

let cluster: Cluster
beforeAll(async () => {
  cluster = new Cluster(3)
  await cluster.start()
})
afterAll(() => {
  for (const node of cluster.nodes) node.resume()
  return cluster.stop()
})

function ran(node: ProcessNode, ...args: string[]): string {
  const { code, stdout, stderr } = countersign(...args, '--data', node.directory)
  expect([args.join(' '), code, stderr]).toEqual([args.join(' '), 0, ''])
  return stdout
}

it('[EPO-15] [BUN-4] a third party begins at a checkpoint, writes, is restarted, and exports what it holds', {
  timeout: 60_000,
}, async () => {
  const [first, second, third] = cluster.nodes as [ProcessNode, ProcessNode, ProcessNode]
  const { id } = await first.client.post<{ id: string }>(
    '/api/contracts',
    JSON.stringify({ name: 'Slip', with: [second.party], document: { Amount: '0' } }),
  )
  await until('the second is invited', async () => (await second.contract(id)) !== undefined)
  ran(second, 'contract', 'accept', 'Slip')
  await cluster.equal(id, 0, [first, second])
  for (let count = 1; count <= 5; count += 1)
    expect((await first.put(id, 'Amount', `${count}`)).status).toBe(200)
  type View = { part: string; changes: { stage: string }[] }
  const view = (node: ProcessNode) => node.client.get<View>(`/api/contracts/${id}`)
  ran(first, 'member', 'invite', 'Slip', third.name)
  await until('the second sees it', async () => (await view(second)).changes.length > 0)
  // A connection made before it had pinned them would be a stranger's, and made anew with the first word that is said.
  await third.kill()
  await third.start()
  for (const node of [first, second])
    await until('it is back', async () => {
      const { peers } = await node.client.get<{ peers: { party: string; connected: boolean }[] }>(
        '/api/peers',
      )
      return peers.some(({ party, connected }) => party === third.party && connected)
    })
  // It is shown the contract, and nobody gives it the ledger before it says where it begins.
  await third.suspend()
  ran(second, 'member', 'vote', 'Slip', third.name, 'yes')
  for (const node of [first, second])
    await until('both have let it in', async () => (await view(node)).changes[0]?.stage === 'accepting')
  await Promise.all([first.suspend(), second.suspend()])
  third.resume()
  await until('the third is shown it', async () => (await third.contract(id)) !== undefined)
  await third.client.post(`/api/contracts/${id}/accept`, JSON.stringify({ checkpointOf: second.party }))
  for (const node of [first, second]) node.resume()
  const begun = ran(third, 'contract', 'accept', 'Slip', '--checkpoint-of', second.name)
  expect(begun).toMatch(/begun at ledger block \d+, on the word of Party 2: what was before is not held here/)
  await until('the third is in', async () => (await view(third)).part === 'member')
  expect((await third.put(id, 'Amount', '6')).status).toBe(200)
  await third.kill()
  await third.start()
  await until('it says again what is final', async () => (await third.read(id, 'Amount')) === '6')
  expect(ran(third, 'contract', 'check', 'Slip')).toContain('everything on disk is what was signed')
  expect(ran(third, 'contract', 'show', 'Slip')).toMatch(
    /held from ledger block \d+ on, for which Party 2 vouched/,
  )
  const past = countersign('contract', 'show', 'Slip', '--height', '1', '--data', third.directory)
  expect(past.stderr).toMatch(/from ledger block \d+ on, for which “Party 2” vouched/)
  const file = join(cluster.root, 'third.bundle')
  ran(third, 'export', 'Slip', '-o', file)
  const trust = ['--trust', ...cluster.nodes.map(({ party }) => party)]
  const plain = countersign('verify', file, ...trust)
  expect([plain.code, plain.stdout]).toEqual([3, expect.stringContaining('[BUN-4]')])
  const accepted = countersign('verify', file, ...trust, '--from-checkpoint')
  expect([accepted.code, accepted.stdout]).toEqual([0, expect.stringContaining('all before ledger block')])
})
