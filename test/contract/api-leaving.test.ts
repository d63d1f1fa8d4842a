/** What stands open where a party leaves whose yes alone was missing, over HTTP between real nodes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningNodes, startNodes, until } from '../support/nodes.ts'

let nodes: RunningNodes
beforeAll(async () => {
  nodes = await startNodes(3)
})
afterAll(() => nodes.close())

type Proposal = { uid: string; complete?: true; missing: { name: string }[] }
type Draft = { uid: string; agreed: boolean; missing: { name: string }[] }

describe('a party leaves whose yes was missing', () => {
  it('[RUL-5] [RUL-2] [BLK-3] a draft is agreed then; a value is with the next yes, said before or not', async () => {
    const id = await nodes.contract('slip', '{"Rate": 1, "Due": 0.0, "Note": "x"}')
    const at = `/api/contracts/${id}`
    const [first, second, third] = [nodes.at(0), nodes.at(1), nodes.at(2)]
    const post = async (index: number, path: string, body: object) => {
      const answer = await nodes.at(index).send('POST', at + path, body)
      expect([path, answer.status < 300, answer.text]).toEqual([path, true, expect.any(String)])
      const { height, made = [] } = answer.json<{ height: number; made?: { uid: string }[] }>()
      for (const one of nodes.all.slice(0, 2)) await nodes.final(one, id, height)
      return made[0]?.uid ?? ''
    }
    const rules = [
      { path: 'Rate', behaviour: { kind: 'approval', count: 3 } },
      { path: 'Due', behaviour: { kind: 'assignment', expression: 'Rate * 2' } },
    ]
    for (const rule of rules) {
      const uid = await post(0, '/drafts', { do: 'add', rule })
      for (const index of [1, 2]) await post(index, '/votes', { on: uid, yes: true })
    }
    await post(0, '/publish', {})

    const set = await first.put(`/records/${id}/Rate`, '7')
    const on = set.headers.get('countersign-proposal') ?? ''
    await nodes.final(second, id, set.json<{ height: number }>().height)
    await post(1, '/votes', { on, yes: true })
    const draft = await post(0, '/drafts', {
      do: 'add',
      rule: { path: 'Note', behaviour: { kind: 'required' } },
    })
    await post(1, '/votes', { on: draft, yes: true })
    const proposal = async () => (await first.get(`${at}/proposals/${on}?status=tentative`)).json<Proposal>()
    expect(await proposal()).toMatchObject({ missing: [{ name: 'Party 3' }] })
    expect((await proposal()).complete).toBeUndefined()

    expect((await third.send('POST', `${at}/changes`, { op: 'leave' })).status).toBe(200)
    await until(async () => (await proposal()).complete === true)
    expect(await proposal()).toMatchObject({ missing: [] })
    const open = (await first.get(`${at}/drafts/${draft}?status=tentative`)).json<Draft>()
    expect(open).toMatchObject({ agreed: true, missing: [] })
    await post(0, '/publish', {})
    // The turn ran no rule: neither the value nor what is computed from it is another yet.
    expect((await first.get(`/records/${id}/Rate`, { accept: 'text/plain' })).text).toBe('1')
    await post(0, '/votes', { on, yes: true })
    for (const one of [first, second]) {
      expect((await one.get(`/records/${id}/Rate`, { accept: 'text/plain' })).text).toBe('7')
      expect((await one.get(`/records/${id}/Due`, { accept: 'text/plain' })).text).toBe('14')
    }
  })
})
