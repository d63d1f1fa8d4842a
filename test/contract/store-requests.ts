/** What every store must do with requests and the openings of their values. */
import { beforeEach, describe, expect, it } from 'vitest'
import { commitmentOf } from '../../src/ledger/value.ts'
import type { StoreWrite } from '../../src/store/store.ts'
import type { StoreContext } from './store-context.ts'
import { START_MS, World } from './store-world.ts'

export function requestTests(at: StoreContext): void {
  describe('requests', () => {
    beforeEach(() => at.store.write(at.world.begin()))

    it('[ORD-9] wait in the order they came until they are ordered', () => {
      const requests = [1, 2, 3].map(() => at.world.set(at.world.rootUid))
      const [first, second, third] = requests as [(typeof requests)[0] & object, never, never]
      at.store.write([
        ...at.world.arrive(first, 11, true),
        ...at.world.arrive(second, 12),
        ...at.world.arrive(third, 13),
      ])
      expect(at.store.load(at.world.contract).waiting).toEqual(
        requests.map(({ id, request, signature }, index) => ({
          id,
          request,
          signature,
          receivedMs: 11 + index,
          local: index === 0,
        })),
      )
      at.store.write([at.world.commit(at.world.block(1, [second]))])
      expect(at.store.load(at.world.contract).waiting.map(({ id }) => id)).toEqual([
        first.id,
        (third as typeof first).id,
      ])
    })

    it('[REQ-1] are the same when they have the same id, also once ordered', () => {
      const request = at.world.set(at.world.rootUid)
      at.store.write(at.world.arrive(request, 11, true))
      at.store.write(at.world.arrive(request, 99, false))
      expect(at.store.load(at.world.contract).waiting).toMatchObject([{ receivedMs: 11, local: true }])
      at.store.write([at.world.commit(at.world.block(1, [request]))])
      at.store.write(at.world.arrive(request, 99, false))
      expect(at.store.load(at.world.contract).waiting).toEqual([])
      expect(at.store.requests(at.world.contract, { limit: 10 })).toHaveLength(1)
    })

    it('[REQ-4] show their outcome, code and place once they are ordered', () => {
      const [a, b, c] = [
        at.world.set(at.world.rootUid),
        at.world.set(at.world.rootUid),
        at.world.set(at.world.rootUid),
      ]
      at.store.write([a, b, c].flatMap((request) => at.world.arrive(request)))
      const block = at.world.block(1, [
        a,
        { id: c.id, outcome: 'rejected', code: 'wrong-type' },
        { id: b.id, outcome: 'conflicted', code: 'stale' },
      ])
      at.store.write([at.world.commit(block)])
      const records = at.store.requestsOf(at.world.contract, [c.id, at.world.hex(32), a.id, b.id])
      expect([...records.keys()]).toEqual([c.id, a.id, b.id])
      const { openings, ...signed } = c
      expect(records.get(c.id)).toEqual({
        ...signed,
        receivedMs: START_MS,
        local: false,
        height: 1,
        index: 1,
        outcome: 'rejected',
        code: 'wrong-type',
      })
      expect(records.get(a.id)).toMatchObject({ height: 1, index: 0, outcome: 'accepted' })
      expect(records.get(a.id)).not.toHaveProperty('code')
      expect(at.store.request(at.world.contract, b.id)).toMatchObject({ index: 2, outcome: 'conflicted' })
    })

    it('that are dropped stay, marked expired, and no longer wait', () => {
      const request = at.world.set(at.world.rootUid)
      at.store.write(at.world.arrive(request))
      at.store.write([{ kind: 'request-dropped', contract: at.world.contract, id: request.id }])
      expect(at.store.load(at.world.contract).waiting).toEqual([])
      const record = at.store.request(at.world.contract, request.id)
      expect(record).toMatchObject({ id: request.id, code: 'expired' })
      expect(record).not.toHaveProperty('height')
      expect(record).not.toHaveProperty('outcome')
      at.store.write([{ kind: 'request-dropped', contract: at.world.contract, id: request.id }])
      at.store.write(at.world.arrive(request))
      expect(at.store.load(at.world.contract).waiting).toEqual([])
    })

    it('that others ordered after all are ordered, though they were dropped here', () => {
      const request = at.world.set(at.world.rootUid)
      at.store.write(at.world.arrive(request))
      at.store.write([{ kind: 'request-dropped', contract: at.world.contract, id: request.id }])
      at.store.write([at.world.commit(at.world.block(1, [request]))])
      const record = at.store.request(at.world.contract, request.id)
      expect(record).toMatchObject({ height: 1, outcome: 'accepted' })
      expect(record).not.toHaveProperty('code')
      at.store.write([{ kind: 'request-dropped', contract: at.world.contract, id: request.id }])
      expect(at.store.request(at.world.contract, request.id)).toEqual(record)
    })

    it('come in pages, newest first', () => {
      const requests = Array.from({ length: 7 }, () => at.world.set(at.world.rootUid))
      const other = new World('other')
      for (const [index, request] of requests.entries()) {
        at.store.write(at.world.arrive(request))
        if (index === 3) at.store.write([...other.begin(), ...other.arrive(other.set(other.rootUid))])
      }
      const ids = requests.map(({ id }) => id).reverse()
      const page = (limit: number, before?: string) =>
        at.store
          .requests(at.world.contract, before === undefined ? { limit } : { limit, before })
          .map(({ id }) => id)
      expect(page(3)).toEqual(ids.slice(0, 3))
      expect(page(3, ids[2])).toEqual(ids.slice(3, 6))
      expect(page(3, ids[5])).toEqual(ids.slice(6))
      expect(page(3, ids[6])).toEqual([])
      expect(page(0)).toEqual([])
      expect(page(100)).toEqual(ids)
    })

    it('[REQ-5] refuse a replay until block time has passed their notAfterMs', () => {
      const lasting = (seconds: number) => at.world.set(at.world.rootUid, 'x', START_MS + seconds * 1000)
      const requests = [lasting(3), lasting(1), lasting(2), lasting(50)]
      at.store.write(requests.flatMap((request) => at.world.arrive(request)))
      const unexpired = () => at.store.load(at.world.contract).unexpired
      expect(unexpired()).toEqual([])
      at.store.write([at.world.commit(at.world.block(1, requests.slice(0, 3)))])
      const [three, one, two] = requests.map(({ id, request }) => ({ id, notAfterMs: request.notAfterMs }))
      // Block 1 is of second 1: what may be ordered until then can't come again.
      expect(unexpired()).toEqual([two, three])
      expect(one?.notAfterMs).toBe(START_MS + 1000)
      at.store.write([at.world.commit(at.world.block(2))])
      expect(unexpired()).toEqual([three])
      at.store.write([at.world.commit(at.world.block(3))])
      expect(unexpired()).toEqual([])
    })
  })

  describe('openings', () => {
    beforeEach(() => at.store.write(at.world.begin()))

    it('[VAL-1] are found by commitment, in the order asked, whatever their value', () => {
      const values = [
        '',
        'text',
        'ünï "quoted" \\ \n',
        '😀'.repeat(1000),
        true,
        false,
        null,
        'x'.repeat(100_000),
      ]
      const openings = values.map((value) => at.world.opening(value))
      at.store.write([{ kind: 'openings', contract: at.world.contract, openings }])
      const commitments = openings.map(commitmentOf).reverse()
      const found = at.store.openings(at.world.contract, [at.world.hex(32), ...commitments])
      expect([...found.keys()]).toEqual(commitments)
      expect([...found.values()]).toEqual([...openings].reverse())
    })

    it('may come twice, and belong to their contract', () => {
      const other = new World('other')
      at.store.write(other.begin())
      const opening = at.world.opening('secret')
      const write: StoreWrite = {
        kind: 'openings',
        contract: at.world.contract,
        openings: [opening, opening],
      }
      at.store.write([write])
      at.store.write([write])
      expect(at.store.openings(at.world.contract, [commitmentOf(opening)]).size).toBe(1)
      expect(at.store.openings(other.contract, [commitmentOf(opening)]).size).toBe(0)
    })
  })
}
