import { describe, expect, it } from 'vitest'
import { CountersignError, toCountersignError } from './errors.ts'

describe('CountersignError', () => {
  it('carries what the registry says of its code', () => {
    const error = new CountersignError('unknown-path', 'Policy has no element Premuim')
    expect(error).toMatchObject({
      code: 'unknown-path',
      status: 404,
      title: 'The contract has no element at this path',
      message: 'Policy has no element Premuim',
      detail: undefined,
    })
  })

  it('becomes a problem document', () => {
    const cause = new Error('/var/lib/secret')
    const problem = new CountersignError(
      'conflict',
      'Locked by Acme',
      { heldUntilMs: 5 },
      { cause },
    ).toProblem()
    expect(problem).toEqual({
      type: '/errors/conflict',
      title: 'Another change or lock stands in the way',
      status: 409,
      detail: 'Locked by Acme',
      code: 'conflict',
      advice: 'Wait for the holder or the earlier change that the message names, then try again.',
      context: { heldUntilMs: 5 },
    })
    expect(new CountersignError('conflict', 'Locked').toProblem()).not.toHaveProperty('context')
  })
})

describe('toCountersignError', () => {
  it('leaves a CountersignError as it is', () => {
    const error = new CountersignError('expired', 'too late')
    expect(toCountersignError(error)).toBe(error)
  })

  it.each([new TypeError('password is hunter2'), 'hunter2', undefined])(
    'hides anything else: %s',
    (thrown) => {
      const error = toCountersignError(thrown)
      expect(error.code).toBe('internal')
      expect(error.cause).toBe(thrown)
      expect(JSON.stringify(error.toProblem())).not.toContain('hunter2')
    },
  )
})
