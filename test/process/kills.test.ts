/** kill -9 of any node at any moment under load: no acknowledged-final write lost, none doubled. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, countersign, type ProcessNode, pause, until } from '../support/processes.ts'

const KILLS = 50
const WRITERS = 8
const cluster = new Cluster(4)

beforeAll(() => cluster.start(), 60_000)
afterAll(() => cluster.stop())

/** Fixed seed: which node, and when, is the same in every run; what the node is doing then is not. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

type Version = { height: number; value: string }

describe('kill -9 under load', () => {
  it(`[ORD-5] [NET-5] [SGN-2] ${KILLS} kills lose no acknowledged write and double none`, {
    timeout: 400_000,
  }, async () => {
    const fields = Array.from({ length: WRITERS }, (_, index) => `f${index}`)
    const contract = await cluster.contract(
      'kills',
      JSON.stringify(Object.fromEntries(fields.map((field) => [field, `${field}:start`]))),
    )
    const acknowledged = new Map<string, string[]>(fields.map((field) => [field, []]))
    let running = true
    const writer = async (field: string, index: number): Promise<void> => {
      for (let round = 1; running; round += 1) {
        const node = cluster.nodes[(index + round) % cluster.nodes.length] as ProcessNode
        const value = `${field}:${round}`
        try {
          const { status, body } = await node.put(contract, field, value, { prefer: 'wait=20' })
          if (status === 200 && body.stage === 'final' && body.outcome === 'accepted')
            acknowledged.get(field)?.push(value)
        } catch {
          // Its node was killed: the outcome is unknown, which is all that may be.
          await pause(20)
        }
      }
    }
    const writers = fields.map(writer)
    const random = randomNumbers(20261120)
    for (let kill = 0; kill < KILLS; kill += 1) {
      await pause(random() * 250)
      const node = cluster.node(Math.floor(random() * cluster.nodes.length))
      await node.kill()
      if (random() < 0.5) await pause(random() * 300)
      await node.start()
    }
    running = false
    await Promise.all(writers)
    const total = [...acknowledged.values()].reduce((sum, values) => sum + values.length, 0)
    expect(total).toBeGreaterThan(WRITERS)
    await cluster.equal(contract, 1)

    for (const node of cluster.nodes) {
      expect(await node.client.post(`/api/contracts/${contract}/check`)).toMatchObject({ ok: true })
      for (const field of fields) {
        const { versions } = await node.client.get<{ versions: Version[] }>(
          `/records/${contract}/${field}/$history`,
        )
        const values = versions.map(({ value }) => value)
        expect(new Set(values).size, `${field} at ${node.name}: no value twice`).toBe(values.length)
        const missing = (acknowledged.get(field) ?? []).filter((value) => !values.includes(value))
        expect(missing, `${field} at ${node.name}: acknowledged as final, and gone`).toEqual([])
      }
    }
    const bundle = join(cluster.root, 'after.bundle')
    const response = await cluster.node(3).client.fetch(`/api/contracts/${contract}/export`)
    writeFileSync(bundle, await response.text())
    const verified = countersign('verify', bundle, '--trust', ...cluster.nodes.map(({ party }) => party))
    expect(verified.stdout + verified.stderr).toContain('VALID')
    expect(verified.code).toBe(0)
  })

  it('[NET-5] a write made while cut off stays received, survives kill -9, and is sent on return', {
    timeout: 120_000,
  }, async () => {
    const contract = await cluster.contract('cut off', '{"field":"before"}')
    const [author, ...others] = cluster.nodes as [ProcessNode, ...ProcessNode[]]
    await Promise.all(others.map((node) => node.kill()))
    const { status, body } = await author.put(contract, 'field', 'written alone', { prefer: 'wait=1' })
    expect(status).toBe(202)
    expect(body).toMatchObject({ stage: 'received' })
    expect((body.waitingFor as { name: string }[]).map(({ name }) => name).sort()).toEqual(
      others.map(({ name }) => name).sort(),
    )
    await author.kill()
    await author.start()
    const again = await author.client.get<{ stage: string }>(`/api/contracts/${contract}/requests/${body.id}`)
    expect(again.stage).toBe('received')
    await Promise.all(others.map((node) => node.start()))
    await until('the write is final at all', async () => {
      const stages = await Promise.all(
        cluster.nodes.map((node) =>
          node.client.get<{ stage: string }>(`/api/contracts/${contract}/requests/${body.id}`),
        ),
      )
      return stages.every(({ stage }) => stage === 'final')
    })
    for (const node of cluster.nodes) expect(await node.read(contract, 'field')).toBe('written alone')
  })
})
