/** Live events: what changed, at its address, without a gap however often the reader comes and goes. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type RunningNode, type RunningNodes, startNodes, until } from '../support/nodes.ts'

let nodes: RunningNodes
beforeAll(async () => {
  nodes = await startNodes(3)
})
afterAll(() => nodes.close())

type Event = { type: string; data: Record<string, unknown> & { subject: string } }

/** A reader of the stream as the WHATWG standard has it. */
class Reader {
  readonly events: Event[] = []
  lastId = ''
  comments = 0
  isEnded = false
  private readonly abort = new AbortController()

  static async open(node: RunningNode, query = '', lastId?: string): Promise<Reader> {
    const reader = new Reader()
    const response = await fetch(`${node.url}/api/events${query}`, {
      headers: {
        authorization: `Bearer ${node.token}`,
        ...(lastId !== undefined && { 'last-event-id': lastId }),
      },
      signal: reader.abort.signal,
    })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    void reader.follow(response.body as ReadableStream<Uint8Array>).catch(() => undefined)
    await until(() => reader.lastId !== '' || node.node.engine.replicas.size === 0)
    return reader
  }

  private async follow(body: ReadableStream<Uint8Array>): Promise<void> {
    let rest = ''
    for await (const chunk of body.pipeThrough(
      new TextDecoderStream() as never,
    ) as unknown as AsyncIterable<string>) {
      const blocks = (rest + chunk).split('\n\n')
      rest = blocks.pop() as string
      for (const block of blocks) this.take(block.split('\n'))
    }
    this.isEnded = true
  }

  private take(lines: string[]): void {
    let type = 'message'
    let data = ''
    for (const line of lines) {
      const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? []
      if (field === '') this.comments += 1
      if (field === 'event') type = value
      if (field === 'data') data += value
      if (field === 'id') this.lastId = value
    }
    if (data !== '') this.events.push({ type, data: JSON.parse(data) })
  }

  /** `type subject` of the events so far. */
  get told(): string[] {
    return this.events.map(({ type, data }) => `${type} ${data.subject}`)
  }

  close(): void {
    this.abort.abort()
  }
}

