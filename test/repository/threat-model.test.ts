import { describe, expect, it } from 'vitest'
import { sourceOf, textOf } from './sources.ts'
import { titlesOf } from './tidy.ts'

const document = textOf('docs/threat-model.md') ?? ''
const protocol = textOf('PROTOCOL.md') ?? ''

type Row = { threat: string; rules: string[]; cited: { path: string; title: string }[] }

/** The rows of its tables: threat, rules, and the tests that show it, each as `path` “title”. */
function rowsOf(text: string): Row[] {
  return [...text.matchAll(/^\| (.*) \| (.*) \| (.*) \|$/gm)]
    .filter(([, threat]) => threat !== 'threat')
    .map(([, threat = '', rules = '', shown = '']) => ({
      threat,
      rules: rules === '–' ? [] : rules.split(', '),
      cited: [...shown.matchAll(/`([^`]+)` “([^”]+)”/g)].map(([, path = '', title = '']) => ({
        path,
        title,
      })),
    }))
}

/** Rules that PROTOCOL.md does not define. */
function unknownRules(text: string): string[] {
  return [...text.matchAll(/\b[A-Z]{2,4}-\d+\b/g)]
    .map(([rule]) => rule)
    .filter((rule) => !/^(SHA|TLS)-/.test(rule) && !protocol.includes(`**[${rule}]**`))
}

/** Tests that are not there; a title stands without the ids of its rules. */
function missingTests(text: string): string[] {
  return rowsOf(text).flatMap(({ cited }) =>
    cited.flatMap(({ path, title }) => {
      const source = textOf(path)
      if (source === undefined) return [path]
      const titles = titlesOf(sourceOf(path, source)).map((one) =>
        one.title.replace(/^(\[[A-Z]+-\d+\] )+/, ''),
      )
      return titles.includes(title) ? [] : [`${path}: ${title}`]
    }),
  )
}

describe('docs/threat-model.md', () => {
  it('answers each threat with a test', () => {
    const rows = rowsOf(document)
    expect(rows.length).toBeGreaterThan(30)
    expect(rows.filter(({ cited }) => cited.length === 0)).toEqual([])
  })

  it('names rules that exist', () => {
    expect(unknownRules(document)).toEqual([])
    expect(unknownRules('by COS-3 and COS-999')).toEqual(['COS-999'])
  })

  it('names tests that exist', () => {
    expect(missingTests(document)).toEqual([])
    const here = 'test/repository/threat-model.test.ts'
    const row = (path: string, title: string): string => `| a threat | COS-3 | \`${path}\` “${title}” |`
    expect(missingTests(row(here, 'names tests that exist'))).toEqual([])
    expect(missingTests(row(here, 'names tests'))).toEqual([`${here}: names tests`])
    expect(missingTests(row('test/none.test.ts', 'names tests'))).toEqual(['test/none.test.ts'])
  })
})
