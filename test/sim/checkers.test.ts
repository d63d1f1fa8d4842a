/** Each checker, given what must never happen, says so. */
import { beforeAll, describe, expect, it } from 'vitest'
import { signStatements } from '../../src/crypto/statement.ts'
import type { SignedStatement, Statement } from '../../src/ledger/certificate.ts'
import { type AnyLedgerBlock, entriesOf } from '../../src/ledger/turn.ts'
import type { Message } from '../../src/node/messages.ts'
import type { Notice } from '../../src/node/outbox.ts'
import type { StoreWrite } from '../../src/store/store.ts'
import { Acknowledged } from './checkers/acknowledged.ts'
import { Blame } from './checkers/blame.ts'
import { Violation } from './checkers/checker.ts'
import { Cosignatures } from './checkers/cosignatures.ts'
import { Evidence } from './checkers/evidence.ts'
import { Finals } from './checkers/finals.ts'
import { Histories } from './checkers/histories.ts'
import { InSpite } from './checkers/in-spite.ts'
import { Kept } from './checkers/kept.ts'
import { NoFork } from './checkers/no-fork.ts'
import { Progress } from './checkers/progress.ts'
import { Signatures } from './checkers/signatures.ts'
import { StateRoots } from './checkers/state-roots.ts'
import { Told } from './checkers/told.ts'
import { Versions } from './checkers/versions.ts'
import { always } from './hostile/casting.ts'
import { DEFAULTS } from './options.ts'
import type { SimNode } from './sim-node.ts'
import { Simulation } from './simulation.ts'

let world: Simulation
let node: SimNode
let contract: string

beforeAll(() => {
  world = new Simulation({ ...DEFAULTS, members: 2, seed: 5, steps: 500 })
  expect(world.run().violation).toBeUndefined()
  node = world.nodes[0] as SimNode
  contract = world.contracts[0] as string
})

const blockAt = (height: number): { hash: string; block: AnyLedgerBlock } => {
  const stored = node.disk.store.block(contract, height)
  if (!stored) throw new Error(`no ledger block ${height}`)
  return stored
}

const committed = (given: { hash: string; block: AnyLedgerBlock }) =>
  ({ kind: 'committed', contract, changes: [], ...given }) as const

function statement(
  type: 'VOTE' | 'SKIP' | 'FINALIZE',
  view: number,
  block = 'a'.repeat(64),
): SignedStatement {
  const at = { contract, lineage: 0, epoch: 0, view }
  const made: Statement = type === 'SKIP' ? { ...at, type } : { ...at, type, block }
  const [signature] = signStatements(node.party.keys.vote.privateKey, [made])
  if (!signature) throw new Error('nothing was signed')
  return { statement: made, party: node.party.id, signature }
}

const said = (signed: SignedStatement): Message => ({ type: 'STATEMENT', contract, signed })

