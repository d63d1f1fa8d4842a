/** Entities over HTTP: the node, its peers, contracts, ledger blocks, requests; how writes wait; what a damaged disk does. */
import { createPublicKey, verify } from 'node:crypto'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { DatabaseSync } from '@photostructure/sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import * as elementSchemas from '../../src/api/element-schemas.ts'
import { requestStatusView } from '../../src/api/request-schemas.ts'
import * as schemas from '../../src/api/schemas.ts'
import { readOwnCard } from '../../src/cli/directory.ts'
import type { SqliteStore } from '../../src/store/sqlite.ts'
import { BundleVerifier } from '../../src/verify/verifier.ts'
import { type Answer, type RunningNodes, startNodes, until } from '../support/nodes.ts'

let nodes: RunningNodes
beforeAll(async () => {
  nodes = await startNodes(3)
})
afterAll(() => nodes.close())

const code = (answer: Answer): string => answer.json<{ code: string }>().code

describe('the node', () => {
  it('tells whether it is well without a token, and everything else only with it', async () => {
    const none = { authorization: '' }
    expect((await nodes.at(0).get('/healthz', none)).json()).toEqual({ status: 'ok' })
    const { paths } = (await nodes.at(0).get('/openapi.json')).json<{ paths: Record<string, object> }>()
    expect(Object.keys(paths).length).toBeGreaterThan(15)
    for (const [path, methods] of Object.entries(paths))
      for (const method of Object.keys(methods)) {
        if (path === '/healthz') continue
        const url = path.replace(/\{[^}]*\}|\*/g, '0'.repeat(64))
        for (const authorization of [
          '',
          'Bearer',
          'Bearer wrong',
          `Basic ${nodes.at(0).token}`,
          `Bearer ${nodes.at(0).token.replace(/.$/, (last) => (last === 'x' ? 'y' : 'x'))}`,
        ]) {
          const answer = await nodes.at(0).call(method.toUpperCase(), url, { headers: { authorization } })
          expect([method, url, answer.status]).toEqual([method, url, 401])
          if (method !== 'head') expect(code(answer)).toBe('unauthorized')
          expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
        }
      }
    expect((await nodes.at(0).get('/no-such-thing', none)).status).toBe(401)
    expect(
      (await nodes.at(0).get('/api/node', { authorization: `bearer  ${nodes.at(0).token}` })).status,
    ).toBe(200)
  })

  it('says who it is', async () => {
    const { party, name, node } = nodes.at(0)
    const view = schemas.nodeView.parse((await nodes.at(0).get('/api/node')).json())
    expect(view).toMatchObject({ party, name, peerPort: node.port, card: { card: { name } } })
    expect(view.fingerprint.replaceAll(' ', '')).toBe(party)
  })

  it('counts for Prometheus', async () => {
    const { text, headers } = await nodes.at(0).get('/metrics')
    expect(headers.get('content-type')).toContain('text/plain')
    for (const name of [
      'requests_total',
      'wire_bytes_sent_total',
      'connections',
      'turns_total',
      'storage_ok',
      'messages_refused_total',
    ])
      expect(text).toContain(`# TYPE countersign_${name} `)
    const value = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
    expect(value('countersign_wire_bytes_sent_total')).toBeGreaterThan(1000)
    expect(value('countersign_connections\\{direction="outbound"\\}')).toBe(2)
  })

  it('describes itself in OpenAPI 3.1, with every address it answers', async () => {
    type Described = {
      openapi: string
      paths: Record<string, Record<string, { summary?: string }>>
      components: { schemas: object }
    }
    const described = (await nodes.at(0).get('/openapi.json')).json<Described>()
    expect(described.openapi).toBe('3.1.0')
    for (const path of [
      '/records/{*}',
      '/api/contracts',
      '/api/contracts/{contract}/requests/{request}/raw',
      '/api/events',
      '/requests/{request}',
      '/ledger-blocks',
    ])
      expect(Object.keys(described.paths)).toContain(path)
    for (const methods of Object.values(described.paths))
      for (const operation of Object.values(methods)) expect(operation.summary).toBeTypeOf('string')
    const text = JSON.stringify(described)
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g))
      expect(Object.keys(described.components.schemas)).toContain(name)
    expect(Object.keys(described.paths['/records/{*}'] ?? {}).sort()).toEqual([
      'delete',
      'get',
      'patch',
      'post',
      'put',
    ])
  })

  it('says 404 for what is not there and 405 with Allow for what does not take the method', async () => {
    const id = '0'.repeat(64)
    for (const [method, path, status, allow] of [
      ['GET', '/api/nothing', 404, null],
      ['POST', '/', 404, null],
      ['DELETE', '/api/node', 405, 'GET, HEAD'],
      ['PUT', `/api/contracts/${id}`, 405, 'GET, HEAD'],
      ['GET', `/api/contracts/${id}/accept`, 405, 'POST'],
      ['OPTIONS', `/records/${id}/a/b`, 405, 'DELETE, GET, HEAD, PATCH, POST, PUT'],
      ['PROPFIND', `/records/${id}`, 405, 'DELETE, GET, HEAD, PATCH, POST, PUT'],
    ] as const) {
      const answer = await nodes.at(0).call(method, path)
      expect([method, path, answer.status, answer.headers.get('allow')]).toEqual([
        method,
        path,
        status,
        allow,
      ])
      expect(code(answer)).toBe(status === 404 ? 'not-found' : 'method-not-allowed')
    }
  })
})

