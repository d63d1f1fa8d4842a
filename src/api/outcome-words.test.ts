import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { EPOCH_OUTCOME_CODES } from '../contract/epoch-outcome.ts'
import { OUTCOME_CODES } from '../contract/outcome.ts'
import { RULE_CODES } from '../contract/rules/codes.ts'
import { codeWithWords, outcomeWords } from './outcome-words.ts'

describe('the words of outcomes', () => {
  it.each(Object.keys(RULE_CODES))(
    '%s says what is wrong and what to do, and is a row of docs/outcomes.md',
    (code) => {
      const words = outcomeWords(code) ?? ''
      // Whose answer is not asked for has nothing to do.
      if (code !== 'not-asked') expect(words).toMatch(/^[a-z].*: [a-z].*[^.]$/)
      const document = readFileSync(new URL('../../docs/outcomes.md', import.meta.url), 'utf8')
      expect(document).toMatch(new RegExp(`^\\| \`${code}\` \\| (conflicted|rejected) \\| `, 'm'))
    },
  )

  it('are there for elements, members and policy too, and for no other code', () => {
    for (const code of Object.keys({ ...EPOCH_OUTCOME_CODES, ...OUTCOME_CODES }))
      expect(codeWithWords(code)).toEqual({ code, words: expect.any(String) })
    expect(codeWithWords('of-a-later-version')).toEqual({ code: 'of-a-later-version' })
    expect(codeWithWords(undefined)).toEqual({})
  })
})
