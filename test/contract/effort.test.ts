/** What is read of the disk goes by what is asked for and what is changed, not by how much a contract holds. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { countReads, type Reads } from '../support/count-reads.ts'
import { Engines, type Member } from '../support/engines.ts'
import { type Answer, type RunningNodes, startNodes, until } from '../support/nodes.ts'

const SMALL = 10
const LARGE = 1000
const RULES = [
  { path: '/Lines/Qty', behaviour: { kind: 'limits', min: '0', max: '1000000' } },
  { path: '/Lines/Sum', behaviour: { kind: 'assignment', expression: 'Qty * Price' } },
  {
    path: '/Lines',
    behaviour: { kind: 'constraint', expression: 'Sum >= Qty', message: 'at least one each' },
  },
]

let nodes: RunningNodes
let count: ReturnType<typeof countReads>
const ids: Record<number, string> = {}

/** A contract of a list with so many lines, and rules over each of them. */
async function linesOf(size: number): Promise<string> {
  const lines = Array.from({ length: size }, () => ({ Qty: 3, Price: 2, Sum: 6 }))
  const id = await nodes.contract('lines', JSON.stringify({ Title: 'x', Lines: lines }))
  const drafts = RULES.map((rule) => ({ draft: { do: 'add', rule } }))
  for (const operations of [drafts, [{ publish: 'agreed' }]]) {
    const { status } = await nodes.at(0).send('POST', `/api/contracts/${id}/requests`, { operations })
    expect([200, 201]).toContain(status)
  }
  return id
}

beforeAll(async () => {
  nodes = await startNodes(1)
  for (const size of [SMALL, LARGE]) ids[size] = await linesOf(size)
  count = countReads(nodes.at(0).node.store)
})
afterAll(() => nodes.close())

/** What the same question, or the same edit, reads in each of the two; both must be answered alike. */
async function readsOf(ask: (id: string) => Promise<Answer>): Promise<[few: Reads, many: Reads]> {
  const both: Reads[] = []
  for (const size of [SMALL, LARGE]) {
    // Nothing of what was before waits for the disk any more.
    nodes.at(0).node.engine.flush()
    const { reads, result } = await count(() => ask(ids[size] as string))
    expect([200, 201]).toContain(result.status)
    both.push(reads)
  }
  return both as [Reads, Reads]
}

describe('in a contract of 10 lines as in one of 1,000', () => {
  it('a field is read by its own value and no other', async () => {
    const [few, many] = await readsOf((id) => nodes.at(0).get(`/records/${id}/Lines[7]/Qty`))
    expect(many).toEqual({ openings: 1 })
    expect(few).toEqual(many)
  })

  it('a line is read by its three values, a proof by none but the field’s', async () => {
    const [few, many] = await readsOf((id) => nodes.at(0).get(`/records/${id}/Lines[7]`))
    expect(many).toEqual({ openings: 3 })
    expect(few).toEqual(many)
    const [ofFew, ofMany] = await readsOf((id) => nodes.at(0).get(`/records/${id}/Lines[7]/Qty/$proof`))
    expect(ofMany.openings).toBe(1)
    expect(ofFew).toEqual(ofMany)
  })

  it('how a contract stands is told without its elements', async () => {
    const [few, many] = await readsOf((id) => nodes.at(0).get(`/api/contracts/${id}`))
    expect([many.elements, many.openings, many.elementHistory]).toEqual([undefined, undefined, undefined])
    expect(few).toEqual(many)
  })

  it('[RUL-3] an edit reads the values that the rules of its line read, each as often, and no other element', async () => {
    // Both were edited before: what a first edit alone has to look up is known.
    await readsOf((id) => nodes.at(0).put(`/records/${id}/Lines[7]/Qty`, '4'))
    const [few, many] = await readsOf((id) => nodes.at(0).put(`/records/${id}/Lines[7]/Qty`, '5'))
    expect([many.elements, many.elementHistory]).toEqual([undefined, undefined])
    // Qty comes with the request, Price is on disk, Sum is computed: once before it is signed, once where it is ordered.
    expect(many.openings).toBe(2)
    expect(few.openings).toBe(2)
  })

  it('what has changed is told to whoever listens without the histories of it', async () => {
    const answer = await fetch(`${nodes.at(0).url}/api/events`, {
      headers: { authorization: `Bearer ${nodes.at(0).token}` },
    })
    const reader = (answer.body as NonNullable<typeof answer.body>).getReader()
    let text = ''
    const reading = (async () => {
      for (let part = await reader.read(); !part.done; part = await reader.read())
        text += Buffer.from(part.value).toString()
    })()
    for (const size of [SMALL, LARGE]) {
      const { reads } = await count(async () => {
        text = ''
        await nodes.at(0).put(`/records/${ids[size]}/Lines[7]/Qty`, '6')
        await until(() => text.includes(`/records/${ids[size]}/Lines%5B7%5D/Sum`))
      })
      expect(reads.elementHistory).toBe(undefined)
    }
    await reader.cancel()
    await reading
  })

  it('where elements stand is told by the heights at which they were changed last', async () => {
    const [, many] = await readsOf((id) => nodes.at(0).get(`/records/${id}/$status?limit=20`))
    expect([many.lastChange, many.elementHistory, many.elements]).toEqual([20, undefined, undefined])
  })
})

it('a node that starts reads each element once, and no value, request or version of before', async () => {
  const engines = new Engines(2)
  const [first, second] = engines.members as [Member, Member]
  const document = JSON.stringify(
    Object.fromEntries(Array.from({ length: LARGE }, (_, at) => [`f${at}`, 'x'])),
  )
  const contract = engines.contract(document)
  for (const value of ['y', 'z']) {
    engines.set(first, contract, 'f7', value)
    engines.pass(3000)
  }
  second.engine.flush()
  const { reads } = await countReads(second.store)(() => engines.boot(second, false))
  // Beside the fields there are the root and the epoch record.
  expect(reads.elements).toBe(LARGE + 2)
  for (const name of ['openings', 'request', 'requestsOf', 'requests', 'elementHistory'])
    expect(reads[name], name).toBe(undefined)
})
