/** What every store must do, whatever engine is behind it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cardHash, signCard } from '../../src/identity/card.ts'
import { commitmentOf } from '../../src/ledger/value.ts'
import type { StoreWrite } from '../../src/store/store.ts'
import { basisTests } from './store-basis.ts'
import { refusal, StoreContext, type StoreEngine } from './store-context.ts'
import { ledgerTests } from './store-ledger.ts'
import { lineageTests } from './store-lineage.ts'
import { requestTests } from './store-requests.ts'
import { START_MS, World } from './store-world.ts'

export function storeSuite(engine: StoreEngine): void {
  describe(`a store in ${engine.name}`, () => {
    const at = new StoreContext(engine)
    at.use()
    requestTests(at)
    ledgerTests(at)
    lineageTests(at)
    basisTests(at)

    describe('at first', () => {
      it('holds nothing', () => {
        expect(at.store.contracts()).toEqual([])
        expect(at.store.peers()).toEqual([])
        expect(at.store.signerCounter()).toBe(0)
        expect(at.store.setting('any')).toBeUndefined()
        expect(at.store.peer(at.world.party(0))).toBeUndefined()
        expect(at.store.cardHistory(at.world.party(0))).toEqual([])
        expect(at.store.contractOfElement(at.world.rootUid)).toEqual([])
        at.store.write([])
      })

      it('answers about a contract that it does not hold', () => {
        const { contract } = at.world
        expect(at.store.contract(contract)).toBeUndefined()
        expect([...at.store.elements(contract)]).toEqual([])
        expect(at.store.elementHistory(contract, at.world.rootUid)).toEqual([])
        expect(at.store.block(contract, 0)).toBeUndefined()
        expect(at.store.blockByHash(contract, at.world.hex(32))).toBeUndefined()
        expect(at.store.blocks(contract, 0, 10)).toEqual([])
        expect(at.store.heightAt(contract, START_MS)).toBe(-1)
        expect(at.store.request(contract, at.world.hex(32))).toBeUndefined()
        expect(at.store.requests(contract, { limit: 10 })).toEqual([])
        expect(at.store.requestsOf(contract, [at.world.hex(32)])).toEqual(new Map())
        expect(at.store.openings(contract, [at.world.hex(32)])).toEqual(new Map())
        expect(at.store.cosignatures(contract)).toEqual([])
        expect(at.store.evidence(contract)).toEqual([])
        expect(refusal(() => at.store.load(contract))).toBe('unknown-contract')
      })

      it.each(['', 'zz', 'ABC', '\u0000', "'; DROP TABLE contract; --", 'ü'.repeat(32)])(
        'finds nothing by the odd key «%s»',
        (key) => {
          at.store.write(at.world.begin())
          expect(at.store.contract(key)).toBeUndefined()
          expect(at.store.request(at.world.contract, key)).toBeUndefined()
          expect(at.store.blockByHash(at.world.contract, key)).toBeUndefined()
          expect(at.store.openings(at.world.contract, [key])).toEqual(new Map())
          expect(at.store.requests(at.world.contract, { limit: 5, before: key })).toEqual([])
          expect(at.store.elementHistory(at.world.contract, key)).toEqual([])
          expect(at.store.contractOfElement(key)).toEqual([])
          expect(at.store.peer(key)).toBeUndefined()
          expect(at.store.setting(key)).toBeUndefined()
        },
      )
    })

    describe('contracts', () => {
      it('come back as they were written, in the order they came', () => {
        const other = new World('other')
        at.store.write([
          { kind: 'contract', contract: other.stored('invited') },
          { kind: 'contract', contract: at.world.stored() },
        ])
        expect(at.store.contracts()).toEqual([other.stored('invited'), at.world.stored()])
        expect(at.store.contract(at.world.contract)).toEqual(at.world.stored())
        expect(at.store.load(at.world.contract)).toEqual({
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
        at.store.write([{ kind: 'contract', contract: at.world.stored() }])
        at.store.write([{ kind: 'contract', contract: { ...at.world.stored('invited'), receivedMs: 9 } }])
        expect(at.store.contracts()).toEqual([at.world.stored()])
      })

      it('change their status, with the reason last given', () => {
        const { contract } = at.world
        at.store.write([{ kind: 'contract', contract: at.world.stored('invited') }])
        at.store.write([{ kind: 'contract-status', contract, status: 'halted', reason: 'two histories' }])
        expect(at.store.contract(contract)).toEqual({ ...at.world.stored('halted'), reason: 'two histories' })
        at.store.write([{ kind: 'contract-status', contract, status: 'accepted' }])
        expect(at.store.contract(contract)).toEqual(at.world.stored('accepted'))
      })

      it.each<[string, (contract: string) => StoreWrite]>([
        ['contract-status', (contract) => ({ kind: 'contract-status', contract, status: 'declined' })],
        [
          'request',
          (contract) => ({ ...at.world.arrive(at.world.set(at.world.rootUid))[0], contract }) as StoreWrite,
        ],
        ['openings', (contract) => ({ kind: 'openings', contract, openings: [at.world.opening('x')] })],
        ['request-dropped', (contract) => ({ kind: 'request-dropped', contract, id: at.world.hex(32) })],
        ['committed', (contract) => ({ ...at.world.commit(at.world.block(0)), contract })],
        ['proposed', (contract) => ({ kind: 'proposed', contract, ...at.world.block(0) })],
        [
          'certificate',
          (contract) => ({ kind: 'certificate', contract, certificate: at.world.certificate('skip', 1) }),
        ],
        [
          'cosignature',
          (contract) => ({ kind: 'cosignature', contract, cosignature: at.world.cosignature(0, 1) }),
        ],
      ])('are needed before %s', (_, write) => {
        expect(refusal(() => at.store.write([write(at.world.contract)]))).toBe('unknown-contract')
      })
    })

    describe('a batch', () => {
      it('is applied whole or not at all', () => {
        at.store.write(at.world.begin())
        const other = new World('other')
        const request = at.world.set(at.world.rootUid)
        const batch: StoreWrite[] = [
          ...other.begin([[other.rootUid, other.field()]]),
          ...at.world.arrive(request),
          { kind: 'setting', key: 'a', value: 'b' },
          { kind: 'signer-counter', counter: 7 },
          { kind: 'peer-card', card: other.parties[0]?.signedCard as never, pinnedMs: 1 },
          { kind: 'contract-status', contract: at.world.contract, status: 'halted' },
        ]
        const bad: StoreWrite = { kind: 'request-dropped', contract: at.world.contract, id: at.world.hex(32) }
        expect(refusal(() => at.store.write([...batch, bad]))).toBe('invariant-broken')
        expect(at.store.contracts()).toEqual([at.world.stored()])
        expect(at.store.load(at.world.contract).waiting).toEqual([])
        expect(at.store.openings(at.world.contract, request.openings.map(commitmentOf))).toEqual(new Map())
        expect(at.store.contractOfElement(other.rootUid)).toEqual([])
        expect(at.store.setting('a')).toBeUndefined()
        expect(at.store.signerCounter()).toBe(0)
        expect(at.store.peers()).toEqual([])
        // The contract that was taken back is not remembered either.
        expect(refusal(() => at.store.load(other.contract))).toBe('unknown-contract')
        at.store.write(batch)
        expect(at.store.contracts()).toHaveLength(2)
        expect(at.store.load(other.contract).height).toBe(0)
        expect(at.store.signerCounter()).toBe(7)
      })

      it('sees what stands before it in the same batch', () => {
        const request = at.world.set(at.world.rootUid)
        at.store.write([
          ...at.world.begin(),
          ...at.world.arrive(request),
          at.world.commit(at.world.block(1, [request]), [[at.world.rootUid, at.world.field()]]),
        ])
        expect(at.store.request(at.world.contract, request.id)).toMatchObject({ height: 1, index: 0 })
      })

      it('is there after the store was opened anew', () => {
        const [ordered, waiting] = [at.world.set(at.world.rootUid), at.world.set(at.world.rootUid)]
        at.store.write([
          ...at.world.begin([[at.world.rootUid, at.world.field()]]),
          ...at.world.arrive(ordered),
          ...at.world.arrive(waiting),
        ])
        const first = at.world.block(1, [ordered])
        const notarization = at.world.certificate('notarization', 1, first.hash)
        at.store.write([at.world.commit(first, [[at.world.rootUid, at.world.field()]], { notarization })])
        at.store.write([
          { kind: 'proposed', contract: at.world.contract, ...at.world.block(2, [waiting]) },
          { kind: 'certificate', contract: at.world.contract, certificate: at.world.certificate('skip', 3) },
          { kind: 'cosignature', contract: at.world.contract, cosignature: at.world.cosignature(1, 2) },
          { kind: 'setting', key: 'card', value: 'ünï' },
          { kind: 'signer-counter', counter: 3 },
        ])
        const all = () => ({
          load: at.store.load(at.world.contract),
          elements: [...at.store.elements(at.world.contract)],
          contracts: at.store.contracts(),
          setting: at.store.setting('card'),
          counter: at.store.signerCounter(),
        })
        const before = all()
        expect(before.load).toMatchObject({ height: 1, tip: { notarization } })
        expect(before.load.waiting).toHaveLength(1)
        at.reopen()
        expect(all()).toEqual(before)
      })
    })

    describe('peers, settings and the counter', () => {
      it('[CARD-2] [CARD-3] keep every card, show the newest, and keep a pin', () => {
        const [alpha, beta] = at.world.parties as [
          (typeof at.world.parties)[0] & object,
          (typeof at.world.parties)[0] & object,
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
        at.store.write([{ kind: 'peer-card', card: first }])
        expect(at.store.peer(party)).toEqual({ party, card: first, pinned: false })
        at.store.write([{ kind: 'peer-card', card: third, pinnedMs: 77 }])
        at.store.write([{ kind: 'peer-card', card: second }])
        at.store.write([{ kind: 'peer-card', card: third, pinnedMs: 99 }])
        const peer = { party, card: third, pinned: true, pinnedMs: 77 }
        expect(at.store.peer(party)).toEqual(peer)
        expect(at.store.cardHistory(party)).toEqual([first, second, third])
        at.store.write([{ kind: 'peer-card', card: beta.signedCard }])
        const peers = [peer, { party: beta.party, card: beta.signedCard, pinned: false }]
        expect(at.store.peers()).toEqual(peers.sort((one, two) => (one.party < two.party ? -1 : 1)))
        at.reopen()
        expect(at.store.peer(party)).toEqual(peer)
      })

      it('[AMN-1] keep the last counter, also one that is lower', () => {
        at.store.write([{ kind: 'signer-counter', counter: 5 }])
        at.store.write([
          { kind: 'signer-counter', counter: 6 },
          { kind: 'signer-counter', counter: 2 ** 50 },
        ])
        expect(at.store.signerCounter()).toBe(2 ** 50)
        at.store.write([{ kind: 'signer-counter', counter: 1 }])
        expect(at.store.signerCounter()).toBe(1)
      })

      it('keep the last value of a setting', () => {
        at.store.write([{ kind: 'setting', key: 'ünï', value: 'a' }])
        at.store.write([{ kind: 'setting', key: 'ünï', value: '' }])
        expect(at.store.setting('ünï')).toBe('')
      })
    })

    describe('a backup', () => {
      it('is the whole store as it was, and a store of its own', () => {
        const request = at.world.set(at.world.rootUid)
        at.store.write([
          ...at.world.begin([[at.world.rootUid, at.world.field()]]),
          ...at.world.arrive(request),
        ])
        const path = join(at.folder, 'copy')
        at.store.backup(path)
        const before = {
          load: at.store.load(at.world.contract),
          elements: [...at.store.elements(at.world.contract)],
        }
        at.store.write([
          at.world.commit(at.world.block(1, [request]), [[at.world.rootUid, at.world.field()]]),
        ])
        const copy = at.engine.openCopy(path)
        expect(copy.load(at.world.contract)).toEqual(before.load)
        expect([...copy.elements(at.world.contract)]).toEqual(before.elements)
        copy.write([{ kind: 'setting', key: 'copy', value: 'yes' }])
        copy.close()
        expect(at.store.setting('copy')).toBeUndefined()
        expect(at.store.load(at.world.contract).height).toBe(1)
      })

      it('can be made while the elements are read, and never replaces a file', () => {
        at.store.write(at.world.begin([[at.world.rootUid, at.world.field()]]))
        const path = join(at.folder, 'copy')
        for (const _ of at.store.elements(at.world.contract)) at.store.backup(path)
        expect(refusal(() => at.store.backup(path))).toBe('conflict')
        const nowhere = join(at.folder, 'missing', 'copy')
        expect(refusal(() => at.store.backup(nowhere))).toBe('storage-failed')
        expect(existsSync(nowhere)).toBe(false)
      })
    })

    it('throws nothing but CountersignError once it is closed', () => {
      at.store.write(at.world.begin())
      at.store.close()
      expect(refusal(() => at.store.write([{ kind: 'setting', key: 'a', value: 'b' }]))).toBe(
        'storage-failed',
      )
      expect(refusal(() => at.store.load(at.world.contract))).toBe('storage-failed')
      expect(refusal(() => at.store.contracts())).toBe('storage-failed')
      at.store.close()
    })
  })
}
