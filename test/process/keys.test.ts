/** `countersign keys` as people use it: the root key offline, keys replaced, and two nodes that go on with one another. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { paths } from '../../src/cli/directory.ts'
import type { KeyView } from '../../src/cli/rotation.ts'
import { Cluster, countersign, type ProcessNode, until } from '../support/processes.ts'

let cluster: Cluster
let safe: string
beforeAll(async () => {
  cluster = new Cluster(2)
  await cluster.start()
  safe = mkdtempSync(join(tmpdir(), 'countersign-safe-'))
})
afterAll(async () => {
  await cluster.stop()
  rmSync(safe, { recursive: true, force: true })
})

/** A write that was on its way while the contract took in its author's next card is not ordered: it is made again. */
async function write(node: ProcessNode, contract: string, value: string): Promise<void> {
  await until(`${value} written by ${node.name}`, async () => {
    const { status, body } = await node.put(contract, 'Premium', value)
    if (status !== 200) expect(JSON.stringify(body)).toContain('expired')
    return status === 200
  })
}

type Peers = { peers: { party: string; sequence: number; connected: boolean }[] }

async function untilConnected(at: ProcessNode, other: ProcessNode, sequence: number): Promise<void> {
  await until(`card ${sequence} of ${other.name} at ${at.name}, connected`, async () => {
    const { peers } = await at.client.get<Peers>('/api/peers')
    const peer = peers.find(({ party }) => party === other.party)
    return peer?.sequence === sequence && peer.connected
  })
}

/** The command on a node's directory; fails the test where it fails. */
function run(node: ProcessNode, ...args: string[]): string {
  const { code, stdout, stderr } = countersign(...args, '--data', node.directory)
  expect(code, stderr).toBe(0)
  return stdout
}

it('[CARD-2] [CARD-3] keys are replaced with the root key offline; the nodes find one another and contracts go on', async () => {
  const [first, second] = [cluster.node(0), cluster.node(1)]
  const contract = await cluster.contract('Slip', '{"Premium":"10"}')
  const offline = join(safe, 'root.pem')

  run(second, 'keys', 'root', 'export', offline)
  expect(run(second, 'keys', 'list')).toContain('The root key is on this machine')
  run(second, 'keys', 'root', 'remove', offline)
  expect(existsSync(join(paths(second.directory).keys, 'root.pem'))).toBe(false)
  const rotate = ['keys', 'rotate', '--root', offline, '--data', second.directory]
  const running = countersign(...rotate)
  expect(running.code).toBe(2)
  expect(running.stderr).toContain('stop it')

  await second.kill('SIGTERM')
  const withoutRoot = countersign('keys', 'rotate', '--data', second.directory)
  expect([withoutRoot.code, withoutRoot.stderr]).toEqual([2, expect.stringContaining('--root')])
  run(second, 'keys', 'rotate', '--root', offline)
  await second.start()
  await untilConnected(first, second, 2)
  await untilConnected(second, first, 1)
  expect(first.log).toContain('"card-taken"')
  await write(second, contract, '11')
  await write(first, contract, '12')
  await cluster.equal(contract, 2)

  // The second time some may be stolen. Both sides replace theirs, and neither was up when the other did.
  await first.kill('SIGTERM')
  await second.kill('SIGTERM')
  expect(run(second, 'keys', 'revoke', '--root', offline)).toContain('card 3')
  run(first, 'keys', 'rotate', '--use', 'tls,vote')
  await Promise.all([first.start(), second.start()])
  await untilConnected(first, second, 3)
  await untilConnected(second, first, 2)
  await write(first, contract, '13')
  await cluster.equal(contract, 3)
  const order = await cluster.contract('Order', '{"Price":"1"}')
  expect((await second.put(order, 'Price', '2')).status, 'a new contract goes by the new keys').toBe(200)

  const listed = JSON.parse(run(second, 'keys', 'list', '--json')) as {
    sequence: number
    rootIsHere: boolean
    keys: KeyView[]
  }
  expect([listed.sequence, listed.rootIsHere]).toEqual([3, false])
  const votes = listed.keys.filter(({ use }) => use === 'vote')
  expect(votes.map(({ fromCard, toCard, inForce }) => [fromCard, toCard, inForce])).toEqual([
    [1, 1, false],
    [2, 2, false],
    [3, 3, true],
  ])
  for (const { file } of votes) expect(readFileSync(file as string, 'utf8')).toContain('PRIVATE KEY')
  // A new name is a new card, told on the next connection.
  await second.kill('SIGTERM')
  run(second, 'card', 'update', '--name', 'Second & Co', '--root', offline)
  expect(JSON.parse(run(second, 'card'))).toMatchObject({ card: { name: 'Second & Co', sequence: 4 } })
  await second.start()
  await untilConnected(first, second, 4)
  expect(run(first, 'peer', 'list')).toContain('Second & Co')
  const url = `https://127.0.0.1:${second.port}`
  expect(run(first, 'peer', 'add', url)).toContain('card 4 of the same party')
  expect(run(second, 'contract', 'check', contract)).not.toBe('')
})