describe('peers', () => {
  it('[CARD-3] are shown first, pinned only by their own fingerprint, refused by another', async () => {
    const lone = await startNodes(1)
    try {
      const other = lone.at(0)
      const url = `https://127.0.0.1:${other.node.port}`
      const me = nodes.at(0)
      const shown = schemas.peerOffer.parse((await me.send('POST', '/api/peers', { url })).json())
      expect(shown).toMatchObject({
        pinned: false,
        peer: { party: other.party, pinned: false, name: 'Party 1' },
      })
      const wrong = await me.send('POST', '/api/peers', { url, fingerprint: me.party })
      expect([wrong.status, code(wrong)]).toEqual([409, 'fingerprint-mismatch'])
      expect(wrong.json<{ detail: string }>().detail).toContain(me.party)
      expect(wrong.json<{ detail: string }>().detail).toContain(other.party)
      const isListed = async () =>
        (await me.get('/api/peers'))
          .json<{ peers: { party: string }[] }>()
          .peers.some(({ party }) => party === other.party)
      expect(await isListed()).toBe(false)
      const spaced = (other.party.toUpperCase().match(/.{4}/g) as string[]).join(' ')
      const pinned = await me.send('POST', '/api/peers', { url, fingerprint: spaced })
      expect(pinned.json()).toMatchObject({ pinned: true, peer: { pinned: true, party: other.party } })
      expect(await isListed()).toBe(true)
      const { card } = readOwnCard(me.directory)
      const byFile = await other.send('POST', '/api/peers', { card, fingerprint: me.party })
      expect(byFile.json()).toMatchObject({ pinned: true, peer: { name: 'Party 1' } })
      await until(() => me.node.engine.isUp(other.party))
    } finally {
      await lone.close()
    }
  })

  it.each([
    [{}, 400, 'bad-request'],
    [{ url: 'https://127.0.0.1:1', card: {} }, 400, 'bad-request'],
    [{ url: 'not an address' }, 422, 'bad-format'],
    [{ url: 'https://127.0.0.1:1' }, 503, 'unavailable'],
    [{ url: 'https://127.0.0.1:1', fingerprint: 'abc' }, 422, 'bad-format'],
    [{ card: { card: {}, signature: '' } }, 422, 'bad-format'],
    [{ url: 1 }, 400, 'bad-request'],
    [{ colour: 'red' }, 400, 'bad-request'],
  ])('refuse %j', async (body, status, expected) => {
    const answer = await nodes.at(0).send('POST', '/api/peers', body)
    expect([answer.status, code(answer)]).toEqual([status, expected])
  })
})

