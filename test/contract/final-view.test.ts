/** The states that people are shown, however far final lags behind tentative and however notices are bundled. */
import { describe, expect, it } from 'vitest'
import { stateRoot } from '../../src/contract/state.ts'
import { FinalView } from '../../src/node/final-view.ts'
import type { Notice } from '../../src/node/outbox.ts'
import { Engines, type Member } from '../support/engines.ts'

/** A view of a member's engine, told of notices when `tell` is called: as a node does at the end of a turn. */
function viewOf(member: Member) {
  const listeners = new Set<(notice: Notice) => void>()
  let told = member.notices.length
  const view = new FinalView({
    engine: member.engine,
    store: member.store,
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  })
  const tell = (): void => {
    const notices = member.notices.slice(told)
    told = member.notices.length
    for (const notice of notices) for (const listener of listeners) listener(notice)
  }
  return { view, tell, listeners }
}

function rootOf(member: Member, contract: string, height: number): string | undefined {
  return member.store.block(contract, height)?.block.header.stateRoot
}

describe('states to be shown', () => {
  it('[COS-3] [STA-1] give the root of every height, near and far, tentative and final', () => {
    const engines = new Engines(3)
    const [author, other, away] = engines.members as [Member, Member, Member]
    const contract = engines.contract('{"a":"0","b":"0","c":"0"}')
    const { view, tell, listeners } = viewOf(author)
    expect(view.final(contract)?.height).toBe(0)
    for (const one of [author, other]) engines.disconnect(one, away)
    const count = 280
    for (let round = 1; round <= count; round += 1) {
      engines.set(round % 2 === 0 ? author : other, contract, 'abc'[round % 3] as string, String(round))
      engines.settle()
      engines.pass(400, 100)
      // Every so often several blocks come in one turn: then only the last one's state is at hand.
      if (round % 7 !== 0) tell()
      expect(view.finalHeight(contract)).toBe(0)
    }
    engines.pass(2000)
    tell()
    author.engine.flush()
    const { height, state } = view.tentative(contract)
    expect(height).toBeGreaterThan(count / 2)
    expect(stateRoot(state)).toBe(rootOf(author, contract, height))
    for (let at = height; at >= 0; at -= 13)
      expect(stateRoot(view.at(contract, at)), `height ${at}`).toBe(rootOf(author, contract, at))
    expect(stateRoot(view.final(contract)?.state as never)).toBe(rootOf(author, contract, 0))
    expect(() => view.at(contract, height + 1)).toThrow(/no ledger block/)
    expect(() => view.block(contract, -1)).toThrow(/no ledger block/)

    // What is final moves on from height to height, by small steps and large ones.
    let fromHeight = 1
    for (const toHeight of [1, 2, 9, 70, 71, 200, height - 1]) {
      for (const listener of listeners)
        listener({ contract, type: 'final', fromHeight, toHeight, requests: [] })
      fromHeight = toHeight + 1
      const final = view.final(contract)
      expect(final?.height).toBe(toHeight)
      expect(stateRoot(final?.state as never)).toBe(rootOf(author, contract, toHeight))
    }
    for (const one of [author, other]) engines.reconnect(one, away)
    engines.pass(30_000, 500)
    tell()
    expect(view.finalHeight(contract)).toBe(height)
    expect(view.final(contract)?.state).toBe(view.tentative(contract).state)
  })

  it('show nothing before it is told, and end when asked to', () => {
    const engines = new Engines(2)
    const author = engines.member(0)
    const contract = engines.contract('{"a":"0"}')
    const { view, tell, listeners } = viewOf(author)
    engines.set(author, contract, 'a', '1')
    engines.settle()
    engines.pass(1000)
    expect(author.engine.replica(contract).chain.height).toBeGreaterThan(0)
    expect([view.tentative(contract).height, view.finalHeight(contract)]).toEqual([0, 0])
    tell()
    expect(view.finalHeight(contract)).toBeGreaterThan(0)
    view.close()
    expect(listeners.size).toBe(0)
    expect(() => view.final('0'.repeat(64))).toThrow(/holds no contract/)
  })
})
