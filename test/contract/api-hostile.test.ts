/** Input that no well-meaning client sends: each is refused with its own code, and the node goes on. */
import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type RunningNode, type RunningNodes, startNodes } from '../support/nodes.ts'

let nodes: RunningNodes
let node: RunningNode
let id: string
beforeAll(async () => {
  nodes = await startNodes(1)
  node = nodes.at(0)
  id = await nodes.contract('target', '{"text":"x","number":1.5,"date":null,"block":{"a":1},"list":[1]}')
})
afterAll(() => nodes.close())

afterEach(async () => {
  // Whatever came in: the node still takes a write, and nothing of what was refused is there.
  expect((await node.put(`/records/${id}/text`, 'x')).status).toBe(200)
  expect((await node.get(`/records/${id}`)).text).toBe(
    '{"text":"x","number":1.5,"date":null,"block":{"a":1},"list":[1]}',
  )
  expect(node.lines.filter(({ event }) => event === 'api-fault' || event === 'stopped')).toEqual([])
})

const code = (answer: Answer): string => {
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
  const problem = answer.json<{ code: string; status: number; type: string; advice: string }>()
  expect(problem).toMatchObject({ status: answer.status, type: `/errors/${problem.code}` })
  expect(problem.advice).toMatch(/\.$/)
  return problem.code
}
const put = (path: string, type: string, body: string | Uint8Array) =>
  node.call('PUT', `/records/${id}${path}`, { body, headers: { 'content-type': type } })

const bytes = (...parts: (string | number[])[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))))

