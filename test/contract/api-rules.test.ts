/** Rules over HTTP: drafted, looked at before they are signed, voted on, published; what stands against a write, in words. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as shapes from '../../src/api/rules/view-schemas.ts'
import { type Answer, type RunningNodes, startNodes, until } from '../support/nodes.ts'

let nodes: RunningNodes
beforeAll(async () => {
  nodes = await startNodes(3)
})
afterAll(() => nodes.close())

const DOCUMENT =
  '{"Slip": {"Insured": "Mill", "Premium": {"Amount": 1000, "Rate": 2.5, "Due": 0.0}, "Lines": [{"Who": "a", "Share": 60}, {"Who": "b", "Share": 30}]}}'
const code = (answer: Answer): string => answer.json<{ code: string }>().code
type Problem = { code: string; detail: string; context: Record<string, unknown> }
const problem = (answer: Answer): Problem => answer.json<Problem>()
type Made = { made: { kind: string; uid: string; href: string }[]; height: number }

/** Waits until all nodes hold as final what one does. */
async function settled(id: string): Promise<void> {
  const heights = await Promise.all(
    nodes.all.map(async (one) => (await one.get(`/api/contracts/${id}`)).json<{ height: number }>().height),
  )
  for (const one of nodes.all) await nodes.final(one, id, Math.max(...heights))
}

/** Drafts a rule at one node; gives its UID. */
async function draft(index: number, id: string, rule: object): Promise<string> {
  const answer = await nodes.at(index).send('POST', `/api/contracts/${id}/drafts`, { do: 'add', rule })
  expect([answer.status, answer.text]).toEqual([201, expect.stringContaining('"accepted"')])
  const { uid, href } = answer.json<Made>().made[0] as Made['made'][0]
  expect(answer.headers.get('location')).toBe(href)
  await settled(id)
  return uid
}

async function vote(index: number, id: string, on: string, yes = true): Promise<Answer> {
  return nodes.at(index).send('POST', `/api/contracts/${id}/votes`, { on, yes })
}

/** Brings a rule into force that the first node drafts; gives its UID. */
async function rule(id: string, body: object): Promise<string> {
  const uid = await draft(0, id, body)
  for (const index of [1, 2]) expect((await vote(index, id, uid)).status).toBe(200)
  await settled(id)
  const published = await nodes.at(0).send('POST', `/api/contracts/${id}/publish`, { drafts: [uid] })
  expect([published.status, published.text]).toEqual([200, expect.any(String)])
  await settled(id)
  return uid
}

