/**
 * Private values over HTTP, between real nodes: who may see them reads them, everybody else is told who may, and no byte of them is
 * on the disk of a node that may not.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { elementPage, fullView } from '../../src/api/element-schemas.ts'
import { requestStatusView } from '../../src/api/request-schemas.ts'
import * as rules from '../../src/api/rules/view-schemas.ts'
import { blockDetails, contractDetails } from '../../src/api/schemas.ts'
import { differencePage, historyPage, reportPage } from '../../src/api/schemas-time.ts'
import { type Answer, type RunningNode, type RunningNodes, startNodes, until } from '../support/nodes.ts'

let nodes: RunningNodes
let ada: RunningNode
let ben: RunningNode
let cyd: RunningNode
let newcomer: RunningNode
beforeAll(async () => {
  nodes = await startNodes(4)
  ;[ada, ben, cyd, newcomer] = nodes.all as [RunningNode, RunningNode, RunningNode, RunningNode]
})
afterAll(() => nodes.close())

const DOCUMENT = {
  Bid: 'none',
  Limit: '0',
  Public: 'seen by all',
  Secret: { Paper: null },
  Costs: [{ Cost: null }, { Cost: null }, { Cost: null }],
  Total: null,
}
type Problem = { code: string; detail: string; context: Record<string, unknown> }
const problem = (answer: Answer): Problem => answer.json<Problem>()
type Status = { id: string; stage: string; height: number }
const names = (list: readonly { name: string }[] = []): string[] => list.map(({ name }) => name).sort()
const TEXT = { accept: 'text/plain' }

/** A contract of the first three, final at all of them, in which some fields have a type. */
async function contract(name: string): Promise<string> {
  const body = { name, with: [ben.party, cyd.party], document: DOCUMENT }
  const { id } = (await ada.send('POST', '/api/contracts', body)).json<{ id: string }>()
  for (const one of [ben, cyd]) {
    await until(() => one.node.engine.replicas.has(id))
    expect((await one.call('POST', `/api/contracts/${id}/accept`)).status).toBe(200)
  }
  const decimals = ['/Bid', '/Limit', '/Total', '/Costs[1]/Cost', '/Costs[2]/Cost', '/Costs[3]/Cost']
  const operations = decimals.map((set) => ({ set, type: 'decimal' }))
  await done(ada.send('POST', `/api/contracts/${id}/requests`, { operations }))
  await settled(id)
  return id
}

async function done(answer: Promise<Answer>): Promise<Answer> {
  const { status, text } = await answer
  expect([status, text]).toEqual([
    expect.toSatisfy((code) => code === 200 || code === 201),
    expect.any(String),
  ])
  return answer
}

/** Waits until the first three, or these, hold as final what one does. */
async function settled(id: string, all: readonly RunningNode[] = [ada, ben, cyd]): Promise<void> {
  const views = await Promise.all(all.map((one) => one.get(`/api/contracts/${id}`)))
  const height = Math.max(...views.map((one) => one.json<{ height: number }>().height))
  for (const one of all) await nodes.final(one, id, height)
}

/** Brings a rule into force; gives its UID. */
async function rule(id: string, body: object): Promise<string> {
  const at = `/api/contracts/${id}`
  const made = await done(ada.send('POST', `${at}/drafts`, { do: 'add', rule: body }))
  const [{ uid }] = made.json<{ made: [{ uid: string }] }>().made
  await settled(id)
  for (const one of [ben, cyd]) await done(one.send('POST', `${at}/votes`, { on: uid, yes: true }))
  await settled(id)
  await done(ada.send('POST', `${at}/publish`, { drafts: [uid] }))
  await settled(id)
  return uid
}

function seenBy(...parties: RunningNode[]) {
  return { kind: 'access', actions: ['see'], grants: parties.map(({ party }) => ({ party })) }
}

/** All that a node has on disk: database, its log, files, the signer’s journal. */
function bytesOf({ directory }: RunningNode): Buffer {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
  return Buffer.concat(
    files.flatMap((file) => (file.isFile() ? [readFileSync(join(file.parentPath, file.name))] : [])),
  )
}

