import { describe, expect, it } from 'vitest'
import {
  certificate,
  GENESIS,
  Machine,
  makeBlock,
  PARTIES,
  TIMING,
  textOf,
} from '../../test/support/ordering.ts'
import { leaderOf } from './state.ts'
import { nextWakeMs } from './timers.ts'

const first = makeBlock(GENESIS, 1)
const other = makeBlock(GENESIS, 1, 7)
const party = (member: number): string => PARTIES[member] as string

/** Ends a view for a machine without what a block would bring. */
function skipTo(machine: Machine, view: number): Machine {
  for (let before = machine.state.view; before < view; before += 1)
    machine.certify(certificate('skip', before, [1, 2, 3].slice(0, machine.electorate.quorum)))
  return machine
}

describe('time', () => {
  it('[ORD-6] a contract without work wants no tick and sends nothing', () => {
    const machine = new Machine()
    expect(nextWakeMs(machine.state, machine.nowMs)).toBeUndefined()
    machine.later(3_600_000)
    machine.take({ type: 'PEER_DOWN', party: party(1) } as never)
    machine.take({ type: 'PEER_UP', party: party(1) } as never)
    expect(machine.types).toEqual([])
    machine.propose(first)
    machine.certify(certificate('notarization', 1, [1, 2, 3], first))
    machine.certify(certificate('finalization', 1, [1, 2, 3], first))
    machine.clear()
    expect(nextWakeMs(machine.state, machine.nowMs)).toBeUndefined()
    machine.later(3_600_000)
    expect(machine.types).toEqual([])
  })

  it('[ORD-6] a leader proposes when it has something to order', () => {
    const machine = new Machine({ self: 1 })
    expect(machine.of('BUILD')).toEqual([])
    machine.work()
    expect(machine.of('BUILD')).toEqual([{ type: 'BUILD', view: 1, parent: GENESIS.hash, evenEmpty: false }])
  })

  it('[ORD-6] a leader proposes an empty block where its parent stays uncommitted, not before', () => {
    const machine = new Machine({ self: 2 })
    machine.requests = 0
    machine.propose(first)
    machine.certify(certificate('notarization', 1, [1, 2, 3], first))
    machine.work().work(false)
    expect(machine.of('BUILT' as never)).toEqual([])
    expect(machine.of('STORE_BLOCK')).toHaveLength(1)
    expect(nextWakeMs(machine.state, machine.nowMs)).toBe(machine.nowMs + TIMING.emptyAfterMs)
    machine.later(TIMING.emptyAfterMs)
    expect(machine.of('BUILD').at(-1)).toEqual({
      type: 'BUILD',
      view: 2,
      parent: first.hash,
      evenEmpty: true,
    })
    expect(machine.of('STORE_BLOCK')).toHaveLength(2)
  })

  it('[ORD-6] no empty block where the COMMIT comes in time', () => {
    const machine = new Machine({ self: 2 }).propose(first)
    machine.certify(certificate('notarization', 1, [1, 2, 3], first))
    machine.certify(certificate('finalization', 1, [1, 2, 3], first))
    machine.later(60_000)
    expect(machine.of('BUILD')).toEqual([])
  })

  it('[ORD-6] a view is skipped when its time runs out, and each skipped one gives the next more of it', () => {
    const machine = new Machine().work()
    const timeouts: number[] = []
    for (let view = 1; view <= 12; view += 1) {
      skipTo(machine, view)
      if (leaderOf(machine.state.config, view) === party(0)) continue
      machine.clear()
      let waitedMs = 0
      while (machine.signedTexts.length === 0) {
        machine.later(10)
        waitedMs += 10
      }
      timeouts.push(waitedMs)
    }
    expect(timeouts[0]).toBe(TIMING.viewMs)
    expect(timeouts[1]).toBe(1500)
    expect(timeouts).toEqual([...timeouts].sort((a, b) => a - b))
    expect(timeouts.at(-1)).toBe(TIMING.viewMaxMs)
  })

  it('[ORD-6] views that take long are waited for longer: load alone ends none, and what it taught fades', () => {
    const machine = new Machine().work()
    const passView = (view: number, tookMs: number): void => {
      machine.later(tookMs)
      machine.certify(certificate('notarization', view, [1, 2, 3], makeBlock(GENESIS, view)))
    }
    passView(1, 900)
    expect(machine.state.patienceMs).toBe(2700)
    machine.clear()
    // Views that take more than viewMs are not skipped by now: each is given three times what the one before took.
    for (const [view, tookMs] of [
      [2, 2000],
      [3, 4900],
    ] as const)
      passView(view, tookMs)
    expect(machine.signedTexts.filter((text) => text.startsWith('SKIP'))).toEqual([])
    expect(machine.state.patienceMs).toBe(5 * TIMING.viewMs)
    for (let view = 4; view < 12; view += 1) passView(view, 0)
    expect(machine.state.patienceMs).toBe(TIMING.viewMs)
  })

  it('[ORD-6] what views took is learnt from skipped ones too, and silent leaders do not add up', () => {
    const machine = new Machine().work()
    skipTo(machine, 3)
    machine.certify(certificate('notarization', 3, [1, 2, 3], makeBlock(GENESIS, 3)))
    expect(machine.state.patienceMs).toBe(Math.floor(2250 * 0.7))
    const silent = new Machine({ members: 5 }).work()
    for (let view = 1; view < 60; view += 1)
      if (view % 5 < 2) silent.certify(certificate('skip', view, [1, 2, 3]))
      else silent.certify(certificate('notarization', view, [1, 2, 3], makeBlock(GENESIS, view)))
    expect(silent.state.patienceMs).toBeLessThan(2 * TIMING.viewMs)
  })

  it('[ORD-6] the view of a leader who is not connected is skipped at once, if there is work', () => {
    const machine = new Machine({ down: [1] })
    expect(machine.signedTexts).toEqual([])
    machine.work()
    expect(machine.signedTexts).toEqual(['SKIP 1'])
    const late = new Machine().work()
    late.take({ type: 'PEER_DOWN', party: party(1) } as never)
    expect(late.signedTexts).toEqual(['SKIP 1'])
  })

  it('[ORD-6] not at once for ever: after two rotations views take their time', () => {
    const machine = new Machine({ down: [1, 2, 3] }).work()
    let hasty = 0
    for (let view = 1; view <= 30; view += 1) {
      machine.clear()
      skipTo(machine, view)
      if (machine.signedTexts.includes(`SKIP ${view}`)) hasty = view
    }
    expect(hasty).toBeGreaterThan(4)
    expect(hasty).toBeLessThanOrEqual(2 * 4)
  })

  it('[ORD-6] [ORD-10] a view that others have begun to end is ended by a member without work too', () => {
    for (const begin of [
      (machine: Machine) => machine.statement(2, 'SKIP', 1),
      (machine: Machine) => machine.statement(2, 'VOTE', 1, first),
      (machine: Machine) => {
        machine.unanswered.add(first.hash)
        return machine.propose(first)
      },
    ]) {
      const machine = begin(new Machine())
      machine.clear()
      machine.later(TIMING.resendMs)
      expect(machine.types).toContain('SEND_STATUS')
      machine.later(TIMING.viewMs)
      expect(machine.signedTexts).toEqual(['SKIP 1'])
    }
  })

  it('[ORD-10] STATUS goes out again and again while work is pending, ever less often, anew with a connection', () => {
    const machine = new Machine().work()
    machine.signs = false
    const sent: number[] = []
    for (let elapsed = 0; elapsed < 20_000; elapsed += 50) {
      machine.clear()
      machine.later(50)
      if (machine.types.includes('SEND_STATUS')) sent.push(elapsed + 50)
    }
    const gaps = sent.map((at, index) => at - (sent[index - 1] ?? 0))
    expect(gaps[0]).toBe(TIMING.resendMs)
    expect(gaps).toEqual([...gaps].sort((a, b) => a - b))
    expect(gaps.at(-1)).toBe(TIMING.resendMaxMs)
    machine.take({ type: 'PEER_UP', party: party(1) } as never)
    machine.clear()
    machine.later(TIMING.resendMs)
    expect(machine.types).toContain('SEND_STATUS')
  })
})