describe('drafts', () => {
  let id: string
  beforeAll(async () => {
    id = await nodes.contract('drafts', DOCUMENT)
  })
  const propose = (rule: object) =>
    nodes.at(0).send('POST', `/api/contracts/${id}/drafts`, { do: 'add', rule })

  it.each([
    [{ kind: 'constraint', expression: 'Amount >', message: 'm' }, 'bad-expression'],
    [{ kind: 'constraint', expression: 'Nothing > 1', message: 'm' }, 'bad-expression'],
    [{ kind: 'constraint', expression: 'Amount + "a" = 1', message: 'm' }, 'wrong-type'],
  ])(
    '[RUL-2] say where an expression is wrong before anything is signed: %o',
    async (behaviour, expected) => {
      const before = (await nodes.at(0).get(`/api/contracts/${id}/requests`)).text
      const answer = await propose({ path: 'Slip/Premium', behaviour })
      expect([answer.status, code(answer)]).toEqual([422, expected])
      expect(problem(answer).detail).toMatch(/^At position \d+: /)
      expect(problem(answer).context.position).toBeTypeOf('number')
      expect((await nodes.at(0).get(`/api/contracts/${id}/requests`)).text).toBe(before)
    },
  )

  it('refuse paths that lead nowhere, indices, kinds that do not fit, and circles', async () => {
    for (const [path, behaviour, expected] of [
      ['Slip/Nothing', { kind: 'required' }, 'bad-rule'],
      ['Slip/Lines[1]/Share', { kind: 'required' }, 'bad-request'],
      ['Slip/Premium', { kind: 'limits', min: '1' }, 'bad-rule'],
      ['Slip/Premium/Due', { kind: 'assignment', expression: 'Due + 1' }, 'bad-rule'],
      ['Slip/Premium/Rate', { kind: 'limits', min: 'much' }, 'bad-rule'],
      ['Slip/Insured', { kind: 'limits', pattern: '(' }, 'bad-expression'],
      ['Slip/Insured', { kind: 'no-such-kind' }, 'bad-request'],
    ] as const) {
      const answer = await propose({ path, behaviour })
      expect([path, answer.status, code(answer)]).toEqual([
        path,
        expected === 'bad-request' ? 400 : 422,
        expected,
      ])
    }
  })

  it('[RUL-2] come into force once every member has said yes and one has published', async () => {
    const behaviour = { kind: 'limits', max: '5' }
    const uid = await draft(0, id, { path: ['Slip', 'Premium', 'Rate'], behaviour })
    const view = shapes.draftView.parse((await nodes.at(1).get(`/api/contracts/${id}/drafts/${uid}`)).json())
    expect(view).toMatchObject({
      by: { name: 'Party 1' },
      do: 'add',
      target: '/Slip/Premium/Rate',
      is: 'decimal',
      behaviour,
      agreed: false,
    })
    expect(view.yes.map(({ name }) => name)).toEqual(['Party 1'])
    expect(view.missing.map(({ name }) => name).sort()).toEqual(['Party 2', 'Party 3'])

    const early = await nodes.at(0).send('POST', `/api/contracts/${id}/publish`, { drafts: [uid] })
    expect([early.status, code(early)]).toEqual([409, 'conflicted'])
    expect(problem(early).context).toMatchObject({ code: 'not-agreed', rule: uid })
    const none = await nodes.at(0).call('POST', `/api/contracts/${id}/publish`)
    expect([none.status, code(none)]).toEqual([409, 'conflict'])

    expect((await vote(1, id, uid, false)).status).toBe(200)
    await settled(id)
    const votes = shapes.votePage.parse((await nodes.at(2).get(`/api/contracts/${id}/votes`)).json())
    expect(votes.votes).toMatchObject([
      {
        uid,
        kind: 'draft',
        about: '/Slip/Premium/Rate',
        no: [{ name: 'Party 2' }],
        missing: [{ name: 'Party 3' }],
      },
    ])
    for (const index of [1, 2]) expect((await vote(index, id, uid)).status).toBe(200)
    await settled(id)
    expect((await nodes.at(2).call('POST', `/api/contracts/${id}/publish`)).status).toBe(200)
    await settled(id)

    const rules = shapes.rulePage.parse((await nodes.at(1).get(`/api/contracts/${id}/rules`)).json())
    expect(rules).toMatchObject({ stage: 'final', phase: 'live' })
    expect(rules.rules).toMatchObject([
      {
        uid,
        sentence: 'Slip › Premium › Rate is at most 5.',
        owner: { name: 'Party 1' },
        target: '/Slip/Premium/Rate',
        on: true,
        behaviour,
      },
    ])
    const over = (path: string) => nodes.at(1).get(`/records/${id}${path}/$rules`)
    expect((await over('/Slip/Premium/Rate')).json<{ rules: object[] }>().rules).toHaveLength(1)
    expect((await over('/Slip/Premium/Amount')).json<{ rules: object[] }>().rules).toHaveLength(0)

    const refused = await nodes.at(2).put(`/records/${id}/Slip/Premium/Rate`, '6')
    expect([refused.status, code(refused)]).toEqual([422, 'rejected'])
    expect(problem(refused).context).toMatchObject({
      code: 'limits-broken',
      rule: uid,
      path: '/Slip/Premium/Rate',
    })
    expect(problem(refused).detail).toContain('Slip › Premium › Rate is at most 5.')
    expect((await nodes.at(2).put(`/records/${id}/Slip/Premium/Rate`, '4')).status).toBe(200)
  })

  it('are taken back by their author alone', async () => {
    const uid = await draft(1, id, { path: 'Slip/Insured', behaviour: { kind: 'required' } })
    const other = await nodes.at(0).call('DELETE', `/api/contracts/${id}/drafts/${uid}`)
    expect([other.status, problem(other).context.code]).toEqual([422, 'not-yours'])
    expect((await nodes.at(1).call('DELETE', `/api/contracts/${id}/drafts/${uid}`)).status).toBe(200)
    expect((await nodes.at(1).get(`/api/contracts/${id}/drafts/${uid}`)).status).toBe(404)
    const gone = await vote(0, id, uid)
    expect([gone.status, code(gone)]).toEqual([409, 'conflicted'])
  })

  it('switch rule sets, and replace and repeal rules', async () => {
    const uid = await rule(id, {
      path: 'Slip/Insured',
      set: 'strict',
      behaviour: { kind: 'limits', maxLength: 4 },
    })
    expect((await nodes.at(1).put(`/records/${id}/Slip/Insured`, 'Harbour')).status).toBe(422)
    const at = `/api/contracts/${id}`
    const bring = async (action: object): Promise<void> => {
      const made = await nodes.at(0).send('POST', `${at}/drafts`, action)
      const one = made.json<Made>().made[0]?.uid as string
      await settled(id)
      for (const index of [1, 2]) expect((await vote(index, id, one)).status).toBe(200)
      await settled(id)
      expect((await nodes.at(0).send('POST', `${at}/publish`, {})).status).toBe(200)
      await settled(id)
    }
    await bring({ do: 'switch', set: 'strict', on: false })
    expect((await nodes.at(1).get(`${at}/phase`)).json()).toMatchObject({
      phase: 'live',
      sets: [{ set: 'strict', on: false }],
    })
    const over = await nodes.at(1).get(`/records/${id}/Slip/Insured/$rules`)
    expect(over.json<{ rules: object[] }>().rules).toMatchObject([{ uid, on: false }])
    expect((await nodes.at(1).put(`/records/${id}/Slip/Insured`, 'Harbour')).status).toBe(200)
    await bring({ do: 'repeal', rule: uid })
    expect((await nodes.at(1).get(`${at}/rules/${uid}`)).status).toBe(404)
  })
})