function holds(
  one: RunningNode,
  opening: { salt: string; value: string },
): { salt: boolean; value: boolean } {
  one.node.engine.flush()
  const bytes = bytesOf(one)
  const forms = [Buffer.from(opening.salt), Buffer.from(opening.salt, 'base64url')]
  return { salt: forms.some((form) => bytes.includes(form)), value: bytes.includes(opening.value) }
}

async function openingOf(one: RunningNode, id: string, path: string) {
  const answer = await one.get(`/records/${id}${path}/$proof`)
  return answer.json<{ opening: { salt: string; value: string; of?: string } }>().opening
}

describe('drafts of rules on private values', () => {
  it('[RUL-12] are read as sentences; what can’t work is refused before it is signed', async () => {
    const id = await contract('drafts')
    const propose = (path: string, behaviour: object) =>
      ada.send('POST', `/api/contracts/${id}/drafts`, { do: 'add', rule: { path, behaviour } })
    const sum = { kind: 'aggregate', function: 'sum', over: 'Costs/Cost', reader: ada.party, atLeast: 2 }
    const untilMs = Date.UTC(2030, 0, 1)
    const seen = { ...seenBy(ada), grants: [{ party: ada.party }, { party: ben.party, untilMs }] }
    for (const [path, behaviour, sentence] of [
      ['Bid', seen, 'Only Party 1 and Party 2 (until 2030-01-01 00:00 UTC) may see what is in Bid.'],
      [
        'Total',
        sum,
        'Total is the sum of all Costs › Cost, computed by Party 1, who alone sees them all; everybody sees what it comes to, once at least 2 others have given theirs.',
      ],
    ] as const) {
      const made = await done(propose(path, behaviour))
      const [{ href }] = made.json<{ made: [{ href: string }] }>().made
      const view = rules.draftView.parse((await ada.get(`${href}?status=tentative`)).json())
      expect(view.sentence).toBe(sentence)
      expect(view.behaviour).toMatchObject({ kind: behaviour.kind })
    }
    expect((await propose('Total', { ...sum, atLeast: 1 })).status).toBe(400)
    expect((await propose('Total', { ...sum, function: 'average' })).status).toBe(400)
    expect((await propose('Total', { ...sum, over: 'Nothing' })).status).toBe(422)
  })
})

