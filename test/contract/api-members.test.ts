/** Members that come and go, over HTTP between real nodes: what is asked for, who is waited for, how it ends (EPO-1…). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as schemas from '../../src/api/schemas.ts'
import { paths, readOwnCard } from '../../src/cli/directory.ts'
import { cosign } from '../../src/ledger/checkpoint.ts'
import { loadKeys } from '../../src/signer/keys.ts'
import { type Answer, type RunningNode, type RunningNodes, startNodes, until } from '../support/nodes.ts'

let nodes: RunningNodes
beforeAll(async () => {
  nodes = await startNodes(4)
})
afterAll(() => nodes.close())

type Problem = { code: string; detail: string; advice: string }

const members = async (one: RunningNode, id: string) =>
  schemas.membersView.parse((await one.get(`/api/contracts/${id}/members`)).json())
const details = async (one: RunningNode, id: string) =>
  schemas.contractDetails.parse((await one.get(`/api/contracts/${id}`)).json())
const change = (one: RunningNode, id: string, body: object, headers = {}) =>
  one.send('POST', `/api/contracts/${id}/changes`, body, headers)
const vote = (one: RunningNode, id: string, which: string, yes = true) =>
  one.send('POST', `/api/contracts/${id}/changes/${which}/vote`, { yes })
const idOf = (answer: Answer): string => {
  expect(answer.status, answer.text).toBe(200)
  return answer.json<{ id: string }>().id
}
const names = (list: readonly { name: string }[]): string[] => list.map(({ name }) => name)

/** A contract of the first three, final at all of them. */
async function contractOfThree(name: string): Promise<string> {
  const [first, ...others] = nodes.all.slice(0, 3) as [RunningNode, ...RunningNode[]]
  const body = { name, with: others.map(({ party }) => party), document: { Amount: '10' } }
  const { id } = (await first.send('POST', '/api/contracts', body)).json<{ id: string }>()
  for (const one of others) {
    await until(() => one.node.engine.replicas.has(id))
    expect((await one.call('POST', `/api/contracts/${id}/accept`)).status).toBe(200)
  }
  for (const one of [first, ...others]) await nodes.final(one, id, 0)
  return id
}

/** Waits until an open change is seen at a node, and gives it as that sees it. */
async function seen(one: RunningNode, id: string, which: string): Promise<schemas.ChangeView> {
  let found: schemas.ChangeView | undefined
  await until(async () => {
    found = (await members(one, id)).changes.find((open) => open.change === which)
    return found !== undefined
  })
  return found as schemas.ChangeView
}

/** The fourth comes in, with the yes of all three. */
async function letIn(id: string, more: object = {}): Promise<void> {
  const [first, second, third, fourth] = nodes.all as [RunningNode, RunningNode, RunningNode, RunningNode]
  const invited = idOf(await change(first, id, { op: 'invite', party: fourth.party, older: true, ...more }))
  for (const one of [second, third]) {
    await seen(one, id, invited)
    expect((await vote(one, id, invited)).status).toBe(200)
  }
  await until(() => fourth.node.engine.replicas.get(id)?.epochs.part === 'guest')
  expect((await fourth.call('POST', `/api/contracts/${id}/accept`)).status).toBe(200)
  await until(async () => (await members(fourth, id)).epoch > 0)
}

