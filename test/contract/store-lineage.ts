/** What every store must do when a lineage ends: FREEZEs are kept, and the ledger goes back to where the next begins. */
import { beforeEach, describe, expect, it } from 'vitest'
import { freezeId, makeFreeze, type SignedFreeze } from '../../src/ledger/freeze.ts'
import type { StoreWrite } from '../../src/store/store.ts'
import { refusal, type StoreContext } from './store-context.ts'
import type { WorldBlock, WorldRequest } from './store-world.ts'

export function lineageTests(at: StoreContext): void {
  const freezeOf = (member: number, blocks: WorldBlock[]): SignedFreeze => {
    const { contract } = at.world
    const { header } = (blocks.at(-1) as WorldBlock).block
    const history = { from: 1, peaks: [], blocks: blocks.map(({ hash }) => hash), header }
    const statement = makeFreeze(
      contract,
      0,
      at.world.party(member),
      history,
      [at.world.cosignature(member, 2)],
      [],
    )
    return { statement, signature: { signature: at.world.signature() } }
  }
  const startAt = (block: WorldBlock, freezes: SignedFreeze[]): Extract<StoreWrite, { kind: 'lineage' }> => {
    const { contract } = at.world
    const { height } = block.block.header
    return {
      kind: 'lineage',
      contract,
      keepHeight: height,
      start: {
        genesis: {
          contract,
          lineage: 1,
          tip: { size: height + 1, block: block.hash },
          freezes: freezes.map(freezeId).sort(),
          members: [at.world.party(0), at.world.party(1)],
        },
        guilty: [at.world.party(2)],
        path: { from: height, blocks: [block.hash] },
        finalSize: 1,
        startedMs: 5,
      },
    }
  }

  describe('the end of a lineage', () => {
    let blocks: WorldBlock[]
    let requests: WorldRequest[]

    beforeEach(() => {
      const { world, store } = at
      store.write(world.begin([[world.rootUid, world.field('root')]]))
      requests = ['one', 'two', 'three'].map((value) => world.set(world.rootUid, value))
      blocks = requests.map((request, index) => {
        const block = world.block(index + 1, [request])
        const certificates = {
          notarization: world.certificate('notarization', index + 1, block.hash),
          commit: world.certificate('finalization', index + 1, block.hash),
        }
        store.write([
          ...world.arrive(request),
          world.commit(block, [[world.rootUid, world.field(`value ${index}`)]], certificates),
        ])
        return block
      })
      store.write([{ kind: 'cosignature', contract: world.contract, cosignature: world.cosignature(0, 4) }])
    })

    it('[LIN-1] keeps FREEZEs, each once, and in the order they came', () => {
      const { contract } = at.world
      expect(at.store.freezes(contract)).toEqual([])
      const [one, two] = [freezeOf(1, blocks), freezeOf(0, blocks)]
      at.store.write([one, two, one].map((freeze) => ({ kind: 'freeze', contract, freeze }) as const))
      at.reopen()
      expect(at.store.freezes(contract)).toEqual([one, two])
      const unknown = { kind: 'freeze', contract: 'f'.repeat(64), freeze: one } as const
      expect(refusal(() => at.store.write([unknown]))).toBe('unknown-contract')
    })

    it('[LIN-3] goes back to the block the next one begins with, as if what follows had never been ordered', () => {
      const { world, store } = at
      const { contract } = world
      const [first] = blocks as [WorldBlock]
      const before = at.elements(1)
      const rival = world.block(9)
      store.write([
        { kind: 'proposed', contract, ...rival },
        { kind: 'certificate', contract, certificate: world.certificate('skip', 2) },
        { kind: 'contract-status', contract, status: 'halted', reason: 'two histories' },
      ])
      const start = startAt(first, [])
      store.write([start])
      at.reopen()
      const loaded = at.store.load(contract)
      expect(loaded.blockHashes).toHaveLength(2)
      expect(loaded.tip?.hash).toBe(first.hash)
      expect(loaded.tip?.commit, 'its own COMMIT stays').toBeDefined()
      expect(loaded.certificates.every(({ block }) => block === first.hash)).toBe(true)
      expect([loaded.proposed, loaded.cosignatures]).toEqual([[], []])
      expect(loaded.waiting.map(({ id }) => id)).toEqual(requests.slice(1).map(({ id }) => id))
      expect(loaded.unexpired.map(({ id }) => id)).toEqual([requests[0]?.id])
      for (const { hash } of [...blocks.slice(1), rival])
        expect(at.store.blockByHash(contract, hash), hash).toBeUndefined()
      expect(at.elements()).toEqual(before)
      expect(at.store.elementHistory(contract, world.rootUid)).toHaveLength(2)
      expect(at.store.request(contract, requests[2]?.id as string)?.height).toBeUndefined()
      expect(at.store.contract(contract)).toMatchObject({ status: 'accepted' })
      expect(at.store.contract(contract)?.reason).toBeUndefined()
      expect(at.store.lineages(contract)).toEqual([start.start])
    })

    it('[LIN-3] lets what was ordered be ordered again, at another height', () => {
      const { world, store } = at
      const { contract } = world
      const [first] = blocks as [WorldBlock]
      store.write([startAt(first, [])])
      const again = world.block(7, requests.slice(1).reverse(), first)
      store.write([world.commit(again, [[world.rootUid, world.field('again')]])])
      expect(store.load(contract).waiting).toEqual([])
      expect(store.request(contract, requests[2]?.id as string)).toMatchObject({ height: 2, index: 0 })
      expect(store.load(contract).blockHashes.at(-1)).toBe(again.hash)
    })

    it('[AMN-4] goes back within its lineage, and keeps what was cosigned of what stays', () => {
      const { world, store } = at
      const { contract } = world
      const [first] = blocks as [WorldBlock]
      const small = world.cosignature(1, 2)
      store.write([
        { kind: 'cosignature', contract, cosignature: small },
        { kind: 'contract-status', contract, status: 'halted', reason: 'two histories' },
        { kind: 'returned', contract, keepHeight: 1 },
      ])
      at.reopen()
      const loaded = at.store.load(contract)
      expect([loaded.tip?.hash, loaded.blockHashes.length]).toEqual([first.hash, 2])
      expect(loaded.cosignatures).toEqual([small])
      expect(loaded.waiting.map(({ id }) => id)).toEqual(requests.slice(1).map(({ id }) => id))
      expect(at.store.contract(contract)).toMatchObject({ status: 'halted', reason: 'two histories' })
      expect(at.store.lineages(contract)).toEqual([])
    })

    it('[LIN-3] is refused where there is no such block, or for the second time, and changes nothing then', () => {
      const { contract } = at.world
      const [first] = blocks as [WorldBlock]
      expect(refusal(() => at.store.write([{ ...startAt(first, []), keepHeight: 9 }]))).toBe(
        'invariant-broken',
      )
      expect(at.store.load(contract).height).toBe(3)
      at.store.write([startAt(first, [])])
      expect(refusal(() => at.store.write([startAt(first, [])]))).toBe('storage-failed')
      expect(at.store.lineages(contract)).toHaveLength(1)
    })
  })
}