describe('constraints and derived fields', () => {
  it('[RUL-6] [RUL-7] are looked at in a request as a whole, and told with the words of the rule', async () => {
    const id = await nodes.contract('constraints', DOCUMENT)
    const uid = await rule(id, {
      path: '/Slip',
      behaviour: {
        kind: 'constraint',
        expression: 'sum(Lines.Share) <= 100',
        message: 'the lines come to 100 % at most',
      },
    })
    await rule(id, {
      path: 'Slip/Premium/Due',
      behaviour: { kind: 'assignment', expression: 'Amount * Rate / 100' },
    })
    expect((await nodes.at(1).get(`/records/${id}/Slip/Premium/Due`, { accept: 'text/plain' })).text).toBe(
      '25',
    )
    const single = await nodes.at(1).put(`/records/${id}/Slip/Lines[1]/Share`, '71')
    expect([single.status, problem(single).detail]).toEqual([
      422,
      expect.stringMatching(/^the lines come to 100 % at most: .*constraint-broken/),
    ])
    expect(problem(single).context).toMatchObject({ rule: uid, path: '/Slip' })
    const both = await nodes.at(1).send('POST', `/api/contracts/${id}/requests`, {
      operations: [
        { set: '/Slip/Lines[1]/Share', value: 71 },
        { set: '/Slip/Lines[2]/Share', value: 29 },
        { set: '/Slip/Premium/Amount', value: 2000 },
        { describe: '/Slip/Premium', label: 'Prämie' },
        { rename: '/Slip/Insured', name: 'Assured' },
        { lock: '/Slip/Lines', leaseMs: 60000 },
      ],
    })
    expect([both.status, both.json<Made>().made]).toEqual([201, [expect.objectContaining({ kind: 'lock' })]])
    await settled(id)
    const due = await nodes.at(2).get(`/records/${id}/Slip/Premium/Due`, { accept: 'text/plain' })
    expect(due.text).toBe('50')
    const typed = await nodes.at(2).put(`/records/${id}/Slip/Premium/Due`, '1')
    expect([typed.status, problem(typed).context.code]).toEqual([422, 'derived-field'])
    const history = await nodes.at(2).get(`/records/${id}/Slip/Premium/Due/$history`)
    expect(history.json<{ versions: { value: string }[] }>().versions.map(({ value }) => value)).toEqual([
      '0.0',
      '25',
      '50',
    ])
    const check = await nodes.at(2).call('POST', `/api/contracts/${id}/check`)
    expect(check.json()).toMatchObject({ ok: true })
  })
})

