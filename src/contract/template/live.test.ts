import { describe, expect, it } from 'vitest'
import { Agreement } from '../../../test/support/agreement.ts'
import { seededRandom } from '../../../test/support/contract.ts'
import { castOf, Play, templateFile } from '../../../test/support/play.ts'
import { element, restoreState } from '../state.ts'
import { checkTemplate } from './check.ts'
import { differences } from './difference.ts'
import { type ExportOptions, exportTemplate, keyOf } from './export.ts'
import { type Template, templateHash } from './format.ts'
import { include } from './instantiate.ts'
import type { Casting } from './roles.ts'
import { upgrade } from './upgrade.ts'

const accepted = { outcome: 'accepted' }
const random = seededRandom('templates')
const timeMs = 1_700_000_000_000
const slipRoles = { broker: 'Acme', insured: 'Mill', lead: 'Lead', follower: ['First', 'Second'] }
const hostRoles = { registrar: 'Acme', site: ['Lead', 'First'] }

function castingOf(roles: Record<string, string | string[]>): Casting {
  return { cast: castOf(roles), timeMs }
}

/** The options of an export that gives every role to who has it. */
function optionsOf(
  template: Template,
  play: Agreement,
  roles: Record<string, string | string[]>,
): ExportOptions {
  const { name, title, help } = template
  const cast = castOf(roles)
  return {
    at: play.state.rootUid,
    name,
    title,
    help,
    timeMs,
    like: template,
    roles: template.roles.map((role) => ({ ...role, parties: cast[role.name] ?? [] })),
  }
}

describe('a contract made of a template', () => {
  it('[TPL-2] [TPL-3] says which one it was made of, by hash and edition', () => {
    const play = Play.of('facultative-slip', slipRoles)
    const template = templateFile('facultative-slip')
    expect(element(play.state, play.state.rootUid)?.template).toEqual({
      hash: templateHash(template),
      edition: 1,
    })
    expect(play.phaseNow).toBe('drafting')
  })

  it('[TPL-2] has its rules belong to the parties of their roles', () => {
    const play = Play.of('facultative-slip', slipRoles)
    const { law } = play.state.governance
    expect(law.rules.get(play.ruleUid('limit-needed'))?.owner).toBe(play.party('Lead'))
    expect(law.rules.get(play.ruleUid('terms-by-broker'))?.owner).toBe(play.party('Acme'))
  })

  it.each([
    'accounting-attestation',
    'bank-exposure-register',
    'car-hire-rate-card',
    'facultative-slip',
    'health-record',
    'order-to-invoice',
    'service-registry',
    'supply-chain-clean-room',
  ])('[TPL-5] %s comes out of a contract as it went in, with nothing left over', (name) => {
    const template = templateFile(name)
    const names = template.roles.flatMap((role) =>
      role.repeated ? [`${role.name} 1`, `${role.name} 2`] : [role.name],
    )
    const roles = Object.fromEntries(
      template.roles.map((role) => [role.name, names.filter((one) => one.startsWith(role.name))]),
    )
    const outside = template.roles.filter((role) => role.observer).map((role) => role.name)
    const play = Play.of(name, roles, outside)
    const { template: out, left } = exportTemplate(play.state, play.openings, {
      ...optionsOf(template, play, roles),
      values: true,
    })
    checkTemplate(out)
    expect(left).toEqual([])
    expect(differences(template, out)).toEqual([])
    expect(out).toMatchObject({ edition: 2, ancestor: templateHash(template) })
  })
})

