/** From one edition of a template to the next, and who has which role in what was made of one. */
import { describe, expect, it } from 'vitest'
import { Agreement } from '../../../test/support/agreement.ts'
import { seededRandom } from '../../../test/support/contract.ts'
import { castOf, Play, type Roles, templateFile } from '../../../test/support/play.ts'
import { nextOf, order, rule } from '../../../test/support/small-order.ts'
import type { RuleBody } from '../../ledger/behaviour.ts'
import type { DraftAction } from '../../ledger/rule-operation.ts'
import { element } from '../state.ts'
import { checkTemplate } from './check.ts'
import { differences } from './difference.ts'
import { exportTemplate } from './export.ts'
import { type Template, type TemplateRule, templateHash } from './format.ts'
import { include, instantiate } from './instantiate.ts'
import { recast } from './recast.ts'
import { type UpgradeCasting, upgrade } from './upgrade.ts'

const accepted = { outcome: 'accepted' }
const timeMs = 1_700_000_000_000

/** A contract of a template. */
function madeOf(template: Template, roles: Roles): Agreement {
  const casting = { cast: castOf(roles), timeMs }
  const { operations: elements, openings } = instantiate(template, casting, seededRandom('made'))
  return new Agreement([...new Set(Object.values(roles).flat())], '{}', [], { elements, openings })
}

const roles = { buyer: 'Acme', seller: 'Beta', carrier: 'Cargo' }

function upgraded(one: Agreement, from: Template, to: Template, given: Partial<UpgradeCasting> = {}) {
  const { state, openings } = one
  const casting = { cast: recast(state, openings, state.rootUid, from), timeMs, ...given }
  return upgrade(state, openings, state.rootUid, from, to, casting, seededRandom('upgrade'))
}

function take(one: Agreement, made: ReturnType<typeof upgraded>): void {
  one.open(made.openings)
  expect(one.run('Acme', ...made.operations)).toEqual(accepted)
  expect(one.agree(...made.drafts)).toMatchObject(accepted)
}

describe('who has which role', () => {
  const sorted = (cast: Readonly<Record<string, readonly string[]>>) =>
    Object.fromEntries(Object.entries(cast).map(([role, parties]) => [role, [...parties].sort()]))

  it.each([
    'accounting-attestation',
    'bank-exposure-register',
    'car-hire-rate-card',
    'facultative-slip',
    'health-record',
    'order-to-invoice',
    'service-registry',
  ])('[TPL-4] is found again in a contract of %s', (name) => {
    const template = templateFile(name)
    const given = Object.fromEntries(
      template.roles.map((role) => [
        role.name,
        role.repeated ? ['1', '2', '3'].map((n) => role.name + n) : [role.name],
      ]),
    )
    const outside = template.roles.filter((role) => role.observer).map((role) => role.name)
    const play = Play.of(name, given, outside)
    const found = recast(play.state, play.openings, play.state.rootUid, template)
    expect(sorted(found)).toEqual(sorted(castOf(given)))
  })

  it('[TPL-4] is found in a part of a contract, and not made up where a rule has become another', () => {
    const one = new Agreement(['Acme', 'Beta', 'Cargo'], '{"Note": "hello"}')
    const place = { parent: one.state.rootUid, name: 'Order' }
    const made = include(one.state, order, place, { cast: castOf(roles), timeMs }, seededRandom('in'))
    one.open(made.openings)
    one.run('Acme', ...made.operations)
    expect(recast(one.state, one.openings, made.block, order)).toEqual({ carrier: [one.party('Cargo')] })
    expect(one.agree(...made.drafts)).toMatchObject(accepted)
    expect(recast(one.state, one.openings, made.block, order)).toEqual(castOf(roles))
  })
})

