/**
 * Other people's documents, through the API of one node, edited from a second, read from a third. They lie beside the
 * checkout, not in it: elsewhere these cases are skipped.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { canonicalXml } from '../support/canonical-xml.ts'
import { Cluster } from '../support/processes.ts'

const SAMPLES = join('..', 'shared', 'samples')
const filesOf = (folder: string): string[] => {
  const directory = join(SAMPLES, folder)
  return existsSync(directory) ? readdirSync(directory).sort() : []
}
const cluster = new Cluster(3)

beforeAll(() => cluster.start(), 60_000)
afterAll(() => cluster.stop())

async function get(node: number, contract: string, accept: string, path = ''): Promise<string> {
  const response = await cluster
    .node(node)
    .client.fetch(`/records/${contract}${path}`, { headers: { accept } })
  return response.text()
}

/** The first leaf with plain text under a block: its path as the node itself names it. */
type Element = {
  name: string
  kind: string
  type?: string
  value?: unknown
  path?: string
  children?: Element[]
}

function firstText(element: Element): Element | undefined {
  if (element.kind === 'field')
    return element.type === 'text' && !/^[@#?]/.test(element.name) && element.path ? element : undefined
  for (const child of element.children ?? []) {
    const found = firstText(child)
    if (found) return found
  }
  return undefined
}

async function editAndReadBack(contract: string): Promise<void> {
  const { root } = await cluster.node(1).client.get<{ root: Element }>(`/api/contracts/${contract}/full`)
  const leaf = firstText(root) as Element
  expect(leaf?.path).toBeTypeOf('string')
  const path = (leaf.path as string)
    .split('/')
    .filter((segment) => segment !== '')
    .map(encodeURIComponent)
    .join('/')
  const { status } = await cluster.node(1).put(contract, path, 'edited & <checked>', { prefer: 'wait=30' })
  expect(status).toBe(200)
  await cluster.equal(contract, 1)
  expect(await cluster.node(2).read(contract, path)).toBe('edited & <checked>')
  const back = await cluster.node(0).put(contract, path, String(leaf.value), { prefer: 'wait=30' })
  expect(back.status).toBe(200)
  await cluster.equal(contract, 2)
}

describe('UBL documents', () => {
  for (const file of filesOf('ubl'))
    it(`${file} comes back equal after canonical XML`, { timeout: 120_000 }, async () => {
      const xml = readFileSync(join(SAMPLES, 'ubl', file), 'utf8')
      const contract = await cluster.agree(JSON.stringify({ name: file, xml }))
      const wanted = canonicalXml(xml)
      for (const node of [0, 1, 2])
        expect(canonicalXml(await get(node, contract, 'application/xml'))).toBe(wanted)
      await editAndReadBack(contract)
      expect(canonicalXml(await get(2, contract, 'application/xml'))).toBe(wanted)
    })
  it('are there', (context) => {
    if (filesOf('ubl').length === 0) context.skip('../shared/samples/ubl is not on this machine')
    expect(filesOf('ubl').length).toBeGreaterThan(0)
  })
})

describe('EPCIS documents', () => {
  for (const file of filesOf('epcis'))
    it(`${file} comes back with the same values, types and order`, { timeout: 120_000 }, async () => {
      const text = readFileSync(join(SAMPLES, 'epcis', file), 'utf8')
      const contract = await cluster.agree(`{"name":${JSON.stringify(file)},"document":${text}}`)
      const wanted = JSON.stringify(JSON.parse(text))
      for (const node of [0, 1, 2])
        expect(JSON.stringify(JSON.parse(await get(node, contract, 'application/json')))).toBe(wanted)
      await editAndReadBack(contract)
      expect(JSON.stringify(JSON.parse(await get(2, contract, 'application/json')))).toBe(wanted)
    })
  it('are there', (context) => {
    if (filesOf('epcis').length === 0) context.skip('../shared/samples/epcis is not on this machine')
    expect(filesOf('epcis').length).toBeGreaterThan(0)
  })
})
