/** Reports over contracts at a time, over HTTP; as signed files that prove themselves; and made by schedule. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import * as schemas from '../../src/api/schemas-time.ts'
import { FinalView } from '../../src/node/final-view.ts'
import { ReportSchedules, type Schedule } from '../../src/node/report-schedules.ts'
import { type Answer, type RunningNode, type RunningNodes, startNodes, until } from '../support/nodes.ts'
import {
  auditReport,
  contractIn,
  elementsIn,
  headIn,
  linesOf,
  type ReportLines,
  sealed,
  textOf,
} from '../support/reports.ts'

let nodes: RunningNodes
let slip = ''
let invoice = ''
let setHeight = 0
beforeAll(async () => {
  nodes = await startNodes(3)
  slip = await nodes.contract(
    'slip',
    '{"Slip":{"Amount":1.50,"Note":"=SUM(1)","Lines":[{"No":"1"},{"No":"2"}]}}',
  )
  const set = await nodes.at(1).put(`/records/${slip}/Slip/Amount`, '1.75')
  setHeight = set.json<{ height: number }>().height
  invoice = await nodes.contract('invoice', '{"Total":"9"}')
  for (const one of nodes.all) await nodes.final(one, slip, setHeight)
})
afterAll(() => nodes.close())

type Report = z.infer<typeof schemas.reportPage>
const code = (answer: Answer): string => answer.json<{ code: string }>().code
const report = async (one: RunningNode, query: string): Promise<Report> => {
  const answer = await one.get(`/api/report?${query}`)
  expect(answer.status, answer.text).toBe(200)
  return schemas.reportPage.parse(answer.json())
}
const file = async (one: RunningNode, query = ''): Promise<string> => {
  const answer = await one.get(`/api/report/file?${query}`)
  expect(answer.status, answer.text).toBe(200)
  return answer.text
}
const everybody = () => nodes.all.map(({ party }) => party)
const timeOf = async (id: string, height: number): Promise<number> =>
  (await nodes.at(0).get(`/api/contracts/${id}/ledger-blocks/${height}`)).json<{
    header: { timeMs: number }
  }>().header.timeMs

describe('a report', () => {
  it('tells of all contracts at a time, leaves out those that did not exist yet, and counts them', async () => {
    const now = await report(nodes.at(0), '')
    expect(now.contracts.map(({ name }) => name)).toEqual(['slip', 'invoice'])
    expect(now).toMatchObject({ total: 2, leftOut: { notYet: 0, notFinal: 0, notHeld: 0, damaged: 0 } })
    expect(now.contracts[0]).toMatchObject({
      contract: slip,
      stage: 'final',
      status: 'accepted',
      tentative: 0,
    })
    expect(now.contracts[0]?.members.map(({ name }) => name)).toEqual(['Party 1', 'Party 2', 'Party 3'])
    expect(now.contracts[0]?.fields).toMatchObject([
      { path: '/Slip/Amount', type: 'decimal', value: '1.75' },
      { path: '/Slip/Note', value: '=SUM(1)' },
      { path: '/Slip/Lines[1]/No', value: '1' },
      { path: '/Slip/Lines[2]/No', value: '2' },
    ])
    const made = await timeOf(slip, 0)
    const then = await report(nodes.at(2), `at=${new Date(made).toISOString()}`)
    expect(then).toMatchObject({ total: 1, leftOut: { notYet: 1 } })
    expect(then.contracts[0]).toMatchObject({
      height: 0,
      fields: [{ path: '/Slip/Amount', value: '1.50' }, {}, {}, {}],
    })
    const before = await report(nodes.at(0), 'at=2001-01-01')
    expect(before).toMatchObject({ total: 0, contracts: [], leftOut: { notYet: 2 } })
    const shown = (await nodes.at(0).get(`/api/contracts/${slip}/full?height=0`)).json<{
      recordHash: string
    }>()
    expect(then.contracts[0]?.recordHash).toBe(shown.recordHash)
  })

  it('chooses contracts and fields, and says what names nothing', async () => {
    const one = await report(nodes.at(0), `contract=${slip}&fields=/Slip/Lines,Slip/Amount,/None`)
    expect(one.contracts).toHaveLength(1)
    expect(one.contracts[0]?.fields.map(({ path }) => path)).toEqual([
      '/Slip/Amount',
      '/Slip/Lines[1]/No',
      '/Slip/Lines[2]/No',
    ])
    expect(one.contracts[0]?.missing).toEqual(['/None'])
    const both = await report(nodes.at(0), `contract=${slip}&contract=${invoice}&fields=/Total`)
    expect(both.contracts.map(({ fields, missing }) => [fields.length, missing.length])).toEqual([
      [0, 1],
      [1, 0],
    ])
  })

  it('comes page by page, all of one time', async () => {
    const first = await report(nodes.at(0), 'limit=1')
    expect(first.contracts.map(({ name }) => name)).toEqual(['slip'])
    const second = await report(nodes.at(0), `limit=1&cursor=${first.nextCursor}`)
    expect(second.contracts.map(({ name }) => name)).toEqual(['invoice'])
    expect(second.atMs).toBe(first.atMs)
    expect(second.nextCursor).toBeUndefined()
  })

  it.each([
    ['at=soon', 400, 'bad-request'],
    ['at=2999-01-01', 400, 'bad-request'],
    ['contract=x', 400, 'bad-request'],
    [`contract=${'0'.repeat(64)}`, 404, 'unknown-contract'],
    ['fields=,', 400, 'bad-request'],
    ['fields=/a[', 400, 'bad-request'],
    ['cursor=x', 400, 'bad-request'],
    ['height=1', 400, 'bad-request'],
  ])('refuses %s', async (query, status, word) => {
    const answer = await nodes.at(0).get(`/api/report?${query}`)
    expect([answer.status, code(answer)]).toEqual([status, word])
    if (query.startsWith('cursor') || query.startsWith('height')) return
    expect((await nodes.at(0).get(`/api/report/file?${query}`)).status).toBe(status)
  })
})

describe('a signed report', () => {
  let text = ''
  let partial = ''
  beforeAll(async () => {
    text = await file(nodes.at(0))
    partial = await file(nodes.at(0), `contract=${slip}&fields=/Slip/Amount,/Slip/Lines`)
  })
  /** Altered by a reporter that signs its lie. */
  const lie = (source: string, alter: (lines: ReportLines) => unknown): string => {
    const lines = linesOf(source)
    alter(lines)
    return sealed(lines, (count, root) => nodes.at(0).node.signReport(count, root))
  }
  const found = (altered: string): string => {
    const { verdict, finding } = auditReport(altered, everybody())
    return `${verdict} ${finding?.rule ?? ''}`
  }

  it('[RPT-1] [RPT-2] [RPT-4] [RPT-5] is valid to whoever knows its signers, whole or in part', () => {
    const audit = auditReport(text, everybody())
    expect(audit.finding).toBeUndefined()
    expect(audit).toMatchObject({
      verdict: 'valid',
      reporter: { party: nodes.at(0).party, name: 'Party 1', identified: true },
      leftOut: { notYet: 0 },
    })
    expect(audit.contracts).toMatchObject([
      { contract: slip, name: 'slip', epoch: 0, whole: true, fields: 4, notHeld: 0, gone: [], excluded: [] },
      { contract: invoice, whole: true, fields: 1 },
    ])
    expect(audit.contracts[0]?.members.map(({ name }) => name)).toEqual(['Party 1', 'Party 2', 'Party 3'])
    expect(audit.contracts[0]?.height).toBeGreaterThanOrEqual(setHeight)
    const part = auditReport(partial, everybody())
    expect(part).toMatchObject({ verdict: 'valid', fields: ['/Slip/Amount', '/Slip/Lines'] })
    expect(part.contracts).toMatchObject([{ whole: false, fields: 3 }])
  })

  it('is valid of an earlier time, with cosignatures that came since', async () => {
    const at = new Date(await timeOf(slip, 0)).toISOString()
    const audit = auditReport(await file(nodes.at(1), `at=${at}`), everybody())
    expect(audit).toMatchObject({ verdict: 'valid', leftOut: { notYet: 1 }, contracts: [{ height: 0 }] })
    const none = auditReport(await file(nodes.at(1), 'at=2001-01-01'), everybody())
    expect(none).toMatchObject({ verdict: 'valid', leftOut: { notYet: 2 }, contracts: [] })
  })

  it('[RPT-6] proves nothing by keys of its own: who is not known is named', () => {
    const audit = auditReport(text, everybody().slice(0, 2))
    expect(audit.verdict).toBe('unidentified')
    expect(audit.finding?.rule).toBe('RPT-6')
    expect(audit.finding?.message).toContain('Party 3')
    expect(auditReport(text, []).finding?.message).toContain('Party 1')
  })

  it('[RPT-1] [RPT-2] altered in any byte is found out', () => {
    for (const source of [text, partial]) {
      const bytes = Buffer.from(source)
      fc.assert(
        fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
          const altered = Buffer.from(bytes)
          altered[at] = (altered[at] as number) ^ by
          const { verdict, finding } = auditReport(altered, everybody())
          expect(['invalid', 'unreadable'], `byte ${at}`).toContain(verdict)
          expect(finding?.rule).toMatch(/^(RPT|VAL|CHK|CARD)-\d+$/)
        }),
        { numRuns: 250 },
      )
      fc.assert(
        fc.property(
          fc.nat(bytes.length - 1),
          fc.nat(bytes.length),
          fc.integer({ min: 0, max: 255 }),
          (cut, at, byte) => {
            expect(['invalid', 'unreadable']).toContain(
              auditReport(bytes.subarray(0, cut), everybody()).verdict,
            )
            const longer = Buffer.concat([bytes.subarray(0, at), Buffer.from([byte]), bytes.subarray(at)])
            expect(['invalid', 'unreadable']).toContain(auditReport(longer, everybody()).verdict)
          },
        ),
        { numRuns: 120 },
      )
    }
  })

  it('[RPT-1] is refused where its lines are written anew, doubled, left out or out of order', () => {
    const lines = linesOf(text)
    const [head, first, elements, second, ...rest] = lines as never as [
      never,
      never,
      never,
      never,
      ...never[],
    ]
    const refused = (altered: ReportLines): string =>
      found(sealed(altered, (n, root) => nodes.at(0).node.signReport(n, root)))
    expect(found(text.replace('{', '{ '))).toBe('unreadable RPT-1')
    expect(found(`${text}\n`)).toBe('invalid RPT-1')
    expect(found(text.trimEnd())).toBe('invalid RPT-1')
    expect(found('')).toBe('unreadable RPT-1')
    expect(found('not a report\n')).toBe('unreadable RPT-1')
    expect(refused([head, first, elements, first, elements, ...rest])).toBe('invalid RPT-1')
    expect(refused([head, first, elements, rest.at(-1) as never])).toBe('invalid RPT-1')
    expect(refused([first, elements, second, ...rest])).toBe('unreadable RPT-1')
    expect(refused([head, elements, first, second, ...rest])).toBe('invalid RPT-1')
    expect(found(textOf([...lines, lines.at(-1) as never]))).toBe('invalid RPT-1')
  })

  it('[RPT-2] is found out where somebody else has signed it, or not this', () => {
    const other = nodes.at(1)
    const lines = linesOf(text)
    const byOther = sealed(lines, (count, root) => other.node.signReport(count, root))
    expect(found(byOther)).toBe('invalid RPT-2')
    const withCard = linesOf(byOther)
    Object.assign(withCard.at(-1) as object, { card: other.node.proven(other.party, other.node.card) })
    expect(found(textOf(withCard))).toBe('invalid RPT-2')
    headIn(lines).madeMs += 1
    expect(found(textOf(lines))).toBe('invalid RPT-2')
  })

  it('[RPT-3] names a genesis, contract or ledger block that is another', () => {
    const other = contractIn(linesOf(text), 1)
    expect(found(lie(text, (lines) => Object.assign(contractIn(lines), { genesis: other.genesis })))).toBe(
      'invalid RPT-3',
    )
    expect(found(lie(text, (lines) => Object.assign(contractIn(lines), { header: other.header })))).toBe(
      'invalid RPT-3',
    )
    expect(found(lie(text, (lines) => Object.assign(contractIn(lines), { contract: other.contract })))).toBe(
      'invalid RPT-3',
    )
    expect(found(lie(text, (lines) => Object.assign(headIn(lines), { atMs: 1 })))).toBe('invalid RPT-3')
  })

  it('[RPT-4] names who has not cosigned, whatever the reporter says', () => {
    const without = lie(text, (lines) => contractIn(lines).cosignatures.pop())
    expect(found(without)).toBe('invalid RPT-4')
    const { finding } = auditReport(without, everybody())
    expect(finding?.place).toBe(`cosignature of ${nodes.at(2).party}`)
    expect(finding?.message).toContain('"Party 3" has not signed')
    const alter = (change: (line: ReturnType<typeof contractIn>) => unknown) =>
      found(lie(text, (lines) => change(contractIn(lines))))
    const record = (line: ReturnType<typeof contractIn>) =>
      line.epoch.record as { members: string[]; cards: string[]; epoch: number }
    expect(
      alter((line) => [record(line).members.pop(), record(line).cards.pop(), line.cosignatures.pop()]),
    ).toBe('invalid RPT-4')
    expect(alter((line) => Object.assign(line, { leftOut: [nodes.at(2).party] }))).toBe('invalid RPT-4')
    expect(alter((line) => line.cosignatures.push(line.cosignatures[0] as never))).toBe('invalid RPT-4')
    expect(alter((line) => line.paths.pop())).toBe('invalid RPT-4')
    expect(alter((line) => line.paths[0]?.path.push('0'.repeat(64)))).toBe('invalid RPT-4')
    const timed = alter((line) => {
      const [first] = line.cosignatures
      if (first) first.timeS += 1
    })
    expect(timed).toBe('invalid CHK-2')
    const small = alter((line) => {
      for (const one of line.cosignatures) one.size = 1
    })
    expect(small).toMatch(/^invalid (RPT-4|CHK-2)$/)
  })

  it('[RPT-5] names values, paths and elements that are not what was signed', () => {
    const alter = (
      source: string,
      change: (elements: ReturnType<typeof elementsIn>, lines: ReportLines) => unknown,
    ) => found(lie(source, (lines) => change(elementsIn(lines), lines)))
    const amount = (elements: ReturnType<typeof elementsIn>) =>
      elements.find(({ path }) => path === '/Slip/Amount')
    for (const source of [text, partial]) {
      expect(alter(source, (all) => Object.assign(amount(all) ?? {}, { value: '9.99' }))).toBe(
        'invalid VAL-2',
      )
      expect(alter(source, (all) => Object.assign(amount(all) ?? {}, { path: '/Slip/Total' }))).toBe(
        'invalid RPT-5',
      )
      expect(alter(source, (all) => Object.assign(amount(all)?.record ?? {}, { name: 'Total' }))).toBe(
        'invalid RPT-5',
      )
      expect(alter(source, (all) => delete amount(all)?.path)).toBe('invalid RPT-5')
      expect(alter(source, (all) => delete amount(all)?.salt)).toBe('invalid VAL-2')
      expect(alter(source, (_, lines) => contractIn(lines).elements++)).toBe('invalid RPT-5')
      expect(
        alter(source, (_, lines) => Object.assign(contractIn(lines), { whole: source === partial })),
      ).toBe('invalid RPT-5')
    }
    const drop = (_: unknown, lines: ReportLines): void => {
      const line = lines.find(({ type }) => type === 'elements') as { elements: { path?: string }[] }
      line.elements = line.elements.filter(({ path }) => path !== '/Slip/Amount')
      contractIn(lines).elements -= 1
    }
    expect(alter(text, drop), 'of a whole document nothing can be left out').toBe('invalid RPT-5')
    expect(alter(partial, (all) => delete amount(all)?.proof)).toBe('invalid RPT-5')
    const swap = (all: ReturnType<typeof elementsIn>): void => {
      const [one, two] = all.filter(({ path }) => path?.endsWith('/No'))
      if (one && two) [one.path, two.path] = [two.path as string, one.path as string]
    }
    expect(alter(text, swap), 'indexes are proved by the whole').toBe('invalid RPT-5')
  })
})

