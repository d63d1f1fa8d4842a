/** A ledger block that ends the epoch (EPO-11): notarised and not committed, it is all that is proposed until it is. */
import { describe, expect, it } from 'vitest'
import {
  certificate,
  GENESIS,
  type Known,
  Machine,
  makeBlock,
  makeTurn,
  signed,
  TIMING,
  textOf,
} from '../../test/support/ordering.ts'
import { noteLocks } from './state.ts'
import { nextWakeMs } from './timers.ts'

const first = makeBlock(GENESIS, 1)
const turn = makeTurn(first, 2)
const QUORUM = [1, 2, 3] as const
const notarized = (view: number, block: Known = turn) => certificate('notarization', view, QUORUM, block)
const skipped = (view: number) => certificate('skip', view, QUORUM)

/** One that has voted for `turn` in view 2 and stands in view 3, whose leader is member 3. */
function atTurn(self = 0): Machine {
  const machine = new Machine({ self })
  machine.propose(first).certify(certificate('notarization', 1, QUORUM, first))
  machine.propose(turn, { notarization: certificate('notarization', 1, QUORUM, first) })
  machine.certify(notarized(2)).clear()
  return machine
}

const proposed = (machine: Machine) =>
  machine.of('SEND').flatMap(({ message }) => (message.type === 'PROPOSE' ? [message] : []))