describe('the checkers', () => {
  it('notice a fork', () => {
    const checker = new NoFork()
    checker.written(node, [committed(blockAt(0)), committed(blockAt(1))])
    checker.written(node, [committed(blockAt(1))])
    expect(() => checker.written(node, [committed({ ...blockAt(1), hash: 'f'.repeat(64) })])).toThrow(
      Violation,
    )
    expect(() => checker.written(node, [committed(blockAt(3))])).toThrow('another parent')
  })

  it('notice a request that is ordered twice', () => {
    const checker = new NoFork()
    const { hash, block } = blockAt(1)
    const header = { ...block.header, height: 2, parent: hash }
    checker.written(node, [committed(blockAt(0)), committed({ hash, block })])
    expect(() =>
      checker.written(node, [committed({ hash: 'e'.repeat(64), block: { ...block, header } })]),
    ).toThrow('stands at height 1 and at 2')
  })

  it('notice different state roots', () => {
    const checker = new StateRoots()
    checker.touched(node)
    const { chain } = node.engine?.replicas.get(contract) ?? {}
    if (!chain) throw new Error('the contract is not run')
    const tip = chain.tip
    chain.tip = {
      ...tip,
      hash: 'd'.repeat(64),
      state: { ...tip.state, map: tip.state.map.delete(tip.state.epochUid) },
    }
    expect(() => checker.touched(node)).toThrow(Violation)
    chain.tip = tip
  })

  it('notice a final that somebody has not cosigned, and one that is taken back', () => {
    const checker = new Finals(world)
    expect(() => checker.touched(node)).toThrow('has not cosigned')
    const complete = new Finals(world)
    const replica = node.engine?.replicas.get(contract)
    if (!replica) throw new Error('the contract is not run')
    for (const other of world.nodes) {
      const cosignature = replica.finality.cosignatures.get(other.party.id)
      if (cosignature) complete.sent(other, { type: 'COSIGN', contract, cosignature })
    }
    complete.touched(node)
    const held = new Map(replica.finality.cosignatures)
    replica.finality.cosignatures.clear()
    expect(() => complete.touched(node)).toThrow('took back')
    for (const [party, cosignature] of held) replica.finality.cosignatures.set(party, cosignature)
  })

  it('notice a ledger block that is told of before it is on disk', () => {
    const checker = new Told()
    const told: Notice = { type: 'tentative', contract, height: 1, requests: [], uids: [] }
    expect(() => checker.notice(node, told)).toThrow('not on its disk')
    checker.written(node, [committed(blockAt(1))])
    checker.notice(node, told)
  })

  it('notice a request that was final and is gone', () => {
    const chain = new NoFork()
    const checker = new Acknowledged(world, chain)
    checker.notice(node, { type: 'final', contract, fromHeight: 1, toHeight: 1, requests: ['c'.repeat(64)] })
    expect(() => checker.ended()).toThrow(Violation)
  })

  it('notice evidence, a halt, and a node that calls honest ones liars', () => {
    const checker = new Evidence(world)
    const first = statement('VOTE', 1)
    const second = statement('VOTE', 1, 'b'.repeat(64))
    const evidence = { kind: 'two-votes', party: node.party.id, first, second } as const
    expect(() =>
      checker.written(node, [{ kind: 'evidence', contract, id: 'a'.repeat(64), evidence }]),
    ).toThrow(Violation)
    expect(() =>
      checker.written(node, [{ kind: 'contract-status', contract, status: 'halted', reason: 'x' }]),
    ).toThrow(Violation)
    for (const event of ['bad-cosignature', 'signer-refused', 'damaged', 'history-refused'])
      expect(() => checker.logged(node, 'warn', event, {}), event).toThrow(Violation)
    expect(() => checker.logged(node, 'warn', 'message-refused', { code: 'bad-signature' })).toThrow(
      Violation,
    )
  })

  it('notice two votes, and FINALIZE with SKIP, of one view', () => {
    const checker = new Signatures(world)
    checker.sent(node, said(statement('VOTE', 1)))
    checker.sent(node, said(statement('SKIP', 1)))
    expect(() => checker.sent(node, said(statement('VOTE', 1, 'b'.repeat(64))))).toThrow('two-votes')
    expect(() => checker.sent(node, said(statement('FINALIZE', 1)))).toThrow('finalize-and-skip')
  })

  it('let a restored signer sign anew what nobody holds, and only that', () => {
    const other = world.nodes[1] as SimNode
    const checker = new Signatures(world)
    checker.sent(node, said(statement('VOTE', 1)))
    checker.received(other, node, said(statement('VOTE', 2)))
    checker.restored(node, { data: true, signer: true })
    checker.sent(node, said(statement('VOTE', 1, 'b'.repeat(64))))
    expect(() => checker.sent(node, said(statement('VOTE', 2, 'b'.repeat(64))))).toThrow('two-votes')
  })

  it('notice cosignatures that shrink or differ', () => {
    const held = node.engine?.replicas.get(contract)?.finality.cosignatures.get(node.party.id)
    if (!held) throw new Error('nothing was cosigned')
    const cosign = (cosignature: typeof held): Message => ({ type: 'COSIGN', contract, cosignature })
    const checker = new Cosignatures(world)
    checker.sent(node, cosign(held))
    checker.sent(node, cosign(held))
    expect(() => checker.sent(node, cosign({ ...held, root: 'a'.repeat(64), signature: 'x' }))).toThrow(
      'another',
    )
    expect(() => checker.sent(node, cosign({ ...held, size: 1, signature: 'y' }))).toThrow('after size')
  })

  it('notice what is missing at the end', () => {
    const chain = new NoFork()
    const lost = { id: 'c'.repeat(64), contract, node, notAfterMs: node.nowMs + 60_000, batches: 0 }
    const progress = new Progress(world, chain)
    expect(progress.missing([])).toBeUndefined()
    expect(progress.missing([lost])).toContain('is not ordered')
    expect(() => progress.fail('stuck')).toThrow(Violation)
  })

  it('notice a store that is not what replay gives', () => {
    const checker = new Versions(world)
    checker.ended()
    const { height } = node.engine?.replicas.get(contract)?.chain ?? { height: 0 }
    const uid = 'ab'.repeat(16)
    const record = {
      kind: 'block',
      name: 'Extra',
      order: '5',
      parent: node.engine?.replicas.get(contract)?.chain.tip.state.rootUid,
    }
    const { hash, block } = blockAt(height)
    const header = { ...block.header, height: height + 1, parent: hash }
    node.disk.store.write([
      {
        kind: 'committed',
        contract,
        hash: 'd'.repeat(64),
        block: { header, entries: [] },
        changes: [[uid, record]],
      },
    ])
    expect(() => checker.ended()).toThrow()
  })
})

