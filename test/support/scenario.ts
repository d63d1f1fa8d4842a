/** One fault among real nodes with clients at work: from before it until everything is mended. */
import { expect } from 'vitest'
import { Clients } from './linearizability/clients.ts'
import { brokenPromises } from './linearizability/promises.ts'
import { type Cluster, type ProcessNode, pause, until } from './processes.ts'

const FIELDS = ['Price', 'Share', 'Period']
/** Faults last longer where this is asked for. */
export const IS_LONG = process.env.COUNTERSIGN_LONG === '1'
const LONGER = IS_LONG ? 10 : 1
/** For what no working system needs that long. */
export const SCENARIO_MS = IS_LONG ? 900_000 : 120_000

/** A fault under way. */
export type Incident = {
  clients: Clients
  /** Waits this long, ten times longer in the long run. */
  last(ms: number): Promise<void>
  /** Waits until so many writes (ten times more in the long run) that were begun since then are accepted. */
  accepts(count: number, sinceMs: number): Promise<void>
  /** Waits until every node, but for these, has answered reads that were begun since then. */
  reads(sinceMs: number, except?: readonly number[]): Promise<void>
  /** kill -9, and the start of the same node. */
  kill(node: number): Promise<void>
}

export type Scenario = {
  cluster: Cluster
  name: string
  seed: number
  /** Brings a fault about, waits until it was met, and looks at what goes on meanwhile. */
  fault: (incident: Incident) => Promise<void>
  /** Ends it. */
  heal: () => void
}

/**
 * What holds in every scenario: once it is healed all nodes order again and hold the same ledger and record, which recompute
 * from what is on disk, and all that clients were ever told is what docs/consistency.md promises.
 */
export async function run({ cluster, name, seed, fault, heal }: Scenario): Promise<void> {
  const { nodes } = cluster
  const document = JSON.stringify(Object.fromEntries(FIELDS.map((field) => [field, `${field} at first`])))
  const contract = await cluster.contract(name, document)
  const clients = new Clients({ nodes, contract, fields: FIELDS, clientsPerNode: 2, seed })
  try {
    clients.start()
    await acceptedAtAll(clients, nodes, 0)
    await fault(incidentOf(cluster, clients))
    heal()
    await acceptedAtAll(clients, nodes, performance.now())
    await clients.stop()
  } finally {
    clients.abandon()
    heal()
  }
  await cluster.equal(contract, 1)
  const ledgers = await Promise.all(nodes.map((node) => ledgerOf(node, contract)))
  for (const ledger of ledgers) expect(ledger).toEqual(ledgers[0])
  for (const node of nodes)
    expect(await node.client.post(`/api/contracts/${contract}/check`)).toMatchObject({ ok: true })
  expect(brokenPromises(await clients.history())).toEqual({})
}

/** Hash and record hash of every ledger block at a node, by height. */
async function ledgerOf(node: ProcessNode, contract: string): Promise<string[]> {
  type Page = { blocks: { hash: string; header: { stateRoot: string } }[]; nextFrom?: number }
  const ledger: string[] = []
  for (let from: number | undefined = 0; from !== undefined; ) {
    const page: Page = await node.client.get(
      `/api/contracts/${contract}/ledger-blocks?from=${from}&limit=100`,
    )
    ledger.push(...page.blocks.map(({ hash, header }) => `${hash} ${header.stateRoot}`))
    from = page.nextFrom
  }
  return ledger
}

function incidentOf(cluster: Cluster, clients: Clients): Incident {
  return {
    clients,
    last: (ms) => pause(ms * LONGER),
    accepts: (count, sinceMs) =>
      until(
        `${count * LONGER} writes are accepted meanwhile`,
        async () => clients.count('accepted', sinceMs) >= count * LONGER,
        60_000 * LONGER,
      ),
    reads: (sinceMs, except = []) =>
      until('every node answers reads meanwhile', async () =>
        cluster.nodes.every((_, node) => except.includes(node) || clients.count('final', sinceMs, node) >= 5),
      ),
    kill: async (index) => {
      const node = cluster.node(index)
      await node.kill()
      await cluster.startNode(node)
    },
  }
}

/** Every node has taken a write, begun since then, to its end. */
function acceptedAtAll(clients: Clients, nodes: readonly ProcessNode[], sinceMs: number): Promise<void> {
  return until('every node has a write accepted', async () =>
    nodes.every((_, node) => clients.count('accepted', sinceMs, node) > 0),
  )
}