describe('a contract', () => {
  it('[GEN-3] waits for every member, and shows until then what is to be accepted', async () => {
    const [a, b, c] = nodes.all as [(typeof nodes.all)[0], (typeof nodes.all)[0], (typeof nodes.all)[0]]
    const made = await a.send('POST', '/api/contracts', {
      name: 'deal',
      with: [b.party, c.party],
      document: { x: '1' },
      policy: { quorum: 'bft' },
    })
    expect(made.status).toBe(201)
    const view = schemas.contractDetails.parse(made.json())
    const { id } = view
    expect(made.headers.get('location')).toBe(`/api/contracts/${id}`)
    expect(view).toMatchObject({ status: 'accepted', finalHeight: -1, height: 0, policy: { quorum: 'bft' } })
    await until(() => b.node.engine.replicas.has(id) && c.node.engine.replicas.has(id))
    expect((await b.get(`/api/contracts/${id}`)).json()).toMatchObject({ status: 'invited', name: 'deal' })
    const full = elementSchemas.fullView.parse((await b.get(`/api/contracts/${id}/full`)).json())
    expect([full.stage, full.root.children?.[0]?.value]).toEqual(['tentative', '1'])
    const record = await b.get(`/records/${id}/x`)
    expect([record.status, code(record)]).toEqual([404, 'not-found'])
    expect((await b.get(`/records/${id}/x?status=tentative`)).text).toBe('"1"')
    const early = await b.put(`/records/${id}/x`, '2')
    expect([early.status, code(early)]).toEqual([409, 'conflict'])
    const bundle = await b.get(`/api/contracts/${id}/export`)
    expect([bundle.status, code(bundle)]).toEqual([503, 'unavailable'])
    expect((await b.call('POST', `/api/contracts/${id}/accept`)).status).toBe(200)
    await until(async () => {
      const { waitingFor } = (await a.get(`/api/contracts/${id}`)).json<schemas.ContractView>()
      return waitingFor.map(({ name }) => name).join() === 'Party 3'
    })
    expect((await c.call('POST', `/api/contracts/${id}/accept`)).status).toBe(200)
    expect((await c.call('POST', `/api/contracts/${id}/accept`)).status).toBe(200)
    for (const one of nodes.all) await nodes.final(one, id, 0)
    const list = schemas.contractList.parse((await c.get('/api/contracts')).json())
    expect(list.contracts.find((one) => one.id === id)).toMatchObject({
      finalHeight: 0,
      waitingFor: [],
      recordHash: view.recordHash,
    })
  })

  it.each([
    [{ name: 'n', with: [] }, 400, 'bad-request'],
    [{ name: 'n', with: [], document: {}, xml: '<a/>' }, 400, 'bad-request'],
    [{ name: '', with: [], document: {} }, 422, 'bad-name'],
    [{ name: 'a\u0007', with: [], document: {} }, 422, 'bad-name'],
    [{ name: 'x'.repeat(257), with: [], document: {} }, 400, 'bad-request'],
    [{ name: 'n', with: ['zz'], document: {} }, 400, 'bad-request'],
    [{ name: 'n', with: ['0'.repeat(64)], document: {} }, 404, 'unknown-party'],
    [{ name: 'n', with: [], document: {}, policy: { quorum: 'most' } }, 400, 'bad-request'],
    [{ name: 'n', with: [], document: {}, more: 1 }, 400, 'bad-request'],
    [{ name: 'n', with: [], xml: '<a>' }, 400, 'bad-xml'],
    [{ name: 'n', with: [], document: { '': 1 } }, 422, 'bad-name'],
    [[], 400, 'bad-request'],
  ])('is not made of %j', async (body, status, expected) => {
    const answer = await nodes.at(0).send('POST', '/api/contracts', body)
    expect([answer.status, code(answer)]).toEqual([status, expected])
  })

  it('is made of documents with exact numbers and of large XML', async () => {
    const id = await nodes.contract('exact', '{"2":1.10,"1":12345678901234567890,"a":[1e2,-0.0]}')
    expect((await nodes.at(1).get(`/records/${id}`)).text).toBe(
      '{"2":1.10,"1":12345678901234567890,"a":[1e2,-0.0]}',
    )
    const xml = `<list>${Array.from({ length: 3000 }, (_, index) => `<row n="${index}">${'text '.repeat(100)}</row>`).join('')}</list>`
    expect(xml.length).toBeGreaterThan(1024 * 1024)
    const large = await nodes.contract('large', xml)
    expect((await nodes.at(2).get(`/records/${large}/list/row[3000]/@n`)).text).toBe('"2999"')
  })

  it('has its elements page by page, whatever comes and goes between', async () => {
    const id = await nodes.contract(
      'pages',
      `{"l":[${Array.from({ length: 25 }, (_, index) => index).join()}]}`,
    )
    const list = (await nodes.at(0).get(`/api/contracts/${id}/elements`)).json<{
      elements: { uid: string }[]
    }>().elements[0]?.uid
    const page = async (cursor?: string) =>
      elementSchemas.elementPage.parse(
        (
          await nodes
            .at(0)
            .get(`/api/contracts/${id}/elements?parent=${list}&limit=10${cursor ? `&cursor=${cursor}` : ''}`)
        ).json(),
      )
    const first = await page()
    const values = first.elements.map(({ value }) => value)
    const uid = first.elements[9]?.uid
    await nodes.at(0).call('DELETE', `/records/${uid}`)
    await nodes.at(0).send('POST', `/records/${id}/l?before=${first.elements[0]?.uid}`, '99')
    for (let { nextCursor } = first; nextCursor !== undefined; ) {
      const next = await page(nextCursor)
      values.push(...next.elements.map(({ value }) => value))
      nextCursor = next.nextCursor
    }
    expect(values).toEqual(Array.from({ length: 25 }, (_, index) => String(index)))
    const bad = await nodes.at(0).get(`/api/contracts/${id}/elements?cursor=zzz`)
    expect([bad.status, code(bad)]).toEqual([400, 'bad-request'])
  })

  it('is exported as a bundle that verifies, and found whole', async () => {
    const id = await nodes.contract('export', '{"a":1}')
    await nodes.at(0).send('PUT', `/records/${id}/a`, '2')
    await nodes.final(nodes.at(1), id, 1)
    const { headers, text } = await nodes.at(1).get(`/api/contracts/${id}/export`)
    expect(headers.get('content-disposition')).toContain('.bundle')
    const verifier = new BundleVerifier({ trusted: new Set(nodes.all.map(({ party }) => party)) })
    for await (const line of createInterface({ input: Readable.from([text]) })) verifier.line(line)
    expect(verifier.end()).toMatchObject({ verdict: 'valid', height: 1, contract: id })
    const check = await nodes.at(1).call('POST', `/api/contracts/${id}/check`)
    expect(schemas.checkView.parse(check.json())).toEqual({ ok: true, height: 1 })
  })
})

