/** What is executed before it is signed, and what that costs. */
import { describe, expect, it } from 'vitest'
import { Agreement } from '../../test/support/agreement.ts'
import type { OpeningSource } from '../contract/state.ts'
import type { Operation } from '../ledger/request.ts'
import type { Context } from './context.ts'
import { foresee } from './refusals.ts'

const rules: ConstructorParameters<typeof Agreement>[2] = [
  { path: ['Lines', 'Sum'], behaviour: { kind: 'assignment', expression: 'Qty * Price' } },
  { path: ['Lines'], behaviour: { kind: 'constraint', expression: 'Sum < 100', message: 'less than 100' } },
]

/** An agreement as a node has it at which so many requests wait to be ordered; counts the values that are read. */
function nodeOf(one: Agreement, waiting: number) {
  const reads = { count: 0 }
  const look: OpeningSource['get'] = (commitment) => {
    reads.count += 1
    return one.openings.get(commitment)
  }
  const store = {
    openings: (_: string, [commitment = '']: string[]) => new Map([[commitment, look(commitment)]]),
  }
  const chain = {
    pool: new Map(Array.from({ length: waiting }, (_, index) => [String(index), {}])),
    tip: { block: { header: { timeMs: one.timeMs } } },
  }
  const context = {
    node: { now: () => one.timeMs, store },
    replica: () => ({ chain, self: one.party('Acme') }),
    states: {
      tentative: () => ({ state: one.state, height: one.height }),
      read: (_: string, find: () => unknown) => find(),
    },
  } as unknown as Context
  const told = (...operations: Operation[]) => {
    const openings = [...one.openings.values()]
    // Only what the request itself brings; the rest is on disk.
    const own = operations.flatMap((operation) =>
      operation.op === 'set' && operation.value !== undefined ? [one.openings.get(operation.value)] : [],
    )
    expect(openings.length).toBeGreaterThan(0)
    return foresee(context, one.contract, { operations, openings: own as typeof openings })
  }
  return { told, reads }
}

const made = () => new Agreement(['Acme', 'Beta'], '{"Lines":[{"Qty":1,"Price":2,"Sum":2}]}', rules)

describe('an edit before it is signed', () => {
  it('[RUL-6] is executed where nothing waits, and what rules refuse is told', () => {
    const one = made()
    const { told, reads } = nodeOf(one, 0)
    expect(told(one.setting('/Lines[1]/Qty', '7'))).toBe(undefined)
    // The price: the quantity comes with the request, the sum is computed.
    expect(reads.count).toBe(1)
    expect(told(one.setting('/Lines[1]/Qty', '70'))).toMatchObject({ code: 'constraint-broken' })
  })

  it('is not executed while others wait that could change what rules say, and nobody holds a lock', () => {
    const one = made()
    const { told, reads } = nodeOf(one, 1)
    expect(told(one.setting('/Lines[1]/Qty', '70'))).toBe(undefined)
    expect(reads.count).toBe(0)
  })

  it('[RUL-9] is executed all the same where somebody holds a lock, which is told at once', () => {
    const one = made()
    const uid = one.uid()
    const on = one.at('/Lines')
    expect(one.run('Beta', { op: 'lock', uid, on, leaseMs: 60_000 })).toMatchObject({ outcome: 'accepted' })
    const { told } = nodeOf(one, 1)
    expect(told(one.setting('/Lines[1]/Qty', '7'))).toMatchObject({ code: 'locked', rule: uid })
    const again: Operation = { op: 'lock', uid: one.uid(), on, leaseMs: 60_000 }
    expect(told(again)).toMatchObject({ code: 'locked', rule: uid })
  })
})
