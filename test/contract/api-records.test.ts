/** Records over HTTP: what a client that knows nothing of ledgers reads and writes. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashJson } from '../../src/crypto/hash.ts'
import { verifyInclusion } from '../../src/crypto/log.ts'
import { verifyMapProof } from '../../src/crypto/merkle-map.ts'
import { cosignatureOf, parseCheckpoint, parseNote, verifyCosignature } from '../../src/crypto/note.ts'
import { blockHash, type Header, logLeaf } from '../../src/ledger/block.ts'
import { commitmentOf, type Opening } from '../../src/ledger/value.ts'
import { type Answer, type RunningNodes, startNodes } from '../support/nodes.ts'

let nodes: RunningNodes
beforeAll(async () => {
  nodes = await startNodes(3)
})
afterAll(() => nodes.close())

const INVOICE =
  '{"Invoice":{"ID":"A-1","Total":100.00,"Paid":false,"Due":null,"Lines":[{"n":1},{"n":2}],"Notes":{}}}'
const code = (answer: Answer): string => answer.json<{ code: string }>().code
const xml = { 'content-type': 'application/xml' }

describe('reading', () => {
  let id: string
  beforeAll(async () => {
    id = await nodes.contract('reading', INVOICE)
  })
  const at = (path: string, accept?: string, node = 1) =>
    nodes.at(node).get(`/records/${id}${path}`, accept === undefined ? {} : { accept })

  it.each([
    ['', undefined, INVOICE],
    ['/', undefined, INVOICE],
    ['/Invoice/Total', undefined, '100.00'],
    ['/Invoice/Total', 'text/plain', '100.00'],
    ['/Invoice/ID', undefined, '"A-1"'],
    ['/Invoice/ID', 'text/plain', 'A-1'],
    ['/Invoice/Paid', undefined, 'false'],
    ['/Invoice/Due', undefined, 'null'],
    ['/Invoice/Lines', undefined, '[{"n":1},{"n":2}]'],
    ['/Invoice/Lines[2]', undefined, '{"n":2}'],
    ['/Invoice/Lines%5B2%5D/n', undefined, '2'],
    ['/Invoice/Notes', undefined, '{}'],
    ['/Invoice/ID', 'application/xml', '<?xml version="1.0" encoding="UTF-8"?>\n<ID>A-1</ID>\n'],
    ['/Invoice/Lines[1]', 'text/xml', '<?xml version="1.0" encoding="UTF-8"?>\n<item><n>1</n></item>\n'],
  ])('%s as %s', async (path, accept, text) => {
    const answer = await at(path, accept)
    expect(answer.status).toBe(200)
    expect(answer.text).toBe(text)
  })

  it('says which version, height and record hash it is, and is the same at every node', async () => {
    const answers = await Promise.all([0, 1, 2].map((node) => at('/Invoice', undefined, node)))
    const [first] = answers.map(({ headers }) => ({
      etag: headers.get('etag'),
      height: headers.get('countersign-height'),
      hash: headers.get('countersign-record-hash'),
      stage: headers.get('countersign-stage'),
    }))
    expect(first?.etag).toMatch(/^"[0-9a-f]{64}"$/)
    expect(first).toMatchObject({ height: '0', stage: 'final' })
    for (const { headers } of answers) {
      expect(headers.get('etag')).toBe(first?.etag)
      expect(headers.get('countersign-record-hash')).toBe(first?.hash)
      expect(headers.get('vary')).toBe('Accept')
    }
  })

  it('answers 304 to who has the version, and HEAD without a body', async () => {
    const { headers } = await at('/Invoice/Total')
    const etag = headers.get('etag') as string
    const again = await nodes.at(1).get(`/records/${id}/Invoice/Total`, { 'if-none-match': `"x", ${etag}` })
    expect([again.status, again.text]).toEqual([304, ''])
    const head = await nodes.at(1).call('HEAD', `/records/${id}/Invoice/Total`)
    expect([head.status, head.text, head.headers.get('etag')]).toEqual([200, '', etag])
  })

  it('reaches every element by its UID, too', async () => {
    type Element = { uid: string; name: string; path: string; children?: Element[] }
    const { root } = (await nodes.at(1).get(`/api/contracts/${id}/full`)).json<{ root: Element }>()
    const visit = async (element: Element): Promise<void> => {
      const byUid = await nodes.at(1).get(`/records/${element.uid}`)
      expect(byUid.text).toBe((await at(element.path)).text)
      for (const child of element.children ?? []) await visit(child)
    }
    await visit(root)
    const invoice = root.children?.[0] as Element
    expect((await nodes.at(1).get(`/records/${invoice.uid}/Lines[2]/n`)).text).toBe('2')
  })

  it.each([
    ['/Nothing', undefined, 404, 'unknown-path'],
    ['/Invoice/Lines[3]', undefined, 404, 'unknown-path'],
    ['/Invoice//ID', undefined, 400, 'bad-request'],
    ['/Invoice/%zz', undefined, 400, 'bad-request'],
    ['/Invoice/%ff', undefined, 400, 'bad-request'],
    ['/Invoice', 'text/plain', 406, 'not-acceptable'],
    ['/Invoice/ID', 'image/png', 406, 'not-acceptable'],
    ['/Invoice/ID?height=7', undefined, 404, 'not-found'],
    ['/Invoice/ID?height=-1', undefined, 400, 'bad-request'],
    ['/Invoice/ID?height=0&at=2026-01-01', undefined, 400, 'bad-request'],
    ['/Invoice/ID?at=yesterday', undefined, 400, 'bad-request'],
    ['/Invoice/ID?at=2020-02-30', undefined, 400, 'bad-request'],
    ['/Invoice/ID?at=2020-01-01', undefined, 404, 'not-found'],
    ['/Invoice/ID?status=finished', undefined, 400, 'bad-request'],
    ['/Invoice/ID?status=final&status=final', undefined, 400, 'bad-request'],
    ['/Invoice/ID?colour=red', undefined, 400, 'bad-request'],
    ['/Invoice/ID/$votes?limit=0', undefined, 400, 'bad-request'],
    ['/Invoice/ID/$status?cursor=x', undefined, 400, 'bad-request'],
    ['/Invoice/ID/$rules?at=never', undefined, 400, 'bad-request'],
  ])('refuses %s as %s', async (path, accept, status, expected) => {
    const answer = await at(path, accept)
    expect([answer.status, code(answer)]).toEqual([status, expected])
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
  })

  it('knows nothing of other contracts and elements', async () => {
    const node = nodes.at(1)
    for (const [path, expected] of [
      [`/records/${'0'.repeat(64)}`, 'unknown-contract'],
      [`/records/${'0'.repeat(32)}`, 'not-found'],
      ['/records/none', 'not-found'],
      ['/records/', 'not-found'],
    ] as const) {
      const answer = await node.get(path)
      expect([path, answer.status, code(answer)]).toEqual([path, 404, expected])
    }
  })
})

describe('writing', () => {
  let id: string
  beforeAll(async () => {
    id = await nodes.contract('writing', INVOICE)
  })
  const read = async (path: string, node = 2): Promise<string> =>
    (await nodes.at(node).get(`/records/${id}${path}`)).text
  const record = (path: string): string => `/records/${id}${path}`

  it('answers when every member has signed, with the version to go on from', async () => {
    const answer = await nodes.at(0).put(record('/Invoice/ID'), 'B-2')
    expect(answer.status).toBe(200)
    const status = answer.json<{ id: string; stage: string; outcome: string; dialogues: object[] }>()
    expect(status).toMatchObject({ stage: 'final', outcome: 'accepted', contract: id, waitingFor: [] })
    expect(status.dialogues).toHaveLength(3)
    expect(status.dialogues).toEqual(
      status.dialogues.map((one) => ({ ...one, received: true, accepted: true })),
    )
    const link = answer.headers.get('content-location') as string
    expect((await nodes.at(1).get(link)).json()).toMatchObject({ id: status.id, stage: 'final' })
    const etag = answer.headers.get('etag') as string
    expect((await nodes.at(0).get(record('/Invoice/ID'))).headers.get('etag')).toBe(etag)
    expect(await read('/Invoice/ID')).toBe('"B-2"')
    expect((await nodes.at(0).put(record('/Invoice/ID'), 'B-3', { 'if-match': etag })).status).toBe(200)
  })

  it.each([
    ['/Invoice/Total', 'text/plain', '99.90', '99.90'],
    ['/Invoice/Total', 'application/json', '1e2', '1e2'],
    [
      '/Invoice/Total',
      'application/json',
      '12345678901234567890.123456789',
      '12345678901234567890.123456789',
    ],
    ['/Invoice/Total', 'application/xml', '<Total>7.10</Total>', '7.10'],
    ['/Invoice/Paid', 'text/plain', 'true', 'true'],
    ['/Invoice/Paid', 'application/json; charset=utf-8', 'false', 'false'],
    ['/Invoice/Due', 'application/json', '"soon"', '"soon"'],
    ['/Invoice/Due', 'application/json', 'null', 'null'],
    [
      '/Invoice/ID',
      'text/plain',
      ' blanks\nand <tags> & "quotes" \u00fc\u{1f600} ',
      '" blanks\\nand <tags> & \\"quotes\\" \u00fc\u{1f600} "',
    ],
    ['/Invoice/ID', 'application/json', '""', '""'],
  ])('sets %s as %s', async (path, type, body, expected) => {
    const answer = await nodes.at(0).call('PUT', record(path), { body, headers: { 'content-type': type } })
    expect([answer.status, answer.json<{ stage: string }>().stage]).toEqual([200, 'final'])
    expect(await read(path)).toBe(expected)
  })

  it('replaces a block and keeps the UIDs of what stays', async () => {
    const uidOf = async (path: string) =>
      (await nodes.at(0).get(record(`${path}/$proof`))).json<{ uid: string }>().uid
    const before = await uidOf('/Invoice/Total')
    const next = '{"ID":"C","Total":5.00,"Paid":true,"Due":null,"Lines":[{"n":2}],"New":{"a":[]}}'
    const { etag } = Object.fromEntries((await nodes.at(0).get(record('/Invoice'))).headers)
    const put = await nodes.at(0).send('PUT', record('/Invoice'), next, { 'if-match': etag as string })
    expect(put.status).toBe(200)
    expect(await read('/Invoice')).toBe(next)
    expect(await uidOf('/Invoice/Total')).toBe(before)
    const stale = await nodes.at(0).send('PUT', record('/Invoice'), '{}', { 'if-match': etag as string })
    expect([stale.status, code(stale)]).toEqual([409, 'conflicted'])
    const now = (await nodes.at(0).get(record('/Invoice'))).headers.get('etag')
    expect(`"${stale.json<{ context: { version: string } }>().context.version}"`).toBe(now)
    const same = await nodes.at(0).send('PUT', record('/Invoice'), next)
    expect([same.status, same.json()]).toMatchObject([200, { stage: 'final', unchanged: true }])
  })

  it('creates what the path names last, once', async () => {
    const made = await nodes.at(1).send('PUT', record('/Invoice/Extra'), '{"a":1}', { 'if-none-match': '*' })
    expect(made.status).toBe(201)
    expect((await nodes.at(1).get(made.headers.get('location') as string)).text).toBe('{"a":1}')
    expect(await read('/Invoice/Extra/a')).toBe('1')
    const again = await nodes.at(1).send('PUT', record('/Invoice/Extra'), '{"a":2}', { 'if-none-match': '*' })
    expect([again.status, code(again)]).toEqual([409, 'conflicted'])
    const absent = await nodes.at(1).send('PUT', record('/Invoice/Absent'), '1', { 'if-match': '*' })
    expect([absent.status, code(absent)]).toEqual([409, 'conflicted'])
    const deep = await nodes.at(1).send('PUT', record('/Invoice/Not/There'), '1')
    expect([deep.status, code(deep)]).toEqual([404, 'unknown-path'])
  })

  it('adds items and children, where asked', async () => {
    const item = await nodes.at(0).send('POST', record('/Invoice/Lines'), '{"n":3}')
    expect(item.status).toBe(201)
    const uid = (item.headers.get('location') as string).split('/').at(-1)
    const before = await nodes.at(0).send('POST', record(`/Invoice/Lines?before=${uid}`), '{"n":2.5}')
    expect(before.status).toBe(201)
    expect(await read('/Invoice/Lines')).toBe('[{"n":2},{"n":2.5},{"n":3}]')
    expect((await nodes.at(0).send('POST', record('/Invoice?name=Child'), '"x"')).status).toBe(201)
    expect(
      (await nodes.at(0).call('POST', record('/Invoice'), { body: '<Tag k="v">t</Tag>', headers: xml }))
        .status,
    ).toBe(201)
    expect(await read('/Invoice/Child')).toBe('"x"')
    expect(await read('/Invoice/Tag')).toBe('{"@k":"v","#text":"t"}')
    expect((await nodes.at(0).put(record('/Invoice/Tag'), 'other')).status).toBe(200)
    expect(await read('/Invoice/Tag')).toBe('{"@k":"v","#text":"other"}')
    for (const path of [
      '/Invoice',
      '/Invoice/Lines?name=x',
      '/Invoice/ID?name=x',
      `/Invoice?name=y&after=${uid}`,
    ]) {
      const refused = await nodes.at(0).send('POST', record(path), '1')
      expect([path, refused.status, code(refused)]).toEqual([path, 400, 'bad-request'])
    }
  })

  it('merges and deletes', async () => {
    const merge = { 'content-type': 'application/merge-patch+json' }
    const body = '{"Child":null,"Total":1.0,"Extra":{"b":true}}'
    expect((await nodes.at(2).call('PATCH', record('/Invoice'), { body, headers: merge })).status).toBe(200)
    expect(await read('/Invoice/Extra')).toBe('{"a":1,"b":true}')
    expect((await nodes.at(0).get(record('/Invoice/Child'))).status).toBe(404)
    const { headers } = await nodes.at(0).get(record('/Invoice/Extra'))
    const gone = await nodes
      .at(0)
      .call('DELETE', record('/Invoice/Extra'), { headers: { 'if-match': headers.get('etag') as string } })
    expect(gone.status).toBe(200)
    expect((await nodes.at(2).get(record('/Invoice/Extra'))).status).toBe(404)
    const root = await nodes.at(0).call('DELETE', record(''))
    expect([root.status, code(root)]).toEqual([400, 'bad-request'])
    const text = await nodes
      .at(0)
      .call('PATCH', record('/Invoice'), { body: 'x', headers: { 'content-type': 'text/plain' } })
    expect([text.status, code(text)]).toEqual([415, 'unsupported-media-type'])
  })

  it.each([
    ['/Invoice/Total', 'text/plain', 'lots', 422, 'bad-value'],
    ['/Invoice/Total', 'application/xml', '<Total>lots</Total>', 422, 'bad-value'],
    ['/Invoice/Total', 'application/xml', '<Sum>1</Sum>', 400, 'bad-request'],
    ['/Invoice/Paid', 'text/plain', 'yes', 422, 'bad-value'],
    ['/Invoice', 'text/plain', 'x', 400, 'bad-request'],
    ['/Invoice/Lines', 'application/xml', '<Lines/>', 400, 'bad-request'],
    ['/Invoice/ID/$history', 'text/plain', 'x', 405, 'method-not-allowed'],
    ['/Invoice/ID?name=x', 'text/plain', 'x', 400, 'bad-request'],
  ])('refuses to put to %s as %s: %s', async (path, type, body, status, expected) => {
    const answer = await nodes.at(0).call('PUT', record(path), { body, headers: { 'content-type': type } })
    expect([answer.status, code(answer)]).toEqual([status, expected])
  })

  it('refuses an If-Match that no version can be', async () => {
    for (const match of ['abc', '"abc"', `W/"${'0'.repeat(64)}"`, '']) {
      const answer = await nodes.at(0).put(record('/Invoice/ID'), 'x', { 'if-match': match || ',' })
      expect([answer.status, code(answer)]).toEqual([400, 'bad-request'])
    }
  })

  it('[REQ-4] lets one of two writes on one version through and tells the other what there is now', async () => {
    const etag = (await nodes.at(0).get(record('/Invoice/Due'))).headers.get('etag') as string
    const answers = await Promise.all([
      nodes.at(0).send('PUT', record('/Invoice/Due'), '"first"', { 'if-match': etag }),
      nodes.at(1).send('PUT', record('/Invoice/Due'), '"second"', { 'if-match': etag }),
    ])
    const [accepted, conflicted] = answers.sort((one, other) => one.status - other.status) as [Answer, Answer]
    expect([accepted.status, conflicted.status]).toEqual([200, 409])
    expect(conflicted.json()).toMatchObject({
      code: 'conflicted',
      context: { status: { stage: 'final', outcome: 'conflicted', code: 'stale-version' } },
    })
    const { version } = conflicted.json<{ context: { version: string } }>().context
    expect(`"${version}"`).toBe(accepted.headers.get('etag'))
  })

  it('takes any document and gives the same back', async () => {
    const leaf = fc.oneof(
      fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)),
    )
    const key = fc.string({ minLength: 1, maxLength: 20 }).filter((name) => !/[\p{Cc}]/u.test(name))
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3, withCrossShrink: true },
        leaf,
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 4, noNullPrototype: true }),
      ),
    }))
    await fc.assert(
      fc.asyncProperty(tree, async (value) => {
        const put = await nodes.at(0).send('PUT', record('/Invoice/Notes'), JSON.stringify(value))
        expect([200, 201], put.text.slice(0, 200)).toContain(put.status)
        const got = await nodes.at(1).get(record('/Invoice/Notes'))
        expect(JSON.parse(got.text)).toEqual(value)
      }),
      { numRuns: 12 },
    )
  })
})

describe('names and XML', () => {
  it('finds a field of any name', async () => {
    const names = [
      'a/b',
      'a~b',
      'a[1]',
      'a%b',
      'a?b',
      'a#b',
      'a b',
      '\u00fc\u{1f600}',
      '@x',
      '#y',
      '?z',
      '$w',
      '..',
      '.',
      'a+b',
      'a;b',
      '%2F',
      '$history',
    ]
    const id = await nodes.contract(
      'names',
      JSON.stringify(Object.fromEntries(names.map((name) => [name, name]))),
    )
    for (const name of names.slice(0, -1)) {
      const segment = encodeURIComponent(
        name.replace(/~/g, '~0').replace(/\//g, '~1').replace(/\[/g, '~2'),
      ).replace(/^\.+$/, (dots) => dots.replaceAll('.', '%2E'))
      if (name === '.' || name === '..') continue // A URL parser takes these for steps, encoded or not.
      const answer = await nodes.at(1).get(`/records/${id}/${segment}`)
      expect([name, answer.status, answer.text]).toEqual([name, 200, JSON.stringify(name)])
    }
    type Element = { uid: string; name: string }
    const { elements } = (await nodes.at(1).get(`/api/contracts/${id}/elements`)).json<{
      elements: Element[]
    }>()
    for (const { uid, name } of elements)
      expect((await nodes.at(1).get(`/records/${uid}`)).text).toBe(JSON.stringify(name))
  })

  it('writes a part of an XML document in its namespaces, and takes it back as it was', async () => {
    const document =
      '<i:Invoice xmlns:i="urn:i" xmlns="urn:d">\n  <i:Total cur="EUR">5</i:Total>\n  <Note/>\n  <i:Who><Name>N</Name></i:Who>\n</i:Invoice>'
    const id = await nodes.contract('xml', document)
    const part = await nodes.at(1).get(`/records/${id}/i:Invoice/i:Who`, { accept: 'application/xml' })
    expect(part.text).toContain('<i:Who xmlns:i="urn:i" xmlns="urn:d">')
    const whole = await nodes.at(1).get(`/records/${id}`, { accept: 'application/xml' })
    const changed = part.text.replace('>N<', '>M<')
    const put = await nodes
      .at(0)
      .call('PUT', `/records/${id}/i:Invoice/i:Who`, { body: changed, headers: xml })
    expect([put.status, put.json()]).toMatchObject([200, { stage: 'final' }])
    const after = await nodes.at(1).get(`/records/${id}`, { accept: 'application/xml' })
    expect(after.text).toBe(whole.text.replace('>N<', '>M<'))
    const same = await nodes
      .at(0)
      .call('PUT', `/records/${id}/i:Invoice/i:Who`, { body: changed, headers: xml })
    expect(same.json()).toMatchObject({ unchanged: true })
    const leaf = await nodes.at(1).get(`/records/${id}/i:Invoice/i:Who/Name`, { accept: 'application/xml' })
    const other = leaf.text.replace('>M<', '>L<')
    expect(
      (await nodes.at(0).call('PUT', `/records/${id}/i:Invoice/i:Who/Name`, { body: other, headers: xml }))
        .status,
    ).toBe(200)
    const total = await nodes.at(1).get(`/records/${id}/i:Invoice/i:Total`, { accept: 'text/plain' })
    expect(total.text).toBe('5')
    expect(
      (
        await nodes
          .at(0)
          .put(`/records/${id}/i:Invoice/i:Total`, '6', { 'if-match': total.headers.get('etag') as string })
      ).status,
    ).toBe(200)
    const end = await nodes.at(1).get(`/records/${id}`, { accept: 'application/xml' })
    expect(end.text).toBe(whole.text.replace('>N<', '>L<').replace('>5<', '>6<'))
  })
})

describe('the past', () => {
  it('shows each height and time, and an element’s versions with their authors', async () => {
    const id = await nodes.contract('past', '{"a":"0","b":"stays"}')
    const { uid } = (await nodes.at(0).get(`/records/${id}/a/$proof`)).json<{ uid: string }>()
    await nodes.at(0).put(`/records/${id}/a`, '1')
    await nodes.at(1).put(`/records/${id}/a`, '2')
    await nodes.at(2).call('DELETE', `/records/${id}/a`)
    const { blocks } = (await nodes.at(0).get(`/api/contracts/${id}/ledger-blocks`)).json<{
      blocks: { height: number; header: { timeMs: number } }[]
    }>()
    const texts: string[] = []
    for (const { height, header } of blocks) {
      const byHeight = await nodes.at(0).get(`/records/${id}?height=${height}`)
      const byTime = await nodes.at(0).get(`/records/${id}?at=${new Date(header.timeMs).toISOString()}`)
      expect(byTime.text).toBe(byHeight.text)
      expect(byTime.headers.get('countersign-record-hash')).toBe(
        byHeight.headers.get('countersign-record-hash'),
      )
      texts.push(byHeight.text)
    }
    expect([...new Set(texts)]).toEqual([
      '{"a":"0","b":"stays"}',
      '{"a":"1","b":"stays"}',
      '{"a":"2","b":"stays"}',
      '{"b":"stays"}',
    ])
    const history = (await nodes.at(1).get(`/records/${uid}/$history`)).json<{ versions: object[] }>()
    expect(history.versions).toMatchObject([
      { height: 0, value: '0', stage: 'final' },
      { value: '1', author: nodes.at(0).party, authorName: 'Party 1' },
      { value: '2', author: nodes.at(1).party, type: 'text' },
      { removed: true, author: nodes.at(2).party },
    ])
    const newest = (await nodes.at(1).get(`/records/${uid}/$history?limit=1`)).json()
    expect(newest).toMatchObject({ total: 4, versions: [{ removed: true }] })
    expect((await nodes.at(1).get(`/records/${uid}`)).status).toBe(404)
    expect((await nodes.at(1).get(`/records/${uid}?height=0`)).text).toBe('"0"')
  })
})

describe('a proof', () => {
  type Proof = {
    contract: string
    uid: string
    height: number
    opening: Opening
    record: { value: string }
    recordHash: string
    mapProof: Parameters<typeof verifyMapProof>[3]
    header: Header
    block: string
    checkpoints: { size: number; note: string; inclusion: { index: number; size: number; path: string[] } }[]
    members: { party: string; cosignKey: string; hasCosigned: boolean }[]
  }

  it('[STA-1] [LOG-1] [CHK-2] holds with nothing but the members’ keys', async () => {
    const id = await nodes.contract('proof', '{"a":{"b":"x"},"c":1}')
    await nodes.at(0).put(`/records/${id}/a/b`, 'proved')
    await nodes.at(0).send('PUT', `/records/${id}/c`, '2')
    for (const height of [undefined, 1, 0]) {
      const query = height === undefined ? '' : `?height=${height}`
      const proof = (await nodes.at(1).get(`/records/${id}/a/b/$proof${query}`)).json<Proof>()
      expect(proof.opening.value).toBe(height === 0 ? 'x' : 'proved')
      expect(commitmentOf(proof.opening)).toBe(proof.record.value)
      expect(hashJson('element', proof.record)).toBe(proof.recordHash)
      expect(verifyMapProof(proof.header.stateRoot, proof.uid, proof.recordHash, proof.mapProof)).toBe(true)
      expect(verifyMapProof(proof.header.stateRoot, proof.uid, '0'.repeat(64), proof.mapProof)).toBe(false)
      expect(blockHash(proof.header)).toBe(proof.block)
      const signers = new Set<string>()
      for (const { note, inclusion } of proof.checkpoints) {
        const { body, signatures } = parseNote(note)
        const { origin, size, rootHash } = parseCheckpoint(body)
        expect([origin, size]).toEqual([`countersign/${id}/0`, inclusion.size])
        expect(verifyInclusion(logLeaf(proof.block), proof.height, size, inclusion.path, rootHash)).toBe(true)
        for (const signature of signatures.map(cosignatureOf)) {
          const member = proof.members.find(({ party }) => signature.name === `countersign/${party}`)
          expect(verifyCosignature(member?.cosignKey as string, body, signature)).toBe(true)
          signers.add(signature.name)
        }
      }
      expect(signers.size).toBe(3)
    }
  })
})
