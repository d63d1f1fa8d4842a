/** Differences between two heights or times, and histories of elements, over HTTP. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import * as schemas from '../../src/api/schemas-time.ts'
import { type Answer, type RunningNodes, startNodes } from '../support/nodes.ts'

let nodes: RunningNodes
beforeAll(async () => {
  nodes = await startNodes(2)
})
afterAll(() => nodes.close())

type Status = { id: string; height: number; blockTimeMs: number }
type Difference = z.infer<typeof schemas.differencePage>
type History = z.infer<typeof schemas.historyPage>

const code = (answer: Answer): string => answer.json<{ code: string }>().code
const statusOf = (answer: Answer): Status => {
  expect([200, 201], answer.text).toContain(answer.status)
  return answer.json<Status>()
}

describe('a difference', () => {
  it('tells what was created, changed and removed between two heights, by whom and when', async () => {
    const [one, other] = [nodes.at(0), nodes.at(1)]
    const id = await nodes.contract('difference', '{"Slip":{"Amount":"1.50","Gone":"x","Note":"kept"}}')
    const set = statusOf(await other.put(`/records/${id}/Slip/Amount`, '1.75'))
    const put = statusOf(await one.send('PUT', `/records/${id}/Slip/New`, '"made"'))
    const gone = statusOf(await one.call('DELETE', `/records/${id}/Slip/Gone`))
    await nodes.final(one, id, gone.height)
    const base = `/api/contracts/${id}/difference`
    const answer = await one.get(`${base}?from=0&to=final`)
    expect(answer.status, answer.text).toBe(200)
    const view = schemas.differencePage.parse(answer.json())
    expect(view).toMatchObject({ contract: id, name: 'difference', from: { height: 0 }, total: 3 })
    expect(view.to.height).toBeGreaterThanOrEqual(gone.height)
    expect(view.elements).toMatchObject([
      {
        what: ['changed'],
        kind: 'field',
        path: '/Slip/Amount',
        old: { value: '1.50', type: 'text' },
        new: { value: '1.75' },
        change: {
          author: other.party,
          authorName: other.name,
          height: set.height,
          request: set.id,
          stage: 'final',
        },
      },
      {
        what: ['removed'],
        path: '/Slip/Gone',
        old: { value: 'x' },
        change: { author: one.party, height: gone.height, request: gone.id },
      },
      { what: ['created'], path: '/Slip/New', new: { value: 'made' }, change: { height: put.height } },
    ])
    for (const { change } of view.elements) {
      expect(change.timeMs).toBeGreaterThan(view.from.timeMs)
      expect(change.claimedMs).toBeTypeOf('number')
    }
    const back = (await one.get(`${base}?from=${view.to.height}&to=0`)).json<Difference>()
    expect(back.elements.map(({ what, path }) => [what[0], path])).toEqual([
      ['changed', '/Slip/Amount'],
      ['created', '/Slip/Gone'],
      ['removed', '/Slip/New'],
    ])
    expect(back.elements[0]?.change.request).toBe(set.id)
    expect((await one.get(`${base}?from=${set.height}&to=${set.height}`)).json()).toMatchObject({
      total: 0,
      elements: [],
    })
    // What is held in two nodes is the same, and so is what is told of it.
    const there = await other.get(`${base}?from=0&to=${view.to.height}`)
    expect(there.json<Difference>().elements).toEqual(view.elements)
  })

  it('takes times as ?at= does, pages between the heights it began with, and refuses what is none', async () => {
    const one = nodes.at(0)
    const id = await nodes.contract('pages', '{"List":{"a":"0","b":"0","c":"0","d":"0"}}')
    for (const name of ['a', 'b', 'c', 'd']) await one.put(`/records/${id}/List/${name}`, '1')
    const last = statusOf(await one.put(`/records/${id}/List/a`, '2'))
    await nodes.final(one, id, last.height)
    const base = `/api/contracts/${id}/difference`
    const first = (await one.get(`${base}?from=0&limit=3`)).json<Difference>()
    expect(first.elements.map(({ path }) => path)).toEqual(['/List/a', '/List/b', '/List/c'])
    const later = statusOf(await one.put(`/records/${id}/List/d`, '9'))
    await nodes.final(one, id, later.height)
    const second = (await one.get(`${base}?from=0&limit=3&cursor=${first.nextCursor}`)).json<Difference>()
    expect(second.to).toEqual(first.to)
    expect(second.elements).toMatchObject([{ path: '/List/d', new: { value: '1' } }])
    expect(second.nextCursor).toBeUndefined()

    const { timeMs } = first.to
    const time = new Date(timeMs).toISOString()
    const byTime = (await one.get(`${base}?from=${time}`)).json<Difference>()
    expect(byTime.from.height).toBe(first.to.height)
    expect(byTime.elements).toMatchObject([{ path: '/List/d', old: { value: '1' }, new: { value: '9' } }])
    const day = new Date(timeMs + 2 * 86_400_000).toISOString().slice(0, 10)
    expect((await one.get(`${base}?from=${day}`)).json<Difference>().total).toBe(0)

    for (const [query, status, word] of [
      ['', 400, 'bad-request'],
      ['from=yesterday', 400, 'bad-request'],
      ['from=0&to=2024-02-30', 400, 'bad-request'],
      ['from=2001-01-01', 404, 'not-found'],
      ['from=0&to=999', 404, 'not-found'],
      ['from=0&cursor=x', 400, 'bad-request'],
      ['from=0&cursor=MCAx', 400, 'bad-request'],
      ['from=0&limit=9999', 400, 'bad-request'],
      ['from=0&colour=red', 400, 'bad-request'],
    ] as const) {
      const answer = await one.get(`${base}?${query}`)
      expect([query, answer.status, code(answer)]).toEqual([query, status, word])
    }
    expect((await one.get(`${base}?from=yesterday`)).json<{ detail: string }>().detail).toContain(
      'from: expected',
    )
    expect((await one.get(`/api/contracts/${'0'.repeat(64)}/difference?from=0`)).status).toBe(404)
  })

  it('is of one element only, where one of thousands changed', async () => {
    const one = nodes.at(0)
    const many = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`f${index}`, 'x']))
    const id = await nodes.contract('many', JSON.stringify(many))
    const set = statusOf(await one.put(`/records/${id}/f1234`, 'y'))
    await nodes.final(one, id, set.height)
    const view = (await one.get(`/api/contracts/${id}/difference?from=0`)).json<Difference>()
    expect(view.total).toBe(1)
    expect(view.elements).toMatchObject([{ path: '/f1234', old: { value: 'x' }, new: { value: 'y' } }])
  })
})

describe('the history of an element', () => {
  it('tells each change with old and new, and page by page; also of what is gone', async () => {
    const [one, other] = [nodes.at(0), nodes.at(1)]
    const id = await nodes.contract('history', '{"a":"0","b":"x"}')
    const page = (await one.get(`/api/contracts/${id}/elements`)).json<{ elements: { uid: string }[] }>()
    const uid = page.elements[0]?.uid as string
    const first = statusOf(await one.put(`/records/${id}/a`, '1'))
    const second = statusOf(await other.put(`/records/${id}/a`, '2'))
    const gone = statusOf(await one.call('DELETE', `/records/${id}/a`))
    await nodes.final(one, id, gone.height)
    const base = `/api/contracts/${id}/elements/${uid}/history`
    const whole = schemas.historyPage.parse((await one.get(base)).json())
    expect(whole.total).toBe(4)
    expect(whole.path).toBeUndefined()
    expect(whole.versions).toMatchObject([
      { height: 0, what: ['created'], name: 'a', value: '0', outcome: 'accepted', stage: 'final' },
      {
        height: first.height,
        what: ['set'],
        old: { value: '0', type: 'text' },
        value: '1',
        author: one.party,
        authorName: one.name,
        request: first.id,
      },
      { height: second.height, what: ['set'], old: { value: '1' }, value: '2', author: other.party },
      { height: gone.height, what: ['deleted'], removed: true, old: { value: '2' }, request: gone.id },
    ])
    expect(whole.versions[1]?.claimedMs).toBeTypeOf('number')
    expect(whole.versions[0]).not.toHaveProperty('old')

    const seen: unknown[] = []
    for (let cursor = ''; ; ) {
      const part = (await one.get(`${base}?limit=1${cursor}`)).json<History>()
      expect(part.versions).toHaveLength(1)
      seen.push(...part.versions)
      if (part.nextCursor === undefined) break
      cursor = `&cursor=${part.nextCursor}`
    }
    expect(seen).toEqual(whole.versions)
    const then = (await one.get(`${base}?height=${first.height}`)).json<History>()
    expect(then).toMatchObject({ total: 2, path: '/a' })
    const record = (await one.get(`/records/${uid}/$history`)).json<History>()
    expect(record.versions).toEqual(whole.versions)
    expect((await one.get(`/api/contracts/${id}/elements/${'0'.repeat(31)}1/history`)).status).toBe(404)
    expect((await one.get(`${base}?cursor=zz`)).status).toBe(400)
  })

  it('tells every request that changed it, where one ledger block holds several', async () => {
    const [one, other] = [nodes.at(0), nodes.at(1)]
    const id = await nodes.contract('together', '{"a":"0"}')
    const page = (await one.get(`/api/contracts/${id}/elements`)).json<{ elements: { uid: string }[] }>()
    const uid = page.elements[0]?.uid as string
    const asked = ['1', '2', '3', '4', '5', '6'].map((value, index) =>
      (index % 2 ? one : other).put(`/records/${id}/a`, value),
    )
    const answers = await Promise.all(asked)
    const accepted = answers.filter(({ status }) => status === 200).map((answer) => statusOf(answer))
    const refused = answers.filter(({ status }) => status === 409)
    expect(accepted.length).toBeGreaterThan(0)
    const height = Math.max(...accepted.map((one) => one.height))
    await nodes.final(one, id, height)
    const base = `/api/contracts/${id}/elements/${uid}/history`
    const taken = (await one.get(base)).json<History>()
    expect(
      taken.versions
        .slice(1)
        .map(({ request }) => request)
        .sort(),
    ).toEqual(accepted.map((one) => one.id).sort())
    let before: unknown = '0'
    for (const { old, value } of taken.versions.slice(1)) {
      expect(old?.value).toBe(before)
      before = value
    }
    const all = (await one.get(`${base}?refused=true&limit=1000`)).json<History>()
    const losers = all.versions.filter(({ outcome }) => outcome !== 'accepted')
    expect(losers).toHaveLength(refused.length)
    for (const loser of losers) {
      expect(loser).toMatchObject({
        outcome: 'conflicted',
        code: 'stale-version',
        what: ['set'],
        type: 'text',
      })
      expect(['1', '2', '3', '4', '5', '6']).toContain(loser.value)
    }
    const parts: unknown[] = []
    for (let cursor = ''; ; ) {
      const part = (await one.get(`${base}?refused=true&limit=2${cursor}`)).json<History>()
      parts.push(...part.versions)
      if (part.nextCursor === undefined) break
      cursor = `&cursor=${part.nextCursor}`
    }
    expect(parts).toEqual(all.versions)
    const record = (await one.get(`/records/${id}/a/$history?refused=true`)).json<History>()
    expect(record.versions).toEqual(all.versions)
    expect((await one.get(`/records/${id}/a/$history?refused=maybe`)).status).toBe(400)
  })
})