describe('events', () => {
  it('tell the address of each record that changed, when it is tentative and when it is final', async () => {
    const id = await nodes.contract('told', '{"Invoice":{"Total":"1","a b":"2","Lines":[1]},"cbc:ID":"3"}')
    const reader = await Reader.open(nodes.at(1), `?contract=${id}`)
    expect(reader.events).toEqual([])
    const put = await nodes.at(0).put(`/records/${id}/Invoice/Total`, '5')
    await nodes.at(0).put(`/records/${id}/Invoice/a%20b`, '6')
    await nodes.at(0).put(`/records/${id}/cbc:ID`, '7')
    await nodes.at(0).send('POST', `/records/${id}/Invoice?name=New`, '{"x":{"y":1}}')
    await nodes.at(0).call('DELETE', `/records/${id}/Invoice/New`)
    await nodes.at(0).send('POST', `/records/${id}/Invoice/Lines`, '2')
    const subjects = [
      '/Invoice/Total',
      '/Invoice/a%20b',
      '/cbc:ID',
      '/Invoice/New',
      '/Invoice/New',
      '/Invoice/Lines%5B2%5D',
    ]
    await until(() => reader.told.filter((one) => one.startsWith('final')).length === 6)
    for (const stage of ['tentative', 'final'])
      expect(reader.told.filter((one) => one.startsWith(stage))).toEqual(
        subjects.map((path) => `${stage} /records/${id}${path}`),
      )
    const [first] = reader.events
    expect(first?.data).toMatchObject({
      type: 'tentative',
      contract: id,
      height: 1,
      request: put.json<{ id: string }>().id,
    })
    expect((await nodes.at(1).get(reader.events.at(-1)?.data.subject as string)).text).toBe('2')
    expect(JSON.stringify(reader.events)).not.toContain('"5"')
    reader.close()
  })

  it('tell what rules and votes came to, and where drafts, votes and locks are listed', async () => {
    const id = await nodes.contract('ruled', '{"Net":1,"Gross":0,"Fee":5}')
    const reader = await Reader.open(nodes.at(1), `?contract=${id}`)
    const at = `/api/contracts/${id}`
    const height = async (): Promise<void> => {
      const { height } = (await nodes.at(0).get(at)).json<{ height: number }>()
      for (const one of nodes.all) await nodes.final(one, id, height)
    }
    const drafts: string[] = []
    for (const [path, behaviour] of [
      ['Gross', { kind: 'assignment', expression: 'Net * 2' }],
      ['Fee', { kind: 'approval', count: 2 }],
    ] as const) {
      const made = await nodes.at(0).send('POST', `${at}/drafts`, { do: 'add', rule: { path, behaviour } })
      drafts.push(made.json<{ made: { uid: string }[] }>().made[0]?.uid as string)
    }
    await height()
    for (const on of drafts)
      for (const index of [1, 2])
        expect((await nodes.at(index).send('POST', `${at}/votes`, { on, yes: true })).status).toBe(200)
    await height()
    expect((await nodes.at(0).call('POST', `${at}/publish`)).status).toBe(200)
    await height()
    expect((await nodes.at(0).put(`/records/${id}/Net`, '4')).status).toBe(200)
    const proposed = await nodes.at(0).put(`/records/${id}/Fee`, '6')
    const on = proposed.headers.get('countersign-proposal') as string
    await height()
    const before = reader.told.length
    expect((await nodes.at(1).send('POST', `${at}/votes`, { on, yes: true })).status).toBe(200)
    expect((await nodes.at(1).send('POST', `${at}/locks`, { path: '/', leaseMs: 1000 })).status).toBe(201)
    await until(() => reader.told.includes(`final ${at}/locks`))
    expect(reader.told).toEqual(
      expect.arrayContaining([
        `final ${at}/drafts`,
        `final ${at}/votes`,
        `final ${at}/rules`,
        `final /records/${id}/Net`,
        `final /records/${id}/Gross`,
      ]),
    )
    expect(reader.told.slice(before)).toContain(`final /records/${id}/Fee`)
    reader.close()
  })

  it('go on from Last-Event-ID where the reader left off, over a restart of the node too', async () => {
    const id = await nodes.contract('resumed', '{"a":"0","b":"0"}')
    const other = await nodes.contract('resumed too', '{"a":"0"}')
    const node = nodes.at(2)
    const first = await Reader.open(node)
    await nodes.at(0).put(`/records/${id}/a`, '1')
    await until(() => first.told.includes(`final /records/${id}/a`) && !first.lastId.endsWith('-1'))
    await until(() => first.lastId.includes(`${id.slice(0, 12)}:1:1`))
    first.close()
    await nodes.at(0).put(`/records/${id}/b`, '1')
    await nodes.at(0).put(`/records/${other}/a`, '1')
    await node.stop()
    await nodes.at(0).put(`/records/${id}/a`, '2', { prefer: 'until=tentative' })
    await node.start()
    const second = await Reader.open(node, '', first.lastId)
    await until(() => second.told.filter((one) => one.startsWith('final')).length >= 3)
    for (const stage of ['tentative', 'final'])
      expect(second.told.filter((one) => one.startsWith(stage)).sort()).toEqual(
        [`/records/${id}/a`, `/records/${id}/b`, `/records/${other}/a`]
          .map((path) => `${stage} ${path}`)
          .sort(),
      )
    const heights = second.events.filter(({ type, data }) => type === 'final' && data.contract === id)
    expect(heights.map(({ data }) => data.height)).toEqual([2, 3])
    second.close()
  })

  it('tell of contracts that came while the reader was away', async () => {
    const before = await Reader.open(nodes.at(1))
    const { lastId } = before
    before.close()
    const id = await nodes.contract('new', '{"a":"0"}')
    const reader = await Reader.open(nodes.at(1), '', lastId)
    await until(() => reader.told.includes(`final /records/${id}`))
    expect(reader.told).toContain(`invited /api/contracts/${id}`)
    reader.close()
  })

  it('tell of invitations, acceptances and contracts that stop', async () => {
    const inviter = await Reader.open(nodes.at(0))
    const invited = await Reader.open(nodes.at(1))
    const id = await nodes.contract('life', '{"a":"0"}')
    const subject = `/api/contracts/${id}`
    await until(
      () => invited.told.includes(`active ${subject}`) && inviter.told.includes(`active ${subject}`),
    )
    expect(inviter.told).toContain(`created ${subject}`)
    expect(invited.told).toContain(`invited ${subject}`)
    const accepted = inviter.events.filter(({ type, data }) => type === 'accepted' && data.contract === id)
    expect(new Set(accepted.map(({ data }) => data.party))).toEqual(
      new Set(nodes.all.map(({ party }) => party)),
    )
    nodes.at(1).node.engine.damage(id, 'a test of ours')
    await nodes.at(1).put(`/records/${await nodes.contract('wakes the node', '{"x":"1"}')}/x`, '2')
    await until(() => invited.told.includes(`halted ${subject}`))
    inviter.close()
    invited.close()
  })

  it('[AMN-4] tell a reader that was away how far the ledger has gone back, and what comes there anew', async () => {
    const id = await nodes.contract('shorter', '{"a":"0"}')
    await nodes.at(0).put(`/records/${id}/a`, '1')
    await nodes.final(nodes.at(1), id, 1)
    const reader = await Reader.open(nodes.at(1), `?contract=${id}&cursor=${id.slice(0, 12)}:9:0`)
    await until(() => reader.told.includes(`returned /api/contracts/${id}`))
    const returned = reader.events.find(({ type }) => type === 'returned')
    expect(returned?.data.height).toBe(1)
    await nodes.at(0).put(`/records/${id}/a`, '2')
    await until(() => reader.events.some(({ type, data }) => type === 'tentative' && data.height === 2))
    reader.close()
  })

  it('come one a contract and turn with paths=none, only of a stage if so asked', async () => {
    const id = await nodes.contract('coarse', '{"a":"0"}')
    const reader = await Reader.open(nodes.at(1), `?contract=${id}&stage=final&paths=none`)
    for (let round = 1; round <= 3; round += 1) await nodes.at(0).put(`/records/${id}/a`, String(round))
    await until(() => reader.events.at(-1)?.data.toHeight === 3)
    expect(new Set(reader.told)).toEqual(new Set([`final /records/${id}`]))
    let next = 1
    for (const { data } of reader.events) {
      expect(data.fromHeight).toBe(next)
      next = (data.toHeight as number) + 1
    }
    reader.close()
  })

  it('lose nothing for a reader that takes them slowly', async () => {
    // Long names make long addresses.
    const names = ['x', 'y', 'z'].map((letter) => letter.repeat(250))
    const document = (list: unknown): string =>
      names.reduce((inner, name) => `{"${name}":${inner}}`, JSON.stringify(list))
    const id = await nodes.contract('slow', document([]))
    const before = await Reader.open(nodes.at(1), `?contract=${id}`)
    const { lastId } = before
    before.close()
    // Bodies that the client does not read fill the sockets' buffers: the node stops telling until they are drained.
    const response = await fetch(`${nodes.at(1).url}/api/events?contract=${id}&cursor=${lastId}`, {
      headers: { authorization: `Bearer ${nodes.at(1).token}` },
    })
    const rounds = 8
    for (let round = 1; round <= rounds; round += 1) {
      const list = Array.from({ length: 300 }, (_, index) => `${round}.${index}`)
      const put = await nodes
        .at(0)
        .send('PUT', `/records/${id}`, document(list), { prefer: 'until=tentative' })
      expect(put.status).toBe(200)
    }
    await nodes.final(nodes.at(1), id, rounds)
    let text = ''
    const stream = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream() as never)
    for await (const chunk of stream as unknown as AsyncIterable<string>) {
      text += chunk
      if (text.includes(`${id.slice(0, 12)}:${rounds}:${rounds}`)) break
    }
    for (const stage of ['tentative', 'final']) {
      const heights = [
        ...text.matchAll(
          new RegExp(`"type":"${stage}","subject":"[^"]*","contract":"[^"]*","height":(\\d+)`, 'g'),
        ),
      ].map(([, height]) => Number(height))
      expect(heights.length).toBe(300 * rounds)
      expect(heights).toEqual([...heights].sort((first, second) => first - second))
    }
  })

  it('keep the connection alive while nothing happens, and end with the node', async () => {
    const lone = await startNodes(1)
    await lone.contract('idle', '{}')
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const reader = await Reader.open(lone.at(0))
      vi.advanceTimersByTime(15_000)
      await until(() => reader.comments === 1)
      vi.advanceTimersByTime(30_000)
      await until(() => reader.comments === 3)
      await lone.at(0).stop()
      await until(() => reader.isEnded)
      expect(reader.events).toEqual([])
    } finally {
      vi.useRealTimers()
      await lone.close()
    }
  })
})