describe('an invitation', () => {
  it('[EPO-1] [EPO-5] is shown with who asks and who is waited for until the party is in, and reads and writes like all', async () => {
    const [first, second, third, fourth] = nodes.all as [RunningNode, RunningNode, RunningNode, RunningNode]
    const id = await contractOfThree('Slip')
    const before = await members(first, id)
    expect(before).toMatchObject({ epoch: 0, sinceHeight: 0, standing: 'member', quorum: 2, changes: [] })
    expect(before.members.map(({ card, sinceEpoch }) => [card, sinceEpoch])).toEqual([
      [1, 0],
      [1, 0],
      [1, 0],
    ])
    const asked = { op: 'invite', party: fourth.party, role: 'member', older: true }
    const answer = await change(first, id, asked, { 'idempotency-key': 'invite-4' })
    const invited = idOf(answer)
    expect(answer.json()).toMatchObject({ stage: 'final', outcome: 'accepted' })
    expect(answer.headers.get('content-location')).toBe(`/api/contracts/${id}/requests/${invited}`)
    const again = await change(first, id, asked, { 'idempotency-key': 'invite-4' })
    expect(idOf(again), 'the same key is the same invitation').toBe(invited)
    const other = await change(first, id, { ...asked, older: false }, { 'idempotency-key': 'invite-4' })
    expect(other.json<Problem>().code).toBe('key-reused')

    const open = await seen(second, id, invited)
    expect(open).toMatchObject({
      op: 'invite',
      text: 'Party 1 invites Party 4 as a member, with the former values too',
      stage: 'voting',
      yes: [{ name: 'Party 1' }],
    })
    expect(names(open.waitingFor)).toEqual(['Party 2', 'Party 3'])
    expect(open.waitingFor.every(({ sinceMs }) => sinceMs === open.proposedMs)).toBe(true)
    expect((open.expiresMs ?? 0) - open.proposedMs).toBeGreaterThan(29 * 24 * 3_600_000)
    const twice = await change(second, id, asked)
    expect([twice.status, twice.json<Problem>().code]).toEqual([409, 'conflicted'])
    expect(twice.json<Problem>().detail).toContain('is invited already')
    expect(twice.json<Problem>().detail).toContain('(already-in)')

    expect((await vote(second, id, invited)).status).toBe(200)
    await until(async () => names((await seen(third, id, invited)).waitingFor).join() === 'Party 3')
    expect((await fourth.get(`/api/contracts/${id}`)).status, 'shown nothing before all have said yes').toBe(
      404,
    )
    expect((await vote(third, id, invited)).status).toBe(200)
    await until(async () => (await seen(first, id, invited)).stage === 'accepting')
    expect(names((await details(first, id)).changes[0]?.waitingFor ?? [])).toEqual(['Party 4'])
    await until(() => fourth.node.engine.replicas.get(id)?.epochs.part === 'guest')
    expect(await details(fourth, id)).toMatchObject({
      status: 'invited',
      part: 'guest',
      standing: 'let in: accept it',
      members: [{ name: 'Party 1' }, { name: 'Party 2' }, { name: 'Party 3' }],
    })
    expect((await members(first, id)).guests).toMatchObject([{ name: 'Party 4', accepted: false }])
    const read = async () => (await fourth.get(`/records/${id}/Amount`, { accept: 'text/plain' })).text
    await until(async () => (await read()) === '10')
    expect((await fourth.put(`/records/${id}/Amount`, '11')).json<Problem>().code).toBe('conflict')
    expect((await fourth.call('POST', `/api/contracts/${id}/accept`)).status).toBe(200)
    for (const one of nodes.all) await until(async () => (await details(one, id)).epoch === 1)

    const after = await members(third, id)
    expect(names(after.members)).toEqual(['Party 1', 'Party 2', 'Party 3', 'Party 4'])
    expect(after.members.at(-1)).toMatchObject({
      sinceEpoch: 1,
      olderValues: true,
      pinned: true,
      leaving: false,
    })
    expect(after).toMatchObject({ quorum: 3, guests: [], changes: [] })
    const written = await fourth.put(`/records/${id}/Amount`, '12')
    expect(written.json()).toMatchObject({ stage: 'final', outcome: 'accepted' })
    expect(names(written.json<{ dialogues: { name: string }[] }>().dialogues)).toContain('Party 4')
    const [last, { turn }] = [
      (await details(first, id)).height,
      (await first.get(`/api/contracts/${id}/ledger-blocks/${after.sinceHeight - 1}`)).json<{
        turn: { epoch: number; change: string; members: string[] }
      }>(),
    ]
    expect(last).toBeGreaterThan(after.sinceHeight - 1)
    expect(turn).toMatchObject({ epoch: 1, change: invited, members: nodes.all.map(({ party }) => party) })
    for (const one of nodes.all) await nodes.final(one, id, last)
    const hashes = await Promise.all(nodes.all.map(async (one) => (await details(one, id)).recordHash))
    expect(new Set(hashes).size).toBe(1)
  })

  it('[EPO-5] takes the pinning of both sides: nobody invites, lets in or joins whom it could not talk with', async () => {
    const lone = await startNodes(1)
    try {
      const [first, second, third] = nodes.all as [RunningNode, RunningNode, RunningNode]
      const stranger = lone.at(0)
      const id = await contractOfThree('Strangers')
      const asked = { op: 'invite', party: stranger.party }
      const unknown = await change(first, id, asked)
      expect([unknown.status, unknown.json<Problem>().code]).toEqual([404, 'unknown-party'])
      expect(unknown.json<Problem>().detail).toContain('countersign peer add')
      const { card } = readOwnCard(stranger.directory)
      first.node.pin(card)
      const invited = idOf(await change(first, id, asked))
      await seen(second, id, invited)
      const unpinned = await vote(second, id, invited)
      expect(unpinned.json<Problem>()).toMatchObject({ code: 'unknown-party' })
      expect(unpinned.json<Problem>().detail).toContain('invited party “Party 1”')
      second.node.pin(card)
      third.node.pin(card)
      idOf(await vote(second, id, invited))
      idOf(await vote(third, id, invited))
      // It has pinned one of the three: by that one's word it reads the ledger, and sees whom else it would deal with.
      stranger.node.pin(readOwnCard(first.directory).card)
      await until(() => stranger.node.engine.replicas.get(id)?.epochs.part === 'guest')
      const early = await stranger.call('POST', `/api/contracts/${id}/accept`)
      expect(early.json<Problem>().code).toBe('unknown-party')
      expect((await members(stranger, id)).members.map(({ pinned }) => pinned)).toEqual([true, false, false])
      for (const one of [second, third]) stranger.node.pin(readOwnCard(one.directory).card)
      expect((await stranger.call('POST', `/api/contracts/${id}/accept`)).status).toBe(200)
      await until(async () => (await members(stranger, id)).epoch === 1)
      expect(idOf(await stranger.put(`/records/${id}/Amount`, '5'))).toBeTypeOf('string')
    } finally {
      await lone.close()
    }
  })

  it('[EPO-5] is taken back by one no, and what is sent wrongly is refused in words', async () => {
    const [first, second, , fourth] = nodes.all as [RunningNode, RunningNode, RunningNode, RunningNode]
    const id = await contractOfThree('No')
    const invited = idOf(
      await change(first, id, { op: 'invite', party: fourth.party, expires: '2199-01-01' }).then(
        async (answer) => {
          expect([answer.status, answer.json<Problem>().code]).toEqual([422, 'rejected'])
          expect(answer.json<Problem>().detail).toContain('more than 180 days')
          const expires = new Date(Date.now() + 3 * 24 * 3_600_000).toISOString()
          return change(first, id, { op: 'invite', party: fourth.party, expires })
        },
      ),
    )
    await seen(second, id, invited)
    idOf(await vote(second, id, invited, false))
    await until(async () => (await members(first, id)).changes.length === 0)
    const gone = await vote(first, id, invited)
    expect([gone.status, gone.json<Problem>().code]).toEqual([404, 'not-found'])
    for (const [body, code] of [
      [{ op: 'invite' }, 'bad-request'],
      [{ op: 'invite', party: fourth.party, expires: '2020-01-01' }, 'bad-request'],
      [{ op: 'invite', party: fourth.party, expires: 'soon' }, 'bad-request'],
      [{ op: 'marry', party: fourth.party }, 'bad-request'],
      [{ op: 'policy', policy: {} }, 'bad-request'],
      [{ op: 'policy', policy: { quorum: 'majority' } }, 'bad-request'],
      [{ op: 'remove', party: second.party }, 'not-found'],
      [{ op: 'remove', party: fourth.party }, 'not-found'],
    ] as const)
      expect((await change(first, id, body)).json<Problem>().code, JSON.stringify(body)).toBe(code)
    const none = await change(first, '0'.repeat(64), { op: 'leave' })
    expect(none.json<Problem>().code).toBe('unknown-contract')
  })
})