describe('a signed report of a contract whose members came later', () => {
  it('[RPT-4] [EPO-13] proves each block by an epoch that makes it final, and says who is gone', async () => {
    const [first, second, third] = nodes.all as [RunningNode, RunningNode, RunningNode]
    const body = { name: 'grown', with: [second.party], document: { Amount: '10', Note: 'old' } }
    const { id } = (await first.send('POST', '/api/contracts', body)).json<{ id: string }>()
    await until(() => second.node.engine.replicas.has(id))
    await second.call('POST', `/api/contracts/${id}/accept`)
    const early = (await first.put(`/records/${id}/Amount`, '11')).json<{ height: number }>()
    const invited = await first.send('POST', `/api/contracts/${id}/changes`, {
      op: 'invite',
      party: third.party,
      older: false,
    })
    await until(
      async () =>
        (
          await second.send(
            'POST',
            `/api/contracts/${id}/changes/${invited.json<{ id: string }>().id}/vote`,
            { yes: true },
          )
        ).status === 200,
    )
    await until(() => third.node.engine.replicas.get(id)?.epochs.part === 'guest')
    await third.call('POST', `/api/contracts/${id}/accept`)
    await until(async () => (await third.get(`/api/contracts/${id}`)).json<{ epoch: number }>().epoch > 0)
    const late = (await third.put(`/records/${id}/Amount`, '12')).json<{ height: number }>()
    for (const one of nodes.all) await nodes.final(one, id, late.height)

    const at = (timeMs: number) => `contract=${id}&at=${new Date(timeMs).toISOString()}`
    for (const one of nodes.all)
      for (const height of [0, early.height, late.height - 1, late.height]) {
        const audit = auditReport(await file(one, at(await timeOf(id, height))), everybody())
        expect([one.name, height, audit.finding]).toEqual([one.name, height, undefined])
        expect(audit.contracts[0]?.height).toBe(height)
      }
    const newest = linesOf(await file(third, at(await timeOf(id, late.height))))
    expect(auditReport(textOf(newest), everybody()).contracts[0]).toMatchObject({ epoch: 1, gone: [] })
    // Who came later was not given what was replaced before.
    const notShown = await file(third, at(await timeOf(id, 0)))
    expect(auditReport(notShown, everybody()).contracts[0]).toMatchObject({ fields: 2, notHeld: 1 })
    const view = await report(third, at(await timeOf(id, 0)))
    expect(view.contracts[0]?.fields.find(({ path }) => path === '/Amount')).toMatchObject({ notShown: true })
    const moved = (await third.get(`/api/contracts/${id}/difference?from=0&to=${late.height}`)).json()
    expect(moved).toMatchObject({
      parties: { came: [{ name: 'Party 3' }], left: [] },
      elements: [{ path: '/Amount', what: ['changed'], old: { notShown: true }, new: { value: '12' } }],
    })

    // Who leaves cosigns nothing after: what came in between is final by the epoch that follows.
    const left = await second.send('POST', `/api/contracts/${id}/changes`, { op: 'leave' })
    expect(left.status, left.text).toBeLessThan(300)
    await until(async () => (await first.get(`/api/contracts/${id}`)).json<{ epoch: number }>().epoch > 1)
    const last = (await first.put(`/records/${id}/Amount`, '13')).json<{ height: number }>()
    await nodes.final(first, id, last.height)
    const between = await first.get(`/api/contracts/${id}/requests/${left.json<{ id: string }>().id}`)
    const { height: leaving } = between.json<{ height: number }>()
    const text = await file(first, at(await timeOf(id, leaving)))
    const lines = linesOf(text)
    expect(contractIn(lines).witness, 'its own state does not say by whom it is final').toBeDefined()
    const gone = auditReport(text, everybody())
    expect(gone.finding).toBeUndefined()
    expect(gone.contracts[0]).toMatchObject({ height: leaving, epoch: 2, gone: [{ name: 'Party 2' }] })
    expect(gone.contracts[0]?.members.map(({ name }) => name)).toEqual(['Party 1', 'Party 3'])
    const refuse = (alter: (line: ReturnType<typeof contractIn>) => unknown): string | undefined => {
      const altered = linesOf(text)
      alter(contractIn(altered))
      const sign = (count: number, root: string) => first.node.signReport(count, root)
      return auditReport(sealed(altered, sign), everybody()).finding?.rule
    }
    expect(refuse(({ witness }) => witness?.paths.pop())).toBe('RPT-4')
    expect(refuse((line) => delete line.witness)).toBe('RPT-4')
    expect(refuse((line) => line.cards.pop())).toBe('RPT-4')
    expect(refuse(({ witness }) => witness && witness.header.timeMs++)).toBe('RPT-4')
  })
})

