import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../test/support/contract.ts'
import { castOf } from '../../../test/support/play.ts'
import { CountersignError } from '../../crypto/errors.ts'
import { checkTemplate } from './check.ts'
import { parseTemplate, TEMPLATE_MAX_BYTES, type Template, templateHash, templateOf } from './format.ts'
import { instantiate } from './instantiate.ts'

const folder = new URL('../../../templates/', import.meta.url)
const read = (name: string): Template => parseTemplate(readFileSync(new URL(name, folder), 'utf8'))

/** A template with one field and one rule, to be spoilt. */
function small(): Template {
  return {
    type: 'template',
    version: 1,
    name: 'small',
    edition: 1,
    title: 'Small',
    help: 'A small template.',
    roles: [
      { name: 'buyer', title: 'Buyer', help: 'Buys.' },
      { name: 'seller', title: 'Seller', help: 'Sells.', repeated: true },
    ],
    types: [
      { name: 'Rate', base: 'decimal', min: '0' },
      {
        name: 'Line',
        base: 'block',
        members: [{ name: 'Rate', kind: 'field', type: 'decimal', typed: 'Rate' }],
      },
    ],
    tree: [
      { name: 'A', kind: 'field', type: 'decimal' },
      { name: 'B', kind: 'field', type: 'decimal' },
      { name: 'Lines', kind: 'list', typed: 'Line' },
    ],
    rules: [
      {
        name: 'sum',
        help: 'B is twice A.',
        owner: 'buyer',
        anchor: [],
        path: ['B'],
        behaviour: { kind: 'assignment', expression: 'A * 2' },
      },
    ],
    phases: [{ name: 'open', title: 'Open', help: 'Begins.' }],
  }
}

type Rule = Template['rules'][0]
const withRule = (more: Partial<Rule> | object): Template => {
  const template = small()
  template.rules.push({ ...(template.rules[0] as Rule), name: 'spoilt', ...more } as Rule)
  return template
}
const constraint = (expression: string): Template =>
  withRule({ path: [], behaviour: { kind: 'constraint', expression, message: 'no' } })

const sees = (path: string[], grants: readonly string[]): Rule => ({
  name: `seen-${path.join('-').toLowerCase()}`,
  help: 'Private.',
  owner: 'reader',
  anchor: [],
  path,
  behaviour: { kind: 'access', actions: ['see'], grants: grants.map((party) => ({ party })) },
})

/** A template with a total that its reader computes of what others give, to be spoilt. */
function room(
  more: object,
  seen: readonly string[] | null = ['@first', '@reader'],
  also: string | string[] = [],
): Template {
  const role = (name: string) => ({ name, title: name, help: 'A role.' })
  const total = {
    kind: 'aggregate',
    function: 'sum',
    over: ['Given'],
    reader: '@reader',
    atLeast: 2,
    ...more,
  }
  const rule = { name: 'total', help: 'All together.', owner: 'reader', anchor: [], path: ['Total'] }
  const paths = [['Given'], ...(also.length > 0 ? [[also].flat()] : [])]
  return {
    ...small(),
    roles: [role('first'), role('second'), role('reader'), { ...role('watcher'), observer: true }],
    types: [{ name: 'Line', base: 'block', members: [{ name: 'Cost', kind: 'field', type: 'decimal' }] }],
    tree: [
      { name: 'Given', kind: 'field', type: 'decimal' },
      { name: 'Other', kind: 'field', type: 'decimal' },
      { name: 'Total', kind: 'field', type: 'decimal' },
      { name: 'Lines', kind: 'list', typed: 'Line' },
    ],
    rules: [...(seen ? paths.map((path) => sees(path, seen)) : []), { ...rule, behaviour: total } as Rule],
  }
}