describe('an upgrade', () => {
  it('[TPL-4] finds a rule that ends at another time, or that somebody else owns, to be another', () => {
    const one = madeOf(order, roles)
    const next = nextOf(order, ({ rules: [access, limits] }) => {
      if (access?.behaviour.kind === 'access') access.behaviour.grants = [{ party: '@buyer', forDays: 60 }]
      if (limits) limits.owner = 'buyer'
    })
    const made = upgraded(one, order, next)
    expect(made.left).toEqual([])
    expect(made.rules.map(({ name }) => name)).toEqual(['quantity-by-buyer', 'price-from'])
    take(one, made)
    const { law } = one.state.governance
    const bodies = [...law.rules.values()].map(({ owner, rule: { behaviour } }) => ({ owner, behaviour }))
    expect(bodies).toContainEqual({ owner: one.party('Acme'), behaviour: { kind: 'limits', min: '1' } })
    expect(bodies).toContainEqual({
      owner: one.party('Acme'),
      behaviour: {
        kind: 'access',
        actions: ['propose'],
        grants: [{ party: one.party('Acme'), untilMs: timeMs + 60 * 24 * 3600 * 1000 }],
      },
    })
  })

  it('[TPL-4] takes back the rules of a role that there is no more, whoever had it', () => {
    const one = madeOf(order, roles)
    const next = nextOf(order, (to) => {
      to.roles.pop()
      to.tree.pop()
      to.rules.pop()
    })
    const { state, openings } = one
    const { carrier, ...cast } = recast(state, openings, state.rootUid, order)
    expect(carrier).toEqual([one.party('Cargo')])
    const made = upgraded(one, order, next, { cast, before: { ...cast, carrier: carrier as string[] } })
    expect(made.left).toEqual(['Carrier: the template has it no more; delete it if nobody needs it'])
    take(one, made)
    expect(one.set('Beta', '/Price', '5')).toEqual(accepted)
    expect(one.value('/Price')).toBe('5')
  })

  it('[TPL-4] does not bring in twice what members have brought in themselves', () => {
    const one = madeOf(order, roles)
    const at = one.state.rootUid
    one.rule('Acme', ['Quantity'], { kind: 'limits', min: '1' }, { at })
    const next = nextOf(order, ({ rules }) => {
      rules.push(rule('quantity-from', 'buyer', ['Quantity'], { kind: 'limits', min: '1' }))
    })
    const made = upgraded(one, order, next)
    expect(made.operations.map((each) => (each.op === 'draft' ? each.action.do : each.op))).toEqual([
      'template',
    ])
    take(one, made)
    expect(element(one.state, at)?.template?.edition).toBe(2)
  })

  it('[TPL-4] says that the phase is lost in which the contract is', () => {
    const one = madeOf(order, roles)
    const next = nextOf(order, (to) => {
      to.phases = [{ name: 'begun', title: 'Begun', help: 'It begins.' }]
    })
    expect(upgraded(one, order, next).left).toEqual([
      'phase open: the contract is in it, and the template has it no more; move on before, or after',
    ])
  })

  it('[TPL-2] of a part brings no phases where the contract has others', () => {
    const one = madeOf(order, roles)
    const { phases: _, ...rest } = order
    const plain: Template = { ...rest, name: 'plain', phases: [] }
    const place = { parent: one.state.rootUid, name: 'Part' }
    const casting = { cast: castOf(roles), timeMs }
    const made = include(one.state, plain, place, casting, seededRandom('part'))
    one.open(made.openings)
    one.run('Acme', ...made.operations)
    expect(one.agree(...made.drafts)).toMatchObject(accepted)
    const next = nextOf(plain, (to) => {
      to.phases = [{ name: 'other', title: 'Other', help: 'Another.' }]
    })
    expect(() =>
      upgrade(one.state, one.openings, made.block, plain, next, casting, seededRandom('x')),
    ).toThrow('other of the template plain is none of them')
  })
})

describe('an export by the template that it was made of', () => {
  it('[TPL-5] keeps the name of a rule that has become another, and is the next edition', () => {
    const one = madeOf(order, roles)
    const at = one.state.rootUid
    const [uid] = [...one.state.governance.law.rules].find(
      ([
        ,
        {
          rule: { behaviour },
        },
      ]) => behaviour.kind === 'limits',
    ) as [string, unknown]
    const draft = one.uid()
    const by: RuleBody = { at, path: ['Price'], behaviour: { kind: 'limits', min: '7' } }
    const action: DraftAction = { do: 'replace', rule: uid, by }
    expect(one.run('Acme', { op: 'draft', uid: draft, action, owner: one.party('Beta') })).toEqual(accepted)
    expect(one.agree(draft)).toMatchObject(accepted)
    const cast = recast(one.state, one.openings, at, order)
    const options = {
      at,
      name: order.name,
      title: order.title,
      help: order.help,
      timeMs,
      like: order,
      roles: order.roles.map((role) => ({ ...role, parties: cast[role.name] ?? [] })),
    }
    const { template, left } = exportTemplate(one.state, one.openings, options)
    checkTemplate(template)
    expect(left).toEqual([])
    expect(template).toMatchObject({ edition: 2, ancestor: templateHash(order) })
    expect(differences(order, template).map(({ sign, what }) => `${sign} ${what}`)).toEqual([
      '~ Carrier: value “@carrier” → nothing',
      '~ rule price-from: min “1” → “7”',
    ])
  })
})

describe('a difference', () => {
  const said = (from: Template, to: Template) =>
    differences(from, to).map(({ sign, what }) => `${sign} ${what}`)

  it('[TPL-1] says what a rule, a type and a list of names have become, part by part', () => {
    const from = {
      ...order,
      types: [
        {
          name: 'Line',
          base: 'block' as const,
          members: [{ name: 'A', kind: 'field' as const, type: 'text' as const }],
        },
      ],
    }
    const to = structuredClone<Template>(from)
    to.types = [
      { name: 'Line', base: 'block', members: [{ name: 'B', kind: 'field', type: 'text', label: 'Bee' }] },
    ]
    const [access, limits, approval] = to.rules as [TemplateRule, TemplateRule, TemplateRule]
    access.behaviour = {
      kind: 'access',
      actions: ['propose', 'add'],
      grants: [{ party: '@buyer' }, { party: '@seller', untilPhase: 'open' }],
    }
    limits.behaviour = { kind: 'limits', oneOf: ['1', '2'] }
    approval.behaviour = { kind: 'required' }
    to.movedBy = ['@buyer']
    to.phases.push({ name: 'done', title: 'Done', help: 'It is over.' })
    expect(said(from, to)).toEqual([
      '+ type Line: members B: Bee',
      '- type Line: members A',
      '+ phase done: It is over.',
      '~ who moves it on: nothing → “@buyer”',
      '~ rule quantity-by-buyer: actions “propose” → “propose”, “add”',
      '~ rule quantity-by-buyer: grants party “@buyer”, forDays 30 → party “@buyer”; party “@seller”, untilPhase “open”',
      '~ rule price-from: min “1” → nothing',
      '~ rule price-from: oneOf nothing → “1”, “2”',
      '~ rule price-agreed: kind “approval”, count “all”, parties “@seller”, “@carrier” → kind “required”',
    ])
  })
})
