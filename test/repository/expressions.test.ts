import { describe, expect, it } from 'vitest'
import { FUNCTIONS } from '../../src/contract/feel/functions.ts'
import { CONTRACT, result } from '../support/feel.ts'
import { textOf } from './sources.ts'

const page = textOf('docs/expressions.md') ?? ''

/** The rows of tables with a column `expression` and a column `gives`. */
function examplesOf(text: string): (readonly [string, string])[] {
  const examples: (readonly [string, string])[] = []
  let columns: string[] = []
  for (const line of text.split('\n')) {
    if (!line.startsWith('|')) {
      columns = []
      continue
    }
    const cells = line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim())
    if (columns.length === 0) columns = cells
    const [expression, gives] = [cells[columns.indexOf('expression')], cells[columns.indexOf('gives')]]
    const code = expression === undefined ? null : /^(`+)(.*)\1$/.exec(expression)
    if (code !== null && gives !== undefined) examples.push([code[2] as string, gives])
  }
  return examples
}

const examples = examplesOf(page)

describe('docs/expressions.md', () => {
  it.each(examples)('is right that %s gives %s', (expression, gives) => {
    expect(result(expression, CONTRACT)).toBe(gives)
  })

  it('has an example of every function', () => {
    const shown = examples.map(([expression]) => expression).join('\n')
    expect([...FUNCTIONS.keys()].filter((name) => !shown.includes(`${name}(`))).toEqual([])
    expect([...FUNCTIONS.keys()].filter((name) => !page.includes(`| \`${name}\` | `))).toEqual([])
  })

  it('is read as tables', () => {
    expect(
      examplesOf('| expression | gives |\n|---|---|\n| ``a`b`` | 1 |\n| `c` | [1, 2] | x |\n\n| `d` | 2 |'),
    ).toEqual([
      ['a`b', '1'],
      ['c', '[1, 2]'],
    ])
    expect(examples.length).toBeGreaterThan(100)
  })
})
