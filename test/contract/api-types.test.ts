/** Field types and empty fields over HTTP, as every node shows them; bundle and check with them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BundleVerifier } from '../../src/verify/verifier.ts'
import { type Answer, type RunningNodes, startNodes } from '../support/nodes.ts'

const HASH = '0123456789abcdef'.repeat(4)
const NO_VALUE = '0'.repeat(64)
const code = (answer: Answer): string => answer.json<{ code: string }>().code

let nodes: RunningNodes
let id: string
beforeAll(async () => {
  nodes = await startNodes(2)
  id = await nodes.contract('types', '{"Trade":{"Old":1}}')
})
afterAll(() => nodes.close())

const at = (name: string) => `/records/${id}/Trade/${name}`
const textOf = async (name: string, node = 1) => nodes.at(node).get(at(name), { accept: 'text/plain' })

describe('a field of a type', () => {
  it.each([
    ['money', '1250.00 EUR', '1250.00'],
    ['choice', 'CIF Rotterdam', 'x'.repeat(257)],
    ['party', HASH, 'Alder'],
    ['file', `${HASH} 12 application/pdf Bill of lading.pdf`, `${HASH} 12 application/pdf a/b`],
    ['date', '2026-11-21', '21.11.2026'],
    ['integer', '42', '4.2'],
  ])('[VAL-5] is made and set as %s, and as nothing else', async (type, value, other) => {
    expect(code(await nodes.at(0).put(`${at(type)}?type=${type}`, other))).toBe('bad-value')
    expect((await nodes.at(0).put(`${at(type)}?type=${type}`, value)).status).toBe(201)
    expect((await textOf(type)).text).toBe(value)
    // It keeps its type from then on.
    expect(code(await nodes.at(1).put(at(type), other))).toBe('bad-value')
    expect((await nodes.at(1).put(at(type), value)).status).toBe(200)
    const history = (await nodes.at(0).get(`${at(type)}/$history`)).json<{ versions: object[] }>()
    expect(history.versions).toMatchObject([
      { type, value },
      { type, value },
    ])
  })

  it('is another type where one is named, of JSON and of plain text', async () => {
    expect((await nodes.at(0).send('PUT', `${at('Old')}?type=money`, '"7.50 CHF"')).status).toBe(200)
    expect((await nodes.at(0).get(at('Old'))).text).toBe('"7.50 CHF"')
    expect((await nodes.at(0).send('PUT', `${at('Old')}?type=decimal`, '10.50')).status).toBe(200)
    expect((await nodes.at(0).get(at('Old'))).text).toBe('10.50')
  })

  it('is refused with an unknown type, and a type with anything but one value', async () => {
    expect(code(await nodes.at(0).put(`${at('x')}?type=colour`, 'red'))).toBe('bad-request')
    expect(code(await nodes.at(0).send('PUT', `${at('x')}?type=text`, '{"a":1}'))).toBe('bad-request')
    expect(code(await nodes.at(0).send('POST', `/records/${id}/Trade?name=x&type=text`, '[]'))).toBe(
      'bad-request',
    )
  })

  it('is made with others in one request', async () => {
    const answer = await nodes.at(0).send('POST', `/api/contracts/${id}/requests`, {
      operations: [
        { create: { parent: '/Trade', name: 'Price', value: '1.00 EUR', type: 'money' } },
        { create: { parent: '/Trade', name: 'Due', type: 'date' } },
        { set: '/Trade/Price', type: 'choice' },
        { set: '/Trade/Due', type: 'choice', value: 'soon' },
      ],
    })
    expect(answer.status).toBe(200)
    const page = (
      await nodes.at(1).get(`/api/contracts/${id}/elements?parent=${await uidOf('/Trade')}`)
    ).json<{
      elements: { name: string }[]
    }>()
    const shown = page.elements.filter(({ name }) => name === 'Price' || name === 'Due')
    expect(shown).toMatchObject([
      { name: 'Price', type: 'choice', value: null, version: NO_VALUE },
      { name: 'Due', type: 'choice', value: 'soon' },
    ])
    const xml = [{ create: { parent: '/Trade', name: 'x', type: 'date', xml: '<x><y/></x>' } }]
    const refused = await nodes.at(0).send('POST', `/api/contracts/${id}/requests`, { operations: xml })
    expect(code(refused)).toBe('bad-request')
  })
})

type Element = { uid: string; path: string; children?: Element[] }
async function uidOf(path: string): Promise<string> {
  const { root } = (await nodes.at(0).get(`/api/contracts/${id}/full`)).json<{ root: Element }>()
  const all = (one: Element): Element[] => [one, ...(one.children ?? []).flatMap(all)]
  return all(root).find((one) => one.path === path)?.uid as string
}

describe('an empty field', () => {
  it('[VAL-6] is made, shown in every form, set, emptied and deleted, each over the version that was seen', async () => {
    const [first, second] = [nodes.at(0), nodes.at(1)]
    const made = await first.send('PUT', `${at('Arrival')}?type=date`, 'null')
    expect([made.status, made.headers.get('etag')]).toEqual([201, `"${NO_VALUE}"`])
    const text = await textOf('Arrival')
    expect([text.status, text.text, text.headers.get('etag')]).toEqual([204, '', `"${NO_VALUE}"`])
    expect((await second.get(at('Arrival'))).text).toBe('null')
    expect((await second.get(at('Arrival'), { accept: 'application/xml' })).text).toContain('<Arrival/>')
    const proof = (await second.get(`${at('Arrival')}/$proof`)).json<{ record: object; opening?: object }>()
    expect(proof.record).not.toHaveProperty('value')
    expect(proof).not.toHaveProperty('opening')

    const seen = { 'if-match': `"${NO_VALUE}"` }
    const set = await second.put(at('Arrival'), '2026-12-01', seen)
    expect(set.status).toBe(200)
    expect((await second.put(at('Arrival'), '2026-12-02', seen)).status).toBe(409)
    const version = set.headers.get('etag') as string
    // An empty text is no date; JSON's null is none either; both keep the type.
    expect((await first.put(at('Arrival'), '', { 'if-match': version })).status).toBe(200)
    expect((await textOf('Arrival')).status).toBe(204)
    expect((await first.put(at('Arrival'), '2026-12-03')).status).toBe(200)
    expect((await first.send('PUT', at('Arrival'), 'null')).headers.get('etag')).toBe(`"${NO_VALUE}"`)
    expect(code(await first.put(at('Arrival'), 'tomorrow'))).toBe('bad-value')
    const history = (await second.get(`${at('Arrival')}/$history`)).json<{ versions: object[] }>()
    expect(history.versions).toMatchObject([
      { type: 'date', value: null, version: NO_VALUE },
      { type: 'date', value: '2026-12-01' },
      { type: 'date', value: null },
      { type: 'date', value: '2026-12-03' },
      { type: 'date', value: null },
    ])
    expect((await first.call('DELETE', at('Arrival'), { headers: seen })).status).toBe(200)
    expect(code(await first.get(at('Arrival')))).toBe('unknown-path')
  })

  it('[VAL-6] is not the empty text, which is a value', async () => {
    expect((await nodes.at(0).put(at('Note'), '')).status).toBe(201)
    const answer = await textOf('Note')
    expect([answer.status, answer.text]).toEqual([200, ''])
    expect(answer.headers.get('etag')).not.toBe(`"${NO_VALUE}"`)
  })

  it('[VAL-6] stands in bundles that verify, and in a database that checks', async () => {
    for (const index of [0, 1]) {
      const check = (await nodes.at(index).call('POST', `/api/contracts/${id}/check`)).json()
      expect(check).toMatchObject({ ok: true })
    }
    const bundle = await nodes.at(1).get(`/api/contracts/${id}/export`)
    const verifier = new BundleVerifier({ trusted: new Set(nodes.all.map(({ party }) => party)) })
    for (const line of bundle.text.split('\n').slice(0, -1)) verifier.line(line)
    expect(verifier.end()).toMatchObject({ verdict: 'valid' })
  })
})
