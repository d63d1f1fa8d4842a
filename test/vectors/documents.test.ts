/** Real documents, read from the folder of samples beside the project where it is present. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fromJson } from '../../src/document/from-json.ts'
import { fromXml } from '../../src/document/from-xml.ts'
import { formatPath, nodeAccessor, parsePath, pathOf, resolvePath } from '../../src/document/path.ts'
import { toJson } from '../../src/document/to-json.ts'
import { toXml } from '../../src/document/to-xml.ts'
import type { DocumentNode } from '../../src/document/tree.ts'
import { canonicalXml } from '../support/canonical-xml.ts'

const samples = resolve(import.meta.dirname, '../../../shared/samples')

function filesOf(folder: string): string[] {
  const path = resolve(samples, folder)
  return existsSync(path) ? readdirSync(path).map((file) => resolve(path, file)) : []
}

function named(files: readonly string[]): [string, string][] {
  return files.map((file) => [file.slice(samples.length + 1), file])
}

function expectEveryPathResolves(root: DocumentNode): void {
  const visit = (chain: DocumentNode[]) => {
    const node = chain[chain.length - 1] as DocumentNode
    expect(resolvePath(nodeAccessor, root, parsePath(formatPath(pathOf(nodeAccessor, chain))))).toBe(node)
    for (const child of nodeAccessor.children(node)) visit([...chain, child])
  }
  visit([root])
}

function whiteSpaceFields(node: DocumentNode): number {
  if (node.kind === 'field') return node.name === '#space' || node.name === '#indent' ? 1 : 0
  return node.children.reduce((sum, child) => sum + whiteSpaceFields(child), 0)
}

describe.each([
  ['UBL', 'ubl'],
  ['EPCIS', 'epcis'],
])('%s samples', (_name, folder) => {
  const files = filesOf(folder)
  it('are present, or their tests do not run', (context) => {
    if (files.length === 0) context.skip(`no samples at ${folder} beside the project`)
    expect(files.length).toBeGreaterThan(0)
  })

  if (folder === 'ubl' && files.length > 0) {
    it.each(named(files))(
      '%s is equal after canonicalisation and has one white space rule',
      (_file, path) => {
        const bytes = readFileSync(path)
        const tree = fromXml(bytes)
        const written = toXml(tree)
        expect(canonicalXml(written)).toBe(canonicalXml(bytes.toString('utf8')))
        expect(fromXml(written)).toEqual(tree)
        expect(whiteSpaceFields(tree)).toBe(1)
        expectEveryPathResolves(tree)
      },
    )
  }

  if (folder === 'epcis' && files.length > 0) {
    it.each(named(files))('%s is equal as JSON, order included', (_file, path) => {
      const source = readFileSync(path, 'utf8')
      const tree = fromJson(source)
      expect(toJson(tree)).toBe(JSON.stringify(JSON.parse(source)))
      expectEveryPathResolves(tree)
      expect(() => fromXml(toXml(tree))).not.toThrow()
    })
  }
})
