/** Files over HTTP and between nodes: uploads, downloads, who is given what, and peers that lie. */
import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { paths } from '../../src/cli/directory.ts'
import type { FileMessage, FileMessageOf } from '../../src/node/files/file-messages.ts'
import type { Files } from '../../src/node/files/files.ts'
import { type Answer, type RunningNode, type RunningNodes, startNodes, until } from '../support/nodes.ts'

let nodes: RunningNodes
let id: string
beforeAll(async () => {
  nodes = await startNodes(4)
  id = await nodes.contract('files', '{"Doc":{"Text":"x"}}')
})
afterAll(() => nodes.close())

const code = (answer: Answer): string => answer.json<{ code: string }>().code
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const filesOf = (one: RunningNode): Files => one.node.files as Files
const pdf = (name: string) => ({
  'content-type': 'application/pdf',
  'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(name)}`,
})
const put = (
  one: RunningNode,
  path: string,
  body: Uint8Array,
  headers: Record<string, string> = pdf('a.pdf'),
) => one.call('PUT', path, { body, headers })

async function bytesAt(
  one: RunningNode,
  path: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(one.url + path, { headers: { authorization: `Bearer ${one.token}`, ...headers } })
}

/** Waits until a node has the bytes. */
async function arrives(one: RunningNode, hash: string): Promise<void> {
  await until(() => filesOf(one).disk.sizeOf(hash) !== undefined)
}

/** Files in a node's folder, wherever they are. */
function onDisk(one: RunningNode): string[] {
  const root = paths(one.directory).files
  return (readdirSync(root, { recursive: true }) as string[]).filter((name) =>
    statSync(join(root, name)).isFile(),
  )
}

type Element = { path: string; file?: { held: string[]; of: number; name: string }; children?: Element[] }
async function elementAt(one: RunningNode, contract: string, path: string): Promise<Element> {
  const { root } = (await one.get(`/api/contracts/${contract}/full`)).json<{ root: Element }>()
  const all = (element: Element): Element[] => [element, ...(element.children ?? []).flatMap(all)]
  return all(root).find((element) => element.path === path) as Element
}

/** What a party answers to messages about files that another sends it. */
async function answers(asker: RunningNode, asked: RunningNode, messages: FileMessage[]): Promise<string[]> {
  const files = filesOf(asker)
  const got: string[] = []
  const { take } = files
  files.take = (party, all) => {
    if (party === asked.party) for (const one of all) got.push(JSON.stringify(one))
    return take.call(files, party, all) as typeof all
  }
  for (const message of messages) files.send(asked.party, message)
  await until(() => got.length >= messages.length)
  files.take = take
  return got
}

