/** Locks over HTTP: they fail at once, naming who holds what until when; they are held, renewed, released, fought for. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as shapes from '../../src/api/rules/view-schemas.ts'
import { Backoff } from '../../src/client/backoff.ts'
import { type Answer, type RunningNode, type RunningNodes, startNodes, until } from '../support/nodes.ts'

let nodes: RunningNodes
beforeAll(async () => {
  nodes = await startNodes(2)
})
afterAll(() => nodes.close())

type Problem = { code: string; detail: string; context: Record<string, unknown> }
const problem = (answer: Answer): Problem => answer.json<Problem>()
type Made = { made: { kind: string; uid: string; expiresMs: number; fence: number }[]; height: number }

function lock(index: number, id: string, path: string, leaseMs = 60_000, headers = {}): Promise<Answer> {
  return nodes.at(index).send('POST', `/api/contracts/${id}/locks`, { path, leaseMs }, headers)
}

/** Takes a lock; gives it as it was made, known at both nodes. */
async function taken(index: number, id: string, path: string, leaseMs?: number): Promise<Made['made'][0]> {
  const answer = await lock(index, id, path, leaseMs)
  expect([answer.status, answer.text]).toEqual([201, expect.any(String)])
  const { made, height } = answer.json<Made>()
  for (const one of nodes.all) await nodes.final(one, id, height)
  return made[0] as Made['made'][0]
}

async function requestCount(index: number, id: string): Promise<number> {
  const { requests } = (await nodes.at(index).get(`/api/contracts/${id}/requests`)).json<{
    requests: object[]
  }>()
  return requests.length
}

describe('locks', () => {
  const document = '{"Slip": {"Insured": "Mill", "Lines": [{"Share": 60}, {"Share": 30}]}}'

  it('[RUL-9] say to who holds one already that it is its own, and how to keep it', async () => {
    const id = await nodes.contract('own', document)
    const held = await taken(0, id, '/Slip/Lines')
    const again = await lock(0, id, '/Slip/Lines')
    expect([again.status, problem(again)]).toMatchObject([
      423,
      { code: 'locked', context: { own: true, rule: held.uid, holder: { name: 'Party 1' } } },
    ])
    expect(problem(again).detail).toMatch(
      /^\/Slip\/Lines is locked by Party 1 until .*, which is this party itself: renew the lock [0-9a-f]{12} instead/,
    )
    const renewed = await nodes
      .at(0)
      .send('POST', `/api/contracts/${id}/locks/${held.uid}/renew`, { leaseMs: 90_000 })
    expect(renewed.status).toBe(201)
    expect((await lock(0, id, '/Slip')).status).toBe(201)
    expect(problem(await lock(1, id, '/Slip/Lines')).context.own).toBeUndefined()
  })

  it('[RUL-9] fail at once, naming the holder, the element and when the lease ends; nothing is ordered for it', async () => {
    const id = await nodes.contract('held', document)
    const held = await taken(0, id, '/Slip/Lines')
    const before = await requestCount(1, id)
    for (const answer of [
      await nodes.at(1).put(`/records/${id}/Slip/Lines[1]/Share`, '61'),
      await nodes.at(1).send('POST', `/records/${id}/Slip/Lines`, '{"Share": 1}'),
      await nodes.at(1).call('DELETE', `/records/${id}/Slip`),
      await lock(1, id, '/Slip/Lines[2]'),
      await lock(1, id, '/Slip'),
      await lock(1, id, '/Slip', 60_000, { prefer: 'respond-async' }),
      await nodes.at(1).send('POST', `/api/contracts/${id}/requests`, {
        operations: [
          { set: '/Slip/Insured', value: 'x' },
          { set: '/Slip/Lines[1]/Share', value: 1 },
        ],
      }),
    ]) {
      expect([answer.status, problem(answer).code]).toEqual([423, 'locked'])
      expect(problem(answer).context).toMatchObject({
        rule: held.uid,
        path: '/Slip/Lines',
        holder: { party: nodes.at(0).party, name: 'Party 1' },
        expiresMs: held.expiresMs,
      })
      expect(problem(answer).detail).toMatch(/^\/Slip\/Lines is locked by Party 1 until 20/)
      const retryS = Number(answer.headers.get('retry-after'))
      expect(retryS > 0 && retryS <= 61).toBe(true)
    }
    expect(await requestCount(1, id)).toBe(before)
    expect((await nodes.at(1).put(`/records/${id}/Slip/Insured`, 'free')).status).toBe(200)
    expect((await nodes.at(0).put(`/records/${id}/Slip/Lines[1]/Share`, '61')).status).toBe(200)

    const { locks } = shapes.lockPage.parse((await nodes.at(1).get(`/api/contracts/${id}/locks`)).json())
    expect(locks).toMatchObject([
      {
        uid: held.uid,
        by: { name: 'Party 1' },
        on: { path: '/Slip/Lines' },
        fence: held.fence,
        expired: false,
      },
    ])
    const foreign = await nodes.at(1).call('DELETE', `/api/contracts/${id}/locks/${held.uid}`)
    expect([foreign.status, problem(foreign).context.code]).toEqual([422, 'not-yours'])
    expect((await nodes.at(0).call('DELETE', `/api/contracts/${id}/locks/${held.uid}`)).status).toBe(200)
    await until(async () => (await lock(1, id, '/Slip')).status === 201)
  })

  it('[RUL-9] are renewed by their UID, keep their fence, and are lost once somebody else has taken them over', async () => {
    const id = await nodes.contract('renewed', document)
    const held = await taken(0, id, '/Slip', 2000)
    const at = `/api/contracts/${id}/locks/${held.uid}`
    const renewed = (await nodes.at(0).send('POST', `${at}/renew`, { leaseMs: 3000 })).json<Made>().made[0]
    expect(renewed).toMatchObject({ uid: held.uid, fence: held.fence })
    expect((renewed?.expiresMs ?? 0) > held.expiresMs).toBe(true)
    // Once the lease has ended anybody takes it, without its holder having to say anything.
    await until(async () => (await lock(1, id, '/Slip/Insured', 60_000)).status === 201)
    const late = await nodes.at(0).put(`/records/${id}/Slip/Insured`, 'late')
    expect([late.status, problem(late).code]).toEqual([423, 'locked'])
    const lost = await nodes
      .at(0)
      .send('POST', `/api/contracts/${id}/locks/${'0'.repeat(32)}/renew`, { leaseMs: 3000 })
    expect([lost.status, problem(lost).context.code]).toEqual([409, 'lock-lost'])
  })

  it('answer the same where two met in the ledger: the second comes out conflicted, and is told who was first', async () => {
    const id = await nodes.contract('met', document)
    let met = false
    for (let round = 0; round < 50 && !met; round += 1) {
      const [first, second] = await Promise.all([lock(0, id, '/Slip', 1000), lock(1, id, '/Slip', 1000)])
      const answers = [first, second] as [Answer, Answer]
      expect(answers.map(({ status }) => status).filter((one) => one === 201).length).toBeLessThanOrEqual(1)
      for (const [index, answer] of answers.entries()) {
        if (answer.status !== 423) continue
        const { context } = problem(answer)
        expect(context.path).toBe('/Slip')
        if (context.status === undefined) continue
        met = true
        expect(context.holder).toMatchObject({ name: `Party ${2 - index}` })
        const { id: request } = context.status as { id: string }
        const status = await nodes.at(index).get(`/api/contracts/${id}/requests/${request}`)
        expect(status.json()).toMatchObject({
          outcome: 'conflicted',
          code: 'locked',
          refusal: { code: 'locked', path: '/Slip', holder: { name: `Party ${2 - index}` } },
        })
      }
      for (const [index, answer] of answers.entries())
        if (answer.status === 201) {
          const { uid } = answer.json<Made>().made[0] as Made['made'][0]
          await nodes.at(index).call('DELETE', `/api/contracts/${id}/locks/${uid}`)
        }
    }
    expect(met).toBe(true)
  })
})