describe('an export', () => {
  it('[TPL-5] holds no values and no parties unless asked, and gives a role to who has none', () => {
    const play = Play.of('facultative-slip', slipRoles)
    expect(play.set('Mill', '/Insured/Name', 'Pier 7 Ltd')).toEqual(accepted)
    const options = {
      at: play.state.rootUid,
      name: 'slip',
      title: 'Slip',
      help: 'A slip.',
      timeMs,
      roles: [],
    }
    const { template } = exportTemplate(play.state, play.openings, options)
    const text = JSON.stringify(template)
    expect(text).not.toContain('Pier 7')
    for (const name of ['Acme', 'Lead', 'First']) expect(text).not.toContain(play.party(name))
    expect(template.roles.map(({ name }) => name)).toContain('party-1')
    checkTemplate(template)
    const withValues = exportTemplate(play.state, play.openings, { ...options, values: true }).template
    expect(JSON.stringify(withValues)).toContain('Pier 7')
  })

  it('[TPL-5] never holds a private value, whoever makes it', () => {
    const roles = { operator: 'Hub', supplier: ['Ash', 'Birch', 'Cedar'] }
    const play = Play.of('supply-chain-clean-room', roles)
    const cost = '/Reports[1]/Figures/UnitCost'
    expect(play.set('Ash', cost, '1234.5')).toMatchObject(accepted)
    expect(play.seen('Ash', cost)).toBe('1234.5')
    const options = optionsOf(templateFile('supply-chain-clean-room'), play, roles)
    const { template } = exportTemplate(play.state, play.openings, { ...options, values: true })
    expect(JSON.stringify(template)).not.toContain('1234.5')
    checkTemplate(template)
  })

  it('[TPL-5] of a block takes the rules that stand at or below it, and tells of those above', () => {
    const one = new Agreement(
      ['Acme', 'Beta'],
      '{"Card": {"Rate": 2, "Items": [{"Code": "a"}]}, "Note": "x"}',
    )
    const at = one.at('/Card')
    one.rule('Acme', ['Rate'], { kind: 'limits', min: '1' }, { at })
    const above = one.rule('Acme', ['Card', 'Rate'], { kind: 'limits', max: '9' })
    const options = { name: 'card', title: 'Card', help: 'A card.', timeMs, roles: [] }
    const { template, left } = exportTemplate(one.state, one.openings, { ...options, at })
    expect(template.tree).toEqual([
      { name: 'Rate', kind: 'field', type: 'integer' },
      { name: 'Items', kind: 'list', typed: 'Item of Items' },
    ])
    expect(template.rules).toEqual([
      {
        name: 'limits-rate',
        help: 'Rate is at least 1.',
        owner: 'party-1',
        anchor: [],
        path: ['Rate'],
        behaviour: { kind: 'limits', min: '1' },
      },
    ])
    expect(left).toEqual([`rule ${above}: it stands above what is exported`])
    checkTemplate(template)
  })

  it('[TPL-5] has a name made of its title', () => {
    expect(['Small order', '  Pier 7! ', '2026', '協定'].map(keyOf)).toEqual([
      'small-order',
      'pier-7',
      'template',
      'template',
    ])
  })

  it('[TPL-5] makes one rule of those that there are for each party of a role', () => {
    const play = Play.of('service-registry', { registrar: 'Hub', site: ['North', 'South'] })
    const template = templateFile('service-registry')
    const options = optionsOf(template, play, { registrar: 'Hub', site: ['North', 'South'] })
    const { like: _, ...fresh } = options
    const { template: out } = exportTemplate(play.state, play.openings, fresh)
    const each = out.rules.filter((rule) => rule.each === 'site')
    expect(each.map(({ behaviour }) => behaviour.kind).sort()).toEqual(['access', 'access', 'ownership'])
    expect(out.tree.find(({ name }) => name === 'Sites')?.children).toHaveLength(1)
  })
})

describe('a template included in a contract', () => {
  const template = templateFile('service-registry')

  function host(): { one: Agreement; block: string; drafts: string[] } {
    const one = new Agreement(['Acme', 'Lead', 'First'], '{"Note": "hello"}')
    const place = { parent: one.state.rootUid, name: 'Registry' }
    const made = include(one.state, template, place, castingOf(hostRoles), random)
    one.open(made.openings)
    expect(one.run('Acme', ...made.operations)).toEqual(accepted)
    return { one, block: made.block, drafts: made.drafts }
  }

  it('[TPL-2] is in force once every member has said yes, and then says what it is of', () => {
    const { one, block, drafts } = host()
    expect(element(one.state, block)?.template).toBeUndefined()
    const free = one.add('Lead', '/Registry/Services', '{"Name": "Maps"}')
    expect(free).toEqual(accepted)
    expect(one.agree(...drafts)).toMatchObject(accepted)
    expect(element(one.state, block)?.template?.hash).toBe(templateHash(template))
    expect(one.add('Lead', '/Registry/Services', '{"Name": "Mail"}')).toMatchObject({ code: 'access-denied' })
    expect(one.value('/Registry/Endpoints')).toBe('0')
    expect(one.set('Lead', '/Note', 'outside')).toEqual(accepted)
  })

  it('[TPL-5] comes out of it again as it was', () => {
    const { one, block, drafts } = host()
    one.agree(...drafts)
    const options = { ...optionsOf(template, one, hostRoles), at: block }
    const { template: out, left } = exportTemplate(one.state, one.openings, options)
    expect(left).toEqual([])
    expect(differences(template, out)).toEqual([])
  })

  it('[TPL-2] has rule sets of its own, twice in one contract', () => {
    const one = new Agreement(['Acme', 'Alpha', 'Beta'], '{}')
    const register = templateFile('bank-exposure-register')
    const roles = { agent: 'Acme', bank: ['Alpha', 'Beta'], regulator: 'Regulator', court: 'Court' }
    const sets = ['First', 'Second'].map((name) => {
      const place = { parent: one.state.rootUid, name }
      const made = include(one.state, register, place, castingOf(roles), random)
      one.open(made.openings)
      expect(one.run('Acme', ...made.operations)).toEqual(accepted)
      expect(one.agree(...made.drafts)).toMatchObject(accepted)
      return `insolvency ${made.block.slice(0, 8)}`
    })
    expect(one.state.governance.workflow.off).toEqual(sets.sort())
  })

  it('[TPL-2] with phases is refused where the contract has others', () => {
    const play = Play.of('health-record', { patient: 'Pat', practice: 'Practice', specialist: 'Special' })
    const place = { parent: play.state.rootUid, name: 'Slip' }
    const slip = templateFile('facultative-slip')
    expect(() => include(play.state, slip, place, castingOf(slipRoles), random)).toThrow('phases of its own')
  })
})