describe('an invitation that nobody answers', () => {
  it('[EPO-6] lapses, is open no more, and the party may be invited again', async () => {
    const [first, second, , fourth] = nodes.all as [RunningNode, RunningNode, RunningNode, RunningNode]
    const id = await contractOfThree('Lapse')
    let invited: Answer | undefined
    // On a busy machine it may have lapsed before it is ordered; then it is given longer.
    for (let lastingMs = 2000; invited?.status !== 200; lastingMs *= 2) {
      const expires = new Date(Date.now() + lastingMs).toISOString()
      invited = await change(first, id, { op: 'invite', party: fourth.party, expires })
      if (invited.status !== 200) expect(invited.json<Problem>().detail).toContain('(bad-expiry)')
    }
    const which = idOf(invited)
    // The nodes' own clocks take it from the record, in a block of its own.
    for (const one of [first, second]) await until(async () => (await members(one, id)).changes.length === 0)
    const late = await vote(second, id, which)
    expect([late.status, late.json<Problem>().code]).toEqual([404, 'not-found'])
    const again = idOf(await change(second, id, { op: 'invite', party: fourth.party }))
    expect((await members(second, id)).changes.map((open) => open.change)).toEqual([again])
  })
})

describe('a policy', () => {
  it('[EPO-5] is asked for in parts, voted on and in force after its turn', async () => {
    const [first, second, third] = nodes.all as [RunningNode, RunningNode, RunningNode]
    const id = await contractOfThree('Policy')
    const policy = { quorum: 'unanimous', silenceMs: 3_600_000 }
    const asked = idOf(await change(first, id, { op: 'policy', policy }))
    expect(await seen(second, id, asked)).toMatchObject({
      text: 'Party 1 asks for another policy: quorum unanimous instead of quorum majority; lapse after 3600 s of silence instead of no lapse by silence',
      stage: 'voting',
    })
    const second_ = await change(second, id, { op: 'policy', policy: { quorum: 'bft' } })
    expect(second_.json<Problem>().detail).toContain('another policy is open')
    for (const one of [second, third]) {
      await seen(one, id, asked)
      idOf(await vote(one, id, asked))
    }
    for (const one of [first, second, third])
      await until(async () => (await members(one, id)).policy.quorum === 'unanimous')
    expect(await members(first, id)).toMatchObject({ epoch: 1, quorum: 3, policy })
    expect((await details(second, id)).policy).toMatchObject(policy)
  })
})