describe('a block that ends the epoch, notarised and not committed', () => {
  it('[EPO-11] is proposed again, unchanged, by the next leader, with what shows that it may be', () => {
    const machine = atTurn(0)
    machine.requests = 5
    machine.work().certify(skipped(3))
    expect(machine.state.view).toBe(4)
    expect(machine.of('BUILD'), 'no other block is built on it').toEqual([])
    const [message, ...more] = proposed(machine)
    expect(more).toEqual([])
    expect(message?.block).toEqual(turn.block)
    expect(message?.vote?.statement).toMatchObject({ type: 'VOTE', view: 4, block: turn.hash })
    expect(message?.notarization).toMatchObject({ view: 2, block: turn.hash })
    expect(message?.skipCertificates.map(({ view }) => view)).toEqual([3])
  })

  it('[EPO-11] is proposed again by a leader that has nothing to order, once its COMMIT is late', () => {
    const machine = atTurn(0)
    machine.requests = 0
    machine.certify(skipped(3))
    expect(proposed(machine)).toEqual([])
    machine.later(TIMING.emptyAfterMs)
    expect(proposed(machine).map(({ block }) => block)).toEqual([turn.block])
  })

  it('[EPO-11] gets a vote in the later view, and in one after that by its last NOTARIZATION', () => {
    const machine = atTurn(0)
    machine.propose(turn, { view: 3, notarization: notarized(2) })
    expect(machine.signedTexts).toContain(textOf('VOTE', 3, turn))
    machine.certify(notarized(3)).clear()
    // View 4 is its own to lead.
    machine.work()
    const [message] = proposed(machine)
    expect(message?.notarization).toMatchObject({ view: 3, block: turn.hash })
    expect(message?.skipCertificates).toEqual([])
  })

  it('[EPO-11] gets no vote where the leader does not show its NOTARIZATION', () => {
    const machine = new Machine()
    machine.propose(first).certify(certificate('notarization', 1, QUORUM, first))
    machine.certify(skipped(2)).clear()
    machine.propose(turn, { view: 3 })
    expect(machine.state.views.get(3)?.proposal).toBe(turn.hash)
    expect(machine.signedTexts).not.toContain(textOf('VOTE', 3, turn))
    machine.certify(notarized(2))
    expect(machine.signedTexts).toContain(textOf('VOTE', 3, turn))
  })

  it('[EPO-11] gets no vote while a view between has no SKIPCERT', () => {
    const machine = atTurn(0)
    machine.certify(skipped(4)).clear()
    machine.propose(turn, { view: 5, notarization: notarized(2), skips: [skipped(4)] })
    expect(machine.signedTexts).not.toContain(textOf('VOTE', 5, turn))
    machine.certify(skipped(3))
    expect(machine.signedTexts).toContain(textOf('VOTE', 5, turn))
  })

  it('[EPO-11] is of the view’s leader alone, and in a view of its own certificates', () => {
    const machine = atTurn(0)
    machine.propose(turn, { view: 3, by: 2, notarization: notarized(2) })
    expect(machine.state.views.get(3)?.proposal).toBeUndefined()
    const forged = { ...notarized(2), view: 3 }
    machine.propose(turn, { view: 3, notarization: forged })
    expect(machine.state.views.get(3)?.proposal).toBeUndefined()
  })

  it('[EPO-11] no block that is built on it gets a vote', () => {
    const machine = atTurn(0)
    const after = makeBlock(turn, 3)
    machine.propose(after, { notarization: notarized(2) })
    expect(machine.state.blocks.get(after.hash)?.status).toBe('valid')
    expect(machine.signedTexts).not.toContain(textOf('VOTE', 3, after))
  })

  it('[EPO-11] no other block gets one in its place', () => {
    const machine = atTurn(0)
    const instead = makeBlock(first, 3)
    machine.propose(instead, { notarization: certificate('notarization', 1, QUORUM, first) })
    expect(machine.state.blocks.get(instead.hash)?.status).toBe('valid')
    expect(machine.signedTexts).not.toContain(textOf('VOTE', 3, instead))
  })

  it('[EPO-13] was timely when a quorum voted for it first: no clock is asked again, and of its own view it is', () => {
    const late = (view: number): Machine => {
      const machine = new Machine()
      machine.untimely.add(turn.hash)
      machine.propose(first).certify(certificate('notarization', 1, QUORUM, first))
      if (view > 2) machine.certify(notarized(2))
      machine.clear()
      return machine.propose(turn, {
        view,
        notarization: view > 2 ? notarized(2) : certificate('notarization', 1, QUORUM, first),
      })
    }
    expect(late(3).signedTexts).toContain(textOf('VOTE', 3, turn))
    expect(late(2).signedTexts).not.toContain(textOf('VOTE', 2, turn))
  })

  it('[EPO-11] a member that first hears of it in a later view executes it, and votes', () => {
    const machine = new Machine()
    machine
      .propose(first)
      .certify(certificate('notarization', 1, QUORUM, first))
      .clear()
    machine.propose(turn, { view: 5, notarization: notarized(2), skips: [skipped(3), skipped(4)] })
    expect(machine.of('CHECK').map(({ hash }) => hash)).toEqual([turn.hash])
    expect(machine.signedTexts).toContain(textOf('VOTE', 5, turn))
  })

  it('[EPO-11] [ORD-10] is told with its last NOTARIZATION to who stays behind', () => {
    const machine = atTurn(0)
    machine.propose(turn, { view: 3, notarization: notarized(2) }).clear()
    machine.take({ type: 'STATUS', from: 'x', view: 3, committedHeight: 0 } as never)
    const again = proposed(machine).filter(({ vote }) => vote?.statement.view === 3)
    expect(again.map(({ notarization }) => notarization?.view)).toEqual([2])
  })
})