/** Likewise with an expression that reads what is private. */
function tells(expression: string, path: string | string[]): Template {
  const template = room({})
  const isField = typeof path === 'string'
  const behaviour = isField
    ? { kind: 'assignment', expression }
    : { kind: 'constraint', expression, message: 'no' }
  template.rules = [
    sees(['Given'], ['@first', '@reader']),
    { ...(template.rules.at(-1) as Rule), path: [path].flat(), behaviour } as Rule,
  ]
  return template
}

describe('the templates that come with it', () => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'))

  it('are eight at least', () => {
    expect(files.length).toBeGreaterThanOrEqual(8)
  })

  it.each(files)('%s works, and says everything in words', (name) => {
    const template = read(name)
    expect(name).toBe(`${template.name}.json`)
    checkTemplate(template)
    const unlabelled = template.types.flatMap(({ name: type, members = [] }) =>
      members.filter(({ label }) => label === undefined).map((member) => `${type} › ${member.name}`),
    )
    expect(unlabelled).toEqual([])
    expect(template.tree.filter(({ label }) => label === undefined)).toEqual([])
  })
})

describe('a template with private values', () => {
  it('[TPL-1] works where its reader sees what it computes from, and its results are for those who see it', () => {
    checkTemplate(templateOf(room({})))
    checkTemplate(templateOf(room({ over: ['Lines', 'Cost'] }, ['@first', '@reader'], ['Lines'])))
    const computed = tells('Given * 2', 'Total')
    checkTemplate(templateOf({ ...computed, rules: [...computed.rules, sees(['Total'], ['@reader'])] }))
  })

  it('[TPL-5] has roles in the place of those who read', () => {
    const template = room({})
    const roles = { first: 'Acme', second: 'Beta', reader: 'Cove', watcher: 'Dune' }
    const made = instantiate(template, { cast: castOf(roles), timeMs: 0 }, seededRandom('reader'))
    const bodies = made.operations.flatMap((one) =>
      one.op === 'draft' && one.action.do === 'add' ? [one.action.rule.behaviour] : [],
    )
    expect(bodies.find(({ kind }) => kind === 'aggregate')).toMatchObject({
      reader: castOf(roles).reader?.[0],
    })
    for (const text of ['@first', '@reader']) expect(JSON.stringify(bodies)).not.toContain(text)
  })
})

describe('the hash of a template', () => {
  it('[TPL-1] is of its canonical JSON, however the file is written', () => {
    const text = JSON.stringify(small())
    const turned = JSON.stringify(Object.fromEntries(Object.entries(small()).reverse()), null, 3)
    expect(templateHash(parseTemplate(turned))).toBe(templateHash(parseTemplate(text)))
    expect(templateHash(small())).toBe('36957e75647ba7a42d3c2da0871e38a0f622aacef15c3ae5b7e06f0054603094')
    expect(templateHash({ ...small(), title: 'Other' })).not.toBe(templateHash(small()))
  })
})

