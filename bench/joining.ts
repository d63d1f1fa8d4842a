/**
 * `npm run bench -- --joining`: the last member comes in while clients of the others write without a break. A write counts when
 * it is final at the node that it was made at.
 */
import { Agent, request } from 'node:http'
import { NodeClient } from '../src/cli/client.ts'
import { pause } from './measure.ts'

export type JoiningMember = { directory: string; apiPort: number; party: string }

/** Writes of one stretch of time. longestGapMs: between two that became final one after the other. */
type Stretch = { seconds: number; writes: number; writesPerSecond: number; longestGapMs: number }
export type JoiningReport = {
  members: number
  clients: number
  before: Stretch
  during: Stretch
  after: Stretch
  writes: number
  errors: number
  /** Acknowledged as final, and not final and accepted at every node in the end. */
  lost: number
}
type Options = { clients: number; seconds: number; warmupSeconds: number; valueBytes: number }
type Standing = { part: string; status: string; epoch: number; finalHeight: number; height: number }
type Answer = { id: string; stage: string; outcome: string }

export async function joining(
  members: readonly JoiningMember[],
  { clients, seconds, warmupSeconds, valueBytes }: Options,
  say: (text: string) => void,
): Promise<JoiningReport> {
  const founders = members.slice(0, -1)
  const guest = members.at(-1) as JoiningMember
  const id = await contractOf(founders, clients)
  const acknowledged: { id: string; atMs: number }[] = []
  const agent = new Agent({ keepAlive: true })
  let errors = 0
  let isOver = false
  const write = async (index: number): Promise<void> => {
    const member = founders[index % founders.length] as JoiningMember
    const { bearer } = new NodeClient(member.directory)
    for (let round = 1; !isOver; round += 1) {
      const value = `${index}.${round} `.padEnd(valueBytes, 'x')
      const answer = await put(agent, member.apiPort, bearer, `/records/${id}/f${index}`, value)
      if (answer?.stage === 'final' && answer.outcome === 'accepted')
        acknowledged.push({ id: answer.id, atMs: performance.now() })
      else if (!isOver) {
        errors += 1
        await pause(50)
      }
    }
  }
  const writers = Array.from({ length: clients }, (_, index) => write(index))
  await pause(warmupSeconds * 1000)
  const beforeMs = performance.now()
  say(`${clients} client(s) write at ${founders.length} nodes for ${seconds} s; then one more comes in …`)
  await pause(seconds * 1000)
  const duringMs = performance.now()
  await bringIn(founders, guest, id)
  const afterMs = performance.now()
  await pause(seconds * 1000)
  const endMs = performance.now()
  isOver = true
  await Promise.all(writers)
  agent.destroy()
  await settled(members, id)
  const stretch = (fromMs: number, toMs: number): Stretch => {
    const times = acknowledged.map(({ atMs }) => atMs).filter((atMs) => atMs >= fromMs && atMs < toMs)
    const marks = [fromMs, ...times, toMs]
    const gaps = marks.slice(1).map((mark, index) => mark - (marks[index] as number))
    const lasted = (toMs - fromMs) / 1000
    return {
      seconds: Math.round(lasted * 100) / 100,
      writes: times.length,
      writesPerSecond: Math.round((times.length / lasted) * 10) / 10,
      longestGapMs: Math.round(Math.max(...gaps)),
    }
  }
  return {
    members: members.length,
    clients,
    before: stretch(beforeMs, duringMs),
    during: stretch(duringMs, afterMs),
    after: stretch(afterMs, endMs),
    writes: acknowledged.length,
    errors,
    lost: await lostOf(members, id, new Set(acknowledged.map((one) => one.id))),
  }
}

/** The report as lines for people. */
export function joiningLines({ before, during, after, writes, errors, lost }: JoiningReport): string[] {
  const line = (name: string, { seconds, writesPerSecond, longestGapMs }: Stretch): string =>
    `${name.padEnd(30)}${writesPerSecond}/s for ${seconds} s, longest without a final ${longestGapMs} ms`
  return [
    line('before', before),
    line('while it comes in', during),
    line('after, with it', after),
    `${'writes final at all nodes'.padEnd(30)}${writes - lost} of ${writes}; lost ${lost}, errors ${errors}`,
  ]
}

