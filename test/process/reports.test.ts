/** Looking back from the command line, between two nodes: differences, histories, reports, signed ones and scheduled ones. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStore } from '../../src/cli/directory.ts'
import { Cluster, countersign, until } from '../support/processes.ts'

describe('looking back', () => {
  const root = mkdtempSync(join(tmpdir(), 'countersign-reports-'))
  const cluster = new Cluster(2, join(root, 'cluster'))
  const parties = () => cluster.nodes.map(({ party }) => party)
  let id = ''
  beforeAll(async () => {
    await cluster.start()
    id = await cluster.contract('slip', '{"Slip":{"Insured":"Pier 7","Amount":1.50,"Note":"=cmd()"}}')
    await cluster.node(1).put(id, 'Slip/Amount', '-1.75', { prefer: 'wait=60' })
    await cluster.node(0).put(id, 'Slip/Insured', 'Pier\u0007 8', { prefer: 'wait=60' })
    await cluster.equal(id, 2)
  })
  afterAll(async () => {
    await cluster.stop()
    rmSync(root, { recursive: true, force: true })
  })
  const run = (...args: string[]) => countersign(...args, '--data', cluster.node(0).directory)

  it('shows what changed, and by whom, without colours and without what a terminal obeys', () => {
    const { code, stdout, stderr } = run('contract', 'diff', 'slip', '--from', '0')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain('2 elements differ:')
    expect(stdout).toContain('~ /Slip/Amount  1.50 → -1.75\n    Party 2  ')
    expect(stdout).toContain('~ /Slip/Insured  Pier 7 → Pier\\u0007 8')
    expect(stdout).not.toContain('\u001b')
    expect(stdout).toMatch(/height 1 {2}request [0-9a-f]{12}/)
    const json = run('contract', 'diff', 'slip', '--from', '0', '--to', '1', '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({
      from: { height: 0 },
      to: { height: 1 },
      elements: [{ path: '/Slip/Amount', old: { value: '1.50' }, new: { value: '-1.75' } }],
    })
    expect(run('contract', 'diff', 'slip', '--from', '1', '--to', '1').stdout).toContain(
      'The documents are the same.',
    )
    for (const [from, word] of [
      ['soon', 'from: expected a time'],
      ['99', 'ledger block 99 is not final yet'],
      ['2001-01-01', 'did not exist yet'],
    ] as const) {
      const refused = run('contract', 'diff', 'slip', '--from', from)
      expect([refused.code, refused.stderr.includes(word)]).toEqual([2, true])
    }
  })

  it('shows the history of one element', () => {
    const { code, stdout } = run('contract', 'history', 'slip', 'Slip/Amount', '--refused')
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /\+ created {2}1\.50\n {4}the first document .*\n~ set {2}1\.50 → -1\.75\n {4}Party 2/,
    )
    expect(run('contract', 'history', 'slip', 'Slip/None').stderr).toContain('unknown-path')
  })

  it('reports as text, CSV and JSON', () => {
    expect(run('report').stdout).toContain('1 contract as of ')
    const { stdout } = run('report', '--format', 'csv', '--fields', 'Slip/Amount,/Slip/Note')
    const [header, ...rows] = stdout.trimEnd().split('\n')
    expect(header).toBe('contract,name,height,time,stage,record hash,members,path,type,value')
    expect(rows.map((row) => row.split(',').slice(-3).join())).toEqual([
      '/Slip/Amount,decimal,-1.75',
      "/Slip/Note,text,'=cmd()",
    ])
    const json = run('report', '--at', '2001-01-01', '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({ total: 0, leftOut: { notYet: 1 }, contracts: [] })
    expect(run('report', '--format', 'pdf').code).toBe(2)
    expect(run('report', '--signed').stderr).toContain('--output FILE')
    expect(run('report', '--contract', 'none').stderr).toContain('not-found')
  })

  it('[RPT-2] [RPT-6] signs a report that is verified with no node, and finds out what was altered', () => {
    const file = join(root, 'report.jsonl')
    expect(run('report', '-o', file).stdout).toContain('countersign verify report')
    const valid = countersign('verify', 'report', file, '--trust', ...parties())
    expect([valid.code, valid.stderr]).toEqual([0, ''])
    expect(valid.stdout).toContain('VALID')
    expect(valid.stdout).toContain('3 fields proved: the whole document')
    expect(countersign('verify', file, '--trust', ...parties()).code, 'told by its first line').toBe(0)
    const unknown = countersign('verify', 'report', file, '--trust', parties()[0] as string, '--json')
    expect(unknown.code).toBe(3)
    expect(JSON.parse(unknown.stdout)).toMatchObject({ verdict: 'unidentified', finding: { rule: 'RPT-6' } })
    writeFileSync(file, readFileSync(file, 'utf8').replace('"-1.75"', '"-1.76"'))
    const altered = countersign('verify', 'report', file, '--trust', ...parties())
    expect(altered.code).toBe(1)
    expect(altered.stdout).toContain('[VAL-2] field /Slip/Amount')
    writeFileSync(file, 'no report')
    expect(countersign('verify', 'report', file).code).toBe(2)
    expect(countersign('verify', 'report', join(root, 'none')).code).toBe(2)
  })

  it('writes reports by schedule: also what fell due while the node was off, once', async () => {
    const folder = join(root, 'reports')
    const added = run(
      'report',
      'schedule',
      'add',
      '--every',
      'day',
      '--at',
      '00:00',
      '--to',
      folder,
      '--fields',
      'Slip/Amount',
    )
    expect([added.code, added.stderr]).toEqual([0, ''])
    expect(added.stdout).toContain('daily: a signed report every day at 00:00 UTC')
    expect(run('report', 'schedule', 'list').stdout).toContain('daily')
    expect(
      run('report', 'schedule', 'add', '--every', 'day', '--at', '00:00', '--to', folder).stderr,
    ).toContain('conflict')
    expect(run('report', 'schedule', 'add', '--every', 'year', '--at', '00:00', '--to', folder).code).toBe(2)
    expect(run('report', 'schedule', 'add', '--every', 'day', '--at', '9am', '--to', folder).code).toBe(2)
    const node = cluster.node(0)
    await node.kill('SIGTERM')
    const store = openStore(node.directory)
    const [schedule] = JSON.parse(store.setting('report-schedules') ?? '[]')
    // As if the node had stood still for five days.
    const kept = { ...schedule, addedMs: schedule.addedMs - 5 * 86_400_000 }
    store.write([{ kind: 'setting', key: 'report-schedules', value: JSON.stringify([kept]) }])
    store.close()
    await node.start()
    await until('the report is there', async () =>
      readdirSync(folder).some((name) => name.endsWith('.jsonl')),
    )
    expect(readdirSync(folder)).toEqual([`daily-${new Date().toISOString().slice(0, 10)}.jsonl`])
    const file = join(folder, readdirSync(folder)[0] as string)
    expect(countersign('verify', 'report', file, '--trust', ...parties()).code).toBe(0)
    expect(run('report', 'schedule', 'remove', 'daily').code).toBe(0)
    expect(run('report', 'schedule', 'list').stdout).toContain('No schedules yet')
    expect(run('report', 'schedule', 'remove', 'daily').code).toBe(2)
  })
})
