import { expect, it } from 'vitest'
import { Agreement } from '../../test/support/agreement.ts'
import { dueOf } from './due.ts'

const DATES = 12

it('[EPO-14] the dates of a state are looked at once, however often it is asked when the next comes', () => {
  const one = new Agreement(['Acme'], '{"Ends": "", "Over": {"Note": ""}}')
  one.set('Acme', '/Ends', '2030-01-01', 'date')
  for (let rule = 0; rule < DATES; rule += 1)
    one.rule('Acme', [], {
      kind: 'trigger',
      when: { kind: 'date', expression: 'Ends' },
      actions: [{ do: 'activate', target: ['Over'] }],
    })
  let looked = 0
  const { map } = one.state
  const counting = new Proxy(map, {
    get: (_, name) => {
      looked += 1
      const member = map[name as keyof typeof map] as unknown
      return typeof member === 'function' ? member.bind(map) : member
    },
  })
  const state = { ...one.state, map: counting }
  const due = dueOf(state)
  expect(due).toBe(Date.UTC(2030, 0, 1))
  expect(looked).toBe(DATES)
  for (let again = 0; again < 100; again += 1) expect(dueOf(state)).toBe(due)
  expect(looked).toBe(DATES)
})
