/** What every store must do with a ledger that begins at a checkpoint (EPO-15). */
import { beforeEach, describe, expect, it } from 'vitest'
import type { Header } from '../../src/ledger/block.ts'
import type { Basis, StoreWrite } from '../../src/store/store.ts'
import { refusal, type StoreContext } from './store-context.ts'
import { START_MS, type WorldBlock, type WorldRequest } from './store-world.ts'

export function basisTests(at: StoreContext): void {
  describe('a ledger that begins at a checkpoint', () => {
    let blocks: WorldBlock[]
    let old: WorldRequest
    let write: Extract<StoreWrite, { kind: 'basis' }>
    let headers: Header[]
    let basis: Basis
    let other: string

    beforeEach(() => {
      const { world, store } = at
      const { contract } = world
      other = world.hex(16)
      store.write(
        world.begin([
          [world.rootUid, world.field('root')],
          [other, world.field('gone')],
        ]),
      )
      const genesis = world.tip
      old = world.set(world.rootUid, 'one')
      store.write([
        ...world.arrive(old),
        world.commit(world.block(1, [old]), [[world.rootUid, world.field('read before')]]),
        { kind: 'cosignature', contract, cosignature: world.cosignature(0, 2) },
      ])
      world.tip = genesis
      blocks = [1, 2, 3].map((view) => {
        const block = world.block(view)
        world.tip = block
        return block
      })
      headers = blocks.map(({ block }) => block.header)
      basis = {
        height: 3,
        voucher: world.party(1),
        receivedMs: START_MS,
        ordered: [
          ['1'.repeat(64), START_MS + 3500],
          ['2'.repeat(64), START_MS + 99_000],
        ],
        epochStarts: [],
        cards: [],
      }
      const changes: [string, ReturnType<typeof world.field> | null][] = [
        [world.rootUid, world.field('at the checkpoint')],
        [other, null],
      ]
      write = { kind: 'basis', contract, basis, headers, changes }
    })

    it('[EPO-15] stands on its headers and its state, and nothing else of before is left', () => {
      const { world } = at
      const { contract } = world
      expect(at.store.basis(contract)).toBeUndefined()
      at.store.write([write])
      at.reopen()
      expect(at.store.basis(contract)).toEqual(basis)
      expect(at.store.headers(contract, 1, 10)).toEqual(headers)
      expect(at.store.headers(contract, 2, 1)).toEqual([headers[1]])
      const loaded = at.store.load(contract)
      expect(loaded.height).toBe(3)
      expect(loaded.tip?.hash).toBe(blocks[2]?.hash)
      expect(loaded.blockHashes.slice(1)).toEqual(blocks.map(({ hash }) => hash))
      expect([loaded.waiting, loaded.cosignatures, loaded.proposed]).toEqual([[], [], []])
      expect(loaded.unexpired).toEqual(basis.ordered.map(([id, notAfterMs]) => ({ id, notAfterMs })))
      expect([...at.store.elements(contract)]).toEqual([[world.rootUid, world.field('at the checkpoint')]])
      expect(at.store.elementHistory(contract, world.rootUid).map(({ height }) => height)).toEqual([0, 3])
      expect(at.store.request(contract, old.id)).toBeUndefined()
      expect(at.store.heightAt(contract, START_MS + 2000)).toBe(2)
    })

    it('[EPO-15] [REQ-5] goes on, and says of before and since what can be replayed', () => {
      const { world, store } = at
      const { contract } = world
      store.write([write])
      const next = world.set(world.rootUid, 'two', START_MS + 50_000)
      store.write([
        ...world.arrive(next),
        world.commit(world.block(4, [next]), [[world.rootUid, world.field('since')]]),
      ])
      at.reopen()
      const ids = at.store.load(contract).unexpired.map(({ id }) => id)
      expect(ids.sort()).toEqual(['2'.repeat(64), next.id].sort())
      const page = (after: string, limit: number, height = 4, timeMs = START_MS) =>
        at.store.orderedUntil(contract, { height, timeMs }, { after, limit }).map(([id]) => id)
      const all = ['1'.repeat(64), '2'.repeat(64), next.id].sort()
      expect(page('0'.repeat(64), 10)).toEqual(all)
      expect(page('0'.repeat(64), 1)).toEqual(all.slice(0, 1))
      expect(page(all[0] as string, 10)).toEqual(all.slice(1))
      expect(page('0'.repeat(64), 10, 3)).toEqual(['1'.repeat(64), '2'.repeat(64)])
      expect(page('0'.repeat(64), 10, 4, START_MS + 60_000)).toEqual(['2'.repeat(64)])
    })

    it('[EPO-15] is refused whole where its headers do not end with it', () => {
      const { contract } = at.world
      expect(refusal(() => at.store.write([{ ...write, headers: headers.slice(0, 2) }]))).toBe(
        'invariant-broken',
      )
      expect(at.store.basis(contract)).toBeUndefined()
      expect(at.store.request(contract, old.id)).toBeDefined()
    })
  })
}