describe('the checkers of runs with liars', () => {
  const cast = always({ members: 2, quorum: 2, liars: 1 })
  const evidenceOf = (party: string): StoreWrite => {
    const [first, second] = [statement('VOTE', 1), statement('VOTE', 1, 'b'.repeat(64))]
    const evidence = { kind: 'two-votes', party, first, second } as const
    return { kind: 'evidence', contract, id: 'a'.repeat(64), evidence }
  }

  it('notice evidence of an honest member, false evidence of a liar, and a halt for nothing', () => {
    const all = new Blame(world, cast, new Histories(world, cast))
    expect(() => all.written(node, [evidenceOf(node.party.id)])).toThrow('holds two-votes')
    const liar = world.nodes[1] as SimNode
    const honest = Object.assign(Object.create(world) as Simulation, { honest: [node] })
    const one = new Blame(honest, cast, new Histories(honest, cast))
    expect(() => one.written(node, [evidenceOf(liar.party.id)])).toThrow('does not hold')
    const halted = { kind: 'contract-status', contract, status: 'halted', reason: 'x' } as const
    expect(() => one.written(node, [halted])).toThrow('has halted')
    one.logged(node, 'warn', 'history-refused', { party: liar.party.id })
    for (const event of ['history-refused', 'evidence', 'message-refused'])
      expect(() => one.logged(node, 'warn', event, { party: node.party.id }), event).toThrow(Violation)
    for (const event of ['damaged', 'signer-refused'])
      expect(() => one.logged(node, 'error', event, {}), event).toThrow(Violation)
  })

  it('notice a fork among too few liars, and what a fork asks for among enough', () => {
    const other = world.nodes[1] as SimNode
    const { hash, block } = blockAt(1)
    const different = committed({ hash: 'f'.repeat(64), block })
    const few = new Histories(world, cast)
    few.written(node, [committed(blockAt(0)), committed({ hash, block })])
    few.written(other, [committed(blockAt(0))])
    expect(() => few.written(other, [different])).toThrow('different blocks at height 1')
    const enough = always({ members: 3, quorum: 2, liars: 1 })
    const histories = new Histories(world, enough)
    histories.written(node, [committed(blockAt(0)), committed({ hash, block })])
    histories.written(other, [committed(blockAt(0)), different])
    expect(histories.hasForked).toBe(true)
    expect(new Blame(world, enough, histories).missing).toContain('has not halted')
  })

  it('notice a block that replaces another, one on another parent, and what its header hides', () => {
    const { hash, block } = blockAt(1)
    const own = entriesOf(block)
    const takes = (header: Partial<typeof block.header>, entries = own): void => {
      const histories = new Histories(world, cast)
      histories.written(node, [committed(blockAt(0))])
      const changed = { header: { ...block.header, ...header }, entries }
      histories.written(node, [committed({ hash, block: changed })])
    }
    takes({})
    expect(() => takes({ parent: 'e'.repeat(64) })).toThrow('another parent')
    expect(() => takes({ logRoot: 'e'.repeat(64) })).toThrow('another log')
    expect(() => takes({ timeMs: blockAt(0).block.header.timeMs })).toThrow('before its parent')
    expect(() => takes({ timeMs: node.nowMs + 60_000 })).toThrow('to come')
    expect(() => takes({}, [...own, ...own])).toThrow('stands at heights')
    const histories = new Histories(world, cast)
    histories.written(node, [committed(blockAt(0)), committed({ hash, block })])
    expect(() => histories.written(node, [committed({ hash: 'f'.repeat(64), block })])).toThrow('and now')
  })

  it('notice a final that is gone', () => {
    const kept = new Kept(world)
    kept.notice(node, { type: 'final', contract, fromHeight: 1, toHeight: 1, requests: ['c'.repeat(64)] })
    expect(() => kept.ended()).toThrow('called it final')
    const size = node.engine?.replicas.get(contract)?.finalSize ?? 0
    const later = new Kept(world)
    later.notice(node, { type: 'final', contract, fromHeight: size, toHeight: size, requests: [] })
    expect(() => later.ended()).toThrow('and now only')
  })

  it('notice what is missing at the end, and liars that nobody names', () => {
    const histories = new Histories(world, cast)
    const blame = new Blame(world, cast, histories)
    const lost = { id: 'c'.repeat(64), contract, node, notAfterMs: node.nowMs + 60_000, batches: 0 }
    const attack = (named: string[]) => ({
      outlook: 'final' as const,
      named: new Set(named),
      undelivered: (): string[] => [],
    })
    const inSpite = new InSpite(world, attack([]), histories, blame)
    expect(inSpite.missing([])).toBeUndefined()
    expect(inSpite.missing([lost])).toContain('is not ordered')
    expect(() => inSpite.fail('stuck')).toThrow(Violation)
    const unnamed = new InSpite(world, attack([node.party.id]), histories, blame)
    expect(unnamed.missing([])).toContain('no evidence names')
    expect(() => unnamed.ended()).toThrow('no evidence names')
  })
})
