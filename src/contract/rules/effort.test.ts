/** What an edit costs goes by what it changes: not by how many rules or elements there are. */
import { describe, expect, it } from 'vitest'
import { Agreement } from '../../../test/support/agreement.ts'
import type { Operation } from '../../ledger/request.ts'
import { runOperations } from '../apply.ts'

/** How many expressions are evaluated for these operations. */
function evaluations(one: Agreement, ...operations: Operation[]): number {
  const context = { id: 'ab'.repeat(32), author: one.party('Acme'), height: 1, timeMs: one.timeMs }
  const result = runOperations(one.state, operations, one.openings, context)
  if (result.code !== undefined) throw new Error(result.code)
  return result.evaluations
}

describe('with 1,000 rules', () => {
  const count = 1000
  const document = `{${Array.from({ length: count }, (_, index) => `"F${index}": ${index}`).join(', ')}}`

  it('[RUL-3] an edit looks at the rules that read what it changed, and no other', () => {
    const one = new Agreement(
      ['Acme'],
      document,
      Array.from({ length: count }, (_, index) => ({
        path: [`F${index}`],
        behaviour: { kind: 'constraint', expression: `F${index} >= 0`, message: 'not negative' },
      })),
    )
    expect(evaluations(one, one.setting('/F500', '7'))).toBe(1)
    expect(evaluations(one, one.setting('/F1', '7'), one.setting('/F2', '7'))).toBe(2)
  })

  it('[RUL-3] a chain of derived fields is computed from where it was touched on, each once', () => {
    const one = new Agreement(
      ['Acme'],
      document,
      Array.from({ length: count - 1 }, (_, index) => ({
        path: [`F${index + 1}`],
        behaviour: { kind: 'assignment', expression: `F${index} + 1` },
      })),
    )
    expect(one.value('/F999')).toBe('999')
    expect(evaluations(one, one.setting('/F0', '7'))).toBe(999)
  })
})

describe('with many elements', () => {
  it('[RUL-3] an item of a list is looked at alone, whatever stands beside it', () => {
    const lines = Array.from({ length: 2000 }, (_, index) => `{"Qty": ${index}, "Price": 2, "Sum": 0}`).join(
      ', ',
    )
    const one = new Agreement(['Acme'], `{"Lines": [${lines}]}`, [
      { path: ['Lines', 'Sum'], behaviour: { kind: 'assignment', expression: 'Qty * Price' } },
      { path: ['Lines', 'Qty'], behaviour: { kind: 'limits', min: '0' } },
      { path: ['Lines'], behaviour: { kind: 'constraint', expression: 'Sum >= 0', message: 'not negative' } },
    ])
    expect(one.value('/Lines[1000]/Sum')).toBe('1998')
    expect(evaluations(one, one.setting('/Lines[1000]/Qty', '5'))).toBe(2)
  })
})
