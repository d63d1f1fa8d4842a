/** Contracts made of templates over HTTP, and templates made of contracts. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkTemplate } from '../../src/contract/template/check.ts'
import { differences } from '../../src/contract/template/difference.ts'
import { type Template, templateOf } from '../../src/contract/template/format.ts'
import { BundleVerifier } from '../../src/verify/verifier.ts'
import { type Answer, type RunningNodes, startNodes } from '../support/nodes.ts'

const file = new URL('../support/supplier-reports.json', import.meta.url)
const template = templateOf(JSON.parse(readFileSync(file, 'utf8')))
const code = (answer: Answer): string => answer.json<{ code: string }>().code

let nodes: RunningNodes
let parties: string[]
let roles: Record<string, string[]>
beforeAll(async () => {
  nodes = await startNodes(3)
  parties = nodes.all.map(({ party }) => party)
  roles = { coordinator: parties.slice(0, 1), supplier: parties.slice(1) }
})
afterAll(() => nodes.close())

describe('a contract of a template', () => {
  it('[TPL-2] is made, accepted and worked in by its rules, and comes out as a template again', async () => {
    const body = { name: 'Reports', document: template, roles }
    const made = await nodes.at(0).send('POST', '/api/contracts/from-template', body)
    expect(made.status).toBe(201)
    const { id } = made.json<{ id: string }>()
    await nodes.accepted(id)
    const report = `/records/${id}/Reports[1]/Stock`
    expect((await nodes.at(1).put(report, '10')).status).toBe(200)
    expect(code(await nodes.at(2).put(report, '11'))).toBe('rejected')
    expect(code(await nodes.at(1).put(`/records/${id}/Result/Reports`, '2'))).toBe('rejected')
    expect((await nodes.at(1).put(`/records/${id}/Reports[1]/Capacity`, '5')).status).toBe(200)
    expect((await nodes.at(1).put(`/records/${id}/Reports[1]/Done`, 'true')).status).toBe(200)

    const words = [
      ...parties.slice(0, 1).map((party) => `role=coordinator:${party}`),
      ...parties.slice(1).map((party) => `role=supplier:${party}`),
    ]
    const answer = await nodes.at(2).get(`/api/contracts/${id}/template?${words.join('&')}`)
    const { template: out, left } = answer.json<{ template: Template; left: string[] }>()
    expect(left).toEqual([])
    checkTemplate(templateOf(out))
    expect(
      differences({ ...template, rules: [], phases: [] }, { ...out, rules: [], phases: [] }).map(
        ({ what }) => what,
      ),
    ).toEqual([
      'name: “supplier-reports” → “reports”',
      expect.stringContaining('title'),
      expect.stringContaining('help'),
      'firstPhase: “preparing” → nothing',
      expect.stringContaining('role coordinator: title '),
      expect.stringContaining('role coordinator: help '),
      expect.stringContaining('role supplier: title '),
      expect.stringContaining('role supplier: help '),
    ])
    expect(out.rules.map(({ behaviour }) => behaviour.kind).sort()).toEqual(
      template.rules.map(({ behaviour }) => behaviour.kind).sort(),
    )

    const lines = (await nodes.at(0).get(`/api/contracts/${id}/export`)).text.trimEnd().split('\n')
    const verdictOf = (bundle: readonly string[]) => {
      const verifier = new BundleVerifier({ trusted: new Set(parties) })
      for (const line of bundle) verifier.line(line)
      return verifier.end()
    }
    expect(verdictOf(lines)).toMatchObject({ verdict: 'valid' })
    // What an entry says that rules came to is no ornament: who lacks a value goes by it.
    const altered = lines.map((line) =>
      JSON.parse(line).type === 'ledger-block'
        ? line.replace(/("results":\[\["[0-9a-f]+","[0-9a-f]+",)"[0-9a-f]{64}"/, `$1"${'ab'.repeat(32)}"`)
        : line,
    )
    expect(altered).not.toEqual(lines)
    expect(verdictOf(altered)).toMatchObject({ verdict: 'invalid', finding: { rule: 'RUL-7' } })
  })

  it('[TPL-1] is refused with the place where its template does not work, or a role has nobody', async () => {
    const send = (document: unknown, given: unknown = roles) =>
      nodes.at(0).send('POST', '/api/contracts/from-template', { name: 'x', document, roles: given })
    expect(code(await send({ ...template, version: 9 }))).toBe('bad-format')
    expect(code(await send('nothing'))).toBe('bad-format')
    expect(code(await send({ ...template, off: ['x'] }))).toBe('bad-template')
    expect(code(await send(template, { coordinator: parties.slice(0, 1) }))).toBe('bad-request')
    expect(code(await send(template, { ...roles, supplier: ['0'.repeat(64)] }))).toBe('unknown-party')
  })
})