describe('approval', () => {
  let id: string
  beforeAll(async () => {
    id = await nodes.contract('approval', DOCUMENT)
    await rule(id, { path: 'Slip/Premium/Amount', behaviour: { kind: 'approval', count: 3 } })
  })
  const amount = async (index: number) =>
    (await nodes.at(index).get(`/records/${id}/Slip/Premium/Amount`, { accept: 'text/plain' })).text

  it('[RUL-5] makes a value that is set a proposal, and says so', async () => {
    const put = await nodes.at(0).put(`/records/${id}/Slip/Premium/Amount`, '1200')
    expect([put.status, put.headers.get('etag')]).toEqual([200, null])
    const [proposed] = put.json<{ proposed: object[] }>().proposed
    const view = shapes.proposalView.parse(proposed)
    expect(put.headers.get('countersign-proposal')).toBe(view.uid)
    expect(view).toMatchObject({ value: '1200', on: { path: '/Slip/Premium/Amount' }, stale: false })
    expect(view.missing.map(({ name }) => name).sort()).toEqual(['Party 2', 'Party 3'])
    await settled(id)
    expect(await amount(1)).toBe('1000')

    const other = await nodes.at(1).put(`/records/${id}/Slip/Premium/Amount`, '1300')
    expect([other.status, problem(other).context.code]).toEqual([409, 'proposal-open'])

    const at = (question: string) => nodes.at(1).get(`/records/${id}/Slip/Premium/$${question}`)
    const listed = shapes.proposalPage.parse((await at('proposals')).json())
    expect(listed.proposals).toMatchObject([{ uid: view.uid, needs: [{ count: 3, yes: 1 }] }])
    const votes = shapes.votePage.parse((await at('votes')).json())
    expect(votes.votes).toMatchObject([{ uid: view.uid, kind: 'proposal', about: '/Slip/Premium/Amount' }])
    const elsewhere = await nodes.at(1).get(`/records/${id}/Slip/Lines/$proposals`)
    expect(shapes.proposalPage.parse(elsewhere.json()).proposals).toEqual([])

    const status = shapes.statusPage.parse((await at('status')).json())
    const field = status.elements.find(({ path }) => path === '/Slip/Premium/Amount')
    expect(field).toMatchObject({ tier: 1, agreement: { how: 'open', proposals: [view.uid] } })
    expect(field?.agreement.missing.map(({ name }) => name).sort()).toEqual(['Party 2', 'Party 3'])
    expect(status.elements.find(({ path }) => path === '/Slip/Premium/Rate')).toMatchObject({
      tier: 2,
      transport: { stage: 'final' },
      agreement: { how: 'rules', reached: true },
      settlement: { reached: false },
    })

    expect((await vote(1, id, view.uid)).status).toBe(200)
    expect(await amount(1)).toBe('1000')
    expect((await vote(2, id, view.uid)).status).toBe(200)
    await settled(id)
    for (const index of [0, 1, 2]) expect(await amount(index)).toBe('1200')
    const after = await nodes.at(0).get(`/records/${id}/Slip/Premium/Amount/$status`)
    expect(shapes.statusPage.parse(after.json()).elements).toMatchObject([
      { tier: 2, agreement: { how: 'votes', reached: true } },
    ])
    const history = await nodes.at(0).get(`/records/${id}/Slip/Premium/Amount/$history`)
    expect(history.json<{ versions: { value: string }[] }>().versions.map(({ value }) => value)).toEqual([
      '1000',
      '1200',
    ])
    const [, voted] = history.json<{ versions: { authorName: string }[] }>().versions
    expect(voted?.authorName).toBe('Party 3')
  })

  it('lets a proposal be taken back', async () => {
    const put = await nodes.at(2).put(`/records/${id}/Slip/Premium/Amount`, '1')
    const uid = put.headers.get('countersign-proposal') as string
    expect((await nodes.at(2).call('DELETE', `/api/contracts/${id}/proposals/${uid}`)).status).toBe(200)
    expect((await nodes.at(2).get(`/api/contracts/${id}/proposals/${uid}`)).status).toBe(404)
  })
})