describe('a template that does not work', () => {
  it.each<[string, string, string]>([
    ['no JSON', '{"type": "template"', 'bad-json'],
    ['a name twice', '{"type": "template", "type": "template"}', 'bad-json'],
    ['another kind of file', '{"type": "bundle", "version": 1}', 'bad-format'],
    ['a later version', JSON.stringify({ ...small(), version: 2 }), 'bad-format'],
    ['an unknown key', JSON.stringify({ ...small(), colour: 'red' }), 'bad-format'],
    ['nobody’s', JSON.stringify({ ...small(), roles: [] }), 'bad-format'],
    ['a list', '[]', 'bad-format'],
    ['nothing', 'null', 'bad-format'],
    ['too large', `"${'x'.repeat(TEMPLATE_MAX_BYTES)}"`, 'too-large'],
    ['too deep', '['.repeat(100) + ']'.repeat(100), 'too-large'],
    ['too many values', `[${'0,'.repeat(200_000)}0]`, 'too-large'],
  ])('[TPL-1] is refused in its form: %s', (_, text, code) => {
    expect(() => parseTemplate(text)).toThrow(expect.objectContaining({ code }))
  })

  const role = small().roles[0] as Template['roles'][0]
  const field = small().tree[0] as Template['tree'][0]
  it.each<[string, Template, string, string]>([
    ['a role twice', { ...small(), roles: [role, role] }, 'bad-template', 'roles'],
    ['an unknown owner', withRule({ owner: 'bank' }), 'bad-template', 'rule spoilt'],
    ['a rule of a role of several', withRule({ owner: 'seller' }), 'bad-template', 'use each'],
    [
      'a rule of an observer',
      {
        ...withRule({ owner: 'court' }),
        roles: [...small().roles, { name: 'court', title: 'Court', help: 'Looks on.', observer: true }],
      },
      'bad-template',
      'an observer owns no rules',
    ],
    ['an unknown each', withRule({ each: 'bank' }), 'bad-template', 'no role bank'],
    ['a role called constructor', withRule({ owner: 'constructor' }), 'bad-template', 'no role constructor'],
    ['a name twice', { ...small(), tree: [field, field] }, 'bad-template', 'the same name'],
    ['a rule twice', { ...small(), rules: [...small().rules, ...small().rules] }, 'bad-template', 'twice'],
    ['an unknown type', { ...small(), tree: [{ ...field, typed: 'Fee' }] }, 'bad-template', 'no type Fee'],
    [
      'a field of a block’s type',
      { ...small(), rules: [], tree: [{ ...field, typed: 'Line' }] },
      'bad-template',
      'a block’s',
    ],
    [
      'a type that holds itself',
      {
        ...small(),
        rules: [],
        types: [{ name: 'X', base: 'block', members: [{ name: 'x', kind: 'block', typed: 'X' }] }],
        tree: [{ name: 'x', kind: 'block', typed: 'X' }],
      },
      'bad-template',
      'holds itself',
    ],
    [
      'types that grow without end',
      {
        ...small(),
        rules: [],
        types: Array.from({ length: 20 }, (_, level) => ({
          name: `T${level}`,
          base: 'block' as const,
          members: Array.from({ length: 10 }, (_, index) =>
            level === 19
              ? { name: `m${index}`, kind: 'field' as const, type: 'text' as const }
              : { name: `m${index}`, kind: 'block' as const, typed: `T${level + 1}` },
          ),
        })),
        tree: [{ name: 'x', kind: 'block', typed: 'T0' }],
      },
      'too-large',
      'elements',
    ],
    [
      'a member twice',
      {
        ...small(),
        types: [
          {
            name: 'T',
            base: 'block',
            members: [
              { name: 'm', kind: 'field', type: 'text' },
              { name: 'm', kind: 'field', type: 'text' },
            ],
          },
        ],
      },
      'bad-template',
      'type T',
    ],
    ['an edition without ancestor', { ...small(), edition: 2 }, 'bad-template', 'ancestor'],
    ['an unknown first phase', { ...small(), firstPhase: 'shut' }, 'bad-template', 'no phase shut'],
    ['an unknown mover', { ...small(), movedBy: ['@bank'] }, 'bad-template', '@bank'],
    ['an unknown set', { ...small(), off: ['late'] }, 'bad-template', 'no rule set late'],
    ['a value of another type', { ...small(), tree: [{ ...field, value: 'x' }], rules: [] }, 'bad-value', ''],
    [
      'a value out of its type’s limits',
      { ...small(), tree: [{ ...field, typed: 'Rate', value: '-1' }], rules: [] },
      'bad-template',
      'none of the type Rate',
    ],
    [
      'a party written out',
      { ...small(), tree: [{ name: 'P', kind: 'field', type: 'party', value: 'a'.repeat(64) }], rules: [] },
      'bad-template',
      '@role',
    ],
    [
      'an item that does not say whose it is',
      {
        ...small(),
        rules: [],
        tree: [{ name: 'L', kind: 'list', children: [{ name: 'item', kind: 'block', each: 'seller' }] }],
      },
      'bad-template',
      'whose it is',
    ],
    [
      'a block for each party outside a list',
      { ...small(), rules: [], tree: [{ name: 'X', kind: 'block', each: 'seller' }] },
      'bad-template',
      'item of a list',
    ],
    ['an unknown path', withRule({ path: ['C'] }), 'bad-rule', 'rule spoilt'],
    ['an unknown anchor', withRule({ anchor: ['X', 'Y'] }), 'bad-template', 'X › Y'],
    ['an unknown name', constraint('A > Price'), 'bad-expression', 'rule spoilt'],
    ['no expression', constraint('A >'), 'bad-expression', 'rule spoilt'],
    ['another type of expression', constraint('A + 1'), 'bad-rule', 'true or false'],
    ['types that don’t fit', constraint('A > "x"'), 'wrong-type', 'rule spoilt'],
    [
      'a circle',
      withRule({ path: ['A'], behaviour: { kind: 'assignment', expression: 'B + 1' } }),
      'bad-rule',
      'circle',
    ],
    [
      'a rule that is broken at once',
      constraint('count(Lines) > 0'),
      'bad-template',
      'rule spoilt: a contract made of it breaks',
    ],
    [
      'a party in a grant',
      withRule({ behaviour: { kind: 'access', actions: ['add'], grants: [{ party: 'a'.repeat(64) }] } }),
      'bad-template',
      'is no role',
    ],
    [
      'grants that are none',
      withRule({ behaviour: { kind: 'access', actions: ['add'], grants: 'all' } }),
      'bad-template',
      'a list is missing',
    ],
    [
      'grants of nothing',
      withRule({ behaviour: { kind: 'access', actions: ['add'], grants: [null] } }),
      'bad-template',
      'is no role',
    ],
    [
      'days that are none',
      withRule({
        behaviour: { kind: 'access', actions: ['add'], grants: [{ party: '@buyer', forDays: 'ever' }] },
      }),
      'bad-template',
      'forDays',
    ],
    ['a rule of no kind', withRule({ behaviour: { kind: 'magic' } }), 'bad-format', 'rule spoilt'],
    [
      'phases among the rules',
      withRule({ behaviour: { kind: 'phases', names: ['x'] } }),
      'bad-template',
      'phases',
    ],
    [
      'an unknown phase',
      withRule({ behaviour: { kind: 'required', from: 'never' } }),
      'bad-template',
      'no phase never',
    ],
    [
      'a trigger of nothing',
      withRule({ path: [], behaviour: { kind: 'trigger', when: null, actions: [] } }),
      'bad-format',
      'rule spoilt',
    ],
    [
      'a trigger that switches nothing',
      withRule({
        path: [],
        behaviour: {
          kind: 'trigger',
          when: { kind: 'phase', phase: 'open' },
          actions: [{ do: 'switch', set: 'late', on: true }],
        },
      }),
      'bad-template',
      'no rule set late',
    ],
    [
      'an admission of nobody',
      withRule({
        path: [],
        behaviour: {
          kind: 'trigger',
          when: { kind: 'phase', phase: 'open' },
          actions: [{ do: 'admit', card: '@court', older: true, forMs: 60_000 }],
        },
      }),
      'bad-template',
      'no role court',
    ],
    [
      'an aggregate of a reader who sees nothing',
      room({ reader: '@second' }),
      'bad-template',
      'does not see Given',
    ],
    ['an aggregate of what all see', room({}, null), 'bad-template', 'everybody sees Given'],
    ['an aggregate of its reader’s own', room({}, ['@reader']), 'bad-template', 'its reader alone sees'],
    ['an aggregate read by an observer', room({ reader: '@watcher' }), 'bad-template', 'has to be a member'],
    [
      'an aggregate that is private',
      room({}, ['@first', '@reader'], 'Total'),
      'bad-template',
      'would-reveal',
    ],
    [
      'an aggregate of a list’s items whose reader sees nothing',
      room({ over: ['Lines', 'Cost'] }, ['@first'], ['Lines']),
      'bad-template',
      'does not see Lines › item › Cost',
    ],
    ['a computed field that tells', tells('Given * 2', 'Total'), 'bad-template', 'keep Total private'],
    ['what no member may see', room({}, ['@watcher']), 'bad-template', 'no member may see it'],
    [
      'what nobody may see all of',
      {
        ...tells('Given > Other', []),
        rules: [...tells('Given > Other', []).rules, sees(['Other'], ['@second'])],
      },
      'bad-template',
      'no member may see all of it',
    ],
    [
      'a private value in it',
      {
        ...room({}),
        tree: room({}).tree.map((one) => (one.name === 'Given' ? { ...one, value: '7' } : one)),
      },
      'bad-template',
      'take its value out',
    ],
  ])('[TPL-1] is refused, with the place: %s', (_, template, code, message) => {
    expect(() => checkTemplate(templateOf(template))).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    )
  })

  it('[TPL-1] names the position in an expression', () => {
    expect(() => checkTemplate(constraint('A > Price'))).toThrow(
      expect.objectContaining({ detail: expect.objectContaining({ position: 4, rule: 'spoilt' }) }),
    )
  })

  it('[TPL-1] is refused with an error of the registry, whatever is altered in it', () => {
    const texts = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'))
    const altered = fc.record({ text: fc.constantFrom(...texts), at: fc.nat(), by: fc.json({ maxDepth: 1 }) })
    fc.assert(
      fc.property(altered, ({ text, at, by }) => {
        const value = JSON.parse(text) as object
        alter(value, at, JSON.parse(by))
        try {
          checkTemplate(templateOf(value))
        } catch (error) {
          expect(error).toBeInstanceOf(CountersignError)
          expect((error as CountersignError).code).not.toMatch(/internal|invariant/)
        }
      }),
      { numRuns: 60, seed: 7 },
    )
  })
})

