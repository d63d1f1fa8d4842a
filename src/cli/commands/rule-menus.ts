/** The menus of `rule draft`: from options to the draft that the node is sent. */
import { readFileSync } from 'node:fs'
import { CountersignError } from '../../crypto/errors.ts'
import { findIn } from './find.ts'

/** As commander gives them. */
export type RuleOptions = {
  from?: string
  required?: string
  fromPhase?: string
  range?: string
  min?: string
  max?: string
  length?: string
  oneOf?: string
  value?: string[]
  pattern?: string
  like?: string
  unique?: string
  key?: string
  constraint?: string
  message?: string
  only?: string[]
  may?: string
  until?: string
  untilPhase?: string
  private?: string
  to?: string[]
  aggregate?: string
  of?: string
  over?: string
  reader?: string
  atLeast?: string
  owner?: string
  compute?: string[]
  when?: string
  show?: string
  approve?: string
  by?: string[]
  count?: string
  several?: boolean
  transfer?: string
  phases?: string
  repeal?: string
  replace?: string
  switch?: string
  on?: boolean
  off?: boolean
  at?: string
  set?: string
}

export type Party = { party: string; name: string }
/** Who is in the contract. */
export type Parties = { members: readonly Party[]; observers: readonly Party[] }

/** What a menu makes of the options: what it is about, and the behaviour. */
type Made = { path: string; behaviour: Record<string, unknown> }

type Menu = (options: RuleOptions, path: string | undefined, parties: Parties) => Made

const MENUS: Readonly<Record<string, Menu>> = {
  required: ({ required, fromPhase }) => ({
    path: text(required),
    behaviour: { kind: 'required', ...(fromPhase !== undefined && { from: fromPhase }) },
  }),
  range: ({ range, min, max }) => {
    if (min === undefined && max === undefined) throw needs('--range', '--min, --max or both')
    return {
      path: text(range),
      behaviour: { kind: 'limits', ...(min !== undefined && { min }), ...(max !== undefined && { max }) },
    }
  },
  length: ({ length, min, max }) => {
    if (min === undefined && max === undefined) throw needs('--length', '--min, --max or both')
    return {
      path: text(length),
      behaviour: {
        kind: 'limits',
        ...(min !== undefined && { minLength: wholeNumber(min, '--min') }),
        ...(max !== undefined && { maxLength: wholeNumber(max, '--max') }),
      },
    }
  },
  oneOf: ({ oneOf, value }) => {
    if (value === undefined) throw needs('--one-of', '--value A B C')
    return { path: text(oneOf), behaviour: { kind: 'limits', oneOf: value } }
  },
  pattern: ({ pattern, like }) => {
    if (like === undefined) throw needs('--pattern', '--like PATTERN')
    return { path: text(pattern), behaviour: { kind: 'limits', pattern: like } }
  },
  unique: ({ unique, key }) => ({
    path: text(unique),
    behaviour: { kind: 'unique', by: key ?? [] },
  }),
  constraint: ({ constraint, message }, path) => {
    if (message === undefined) throw needs('--constraint', '--message TEXT, which is shown to who breaks it')
    return { path: path ?? '', behaviour: { kind: 'constraint', expression: constraint, message } }
  },
  only: ({ only, may, ...ends }, path, parties) => {
    if (may === undefined)
      throw needs('--only', '--may with what they may: see, propose, add, remove, approve')
    const actions = may.split(',').map((one) => one.trim())
    return {
      path: path ?? '',
      behaviour: { kind: 'access', actions, grants: grantsFor(only, ends, parties) },
    }
  },
  private: ({ private: path, to, ...ends }, _path, parties) => {
    if (to === undefined) throw needs('--private', '--to PARTY…: who may see what is in it')
    const grants = grantsFor(to, ends, parties)
    return { path: text(path), behaviour: { kind: 'access', actions: ['see'], grants } }
  },
  aggregate: ({ aggregate, of, over, reader, atLeast }, _path, { members }) => {
    if (of === undefined || over === undefined || reader === undefined || atLeast === undefined)
      throw needs('--aggregate', '--of sum|count|min|max, --over PATH, --reader PARTY and --at-least N')
    const [party] = partiesIn(members, [reader])
    return {
      path: text(aggregate),
      behaviour: {
        ...{ kind: 'aggregate', function: of, over },
        ...{ reader: party, atLeast: wholeNumber(atLeast, '--at-least') },
      },
    }
  },
  owner: ({ owner }, path, { members }) => {
    if (path === undefined) throw needs('--owner', 'the block or list that it owns, as PATH')
    return { path, behaviour: { kind: 'ownership', owner: partiesIn(members, [text(owner)])[0] } }
  },
  compute: ({ compute }) => {
    const [, path = '', expression = ''] = /^\s*([^=]*?)\s*=\s*(.*)$/s.exec((compute ?? []).join(' ')) ?? []
    if (path === '' || expression === '') throw needs('--compute', 'PATH = EXPRESSION')
    return { path, behaviour: { kind: 'assignment', expression } }
  },
  when: ({ when, show }) => {
    if (show === undefined) throw needs('--when', '--show PATH: the block that is there only then')
    return { path: show, behaviour: { kind: 'activation', expression: when } }
  },
  approve: ({ approve, by, count, several }, _path, { members }) => {
    const parties = by === undefined ? undefined : partiesIn(members, by)
    return {
      path: text(approve),
      behaviour: {
        kind: 'approval',
        ...(parties && { parties }),
        count: count === undefined ? (parties ?? members).length : wholeNumber(count, '--count'),
        ...(several && { several: true }),
      },
    }
  },
  transfer: ({ transfer }) => ({ path: text(transfer), behaviour: { kind: 'transfer' } }),
  phases: ({ phases, by }, path, { members }) => ({
    path: path ?? '',
    behaviour: {
      kind: 'phases',
      names: text(phases).split(','),
      ...(by !== undefined && { by: partiesIn(members, by) }),
    },
  }),
}