describe('bodies of records', () => {
  it.each<[string, string, string, string | Uint8Array, number, string]>([
    ['JSON cut short', '/block', 'application/json', '{"a":', 400, 'bad-json'],
    ['an empty body', '/block', 'application/json', '', 400, 'bad-json'],
    ['a comment', '/block', 'application/json', '{} // x', 400, 'bad-json'],
    ['a duplicate key', '/block', 'application/json', '{"a":1,"a":2}', 400, 'bad-json'],
    ['a duplicate key in escapes', '/block', 'application/json', '{"a":1,"\\u0061":2}', 400, 'bad-json'],
    ['an unpaired surrogate', '/text', 'application/json', '"\\ud800"', 400, 'bad-json'],
    ['an unpaired surrogate in a key', '/block', 'application/json', '{"\\udfff":1}', 400, 'bad-json'],
    ['NUL in JSON', '/text', 'application/json', '"a\\u0000b"', 400, 'bad-json'],
    ['NUL in text', '/text', 'text/plain', 'a\0b', 422, 'bad-value'],
    [
      'bytes that are not UTF-8 as JSON',
      '/text',
      'application/json',
      bytes('"', [0xc3, 0x28], '"'),
      400,
      'bad-json',
    ],
    ['bytes that are not UTF-8 as text', '/text', 'text/plain', bytes('a', [0xff]), 400, 'bad-request'],
    ['a surrogate encoded in UTF-8', '/text', 'text/plain', bytes([0xed, 0xa0, 0x80]), 400, 'bad-request'],
    ['UTF-16', '/text', 'text/plain', bytes([0xff, 0xfe, 0x41, 0x00]), 400, 'bad-request'],
    ['another charset', '/text', 'text/plain; charset=utf-16', 'x', 415, 'unsupported-media-type'],
    ['a number of 100 digits', '/number', 'application/json', '1'.repeat(100), 422, 'bad-value'],
    ['a number beyond every exponent', '/number', 'application/json', '1e99999', 422, 'bad-value'],
    ['NaN', '/number', 'application/json', 'NaN', 400, 'bad-json'],
    ['a number with a plus', '/number', 'text/plain', '+1', 422, 'bad-value'],
    ['a hexadecimal number', '/number', 'text/plain', '0x10', 422, 'bad-value'],
    ['an empty key', '/block', 'application/json', '{"":1}', 422, 'bad-name'],
    ['a key of 257 characters', '/block', 'application/json', `{"${'x'.repeat(257)}":1}`, 422, 'bad-name'],
    ['a key with a control character', '/block', 'application/json', '{"a\\u001b[2J":1}', 422, 'bad-name'],
    [
      '65 levels of lists',
      '/block',
      'application/json',
      `${'['.repeat(65)}${']'.repeat(65)}`,
      413,
      'too-large',
    ],
    [
      '100,000 levels of lists',
      '/block',
      'application/json',
      `${'['.repeat(1e5)}${']'.repeat(1e5)}`,
      413,
      'too-large',
    ],
    ['a text over 1 MiB', '/text', 'text/plain', 'x'.repeat(1024 * 1024 + 1), 413, 'too-large'],
    ['200,001 values', '/block', 'application/json', `[${'1,'.repeat(200_000)}1]`, 413, 'too-large'],
    [
      'more operations than a request has',
      '/block',
      'application/json',
      `[${'1,'.repeat(100_000)}1]`,
      413,
      'too-large',
    ],
    ['XML cut short', '/block', 'application/xml', '<block><a>', 400, 'bad-xml'],
    ['two document elements', '/block', 'application/xml', '<block/><block/>', 400, 'bad-xml'],
    ['a document type', '/block', 'application/xml', '<!DOCTYPE block><block/>', 400, 'bad-xml'],
    [
      'entities that expand a billionfold',
      '/block',
      'application/xml',
      `<!DOCTYPE b [<!ENTITY a "ha">${Array.from({ length: 9 }, (_, index) => `<!ENTITY a${index} "${`&a${index === 0 ? '' : index - 1};`.repeat(10)}">`).join('')}]><block>&a8;</block>`,
      400,
      'bad-xml',
    ],
    [
      'an external entity',
      '/block',
      'text/xml',
      '<!DOCTYPE b [<!ENTITY x SYSTEM "file:///etc/passwd">]><block>&x;</block>',
      400,
      'bad-xml',
    ],
    ['an unknown entity', '/block', 'application/xml', '<block>&nbsp;</block>', 400, 'bad-xml'],
    ['an undeclared prefix', '/block', 'application/xml', '<block><x:a/></block>', 400, 'bad-xml'],
    [
      'XML in another encoding',
      '/block',
      'application/xml',
      '<?xml version="1.0" encoding="latin1"?><block/>',
      400,
      'bad-xml',
    ],
    ['NUL in XML', '/block', 'application/xml', '<block>&#0;</block>', 400, 'bad-xml'],
    [
      '1,000 levels of elements',
      '/block',
      'application/xml',
      `<block>${'<a>'.repeat(1000)}${'</a>'.repeat(1000)}</block>`,
      413,
      'too-large',
    ],
    ['a form', '/text', 'application/x-www-form-urlencoded', 'a=b', 415, 'unsupported-media-type'],
    ['a table', '/text', 'text/csv', 'a,b', 415, 'unsupported-media-type'],
    ['a form of parts', '/text', 'multipart/form-data; boundary=x', '--x--', 415, 'unsupported-media-type'],
    ['a media type that is none', '/text', '///', 'x', 415, 'unsupported-media-type'],
  ])('%s', async (_what, path, type, body, status, expected) => {
    const answer = await put(path, type, body)
    expect([answer.status, code(answer)]).toEqual([status, expected])
  })

  it('without a Content-Type', async () => {
    const { status, text } = await raw(
      `PUT /records/${id}/text HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${node.token}\r\nContent-Length: 1\r\n\r\nx`,
    )
    expect([status, JSON.parse(text).code]).toEqual([415, 'unsupported-media-type'])
  })

  it('without a body', async () => {
    const answer = await node.call('PUT', `/records/${id}/text`)
    expect([answer.status, code(answer)]).toEqual([400, 'bad-request'])
  })

  it('reading does not quote what it refuses', async () => {
    const answer = await put('/number', 'text/plain', 'secret-value')
    expect(answer.text).not.toContain('secret-value')
  })
})