function put(
  agent: Agent,
  port: number,
  bearer: string,
  path: string,
  value: string,
): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const headers = {
      authorization: `Bearer ${bearer}`,
      'content-type': 'text/plain',
      'content-length': value.length,
      prefer: 'wait=60',
    }
    const sent = request({ agent, host: '127.0.0.1', port, path, method: 'PUT', headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve(response.statusCode === 200 ? JSON.parse(text) : undefined))
    })
    sent.on('error', () => resolve(undefined))
    sent.end(value)
  })
}

const standing = (member: JoiningMember, id: string): Promise<Standing> =>
  new NodeClient(member.directory).get(`/api/contracts/${id}`)

/** Waits until it is so. */
async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1200; tries += 1) {
    if (await condition().catch(() => false)) return
    await pause(100)
  }
  throw new Error(`it never came: ${what}`)
}

async function contractOf(founders: readonly JoiningMember[], fields: number): Promise<string> {
  const [first, ...others] = founders as [JoiningMember, ...JoiningMember[]]
  const document = Object.fromEntries(Array.from({ length: fields }, (_, index) => [`f${index}`, '']))
  const body = JSON.stringify({ name: 'joining', with: others.map(({ party }) => party), document })
  const { id } = await new NodeClient(first.directory).post<{ id: string }>('/api/contracts', body)
  for (const member of others)
    await until('a member accepts', () =>
      new NodeClient(member.directory).post(`/api/contracts/${id}/accept`).then(() => true),
    )
  await until('the contract is final', async () =>
    (await Promise.all(founders.map((member) => standing(member, id)))).every(
      ({ finalHeight }) => finalHeight >= 0,
    ),
  )
  return id
}

async function bringIn(founders: readonly JoiningMember[], guest: JoiningMember, id: string): Promise<void> {
  const [first, ...others] = founders as [JoiningMember, ...JoiningMember[]]
  const invitation = JSON.stringify({ op: 'invite', party: guest.party, older: true })
  const made = await new NodeClient(first.directory).post<Answer>(`/api/contracts/${id}/changes`, invitation)
  await Promise.all(
    others.map(({ directory }) =>
      new NodeClient(directory).post(`/api/contracts/${id}/changes/${made.id}/vote`, '{"yes":true}'),
    ),
  )
  await until('it is let in', async () => (await standing(guest, id)).part === 'guest')
  await new NodeClient(guest.directory).post(`/api/contracts/${id}/accept`)
  await until('it is in', async () =>
    (await Promise.all([...founders, guest].map((member) => standing(member, id)))).every(
      ({ epoch, part }) => epoch === 1 && part === 'member',
    ),
  )
}

/** All nodes hold the same, and all of it is final. */
function settled(members: readonly JoiningMember[], id: string): Promise<void> {
  return until('all nodes hold the same', async () => {
    const views = await Promise.all(members.map((member) => standing(member, id)))
    return views.every(({ finalHeight, height }) => finalHeight === height && height === views[0]?.height)
  })
}

/** How many of these requests are not final and accepted at some node. */
async function lostOf(
  members: readonly JoiningMember[],
  id: string,
  acknowledged: ReadonlySet<string>,
): Promise<number> {
  type Page = { requests: Answer[]; nextCursor?: string }
  const lost = new Set<string>()
  for (const { directory } of members) {
    const missing = new Set(acknowledged)
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      const query = cursor === '' ? 'limit=1000' : `limit=1000&cursor=${cursor}`
      const page: Page = await new NodeClient(directory).get<Page>(`/api/contracts/${id}/requests?${query}`)
      for (const one of page.requests)
        if (one.stage === 'final' && one.outcome === 'accepted') missing.delete(one.id)
      cursor = page.nextCursor
    }
    for (const one of missing) lost.add(one)
  }
  return lost.size
}
