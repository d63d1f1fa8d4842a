/** kill -9 in every state of a node, at moments with a name: between any two of what it writes, locks and sends. */
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Random } from '../sim/random.ts'
import { MOMENTS, type Moment, MomentCluster } from '../support/moments.ts'
import { type ProcessNode, until } from '../support/processes.ts'
import { IS_LONG, run, SCENARIO_MS } from '../support/scenario.ts'

const cluster = new MomentCluster(3)
const [first, second, victim] = cluster.nodes as [ProcessNode, ProcessNode, ProcessNode]

beforeAll(() => cluster.start(), 60_000)
afterEach(() => cluster.heal())
afterAll(() => cluster.stop())

/** In the long run each state meets every moment; otherwise those of it that differ most. */
const some = (...chosen: Moment[]): readonly Moment[] => (IS_LONG ? MOMENTS : chosen)

/** Every node runs and all hold the same, nobody has contradicted itself, and the one that was killed goes on writing. */
async function expectWhole(contract: string, killed: ProcessNode): Promise<void> {
  const { height } = await cluster.equal(contract, 0)
  const { status, body } = await killed.put(contract, 'field', `after ${height}`, { prefer: 'wait=60' })
  expect(status, JSON.stringify(body)).toBe(200)
  await cluster.equal(contract, height + 1)
  for (const node of cluster.nodes) {
    expect(await node.read(contract, 'field')).toBe(`after ${height}`)
    expect(await node.client.post(`/api/contracts/${contract}/check`)).toMatchObject({ ok: true })
    expect(await node.client.get(`/api/contracts/${contract}`)).toMatchObject({
      status: 'accepted',
      evidence: [],
    })
  }
}

describe('kill -9', { timeout: SCENARIO_MS }, () => {
  it('[ORD-5] [SGN-2] [AMN-2] at every moment of a turn, under load: all that clients were told holds', () =>
    run({
      cluster,
      name: 'every moment',
      seed: 21,
      heal: () => cluster.heal(),
      fault: async ({ accepts }) => {
        const random = new Random(21)
        for (let round = 0; round < (IS_LONG ? 10 : 1); round += 1)
          for (const moment of random.shuffled(MOMENTS)) {
            const node = random.pick(cluster.nodes)
            cluster.dieAt(node, moment, random.integer(0, 5))
            await cluster.dead(node)
            await cluster.startNode(node)
          }
        await accepts(1, performance.now())
      },
    }))

  it.each(some('committed', 'sending'))(
    'of the creator of a contract, %s: made once or not at all, and once when it is asked for again',
    async (moment) => {
      const name = `made ${moment}`
      const body = JSON.stringify({ name, with: [first.party, second.party], document: { field: 'before' } })
      const create = async (): Promise<{ id: string }> => {
        const headers = { 'content-type': 'application/json', 'idempotency-key': moment.replace(' ', '-') }
        const answer = await victim.client.fetch('/api/contracts', { method: 'POST', headers, body })
        return (await answer.json()) as { id: string }
      }
      const named = async (node: ProcessNode): Promise<string[]> => {
        const { contracts } = await node.client.get<{ contracts: { id: string; name: string }[] }>(
          '/api/contracts',
        )
        return contracts.flatMap((one) => (one.name === name ? [one.id] : []))
      }
      cluster.dieAt(victim, moment)
      await create().catch(() => undefined)
      await cluster.dead(victim)
      await cluster.startNode(victim)
      const { id } = await create()
      for (const node of [first, second]) {
        await until(`the invitation at ${node.name}`, async () => (await named(node)).length > 0)
        await node.client.post(`/api/contracts/${id}/accept`)
      }
      await expectWhole(id, victim)
      for (const node of cluster.nodes) expect(await named(node)).toEqual([id])
    },
  )

  it.each(some('committed', 'locked'))(
    '[GEN-3] of a party that accepts a contract, %s: it has accepted, or may again',
    async (moment) => {
      const parties = [second.party, victim.party]
      const { id } = await first.client.post<{ id: string }>(
        '/api/contracts',
        JSON.stringify({ name: `accepted ${moment}`, with: parties, document: { field: 'before' } }),
      )
      for (const node of [second, victim])
        await until(`the invitation at ${node.name}`, async () => (await node.contract(id)) !== undefined)
      await second.client.post(`/api/contracts/${id}/accept`)
      cluster.dieAt(victim, moment)
      await victim.client.post(`/api/contracts/${id}/accept`).catch(() => undefined)
      await cluster.dead(victim)
      await cluster.startNode(victim)
      await victim.client.post(`/api/contracts/${id}/accept`)
      await expectWhole(id, victim)
    },
  )

  it('[SYN-1] again and again while it catches up', async () => {
    const contract = await cluster.contract('catching up', '{"field":"before"}')
    for (const moment of some('committing', 'locked')) {
      await victim.kill()
      for (let round = 0; round < 8; round += 1) {
        const { body } = await first.put(contract, 'field', `${moment} ${round}`, {
          prefer: 'wait=60, until=tentative',
        })
        expect(body).toMatchObject({ stage: 'tentative', outcome: 'accepted' })
      }
      // It locks once: the cosignature of all that it has caught up with.
      await cluster.startToDieAt(victim, moment, moment.startsWith('lock') ? 0 : 1)
      await cluster.startNode(victim)
      await cluster.equal(contract, 8)
    }
    await expectWhole(contract, victim)
  })

  it('[AMN-2] again and again while others tell it what it has signed', async () => {
    const contract = await cluster.contract('recalled', '{"field":"before"}')
    await victim.kill('SIGTERM')
    const [data, copy] = [join(victim.directory, 'data'), join(cluster.root, 'old data')]
    cpSync(data, copy, { recursive: true })
    await cluster.startNode(victim)
    for (const node of cluster.nodes)
      expect((await node.put(contract, 'field', node.name, { prefer: 'wait=60' })).status).toBe(200)
    await cluster.equal(contract, 3)
    await victim.kill('SIGTERM')
    rmSync(data, { recursive: true })
    cpSync(copy, data, { recursive: true })
    victim.log = ''
    for (const moment of some('sent', 'locked'))
      await cluster.startToDieAt(victim, moment, moment === 'sent' ? 1 : 0)
    await cluster.startNode(victim)
    expect(victim.log).toContain('AMN-2')
    await expectWhole(contract, victim)
  })
})
