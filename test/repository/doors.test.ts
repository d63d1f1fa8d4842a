import { describe, expect, it } from 'vitest'
import { doorFaults, PURE_ROOMS, ROOMS } from './doors.ts'
import { purityFaults } from './purity.ts'
import { isTest, sourceOf, sourcesUnder, textOf } from './sources.ts'

const sources = sourcesUnder('src')

const PROVIDER = 'src/crypto/provider.ts'

describe('the rooms of src/', () => {
  it('are looked at', () => {
    expect(sources.map(({ path }) => path)).toContain('src/crypto/errors.ts')
  })

  it('import only what their row of the table allows', () => {
    expect(sources.flatMap((source) => doorFaults(source))).toEqual([])
  })

  it('are pure where the table says so', () => {
    const pure = sources.filter(({ path }) => PURE_ROOMS.includes(path.split('/')[1] ?? '') && !isTest(path))
    expect(pure.flatMap(purityFaults).filter((fault) => !allowedInProvider(fault))).toEqual([])
  })

  it('name only libraries that are dependencies of the package', () => {
    const { dependencies } = JSON.parse(textOf('package.json') ?? '')
    const named = new Set(Object.values(ROOMS).flatMap(({ libraries }) => libraries))
    expect([...named].filter((library) => !(library in dependencies))).toEqual([])
  })

  it('have doors in one direction only', () => {
    const above = (name: string, seen: string[] = []): string[] =>
      seen.includes(name)
        ? [...seen, name]
        : (ROOMS[name]?.rooms ?? []).flatMap((next) => above(next, [...seen, name]))
    expect(Object.keys(ROOMS).flatMap((name) => above(name))).toEqual([])
  })
})

/** The seam to node:crypto may turn bytes into Buffers and back. */
function allowedInProvider(fault: string): boolean {
  return fault.startsWith(`${PROVIDER}:`) && fault.endsWith('uses the global Buffer')
}

describe('the check of the doors', () => {
  const faults = (path: string, text: string) => doorFaults(sourceOf(path, text))

  it.each([
    ['a room above', 'src/crypto/a.ts', `import { x } from '../ledger/x.ts'`],
    ['a room above, for its types', 'src/ledger/a.ts', `import type { X } from '../contract/x.ts'`],
    ['an import type', 'src/ledger/a.ts', `type X = import('../contract/x.ts').X`],
    ['a re-export', 'src/ledger/a.ts', `export { x } from '../contract/x.ts'`],
    ['a re-export of all', 'src/ledger/a.ts', `export * from '../contract/x.ts'`],
    ['a dynamic import', 'src/consensus/a.ts', `const x = await import('../store/x.ts')`],
    ['a computed import', 'src/cli/a.ts', 'const x = await import(name)'],
    ['a require', 'src/consensus/a.ts', `const x = require('../store/x.ts')`],
    ['an import for its effect', 'src/consensus/a.ts', `import '../contract/x.ts'`],
    ['a test that looks upwards', 'src/crypto/a.test.ts', `import { x } from '../ledger/x.ts'`],
    ['the tests, from a source', 'src/cli/a.ts', `import { x } from '../../test/support.ts'`],
    ['a file outside src/', 'src/node/a.ts', `import { x } from '../../bench/x.ts'`],
    ['consensus from the auditor', 'src/verify/a.ts', `import { x } from '../consensus/x.ts'`],
    ['a built-in in a pure room', 'src/ledger/a.ts', `import { readFileSync } from 'node:fs'`],
    ['node:crypto beside the provider', 'src/crypto/hash.ts', `import { hash } from 'node:crypto'`],
    ['another built-in in the provider', PROVIDER, `import { readFileSync } from 'node:fs'`],
    ['a built-in without prefix', 'src/node/a.ts', `import fs from 'fs'`],
    ['a library that is not listed', 'src/ledger/a.ts', `import { z } from 'zod'`],
    ['a part of a library that is not listed', 'src/ledger/a.ts', `import x from '@peculiar/x509/y'`],
    ['a test library in a source', 'src/ledger/a.ts', `import fc from 'fast-check'`],
    ['a room that does not exist', 'src/utilities/a.ts', ''],
    ['a file in no room', 'src/index.ts', ''],
  ])('refuses %s', (_, path, text) => {
    expect(faults(path, text)).toHaveLength(1)
    expect(faults(path, text)[0]).toContain(path)
  })

  it.each([
    ['its own room', 'src/crypto/a.ts', `import { x } from './x.ts'`],
    ['a room below', 'src/contract/a.ts', `import { x } from '../ledger/x.ts'`],
    ['a listed library', 'src/document/a.ts', `import { SaxesParser } from 'saxes'`],
    ['node:crypto in the provider', PROVIDER, `import { hash } from 'node:crypto'`],
    ['built-ins in a room with I/O', 'src/store/a.ts', `import { open } from 'node:fs/promises'`],
    [
      'built-ins and tools in a test',
      'src/ledger/a.test.ts',
      `import 'node:fs'; import 'vitest'; import 'fast-check'`,
    ],
    [
      'what only looks like an import',
      'src/ledger/a.ts',
      `// import '../node/x.ts'\nconst x = "import 'zod'"`,
    ],
  ])('lets through %s', (_, path, text) => {
    expect(faults(path, text)).toEqual([])
  })
})

describe('the check of purity', () => {
  const faults = (text: string) => purityFaults(sourceOf('src/ledger/a.ts', text))

  it.each([
    'const t = Date.now()',
    'const t = new Date()',
    'const t = new Date',
    'const t = Date()',
    'const t = new Date(...parts)',
    'const t = new Date(2020, 1, 1)',
    'const D = Date',
    `const t = Date['now']()`,
    'const r = Math.random()',
    `const r = Math['random']()`,
    'const { random } = Math',
    'const l = Math.log2(n)',
    'const t = performance.now()',
    'setTimeout(f, 1)',
    'const later = setTimeout',
    'const e = process.env.HOME',
    'const o = { process }',
    'await fetch(url)',
    'const t = globalThis.Date',
    'crypto.getRandomValues(bytes)',
    `const b = Buffer.from('00', 'hex')`,
    'class Log extends Intl.Collator {}',
    `console.log('x')`,
    'export { process }',
    'const u = import.meta.url',
    'names.sort((a, b) => a.localeCompare(b))',
    'const day = new Date(timeMs).getDate()',
    'function f(now = Date.now()) {}',
  ])('refuses %s', (text) => {
    expect(faults(text)).toHaveLength(1)
    expect(faults(text)[0]).toMatch(/^src\/ledger\/a\.ts:1 /)
  })

  it.each([
    'const t = new Date(timeMs).toISOString()',
    'const t = Date.UTC(2020, 1, 1)',
    'const t = Date.parse(text)',
    'const y = new Date(timeMs).getUTCFullYear()',
    'const d = value instanceof Date',
    'const m = Math.max(1, Math.floor(x))',
    'function step(process: Process) { return process.next }',
    'const key = card.crypto',
    'const o = { fetch: 1, process: 2 }',
    'type B = Buffer',
    'interface Clock { performance: number; setTimeout(): void }',
    '// Date.now() and process.env\nconst s = "fetch(x)"',
  ])('lets through %s', (text) => {
    expect(faults(text)).toEqual([])
  })
})
