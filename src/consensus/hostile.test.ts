import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  certificate,
  GENESIS,
  type Known,
  Machine,
  makeBlock,
  PARTIES,
  proposal,
  signed,
} from '../../test/support/ordering.ts'
import type { SignedStatement, Statement } from '../ledger/certificate.ts'
import { contradiction } from '../ledger/evidence.ts'

/** Views 1 to 3: two blocks each on the genesis, and one on the first block of the view before. */
const BLOCKS: Known[] = []
for (let view = 1; view <= 3; view += 1) {
  const before = BLOCKS.find(({ block }) => block.header.view === view - 1)
  BLOCKS.push(makeBlock(GENESIS, view, 0), makeBlock(GENESIS, view, 1))
  if (before) BLOCKS.push(makeBlock(before, view, 2))
}

const view = fc.integer({ min: 1, max: 3 })
const member = fc.integer({ min: 0, max: 3 })
const block = fc.constantFrom(...BLOCKS)
const quorum = fc.constantFrom([1, 2, 3], [1, 2, 3], [0, 1, 2], [0, 1, 2, 3], [1, 2])
const kind = fc.constantFrom('notarization' as const, 'finalization' as const)

/** Anything that members, all of them liars if need be, and the world can do to one. */
const deed = fc.oneof(
  fc.record({
    do: fc.constant('propose' as const),
    block,
    by: fc.oneof({ weight: 8, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: member }),
    parents: quorum,
  }),
  fc.record({
    do: fc.constant('state' as const),
    member,
    type: fc.constantFrom('VOTE' as const, 'FINALIZE' as const, 'SKIP' as const),
    view,
    block,
  }),
  fc.record({ do: fc.constant('certify' as const), kind, block, members: quorum }),
  fc.record({ do: fc.constant('skip' as const), view, members: quorum }),
  fc.record({ do: fc.constant('work' as const), work: fc.boolean() }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(10, 300, 1000, 5000) }),
  fc.record({ do: fc.constant('peer' as const), member, up: fc.boolean() }),
  fc.record({ do: fc.constant('status' as const), member, view }),
  fc.record({ do: fc.constant('restart' as const) }),
)
type Deed = typeof deed extends fc.Arbitrary<infer T> ? T : never

/** A member that keeps what it was told to keep, and forgets all else when it restarts. */
class Survivor {
  machine = new Machine({ self: 0 })
  readonly asked: SignedStatement[] = []
  private blocks: Known[] = []
  private certificates: ReturnType<typeof certificate>[] = []
  private tip: Known & { notarization?: ReturnType<typeof certificate> } = GENESIS

  do(given: Deed): void {
    const { machine } = this
    const from = PARTIES[1] as string
    if (given.do === 'propose') {
      const { block: made, by, parents } = given
      const { parent } = made.block.header
      const below = BLOCKS.find(({ hash }) => hash === parent)
      const shown = below
        ? { notarization: certificate('notarization', below.block.header.view, parents, below) }
        : {}
      const leader = by ?? made.block.header.view % 4
      machine.take({ type: 'PROPOSE', from, ...proposal(made, { ...shown, by: leader }) } as never)
    } else if (given.do === 'state') machine.statement(given.member, given.type, given.view, given.block)
    else if (given.do === 'certify')
      machine.certify(certificate(given.kind, given.block.block.header.view, given.members, given.block))
    else if (given.do === 'skip') machine.certify(certificate('skip', given.view, given.members))
    else if (given.do === 'work') machine.work(given.work)
    else if (given.do === 'wait') machine.later(given.ms)
    else if (given.do === 'peer' && given.member !== 0)
      machine.take({ type: given.up ? 'PEER_UP' : 'PEER_DOWN', party: PARTIES[given.member] } as never)
    else if (given.do === 'status')
      machine.take({
        type: 'STATUS',
        from: PARTIES[given.member],
        view: given.view,
        committedHeight: 0,
      } as never)
    this.keep()
    if (given.do === 'restart') this.restart()
  }

  private keep(): void {
    for (const effect of this.machine.effects) {
      if (effect.type === 'STORE_BLOCK') this.blocks.push({ hash: effect.hash, block: effect.block })
      else if (effect.type === 'STORE_CERTIFICATE') this.certificates.push(effect.certificate)
      else if (effect.type === 'COMMIT')
        this.tip = this.blocks.find(({ hash }) => hash === effect.hashes.at(-1)) ?? this.tip
      else if (effect.type === 'SIGN')
        this.asked.push({
          statement: effect.statement,
          party: PARTIES[0] as string,
          signature: { signature: '' },
        })
    }
    this.machine.clear()
  }

  private restart(): void {
    if (this.machine.state.halted) return
    const top = Math.max(0, ...this.asked.map(({ statement }) => statement.view))
    const statements = this.asked.map(({ statement }) => statement).filter((one) => one.view === top)
    const { nowMs } = this.machine
    this.machine = new Machine({
      self: 0,
      restart: {
        tip: this.tip,
        blocks: this.blocks.filter(({ hash }) => hash !== this.tip.hash),
        certificates: this.certificates,
        locks: { view: top, statements },
      },
    })
    this.machine.nowMs = nowMs
  }
}

const same = (a: Statement, b: Statement): boolean => JSON.stringify(a) === JSON.stringify(b)

describe('whatever the others do', () => {
  it('[SGN-1] [ORD-4] a member asks its signer for no contradiction, and for nothing below its highest view', () => {
    fc.assert(
      fc.property(fc.array(deed, { minLength: 5, maxLength: 60 }), (deeds) => {
        const survivor = new Survivor()
        for (const one of deeds) survivor.do(one)
        let highest = 0
        for (const [index, later] of survivor.asked.entries()) {
          expect(later.statement.view).toBeGreaterThanOrEqual(highest)
          highest = later.statement.view
          for (const earlier of survivor.asked.slice(0, index))
            expect(contradiction(earlier, later), JSON.stringify([earlier, later])).toBeUndefined()
        }
      }),
      { numRuns: 1500 },
    )
  })

  it('[ORD-4] and asks twice for one statement only after a restart', () => {
    fc.assert(
      fc.property(
        fc.array(
          deed.filter((one) => one.do !== 'restart'),
          { minLength: 5, maxLength: 60 },
        ),
        (deeds) => {
          const survivor = new Survivor()
          for (const one of deeds) survivor.do(one)
          const statements = survivor.asked.map(({ statement }) => statement)
          for (const [index, one] of statements.entries())
            expect(statements.slice(0, index).some((before) => same(before, one))).toBe(false)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('[EVI-1] and what it calls evidence is a contradiction of the one that it names', () => {
    fc.assert(
      fc.property(fc.array(deed, { minLength: 5, maxLength: 60 }), (deeds) => {
        const machine = new Machine({ self: 0 })
        for (const one of deeds)
          if (one.do === 'state' && one.member !== 0)
            machine.take({
              type: 'STATEMENT',
              from: PARTIES[1],
              signed: signed(one.member, one.type, one.view, one.block),
            } as never)
        for (const { evidence } of machine.of('EVIDENCE')) {
          expect(contradiction(evidence.first, evidence.second)).toBe(evidence.kind)
          expect([evidence.first.party, evidence.second.party]).toEqual([evidence.party, evidence.party])
        }
      }),
      { numRuns: 100 },
    )
  })
})
