/**
 * Real nodes that die in the middle of something and are started again: what people do meanwhile, told again to whichever node
 * was not there to hear it; and what holds in the end.
 */
import { expect } from 'vitest'
import type { Report } from '../../src/verify/verifier.ts'
import type { Random } from '../sim/random.ts'
import { audit } from './audit.ts'
import { MOMENTS, type Moment, MomentCluster, type Texts } from './moments.ts'
import { type ProcessNode, until } from './processes.ts'

/** When a node dies; see MomentCluster.dieAt. */
export type Death = { moment: Moment; after?: number } & Texts

type Change = { change: string; op: string; name?: string; stage: string; waitingFor: { name: string }[] }
export type Standing = {
  status: string
  part: string
  epoch: number
  lineage: number
  height: number
  finalHeight: number
  recordHash: string
  evidence: unknown[]
  members: { party: string }[]
  changes: Change[]
}

export const standing = (node: ProcessNode, id: string): Promise<Standing> =>
  node.client.get<Standing>(`/api/contracts/${id}`)

const send = (node: ProcessNode, path: string, body?: object): Promise<unknown> =>
  node.client.post(path, body && JSON.stringify(body))

/** What a node's people do, where it can be done now: a node that is down, or dies of it, is asked again. */
export async function tries(act: () => Promise<unknown>): Promise<void> {
  await act().catch((error: Error) => {
    refusals.push(error)
  })
}
/** What went wrong meanwhile, for whom it never goes right. */
let refusals: Error[] = []

/** Waits until it is so, where what people do is tried again and again; says how these stand if it never is. */
export async function comes(
  what: string,
  nodes: readonly ProcessNode[],
  id: string,
  attempt: () => Promise<boolean>,
): Promise<void> {
  try {
    await until(what, async () => {
      refusals = []
      const isDone = await attempt()
      const [refusal] = refusals
      if (!isDone && refusal) throw refusal
      return isDone
    })
  } catch (error) {
    const told = nodes.map(async (node) => {
      const members = await node.client.get(`/api/contracts/${id}/members`).catch(String)
      const view = await standing(node, id).catch(String)
      return `${node.name}: ${JSON.stringify(view)}\n${JSON.stringify(members)}\n${node.log.slice(-1500)}`
    })
    throw new Error([(error as Error).message, ...(await Promise.all(told))].join('\n'))
  }
}

export class KilledCluster extends MomentCluster {
  /** A contract of these nodes, final at all of them. */
  async contractOf(nodes: readonly ProcessNode[], name: string): Promise<string> {
    const [first, ...others] = nodes as [ProcessNode, ...ProcessNode[]]
    const parties = others.map(({ party }) => party)
    const body = JSON.stringify({
      name,
      with: parties,
      document: { field: 'before', written: '0', given: '0' },
    })
    const { id } = await first.client.post<{ id: string }>('/api/contracts', body)
    for (const node of others) {
      await until(`the invitation at ${node.name}`, async () => (await node.contract(id)) !== undefined)
      await send(node, `/api/contracts/${id}/accept`)
    }
    await this.equal(id, 0, nodes)
    return id
  }

  /** One of these dies so while that goes on, and is started again. Where several do before they are healed, all are. */
  async dieDuring(
    nodes: readonly ProcessNode[],
    { moment, after, ...texts }: Death,
    work: () => Promise<void>,
  ): Promise<void> {
    // One that is down yet is not dead before it was started.
    const starts = new Map(nodes.map((node) => [node, node.isRunning ? node.starts - 1 : node.starts]))
    const hasDied = (node: ProcessNode): boolean =>
      !node.isRunning && node.starts > (starts.get(node) as number)
    for (const node of nodes) this.dieAt(node, moment, after, texts)
    const reborn = async (): Promise<void> => {
      const names = nodes.map(({ name }) => name).join(', ')
      await until(`one of ${names} has killed itself`, async () => nodes.some(hasDied))
      for (const node of nodes.filter(hasDied)) await this.dead(node)
      await this.revive(nodes)
    }
    await Promise.all([reborn(), work()])
  }

  /** These die at any moment while that goes on, one after another, and are started again. Returns how many have. */
  async dieAllAlong(
    nodes: readonly ProcessNode[],
    random: Random,
    work: () => Promise<unknown>,
  ): Promise<number> {
    let isOver = false
    const over = work().finally(() => {
      isOver = true
    })
    let deaths = 0
    while (!isOver) {
      const node = random.pick(nodes)
      this.dieAt(node, random.pick(MOMENTS), random.integer(0, 30))
      await until(`${node.name} has killed itself`, async () => isOver || !node.isRunning)
      if (!node.isRunning) deaths += 1
      await this.revive(nodes)
    }
    await over
    return deaths
  }

  /** Nobody dies any more, and these run. */
  private async revive(nodes: readonly ProcessNode[]): Promise<void> {
    this.heal()
    for (const node of nodes) {
      // Who answers now does not die any more of what it had read before.
      const answers = (): Promise<boolean> =>
        node.client.get('/api/node').then(
          () => true,
          () => false,
        )
      await until(`${node.name} answers, or is dead`, async () => (await answers()) || !node.isRunning)
      if (!node.isRunning) await this.startNode(node)
    }
  }