describe('requests and ledger blocks', () => {
  it('[COS-5] [REQ-1] [SIG-1] show who received and accepted, and what was signed', async () => {
    const id = await nodes.contract('ledger', '{"a":"0","l":[]}')
    const ids: string[] = []
    for (let round = 1; round <= 3; round += 1)
      ids.push((await nodes.at(round % 3).put(`/records/${id}/a`, String(round))).json<{ id: string }>().id)
    for (const one of nodes.all) await nodes.final(one, id, 3)
    const page = schemas.requestList.parse(
      (await nodes.at(0).get(`/api/contracts/${id}/requests?limit=2`)).json(),
    )
    expect(page.requests.map((one) => one.id)).toEqual([...ids].reverse().slice(0, 2))
    const rest = schemas.requestList.parse(
      (await nodes.at(0).get(`/api/contracts/${id}/requests?limit=2&cursor=${page.nextCursor}`)).json(),
    )
    expect(rest).toMatchObject({
      requests: [{ id: ids[0], stage: 'final', authorName: 'Party 2', operations: 1 }],
    })
    expect(rest.nextCursor).toBeUndefined()

    const status = requestStatusView.parse((await nodes.at(2).get(`/requests/${ids[0]}`)).json())
    expect(status).toMatchObject({ stage: 'final', outcome: 'accepted', height: 1, waitingFor: [] })
    expect(status.dialogues.map(({ name, accepted }) => [name, accepted])).toEqual(
      nodes.all.map(({ name }) => [name, true]),
    )

    const raw = schemas.rawRequest.parse(
      (await nodes.at(2).get(`/api/contracts/${id}/requests/${ids[0]}/raw`)).json(),
    )
    const input = Buffer.from(raw.signingInputBase64, 'base64')
    const signature = Buffer.from(raw.signatureBase64, 'base64')
    expect(verify(null, input, createPublicKey(raw.authorKeyPem), signature)).toBe(true)
    expect(input.toString()).toContain(JSON.stringify(raw.request.nonce))

    const blocks = schemas.blockPage.parse(
      (await nodes.at(0).get(`/ledger-blocks?contract=${id}&from=1&limit=2`)).json(),
    )
    expect(blocks.blocks.map(({ height, stage }) => [height, stage])).toEqual([
      [1, 'final'],
      [2, 'final'],
    ])
    expect(blocks.nextFrom).toBe(3)
    const block = schemas.blockDetails.parse(
      (await nodes.at(0).get(`/api/contracts/${id}/ledger-blocks/1`)).json(),
    )
    expect(block).toMatchObject({
      hash: blocks.blocks[0]?.hash,
      entries: [{ request: ids[0], outcome: 'accepted', authorName: 'Party 2' }],
      waitingFor: [],
    })
    expect(block.cosignedBy).toHaveLength(3)
    for (const path of [
      `/api/contracts/${id}/ledger-blocks/99`,
      `/requests/${'0'.repeat(64)}`,
      `/api/contracts/${id}/requests/${'0'.repeat(64)}`,
      `/api/contracts/${'0'.repeat(64)}/ledger-blocks`,
    ])
      expect((await nodes.at(0).get(path)).status).toBe(404)
  })

  it('[REQ-4] take several operations under one signature, all or nothing', async () => {
    const id = await nodes.contract('together', '{"a":"0","b":{"c":1},"l":[1]}')
    const post = (operations: string) =>
      nodes.at(0).send('POST', `/api/contracts/${id}/requests`, `{"operations":${operations}}`)
    const done = await post(
      '[{"set":"/a","value":"1"},{"create":{"parent":"/","name":"n","value":{"x":1.50}}},{"set":"/n/x","value":2.50},{"create":{"parent":"/l","value":2}},{"create":{"parent":"/b","xml":"<t k=\\"v\\"/>"}},{"delete":"/b/c"}]',
    )
    expect([done.status, done.json()]).toMatchObject([200, { stage: 'final', outcome: 'accepted' }])
    expect((await nodes.at(1).get(`/records/${id}`)).text).toBe(
      '{"a":"1","b":{"t":{"@k":"v"}},"l":[1,2],"n":{"x":2.50}}',
    )
    const stale = await post(`[{"set":"/n/x","value":3},{"set":"/a","value":"2","seen":"${'0'.repeat(64)}"}]`)
    expect([stale.status, code(stale)]).toEqual([409, 'conflicted'])
    expect((await nodes.at(1).get(`/records/${id}/n/x`)).text).toBe('2.50')
    for (const [operations, status, expected] of [
      ['[]', 400, 'bad-request'],
      ['[{"set":"/a"}]', 400, 'bad-request'],
      ['[{"set":"/a","value":1,"colour":2}]', 400, 'bad-request'],
      ['[{"delete":"/a"},{"set":"/a","value":1}]', 404, 'unknown-path'],
      ['[{"create":{"parent":"/l","name":"x","value":1}}]', 400, 'bad-request'],
      ['[{"create":{"parent":"/a","name":"x","value":1}}]', 400, 'bad-request'],
      ['[{"delete":"/"}]', 400, 'bad-request'],
    ] as const) {
      const answer = await post(operations)
      expect([operations, answer.status, code(answer)]).toEqual([operations, status, expected])
    }
  })

  it('make one request of an Idempotency-Key, however often it comes, through a restart too', async () => {
    const id = await nodes.contract('once', '{"l":[]}')
    const one = nodes.at(2)
    const add = (value: string, key: string) =>
      one.send('POST', `/records/${id}/l`, value, { 'idempotency-key': key })
    const answers = await Promise.all([add('1', 'k1'), add('1', 'k1'), add('1', 'k1')])
    expect(new Set(answers.map((answer) => answer.json<{ id: string }>().id)).size).toBe(1)
    expect((await add('1', 'k2')).status).toBe(201)
    await one.stop()
    await one.start()
    const again = await add('1', 'k1')
    expect(again.json()).toMatchObject({ id: answers[0]?.json<{ id: string }>().id, stage: 'final' })
    const other = await add('2', 'k1')
    expect([other.status, code(other)]).toEqual([422, 'key-reused'])
    const bad = await add('1', 'k'.repeat(256))
    expect([bad.status, code(bad)]).toEqual([400, 'bad-request'])
    await until(async () => (await one.get(`/records/${id}/l`)).text === '[1,1]')
    const body = { name: 'twice', with: [], document: {} }
    const made = await Promise.all(
      [1, 2].map(() => one.send('POST', '/api/contracts', body, { 'idempotency-key': 'c1' })),
    )
    expect(made[0]?.json<{ id: string }>().id).toBe(made[1]?.json<{ id: string }>().id)
    const different = await one.send(
      'POST',
      '/api/contracts',
      { ...body, name: 'x' },
      { 'idempotency-key': 'c1' },
    )
    expect(code(different)).toBe('key-reused')
  })
})

