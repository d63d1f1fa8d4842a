/** Parties come and go by the command, between real processes, while the others write (EPO-1…). */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, COMMAND, type ProcessNode, until } from '../support/processes.ts'

let cluster: Cluster
beforeAll(async () => {
  cluster = new Cluster(5)
  await cluster.start()
})
afterAll(() => cluster.stop())

type Five = [ProcessNode, ProcessNode, ProcessNode, ProcessNode, ProcessNode]
type Ran = { code: number; stdout: string; stderr: string }

/** The command as a person runs it, while this process goes on. */
function run(node: ProcessNode, ...args: string[]): Promise<Ran> {
  return new Promise((done) => {
    const options = { env: { ...process.env, NO_COLOR: '1' } }
    execFile(
      process.execPath,
      [COMMAND, ...args, '--data', node.directory],
      options,
      (error, stdout, stderr) =>
        done({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    )
  })
}

async function ran(node: ProcessNode, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(node, ...args)
  expect([args.join(' '), code, stderr]).toEqual([args.join(' '), 0, ''])
  return stdout
}

type View = {
  status: string
  part: string
  epoch: number
  height: number
  finalHeight: number
  recordHash: string
  members: { name: string }[]
  changes: { change: string; name?: string; stage: string; waitingFor: { name: string }[] }[]
}
const view = (node: ProcessNode, id: string) => node.client.get<View>(`/api/contracts/${id}`)
const namesIn = async (node: ProcessNode, id: string) =>
  (await view(node, id)).members.map(({ name }) => name)

/** A contract of these nodes, made at the first. */
async function contractOf(nodes: readonly ProcessNode[], name: string, document: object): Promise<string> {
  const [first, ...others] = nodes as [ProcessNode, ...ProcessNode[]]
  const body = JSON.stringify({ name, with: others.map(({ party }) => party), document })
  const { id } = await first.client.post<{ id: string }>('/api/contracts', body)
  for (const node of others) {
    await until(`the invitation at ${node.name}`, async () => (await node.contract(id)) !== undefined)
    await node.client.post(`/api/contracts/${id}/accept`)
  }
  await cluster.equal(id, 0, nodes)
  return id
}

/** Says yes for a node to what is asked about a party, once it sees that. */
async function sayYes(node: ProcessNode, id: string, about: ProcessNode): Promise<void> {
  await until(`${node.name} sees the invitation of ${about.name}`, async () =>
    (await view(node, id)).changes.some(({ name }) => name === about.name),
  )
  await ran(node, 'member', 'vote', id.slice(0, 16), about.name, 'yes')
}

async function accept(node: ProcessNode, id: string): Promise<void> {
  await until(`${node.name} is let in`, async () => (await view(node, id)).part === 'guest')
  await ran(node, 'contract', 'accept', id.slice(0, 16))
  await until(`${node.name} is in`, async () => !['guest', 'out'].includes((await view(node, id)).part))
}

/**
 * Brings in several that were let in at once: each accepts, and who is in first says yes to the others, if they had not
 * accepted yet.
 */
async function acceptAll(nodes: readonly ProcessNode[], id: string): Promise<void> {
  await until('all are in', async () => {
    const views = await Promise.all(nodes.map((node) => view(node, id)))
    for (const [index, { part, status, changes }] of views.entries()) {
      const node = nodes[index] as ProcessNode
      if (part === 'guest' && status === 'invited') await run(node, 'contract', 'accept', id.slice(0, 16))
      const isAsked = ({ waitingFor }: { waitingFor: { name: string }[] }): boolean =>
        waitingFor.some(({ name }) => name === node.name)
      for (const open of changes.filter(({ stage }) => stage === 'voting'))
        if (part === 'member' && isAsked(open))
          await run(node, 'member', 'vote', id.slice(0, 16), open.change, 'yes')
    }
    return views.every(({ part }) => part === 'member')
  })
}

/** Writers that each set a field of their own again and again, until they are stopped. */
class Writers {
  /** Of each field what was last answered as final. */
  readonly written = new Map<string, string>()
  /** Requests answered as final. */
  readonly ids: string[] = []
  readonly faults: string[] = []
  private stopped = false
  private readonly loops: Promise<void>[]
  private readonly counts = new Map<string, number>()

  constructor(nodes: readonly ProcessNode[], contract: string, fields: readonly string[]) {
    this.loops = fields.map((field, index) =>
      this.loop(nodes[index % nodes.length] as ProcessNode, contract, field),
    )
  }

  private async loop(node: ProcessNode, contract: string, field: string): Promise<void> {
    for (let count = 1; !this.stopped; count += 1) {
      try {
        const { status, body } = await node.put(contract, field, `${count}`, { prefer: 'wait=120' })
        if (status !== 200 || body.stage !== 'final') {
          this.faults.push(`${field} ${count}: ${status} ${JSON.stringify(body).slice(0, 300)}`)
          return
        }
        this.written.set(field, `${count}`)
        this.ids.push(body.id as string)
        this.counts.set(field, count)
      } catch (error) {
        this.faults.push(`${field} ${count}: ${(error as Error).message}`)
        return
      }
    }
  }

  /** Waits until every writer has written this many times more. */
  async goOn(times: number): Promise<void> {
    const before = new Map(this.counts)
    await until(
      'every writer goes on',
      async () =>
        this.faults.length > 0 ||
        (before.size === this.loops.length &&
          [...before].every(([field, count]) => (this.counts.get(field) ?? 0) >= count + times)),
    )
    expect(this.faults).toEqual([])
  }

  async stop(): Promise<void> {
    this.stopped = true
    await Promise.all(this.loops)
  }
}

/** Every request that a node holds, by id, with what came of it. */
async function requestsAt(node: ProcessNode, id: string): Promise<Map<string, string>> {
  type Page = { requests: { id: string; stage: string; outcome?: string }[]; nextCursor?: string }
  const found = new Map<string, string>()
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const query = cursor === '' ? 'limit=1000' : `limit=1000&cursor=${cursor}`
    const page: Page = await node.client.get<Page>(`/api/contracts/${id}/requests?${query}`)
    for (const one of page.requests) found.set(one.id, `${one.stage} ${one.outcome}`)
    cursor = page.nextCursor
  }
  return found
}

/** An exported file, with no node asked: every signer is one of these. */
async function verifies(bundle: string, parties: readonly ProcessNode[]): Promise<void> {
  const trusted = parties.map(({ party }) => party)
  const { stdout, status } = await new Promise<{ stdout: string; status: number }>((done) => {
    execFile(process.execPath, [COMMAND, 'verify', bundle, '--json', '--trust', ...trusted], (error, text) =>
      done({ stdout: text, status: typeof error?.code === 'number' ? error.code : 0 }),
    )
  })
  expect(JSON.parse(stdout)).toMatchObject({ verdict: 'valid', tentativeHeights: 0 })
  expect(status).toBe(0)
}

describe('the command', () => {
  it('[EPO-5] [EPO-9] [EPO-13] lets a fourth party in while the three write without a break, and nothing final is lost', {
    timeout: 170_000,
  }, async () => {
    const three = cluster.nodes.slice(0, 3)
    const [first, second, third, fourth] = cluster.nodes as Five
    const fields = Array.from({ length: 24 }, (_, index) => `F${index}`)
    const document = Object.fromEntries(fields.map((field) => [field, '0']))
    const id = await contractOf(three, 'Slip', document)
    const writers = new Writers(three, id, fields)
    await until('every writer has begun', async () => writers.written.size === fields.length)
    try {
      await writers.goOn(2)
      const asked = await ran(first, 'member', 'invite', 'Slip', fourth.name, '--older')
      expect(asked).toContain('✓ final')
      expect(asked).toContain(`${first.name} invites ${fourth.name} as a member`)
      expect(asked).toContain(`waiting for  yes of ${second.name} since`)
      await writers.goOn(1)
      await sayYes(second, id, fourth)
      const open = await ran(third, 'contract', 'show', 'Slip')
      expect(open).toContain(`waiting for  yes of ${third.name} since`)
      await sayYes(third, id, fourth)
      const before = writers.ids.length
      await accept(fourth, id)
      expect(writers.ids.length, 'written while it came in').toBeGreaterThan(before)
      await writers.goOn(2)
    } finally {
      await writers.stop()
    }
    expect(writers.faults).toEqual([])
    const all = [...three, fourth]
    const { recordHash } = await cluster.equal(id, 1, all)
    expect((await view(fourth, id)).recordHash).toBe(recordHash)
    expect(await namesIn(fourth, id)).toEqual(all.map(({ name }) => name))
    for (const node of all) {
      const held = await requestsAt(node, id)
      expect(writers.ids.filter((one) => held.get(one) !== 'final accepted')).toEqual([])
      for (const [field, value] of writers.written) expect(await node.read(id, field)).toBe(value)
    }
    expect((await fourth.put(id, 'F0', 'from the fourth')).status).toBe(200)
    const listed = await ran(third, 'member', 'list', 'Slip')
    expect(listed).toMatch(/epoch 1, since height \d+; this party: member/)
    expect(listed).toMatch(
      new RegExp(`${fourth.name} +${fourth.party.slice(0, 16)} +member +1 +1 +connected`),
    )
    const bundle = join(cluster.root, 'slip.bundle')
    await ran(fourth, 'export', 'Slip', '-o', bundle)
    await verifies(bundle, all)
  })

  it('[EPO-7] [EPO-12] lets two in that are invited at the same moment by different members, and one go', {
    timeout: 170_000,
  }, async () => {
    const [first, second, third, fourth, fifth] = cluster.nodes as Five
    const id = await contractOf([first, second, third], 'Order', { Amount: '10' })
    const short = id.slice(0, 16)
    expect((await first.put(id, 'Amount', '11')).status).toBe(200)
    await Promise.all([
      ran(first, 'member', 'invite', short, fourth.name),
      ran(second, 'member', 'invite', short, fifth.party),
    ])
    expect((await run(first, 'member', 'vote', short, 'Nobody', 'yes')).stderr).toContain(
      'knows no open change',
    )
    expect((await run(first, 'member', 'vote', short, fifth.name, 'maybe')).stderr).toContain('yes or no')
    await Promise.all([sayYes(first, id, fifth), sayYes(second, id, fourth)])
    await Promise.all([sayYes(third, id, fourth), sayYes(third, id, fifth)])
    const waited = await ran(third, 'member', 'list', short, '--json')
    expect(JSON.parse(waited)).toMatchObject({ changes: [{ stage: 'accepting' }, { stage: 'accepting' }] })
    await until('the fifth reads the ledger', async () => (await fifth.contract(id)) !== undefined)
    await fifth.kill('SIGKILL')
    await fifth.start()
    await acceptAll([fourth, fifth], id)
    for (const node of cluster.nodes)
      await until(`all five at ${node.name}`, async () => (await view(node, id)).epoch === 2)
    expect(await namesIn(first, id)).toHaveLength(5)
    for (const [index, node] of cluster.nodes.entries())
      expect((await node.put(id, 'Amount', `${20 + index}`)).status).toBe(200)
    await cluster.equal(id, 1)
    expect(await ran(third, 'contract', 'show', short, '--height', '0')).toContain('10')
    const before = await run(fifth, 'contract', 'show', short, '--height', '0')
    expect([before.code, before.stderr], 'it was invited without --older').toEqual([
      2,
      expect.stringContaining('from before this party came in'),
    ])

    const asked = await run(third, 'member', 'leave', short)
    expect([asked.code, asked.stdout]).toEqual([2, ''])
    expect(asked.stderr).toContain('--yes')
    expect(await ran(third, 'member', 'leave', short, '--yes')).toContain('left')
    expect((await run(third, 'contract', 'set', short, 'Amount', '30')).stderr).toContain('has left')
    const staying = [first, second, fourth, fifth]
    for (const node of staying)
      await until(`four at ${node.name}`, async () => (await namesIn(node, id)).length === 4)
    expect((await fifth.put(id, 'Amount', '31')).status).toBe(200)
    await cluster.equal(id, 1, staying)
    expect(await third.read(id, 'Amount'), 'it reads what it had').toBe('24')
    const bundle = join(cluster.root, 'order.bundle')
    await ran(fifth, 'export', short, '-o', bundle)
    await verifies(bundle, cluster.nodes)
  })

  it('[EPO-2] [EPO-5] shows an observer all and lets it write nothing; a policy is shown and asked for', {
    timeout: 170_000,
  }, async () => {
    const [first, second, third] = cluster.nodes as Five
    const id = await contractOf([first, second], 'Watched', { Amount: '10' })
    const short = id.slice(0, 16)
    await ran(first, 'member', 'invite', short, third.name, '--observer', '--older', '--expires', '2')
    await sayYes(second, id, third)
    await accept(third, id)
    expect((await first.put(id, 'Amount', '11')).status).toBe(200)
    await until('the observer reads it', async () => (await third.read(id, 'Amount')) === '11')
    expect(await ran(third, 'contract', 'list')).toContain('observer')
    const refused = await run(third, 'contract', 'set', short, 'Amount', '12')
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('observer')])

    expect(await ran(first, 'policy', short)).toContain(
      'ordered by majority (2); any member invites, every member lets in; no lapse by silence',
    )
    expect((await run(first, 'policy', short, '--silence', 'soon')).stderr).toContain('36h')
    expect((await run(first, 'policy', short, '--quorum', 'two')).stderr).toContain('bad-request')
    const proposed = await ran(first, 'policy', short, '--silence', '2d', '--admit', 'quorum')
    expect(proposed).toContain('lapse after 172800 s of silence instead of no lapse by silence')
    expect(proposed).toContain('a quorum lets in instead of every member lets in')
    await until('it is seen', async () => (await view(second, id)).changes.length === 1)
    await ran(second, 'member', 'vote', short, 'policy', 'yes')
    await until('it is in force', async () => (await view(second, id)).epoch === 2)
    expect(await ran(second, 'policy', short)).toContain('a quorum lets in; lapse after 2d of silence')
    const innocent = await run(first, 'member', 'remove', short, second.name)
    expect([innocent.code, innocent.stderr]).toEqual([2, expect.stringContaining('no evidence against')])
    for (const command of [[], ['list'], ['invite'], ['vote'], ['leave'], ['remove']])
      expect((await run(first, 'member', ...command, '--help')).stdout).toContain('Usage: countersign member')
    expect((await run(first, 'policy', '--help')).stdout).toContain('Usage: countersign policy')
  })
})