/** How the options are typed, by menu. */
const TYPED: Readonly<Record<string, string>> = { oneOf: '--one-of' }
const typed = (menu: string): string => TYPED[menu] ?? `--${menu}`

/**
 * The body of POST …/drafts.
 * @param ruleUid gives the UID of a rule by what was typed
 * @throws CountersignError `bad-request` where the options don’t go together
 */
export async function draftOf(
  options: RuleOptions,
  path: string | undefined,
  parties: Parties,
  ruleUid: (text: string) => Promise<string>,
): Promise<object> {
  const chosen = Object.keys(MENUS).filter((menu) => options[menu as keyof RuleOptions] !== undefined)
  const others = (['from', 'repeal', 'switch'] as const).filter((one) => options[one] !== undefined)
  const all = [...chosen.map(typed), ...others.map((one) => `--${one}`)]
  if (all.length !== 1)
    throw new CountersignError(
      'bad-request',
      all.length === 0
        ? `say what the rule is: --from FILE, or one of ${Object.keys(MENUS).map(typed).join(', ')}, --repeal, --switch`
        : `a rule is one thing: ${all.join(' and ')} make several; draft them one by one`,
    )
  if (options.repeal !== undefined) return { do: 'repeal', rule: await ruleUid(options.repeal) }
  if (options.switch !== undefined) {
    if ((options.on === true) === (options.off === true)) throw needs('--switch', 'either --on or --off')
    return { do: 'switch', set: options.switch, on: options.on === true }
  }
  const rule = options.from === undefined ? undefined : readRule(options.from)
  if (rule !== undefined && 'do' in rule) return rule
  const menu = chosen[0] as string
  const body = {
    ...(rule ?? (MENUS[menu] as Menu)(options, path, parties)),
    ...(options.at !== undefined && { at: options.at }),
    ...(options.set !== undefined && { set: options.set }),
  }
  if (options.replace !== undefined) return { do: 'replace', rule: await ruleUid(options.replace), by: body }
  return { do: 'add', rule: body }
}

/** A rule, or a whole draft, from a JSON file. */
function readRule(file: string): object {
  let content: string
  try {
    content = readFileSync(file, 'utf8')
  } catch (error) {
    throw new CountersignError('not-found', `${file} can’t be read: ${(error as Error).message}`)
  }
  try {
    return JSON.parse(content) as object
  } catch (error) {
    throw new CountersignError('bad-json', `${file}: ${(error as Error).message}`)
  }
}

type Ends = Pick<RuleOptions, 'until' | 'untilPhase'>

/** Observers too: what they may do is up to what is granted. */
function grantsFor(
  texts: readonly string[] | undefined,
  { until, untilPhase }: Ends,
  parties: Parties,
): object[] {
  const end = {
    ...(until !== undefined && { untilMs: timeMs(until) }),
    ...(untilPhase !== undefined && { untilPhase }),
  }
  return partiesIn([...parties.members, ...parties.observers], texts).map((party) => ({ party, ...end }))
}

function timeMs(time: string): number {
  const isTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d))?$/.test(time)
  const found = isTime ? Date.parse(time) : Number.NaN
  if (Number.isNaN(found))
    throw new CountersignError(
      'bad-request',
      `--until: expected a time such as 2026-04-01T12:00:00Z, or a date (its beginning in UTC), not “${time}”`,
    )
  return found
}

function partiesIn(parties: readonly Party[], texts: readonly string[] = []): string[] {
  return texts.map(
    (one) =>
      findIn(
        parties,
        one,
        ({ party }) => party,
        ({ name }) => name,
        'party in this contract',
      ).party,
  )
}

function text(value: string | undefined): string {
  return value ?? ''
}

function wholeNumber(value: string, option: string): number {
  if (!/^\d{1,9}$/.test(value))
    throw new CountersignError('bad-request', `${option}: expected a whole number, not “${value}”`)
  return Number(value)
}

function needs(option: string, what: string): CountersignError {
  return new CountersignError('bad-request', `${option} needs ${what}`)
}