  /** The last of these is invited by the first, let in by the others, and accepts: until all see it in. */
  async bringIn(nodes: readonly ProcessNode[], id: string): Promise<void> {
    const guest = nodes.at(-1) as ProcessNode
    const members = nodes.slice(0, -1)
    const inviter = members[0] as ProcessNode
    const invitation = { op: 'invite', party: guest.party, older: true }
    await comes(`${guest.name} is in at all`, nodes, id, async () => {
      for (const node of members)
        await tries(async () => {
          const { changes, members: seats } = await standing(node, id)
          const open = changes.find(({ name }) => name === guest.name)
          if (seats.some(({ party }) => party === guest.party)) return
          if (node === inviter && !open)
            await once(node, `/api/contracts/${id}/changes`, 'invitation', invitation)
          if (open?.waitingFor.some(({ name }) => name === node.name))
            await send(node, `/api/contracts/${id}/changes/${open.change}/vote`, { yes: true })
        })
      await tries(async () => {
        const { part, status } = await standing(guest, id)
        if (part === 'guest' && status === 'invited') await send(guest, `/api/contracts/${id}/accept`)
      })
      const views = await Promise.all(nodes.map((node) => standing(node, id)))
      return views.every(({ members: seats }) => seats.length === nodes.length)
    })
  }

  /** The last of these leaves: until all see that it is out. */
  async takeOut(nodes: readonly ProcessNode[], id: string): Promise<void> {
    const leaver = nodes.at(-1) as ProcessNode
    await comes(`${leaver.name} is out at all`, nodes, id, async () => {
      await tries(async () => {
        const { status } = await standing(leaver, id)
        if (status === 'accepted')
          await once(leaver, `/api/contracts/${id}/changes`, 'leave', { op: 'leave' })
      })
      const views = await Promise.all(nodes.map((node) => standing(node, id)))
      return (
        views.at(-1)?.status === 'left' &&
        views.slice(0, -1).every(({ members }) => members.length === nodes.length - 1)
      )
    })
  }

  /**
   * These go on, each writes, and hold the same; every ledger recomputes, and its export verifies. Whoever is accused is one
   * of the guilty; whatever was acknowledged as final is there, once.
   */
  async expectWhole(
    nodes: readonly ProcessNode[],
    id: string,
    acknowledged: readonly string[],
    guilty: readonly ProcessNode[] = [],
  ): Promise<void> {
    await this.equal(id, 1, nodes)
    for (const node of nodes) {
      const { status, body } = await node.put(id, 'field', `after, by ${node.name}`, { prefer: 'wait=60' })
      expect([status, body.outcome], JSON.stringify(body)).toEqual([200, 'accepted'])
    }
    await this.equal(id, 1, nodes)
    for (const node of nodes) {
      expect(await node.read(id, 'field')).toBe(`after, by ${nodes.at(-1)?.name}`)
      const path = `/records/${id}/written/$history`
      const { versions } = await node.client.get<{ versions: { value: string }[] }>(path)
      const values = versions.map(({ value }) => value)
      expect(new Set(values).size, 'no value twice').toBe(values.length)
      expect(
        acknowledged.filter((value) => !values.includes(value)),
        'acknowledged, and gone',
      ).toEqual([])
      expect(await send(node, `/api/contracts/${id}/check`)).toMatchObject({ ok: true })
      const { status, evidence } = await standing(node, id)
      expect(status).toBe('accepted')
      const accused = (evidence as { party: string }[]).map(({ party }) => party)
      expect(accused.filter((party) => !guilty.some((one) => one.party === party))).toEqual([])
      expect(await this.reportOf(node, id)).toMatchObject({ verdict: 'valid', tentativeHeights: 0 })
    }
  }

  /** What an auditor who trusts all of them says of a node's export. */
  private async reportOf(node: ProcessNode, id: string): Promise<Report> {
    const text = await (await node.client.fetch(`/api/contracts/${id}/export`)).text()
    const trusted = this.nodes.map(({ party }) => party)
    return audit(text.split('\n').slice(0, -1), trusted)
  }
}

/** Asked again by the same key it is the same request. */
async function once(node: ProcessNode, path: string, key: string, body: object): Promise<void> {
  const headers = {
    'content-type': 'application/json',
    'idempotency-key': `${key}-${path}`,
    prefer: 'wait=5, until=tentative',
  }
  await node.client.fetch(path, { method: 'POST', headers, body: JSON.stringify(body) })
}

/** Writes at one node, one after another, until it is told to stop. */
export class Writer {
  /** What was acknowledged as final. */
  readonly acknowledged: string[] = []
  private isStopped = false
  private readonly loop: Promise<void>

  constructor(node: ProcessNode, id: string) {
    this.loop = this.run(node, id)
  }

  private async run(node: ProcessNode, id: string): Promise<void> {
    for (let round = 1; !this.isStopped; round += 1)
      await tries(async () => {
        const { status, body } = await node.put(id, 'written', `${round}`, { prefer: 'wait=60' })
        if (status === 200 && body.stage === 'final' && body.outcome === 'accepted')
          this.acknowledged.push(`${round}`)
      })
  }

  /** Waits until one more is. */
  async more(): Promise<void> {
    const { length } = this.acknowledged
    await until('another write is acknowledged', async () => this.acknowledged.length > length)
  }

  async stop(): Promise<void> {
    this.isStopped = true
    await this.loop
  }
}