describe('a scheduled report', () => {
  const folder = () => join(nodes.at(0).directory, '..', 'reports')
  const body = (more: object = {}) => ({ name: 'daily', every: 'day', at: '06:00', to: folder(), ...more })
  const DAY_MS = 86_400_000

  it('is added, listed and removed, and refused where it can’t be', async () => {
    mkdirSync(folder(), { recursive: true })
    const one = nodes.at(0)
    const post = (value: object) => one.send('POST', '/api/report/schedules', value)
    const made = await post(body())
    expect(made.status, made.text).toBe(201)
    const view = schemas.scheduleView.parse(made.json())
    expect(view.nextMs).toBeGreaterThan(Date.now())
    expect(new Date(view.nextMs).toISOString()).toContain('T06:00:00')
    for (const [value, status, word] of [
      [body(), 409, 'conflict'],
      [body({ name: 'Daily!' }), 400, 'bad-request'],
      [body({ name: 'a', at: '25:00' }), 400, 'bad-request'],
      [body({ name: 'a', every: 'hour' }), 400, 'bad-request'],
      [body({ name: 'a', to: 'reports' }), 400, 'bad-request'],
      [body({ name: 'a', to: join(folder(), 'none') }), 400, 'bad-request'],
      [body({ name: 'a', contracts: ['0'.repeat(64)] }), 404, 'unknown-contract'],
      [body({ name: 'a', fields: [' '] }), 400, 'bad-request'],
    ] as const) {
      const answer = await post(value)
      expect([JSON.stringify(value), answer.status, code(answer)]).toEqual([
        JSON.stringify(value),
        status,
        word,
      ])
    }
    await one.stop()
    await one.start()
    const kept = (await one.get('/api/report/schedules')).json<{ schedules: Schedule[] }>()
    expect(kept.schedules).toMatchObject([{ name: 'daily', every: 'day', at: '06:00' }])
    const removed = await one.call('DELETE', '/api/report/schedules/daily')
    expect(removed.json()).toEqual({ schedules: [] })
    expect((await one.call('DELETE', '/api/report/schedules/daily')).status).toBe(404)
  })

  it('is made when it is due, once after standing still, whole or not at all, and tried again where it failed', async () => {
    const to = join(folder(), 'due')
    rmSync(to, { recursive: true, force: true })
    mkdirSync(to, { recursive: true })
    const { node, lines } = nodes.at(0)
    const states = new FinalView(node)
    let nowMs = Date.now()
    // The clock of the schedules alone: what is due is in the past of the node's own.
    const watched = new Proxy(node, {
      get: (target, key) => (key === 'now' ? () => nowMs : Reflect.get(target, key, target)),
    })
    const minute = new Date(nowMs - 3_600_000).toISOString().slice(11, 16)
    const kept: Schedule[] = [
      { name: 'daily', every: 'day', at: minute, to, addedMs: nowMs - 5 * DAY_MS },
      { name: 'lost', every: 'day', at: minute, to: join(to, 'none'), addedMs: nowMs - 5 * DAY_MS },
    ]
    node.store.write([{ kind: 'setting', key: 'report-schedules', value: JSON.stringify(kept) }])
    let schedules = new ReportSchedules(watched, states)
    await until(() => schedules.list().every(({ doneMs, failure }) => doneMs ?? failure))
    const [made] = readdirSync(to)
    expect(readdirSync(to), 'one, not five').toHaveLength(1)
    expect(made).toMatch(/^daily-\d{4}-\d\d-\d\d\.jsonl$/)
    const audit = auditReport(readFileSync(join(to, made as string)), everybody())
    expect(audit.verdict).toBe('valid')
    const [daily, lost] = schedules.list()
    expect(audit.atMs).toBe(daily?.doneMs)
    expect(new Date(daily?.doneMs ?? 0).toISOString().slice(11, 16)).toBe(minute)
    expect(lost?.failure).toMatchObject({ attempts: 1, message: expect.stringContaining('ENOENT') })
    expect(lines.some(({ level, event }) => level === 'error' && event === 'report-failed')).toBe(true)
    await schedules.close()

    // After a restart nothing is made twice, and what failed is made.
    mkdirSync(join(to, 'none'))
    schedules = new ReportSchedules(watched, states)
    await until(() =>
      schedules.list().every(({ doneMs, failure }) => doneMs !== undefined && failure === undefined),
    )
    expect(readdirSync(to).filter((name) => name.startsWith('daily'))).toHaveLength(1)
    expect(readdirSync(join(to, 'none'))).toHaveLength(1)
    await schedules.close()
    nowMs += DAY_MS
    schedules = new ReportSchedules(watched, states)
    await until(() => readdirSync(to).filter((name) => name.startsWith('daily')).length === 2)
    await schedules.close()
    expect(readdirSync(to).some((name) => name.endsWith('.part'))).toBe(false)
    expect(existsSync(join(to, made as string))).toBe(true)
    node.store.write([{ kind: 'setting', key: 'report-schedules', value: '{' }])
    schedules = new ReportSchedules(watched, states)
    expect(schedules.list(), 'a setting that can’t be read stops no node').toEqual([])
    await schedules.close()
    states.close()
  })
})

