/** Templates by the command, between real processes: made a contract of, upgraded by vote, included, exported, compared. */
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Template, templateHash } from '../../src/contract/template/format.ts'
import { Cluster, COMMAND, type ProcessNode, until } from '../support/processes.ts'
import { nextOf, order, rule } from '../support/small-order.ts'

let cluster: Cluster
let id: string
let first: string
let second: string
const casting = ['--role', 'buyer=Party 1', 'seller=Party 2', 'carrier=Party 2']
const next = nextOf(order, (to) => {
  to.tree.push({ name: 'Discount', kind: 'field', type: 'decimal', label: 'Discount' })
  to.rules.push(rule('discount', 'seller', ['Discount'], { kind: 'limits', max: '5' }))
  const [, limits] = to.rules
  if (limits?.behaviour.kind === 'limits') limits.behaviour.min = '10'
})
beforeAll(async () => {
  cluster = new Cluster(2)
  await cluster.start()
  first = join(cluster.root, 'small-order.json')
  second = join(cluster.root, 'small-order-2.json')
  writeFileSync(first, JSON.stringify(order))
  writeFileSync(second, JSON.stringify(next))
  const made = await ran(cluster.node(0), 'contract', 'create', '--template', first, ...casting, '--json')
  ;({ id } = JSON.parse(made) as { id: string })
  await until('the invitation arrives', async () => (await cluster.node(1).contract(id)) !== undefined)
  await ran(cluster.node(1), 'contract', 'accept', id)
  await cluster.equal(id, 0)
})
afterAll(() => cluster.stop())

/** The command as a person runs it, while this process goes on. */
function run(
  node: ProcessNode,
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((done) => {
    const options = { env: { ...process.env, NO_COLOR: '1' } }
    execFile(
      process.execPath,
      [COMMAND, ...args, '--data', node.directory],
      options,
      (error, stdout, stderr) =>
        done({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    )
  })
}

async function ran(node: ProcessNode, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(node, ...args)
  expect([args.join(' '), code, stderr]).toEqual([args.join(' '), 0, ''])
  return stdout
}

/** The id of the request, as the command says it behind “rule vote”. */
function requestIn(printed: string): string {
  const found = /countersign rule vote [0-9a-f]{12} ([0-9a-f]{12}) yes/.exec(printed)?.[1]
  expect(found).toBeDefined()
  return found as string
}

/** Without `--data`, which these commands do not take. */
function compared(...args: string[]): Promise<string> {
  return new Promise((done) => {
    const options = { env: { ...process.env, NO_COLOR: '1' } }
    execFile(process.execPath, [COMMAND, 'template', 'diff', ...args], options, (_, stdout) => done(stdout))
  })
}

describe('a contract of a template', () => {
  it('[TPL-4] is upgraded to the next edition once both have said yes to all of it', async () => {
    const [acme, borg] = [cluster.node(0), cluster.node(1)]
    expect(await compared(first, second)).toBe(
      [
        'small-order, edition 1 → small-order, edition 2, which comes next',
        '+ Discount (decimal)',
        '~ rule price-from: min “1” → “10”',
        '+ rule discount: What discount is for.\n',
      ].join('\n'),
    )
    const shown = await ran(acme, 'template', 'upgrade', second, '--contract', id, '--dry-run')
    expect(shown).toMatch(/small-order, edition 1 → edition 2, for the contract small-order\n/)
    expect(shown).toMatch(/ {2}buyer {4}Party 1\n {2}seller {3}Party 2\n {2}carrier {2}Party 2\n/)
    expect(shown).toMatch(/At once\n {2}\+ \/Discount {2}decimal\n/)
    expect(shown).toContain(
      '~ price-from  Price is at least 10. This takes the place of: Price is at least 1.',
    )
    expect(shown).toContain('+ discount  Discount is at most 5.')
    expect(shown).toContain('Nothing has been sent.')
    expect(await ran(acme, 'rule', 'list', id)).not.toContain('draft')

    const sent = await ran(acme, 'template', 'upgrade', second, '--contract', id)
    expect(sent).toContain('They say yes to all 3 drafts:')
    const request = requestIn(sent)
    await cluster.equal(id, 0)
    const listed = await ran(borg, 'rule', 'list', id)
    expect(listed).toContain(`all 3 of them:  countersign rule vote ${id.slice(0, 12)} ${request} yes|no`)
    const early = await run(acme, 'rule', 'publish', id, request)
    expect([early.code, early.stderr]).toEqual([2, expect.stringContaining('not-agreed')])
    await ran(borg, 'rule', 'vote', id, request, 'yes')
    await cluster.equal(id, 0)
    expect(await ran(borg, 'rule', 'publish', id, request)).toContain('accepted')
    await cluster.equal(id, 0)
    const low = await run(acme, 'contract', 'set', id, 'Discount', '6')
    expect([low.code, low.stderr]).toEqual([2, expect.stringContaining('Discount is at most 5.')])
    const again = await run(acme, 'template', 'upgrade', second, '--contract', id)
    expect(again.stderr).toContain('The block is of edition 2 of small-order already.')
  })

  it('[TPL-4] says what is missing where an edition does not follow', async () => {
    const node = cluster.node(0)
    const { ancestor: _, ...rest } = next
    const file = join(cluster.root, 'other.json')
    writeFileSync(file, JSON.stringify({ ...rest, edition: 1 } satisfies Template))
    expect((await run(node, 'template', 'upgrade', file, '--contract', id)).stderr).toContain(
      'names no ancestor, so it comes after no edition',
    )
    writeFileSync(file, JSON.stringify({ ...next, ancestor: 'a'.repeat(64) }))
    expect((await run(node, 'template', 'upgrade', file, '--contract', id)).stderr).toContain(
      'name its file with --from',
    )
    const args = ['template', 'upgrade', file, '--contract', id, '--from', first]
    expect((await run(node, ...args)).stderr).toMatch(
      /was not made of edition 1 of small-order.*made of edition 2/,
    )
  })

  it('[TPL-2] [TPL-5] has another included, which comes out as the next edition', async () => {
    const [acme, borg] = [cluster.node(0), cluster.node(1)]
    const place = ['--contract', id, '--name', 'Annex']
    const sent = await ran(borg, 'template', 'include', first, ...place, ...casting)
    expect(sent).toMatch(/small-order, edition 1, as \/Annex of the contract small-order\n/)
    expect(sent).toContain('+ /Annex/Quantity  integer')
    const request = requestIn(sent)
    await cluster.equal(id, 0)
    await ran(acme, 'rule', 'vote', id, request, 'yes')
    await ran(acme, 'rule', 'publish', id, request)
    await cluster.equal(id, 0)
    expect((await run(acme, 'contract', 'set', id, 'Annex/Price', '0.5')).code).toBe(2)

    const file = join(cluster.root, 'annex.json')
    const exported = await ran(
      acme,
      'template',
      'export',
      id,
      '--block',
      'Annex',
      '--from',
      first,
      '-o',
      file,
    )
    expect(exported).toContain('small-order, edition 2, 3 rules')
    const out = JSON.parse(readFileSync(file, 'utf8')) as Template
    expect(out.ancestor).toBe(templateHash(order))
    expect(out.rules.map(({ name }) => name)).toEqual(order.rules.map(({ name }) => name))
    expect(out.roles).toEqual(order.roles)
    const twice = await run(acme, 'template', 'include', first, ...place, ...casting)
    expect(twice.stderr).toContain('has an element "Annex" already')
  })
})
