/** Rules, proposals, locks and phases by the command, between real processes. */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, COMMAND, countersign, type ProcessNode, pause } from '../support/processes.ts'

let cluster: Cluster
let id: string
const DOCUMENT =
  '{"Slip": {"Insured": "Pier 7", "Premium": {"Amount": 1000, "Rate": 2.5, "Due": 0.0}, "Lines": [{"Who": "a", "Share": 60}], "War": {"Rate": 1}}}'
beforeAll(async () => {
  cluster = new Cluster(2)
  await cluster.start()
  id = await cluster.contract('slip', DOCUMENT)
})
afterAll(() => cluster.stop())

type Ran = { code: number; stdout: string; stderr: string }

/** The command as a person runs it, while this process goes on. */
function run(node: ProcessNode, ...args: string[]): Promise<Ran> {
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

const json = async <T>(node: ProcessNode, ...args: string[]): Promise<T> =>
  JSON.parse(await ran(node, ...args, '--json')) as T

type Draft = { uid: string; sentence: string; agreed: boolean }
type Rules = { phase: string; rules: { uid: string; sentence: string }[]; drafts: Draft[] }

/** Waits until both hold the same as final. */
const settled = () => cluster.equal(id, 0)

describe('rules', () => {
  it('[RUL-2] are drafted by menus, read as sentences, voted on and published', async () => {
    const [acme, borg] = [cluster.node(0), cluster.node(1)]
    const file = join(cluster.root, 'rule.json')
    writeFileSync(file, '{"path": "Slip/Lines/Share", "behaviour": {"kind": "limits", "min": "0"}}')
    const menus = [
      ['--range', 'Slip/Premium/Rate', '--max', '5'],
      ['--required', 'Slip/Insured'],
      ['--one-of', 'Slip/Insured', '--value', 'Pier 7', 'Pier 8'],
      ['--length', 'Slip/Insured', '--max', '20'],
      ['--pattern', 'Slip/Insured', '--like', 'Pier [0-9]'],
      ['--unique', 'Slip/Lines', '--key', 'Who'],
      ['Slip', '--constraint', 'sum(Lines.Share) <= 100', '--message', 'lines come to 100 at most'],
      ['Slip/War', '--only', 'Party 1', '--may', 'propose,add', '--set', 'war'],
      ['Slip/Lines', '--owner', 'Party 2'],
      ['--compute', 'Slip/Premium/Due', '=', 'Amount * Rate / 100'],
      ['--when', '_.Slip.Premium.Amount > 500', '--show', 'Slip/War'],
      ['--approve', 'Slip/Premium/Amount', '--by', 'Party 1', 'Party 2'],
      ['--phases', 'quoted,bound'],
      ['--from', file],
    ]
    for (const menu of menus) {
      const out = await ran(acme, 'rule', 'draft', 'slip', ...menu)
      expect(out).toMatch(/✓ final at height \d+, accepted/)
      expect(out).toMatch(/waiting for {2}Party 2\n/)
      expect(out).toContain(`countersign rule vote ${id.slice(0, 12)} `)
    }
    await settled()
    const { drafts } = await json<Rules>(borg, 'rule', 'list', 'slip')
    expect(drafts.map(({ sentence }) => sentence).sort()).toEqual([
      'In Slip: the sum of Share of Lines is at most 100 (lines come to 100 at most).',
      'No two of Slip › Lines have the same Who.',
      'Only Party 1 may change or add to Slip › War.',
      'Only Party 2 adds and removes in Slip › Lines, without needing a lock.',
      'Slip › Insured has at most 20 characters.',
      'Slip › Insured is never left empty once it was given.',
      'Slip › Insured is one of “Pier 7” or “Pier 8”.',
      'Slip › Insured is written as the pattern Pier [0-9].',
      'Slip › Lines › Share is at least 0.',
      'Slip › Premium › Amount is agreed once Party 1 and Party 2 have said yes.',
      'Slip › Premium › Due is computed and typed by nobody: it is Amount times Rate divided by 100.',
      'Slip › Premium › Rate is at most 5.',
      'Slip › War is there only while Amount of Premium of Slip is greater than 500.',
      'The phases after “edit” are “quoted”, “bound”; every member may move the contract on.',
    ])
    for (const { uid } of drafts) await ran(borg, 'rule', 'vote', 'slip', uid.slice(0, 12), 'yes')
    await settled()
    expect(await ran(acme, 'rule', 'publish', 'slip')).toContain('accepted')
    await settled()
    const listed = await ran(borg, 'rule', 'list', 'slip', 'Slip/Premium/Rate')
    expect(listed).toContain('Slip › Premium › Rate is at most 5.')
    expect(listed).not.toContain('Insured')
    const { rules, phase } = await json<Rules>(acme, 'rule', 'list', 'slip')
    expect([rules.length, phase]).toEqual([menus.length, 'live'])
    expect(await ran(borg, 'contract', 'show', 'slip')).toMatch(/Due {2}25\n/)
  })

  it('say what is wrong with them before anything is signed', async () => {
    const node = cluster.node(0)
    const wrong = async (...args: string[]) => {
      const { code, stderr } = await run(node, 'rule', 'draft', 'slip', ...args)
      expect([args.join(' '), code]).toEqual([args.join(' '), 2])
      return stderr
    }
    expect(await wrong('Slip', '--constraint', 'Insured >', '--message', 'm')).toMatch(
      /At position \d+: .*\(bad-expression\)/,
    )
    expect(await wrong('--required', 'Slip/Nothing')).toContain('(bad-rule)')
    expect(await wrong('--required', 'Slip/Insured', '--transfer', 'Slip/Insured')).toContain('make several')
    expect(await wrong()).toContain('say what the rule is')
    expect(await wrong('--range', 'Slip/Premium/Rate')).toContain('--min, --max or both')
    expect(await wrong('Slip', '--only', 'Party 9', '--may', 'add')).toContain(
      'knows no party in this contract',
    )
  })

  it('stand against what breaks them, with their words', async () => {
    const node = cluster.node(1)
    const { code, stderr } = await run(node, 'contract', 'set', 'slip', 'Slip/Premium/Rate', '6')
    expect(code).toBe(2)
    expect(stderr).toContain('/Slip/Premium/Rate')
    expect(stderr).toContain('the rule: Slip › Premium › Rate is at most 5.')
    expect((await run(node, 'contract', 'set', 'slip', 'Slip/War/Rate', '2')).stderr).toContain(
      'access-denied',
    )
  })
})

describe('proposals, phases, what is settled', () => {
  it('[RUL-5] a value waits for the others’ yes', async () => {
    const [acme, borg] = [cluster.node(0), cluster.node(1)]
    const set = await ran(acme, 'contract', 'set', 'slip', 'Slip/Premium/Amount', '2000')
    expect(set).toContain('proposal  /Slip/Premium/Amount = 2000')
    expect(set).toContain('waiting for  Party 2')
    await settled()
    expect(await ran(borg, 'proposal', 'list', 'slip')).toContain('/Slip/Premium/Amount = 2000')
    const status = await ran(borg, 'contract', 'status', 'slip', 'Slip/Premium')
    expect(status).toMatch(/\/Slip\/Premium\/Amount +final +open +– +Party 2\n/)
    expect(status).toMatch(/\/Slip\/Premium\/Rate +final +by rules +– +–\n/)
    await ran(borg, 'proposal', 'vote', 'slip', 'Slip/Premium/Amount', 'yes')
    await settled()
    expect(await ran(acme, 'contract', 'show', 'slip')).toMatch(/Amount {2}2000\n/)
    expect(await ran(acme, 'contract', 'status', 'slip', 'Slip/Premium/Amount')).toContain('by votes')
    expect(await ran(acme, 'proposal', 'list', 'slip')).toContain('no proposal is open')
  })

  it('[RUL-8] [RUL-10] it goes from phase to phase, and is settled by all', async () => {
    const [acme, borg] = [cluster.node(0), cluster.node(1)]
    expect(await ran(acme, 'phase', 'slip')).toContain('slip is in the phase live  (quoted → bound)')
    await ran(acme, 'phase', 'slip', 'quoted')
    await settled()
    expect(await ran(borg, 'phase', 'slip')).toContain('in the phase quoted')
    expect((await run(borg, 'phase', 'slip', 'nowhere')).stderr).toContain('wrong-phase')
    expect(await ran(acme, 'settle', 'slip')).toContain('waiting for  Party 2')
    await settled()
    expect(await ran(borg, 'settle', 'slip')).toContain('settled: every member has confirmed it')
    await settled()
    expect(await ran(acme, 'settle', 'slip', '--show')).toContain('settled')
    const { elements } = await json<{ elements: { tier: number }[] }>(acme, 'contract', 'status', 'slip')
    expect(elements.every(({ tier }) => tier === 3)).toBe(true)
  })
})

describe('locks', () => {
  it('[RUL-9] are taken, told about, waited for and released', async () => {
    const [acme, borg] = [cluster.node(0), cluster.node(1)]
    expect(await ran(acme, 'lock', 'take', 'slip', 'Slip/War', '--for', '5m')).toMatch(
      /✓ Slip\/War is locked until 20.*, held since height \d+/,
    )
    await settled()
    expect(await ran(borg, 'lock', 'list', 'slip')).toMatch(/\/Slip\/War +Party 1 +20/)
    const refused = await run(borg, 'lock', 'take', 'slip', 'Slip/War', '--no-wait')
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringMatching(/\/Slip\/War is locked by Party 1 until 20.*\(locked\)/),
    ])
    const waiting = run(borg, 'lock', 'take', 'slip', 'Slip/War', '--for', '90s')
    await pause(1500)
    expect(await ran(acme, 'lock', 'renew', 'slip', 'Slip/War', '--for', '10m')).toContain('is locked until')
    expect(await ran(acme, 'lock', 'release', 'slip', 'Slip/War')).toContain('accepted')
    const { code, stdout } = await waiting
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/locked by Party 1[^\n]*; waiting\n(.*\n)*✓ Slip\/War/),
    ])
    const { locks } = await json<{ locks: { by: { name: string } }[] }>(acme, 'lock', 'list', 'slip')
    expect(locks).toMatchObject([{ by: { name: 'Party 2' } }])
    const over = await run(acme, 'lock', 'take', 'slip', 'Slip/War', '--patience', '1s', '--json')
    expect([over.code, JSON.parse(over.stderr)]).toMatchObject([
      2,
      { code: 'locked', context: { holder: { name: 'Party 2' }, path: '/Slip/War' } },
    ])
    await ran(borg, 'lock', 'release', 'slip', 'Slip/War')
  })

  it('leaves what verifies', async () => {
    const [acme, borg] = [cluster.node(0), cluster.node(1)]
    await settled()
    expect(await ran(acme, 'contract', 'check', 'slip')).toContain('✓')
    const file = join(cluster.root, 'slip.bundle')
    await ran(acme, 'export', 'slip', '-o', file)
    const verified = countersign('verify', file, '--trust', acme.party, borg.party)
    expect([verified.code, verified.stderr]).toEqual([0, ''])
  })
})