describe('bodies of entities', () => {
  it.each([
    ['/api/contracts', '{"name":"n"', 400, 'bad-json'],
    ['/api/contracts', '{"name":"a","name":"b","with":[],"document":{}}', 400, 'bad-json'],
    ['/api/contracts', '{"name":"n","with":[],"document":{"a":"\\ud800"}}', 400, 'bad-json'],
    ['/api/contracts', '{"name":"n\\u0000","with":[],"document":{}}', 400, 'bad-json'],
    [
      '/api/contracts',
      `{"name":"n","with":[],"document":${'['.repeat(66)}${']'.repeat(66)}}`,
      413,
      'too-large',
    ],
    ['/api/contracts', `${'['.repeat(1e5)}`, 413, 'too-large'],
    ['/api/contracts', '"text"', 400, 'bad-request'],
    ['/api/contracts', 'null', 400, 'bad-request'],
    ['/api/contracts', '{"name":{"$ne":1},"with":[],"document":{}}', 400, 'bad-request'],
    ['/api/contracts', '{"__proto__":{"name":"n"},"with":[],"document":{}}', 400, 'bad-request'],
    [
      '/api/contracts',
      '{"name":"n","with":[],"document":{},"policy":{"clockBoundMs":1e400}}',
      400,
      'bad-request',
    ],
    ['/api/peers', '{"url":["https://127.0.0.1:1"]}', 400, 'bad-request'],
    ['/api/peers', '{"url":"file:///etc/passwd"}', 422, 'bad-format'],
    ['/api/peers', '{"url":"https://127.0.0.1:99999"}', 422, 'bad-format'],
  ])('%s %s', async (path, body, status, expected) => {
    const answer = await node.send('POST', path, body)
    expect([answer.status, code(answer)]).toEqual([status, expected])
  })

  it('are JSON and nothing else', async () => {
    for (const type of ['text/plain', 'application/xml', 'multipart/form-data; boundary=x']) {
      const answer = await node.call('POST', '/api/contracts', {
        body: '{}',
        headers: { 'content-type': type },
      })
      expect([type, answer.status, code(answer)]).toEqual([type, 415, 'unsupported-media-type'])
    }
  })

  it.each([
    ['/api/contracts/zzz', 400],
    [`/api/contracts/${'0'.repeat(63)}G`, 400],
    [`/api/contracts/${'0'.repeat(64)}`, 404],
    ['/api/contracts/%00', 400],
    [`/api/contracts/ID/elements?limit=0x10`, 400],
    [`/api/contracts/ID/elements?limit=1001`, 400],
    [`/api/contracts/ID/elements?limit=1&limit=2`, 400],
    [`/api/contracts/ID/elements?parent=${'0'.repeat(32)}`, 404],
    [`/api/contracts/ID/elements?cursor=${'A'.repeat(299)}`, 400],
    [`/api/contracts/ID/elements?unknown=1`, 400],
    [`/api/contracts/ID/ledger-blocks/-1`, 400],
    [`/api/contracts/ID/ledger-blocks/1e3`, 400],
    [`/api/contracts/ID/ledger-blocks/99999999999999999999`, 400],
    [`/api/contracts/ID/full?at=0`, 400],
    [`/api/contracts/ID/full?height=1.5`, 400],
    [`/api/contracts/ID/requests/../../..`, 404],
    [`/api/events?cursor=nonsense`, 400],
    [`/api/events?contract=${'0'.repeat(64)}`, 404],
    [`/records/ID/${'x/'.repeat(300)}`, 400],
    [`/records/ID/${'x'.repeat(5000)}`, 404],
    ['/records/ID/a[0]', 400],
    ['/records/ID/a[1][2]', 400],
    ['/records/ID/a[99999999999999999999]', 400],
    ['/records/ID/a~9', 400],
    ['/records/ID/%00', 404],
    ['/records/ID/%ed%a0%80', 400],
    ['/records/ID/__proto__/constructor', 404],
    ['//records/ID', 404],
    ['/records/../api/node/x', 404],
  ])('at %s', async (path, status) => {
    const answer = await node.get(path.replaceAll('ID', id))
    expect(answer.status).toBe(status)
    code(answer)
  })
})