describe('who leaves, and who only looks on', () => {
  it('[EPO-12] is answered when it is out; the others go on without it', async () => {
    const [first, second, third] = nodes.all as [RunningNode, RunningNode, RunningNode]
    const id = await contractOfThree('Leaving')
    idOf(await first.put(`/records/${id}/Amount`, '11'))
    await nodes.final(third, id, 1)
    const out = await change(third, id, { op: 'leave' }, { 'idempotency-key': 'leave' })
    expect([out.status, out.json()]).toMatchObject([200, { stage: 'tentative', outcome: 'accepted' }])
    expect((await change(third, id, { op: 'leave' }, { 'idempotency-key': 'leave' })).status).toBe(200)
    const left = await details(third, id)
    expect(left).toMatchObject({ status: 'left', part: 'out', standing: 'left: reads what it has' })
    expect((await third.put(`/records/${id}/Amount`, '12')).json<Problem>()).toMatchObject({
      code: 'conflict',
    })
    expect((await change(third, id, { op: 'leave' })).json<Problem>().code).toBe('conflict')
    await until(async () => names((await members(first, id)).members).join() === 'Party 1,Party 2')
    idOf(await second.put(`/records/${id}/Amount`, '13'))
    expect((await details(third, id)).finalHeight, 'it reports nothing after as final').toBe(left.finalHeight)
    const back = await change(first, id, { op: 'invite', party: third.party })
    expect(back.json<Problem>()).toMatchObject({ code: 'conflict' })
    expect(back.json<Problem>().detail).toContain('has left')
    const proof = await first.get(`/records/${id}/Amount/$proof?height=1`)
    const { checkpoints } = proof.json<{ checkpoints: { note: string }[] }>()
    expect(checkpoints.map(({ note }) => note).join(), 'what it signed still counts').toContain(third.party)
    // Who wrote the first value is still known by name.
    const { requests } = (await first.get(`/api/contracts/${id}/requests`)).json<{
      requests: { authorName: string }[]
    }>()
    expect(requests.map(({ authorName }) => authorName)).toContain('Party 3')
  })

  it('[EPO-4] [EVI-1] is taken out against its will by evidence held against it, and by nothing else', async () => {
    const [first, second, third] = nodes.all as [RunningNode, RunningNode, RunningNode]
    const id = await contractOfThree('Liar')
    const { size = 0 } = first.node.engine.replica(id).finality.highest(third.party) ?? {}
    const forged = { root: '1'.repeat(64), block: '2'.repeat(64), stateRoot: '3'.repeat(64) }
    const { cosign: key } = loadKeys(paths(third.directory).keys)
    const checkpoint = { contract: id, lineage: 0, epoch: 0, size, ...forged }
    // What its node would send if it lied.
    const cosignature = cosign(key.privateKey, third.party, checkpoint, 1)
    third.node.engine.send(id, first.party, { type: 'COSIGN', cosignature })
    idOf(await third.put(`/records/${id}/Amount`, '2'))
    await until(async () => (await details(first, id)).evidence.length > 0)
    const removed = await change(first, id, { op: 'remove', party: third.party })
    expect(removed.json(), removed.text).toMatchObject({ stage: 'final', outcome: 'accepted' })
    for (const one of [first, second])
      await until(async () => names((await members(one, id)).members).join() === 'Party 1,Party 2')
    await until(async () => (await details(third, id)).status === 'left')
    idOf(await second.put(`/records/${id}/Amount`, '3'))
  })

  it('[EPO-2] reads everything as final, and writes and votes nothing', async () => {
    const [first, , , fourth] = nodes.all as [RunningNode, RunningNode, RunningNode, RunningNode]
    const id = await contractOfThree('Observed')
    await letIn(id, { role: 'observer' })
    expect(await members(fourth, id)).toMatchObject({
      standing: 'observer',
      observers: [{ name: 'Party 4' }],
    })
    expect((await details(first, id)).observers).toEqual([{ party: fourth.party, name: 'Party 4' }])
    idOf(await first.put(`/records/${id}/Amount`, '20'))
    await until(async () => (await fourth.get(`/records/${id}/Amount`)).text.includes('20'))
    for (const refused of [
      await fourth.put(`/records/${id}/Amount`, '21'),
      await change(fourth, id, { op: 'policy', policy: { quorum: 'bft' } }),
    ])
      expect([refused.status, refused.json<Problem>().code]).toEqual([403, 'forbidden'])
    const out = await change(fourth, id, { op: 'leave' })
    expect(out.status, out.text).toBe(200)
    await until(async () => (await members(first, id)).observers.length === 0)
  })
})