describe('a signed report of a contract of a template', () => {
  let own: RunningNodes
  beforeAll(async () => {
    own = await startNodes(3)
  })
  afterAll(() => own.close())

  it('[RPT-5] holds its rules and its empty fields, and is valid', async () => {
    const parties = own.all.map(({ party }) => party)
    const document = JSON.parse(
      readFileSync(new URL('../support/supplier-reports.json', import.meta.url), 'utf8'),
    )
    const roles = { coordinator: parties.slice(0, 1), supplier: parties.slice(1) }
    const body = { name: 'Reports', document, roles }
    const made = await own.at(0).send('POST', '/api/contracts/from-template', body)
    const { id } = made.json<{ id: string }>()
    await own.accepted(id)
    const audit = auditReport(await file(own.at(0), `contract=${id}`), parties)
    expect([audit.verdict, audit.finding]).toEqual(['valid', undefined])
    expect(audit.contracts[0]).toMatchObject({ notHeld: 0, withheld: 0, whole: true })
    const records = elementsIn(linesOf(await file(own.at(0), `contract=${id}`)))
    const isEmpty = ({ path, salt }: (typeof records)[0]) => path !== undefined && salt === undefined
    expect(records.some(isEmpty)).toBe(true)
    expect(records.some(({ record }) => (record as { kind?: string }).kind === 'rule')).toBe(true)
  })
})