describe('conflicts', () => {
  it('[RUL-11] are there for all to see, with the ways out of them', async () => {
    const id = await nodes.contract('conflicts', DOCUMENT)
    const uid = await draft(1, id, { path: 'Slip/Premium/Rate', behaviour: { kind: 'limits', max: '2' } })
    const { conflicts } = shapes.conflictList.parse(
      (await nodes.at(0).get(`/api/contracts/${id}/conflicts`)).json(),
    )
    expect(conflicts).toMatchObject([
      {
        kind: 'values-break-draft',
        elements: [{ path: '/Slip/Premium/Rate' }],
        records: [uid],
        parties: [{ name: 'Party 2' }],
      },
    ])
    expect(conflicts[0]?.ways.map((way) => way.do)).toContain('amend')
  })
})

describe('phases, what is settled, types, places', () => {
  it('[RUL-8] go from one to the next', async () => {
    const id = await nodes.contract('phases', DOCUMENT)
    await rule(id, { path: [], behaviour: { kind: 'phases', names: ['quoted', 'bound'] } })
    const at = `/api/contracts/${id}/phase`
    expect((await nodes.at(1).get(at)).json()).toMatchObject({
      phase: 'live',
      phases: ['quoted', 'bound'],
      next: 'quoted',
    })
    expect((await nodes.at(1).send('POST', at, { to: 'bound' })).status).toBe(200)
    await settled(id)
    expect((await nodes.at(2).get(at)).json()).toMatchObject({ phase: 'bound' })
    const wrong = await nodes.at(1).send('POST', at, { to: 'nowhere' })
    expect([wrong.status, problem(wrong).context.code]).toEqual([409, 'wrong-phase'])
    expect(problem(wrong).detail).toMatch(/^the contract has no phase “.*”: its phases are “/)
  })

  it('[RUL-10] are confirmed by all, and undone by any change', async () => {
    const id = await nodes.contract('settled', DOCUMENT)
    const at = `/api/contracts/${id}/settle`
    for (const index of [0, 1, 2]) {
      const view = shapes.settlementView.parse((await nodes.at(index).get(at)).json())
      expect(view).toMatchObject({ settled: false })
      expect(view.confirmed).toHaveLength(index)
      const { record } = view
      expect((await nodes.at(index).send('POST', at, { record })).status).toBe(200)
      await settled(id)
    }
    expect(shapes.settlementView.parse((await nodes.at(1).get(at)).json()).settled).toBe(true)
    const status = await nodes.at(1).get(`/api/contracts/${id}/status?limit=3`)
    const page = shapes.statusPage.parse(status.json())
    expect(page.elements.map(({ path, tier }) => [path, tier])).toEqual([
      ['/', 3],
      ['/Slip', 3],
      ['/Slip/Insured', 3],
    ])
    const next = await nodes.at(1).get(`/api/contracts/${id}/status?limit=3&cursor=${page.nextCursor}`)
    expect(shapes.statusPage.parse(next.json()).elements.map(({ path }) => path)).toEqual([
      '/Slip/Premium',
      '/Slip/Premium/Amount',
      '/Slip/Premium/Rate',
    ])
    expect((await nodes.at(0).put(`/records/${id}/Slip/Insured`, 'Quay')).status).toBe(200)
    await settled(id)
    expect(shapes.settlementView.parse((await nodes.at(1).get(at)).json()).settled).toBe(false)
    expect((await nodes.at(1).send('POST', at, { record: '0'.repeat(64) })).status).toBe(409)
  })

  it('are named, moved, renamed and described', async () => {
    const id = await nodes.contract('places', DOCUMENT)
    const at = `/api/contracts/${id}`
    const type = { name: 'Percent', base: 'decimal', min: '0', max: '100', unit: '%' }
    expect((await nodes.at(0).send('POST', `${at}/types`, type)).status).toBe(201)
    await settled(id)
    const types = (await nodes.at(1).get(`${at}/types`)).json<{ types: object[] }>().types
    expect(types).toMatchObject([{ ...type, by: { name: 'Party 1' } }])
    for (const wrong of [{ min: 'x' }, { pattern: '[' }])
      expect((await nodes.at(0).send('POST', `${at}/types`, { ...type, ...wrong })).status).toBe(422)
    const create = (value: number) =>
      nodes.at(1).send('POST', `${at}/requests`, {
        operations: [
          {
            create: {
              parent: '/Slip',
              name: 'Brokerage',
              value,
              typed: 'Percent',
              label: 'Courtage',
              help: 'per cent',
            },
          },
        ],
      })
    const refused = await create(101)
    expect([refused.status, problem(refused).context]).toEqual([
      422,
      expect.objectContaining({ code: 'limits-broken', path: '/Slip/Brokerage' }),
    ])
    expect((await create(15)).status).toBe(200)
    const full = async () =>
      (await nodes.at(1).get(`${at}/full`)).json<{
        root: { children: { children: { uid: string; name: string }[] }[] }
      }>().root.children[0]?.children ?? []
    expect(await full()).toContainEqual(
      expect.objectContaining({
        name: 'Brokerage',
        type: 'decimal',
        value: '15',
        label: 'Courtage',
        help: 'per cent',
      }),
    )
    const uids = new Map((await full()).map(({ name, uid }) => [name, uid]))
    const element = `${at}/elements/${uids.get('Brokerage')}`
    const before = uids.get('Insured')
    expect((await nodes.at(1).send('POST', `${element}/move`, { to: '/Slip', before })).status).toBe(200)
    expect((await nodes.at(1).send('POST', `${element}/rename`, { name: 'Fee' })).status).toBe(200)
    expect((await nodes.at(1).send('POST', `${element}/describe`, { label: 'Fee' })).status).toBe(200)
    expect((await full())[0]).toMatchObject({ name: 'Fee', label: 'Fee' })
    expect((await full())[0]).not.toHaveProperty('help')
    expect((await nodes.at(1).send('POST', `${element}/move`, { to: '/Slip/Premium' })).status).toBe(200)
    expect((await nodes.at(1).get(`/records/${id}/Slip/Premium/Fee`, { accept: 'text/plain' })).text).toBe(
      '15',
    )
    const inItself = await nodes
      .at(1)
      .send('POST', `${at}/elements/${uids.get('Premium')}/move`, { to: '/Slip/Premium' })
    expect([inItself.status, code(inItself)]).toEqual([400, 'bad-request'])
    await until(
      async () => (await nodes.at(2).get(`/records/${id}/Slip/Premium/Fee/$history`)).status === 200,
    )
  })
})