describe('live events', () => {
  it('[EPO-7] tell that members were asked about, an epoch began, this party is out; a reader that was away, too', async () => {
    const [first, second, third, fourth] = nodes.all as [RunningNode, RunningNode, RunningNode, RunningNode]
    const id = await contractOfThree('Events')
    const reader = new AbortController()
    const { headers, text } = await readEvents(third, id, reader.signal)
    expect(headers.get('content-type')).toContain('text/event-stream')
    await until(() => text().includes('\nid: '))
    const cursor = /\nid: (\S+)/.exec(text())?.[1] as string
    await letIn(id)
    const asked = `"subject":"/api/contracts/${id}/members"`
    await until(() => text().includes('event: turned'))
    expect(text()).toContain(asked)
    const told = eventsIn(text()).find(({ type }) => type === 'turned')
    expect(told).toMatchObject({ contract: id, epoch: 1, members: nodes.all.map(({ party }) => party) })
    const gone = await change(third, id, { op: 'leave' })
    expect(gone.status, gone.text).toBe(200)
    await until(() => text().includes('event: left'))
    reader.abort()

    const late = new AbortController()
    const back = await readEvents(third, id, late.signal, cursor)
    await until(() => back.text().includes('event: left'))
    const turned = eventsIn(back.text()).filter(({ type }) => type === 'turned')
    expect(turned.map(({ epoch }) => epoch)).toEqual([1, 2])
    expect(turned[1]?.members).toEqual([first.party, second.party, fourth.party])
    late.abort()
  })
})

type Told = { type: string; contract: string; epoch?: number; members?: string[] }
function eventsIn(text: string): Told[] {
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data as string) as Told)
}

async function readEvents(one: RunningNode, contract: string, signal: AbortSignal, cursor?: string) {
  const response = await fetch(`${one.url}/api/events?contract=${contract}`, {
    headers: { authorization: `Bearer ${one.token}`, ...(cursor && { 'last-event-id': cursor }) },
    signal,
  })
  let held = ''
  void (async () => {
    try {
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>)
        held += new TextDecoder().decode(chunk)
    } catch {
      // Aborted: nothing more is wanted.
    }
  })()
  return { headers: response.headers, text: () => held }
}
