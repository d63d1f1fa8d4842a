import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { REGISTRY } from '../../src/crypto/errors.ts'
import { placeOf, type Source, sourceOf, sourcesUnder, textOf, walk } from './sources.ts'

const codes = Object.keys(REGISTRY)
const alphabetical = codes.toSorted()

/** The rows of a table of codes: code, status, when, what to do next. */
function rowsOf(text: string) {
  return [...text.matchAll(/^\| `([^`]*)` \| (\S*) \| (.*?) \| (.*?) \|$/gm)].map(
    ([, code, status, when, advice]) => ({
      code,
      status: Number(status),
      when,
      advice,
    }),
  )
}

/**
 * The codes written as the first argument of `new CountersignError(…)`; a choice between literals counts for
 * both.
 */
function codesThrown(source: Source): { place: string; code: string }[] {
  const thrown: { place: string; code: string }[] = []
  const add = (code: ts.Expression | undefined): void => {
    if (code === undefined) return
    if (ts.isStringLiteralLike(code)) thrown.push({ place: placeOf(source, code), code: code.text })
    if (ts.isParenthesizedExpression(code)) add(code.expression)
    if (ts.isConditionalExpression(code)) {
      add(code.whenTrue)
      add(code.whenFalse)
    }
  }
  walk(source.tree, (node) => {
    if (ts.isNewExpression(node) && node.expression.getText(source.tree) === 'CountersignError')
      add(node.arguments?.[0])
    return undefined
  })
  return thrown
}

describe('the registry of errors', () => {
  it('is in alphabetical order', () => {
    expect(codes).toEqual(alphabetical)
  })

  it('gives each code a status that HTTP knows and one sentence of advice', () => {
    for (const [code, { status, title, advice }] of Object.entries(REGISTRY)) {
      expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/)
      expect(status >= 400 && status < 600, code).toBe(true)
      expect(title, code).toMatch(/^[A-Z].*[^.]$/)
      expect(advice, code).toMatch(/^[A-Z][^.]*(\.\S[^.]*)*\.$/)
    }
  })

  it('has no code that nothing in the sources names', () => {
    const named = sourcesUnder('src')
      .filter(({ path }) => !path.endsWith('.test.ts') && path !== 'src/crypto/errors.ts')
      .map(({ text }) => text)
      .join('\n')
    expect(codes.filter((code) => !named.includes(`'${code}'`))).toEqual([])
  })

  it('is what docs/errors.md lists, code for code', () => {
    const rows = rowsOf(textOf('docs/errors.md') ?? '')
    expect(rows.map(({ code }) => code)).toEqual(alphabetical)
    const registered = Object.entries(REGISTRY).map(([code, { status, advice }]) => ({
      code,
      status,
      advice,
    }))
    expect(rows.map(({ code, status, advice }) => ({ code, status, advice }))).toEqual(registered)
    expect(rows.filter(({ when }) => !/^[A-Z].*\.$/.test(when ?? ''))).toEqual([])
  })

  it('holds every code that the sources throw', () => {
    const thrown = sourcesUnder('src').flatMap(codesThrown)
    expect(thrown.map(({ code }) => code)).toContain('internal')
    expect(thrown.filter(({ code }) => !codes.includes(code))).toEqual([])
  })
})

describe('the check of the registry', () => {
  it('finds the codes that are thrown', () => {
    const text = `throw new CountersignError('a', 'b')\nfail(new CountersignError(x ? 'c' : ('d'), 'e'))`
    expect(codesThrown(sourceOf('src/ledger/a.ts', text))).toEqual([
      { place: 'src/ledger/a.ts:1', code: 'a' },
      { place: 'src/ledger/a.ts:2', code: 'c' },
      { place: 'src/ledger/a.ts:2', code: 'd' },
    ])
  })

  it('reads the rows of a table', () => {
    expect(rowsOf('| code | status |\n|---|---|\n| `a-b` | 404 | When. | Do. |')).toEqual([
      { code: 'a-b', status: 404, when: 'When.', advice: 'Do.' },
    ])
  })
})