describe('a private value', () => {
  const VALUE = '7341552.19'
  let id: string
  let version: string
  let height: number
  let first: { salt: string; value: string }

  beforeAll(async () => {
    id = await contract('bids')
    for (const path of ['Bid', 'Secret']) await rule(id, { path, behaviour: seenBy(ada, ben) })
    height = (await done(ada.put(`/records/${id}/Bid`, VALUE))).json<Status>().height
    await settled(id)
    first = await openingOf(ada, id, '/Bid')
  })

  it('[VAL-4] [JUD-1] is read by those who may see it, who both signed for it', async () => {
    for (const one of [ada, ben]) {
      const read = await one.get(`/records/${id}/Bid`, TEXT)
      expect([read.status, read.text]).toEqual([200, VALUE])
      version = read.headers.get('etag') as string
    }
    const block = blockDetails.parse((await cyd.get(`/api/contracts/${id}/ledger-blocks/${height}`)).json())
    expect(block.entries.flatMap(({ judgedBy }) => names(judgedBy))).toEqual(['Party 1', 'Party 2'])
  })

  it('[VAL-4] is said to be private to everybody else, with who may see it', async () => {
    for (const accept of ['text/plain', 'application/json', 'application/xml']) {
      const read = await cyd.get(`/records/${id}/Bid`, { accept })
      expect([accept, read.status, problem(read).code]).toEqual([accept, 403, 'private-value'])
      expect(problem(read).detail).toMatch(/^\/Bid is private: Party [12], Party [12] may see what is in it$/)
      expect(names(problem(read).context.readers as { name: string }[])).toEqual(['Party 1', 'Party 2'])
    }
    for (const accept of ['application/json', 'application/xml']) {
      const whole = await cyd.get(`/records/${id}`, { accept })
      expect(whole.status).toBe(200)
      expect(whole.headers.get('countersign-private')).toMatch(/^\/Bid;readers="Party%20[12] Party%20[12]"$/)
      expect((await ada.get(`/records/${id}`, { accept })).headers.get('countersign-private')).toBeNull()
    }
    expect((await cyd.get(`/records/${id}`)).json()).toMatchObject({ Bid: null, Public: 'seen by all' })
    const full = fullView.parse((await cyd.get(`/api/contracts/${id}/full`)).json())
    const page = elementPage.parse((await cyd.get(`/api/contracts/${id}/elements`)).json())
    for (const list of [full.root.children ?? [], page.elements]) {
      const bid = list.find(({ name }) => name === 'Bid')
      expect(bid).toMatchObject({ type: 'decimal', notShown: true, version: JSON.parse(version) })
      expect([...(bid?.readers ?? [])]).toEqual([ada.party, ben.party].sort())
      expect(bid && 'value' in bid).toBe(false)
    }
    const seen = fullView.parse((await ben.get(`/api/contracts/${id}/full`)).json())
    expect(seen.root.children?.find(({ name }) => name === 'Bid')).toMatchObject({ value: VALUE })
  })

  it('[VAL-4] is left out of history, differences, reports and proofs', async () => {
    const uid = fullUid(await cyd.get(`/api/contracts/${id}/full`), 'Bid')
    const history = historyPage.parse((await cyd.get(`/api/contracts/${id}/elements/${uid}/history`)).json())
    const last = history.versions.at(-1)
    expect([last?.notShown, last?.value, names(last?.readers)]).toEqual([
      true,
      undefined,
      ['Party 1', 'Party 2'],
    ])
    const difference = differencePage.parse((await cyd.get(`/api/contracts/${id}/difference?from=0`)).json())
    const bid = difference.elements.find(({ path }) => path === '/Bid')
    expect([bid?.new?.notShown, names(bid?.new?.readers)]).toEqual([true, ['Party 1', 'Party 2']])
    const report = reportPage.parse((await cyd.get(`/api/report?contract=${id}&fields=/Bid,/Total`)).json())
    expect(report.contracts[0]?.fields).toMatchObject([
      { path: '/Bid', notShown: true },
      { path: '/Total', type: 'decimal', value: null },
    ])
    expect((await cyd.get(`/api/report/file?contract=${id}`)).text).not.toContain(VALUE)
    expect((await ada.get(`/api/report/file?contract=${id}`)).text, 'is passed on').not.toContain(VALUE)
    const proof = (await cyd.get(`/records/${id}/Bid/$proof`)).json()
    expect(proof).not.toHaveProperty('opening')
    expect(proof.record).toMatchObject({ readers: [ada.party, ben.party].sort() })
    expect((await cyd.call('POST', `/api/contracts/${id}/check`)).json()).toMatchObject({ ok: true })
  })

  it('[VAL-4] is nowhere on the disk of a node that may not see it', async () => {
    expect(first).toMatchObject({ value: VALUE })
    for (const one of [ada, ben]) expect(holds(one, first)).toEqual({ salt: true, value: true })
    expect(holds(cyd, first)).toEqual({ salt: false, value: false })
  })

  it('[FIL-4] may be a file, whose bytes go to those who may see it', async () => {
    const bytes = 'the bytes of a bid that two may see'
    await done(
      ada.call('PUT', `/records/${id}/Secret/Paper`, {
        body: bytes,
        headers: {
          'content-type': 'application/pdf',
          'content-disposition': 'attachment; filename="bid.pdf"',
        },
      }),
    )
    await settled(id)
    const at = `/records/${id}/Secret/Paper`
    await until(async () => (await ben.get(`${at}/$file`)).text === bytes)
    const read = await cyd.get(`${at}/$file`)
    expect([read.status, problem(read).code]).toEqual([403, 'private-value'])
    expect(bytesOf(cyd).includes(bytes)).toBe(false)
    expect(bytesOf(cyd).includes('bid.pdf')).toBe(false)
  })

  it('stays as it is where a document is written back without it', async () => {
    const whole = await cyd.get(`/records/${id}`)
    const changed = whole.text.replace('seen by all', 'seen by many')
    await done(cyd.send('PUT', `/records/${id}`, changed))
    await settled(id)
    expect((await ben.get(`/records/${id}/Bid`, TEXT)).headers.get('etag')).toBe(version)
    expect((await ben.get(`/records/${id}/Public`, TEXT)).text).toBe('seen by many')
  })

  it('[JUD-2] is held to rules whoever makes the request, and judged by those who see it', async () => {
    const uid = await rule(id, {
      path: '/',
      behaviour: { kind: 'constraint', expression: 'Bid >= Limit', message: 'the bid is below the limit' },
    })
    await done(cyd.put(`/records/${id}/Limit`, '7000000'))
    await settled(id)
    const refused = await cyd.put(`/records/${id}/Limit`, '8000000')
    expect([refused.status, problem(refused).context]).toMatchObject([
      422,
      { code: 'constraint-broken', rule: uid },
    ])
    expect(refused.text).not.toContain(VALUE)
    const foreseen = await ada.put(`/records/${id}/Bid`, '6999999')
    expect([foreseen.status, problem(foreseen).context.code]).toEqual([422, 'constraint-broken'])
    expect((await cyd.get(`/records/${id}/Limit`, TEXT)).text).toBe('7000000')
  })

  it('[JUD-1] waits for a reader whose node is down, and goes through once it is back', async () => {
    await ben.stop()
    await until(() => !ada.node.engine.isUp(ben.party))
    const put = await ada.put(`/records/${id}/Bid`, '7555555.25', { prefer: 'wait=1' })
    expect(put.status).toBe(202)
    const waiting = requestStatusView.parse(put.json())
    expect(waiting).toMatchObject({ stage: 'received' })
    expect(waiting.judging?.waitingFor).toMatchObject([
      { party: ben.party, name: 'Party 2', connected: false },
    ])
    expect(waiting.judging?.sinceMs).toBeGreaterThanOrEqual(waiting.receivedMs - 1000)
    const link = put.headers.get('location') as string

    // What reads no private value is not held up.
    await done(cyd.put(`/records/${id}/Public`, 'meanwhile', { prefer: 'wait=60, until=tentative' }))

    await ada.stop()
    await ada.start()
    // It judges anew itself first.
    await until(async () => {
      const again = requestStatusView.parse((await ada.get(link)).json())
      expect(again.stage).toBe('received')
      return names(again.judging?.waitingFor).join() === 'Party 2'
    })
    const details = contractDetails.parse((await ada.get(`/api/contracts/${id}`)).json())
    expect(details.judging).toMatchObject([{ request: waiting.id, waitingFor: [{ name: 'Party 2' }] }])
    const status = rules.statusPage.parse((await ada.get(`/records/${id}/Bid/$status`)).json())
    expect(status.elements).toMatchObject([
      { transport: { stage: 'received', request: waiting.id, missing: [{ name: 'Party 2' }] } },
    ])

    await ben.start()
    await until(async () => (await ada.get(link)).json<Status>().stage === 'final')
    expect((await ada.get(link)).json()).toMatchObject({ outcome: 'accepted' })
    expect((await ada.get(link)).json()).not.toHaveProperty('judging')
    await settled(id)
    expect((await ben.get(`/records/${id}/Bid`, TEXT)).text).toBe('7555555.25')
    expect(holds(cyd, await openingOf(ben, id, '/Bid'))).toEqual({ salt: false, value: false })
  })

  it('[EPO-13] is not shown to who comes in and may not see it', async () => {
    const { party } = newcomer
    const invited = await done(
      ada.send('POST', `/api/contracts/${id}/changes`, { op: 'invite', party, older: true }),
    )
    const { id: change } = invited.json<Status>()
    await settled(id)
    for (const one of [ben, cyd])
      await done(one.send('POST', `/api/contracts/${id}/changes/${change}/vote`, { yes: true }))
    await until(() => newcomer.node.engine.replicas.get(id)?.epochs.part === 'guest')
    await done(newcomer.call('POST', `/api/contracts/${id}/accept`))
    await until(
      async () => (await newcomer.get(`/api/contracts/${id}/members`)).json<{ epoch: number }>().epoch > 0,
    )
    await settled(id, nodes.all)
    const read = await newcomer.get(`/records/${id}/Bid`, TEXT)
    expect([read.status, problem(read).code]).toEqual([403, 'private-value'])
    await done(ben.put(`/records/${id}/Bid`, '7666666.75'))
    await settled(id, nodes.all)
    for (const opening of [first, await openingOf(ben, id, '/Bid')])
      expect(holds(newcomer, opening)).toEqual({ salt: false, value: false })
    expect((await newcomer.get(`/records/${id}/Public`, TEXT)).text).toBe('meanwhile')
    expect((await newcomer.call('POST', `/api/contracts/${id}/check`)).json()).toMatchObject({ ok: true })
  })
})