describe('while a member is away', () => {
  it('[NET-5] writes become tentative, say who is waited for, and final on its return', async () => {
    const id = await nodes.contract('away', '{"a":"0"}')
    const away = nodes.at(2)
    const one = nodes.at(0)
    await away.stop()
    await until(() => !one.node.engine.isUp(away.party))
    const tentative = await one.put(`/records/${id}/a`, '1', { prefer: 'wait=60, until=tentative' })
    expect([tentative.status, tentative.json()]).toMatchObject([
      200,
      { stage: 'tentative', outcome: 'accepted' },
    ])
    expect(tentative.headers.get('preference-applied')).toBe('wait=60, until=tentative')
    const waiting = await one.put(`/records/${id}/a`, '2', { prefer: 'wait=1' })
    expect(waiting.status).toBe(202)
    const status = requestStatusView.parse(waiting.json())
    expect(status.waitingFor).toMatchObject([{ name: 'Party 3', connected: false }])
    const link = waiting.headers.get('location') as string
    expect((await one.get(link)).json()).toMatchObject({ id: status.id, stage: 'tentative' })
    expect((await one.put(`/records/${id}/a`, '3', { prefer: 'respond-async' })).status).toBe(202)
    const final = await one.get(`/records/${id}/a`)
    expect([final.text, final.headers.get('countersign-stage')]).toEqual(['"0"', 'final'])
    await until(async () => (await one.get(`/records/${id}/a?status=tentative`)).text === '"3"')
    const last = await one.get(`/records/${id}/a?status=tentative`)
    expect(last.headers.get('countersign-stage')).toBe('tentative')
    expect((await one.get(`/records/${id}/a?height=1`)).status).toBe(404)
    expect((await one.get(`/records/${id}/a?height=1&status=tentative`)).text).toBe('"1"')
    const view = schemas.contractView.parse((await one.get(`/api/contracts/${id}`)).json())
    expect(view).toMatchObject({ finalHeight: 0, waitingFor: [{ name: 'Party 3' }] })
    await away.start()
    await until(async () => (await one.get(link)).json<{ stage: string }>().stage === 'final')
    for (const node of nodes.all) {
      await nodes.final(node, id, view.height)
      await until(async () => (await node.get(`/records/${id}/a`)).text === '"3"')
    }
  })
})

