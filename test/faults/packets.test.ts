/** Real packets lost between real nodes, with clients at work: TCP’s retransmissions and time-outs are the kernel’s own. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Namespaces } from '../support/namespaces.ts'
import { Cluster, until } from '../support/processes.ts'
import { run, SCENARIO_MS } from '../support/scenario.ts'

const ALL = [0, 1, 2, 3]
const cluster = new Cluster(ALL.length)
const namespaces = Namespaces.open(ALL.length)

beforeAll(async () => {
  if (typeof namespaces === 'string') return
  for (const [index, node] of cluster.nodes.entries()) Object.assign(node, namespaces.of(index))
  await cluster.start()
}, 60_000)
afterAll(async () => {
  await cluster.stop()
  if (typeof namespaces !== 'string') namespaces.close()
})

describe('four nodes in network namespaces', { timeout: SCENARIO_MS }, () => {
  it('a fifth of all packets lost, one node killed in the middle of it', async (context) => {
    if (typeof namespaces === 'string') return context.skip(namespaces)
    const before = ALL.map((node) => namespaces.dropped(node))
    await run({
      cluster,
      name: 'loss',
      seed: 11,
      heal: () => namespaces.heal(),
      fault: async ({ accepts, reads, kill }) => {
        namespaces.drop(ALL, ALL, 0.2)
        const sinceMs = performance.now()
        await accepts(3, sinceMs)
        await kill(1)
        await accepts(6, sinceMs)
        await reads(sinceMs)
        await until('packets of all nodes are dropped', async () =>
          ALL.every((node) => namespaces.dropped(node) > (before[node] as number)),
        )
      },
    })
  })

  it('[COS-3] parted half from half: nobody is told of it, and connections outlast it', async (context) => {
    if (typeof namespaces === 'string') return context.skip(namespaces)
    const before = ALL.map((node) => namespaces.dropped(node))
    await run({
      cluster,
      name: 'parted',
      seed: 12,
      heal: () => namespaces.heal(),
      fault: async ({ clients, last, reads }) => {
        namespaces.drop([0, 1], [2, 3], 1)
        namespaces.drop([2, 3], [0, 1], 1)
        const sinceMs = performance.now()
        await until('packets of all nodes are dropped', async () =>
          ALL.every((node) => namespaces.dropped(node) > (before[node] as number)),
        )
        await last(1500)
        await reads(sinceMs)
        expect(clients.count('accepted', sinceMs)).toBe(0)
      },
    })
  })
})