describe('an upgrade', () => {
  const template = templateFile('facultative-slip')
  const next: Template = structuredClone(template)
  next.edition = 2
  next.ancestor = templateHash(template)
  const insured = next.tree[0] as (typeof next.tree)[0]
  insured.children?.push({ name: 'Lei', kind: 'field', type: 'text', label: 'Identifier' })
  insured.label = 'The insured'
  next.tree = next.tree.filter(({ name }) => name !== 'Endorsements')
  next.rules = next.rules.filter(
    ({ name }) => !name.startsWith('endorsement') && name !== 'ends-after-it-begins',
  )
  for (const rule of next.rules)
    if (rule.name === 'limit-positive') rule.behaviour = { kind: 'limits', min: '1000' }
  next.rules.push({
    name: 'lei',
    help: '20 letters and digits.',
    owner: 'lead',
    anchor: [],
    path: ['Insured', 'Lei'],
    behaviour: { kind: 'limits', minLength: 20, maxLength: 20 },
  })
  const casting = castingOf(slipRoles)

  it('[TPL-1] of a template is checked like any other', () => {
    checkTemplate(next)
    expect(differences(template, next).map(({ sign, what }) => `${sign} ${what}`)).toEqual([
      '~ Insured: label “Insured” → “The insured”',
      '+ Insured › Lei (text): Identifier',
      '- Endorsements (list of Endorsement)',
      '~ rule limit-positive: min “1” → “1000”',
      '+ rule lei: 20 letters and digits.',
      '- rule ends-after-it-begins: The last day comes after the first.',
      '- rule endorsements-by-broker: The broker adds endorsements, and nobody else.',
      '- rule endorsement-agreed: An endorsement is agreed once lead and followers have said yes.',
    ])
  })

  it('[TPL-4] creates what is new, drafts what is other, and leaves the rest and the values alone', () => {
    const play = Play.of('facultative-slip', slipRoles)
    play.set('Mill', '/Insured/Name', 'Pier 7 Ltd')
    const root = play.state.rootUid
    const made = upgrade(play.state, play.openings, root, template, next, casting, random)
    expect(made.left).toEqual(['Endorsements: the template has it no more; delete it if nobody needs it'])
    const actions = made.operations.flatMap((one) => (one.op === 'draft' ? [one.action.do] : [one.op]))
    expect(actions).toEqual([
      'create',
      'describe',
      'replace',
      'add',
      'repeal',
      'repeal',
      'repeal',
      'template',
    ])
    play.open(made.openings)
    expect(play.run('Acme', ...made.operations)).toMatchObject(accepted)
    expect(play.set('Acme', '/Terms/Limit', '500')).toEqual(accepted)
    expect(play.set('Acme', '/Terms/Limit', '5000')).toEqual(accepted)
    expect(play.agree(...made.drafts)).toMatchObject(accepted)
    expect(element(play.state, root)?.template).toEqual({ hash: templateHash(next), edition: 2 })
    expect(play.set('Acme', '/Terms/Limit', '500')).toMatchObject({ code: 'limits-broken' })
    expect(play.set('Mill', '/Insured/Lei', 'short')).toMatchObject({ code: 'limits-broken' })
    expect(play.value('/Insured/Name')).toBe('Pier 7 Ltd')
    const { left, template: out } = exportTemplate(play.state, play.openings, {
      ...optionsOf(next, play, slipRoles),
      values: true,
    })
    expect(left).toEqual([])
    expect(differences(next, out).filter(({ what }) => what.includes('rule'))).toEqual([])
    // Nothing is left to do.
    const third = { ...structuredClone(next), edition: 3, ancestor: templateHash(next) }
    const again = upgrade(play.state, play.openings, root, next, third, casting, random)
    expect(again.operations).toHaveLength(1)
  })

  it('[TPL-4] lets a rule be that the members have changed themselves, and says so', () => {
    const play = Play.of('facultative-slip', slipRoles)
    const rule = play.ruleUid('limit-positive')
    const uid = play.uid()
    const by = {
      at: play.state.rootUid,
      path: ['Terms', 'Limit'],
      behaviour: { kind: 'limits', min: '7' },
    } as const
    play.run('Acme', { op: 'draft', uid, action: { do: 'replace', rule, by: { ...by, path: [...by.path] } } })
    expect(play.agree(uid)).toMatchObject(accepted)
    const made = upgrade(play.state, play.openings, play.state.rootUid, template, next, casting, random)
    expect(made.left).toContain('rule limit-positive: it was changed here, and stays; compare it by hand')
    expect(made.operations.some((one) => one.op === 'draft' && one.action.do === 'replace')).toBe(false)
  })

  it('[TPL-4] is refused from another edition, or to one that is not the next', () => {
    const play = Play.of('facultative-slip', slipRoles)
    const root = play.state.rootUid
    const to = (from: Template, next: Template, at = root) =>
      upgrade(play.state, play.openings, at, from, next, casting, random)
    expect(() => to(next, template)).toThrow('is of edition 1 of facultative-slip already')
    const third = { ...next, edition: 3, ancestor: templateHash(next) }
    expect(() => to(next, third)).toThrow(/was not made of edition 2 of facultative-slip.*made of edition 1/)
    const stranger = { ...next, ancestor: 'a'.repeat(64) }
    expect(() => to(template, stranger)).toThrow(/does not come next: its ancestor is a+, and edition 1/)
    expect(() => to(template, next, play.at('/Insured'))).toThrow('was not made of a template')
  })

  it('[TPL-4] of one member alone does not take effect, nor after somebody else’s', () => {
    const play = Play.of('facultative-slip', slipRoles)
    const root = play.state.rootUid
    const made = upgrade(play.state, play.openings, root, template, next, casting, random)
    const other = upgrade(play.state, play.openings, root, template, next, casting, seededRandom('other'))
    play.run('Acme', ...made.operations)
    expect(play.run('Acme', { op: 'publish', drafts: made.drafts })).toMatchObject({ code: 'not-agreed' })
    expect(play.agree(...made.drafts)).toMatchObject(accepted)
    const mark = other.operations.at(-1)
    expect(mark && play.run('Acme', mark)).toMatchObject({ code: 'stale-place', element: root })
  })
})

describe('the root block', () => {
  it('[TPL-3] keeps its words and its template where a state is read from its records', () => {
    const one = new Agreement(['Acme', 'Beta'], '{"A": 1}')
    const { rootUid } = one.state
    const template = { hash: 'a'.repeat(64), edition: 3 }
    const draft = one.uid()
    expect(one.run('Acme', { op: 'describe', uid: rootUid, label: 'All of it' })).toEqual(accepted)
    const action = { do: 'template', on: rootUid, template } as const
    expect(one.run('Acme', { op: 'draft', uid: draft, action })).toEqual(accepted)
    expect(one.agree(draft)).toEqual(accepted)
    expect(one.set('Beta', '/A', '2')).toEqual(accepted)
    const records = [...one.state.map.entries()]
    const again = restoreState(one.contract, new Map(records), one.genesis)
    expect(element(again, rootUid)).toMatchObject({ label: 'All of it', template })
    const list = { do: 'template', on: one.at('/A'), template } as const
    expect(one.run('Acme', { op: 'draft', uid: one.uid(), action: list })).toMatchObject({ code: 'bad-rule' })
  })
})