/** Puts something in the place of one of a value's parts. */
function alter(value: object, at: number, by: unknown): void {
  const places: [Record<string, unknown>, string][] = []
  const walk = (one: object): void => {
    for (const [key, part] of Object.entries(one)) {
      places.push([one as Record<string, unknown>, key])
      if (typeof part === 'object' && part !== null) walk(part)
    }
  }
  walk(value)
  const [holder, key] = places[at % places.length] as [Record<string, unknown>, string]
  holder[key] = by
}

describe('parties for roles', () => {
  const cast = castOf({ buyer: 'Acme', seller: ['Beta', 'Cove'] })
  const make = (roles: Record<string, readonly string[]>) =>
    instantiate(small(), { cast: roles, timeMs: 0 }, seededRandom('cast'))

  it('[TPL-2] are asked for, for every role, and for no other', () => {
    expect(make(cast).rules).toHaveLength(2)
    expect(() => make({ buyer: cast.buyer ?? [] })).toThrow('which party is the seller')
    expect(() => make({ ...cast, bank: cast.buyer ?? [] })).toThrow('no role bank')
    expect(() => make({ ...cast, buyer: cast.seller ?? [] })).toThrow('Only one party can be the buyer')
    expect(() => make({ ...cast, seller: [...(cast.buyer ?? []), ...(cast.buyer ?? [])] })).toThrow(
      'named twice',
    )
  })

  it('[TPL-2] of an observer are asked for where a rule needs them, with the card of whoever is let in', () => {
    const register = read('bank-exposure-register.json')
    const all = castOf({ agent: 'Agent', bank: ['A', 'B'], regulator: 'R', court: 'C' })
    const { court: _, ...without } = all
    const random = seededRandom('observer')
    const make = (roles: typeof all, cardOf?: () => undefined) =>
      instantiate(register, { cast: roles, timeMs: 0, ...(cardOf && { cardOf }) }, random)
    expect(() => make(without)).toThrow('which party is the court')
    expect(() => make(all, () => undefined)).toThrow('The card of @court is not here')
  })
})
