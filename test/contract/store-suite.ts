/** What every store must do, whatever engine is behind it. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cardHash, signCard } from '../../src/identity/card.ts'
import { type Evidence, evidenceId } from '../../src/ledger/evidence.ts'
import { commitmentOf } from '../../src/ledger/value.ts'
import type { Store, StoreWrite } from '../../src/store/store.ts'
import { START_MS, World } from './store-world.ts'

/** An engine under test. `open` gives the store at a place (a path without an ending), the same each time for the same place. */
export type StoreEngine = { name: string; open(place: string): Store; openCopy(path: string): Store }

export function storeSuite(engine: StoreEngine): void {
  describe(`a store in ${engine.name}`, () => {
    let folder: string
    let store: Store
    let world: World

    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'countersign-store-'))
      store = engine.open(join(folder, 'store'))
      world = new World('one')
    })
    afterEach(() => {
      store.close()
      rmSync(folder, { recursive: true, force: true })
    })

    const reopen = (): void => {
      store.close()
      store = engine.open(join(folder, 'store'))
    }
    /** The code of what is thrown. */
    const refusal = (work: () => unknown): unknown => {
      try {
        work()
      } catch (error) {
        return (error as { code?: unknown }).code
      }
      return undefined
    }
    const elements = (height?: number) => new Map(store.elements(world.contract, height))

    describe('at first', () => {
      it('holds nothing', () => {
        expect(store.contracts()).toEqual([])
        expect(store.peers()).toEqual([])
        expect(store.signerCounter()).toBe(0)
        expect(store.setting('any')).toBeUndefined()
        expect(store.peer(world.party(0))).toBeUndefined()
        expect(store.cardHistory(world.party(0))).toEqual([])
        expect(store.contractOfElement(world.rootUid)).toEqual([])
        store.write([])
      })

      it('answers about a contract that it does not hold', () => {
        const { contract } = world
        expect(store.contract(contract)).toBeUndefined()
        expect([...store.elements(contract)]).toEqual([])
        expect(store.elementHistory(contract, world.rootUid)).toEqual([])
        expect(store.block(contract, 0)).toBeUndefined()
        expect(store.blockByHash(contract, world.hex(32))).toBeUndefined()
        expect(store.blocks(contract, 0, 10)).toEqual([])
        expect(store.heightAt(contract, START_MS)).toBe(-1)
        expect(store.request(contract, world.hex(32))).toBeUndefined()
        expect(store.requests(contract, { limit: 10 })).toEqual([])
        expect(store.requestsOf(contract, [world.hex(32)])).toEqual(new Map())
        expect(store.openings(contract, [world.hex(32)])).toEqual(new Map())
        expect(store.cosignatures(contract)).toEqual([])
        expect(store.evidence(contract)).toEqual([])
        expect(refusal(() => store.load(contract))).toBe('unknown-contract')
      })

      it.each(['', 'zz', 'ABC', '\u0000', "'; DROP TABLE contract; --", 'ü'.repeat(32)])(
        'finds nothing by the odd key «%s»',
        (key) => {
          store.write(world.begin())
          expect(store.contract(key)).toBeUndefined()
          expect(store.request(world.contract, key)).toBeUndefined()
          expect(store.blockByHash(world.contract, key)).toBeUndefined()
          expect(store.openings(world.contract, [key])).toEqual(new Map())
          expect(store.requests(world.contract, { limit: 5, before: key })).toEqual([])
          expect(store.elementHistory(world.contract, key)).toEqual([])
          expect(store.contractOfElement(key)).toEqual([])
          expect(store.peer(key)).toBeUndefined()
          expect(store.setting(key)).toBeUndefined()
        },
      )
    })

    describe('contracts', () => {
      it('come back as they were written, in the order they came', () => {
        const other = new World('other')
        store.write([
          { kind: 'contract', contract: other.stored('invited') },
          { kind: 'contract', contract: world.stored() },
        ])
        expect(store.contracts()).toEqual([other.stored('invited'), world.stored()])
        expect(store.contract(world.contract)).toEqual(world.stored())
        expect(store.load(world.contract)).toEqual({
          height: -1,
          proposed: [],
          certificates: [],
          cosignatures: [],
          blockHashes: [],
          waiting: [],
          unexpired: [],
        })
      })

      it('stay as they are when they come again', () => {
        store.write([{ kind: 'contract', contract: world.stored() }])
        store.write([{ kind: 'contract', contract: { ...world.stored('invited'), receivedMs: 9 } }])
        expect(store.contracts()).toEqual([world.stored()])
      })

      it('change their status, with the reason last given', () => {
        const { contract } = world
        store.write([{ kind: 'contract', contract: world.stored('invited') }])
        store.write([{ kind: 'contract-status', contract, status: 'halted', reason: 'two histories' }])
        expect(store.contract(contract)).toEqual({ ...world.stored('halted'), reason: 'two histories' })
        store.write([{ kind: 'contract-status', contract, status: 'accepted' }])
        expect(store.contract(contract)).toEqual(world.stored('accepted'))
      })

      it.each<[string, (contract: string) => StoreWrite]>([
        ['contract-status', (contract) => ({ kind: 'contract-status', contract, status: 'declined' })],
        ['request', (contract) => ({ ...world.arrive(world.set(world.rootUid))[0], contract }) as StoreWrite],
        ['openings', (contract) => ({ kind: 'openings', contract, openings: [world.opening('x')] })],
        ['request-dropped', (contract) => ({ kind: 'request-dropped', contract, id: world.hex(32) })],
        ['committed', (contract) => ({ ...world.commit(world.block(0)), contract })],
        ['proposed', (contract) => ({ kind: 'proposed', contract, ...world.block(0) })],
        [
          'certificate',
          (contract) => ({ kind: 'certificate', contract, certificate: world.certificate('skip', 1) }),
        ],
        [
          'cosignature',
          (contract) => ({ kind: 'cosignature', contract, cosignature: world.cosignature(0, 1) }),
        ],
      ])('are needed before %s', (_, write) => {
        expect(refusal(() => store.write([write(world.contract)]))).toBe('unknown-contract')
      })
    })

    describe('a batch', () => {
      it('is applied whole or not at all', () => {
        store.write(world.begin())
        const other = new World('other')
        const request = world.set(world.rootUid)
        const batch: StoreWrite[] = [
          ...other.begin([[other.rootUid, other.field()]]),
          ...world.arrive(request),
          { kind: 'setting', key: 'a', value: 'b' },
          { kind: 'signer-counter', counter: 7 },
          { kind: 'peer-card', card: other.parties[0]?.signedCard as never, pinnedMs: 1 },
          { kind: 'contract-status', contract: world.contract, status: 'halted' },
        ]
        const bad: StoreWrite = { kind: 'request-dropped', contract: world.contract, id: world.hex(32) }
        expect(refusal(() => store.write([...batch, bad]))).toBe('invariant-broken')
        expect(store.contracts()).toEqual([world.stored()])
        expect(store.load(world.contract).waiting).toEqual([])
        expect(store.openings(world.contract, request.openings.map(commitmentOf))).toEqual(new Map())
        expect(store.contractOfElement(other.rootUid)).toEqual([])
        expect(store.setting('a')).toBeUndefined()
        expect(store.signerCounter()).toBe(0)
        expect(store.peers()).toEqual([])
        // The contract that was taken back is not remembered either.
        expect(refusal(() => store.load(other.contract))).toBe('unknown-contract')
        store.write(batch)
        expect(store.contracts()).toHaveLength(2)
        expect(store.load(other.contract).height).toBe(0)
        expect(store.signerCounter()).toBe(7)
      })

      it('sees what stands before it in the same batch', () => {
        const request = world.set(world.rootUid)
        store.write([
          ...world.begin(),
          ...world.arrive(request),
          world.commit(world.block(1, [request]), [[world.rootUid, world.field()]]),
        ])
        expect(store.request(world.contract, request.id)).toMatchObject({ height: 1, index: 0 })
      })

      it('is there after the store was opened anew', () => {
        const [ordered, waiting] = [world.set(world.rootUid), world.set(world.rootUid)]
        store.write([
          ...world.begin([[world.rootUid, world.field()]]),
          ...world.arrive(ordered),
          ...world.arrive(waiting),
        ])
        const first = world.block(1, [ordered])
        const notarization = world.certificate('notarization', 1, first.hash)
        store.write([world.commit(first, [[world.rootUid, world.field()]], { notarization })])
        store.write([
          { kind: 'proposed', contract: world.contract, ...world.block(2, [waiting]) },
          { kind: 'certificate', contract: world.contract, certificate: world.certificate('skip', 3) },
          { kind: 'cosignature', contract: world.contract, cosignature: world.cosignature(1, 2) },
          { kind: 'setting', key: 'card', value: 'ünï' },
          { kind: 'signer-counter', counter: 3 },
        ])
        const all = () => ({
          load: store.load(world.contract),
          elements: [...store.elements(world.contract)],
          contracts: store.contracts(),
          setting: store.setting('card'),
          counter: store.signerCounter(),
        })
        const before = all()
        expect(before.load).toMatchObject({ height: 1, tip: { notarization } })
        expect(before.load.waiting).toHaveLength(1)
        reopen()
        expect(all()).toEqual(before)
      })
    })

    describe('requests', () => {
      beforeEach(() => store.write(world.begin()))

      it('[ORD-9] wait in the order they came until they are ordered', () => {
        const requests = [1, 2, 3].map(() => world.set(world.rootUid))
        const [first, second, third] = requests as [(typeof requests)[0] & object, never, never]
        store.write([
          ...world.arrive(first, 11, true),
          ...world.arrive(second, 12),
          ...world.arrive(third, 13),
        ])
        expect(store.load(world.contract).waiting).toEqual(
          requests.map(({ id, request, signature }, index) => ({
            id,
            request,
            signature,
            receivedMs: 11 + index,
            local: index === 0,
          })),
        )
        store.write([world.commit(world.block(1, [second]))])
        expect(store.load(world.contract).waiting.map(({ id }) => id)).toEqual([
          first.id,
          (third as typeof first).id,
        ])
      })

      it('[REQ-1] are the same when they have the same id, also once ordered', () => {
        const request = world.set(world.rootUid)
        store.write(world.arrive(request, 11, true))
        store.write(world.arrive(request, 99, false))
        expect(store.load(world.contract).waiting).toMatchObject([{ receivedMs: 11, local: true }])
        store.write([world.commit(world.block(1, [request]))])
        store.write(world.arrive(request, 99, false))
        expect(store.load(world.contract).waiting).toEqual([])
        expect(store.requests(world.contract, { limit: 10 })).toHaveLength(1)
      })

      it('[REQ-4] show their outcome, code and place once they are ordered', () => {
        const [a, b, c] = [world.set(world.rootUid), world.set(world.rootUid), world.set(world.rootUid)]
        store.write([a, b, c].flatMap((request) => world.arrive(request)))
        const block = world.block(1, [
          a,
          { id: c.id, outcome: 'rejected', code: 'wrong-type' },
          { id: b.id, outcome: 'conflicted', code: 'stale' },
        ])
        store.write([world.commit(block)])
        const records = store.requestsOf(world.contract, [c.id, world.hex(32), a.id, b.id])
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
        expect(store.request(world.contract, b.id)).toMatchObject({ index: 2, outcome: 'conflicted' })
      })

      it('that are dropped stay, marked expired, and no longer wait', () => {
        const request = world.set(world.rootUid)
        store.write(world.arrive(request))
        store.write([{ kind: 'request-dropped', contract: world.contract, id: request.id }])
        expect(store.load(world.contract).waiting).toEqual([])
        const record = store.request(world.contract, request.id)
        expect(record).toMatchObject({ id: request.id, code: 'expired' })
        expect(record).not.toHaveProperty('height')
        expect(record).not.toHaveProperty('outcome')
        store.write([{ kind: 'request-dropped', contract: world.contract, id: request.id }])
        store.write(world.arrive(request))
        expect(store.load(world.contract).waiting).toEqual([])
      })

      it('that others ordered after all are ordered, though they were dropped here', () => {
        const request = world.set(world.rootUid)
        store.write(world.arrive(request))
        store.write([{ kind: 'request-dropped', contract: world.contract, id: request.id }])
        store.write([world.commit(world.block(1, [request]))])
        const record = store.request(world.contract, request.id)
        expect(record).toMatchObject({ height: 1, outcome: 'accepted' })
        expect(record).not.toHaveProperty('code')
        store.write([{ kind: 'request-dropped', contract: world.contract, id: request.id }])
        expect(store.request(world.contract, request.id)).toEqual(record)
      })

      it('come in pages, newest first', () => {
        const requests = Array.from({ length: 7 }, () => world.set(world.rootUid))
        const other = new World('other')
        for (const [index, request] of requests.entries()) {
          store.write(world.arrive(request))
          if (index === 3) store.write([...other.begin(), ...other.arrive(other.set(other.rootUid))])
        }
        const ids = requests.map(({ id }) => id).reverse()
        const page = (limit: number, before?: string) =>
          store
            .requests(world.contract, before === undefined ? { limit } : { limit, before })
            .map(({ id }) => id)
        expect(page(3)).toEqual(ids.slice(0, 3))
        expect(page(3, ids[2])).toEqual(ids.slice(3, 6))
        expect(page(3, ids[5])).toEqual(ids.slice(6))
        expect(page(3, ids[6])).toEqual([])
        expect(page(0)).toEqual([])
        expect(page(100)).toEqual(ids)
      })

      it('[REQ-5] refuse a replay until block time has passed their notAfterMs', () => {
        const at = (seconds: number) => world.set(world.rootUid, 'x', START_MS + seconds * 1000)
        const requests = [at(3), at(1), at(2), at(50)]
        store.write(requests.flatMap((request) => world.arrive(request)))
        const unexpired = () => store.load(world.contract).unexpired
        expect(unexpired()).toEqual([])
        store.write([world.commit(world.block(1, requests.slice(0, 3)))])
        const [three, one, two] = requests.map(({ id, request }) => ({ id, notAfterMs: request.notAfterMs }))
        // Block 1 is of second 1: what may be ordered until then can't come again.
        expect(unexpired()).toEqual([two, three])
        expect(one?.notAfterMs).toBe(START_MS + 1000)
        store.write([world.commit(world.block(2))])
        expect(unexpired()).toEqual([three])
        store.write([world.commit(world.block(3))])
        expect(unexpired()).toEqual([])
      })
    })

    describe('openings', () => {
      beforeEach(() => store.write(world.begin()))

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
        const openings = values.map((value) => world.opening(value))
        store.write([{ kind: 'openings', contract: world.contract, openings }])
        const commitments = openings.map(commitmentOf).reverse()
        const found = store.openings(world.contract, [world.hex(32), ...commitments])
        expect([...found.keys()]).toEqual(commitments)
        expect([...found.values()]).toEqual([...openings].reverse())
      })

      it('may come twice, and belong to their contract', () => {
        const other = new World('other')
        store.write(other.begin())
        const opening = world.opening('secret')
        const write: StoreWrite = { kind: 'openings', contract: world.contract, openings: [opening, opening] }
        store.write([write])
        store.write([write])
        expect(store.openings(world.contract, [commitmentOf(opening)]).size).toBe(1)
        expect(store.openings(other.contract, [commitmentOf(opening)]).size).toBe(0)
      })
    })

    describe('ledger blocks', () => {
      beforeEach(() => store.write(world.begin()))

      const proposed = (view: number): { hash: string; write: StoreWrite } => {
        const { hash, block } = world.block(view)
        return { hash, write: { kind: 'proposed', contract: world.contract, hash, block } }
      }
      const certified = (...args: Parameters<World['certificate']>): StoreWrite => ({
        kind: 'certificate',
        contract: world.contract,
        certificate: world.certificate(...args),
      })

      it('form a chain that can be read by height, hash and range', () => {
        const blocks = [1, 2, 5].map((view) => {
          const block = world.block(view)
          store.write([world.commit(block)])
          return block
        })
        const { contract } = world
        const loaded = store.load(contract)
        expect(loaded.height).toBe(3)
        expect(loaded.tip).toEqual(blocks[2])
        expect(loaded.blockHashes.slice(1)).toEqual(blocks.map(({ hash }) => hash))
        expect(store.block(contract, 2)).toEqual(blocks[1])
        expect(store.block(contract, 4)).toBeUndefined()
        expect(store.block(contract, -1)).toBeUndefined()
        expect(store.blockByHash(contract, blocks[0]?.hash as string)).toEqual(blocks[0])
        expect(store.blocks(contract, 1, 2)).toEqual(blocks.slice(0, 2))
        expect(store.blocks(contract, 3, 100)).toEqual(blocks.slice(2))
        expect(store.blocks(contract, 1, 0)).toEqual([])
        expect(store.blocks(contract, 4, 1)).toEqual([])
      })

      it('[BLK-4] are committed one after the other, and never another in the place of one', () => {
        const rival = world.block(1)
        const block = world.block(2)
        store.write([world.commit(block)])
        const beyond = world.block(4, [], world.block(3))
        for (const bad of [rival, beyond]) {
          const write: StoreWrite = { kind: 'committed', contract: world.contract, ...bad, changes: [] }
          expect(refusal(() => store.write([write]))).toBe('invariant-broken')
        }
        expect(store.load(world.contract).blockHashes).toHaveLength(2)
        expect(store.block(world.contract, 1)).toEqual(block)
      })

      it('need the requests they order, each once', () => {
        const request = world.set(world.rootUid)
        const early = world.block(1, [request])
        const write: StoreWrite = { kind: 'committed', contract: world.contract, ...early, changes: [] }
        expect(refusal(() => store.write([write]))).toBe('invariant-broken')
        expect(store.load(world.contract).height).toBe(0)
        store.write([...world.arrive(request), world.commit(early)])
        const again = world.block(2, [request])
        const repeated: StoreWrite = { kind: 'committed', contract: world.contract, ...again, changes: [] }
        expect(refusal(() => store.write([repeated]))).toBe('invariant-broken')
        expect(store.request(world.contract, request.id)).toMatchObject({ height: 1 })
      })

      it('are found by time', () => {
        for (const view of [1, 2, 3]) store.write([world.commit(world.block(view))])
        const { contract } = world
        expect(store.heightAt(contract, START_MS - 1)).toBe(-1)
        expect(store.heightAt(contract, START_MS)).toBe(0)
        expect(store.heightAt(contract, START_MS + 999)).toBe(0)
        expect(store.heightAt(contract, START_MS + 1000)).toBe(1)
        expect(store.heightAt(contract, START_MS + 2500)).toBe(2)
        expect(store.heightAt(contract, START_MS * 2)).toBe(3)
      })

      it('[ORD-5] that are proposed are held until a commit passes their view', () => {
        const [one, two, three] = [proposed(1), proposed(2), proposed(3)]
        store.write([three.write, one.write, two.write, two.write])
        expect(store.load(world.contract).proposed.map(({ hash }) => hash)).toEqual([
          one.hash,
          two.hash,
          three.hash,
        ])
        expect(store.blockByHash(world.contract, one.hash)?.hash).toBe(one.hash)
        expect(store.block(world.contract, 1)).toBeUndefined()
        const { hash, block } = store.blockByHash(world.contract, two.hash) as never as {
          hash: string
          block: never
        }
        store.write([world.commit({ hash, block })])
        expect(store.load(world.contract).proposed.map((found) => found.hash)).toEqual([three.hash])
        expect(store.blockByHash(world.contract, one.hash)).toBeUndefined()
        expect(store.blockByHash(world.contract, two.hash)?.hash).toBe(two.hash)
        expect(store.block(world.contract, 1)?.hash).toBe(two.hash)
      })

      it('that are proposed too late, or committed already, are not held as proposed', () => {
        const late = proposed(1)
        const block = world.block(2)
        store.write([world.commit(block)])
        store.write([late.write, { kind: 'proposed', contract: world.contract, ...block }])
        expect(store.load(world.contract).proposed).toEqual([])
        expect(store.blockByHash(world.contract, late.hash)).toBeUndefined()
      })

      it('carry the certificates held of them, however those came', () => {
        const block = world.block(2)
        const notarization = world.certificate('notarization', 2, block.hash)
        const commit = world.certificate('finalization', 2, block.hash)
        const { contract } = world
        store.write([
          { kind: 'proposed', contract, ...block },
          { kind: 'certificate', contract, certificate: notarization },
        ])
        expect(store.blockByHash(contract, block.hash)).toEqual({ ...block, notarization })
        store.write([world.commit(block, [], { notarization, commit })])
        const whole = { ...block, notarization, commit }
        expect(store.block(contract, 1)).toEqual(whole)
        expect(store.blocks(contract, 1, 1)).toEqual([whole])
        expect(store.load(contract).tip).toEqual(whole)
      })

      it('that a descendant commits have no COMMIT of their own, until one comes', () => {
        const { contract } = world
        const [first, parent] = [world.block(1), world.tip]
        const second = world.block(2, [], first)
        const notarization = world.certificate('notarization', 1, first.hash)
        const commit = world.certificate('finalization', 2, second.hash)
        store.write([{ kind: 'certificate', contract, certificate: notarization }])
        expect(parent?.block.header.height).toBe(0)
        store.write([world.commit(first), world.commit(second, [], { commit })])
        expect(store.block(contract, 1)).toEqual({ ...first, notarization })
        expect(store.block(contract, 2)).toEqual({ ...second, commit })
        const late = world.certificate('finalization', 1, first.hash)
        store.write([{ kind: 'certificate', contract, certificate: late }])
        const later = world.certificate('notarization', 2, second.hash)
        store.write([{ kind: 'committed', contract, ...second, changes: [], notarization: later }])
        expect(store.block(contract, 1)).toEqual({ ...first, notarization, commit: late })
        expect(store.block(contract, 2)).toEqual({ ...second, notarization: later, commit })
        expect(store.load(contract).height).toBe(2)
      })

      it('[ORD-5] keep the newest certificate of each kind, view and block', () => {
        const block = world.block(1)
        const { contract } = world
        const older = world.certificate('notarization', 1, block.hash)
        const newer = world.certificate('notarization', 1, block.hash)
        const rival = world.certificate('notarization', 1, world.hex(32))
        const skip = world.certificate('skip', 1)
        for (const certificate of [older, rival, skip, newer])
          store.write([{ kind: 'certificate', contract, certificate }])
        const { certificates } = store.load(contract)
        expect(certificates).toHaveLength(3)
        for (const certificate of [newer, rival, skip]) expect(certificates).toContainEqual(certificate)
      })

      it('let go of certificates that a commit has passed, but not of those of committed blocks', () => {
        const { contract } = world
        const one = world.block(1)
        store.write([
          certified('notarization', 1, one.hash),
          certified('notarization', 1, world.hex(32)),
          certified('skip', 1),
          certified('skip', 2),
        ])
        store.write([world.commit(one)])
        const views = () => store.load(contract).certificates.map(({ kind, view }) => `${kind} ${view}`)
        expect(views()).toEqual(['notarization 1', 'skip 2'])
        const four = world.block(4)
        store.write([certified('skip', 3), certified('skip', 4), certified('notarization', 5, world.hex(32))])
        store.write([world.commit(four)])
        expect(views()).toEqual(['notarization 5'])
        // Late ones are needed no more, unless they are of a committed block.
        store.write([certified('skip', 3), certified('notarization', 3, world.hex(32))])
        store.write([certified('notarization', 4, four.hash)])
        expect(views()).toEqual(['notarization 4', 'notarization 5'])
        expect(store.block(contract, 1)).toHaveProperty('notarization')
        expect(store.block(contract, 2)).toHaveProperty('notarization')
        reopen()
        expect(views()).toEqual(['notarization 4', 'notarization 5'])
      })
    })

    describe('elements', () => {
      it('are read as they are, and as of every height', () => {
        const [a, b, c] = [world.hex(16), world.hex(16), world.hex(16)]
        const records = Array.from({ length: 6 }, () => world.field())
        const [a0, b0, a1, c1, b2, a3] = records as [never, never, never, never, never, never]
        store.write(
          world.begin([
            [a, a0],
            [b, b0],
          ]),
        )
        store.write([
          world.commit(world.block(1), [
            [a, a1],
            [c, c1],
          ]),
        ])
        store.write([
          world.commit(world.block(2), [
            [b, b2],
            [c, null],
          ]),
        ])
        store.write([
          world.commit(world.block(3), [
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
        for (const [height, state] of states.entries()) expect(elements(height)).toEqual(new Map(state))
        expect(elements()).toEqual(new Map(states[3]))
        expect(elements(-1)).toEqual(new Map())
        expect(elements(99)).toEqual(elements(3))
        expect([...elements(1).keys()]).toEqual([a, b, c].sort())
      })

      it('come back after they were removed', () => {
        const uid = world.hex(16)
        const [first, second] = [world.field(), world.field()]
        store.write(world.begin([[uid, first]]))
        store.write([world.commit(world.block(1), [[uid, null]])])
        expect(elements().size).toBe(0)
        store.write([world.commit(world.block(2), [[uid, second]])])
        expect(elements().get(uid)).toEqual(second)
        expect(store.elementHistory(world.contract, uid)).toEqual([
          { height: 0, record: first },
          { height: 1, record: null },
          { height: 2, record: second },
        ])
      })

      it('are many, by UID, and do not change under a reader', () => {
        const changes = Array.from({ length: 2501 }, (): [string, never] => [
          world.hex(16),
          world.field() as never,
        ])
        store.write(world.begin(changes))
        const seen: string[] = []
        for (const [uid, record] of store.elements(world.contract)) {
          if (seen.length === 0) {
            store.write([
              world.commit(
                world.block(1),
                changes.map(([one]) => [one, null]),
              ),
            ])
            store.write([world.commit(world.block(2), [[world.hex(16), world.field()]])])
          }
          expect(record.kind).toBe('field')
          seen.push(uid)
        }
        expect(seen).toEqual(changes.map(([uid]) => uid).sort())
        expect(elements().size).toBe(1)
        expect(elements(0)).toEqual(new Map(changes))
      })

      it('tell their history with the request behind each version', () => {
        const [block, field] = [world.hex(16), world.hex(16)]
        const first = world.field(undefined, block)
        const above = { kind: 'block', name: 'Claimant', order: 'a', parent: world.rootUid }
        store.write(
          world.begin([
            [block, above],
            [field, first],
          ]),
        )
        const [refused, earlier, last, removed] = [
          world.set(field),
          world.set(field),
          world.set(field),
          world.remove(block),
        ]
        store.write([refused, earlier, last, removed].flatMap((request) => world.arrive(request)))
        const second = world.field(undefined, block)
        const entries = [earlier, last, { id: refused.id, outcome: 'conflicted' as const, code: 'stale' }]
        store.write([world.commit(world.block(1, entries), [[field, second]])])
        store.write([
          world.commit(world.block(2, [removed]), [
            [block, null],
            [field, null],
          ]),
        ])
        expect(store.elementHistory(world.contract, field)).toEqual([
          { height: 0, record: first },
          { height: 1, record: second, request: last.id },
          { height: 2, record: null, request: removed.id },
        ])
        expect(store.elementHistory(world.contract, world.hex(16))).toEqual([])
      })

      it('are found again in the contracts they are or were in', () => {
        const other = new World('other')
        const [here, both] = [world.hex(16), world.hex(16)]
        store.write(
          world.begin([
            [here, world.field()],
            [both, world.field()],
          ]),
        )
        store.write(other.begin([[both, other.field()]]))
        store.write([world.commit(world.block(1), [[here, null]])])
        expect(store.contractOfElement(here)).toEqual([world.contract])
        expect(store.contractOfElement(both)).toEqual([world.contract, other.contract])
        expect([...store.elements(other.contract)].map(([uid]) => uid)).toEqual([both])
        expect(store.elementHistory(other.contract, here)).toEqual([])
      })
    })

    describe('signatures', () => {
      beforeEach(() => store.write(world.begin()))

      it('[COS-2] are kept of each member’s largest checkpoint', () => {
        const { contract } = world
        const [a2, a5, a3, b1] = [
          world.cosignature(0, 2),
          world.cosignature(0, 5),
          world.cosignature(0, 3),
          world.cosignature(1, 1),
        ]
        const rival = world.cosignature(0, 5)
        for (const cosignature of [a2, a5, a3, b1, rival])
          store.write([{ kind: 'cosignature', contract, cosignature }])
        const byParty = [a5, b1].sort((first, second) => (first.party < second.party ? -1 : 1))
        expect(store.cosignatures(contract)).toEqual(byParty)
        expect(store.load(contract).cosignatures).toEqual(byParty)
      })

      it('[EVI-1] that are evidence are kept once', () => {
        const { contract } = world
        const make = (): Evidence => ({
          kind: 'two-checkpoints',
          party: world.party(1),
          contract,
          lineage: 0,
          first: world.cosignature(1, 4),
          second: world.cosignature(1, 4),
        })
        const all = [make(), make()].map((evidence) => ({ id: evidenceId(evidence), evidence }))
        for (const one of [...all, ...all]) store.write([{ kind: 'evidence', contract, ...one }])
        expect(store.evidence(contract)).toEqual(all)
      })
    })

    describe('peers, settings and the counter', () => {
      it('[CARD-2] [CARD-3] keep every card, show the newest, and keep a pin', () => {
        const [alpha, beta] = world.parties as [
          (typeof world.parties)[0] & object,
          (typeof world.parties)[0] & object,
        ]
        const { party, signedCard: first, keys } = alpha
        const later = (sequence: number) =>
          signCard(keys.root.privateKey, {
            ...first.card,
            sequence,
            party,
            previous: cardHash(first.card),
            name: `Name ${sequence}`,
          })
        const [second, third] = [later(2), later(3)]
        store.write([{ kind: 'peer-card', card: first }])
        expect(store.peer(party)).toEqual({ party, card: first, pinned: false })
        store.write([{ kind: 'peer-card', card: third, pinnedMs: 77 }])
        store.write([{ kind: 'peer-card', card: second }])
        store.write([{ kind: 'peer-card', card: third, pinnedMs: 99 }])
        const peer = { party, card: third, pinned: true, pinnedMs: 77 }
        expect(store.peer(party)).toEqual(peer)
        expect(store.cardHistory(party)).toEqual([first, second, third])
        store.write([{ kind: 'peer-card', card: beta.signedCard }])
        const peers = [peer, { party: beta.party, card: beta.signedCard, pinned: false }]
        expect(store.peers()).toEqual(peers.sort((one, two) => (one.party < two.party ? -1 : 1)))
        reopen()
        expect(store.peer(party)).toEqual(peer)
      })

      it('[AMN-1] keep the last counter, also one that is lower', () => {
        store.write([{ kind: 'signer-counter', counter: 5 }])
        store.write([
          { kind: 'signer-counter', counter: 6 },
          { kind: 'signer-counter', counter: 2 ** 50 },
        ])
        expect(store.signerCounter()).toBe(2 ** 50)
        store.write([{ kind: 'signer-counter', counter: 1 }])
        expect(store.signerCounter()).toBe(1)
      })

      it('keep the last value of a setting', () => {
        store.write([{ kind: 'setting', key: 'ünï', value: 'a' }])
        store.write([{ kind: 'setting', key: 'ünï', value: '' }])
        expect(store.setting('ünï')).toBe('')
      })
    })

    describe('a backup', () => {
      it('is the whole store as it was, and a store of its own', () => {
        const request = world.set(world.rootUid)
        store.write([...world.begin([[world.rootUid, world.field()]]), ...world.arrive(request)])
        const path = join(folder, 'copy')
        store.backup(path)
        const before = { load: store.load(world.contract), elements: [...store.elements(world.contract)] }
        store.write([world.commit(world.block(1, [request]), [[world.rootUid, world.field()]])])
        const copy = engine.openCopy(path)
        expect(copy.load(world.contract)).toEqual(before.load)
        expect([...copy.elements(world.contract)]).toEqual(before.elements)
        copy.write([{ kind: 'setting', key: 'copy', value: 'yes' }])
        copy.close()
        expect(store.setting('copy')).toBeUndefined()
        expect(store.load(world.contract).height).toBe(1)
      })

      it('can be made while the elements are read, and never replaces a file', () => {
        store.write(world.begin([[world.rootUid, world.field()]]))
        const path = join(folder, 'copy')
        for (const _ of store.elements(world.contract)) store.backup(path)
        expect(refusal(() => store.backup(path))).toBe('conflict')
        const nowhere = join(folder, 'missing', 'copy')
        expect(refusal(() => store.backup(nowhere))).toBe('storage-failed')
        expect(existsSync(nowhere)).toBe(false)
      })
    })

    it('throws nothing but CountersignError once it is closed', () => {
      store.write(world.begin())
      store.close()
      expect(refusal(() => store.write([{ kind: 'setting', key: 'a', value: 'b' }]))).toBe('storage-failed')
      expect(refusal(() => store.load(world.contract))).toBe('storage-failed')
      expect(refusal(() => store.contracts())).toBe('storage-failed')
      store.close()
    })
  })
}