describe('its COMMIT', () => {
  it('[EPO-11] may be of a later view than its own, and nothing more happens after it', () => {
    const machine = atTurn(0)
    machine.propose(turn, { view: 3, notarization: notarized(2) })
    machine.certify(notarized(3)).work().clear()
    machine.certify(certificate('finalization', 3, QUORUM, turn))
    const [commit] = machine.of('COMMIT')
    expect(commit?.hashes).toEqual([first.hash, turn.hash])
    expect([commit?.notarization.view, commit?.finalization.view]).toEqual([3, 3])
    expect(machine.state.ended).toBe(true)
    machine.clear()
    machine.statement(1, 'SKIP', 4).certify(skipped(4)).later(60_000)
    machine.propose(makeBlock(turn, 5), { notarization: notarized(3), skips: [skipped(4)] })
    expect(machine.effects).toEqual([])
    expect(machine.state.view).toBe(4)
  })

  it('[EPO-11] [ORD-6] is the end of all timers: who is out asks for no tick', () => {
    const machine = atTurn(0)
    machine.work()
    expect(nextWakeMs(machine.state, machine.nowMs)).toBeDefined()
    machine.certify(certificate('finalization', 2, QUORUM, turn))
    expect(machine.state.ended).toBe(true)
    expect(nextWakeMs(machine.state, machine.nowMs)).toBeUndefined()
  })

  it('[EPO-11] needs both certificates of one view', () => {
    const machine = atTurn(0)
    machine.certify(certificate('finalization', 3, QUORUM, turn))
    expect(machine.state.ended).toBe(false)
    machine.certify(notarized(3))
    expect(machine.state.ended).toBe(true)
  })
})

describe('a member that starts again in the middle', () => {
  const certificates = [certificate('notarization', 1, QUORUM, first), notarized(2), skipped(3)]

  it('[EPO-11] [ORD-5] proposes it again, in the view that it had entered', () => {
    const machine = new Machine({ self: 0, restart: { blocks: [first, turn], certificates } })
    expect(machine.state.view).toBe(4)
    expect(machine.state.views.get(4)?.proposal).toBe(turn.hash)
    expect(machine.state.views.get(4)?.mine.vote).toBe(turn.hash)
    // What it sends of it to whoever asks.
    machine.take({ type: 'STATUS', from: 'x', view: 4, committedHeight: 0 } as never)
    const message = proposed(machine).find(({ vote }) => vote?.statement.view === 4)
    expect(message?.block).toEqual(turn.block)
    expect(message?.notarization?.view).toBe(2)
    expect(message?.skipCertificates.map(({ view }) => view)).toEqual([3])
  })

  it('[EPO-11] [SGN-2] signs the same again where it had voted for it anew, and is told the rest', () => {
    const { statement } = signed(0, 'VOTE', 5, turn)
    const restart = {
      blocks: [first, turn],
      certificates: [...certificates, skipped(4)],
      locks: { view: 5, statements: [statement] },
    }
    const machine = new Machine({ self: 0, restart })
    machine.work()
    machine.later(1)
    expect(machine.state.views.get(5)?.proposal).toBe(turn.hash)
    expect(machine.state.views.get(5)?.votes.has(machine.state.config.self)).toBe(true)
    machine.certify(notarized(5)).certify(certificate('finalization', 5, QUORUM, turn))
    expect(machine.state.ended).toBe(true)
  })

  it('[EPO-11] goes on where only its COMMIT had not been taken in', () => {
    const commit = certificate('finalization', 2, QUORUM, turn)
    const machine = new Machine({
      self: 0,
      restart: { blocks: [first, turn], certificates: [...certificates, commit] },
    })
    machine.later(1)
    expect(machine.state.ended).toBe(true)
  })

  it('[EPO-11] [SGN-2] what was signed in the epoch before binds nothing in the next, whose views are counted anew', () => {
    const { statement } = signed(0, 'VOTE', 7, turn)
    const at = (epoch: number): Machine =>
      new Machine({ self: 0, restart: { locks: { epoch, view: 7, statements: [statement] } } })
    expect(at(0).state.signedView).toBe(7)
    const former = at(0)
    former.state.config.electorate = { ...former.electorate, epoch: 1 }
    former.state.signedView = 0
    noteLocks(former.state, { epoch: 0, view: 9, statements: [statement] })
    expect(former.state.signedView).toBe(0)
    // In an epoch before the one it signed in last, its signer would refuse.
    expect(at(1).state.signedView).toBe(Number.MAX_SAFE_INTEGER)
    expect(at(1).work().signedTexts).toEqual([])
  })
})
