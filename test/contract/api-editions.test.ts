/** Templates included in live contracts, upgraded by vote, and taken out again, over HTTP between real nodes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { differences } from '../../src/contract/template/difference.ts'
import { type Template, templateHash, templateOf } from '../../src/contract/template/format.ts'
import { type Answer, type RunningNodes, startNodes, until } from '../support/nodes.ts'
import { nextOf, order, rule } from '../support/small-order.ts'

const code = (answer: Answer): string => answer.json<{ code: string }>().code
const detail = (answer: Answer): string => answer.json<{ detail: string }>().detail

const second = nextOf(order, (next) => {
  next.tree.push({ name: 'Discount', kind: 'field', type: 'decimal', label: 'Discount' })
  const [, limits] = next.rules
  if (limits?.behaviour.kind === 'limits') limits.behaviour.min = '10'
  next.rules.push(rule('discount', 'seller', ['Discount'], { kind: 'limits', max: '5' }))
  next.rules = next.rules.filter(({ name }) => name !== 'price-agreed')
})

type Plan = {
  block: { uid: string; path: string }
  roles: { name: string; parties: { name: string }[] }[]
  created: { count: number; elements: { path: string; kind: string }[] }
  drafts: { do: string; name?: string; sentence: string }[]
  left: string[]
}
type Written = { id: string; stage: string; outcome: string; made: { kind: string; uid: string }[] }

let nodes: RunningNodes
let roles: Record<string, string[]>
beforeAll(async () => {
  nodes = await startNodes(3)
  const [buyer, seller, carrier] = nodes.all.map(({ party }) => party) as [string, string, string]
  roles = { buyer: [buyer], seller: [seller], carrier: [carrier] }
})
afterAll(() => nodes.close())

/** Every other member says yes to all drafts that a request made, and the last publishes them. */
async function agree(id: string, request: string, by = 0): Promise<Answer> {
  for (const [index, one] of nodes.all.entries()) {
    const drafts = async () => {
      const page = await one.get(`/api/contracts/${id}/drafts?status=tentative`)
      return page.json<{ drafts: { uid: string; request: string; agreed: boolean }[] }>().drafts
    }
    await until(async () => (await drafts()).some((draft) => draft.request === request))
    if (index === by) continue
    const operations = (await drafts())
      .filter((draft) => draft.request === request)
      .map(({ uid }) => ({ vote: uid, yes: true }))
    expect((await one.send('POST', `/api/contracts/${id}/requests`, { operations })).status).toBe(200)
  }
  return nodes.at(2).send('POST', `/api/contracts/${id}/publish`, {})
}

async function everywhere(holds: (index: number) => Promise<boolean>): Promise<void> {
  for (const index of nodes.all.keys()) await until(() => holds(index))
}