describe('a file', () => {
  const bytes = randomBytes(300_001)
  const hash = sha256(bytes)
  const path = () => `/records/${id}/Doc/Lading`

  it('[FIL-1] [FIL-2] [FIL-3] [FIL-5] is put on one node and got from every other, byte for byte, held by all', async () => {
    const made = await put(nodes.at(0), path(), bytes, pdf('Bill of lading – 1.pdf'))
    expect(made.status).toBe(201)
    const text = await nodes.at(1).get(path(), { accept: 'text/plain' })
    expect(text.text).toBe(`${hash} 300001 application/pdf Bill of lading – 1.pdf`)
    for (const one of nodes.all) {
      await arrives(one, hash)
      const answer = await bytesAt(one, `${path()}/$file`)
      expect(answer.status).toBe(200)
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        'content-type': 'application/pdf',
        'content-length': '300001',
        'content-disposition':
          'attachment; filename="Bill of lading _ 1.pdf"; filename*=UTF-8\'\'Bill%20of%20lading%20%E2%80%93%201.pdf',
        'x-content-type-options': 'nosniff',
        'accept-ranges': 'bytes',
        etag: made.headers.get('etag') as string,
      })
      expect(sha256(new Uint8Array(await answer.arrayBuffer()))).toBe(hash)
      const accepted = await bytesAt(one, path(), { accept: 'application/octet-stream' })
      expect(sha256(new Uint8Array(await accepted.arrayBuffer()))).toBe(hash)
    }
    for (const one of nodes.all)
      await until(async () => (await elementAt(one, id, '/Doc/Lading')).file?.held.length === 4)
    expect((await elementAt(nodes.at(2), id, '/Doc/Lading')).file).toMatchObject({ hash, of: 4 })
  })

  it('is read in ranges', async () => {
    const part = async (range: string, more: Record<string, string> = {}) => {
      const answer = await bytesAt(nodes.at(1), `${path()}/$file`, { range, ...more })
      return { answer, body: Buffer.from(await answer.arrayBuffer()) }
    }
    for (const [range, start, end] of [
      ['bytes=0-9', 0, 10],
      ['bytes=300000-', 300_000, 300_001],
      ['bytes=-5', 299_996, 300_001],
      ['bytes=100000-999999', 100_000, 300_001],
    ] as const) {
      const { answer, body } = await part(range)
      expect(answer.status).toBe(206)
      expect(answer.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/300001`)
      expect(body.equals(bytes.subarray(start, end))).toBe(true)
    }
    for (const range of ['bytes=5-4', 'bytes=0-1,3-4', 'lines=1-2'])
      expect((await part(range)).answer.status).toBe(200)
    const outside = await part('bytes=300001-')
    expect([outside.answer.status, outside.answer.headers.get('content-range')]).toEqual([
      416,
      'bytes */300001',
    ])
    const { answer } = await part('bytes=0-9', { 'if-range': `"${'0'.repeat(64)}"` })
    expect(answer.status).toBe(200)
    const head = await nodes.at(1).call('HEAD', `${path()}/$file`)
    expect([head.status, head.text, head.headers.get('content-length')]).toEqual([200, '', '300001'])
  })

  it('[FIL-1] is kept once, however often it is put and named', async () => {
    expect((await put(nodes.at(0), `/records/${id}/Doc/Copy`, bytes)).status).toBe(201)
    const value = (await nodes.at(3).get(path(), { accept: 'text/plain' })).text
    const other = await nodes.contract('another with the same', '{"Doc":{}}')
    // By its value alone: this party holds the bytes, so others may have them from it; or prove that they hold them.
    expect((await nodes.at(3).put(`/records/${other}/Doc/Lading?type=file`, value)).status).toBe(201)
    for (const one of nodes.all) {
      await until(async () => (await elementAt(one, other, '/Doc/Lading')).file?.held.length === 4)
      expect(onDisk(one).filter((name) => name.endsWith(hash.slice(2)))).toHaveLength(1)
    }
  })

  it('is uploaded apart from the write that names it; empty ones too', async () => {
    const upload = await nodes.at(1).call('POST', `/api/contracts/${id}/files?name=..%2Fempty.bin`, {
      body: new Uint8Array(0),
      headers: { 'content-type': 'application/zip' },
    })
    expect(upload.status).toBe(201)
    const { value, ...file } = upload.json<{ value: string; hash: string }>()
    expect(file).toEqual({
      hash: sha256(Buffer.alloc(0)),
      sizeBytes: 0,
      mediaType: 'application/zip',
      name: 'empty.bin',
    })
    const set = await nodes.at(1).send('POST', `/api/contracts/${id}/requests`, {
      operations: [{ create: { parent: '/Doc', name: 'Empty', value, type: 'file' } }],
    })
    expect(set.status).toBe(200)
    await arrives(nodes.at(2), file.hash)
    const got = await bytesAt(nodes.at(2), `/records/${id}/Doc/Empty/$file`)
    expect([got.status, (await got.arrayBuffer()).byteLength]).toEqual([200, 0])
  })

  it('is any body with Content-Disposition: attachment, and no form or text without', async () => {
    const json = Buffer.from('{"not": "read"')
    const made = await put(nodes.at(0), `/records/${id}/Doc/Json`, json, {
      'content-type': 'application/json',
      'content-disposition': 'attachment; filename="a.json"',
    })
    expect(made.status).toBe(201)
    const [, , type, name] = (
      await nodes.at(0).get(`/records/${id}/Doc/Json`, { accept: 'text/plain' })
    ).text.split(' ')
    expect([type, name]).toEqual(['application/json', 'a.json'])
    const child = await nodes
      .at(0)
      .call('POST', `/records/${id}/Doc?name=Child`, { body: json, headers: { 'content-type': 'image/png' } })
    expect(child.status).toBe(201)
    for (const type of ['text/csv', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])
      expect(code(await put(nodes.at(0), `/records/${id}/Doc/Form`, json, { 'content-type': type }))).toBe(
        'unsupported-media-type',
      )
    expect(code(await put(nodes.at(0), `/records/${id}/Doc/Json?type=date`, json))).toBe('bad-request')
    expect(code(await nodes.at(0).get(`/records/${id}/Doc/Text/$file`))).toBe('not-found')
  })

  it('has the name that Content-Disposition gives it, without directories, or that of its field', async () => {
    for (const [disposition, name] of [
      ['attachment; filename=plain.pdf', 'plain.pdf'],
      ['attachment; filename="a \\"b\\" .pdf "', 'a "b" .pdf'],
      ['attachment; filename="../../etc/passwd"', 'passwd'],
      ['attachment; filename="C:\\\\x\\\\y.doc"', 'y.doc'],
      [`attachment; filename="${Buffer.from('Zürich.pdf').toString('latin1')}"`, 'Zürich.pdf'],
      ["attachment; filename=x; filename*=UTF-8''%E2%82%AC.pdf", '€.pdf'],
      [`attachment; filename="${'x'.repeat(300)}"`, 'x'.repeat(255)],
      ['attachment; filename=".."', 'Named'],
      ['attachment', 'Named'],
    ] as const) {
      const made = await put(nodes.at(0), `/records/${id}/Doc/Named`, Buffer.from('x'), {
        'content-type': 'image/png; x=y',
        'content-disposition': disposition,
      })
      expect([200, 201]).toContain(made.status)
      const { text } = await nodes.at(0).get(`/records/${id}/Doc/Named`, { accept: 'text/plain' })
      expect(text).toBe(`${sha256(Buffer.from('x'))} 1 image/png ${name}`)
    }
  })

  it('is put once with one Idempotency-Key', async () => {
    const key = { ...pdf('k.pdf'), 'idempotency-key': 'one' }
    const answers = []
    for (const body of ['same', 'same', 'other'])
      answers.push(await put(nodes.at(0), `/records/${id}/Doc/Key`, Buffer.from(body), key))
    expect(answers[1]?.json<{ id: string }>().id).toBe(answers[0]?.json<{ id: string }>().id)
    expect(code(answers[2] as Answer)).toBe('key-reused')
  })

  it('[FIL-1] leaves nothing behind where it is too large or cut off', async () => {
    const before = onDisk(nodes.at(0))
    const [one] = [nodes.at(0)]
    const large = await put(one, `/records/${id}/Doc/Large`, new Uint8Array(104_857_601)).catch(
      () => undefined,
    )
    if (large) expect([large.status, code(large)]).toEqual([413, 'too-large'])
    // Without a length, one finds out on the way.
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(4_000_000)),
    })
    const init = {
      method: 'PUT',
      body: endless,
      duplex: 'half',
      headers: { authorization: `Bearer ${one.token}`, ...pdf('x') },
    }
    const answer = await fetch(`${one.url}/records/${id}/Doc/Large`, init as RequestInit).catch(
      () => undefined,
    )
    if (answer) expect(answer.status).toBe(413)
    const { hostname, port } = new URL(one.url)
    const socket = connect(Number(port), hostname)
    socket.write(
      `PUT /records/${id}/Doc/Cut HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${one.token}\r\nContent-Type: image/png\r\nContent-Length: 90000\r\n\r\n`,
    )
    socket.write(Buffer.alloc(30_000))
    await until(() => onDisk(one).some((name) => name.startsWith('incoming')))
    socket.destroy()
    await until(() => onDisk(one).length === before.length)
    expect(code(await one.get(`/records/${id}/Doc/Large`))).toBe('unknown-path')
  })
})

describe('who is given a file', () => {
  it('[FIL-4] is who is in a contract that names it; to others it is as one that does not exist', async () => {
    const [a, b, , stranger] = nodes.all as [RunningNode, RunningNode, RunningNode, RunningNode]
    const made = await a.send('POST', '/api/contracts', {
      name: 'two',
      with: [b.party],
      document: { Doc: {} },
    })
    const two = made.json<{ id: string }>().id
    await until(() => b.node.engine.replicas.has(two))
    await b.call('POST', `/api/contracts/${two}/accept`)
    await nodes.final(b, two, 0)
    const secret = randomBytes(5000)
    const hash = sha256(secret)
    expect((await put(a, `/records/${two}/Doc/Secret`, secret)).status).toBe(201)
    await arrives(b, hash)
    const nonce = randomBytes(32).toString('base64url')
    const questions = (contract: string, hash: string): FileMessage[] => [
      { type: 'FILE-GET', contract, hash, sizeBytes: 5000, from: 0, length: 5000 },
      { type: 'FILE-PROVE', contract, hash, sizeBytes: 5000, nonce },
      { type: 'FILE-ASK', contract, hashes: [hash] },
    ]
    const neutral = (texts: string[], contract: string, hash: string) =>
      texts.map((text) => text.replaceAll(contract, 'CONTRACT').replaceAll(hash, 'HASH')).sort()
    const nowhere = 'ab'.repeat(32)
    const nothing = 'cd'.repeat(32)
    const seen = []
    // There is no such contract; not one of its own; one of its own that does not name it; a file that is nowhere.
    for (const [contract, asked] of [
      [nowhere, hash],
      [two, hash],
      [id, hash],
      [id, nothing],
    ] as const)
      seen.push(neutral(await answers(stranger, a, questions(contract, asked)), contract, asked))
    for (const one of seen) expect(one).toEqual(seen[0])
    expect(seen[0]?.join()).not.toContain('FILE-PART')
    // A member gets it.
    const given = await answers(b, a, questions(two, hash))
    expect(given.map((text) => JSON.parse(text).type).sort()).toEqual([
      'FILE-HELD',
      'FILE-PART',
      'FILE-PROOF',
    ])
    // Beyond its end, and of another size, there is nothing.
    for (const more of [{ from: 1 }, { sizeBytes: 4999, length: 1 }]) {
      const [question] = questions(two, hash)
      const [answer] = await answers(b, a, [{ ...question, ...more } as FileMessage])
      expect(JSON.parse(answer as string).type).toBe('FILE-NONE')
    }
  })

  it('[FIL-6] is not who only knows its hash, and names it in a contract with somebody that holds it', async () => {
    const [holder, , , thief] = nodes.all as [RunningNode, RunningNode, RunningNode, RunningNode]
    const secret = randomBytes(5000)
    const hash = sha256(secret)
    const alone = await holder.send('POST', '/api/contracts', {
      name: 'alone',
      with: [],
      document: { Doc: {} },
    })
    const own = alone.json<{ id: string }>().id
    expect((await put(holder, `/records/${own}/Doc/Secret`, secret)).status).toBe(201)
    const value = `${hash} 5000 application/pdf secret.pdf`
    expect((await thief.put(`/records/${id}/Doc/Stolen?type=file`, value)).status).toBe(201)
    const [part, proof, held] = await answers(thief, holder, [
      { type: 'FILE-GET', contract: id, hash, sizeBytes: 5000, from: 0, length: 5000 },
      {
        type: 'FILE-PROVE',
        contract: id,
        hash,
        sizeBytes: 5000,
        nonce: randomBytes(32).toString('base64url'),
      },
      { type: 'FILE-ASK', contract: id, hashes: [hash] },
    ])
    for (const text of [part, proof, held]) expect(text).toMatch(/"FILE-NONE"|"hashes":\[\]/)
    const missing = await thief.get(`/records/${id}/Doc/Stolen/$file`)
    expect([missing.status, code(missing)]).toEqual([409, 'file-not-here'])
    expect((await elementAt(thief, id, '/Doc/Stolen')).file?.held).toEqual([])
    // Who named it and then shows that it holds it opens it for all.
    await thief.call('POST', `/api/contracts/${id}/files`, {
      body: secret,
      headers: { 'content-type': 'image/png' },
    })
    await nodes.at(1).put(`/records/${id}/Doc/Text`, 'y')
    await thief.put(`/records/${id}/Doc/Again?type=file`, value)
    await arrives(nodes.at(1), hash)
    await until(() => filesOf(holder).isShared(id, { hash, sizeBytes: 5000 }))
  })
})

/** Lets what a node sends about files pass through `alter`; undefined: as it is. */
function lying(one: RunningNode, alter: (message: FileMessage) => FileMessage[]): () => void {
  const { options } = filesOf(one)
  const { send } = options
  options.send = (party, text) =>
    alter(JSON.parse(text) as FileMessage).reduce(
      (sent, message) => send(party, JSON.stringify(message)) && sent,
      true,
    )
  return () => {
    options.send = send
  }
}

describe('a peer that lies', () => {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')

  it.each<[string, (message: FileMessage) => FileMessage[]]>([
    [
      'wrong',
      (one) =>
        one.type === 'FILE-PART'
          ? [{ ...one, bytes: base64(Buffer.alloc(Buffer.from(one.bytes, 'base64url').length)) }]
          : [one],
    ],
    ['too few', (one) => (one.type === 'FILE-PART' ? [{ ...one, bytes: base64(Buffer.alloc(10)) }] : [one])],
    [
      'too many',
      (one) =>
        one.type === 'FILE-PART'
          ? [
              { ...one, bytes: base64(Buffer.alloc(65_536)) },
              ...Array.from({ length: 50 }, (_, index) => ({ ...one, from: index * 65_536 })),
            ]
          : [one],
    ],
    ['no', (one) => (one.type === 'FILE-PART' ? [] : [one])],
  ])('[FIL-5] and sends %s bytes is left for another that holds the file', async (_, alter) => {
    const [liar, honest, reader] = nodes.all as [RunningNode, RunningNode, RunningNode]
    for (const one of nodes.all) Object.assign(filesOf(one).limits, { answerMs: 700 })
    const bytes = randomBytes(200_000)
    const hash = sha256(bytes)
    // The reader hears of nobody but the liar at first.
    const { take } = filesOf(reader)
    let isDeaf = true
    filesOf(reader).take = (party, all) =>
      isDeaf && party !== liar.party && all.some(({ type }) => String(type).startsWith('FILE-'))
        ? all.filter(({ type }) => !String(type).startsWith('FILE-'))
        : (take.call(filesOf(reader), party, all) as typeof all)
    const stop = lying(liar, (message) => alter(message))
    const upload = await honest.call('POST', `/api/contracts/${id}/files`, {
      body: bytes,
      headers: { 'content-type': 'image/png' },
    })
    const { value } = upload.json<{ value: string }>()
    await liar.call('POST', `/api/contracts/${id}/files`, {
      body: bytes,
      headers: { 'content-type': 'image/png' },
    })
    expect((await liar.put(`/records/${id}/Doc/Lie-${hash.slice(0, 6)}?type=file`, value)).status).toBe(201)
    const barred = () => filesOf(reader).heldBy(reader.node.engine.replica(id), { hash, sizeBytes: 200_000 })
    await until(() => barred().includes(liar.party))
    await new Promise((done) => setTimeout(done, 1500))
    expect(filesOf(reader).disk.sizeOf(hash)).toBe(undefined)
    isDeaf = false
    expect((await honest.put(`/records/${id}/Doc/True-${hash.slice(0, 6)}?type=file`, value)).status).toBe(
      201,
    )
    await arrives(reader, hash)
    const got = await bytesAt(reader, `/records/${id}/Doc/Lie-${hash.slice(0, 6)}/$file`)
    expect(sha256(new Uint8Array(await got.arrayBuffer()))).toBe(hash)
    stop()
    filesOf(reader).take = take
  })

  it('[FIL-5] [FIL-7] and is malformed changes nothing, and ordering goes on beside a transfer', async () => {
    const [one, other] = nodes.all as [RunningNode, RunningNode]
    const before = other.lines.length
    for (const message of [
      { type: 'FILE-GET', contract: id },
      { type: 'FILE-PART', contract: id, hash: 'x', from: 0, bytes: '' },
      { type: 'FILE-PROOF', contract: id, hash: 'ab'.repeat(32), nonce: 'x', proof: 1 },
      { type: 'FILE-PART', contract: id, hash: 'ab'.repeat(32), from: 0, bytes: 'AAAA' },
    ])
      filesOf(one).send(other.party, message as FileMessage)
    await until(
      () => other.lines.slice(before).filter(({ event }) => event === 'message-refused').length >= 3,
    )
    const bytes = randomBytes(20_000_000)
    expect((await put(one, `/records/${id}/Doc/Big`, bytes)).status).toBe(201)
    for (let round = 0; round < 5; round += 1)
      expect((await other.put(`/records/${id}/Doc/Text`, `round ${round}`)).status).toBe(200)
    await arrives(other, sha256(bytes))
  })
})

describe('a node that was away', () => {
  it('[FIL-3] goes on where it stopped, and has what was named meanwhile', async () => {
    const away = nodes.at(3)
    const others = nodes.all.slice(0, 3)
    const bytes = randomBytes(3_000_000)
    const hash = sha256(bytes)
    // Nobody gives more than the first half.
    const stops = others.map((one) =>
      lying(one, (message) => (message.type === 'FILE-PART' && message.from > 1_500_000 ? [] : [message])),
    )
    expect((await put(nodes.at(0), `/records/${id}/Doc/Away`, bytes)).status).toBe(201)
    const partial = join(paths(away.directory).files, 'partial', `${hash}-3000000`)
    await until(() => (statSync(partial, { throwIfNoEntry: false })?.size ?? 0) > 1_500_000)
    await away.stop()
    for (const stop of stops) stop()
    const meanwhile = randomBytes(1000)
    const tentative = { ...pdf('b'), prefer: 'wait=30, until=tentative' }
    expect((await put(nodes.at(1), `/records/${id}/Doc/Meanwhile`, meanwhile, tentative)).status).toBe(201)
    const asked: number[] = []
    const unheard = others.map((one) => {
      const files = filesOf(one)
      const { take } = files
      files.take = (party, all) => {
        for (const message of all as readonly Partial<FileMessageOf<'FILE-GET'>>[])
          if (message.type === 'FILE-GET' && message.hash === hash && party === away.party)
            asked.push(message.from ?? 0)
        return take.call(files, party, all) as typeof all
      }
      return () => {
        files.take = take
      }
    })
    await away.start()
    await arrives(away, hash)
    await arrives(away, sha256(meanwhile))
    expect(Math.min(...asked)).toBeGreaterThan(1_500_000)
    for (const stop of unheard) stop()
    await away.stop()
    await away.start()
    const got = await bytesAt(away, `/records/${id}/Doc/Away/$file`)
    expect(sha256(new Uint8Array(await got.arrayBuffer()))).toBe(hash)
    await until(async () => (await elementAt(away, id, '/Doc/Away')).file?.held.length === 4)
    await until(() => onDisk(away).every((name) => /^[0-9a-f]{2}\//.test(name)))
  })
})