it('a grant that has ended shows nothing of what comes after, and what was given before still', async () => {
  const id = await contract('grants')
  await rule(id, { path: '/', behaviour: { kind: 'phases', names: ['bidding', 'closed'] } })
  const grants = [{ party: ada.party }, { party: ben.party, untilPhase: 'closed' }]
  await rule(id, { path: 'Bid', behaviour: { kind: 'access', actions: ['see'], grants } })
  await done(ada.put(`/records/${id}/Bid`, '11'))
  await settled(id)
  for (const to of ['bidding', 'closed']) {
    await done(ada.send('POST', `/api/contracts/${id}/phase`, { to }))
    await settled(id)
  }
  expect((await ben.get(`/records/${id}/Bid`, TEXT)).text).toBe('11')
  await done(ada.put(`/records/${id}/Bid`, '12'))
  await settled(id)
  const read = await ben.get(`/records/${id}/Bid`, TEXT)
  expect([read.status, problem(read).detail]).toEqual([403, '/Bid is private: Party 1 may see what is in it'])
  const history = (await ben.get(`/records/${id}/Bid/$history`)).json<{ versions: { value?: string }[] }>()
  expect(history.versions.map(({ value }) => value).slice(-2)).toEqual(['11', undefined])
})

it('[RUL-12] an aggregate is seen by all, what it is made of by its reader alone', async () => {
  const id = await contract('clean room')
  const full = fullView.parse((await ada.get(`/api/contracts/${id}/full`)).json())
  const items = full.root.children?.find(({ name }) => name === 'Costs')?.children ?? []
  const givers = [ada, ben, cyd]
  for (const [index, one] of givers.entries())
    await rule(id, { at: items[index]?.uid, path: 'Cost', behaviour: seenBy(...new Set([ada, one])) })
  await rule(id, {
    path: 'Total',
    behaviour: { kind: 'aggregate', function: 'sum', over: 'Costs/Cost', reader: ada.party, atLeast: 2 },
  })
  const total = async (one: RunningNode) => (await one.get(`/records/${id}/Total`, TEXT)).text
  for (const [index, one] of givers.entries()) {
    for (const each of givers) expect(await total(each)).toBe('')
    await done(one.put(`/records/${id}/Costs[${index + 1}]/Cost`, `${index + 1}000.55`))
    await settled(id)
  }
  for (const one of givers) expect(await total(one)).toBe('6001.65')
  expect((await ada.get(`/records/${id}/Costs[2]/Cost`, TEXT)).text).toBe('2000.55')
  expect((await cyd.get(`/records/${id}/Costs[2]/Cost`, TEXT)).status).toBe(403)
  expect((await ben.get(`/records/${id}/Costs[3]/Cost`, TEXT)).status).toBe(403)
  expect(holds(cyd, await openingOf(ben, id, '/Costs[2]/Cost'))).toEqual({ salt: false, value: false })
})

function fullUid(answer: Answer, name: string): string {
  return fullView.parse(answer.json()).root.children?.find((one) => one.name === name)?.uid as string
}