describe('bytes', () => {
  it('a body of 100 MB is refused before it is read', async () => {
    const total = 100 * 1024 * 1024
    for (const path of [`/records/${id}/text`, '/api/contracts'])
      for (const framing of [`Content-Length: ${total}`, 'Transfer-Encoding: chunked']) {
        const method = path.startsWith('/api') ? 'POST' : 'PUT'
        const type = path.startsWith('/api') ? 'application/json' : 'text/plain'
        const { status, text, sentBytes } = await flood(
          `${method} ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${node.token}\r\nContent-Type: ${type}\r\n${framing}\r\n\r\n`,
          framing.startsWith('T'),
          total,
        )
        expect([path, framing, status, JSON.parse(text).code]).toEqual([path, framing, 413, 'too-large'])
        expect(sentBytes).toBeLessThan(total * 0.8)
      }
  })

  it('a body of 100 MB without a token is not read either', async () => {
    const total = 100 * 1024 * 1024
    const { status, sentBytes } = await flood(
      `PUT /records/${id}/text HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: ${total}\r\n\r\n`,
      false,
      total,
    )
    expect(status).toBe(401)
    expect(sentBytes).toBeLessThan(total * 0.5)
  })

  it.each([
    ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400, 'bad-request'],
    ['a header line that is none', 'GET / HTTP/1.1\r\nHost: x\r\nno header\r\n\r\n', 400, 'bad-request'],
    [
      'two lengths',
      'PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx',
      400,
      'bad-request',
    ],
    [
      'a length and chunks',
      'PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
      'bad-request',
    ],
    ['an endless header', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, 413, 'too-large'],
    ['an endless address', `GET /${'x'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 413, 'too-large'],
  ])('%s', async (_what, text, status, expected) => {
    const answer = await raw(text)
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([status, expected])
  })

  it('a body shorter than it says', async () => {
    const socket = connect(Number(new URL(node.url).port), '127.0.0.1')
    socket.write(
      `PUT /records/${id}/text HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${node.token}\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nhalf`,
    )
    await new Promise((resolve) => setTimeout(resolve, 50))
    socket.destroy()
    expect((await node.get(`/records/${id}/text`)).text).toBe('"x"')
  })
})

type RawAnswer = { status: number; text: string }

function parse(received: string): RawAnswer {
  const [head = '', text = ''] = received.split('\r\n\r\n', 2)
  return { status: Number(head.slice(9, 12)), text }
}

/** Sends bytes as they are; resolves with the answer once its body is there or the connection closes. */
function raw(text: string): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    let received = ''
    const socket = connect(Number(new URL(node.url).port), '127.0.0.1', () => socket.write(text, 'latin1'))
    socket.on('data', (chunk) => {
      received += chunk.toString()
      const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? Number.NaN)
      if (parse(received).text.length >= length) socket.end()
    })
    socket.on('close', () => resolve(parse(received)))
    socket.on('error', (error) => {
      if (received === '') reject(error)
    })
  })
}

/** Sends a head and then zeros until there is an answer; tells how many got away. */
function flood(head: string, chunked: boolean, total: number): Promise<RawAnswer & { sentBytes: number }> {
  const block = Buffer.alloc(256 * 1024, 'x')
  const piece = chunked
    ? Buffer.concat([Buffer.from(`${block.length.toString(16)}\r\n`), block, Buffer.from('\r\n')])
    : block
  return new Promise((resolve, reject) => {
    let received = ''
    let sentBytes = 0
    let answered = false
    const socket = connect(Number(new URL(node.url).port), '127.0.0.1', () => {
      socket.write(head)
      pour()
    })
    function pour(): void {
      while (!answered && sentBytes < total) {
        sentBytes += block.length
        if (!socket.write(piece)) {
          socket.once('drain', pour)
          return
        }
      }
    }
    socket.on('data', (chunk) => {
      received += chunk.toString()
      answered = true
      if (received.includes('\r\n\r\n{') && received.endsWith('}')) socket.destroy()
    })
    socket.on('error', (error) => {
      if (received === '') reject(error)
    })
    socket.on('close', () => resolve({ ...parse(received), sentBytes }))
  })
}