describe('commits', () => {
  const second = makeBlock(first, 2)

  it('[ORD-7] a block is committed by its COMMIT', () => {
    const machine = new Machine().propose(first)
    machine.certify(certificate('finalization', 1, [1, 2, 3], first))
    expect(machine.of('COMMIT')).toEqual([])
    machine.certify(certificate('notarization', 1, [1, 2, 3], first))
    expect(machine.of('COMMIT').map(({ hashes }) => hashes)).toEqual([[first.hash]])
    expect(machine.state.committed).toMatchObject({ hash: first.hash, height: 1, view: 1 })
  })

  it('[ORD-7] or by that of a descendant, in order', () => {
    const machine = new Machine().propose(first)
    machine.propose(second, { notarization: certificate('notarization', 1, [1, 2, 3], first) })
    machine.certify(certificate('notarization', 2, [1, 2, 3], second))
    machine.certify(certificate('finalization', 2, [1, 2, 3], second))
    expect(machine.of('COMMIT').map(({ hashes }) => hashes)).toEqual([[first.hash, second.hash]])
  })

  it('[ORD-7] [ORD-10] a COMMIT whose blocks are missing waits for them, asks for them, and outlives a restart', () => {
    const notarization = certificate('notarization', 2, [1, 2, 3], second)
    const finalization = certificate('finalization', 2, [1, 2, 3], second)
    const machine = new Machine().certify(notarization).certify(finalization)
    expect(machine.of('FETCH_BLOCK')).toEqual([{ type: 'FETCH_BLOCK', hash: second.hash, from: party(2) }])
    machine.later(TIMING.resendMs)
    expect(machine.of('FETCH_BLOCK').at(-1)).toEqual({ type: 'FETCH_BLOCK', hash: second.hash })
    const restarted = new Machine({ restart: { certificates: [notarization, finalization] } })
    restarted.later(TIMING.resendMs)
    for (const { hash, block } of [second, first])
      restarted.take({
        type: 'PROPOSE',
        from: party(3),
        hash,
        proposal: { block, skipCertificates: [] },
      } as never)
    expect(restarted.of('COMMIT').map(({ hashes }) => hashes)).toEqual([[first.hash, second.hash]])
  })

  it('[ORD-7] two conflicting COMMITs halt; so does one that this member computes differently', () => {
    const machine = new Machine().propose(first)
    machine.certify(certificate('notarization', 1, [1, 2, 3], first))
    machine.certify(certificate('finalization', 1, [1, 2, 3], first))
    const astray = makeBlock(other, 3)
    for (const { hash, block } of [other, astray]) {
      machine.certify(certificate('notarization', block.header.view, [1, 2, 3], { hash, block }))
      machine.take({
        type: 'PROPOSE',
        from: party(3),
        hash,
        proposal: { block, skipCertificates: [] },
      } as never)
    }
    machine.certify(certificate('finalization', 3, [1, 2, 3], astray))
    expect(machine.of('HALT')).toHaveLength(1)
    const twice = new Machine().propose(first)
    for (const block of [first, other])
      for (const kind of ['notarization', 'finalization'] as const)
        twice.certify(certificate(kind, 1, [1, 2, 3], block))
    expect(twice.of('HALT')).toHaveLength(1)
    expect(machine.work().later(60_000).signedTexts).not.toContain('SKIP 4')

    const different = new Machine()
    different.invalid.add(first.hash)
    different.propose(first)
    different.certify(certificate('notarization', 1, [1, 2, 3], first))
    different.certify(certificate('finalization', 1, [1, 2, 3], first))
    expect(different.of('HALT')).toHaveLength(1)
  })

  it('[SYN-1] what was caught up with moves the tip and the view', () => {
    const machine = new Machine()
    machine.take({
      type: 'SYNCED',
      ...second,
      notarization: certificate('notarization', 2, [1, 2, 3], second),
      finalization: certificate('finalization', 2, [1, 2, 3], second),
    } as never)
    expect(machine.state.committed.hash).toBe(second.hash)
    expect(machine.state.view).toBe(3)
    const third = makeBlock(second, 3)
    machine.propose(third, { notarization: certificate('notarization', 2, [1, 2, 3], second) })
    expect(machine.signedTexts).toEqual([textOf('FINALIZE', 2, second), textOf('VOTE', 3, third)])
  })
})