describe('the status of elements', () => {
  it('[RUL-11] says how far their last change has come, and whose signature is missing', async () => {
    const id = await nodes.contract('waiting', DOCUMENT)
    const field = async () => {
      const answer = await nodes.at(0).get(`/records/${id}/Slip/Insured/$status`)
      return shapes.statusPage.parse(answer.json()).elements[0]
    }
    const namesOf = (people: { name: string }[] | undefined) => people?.map(({ name }) => name)
    expect(await field()).toMatchObject({ tier: 2, transport: { stage: 'final', height: 0, missing: [] } })
    await nodes.at(2).stop()
    const put = await nodes.at(0).put(`/records/${id}/Slip/Insured`, 'Quay', { prefer: 'until=tentative' })
    expect(put.status).toBe(200)
    const tentative = await field()
    expect(tentative).toMatchObject({ tier: 0, transport: { stage: 'tentative', reached: false } })
    expect(namesOf(tentative?.transport.missing)).toContain('Party 3')
    await nodes.at(1).stop()
    const late = await nodes.at(0).put(`/records/${id}/Slip/Insured`, 'Pier', { prefer: 'respond-async' })
    expect(late.status).toBe(202)
    await until(async () => (await field())?.transport.stage === 'received')
    await until(async () => namesOf((await field())?.transport.missing)?.length === 2)
    await nodes.at(1).start()
    await nodes.at(2).start()
    await until(async () => (await field())?.transport.stage === 'final')
    expect(await field()).toMatchObject({ tier: 2, transport: { reached: true, missing: [] } })
  })
})