describe('a disk that is full', () => {
  it('is said at once, and nothing of the refused write stays', async () => {
    const id = await nodes.contract('full', '{"a":"0"}')
    const one = nodes.at(1)
    const store = one.node.store as SqliteStore
    store.limitSize(1)
    await until(async () => {
      const answer = await one.put(`/records/${id}/a`, 'x'.repeat(200_000), { prefer: 'wait=1' })
      if (answer.status !== 507) return false
      expect(code(answer)).toBe('disk-full')
      // The node soon asks the disk again; until then it says that it does not work.
      const health = await one.get('/healthz')
      return health.status === 503 && health.json<{ status: string }>().status === 'storage problem'
    })
    store.limitSize(undefined)
    await until(async () => (await one.get('/healthz')).status === 200)
    expect((await one.put(`/records/${id}/a`, 'after')).status).toBe(200)
    expect((await nodes.at(0).get(`/records/${id}/a`)).text).toBe('"after"')
  })
})

describe('a database edited by hand', () => {
  const edit = (sql: string): number => {
    const database = new DatabaseSync(nodes.at(1).databaseFile)
    database.exec('PRAGMA busy_timeout = 5000')
    const { changes } = database.prepare(sql).run()
    database.close()
    return Number(changes)
  }

  it('[VAL-2] shows no value that was not signed: the contract stops, the others go on', async () => {
    const id = await nodes.contract('tampered', '{"Price":"6.42","Other":"stays"}')
    const liar = nodes.at(1)
    expect(edit(`UPDATE opening SET value = '"7.42"' WHERE value = '"6.42"'`)).toBe(1)
    expect((await liar.get(`/records/${id}/Other`)).text).toBe('"stays"')
    const answer = await liar.get(`/records/${id}/Price`)
    expect([answer.status, code(answer)]).toEqual([500, 'invariant-broken'])
    expect(answer.text).toContain('/Price')
    expect(answer.text).not.toContain('7.42')
    expect((await liar.get(`/records/${id}/Other`)).status).toBe(500)
    expect((await liar.put(`/records/${id}/Other`, 'x')).status).toBe(500)
    const view = schemas.contractDetails.parse((await liar.get(`/api/contracts/${id}`)).json())
    expect(view).toMatchObject({ status: 'damaged', reason: expect.stringContaining('/Price') })
    const check = schemas.checkView.parse((await liar.call('POST', `/api/contracts/${id}/check`)).json())
    expect(check).toMatchObject({ ok: false, finding: { rule: 'VAL-2' } })
    expect((await nodes.at(0).call('POST', `/api/contracts/${id}/check`)).json()).toMatchObject({ ok: true })
    expect(
      (await nodes.at(0).put(`/records/${id}/Other`, 'on', { prefer: 'wait=30, until=tentative' })).status,
    ).toBe(200)
  })

  it('[VAL-2] is found by a check, or as soon as a value that is gone would be shown', async () => {
    const checked = await nodes.contract('checked', '{"a":"find me"}')
    edit(`UPDATE opening SET value = '"found"' WHERE value = '"find me"'`)
    const report = (await nodes.at(1).call('POST', `/api/contracts/${checked}/check`)).json()
    expect(report).toMatchObject({ ok: false, finding: { rule: 'VAL-2' } })
    expect((await nodes.at(1).get(`/records/${checked}/a`)).status).toBe(500)
    const gone = await nodes.contract('gone', '{"a":"lose me"}')
    edit(`DELETE FROM opening WHERE value = '"lose me"'`)
    const answer = await nodes.at(1).get(`/api/contracts/${gone}/full`)
    expect([answer.status, code(answer)]).toEqual([500, 'invariant-broken'])
  })

  it('[STA-1] [BLK-1] shows no past that was not signed', async () => {
    const id = await nodes.contract('rewritten', '{"a":"0"}')
    await nodes.at(1).put(`/records/${id}/a`, '1')
    await nodes.at(1).put(`/records/${id}/a`, '2')
    const hash = `(SELECT id FROM contract WHERE hash = X'${id}')`
    edit(`DELETE FROM element_version WHERE contract = ${hash} AND height = 1`)
    const past = await nodes.at(1).get(`/records/${id}/a?height=1`)
    expect([past.status, code(past)]).toEqual([500, 'invariant-broken'])
    const other = await nodes.contract('rewritten history', '{"a":"0"}')
    await nodes.at(1).put(`/records/${other}/a`, '1')
    edit(
      `UPDATE element_version SET record = json_set(record, '$.value', '${'0'.repeat(64)}') WHERE contract = (SELECT id FROM contract WHERE hash = X'${other}') AND height = 0 AND json_extract(record, '$.kind') = 'field'`,
    )
    const history = await nodes.at(1).get(`/records/${other}/a/$history`)
    expect([history.status, code(history)]).toEqual([500, 'invariant-broken'])
  })
})

describe('views', () => {
  it('are what the schemas say, nothing more', async () => {
    const id = await nodes.contract('views', '{"a":{"b":"1"},"l":[true,null]}')
    const strict = (schema: z.ZodType): z.ZodType =>
      schema instanceof z.ZodObject ? z.strictObject(schema.shape) : schema
    for (const [path, schema] of [
      ['/api/contracts', schemas.contractList],
      [`/api/contracts/${id}`, schemas.contractDetails],
      [`/api/contracts/${id}/full`, elementSchemas.fullView],
      [`/api/contracts/${id}/elements`, elementSchemas.elementPage],
      [`/api/contracts/${id}/ledger-blocks`, schemas.blockPage],
      [`/api/contracts/${id}/ledger-blocks/0`, schemas.blockDetails],
      [`/api/contracts/${id}/requests`, schemas.requestList],
      ['/api/peers', schemas.peerList],
      ['/api/node', schemas.nodeView],
    ] as const)
      expect(strict(schema).safeParse((await nodes.at(0).get(path)).json()).error, path).toBeUndefined()
  })
})
