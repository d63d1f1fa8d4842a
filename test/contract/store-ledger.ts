/** What every store must do with ledger blocks, elements and signatures. */
import { beforeEach, describe, expect, it } from 'vitest'
import { type Evidence, evidenceId } from '../../src/ledger/evidence.ts'
import type { HeightRange, StoreWrite } from '../../src/store/store.ts'
import { TURN } from '../support/ordering.ts'
import { refusal, type StoreContext } from './store-context.ts'
import { START_MS, World } from './store-world.ts'

export function ledgerTests(at: StoreContext): void {
  describe('ledger blocks', () => {
    beforeEach(() => at.store.write(at.world.begin()))

    const proposed = (view: number): { hash: string; write: StoreWrite } => {
      const { hash, block } = at.world.block(view)
      return { hash, write: { kind: 'proposed', contract: at.world.contract, hash, block } }
    }
    const certified = (...args: Parameters<World['certificate']>): StoreWrite => ({
      kind: 'certificate',
      contract: at.world.contract,
      certificate: at.world.certificate(...args),
    })

    it('form a chain that can be read by height, hash and range', () => {
      const blocks = [1, 2, 5].map((view) => {
        const block = at.world.block(view)
        at.store.write([at.world.commit(block)])
        return block
      })
      const { contract } = at.world
      const loaded = at.store.load(contract)
      expect(loaded.height).toBe(3)
      expect(loaded.tip).toEqual(blocks[2])
      expect(loaded.blockHashes.slice(1)).toEqual(blocks.map(({ hash }) => hash))
      expect(at.store.block(contract, 2)).toEqual(blocks[1])
      expect(at.store.block(contract, 4)).toBeUndefined()
      expect(at.store.block(contract, -1)).toBeUndefined()
      expect(at.store.blockByHash(contract, blocks[0]?.hash as string)).toEqual(blocks[0])
      expect(at.store.blocks(contract, 1, 2)).toEqual(blocks.slice(0, 2))
      expect(at.store.blocks(contract, 3, 100)).toEqual(blocks.slice(2))
      expect(at.store.blocks(contract, 1, 0)).toEqual([])
      expect(at.store.blocks(contract, 4, 1)).toEqual([])
    })

    it('[BLK-4] are committed one after the other, and never another in the place of one', () => {
      const rival = at.world.block(1)
      const block = at.world.block(2)
      at.store.write([at.world.commit(block)])
      const beyond = at.world.block(4, [], at.world.block(3))
      for (const bad of [rival, beyond]) {
        const write: StoreWrite = { kind: 'committed', contract: at.world.contract, ...bad, changes: [] }
        expect(refusal(() => at.store.write([write]))).toBe('invariant-broken')
      }
      expect(at.store.load(at.world.contract).blockHashes).toHaveLength(2)
      expect(at.store.block(at.world.contract, 1)).toEqual(block)
    })

    it('need the requests they order, each once', () => {
      const request = at.world.set(at.world.rootUid)
      const early = at.world.block(1, [request])
      const write: StoreWrite = { kind: 'committed', contract: at.world.contract, ...early, changes: [] }
      expect(refusal(() => at.store.write([write]))).toBe('invariant-broken')
      expect(at.store.load(at.world.contract).height).toBe(0)
      at.store.write([...at.world.arrive(request), at.world.commit(early)])
      const again = at.world.block(2, [request])
      const repeated: StoreWrite = { kind: 'committed', contract: at.world.contract, ...again, changes: [] }
      expect(refusal(() => at.store.write([repeated]))).toBe('invariant-broken')
      expect(at.store.request(at.world.contract, request.id)).toMatchObject({ height: 1 })
    })

    it('are found by time', () => {
      for (const view of [1, 2, 3]) at.store.write([at.world.commit(at.world.block(view))])
      const { contract } = at.world
      expect(at.store.heightAt(contract, START_MS - 1)).toBe(-1)
      expect(at.store.heightAt(contract, START_MS)).toBe(0)
      expect(at.store.heightAt(contract, START_MS + 999)).toBe(0)
      expect(at.store.heightAt(contract, START_MS + 1000)).toBe(1)
      expect(at.store.heightAt(contract, START_MS + 2500)).toBe(2)
      expect(at.store.heightAt(contract, START_MS * 2)).toBe(3)
    })

    it('[ORD-5] that are proposed are held until a commit passes their view', () => {
      const [one, two, three] = [proposed(1), proposed(2), proposed(3)]
      at.store.write([three.write, one.write, two.write, two.write])
      expect(at.store.load(at.world.contract).proposed.map(({ hash }) => hash)).toEqual([
        one.hash,
        two.hash,
        three.hash,
      ])
      expect(at.store.blockByHash(at.world.contract, one.hash)?.hash).toBe(one.hash)
      expect(at.store.block(at.world.contract, 1)).toBeUndefined()
      const { hash, block } = at.store.blockByHash(at.world.contract, two.hash) as never as {
        hash: string
        block: never
      }
      at.store.write([at.world.commit({ hash, block })])
      expect(at.store.load(at.world.contract).proposed.map((found) => found.hash)).toEqual([three.hash])
      expect(at.store.blockByHash(at.world.contract, one.hash)).toBeUndefined()
      expect(at.store.blockByHash(at.world.contract, two.hash)?.hash).toBe(two.hash)
      expect(at.store.block(at.world.contract, 1)?.hash).toBe(two.hash)
    })

    it('that are proposed too late, or committed already, are not held as proposed', () => {
      const late = proposed(1)
      const block = at.world.block(2)
      at.store.write([at.world.commit(block)])
      at.store.write([late.write, { kind: 'proposed', contract: at.world.contract, ...block }])
      expect(at.store.load(at.world.contract).proposed).toEqual([])
      expect(at.store.blockByHash(at.world.contract, late.hash)).toBeUndefined()
    })

    it('carry the certificates held of them, however those came', () => {
      const block = at.world.block(2)
      const notarization = at.world.certificate('notarization', 2, block.hash)
      const commit = at.world.certificate('finalization', 2, block.hash)
      const { contract } = at.world
      at.store.write([
        { kind: 'proposed', contract, ...block },
        { kind: 'certificate', contract, certificate: notarization },
      ])
      expect(at.store.blockByHash(contract, block.hash)).toEqual({ ...block, notarization })
      at.store.write([at.world.commit(block, [], { notarization, commit })])
      const whole = { ...block, notarization, commit }
      expect(at.store.block(contract, 1)).toEqual(whole)
      expect(at.store.blocks(contract, 1, 1)).toEqual([whole])
      expect(at.store.load(contract).tip).toEqual(whole)
    })

    it('that a descendant commits have no COMMIT of their own, until one comes', () => {
      const { contract } = at.world
      const [first, parent] = [at.world.block(1), at.world.tip]
      const second = at.world.block(2, [], first)
      const notarization = at.world.certificate('notarization', 1, first.hash)
      const commit = at.world.certificate('finalization', 2, second.hash)
      at.store.write([{ kind: 'certificate', contract, certificate: notarization }])
      expect(parent?.block.header.height).toBe(0)
      at.store.write([at.world.commit(first), at.world.commit(second, [], { commit })])
      expect(at.store.block(contract, 1)).toEqual({ ...first, notarization })
      expect(at.store.block(contract, 2)).toEqual({ ...second, commit })
      const late = at.world.certificate('finalization', 1, first.hash)
      at.store.write([{ kind: 'certificate', contract, certificate: late }])
      const later = at.world.certificate('notarization', 2, second.hash)
      at.store.write([{ kind: 'committed', contract, ...second, changes: [], notarization: later }])
      expect(at.store.block(contract, 1)).toEqual({ ...first, notarization, commit: late })
      expect(at.store.block(contract, 2)).toEqual({ ...second, notarization: later, commit })
      expect(at.store.load(contract).height).toBe(2)
    })

    it('[ORD-5] keep the newest certificate of each kind, view and block', () => {
      const block = at.world.block(1)
      const { contract } = at.world
      const older = at.world.certificate('notarization', 1, block.hash)
      const newer = at.world.certificate('notarization', 1, block.hash)
      const rival = at.world.certificate('notarization', 1, at.world.hex(32))
      const skip = at.world.certificate('skip', 1)
      for (const certificate of [older, rival, skip, newer])
        at.store.write([{ kind: 'certificate', contract, certificate }])
      const { certificates } = at.store.load(contract)
      expect(certificates).toHaveLength(3)
      for (const certificate of [newer, rival, skip]) expect(certificates).toContainEqual(certificate)
    })

    it('[EPO-11] that end an epoch keep their COMMIT of a later view, which counts for no view of the next epoch', () => {
      const { contract } = at.world
      const { hash, block } = at.world.block(3)
      const turn = { hash, block: { ...block, entries: [TURN] } } as never
      const commits = (view: number) => ({
        notarization: at.world.certificate('notarization', view, hash),
        commit: at.world.certificate('finalization', view, hash),
      })
      at.store.write([at.world.commit(turn, [], commits(9))])
      expect(at.store.load(contract).certificates).toEqual([])
      for (const view of [4, 8, 9, 12]) {
        const next = at.world.block(view)
        at.store.write([certified('notarization', view, next.hash), at.world.commit(next)])
        expect(at.store.load(contract).certificates.map((one) => one.view)).toEqual([view])
      }
      expect(at.store.block(contract, 1)).toMatchObject({ notarization: { view: 9 }, commit: { view: 9 } })
    })

    it('[EVI-3] let go of certificates that a commit has passed, but for those of committed blocks and skipped views', () => {
      const { contract } = at.world
      const one = at.world.block(1)
      at.store.write([
        certified('notarization', 1, one.hash),
        certified('notarization', 1, at.world.hex(32)),
        certified('skip', 1),
        certified('skip', 2),
      ])
      at.store.write([at.world.commit(one)])
      const views = () => at.store.load(contract).certificates.map(({ kind, view }) => `${kind} ${view}`)
      expect(views()).toEqual(['notarization 1', 'skip 1', 'skip 2'])
      const four = at.world.block(4)
      at.store.write([
        certified('skip', 3),
        certified('skip', 4),
        certified('notarization', 5, at.world.hex(32)),
      ])
      at.store.write([at.world.commit(four)])
      expect(views()).toEqual(['skip 4', 'notarization 5'])
      expect(at.store.certificates(contract, 1).map(({ kind, view }) => `${kind} ${view}`)).toEqual([
        'notarization 1',
        'skip 1',
        'skip 2',
        'skip 3',
        'skip 4',
        'notarization 5',
      ])
      at.store.write([{ kind: 'skips-dropped', contract, toView: 3 }])
      expect(at.store.certificates(contract, 2).map(({ kind, view }) => `${kind} ${view}`)).toEqual([
        'skip 4',
        'notarization 5',
      ])
      // Late ones are needed no more, unless they are of a committed block.
      at.store.write([certified('skip', 3), certified('notarization', 3, at.world.hex(32))])
      at.store.write([certified('notarization', 4, four.hash)])
      expect(views()).toEqual(['notarization 4', 'skip 4', 'notarization 5'])
      expect(at.store.block(contract, 1)).toHaveProperty('notarization')
      expect(at.store.block(contract, 2)).toHaveProperty('notarization')
      at.reopen()
      expect(views()).toEqual(['notarization 4', 'skip 4', 'notarization 5'])
    })
  })

  describe('elements', () => {
    it('are read as they are, and as of every height', () => {
      const [a, b, c] = [at.world.hex(16), at.world.hex(16), at.world.hex(16)]
      const records = Array.from({ length: 6 }, () => at.world.field())
      const [a0, b0, a1, c1, b2, a3] = records as [never, never, never, never, never, never]
      at.store.write(
        at.world.begin([
          [a, a0],
          [b, b0],
        ]),
      )
      at.store.write([
        at.world.commit(at.world.block(1), [
          [a, a1],
          [c, c1],
        ]),
      ])
      at.store.write([
        at.world.commit(at.world.block(2), [
          [b, b2],
          [c, null],
        ]),
      ])
      at.store.write([
        at.world.commit(at.world.block(3), [
          [a, a3],
          [b, null],
        ]),
      ])
      const states = [
        [
          [a, a0],
          [b, b0],
        ],
        [
          [a, a1],
          [b, b0],
          [c, c1],
        ],
        [
          [a, a1],
          [b, b2],
        ],
        [[a, a3]],
      ] as [string, never][][]
      for (const [height, state] of states.entries()) expect(at.elements(height)).toEqual(new Map(state))
      expect(at.elements()).toEqual(new Map(states[3]))
      expect(at.elements(-1)).toEqual(new Map())
      expect(at.elements(99)).toEqual(at.elements(3))
      expect([...at.elements(1).keys()]).toEqual([a, b, c].sort())
    })

    it('come back after they were removed', () => {
      const uid = at.world.hex(16)
      const [first, second] = [at.world.field(), at.world.field()]
      at.store.write(at.world.begin([[uid, first]]))
      at.store.write([at.world.commit(at.world.block(1), [[uid, null]])])
      expect(at.elements().size).toBe(0)
      at.store.write([at.world.commit(at.world.block(2), [[uid, second]])])
      expect(at.elements().get(uid)).toEqual(second)
      expect(at.store.elementHistory(at.world.contract, uid)).toEqual([
        { height: 0, record: first },
        { height: 1, record: null },
        { height: 2, record: second },
      ])
    })

    it('are many, by UID, and do not change under a reader', () => {
      const changes = Array.from({ length: 2501 }, (): [string, never] => [
        at.world.hex(16),
        at.world.field() as never,
      ])
      at.store.write(at.world.begin(changes))
      const seen: string[] = []
      for (const [uid, record] of at.store.elements(at.world.contract)) {
        if (seen.length === 0) {
          at.store.write([
            at.world.commit(
              at.world.block(1),
              changes.map(([one]) => [one, null]),
            ),
          ])
          at.store.write([at.world.commit(at.world.block(2), [[at.world.hex(16), at.world.field()]])])
        }
        expect(record.kind).toBe('field')
        seen.push(uid)
      }
      expect(seen).toEqual(changes.map(([uid]) => uid).sort())
      expect(at.elements().size).toBe(1)
      expect(at.elements(0)).toEqual(new Map(changes))
    })

    it('tell which of them are or were files', () => {
      const [file, former, text] = [at.world.hex(16), at.world.hex(16), at.world.hex(16)]
      const record = at.world.field(undefined)
      at.store.write(
        at.world.begin([
          [file, { ...record, type: 'file' }],
          [former, { ...record, type: 'file' }],
          [text, { ...record, name: '"type":"file"' }],
        ]),
      )
      at.store.write([at.world.commit(at.world.block(1, []), [[former, null]])])
      expect(at.store.fileElements(at.world.contract).sort()).toEqual([file, former].sort())
      expect(at.store.fileElements('ab'.repeat(32))).toEqual([])
    })

    it('tell their history with the request behind each version', () => {
      const [block, field] = [at.world.hex(16), at.world.hex(16)]
      const first = at.world.field(undefined, block)
      const above = { kind: 'block', name: 'Claimant', order: 'a', parent: at.world.rootUid }
      at.store.write(
        at.world.begin([
          [block, above],
          [field, first],
        ]),
      )
      const [refused, earlier, last, removed] = [
        at.world.set(field),
        at.world.set(field),
        at.world.set(field),
        at.world.remove(block),
      ]
      at.store.write([refused, earlier, last, removed].flatMap((request) => at.world.arrive(request)))
      const second = at.world.field(undefined, block)
      const entries = [earlier, last, { id: refused.id, outcome: 'conflicted' as const, code: 'stale' }]
      at.store.write([at.world.commit(at.world.block(1, entries), [[field, second]])])
      at.store.write([
        at.world.commit(at.world.block(2, [removed]), [
          [block, null],
          [field, null],
        ]),
      ])
      expect(at.store.elementHistory(at.world.contract, field)).toEqual([
        { height: 0, record: first },
        { height: 1, record: second, request: last.id, requests: [earlier.id, last.id] },
        { height: 2, record: null, request: removed.id },
      ])
      expect(at.store.elementHistory(at.world.contract, at.world.hex(16))).toEqual([])
      const heights = (range: HeightRange) =>
        at.store.elementHistory(at.world.contract, field, range).map(({ height }) => height)
      expect(heights({ fromHeight: 1 })).toEqual([1, 2])
      expect(heights({ toHeight: 1 })).toEqual([0, 1])
      expect(heights({ limit: 2 })).toEqual([0, 1])
      expect(heights({ limit: 2, newest: true })).toEqual([1, 2])
      expect(heights({ toHeight: 1, limit: 1, newest: true })).toEqual([1])
      expect(heights({ fromHeight: 3 })).toEqual([])
      expect(at.store.countVersions(at.world.contract, field, 0, 9)).toBe(3)
      const changed = (uid: string) => at.store.lastChange(at.world.contract, uid)
      expect([changed(field), changed(block), changed(at.world.hex(16))]).toEqual([2, 2, undefined])
      const since = (height: number, limit = 9) => at.store.changedSince(at.world.contract, height, limit)
      const both = (...pairs: [string, unknown][]) => pairs.sort(([one], [other]) => (one < other ? -1 : 1))
      expect(since(2)).toEqual([])
      expect(since(1)).toEqual(both([block, above], [field, second]))
      expect(since(0)).toEqual(both([block, above], [field, first]))
      expect(since(-1)).toEqual(both([block, null], [field, null]))
      expect(since(0, 1)).toBeUndefined()
      expect(at.store.changedSince('0'.repeat(64), 0, 9)).toBeUndefined()
      expect(at.store.countVersions(at.world.contract, field, 1, 1)).toBe(1)
      expect(at.store.countVersions('0'.repeat(64), field, 0, 9)).toBe(0)
    })

    it('tell the requests that named them and were refused', () => {
      const [block, field] = [at.world.hex(16), at.world.hex(16)]
      at.store.write(at.world.begin([[field, at.world.field(undefined, block)]]))
      const requests = [1, 2, 3, 4].map(() => at.world.set(field))
      const other = at.world.set(block)
      at.store.write([...requests, other].flatMap((request) => at.world.arrive(request)))
      const [taken, ...refused] = requests.map(({ id }) => id)
      const stale = (id: string) => ({ id, outcome: 'conflicted' as const, code: 'stale-version' })
      const [first, second, third] = refused as [string, string, string]
      const entries = [{ id: taken as string }, stale(first), stale(other.id)]
      at.store.write([at.world.commit(at.world.block(1, entries))])
      const wrong = { id: third, outcome: 'rejected' as const, code: 'wrong-type' }
      at.store.write([at.world.commit(at.world.block(2, [stale(second), wrong]))])
      const found = (range?: HeightRange & { afterPlace?: number }) =>
        at.store.refusedRequests(at.world.contract, field, range).map(({ id }) => id)
      expect(found()).toEqual([first, second, third])
      expect(found({ limit: 2 })).toEqual([first, second])
      expect(found({ limit: 2, newest: true })).toEqual([second, third])
      expect(found({ fromHeight: 2 })).toEqual([second, third])
      expect(found({ toHeight: 1 })).toEqual([first])
      expect(found({ fromHeight: 1, afterPlace: 1 })).toEqual([second, third])
      expect(found({ fromHeight: 2, afterPlace: 0 })).toEqual([third])
      expect(at.store.refusedRequests(at.world.contract, field)[2]).toMatchObject({
        height: 2,
        index: 1,
        outcome: 'rejected',
        code: 'wrong-type',
      })
      expect(at.store.refusedRequests(at.world.contract, at.world.hex(16))).toEqual([])
      expect(at.store.refusedRequests('0'.repeat(64), field)).toEqual([])
    })

    it('are found again in the contracts they are or were in', () => {
      const other = new World('other')
      const [here, both] = [at.world.hex(16), at.world.hex(16)]
      at.store.write(
        at.world.begin([
          [here, at.world.field()],
          [both, at.world.field()],
        ]),
      )
      at.store.write(other.begin([[both, other.field()]]))
      at.store.write([at.world.commit(at.world.block(1), [[here, null]])])
      expect(at.store.contractOfElement(here)).toEqual([at.world.contract])
      expect(at.store.contractOfElement(both)).toEqual([at.world.contract, other.contract])
      expect([...at.store.elements(other.contract)].map(([uid]) => uid)).toEqual([both])
      expect(at.store.elementHistory(other.contract, here)).toEqual([])
    })
  })

  describe('signatures', () => {
    beforeEach(() => at.store.write(at.world.begin()))

    it('[COS-2] are kept of each member’s largest checkpoint', () => {
      const { contract } = at.world
      const [a2, a5, a3, b1] = [
        at.world.cosignature(0, 2),
        at.world.cosignature(0, 5),
        at.world.cosignature(0, 3),
        at.world.cosignature(1, 1),
      ]
      const rival = at.world.cosignature(0, 5)
      for (const cosignature of [a2, a5, a3, b1, rival])
        at.store.write([{ kind: 'cosignature', contract, cosignature }])
      const byParty = [a5, b1].sort((first, second) => (first.party < second.party ? -1 : 1))
      expect(at.store.cosignatures(contract)).toEqual(byParty)
      expect(at.store.load(contract).cosignatures).toEqual(byParty)
    })

    it('[EVI-1] that are evidence are kept once', () => {
      const { contract } = at.world
      const make = (): Evidence => ({
        kind: 'two-checkpoints',
        party: at.world.party(1),
        contract,
        lineage: 0,
        first: at.world.cosignature(1, 4),
        second: at.world.cosignature(1, 4),
      })
      const all = [make(), make()].map((evidence) => ({ id: evidenceId(evidence), evidence }))
      for (const one of [...all, ...all]) at.store.write([{ kind: 'evidence', contract, ...one }])
      expect(at.store.evidence(contract)).toEqual(all)
    })
  })
}