describe('a template included in a live contract', () => {
  let id: string
  let block: string
  beforeAll(async () => {
    id = await nodes.contract('host', '{"Note": "hello", "Orders": [{"No": 1}], "Old": {}}')
  })

  const included = (body: object, preview = '') =>
    nodes.at(0).send('POST', `/api/contracts/${id}/inclusions${preview}`, { document: order, roles, ...body })

  it('[TPL-2] is looked at before anything is signed', async () => {
    const plan = (await included({ name: 'Order' }, '/preview')).json<Plan>()
    expect(plan).toMatchObject({ block: { path: '/Order' }, left: [] })
    expect(plan.roles[1]).toMatchObject({ name: 'seller', parties: [{ name: 'Party 2' }] })
    expect(plan.created.elements).toEqual([
      { path: '/Order', kind: 'block' },
      { path: '/Order/Quantity', kind: 'integer' },
      { path: '/Order/Price', kind: 'decimal' },
      { path: '/Order/Carrier', kind: 'party' },
    ])
    expect(plan.drafts.map(({ do: what, name }) => [what, name])).toEqual([
      ['add', 'phases'],
      ['add', 'quantity-by-buyer'],
      ['add', 'price-from'],
      ['add', 'price-agreed'],
      ['template', undefined],
    ])
    expect(plan.drafts[2]?.sentence).toBe('Order › Price is at least 1.')
    expect(plan.drafts[4]?.sentence).toBe(
      `Order is from now on of edition 1 of the template ${templateHash(order).slice(0, 12)}.`,
    )
    const { drafts } = (await nodes.at(0).get(`/api/contracts/${id}/drafts`)).json<{ drafts: object[] }>()
    expect(drafts).toEqual([])
  })

  it('[TPL-2] is in force once all have said yes and one has published it', async () => {
    const answer = await included({ name: 'Order' })
    expect(answer.status).toBe(201)
    const written = answer.json<Written>()
    expect(written).toMatchObject({ stage: 'final', outcome: 'accepted' })
    block = answer.headers.get('location')?.replace('/records/', '') ?? ''
    expect((await nodes.at(0).put(`/records/${id}/Order/Price`, '0.5')).status).toBe(200)
    expect((await nodes.at(0).put(`/records/${id}/Order/Price`, '5')).status).toBe(200)
    expect((await agree(id, written.id)).status).toBe(200)
    expect((await nodes.at(0).get(`/records/${block}`)).json()).toMatchObject({ Price: 5 })
    const refused = await nodes.at(1).put(`/records/${id}/Order/Quantity`, '3')
    expect([refused.status, detail(refused)]).toEqual([422, expect.stringContaining('Only Party 1')])
    expect((await nodes.at(0).put(`/records/${id}/Order/Quantity`, '3')).status).toBe(200)
  })

  it('[TPL-2] is refused with what to do', async () => {
    const twice = await included({ name: 'Order' })
    expect([twice.status, code(twice), detail(twice)]).toEqual([
      409,
      'conflict',
      'the contract has an element "Order" already: include the template under another name',
    ])
    expect(detail(await included({ roles: { ...roles, seller: [] } }))).toBe('Say which party is the seller.')
    const stranger = await included({ name: 'Other', roles: { ...roles, carrier: ['e'.repeat(64)] } })
    expect(detail(stranger)).toContain(
      'is to be the carrier and is no member of this contract: invite it first',
    )
    expect(code(await included({ in: '/Nowhere' }))).toBe('unknown-path')
    expect(detail(await included({ in: '/Note' }))).toContain('holds nothing below it')
    expect(detail(await included({ in: '/Orders', name: 'x' }))).toContain('leave out `name`')
    expect(code(await included({ document: { ...order, off: ['x'] } }))).toBe('bad-template')
  })

  it('[TPL-2] goes into a list as an item, without phases where the contract has them', async () => {
    const plan = (await included({ in: '/Orders' }, '/preview')).json<Plan>()
    expect(plan.block.path).toBe('/Orders[2]')
    expect(plan.drafts.map(({ name }) => name)).not.toContain('phases')
  })

  it('[TPL-4] goes to the next edition by vote, alone', async () => {
    const upgrade = { from: { document: order }, to: { document: second }, on: '/Order' }
    const plan = (
      await nodes.at(1).send('POST', `/api/contracts/${id}/upgrades/preview`, upgrade)
    ).json<Plan>()
    expect(plan.roles.map(({ parties }) => parties.map(({ name }) => name))).toEqual([
      ['Party 1'],
      ['Party 2'],
      ['Party 3'],
    ])
    expect(plan.created.elements).toEqual([{ path: '/Order/Discount', kind: 'decimal' }])
    expect(plan.left).toEqual([
      'rule price-from: what stands at /Order/Price breaks it; set it before the rule is published',
    ])
    const answer = await nodes.at(1).send('POST', `/api/contracts/${id}/upgrades`, upgrade)
    expect(answer.status).toBe(201)
    const again = await nodes.at(0).send('POST', `/api/contracts/${id}/upgrades`, upgrade)
    expect([code(again), detail(again)]).toEqual([
      'conflict',
      expect.stringContaining('Party 2 has drafted already that /Order is to be of edition 2'),
    ])
    const broken = await agree(id, answer.json<Written>().id, 1)
    expect([broken.status, detail(broken)]).toEqual([
      422,
      expect.stringMatching(/at \/Order\/Price .*; the rule: Order › Price is at least 10\./),
    ])
    const proposed = await nodes.at(1).put(`/records/${id}/Order/Price`, '20')
    const on = proposed.headers.get('countersign-proposal')
    await until(async () => (await nodes.at(2).get(`/api/contracts/${id}/proposals/${on}`)).status === 200)
    expect((await nodes.at(2).send('POST', `/api/contracts/${id}/votes`, { on, yes: true })).status).toBe(200)
    expect((await nodes.at(2).send('POST', `/api/contracts/${id}/publish`, {})).status).toBe(200)
    const low = await nodes.at(0).put(`/records/${id}/Order/Price`, '9')
    expect(detail(low)).toContain('Order › Price is at least 10.')
    expect((await nodes.at(0).put(`/records/${id}/Order/Price`, '12')).status).toBe(200)
  })
})

