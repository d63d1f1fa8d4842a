/** The limits that keep a ledger block, with all that belongs to it, within a frame and a line of a bundle. */
import { describe, expect, it } from 'vitest'
import { genesisState, rootUidOf } from '../../src/contract/state.ts'
import { LogTree } from '../../src/crypto/log.ts'
import { logLeaf } from '../../src/ledger/block.ts'
import type { CreateOperation, OpenRequest, Operation } from '../../src/ledger/request.ts'
import { requestIdsOf } from '../../src/ledger/turn.ts'
import type { Opening } from '../../src/ledger/value.ts'
import { Chain } from '../../src/node/chain.ts'
import { genesisBlock } from '../../src/node/genesis-block.ts'
import { pickOpenings } from '../../src/node/intake.ts'
import { LedgerFixture } from '../support/ledger-fixture.ts'

const MEBIBYTE = 1024 * 1024
const bad = (code: string) => expect.objectContaining({ code })

/** Operations that create text fields of nearly 1 MiB each, and their openings. */
function largeFields(ledger: LedgerFixture, count: number): { operations: Operation[]; openings: Opening[] } {
  const made = Array.from({ length: count }, () => ledger.commit('x'.repeat(MEBIBYTE - 512)))
  const operations = made.map(({ commitment }): Operation => {
    const place = { parent: rootUidOf(ledger.contract), name: 'Text', kind: 'field', order: 'm' } as const
    return { op: 'create', uid: ledger.uid(), ...place, type: 'text', value: commitment }
  })
  return { operations, openings: made.map(({ opening }) => opening) }
}

function largeRequest(ledger: LedgerFixture, count: number): OpenRequest {
  const { operations, openings } = largeFields(ledger, count)
  return ledger.request(0, operations, openings)
}

/** The chain of a node that holds block 0 and these requests. */
function chainOf(ledger: LedgerFixture, requests: OpenRequest[]): Chain {
  const { contract, genesis } = ledger
  const { state, changes } = genesisState(contract, genesis, ledger.openings)
  const first = genesisBlock(contract, state, changes, genesis.timeMs)
  const log = new LogTree([logLeaf(first.hash)])
  const chain = new Chain(
    contract,
    first,
    log,
    () => undefined,
    () => undefined,
  )
  for (const request of requests) chain.add({ ...request, receivedMs: genesis.timeMs, local: false })
  return chain
}

describe('sizes', () => {
  it('[BLK-2] a block of requests and openings over 16 MiB is invalid, however well its leader computed it', () => {
    for (const [count, status] of [
      [3, 'valid'],
      [4, 'invalid'],
    ] as const) {
      const ledger = new LedgerFixture()
      const requests = Array.from({ length: count }, () => largeRequest(ledger, 5))
      const { hash, block } = ledger.order(requests)
      const result = chainOf(ledger, requests).check(hash, block)
      expect(result).toMatchObject(status === 'valid' ? { status } : { status, code: 'too-large' })
    }
  })

  it('[BLK-2] a leader builds what voters take, also of the largest requests', () => {
    const ledger = new LedgerFixture()
    const requests = Array.from({ length: 4 }, () => largeRequest(ledger, 7))
    const built = chainOf(ledger, requests).build(ledger.tip.hash, 1, ledger.genesis.timeMs + 1, false)
    expect(built && requestIdsOf(built.block)).toEqual([requests[0]?.id])
    expect(chainOf(ledger, requests).check(built?.hash as string, built?.block as never).status).toBe('valid')
  })

  it('[REQ-2] a request whose openings have more than 8 MiB is not taken', () => {
    const ledger = new LedgerFixture()
    const fitting = largeFields(ledger, 8)
    expect(pickOpenings(fitting.operations, fitting.openings)).toHaveLength(8)
    const { operations, openings } = largeFields(ledger, 9)
    expect(() => pickOpenings(operations, openings)).toThrow(bad('too-large'))
  })

  it('[VAL-2] a commitment named many times is opened once', () => {
    const ledger = new LedgerFixture()
    const { operations, openings } = largeFields(ledger, 1)
    const many = Array.from({ length: 1000 }, () => ({
      ...(operations[0] as CreateOperation),
      uid: ledger.uid(),
    }))
    expect(pickOpenings(many, openings)).toEqual(openings)
    expect(() => pickOpenings(many, [])).toThrow(bad('bad-request'))
  })
})