describe('two batch jobs', () => {
  const COUNT = 500
  const WORKERS = 100

  /** Locks each item in an order of its own, changes it, and releases it; waits in between as `Backoff` has it. */
  async function job(node: RunningNode, id: string, order: readonly number[], onDone: () => void) {
    const waiting = [...order]
    let attempts = 0
    let most = 0
    const post = (path: string, body: object) =>
      node.send('POST', `/api/contracts/${id}/${path}`, body, { prefer: 'until=tentative, wait=60' })
    const work = async (): Promise<void> => {
      for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) {
        const backoff = new Backoff({ baseMs: 10, maxMs: 500 })
        let taken: Answer
        for (;;) {
          taken = await post('locks', { path: `/Items[${item + 1}]`, leaseMs: 600_000 })
          attempts += 1
          if (taken.status === 201) break
          expect([taken.status, problem(taken).code]).toEqual([423, 'locked'])
          await new Promise((resolve) => setTimeout(resolve, backoff.nextMs()))
        }
        most = Math.max(most, backoff.attempts)
        const { uid } = taken.json<Made>().made[0] as Made['made'][0]
        const released = await post('requests', {
          operations: [{ set: `/Items[${item + 1}]/By`, value: node.name }, { unlock: uid }],
        })
        expect([released.status, released.text]).toEqual([200, expect.any(String)])
        onDone()
      }
    }
    await Promise.all(Array.from({ length: WORKERS }, work))
    return { attempts, most }
  }

  it('[RUL-9] that fight for 500 locks both come to their end, and neither is kept waiting by the other', async () => {
    const items = Array.from({ length: COUNT }, () => '{"By": ""}').join(',')
    const id = await nodes.contract('batch', `{"Items": [${items}]}`)
    const done = [0, 0]
    const otherAtEnd: number[] = []
    const order = Array.from({ length: COUNT }, (_, index) => index)
    // Both go the same way, so that they meet at every item.
    const results = await Promise.all(
      [0, 1].map((index) =>
        job(nodes.at(index), id, order, () => {
          done[index] = (done[index] ?? 0) + 1
          if (done[index] === COUNT) otherAtEnd.push(done[1 - index] ?? 0)
        }),
      ),
    )
    expect(done).toEqual([COUNT, COUNT])
    // When the first was through, the other had done its share.
    expect(otherAtEnd[0]).toBeGreaterThan(COUNT / 3)
    for (const { attempts, most } of results) {
      expect(most).toBeLessThan(60)
      expect(attempts).toBeLessThan(20 * COUNT)
    }
    await until(async () => {
      const { locks } = shapes.lockPage.parse((await nodes.at(1).get(`/api/contracts/${id}/locks`)).json())
      return locks.length === 0
    })
  }, 180_000)
})
