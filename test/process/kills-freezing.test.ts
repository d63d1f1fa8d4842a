/** kill -9 while a contract with two committed histories freezes, at each step of it; then it goes on without who signed both. */
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Random } from '../sim/random.ts'
import { comes, type Death, KilledCluster, standing, tries } from '../support/killed.ts'
import type { ProcessNode } from '../support/processes.ts'
import { IS_LONG, SCENARIO_MS } from '../support/scenario.ts'

const cluster = new KilledCluster(3)
/** The first's history is the shorter one: that is given up. */
const [first, second, liar] = cluster.nodes as [ProcessNode, ProcessNode, ProcessNode]
const honest = [first, second]
const TENTATIVE = { prefer: 'wait=60, until=tentative' }
const copyOf = (node: ProcessNode): string => join(cluster.root, `copy of ${node.name}`)
let contract = ''

function copy(node: ProcessNode): void {
  rmSync(copyOf(node), { recursive: true, force: true })
  cpSync(node.directory, copyOf(node), { recursive: true })
}

function putBack(node: ProcessNode): void {
  rmSync(node.directory, { recursive: true })
  cpSync(copyOf(node), node.directory, { recursive: true })
}

async function tentative(node: ProcessNode, ...values: string[]): Promise<void> {
  for (const value of values) expect((await node.put(contract, 'given', value, TENTATIVE)).status).toBe(200)
}

/** Both have committed a history of their own with the liar, who goes, and have not met: all are down, each has a copy. */
beforeAll(async () => {
  await cluster.start()
  contract = await cluster.contractOf(cluster.nodes, 'Slip')
  for (const value of ['1', '2']) expect((await first.put(contract, 'written', value)).status).toBe(200)
  await cluster.equal(contract, 2)
  await liar.kill('SIGTERM')
  copy(liar)
  await cluster.startNode(liar)
  await second.kill('SIGTERM')
  await tentative(first, 'the first’s')
  await Promise.all([first.kill('SIGTERM'), liar.kill('SIGTERM')])
  putBack(liar)
  await Promise.all([second, liar].map((node) => cluster.startNode(node)))
  await tentative(second, 'the second’s', 'the second’s, again')
  await Promise.all([second.kill('SIGTERM'), liar.kill('SIGTERM')])
  for (const node of cluster.nodes) copy(node)
}, 120_000)
afterEach(async () => {
  cluster.heal()
  await Promise.all(cluster.nodes.map((node) => node.kill()))
})
afterAll(() => cluster.stop())

/** Each of the two freezes as soon as it can, until both are in the next lineage. */
async function freeze(): Promise<void> {
  await comes('both go on without the liar', honest, contract, async () => {
    const views = await Promise.all(
      honest.map(async (node) => {
        const view = await standing(node, contract).catch(() => undefined)
        if (view?.status === 'halted')
          await tries(() => node.client.post(`/api/contracts/${contract}/freeze`))
        return view
      }),
    )
    return views.every((view) => view?.lineage === 1)
  })
}

/** What was final is there, what was given up is ordered again, and the liar alone is accused. */
async function expectOn(): Promise<void> {
  await cluster.expectWhole(honest, contract, ['1', '2'], [liar])
  for (const node of honest) {
    const { lineage, members } = await standing(node, contract)
    expect([lineage, members.map(({ party }) => party)]).toEqual([1, honest.map(({ party }) => party)])
  }
}

/**
 * All as they were before they met. The liar is there only where somebody has to ask all others what it had signed (AMN-2): it
 * does as its program does, and that is to follow whoever speaks first.
 */
async function meet(isLiarThere: boolean): Promise<void> {
  for (const node of cluster.nodes) putBack(node)
  // One that dies before its API answers is started again by whoever waits for that.
  const nodes = isLiarThere ? cluster.nodes : honest
  await Promise.all(nodes.map((node) => cluster.startNode(node).catch(() => undefined)))
}

/** Title, who may die of it, when; and whether it is tried in the short run as well. */
type Stage = [title: string, nodes: ProcessNode[], death: Death, isShort?: true]
const FREEZE = '"type":"FREEZE"'
const NEXT = '"lineage":1,"epoch":0,"height"'
const each = (title: string, death: Death): Stage[] => [
  [`who gives up its history, ${title}`, [first], death],
  [`who keeps its history, ${title}`, [second], death],
]
const STAGES: Stage[] = [
  ...each('about to halt', { moment: 'committing', holding: 'halted' }),
  ...each('halted', { moment: 'committed', holding: 'halted' }),
  ...each('about to sign its FREEZE', { moment: 'locking', holding: '"frozen"' }),
  [
    'who gives up its history, its FREEZE signed and not sent',
    [first],
    { moment: 'locked', holding: '"frozen"' },
    true,
  ],
  [
    'who keeps its history, its FREEZE signed and not sent',
    [second],
    { moment: 'locked', holding: '"frozen"' },
  ],
  ...each('its FREEZE on disk', { moment: 'committed', holding: 'INTO freeze' }),
  ...each('its FREEZE sent', { moment: 'sent', holding: FREEZE }),
  ...each('all FREEZEs held', { moment: 'committing', holding: 'INTO lineage' }),
  [
    'who gives up its history, its store set back',
    [first],
    { moment: 'committed', holding: 'INTO lineage' },
    true,
  ],
  ['who keeps its history, the lineage begun', [second], { moment: 'committed', holding: 'INTO lineage' }],
  ...each('about to cosign in the next lineage', { moment: 'locking', holding: '"lineage":1' }),
  ...each('its first signature there locked', { moment: 'locked', holding: '"lineage":1' }),
  ['whoever proposes the first block there', honest, { moment: 'sending', holding: NEXT }],
  ...each('the first block there on disk', { moment: 'committed', holding: NEXT }),
  ...each('the first block there committed', { moment: 'committed', since: NEXT, holding: 'INTO chain' }),
]

describe('kill -9 while a contract freezes', { timeout: SCENARIO_MS }, () => {
  it.each(STAGES.filter(([, , , isShort]) => IS_LONG || isShort))(
    '[LIN-1] [LIN-2] [LIN-3] [SGN-2] of %s',
    async (_, nodes, death) => {
      await cluster.dieDuring(nodes, death, async () => {
        await meet(death.moment === 'locking')
        await freeze()
      })
      await expectOn()
    },
  )

  it('[LIN-1] [LIN-3] [SGN-2] of either at any moment', async () => {
    const random = new Random(20261121)
    for (let round = 0; round < (IS_LONG ? 10 : 1); round += 1) {
      await meet(true)
      await cluster.dieAllAlong(honest, random, freeze)
      await expectOn()
      await Promise.all(cluster.nodes.map((node) => node.kill()))
    }
  })
})
