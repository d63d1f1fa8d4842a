import { describe, expect, it } from 'vitest'
import { result } from '../../../test/support/feel.ts'
import { ANSWERS } from '../../../test/support/feel-answers.ts'

describe.each(Object.entries(ANSWERS))('%s', (_, answers) => {
  it.each(answers)('%s is %s', (expression, expected) => {
    expect(result(expression)).toBe(expected)
  })
})