describe('a contract of a template', () => {
  let id: string
  beforeAll(async () => {
    const body = { name: 'Order', document: order, roles }
    const made = await nodes.at(0).send('POST', '/api/contracts/from-template', body)
    ;({ id } = made.json<{ id: string }>())
    await nodes.accepted(id)
  })

  const upgrade = (body: object, preview = '') =>
    nodes.at(0).send('POST', `/api/contracts/${id}/upgrades${preview}`, body)

  it('[TPL-5] comes out as the next edition of that template, with its roles, names and words', async () => {
    const answer = await nodes
      .at(2)
      .send('POST', `/api/contracts/${id}/template`, { from: { document: order } })
    const { template, left } = answer.json<{ template: unknown; left: string[] }>()
    expect(left).toEqual([])
    const out = templateOf(template)
    expect(out).toMatchObject({ name: 'small-order', edition: 2, ancestor: templateHash(order) })
    expect(differences(order, out).map(({ what }) => what)).toEqual(['Carrier: value “@carrier” → nothing'])
    const other = await nodes
      .at(2)
      .send('POST', `/api/contracts/${id}/template`, { from: { document: second } })
    expect(detail(other)).toContain('The block was not made of edition 2 of small-order')
  })

  it('[TPL-4] is refused where the ancestor does not fit, or a role has nobody', async () => {
    const stranger: Template = { ...second, ancestor: 'a'.repeat(64) }
    const from = { document: order }
    expect(detail(await upgrade({ from, to: { document: stranger } }))).toContain('does not come next')
    expect(detail(await upgrade({ from: { document: second }, to: { document: second } }))).toContain(
      'was not made of edition 2',
    )
    const more = structuredClone(second)
    more.roles.push({ name: 'bank', title: 'Bank', help: 'Pays.' })
    expect(detail(await upgrade({ from, to: { document: more } }))).toBe('Say which party is the bank.')
    expect(code(await upgrade({ from: { document: 'x' }, to: { document: second } }))).toBe('bad-format')
    expect(detail(await upgrade({ from, to: { document: second }, on: '/Price' }))).toContain(
      'was not made of a template',
    )
  })

  it('[TPL-4] keeps its values and goes by the new rules on every node, once all have voted', async () => {
    expect((await nodes.at(0).put(`/records/${id}/Quantity`, '7')).status).toBe(200)
    const to = { from: { document: order }, to: { document: second } }
    const plan = (await upgrade(to, '/preview')).json<Plan>()
    expect(plan.block.path).toBe('/')
    expect(plan.drafts.map(({ do: what, name }) => [what, name])).toEqual([
      ['replace', 'price-from'],
      ['add', 'discount'],
      ['repeal', 'price-agreed'],
      ['template', undefined],
    ])
    const written = (await upgrade(to)).json<Written>()
    // One vote is missing: nothing can be published, and the old rules stand.
    const early = await nodes.at(0).send('POST', `/api/contracts/${id}/publish`, {
      drafts: written.made.map(({ uid }) => uid),
    })
    expect(code(early)).toBe('conflicted')
    expect((await agree(id, written.id)).status).toBe(200)
    await everywhere(async (index) => {
      const low = await nodes.at(index).put(`/records/${id}/Price`, '9')
      return low.status === 422 && detail(low).includes('is at least 10')
    })
    expect((await nodes.at(1).put(`/records/${id}/Price`, '12')).status).toBe(200)
    expect(code(await nodes.at(1).put(`/records/${id}/Discount`, '6'))).toBe('rejected')
    expect((await nodes.at(1).get(`/records/${id}/Quantity`, { accept: 'text/plain' })).text).toBe('7')
    expect(detail(await upgrade(to))).toBe('The block is of edition 2 of small-order already.')
    const { template } = (
      await nodes.at(1).send('POST', `/api/contracts/${id}/template`, { from: { document: second } })
    ).json<{ template: unknown }>()
    expect(templateOf(template)).toMatchObject({ edition: 3, ancestor: templateHash(second) })
  })
})
