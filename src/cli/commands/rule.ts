/** `rule …` and `proposal …`: what members agree that their nodes hold one another to; what is put forward, and voted on. */
import type { Command } from 'commander'
import { CountersignError } from '../../crypto/errors.ts'
import { NodeClient } from '../client.ts'
import { bold, cyan, dim, print, printJson, privateText, safe, yellow } from '../output.ts'
import { draftsMeant, draftsOf } from './drafts.ts'
import { type ContractView, findContract, findIn } from './find.ts'
import { draftOf, type RuleOptions } from './rule-menus.ts'
import {
  type Common,
  DATA,
  JSON_OUTPUT,
  listAll,
  type Named,
  NOW,
  type ProposalView,
  printHead,
  printVotes,
  printWrite,
  recordAddress,
  type Votes,
  WAIT,
  write,
} from './writes.ts'

type RuleView = {
  uid: string
  sentence: string
  owner: Named
  target: string
  set?: string
  on: boolean
  fired?: true
  question?: Votes & { text: string; count: number }
}
type DraftView = Votes & {
  uid: string
  sentence: string
  by: Named
  target?: string
  agreed: boolean
  request?: string
}
type Head = { phase: string; height: number; stage: string }

export function addRuleCommands(program: Command): void {
  const rule = program.command('rule').description('what members agree that their nodes hold one another to')
  rule
    .command('list <id> [path]')
    .description('list the rules in force, those over one element where a path is given, and the open drafts')
    .option(...DATA)
    .option(...JSON_OUTPUT)
    .action(listRules)
  addMenus(rule.command('draft <id> [path]'))
    .description('draft a rule; it is in force once every member has said yes and one has published it')
    .option(...WAIT)
    .option(...DATA)
    .option(...JSON_OUTPUT)
    .action(draftRule)
  rule
    .command('vote <id> <draft> <yes|no>')
    .description(
      'say yes or no to a draft, or to the question of a rule: by its id; to all drafts of one request by the id of that',
    )
    .option(...WAIT)
    .option(...DATA)
    .option(...JSON_OUTPUT)
    .action((text: string, one: string, answer: string, options: Common) =>
      vote(text, one, answer, options, ['draft', 'question']),
    )
  rule
    .command('withdraw <id> <draft>')
    .description('take back a draft of your own, or all that one request made')
    .option(...WAIT)
    .option(...DATA)
    .option(...JSON_OUTPUT)
    .action(async (text: string, one: string, options: Common) => {
      const client = new NodeClient(options.data)
      const { id } = await findContract(client, text)
      const operations = (await draftsMeant(client, id, one)).map((uid) => ({ withdraw: uid }))
      printWrite(
        await write(client, 'POST', `/api/contracts/${id}/requests`, { operations }, options),
        options,
      )
    })
  rule
    .command('publish <id> [draft...]')
    .description(
      'bring drafts into force that every member has said yes to: those named, those of a request, or all such',
    )
    .option(...WAIT)
    .option(...DATA)
    .option(...JSON_OUTPUT)
    .action(async (text: string, ones: string[], options: Common) => {
      const client = new NodeClient(options.data)
      const { id } = await findContract(client, text)
      const drafts: string[] = []
      for (const one of ones) drafts.push(...(await draftsMeant(client, id, one)))
      const body = drafts.length > 0 ? { drafts } : {}
      printWrite(await write(client, 'POST', `/api/contracts/${id}/publish`, body, options), options)
    })
  addProposalCommands(program)
}

function addMenus(command: Command): Command {
  return command
    .option('--from <file>', 'the rule, or a whole draft, as JSON')
    .option('--required <path>', 'it is never left empty once it was given')
    .option('--from-phase <phase>', 'with --required: from this phase on it has to be there')
    .option('--range <path>', 'its value lies within --min and --max')
    .option('--length <path>', 'its text has --min to --max characters')
    .option('--min <value>')
    .option('--max <value>')
    .option('--one-of <path>', 'it is one of --value A B C')
    .option('--value <value...>')
    .option('--pattern <path>', 'it is written as the regular expression --like')
    .option('--like <pattern>')
    .option('--unique <list>', 'no two items have the same value, or the same --key below them')
    .option('--key <path>')
    .option(
      '--constraint <expression>',
      'must not be false; with --message, and PATH for where it is looked at',
    )
    .option('--message <text>', 'what is said to who breaks it')
    .option(
      '--private <path>',
      'only --to may see what is in it and below: other parties’ nodes hold neither values nor what opens them, only names and types',
    )
    .option('--to <party...>', 'members or observers; what they were given before their time ends they keep')
    .option('--only <party...>', 'nobody else does --may at PATH')
    .option('--may <actions>', 'see (as --private), propose, add, remove, approve: with commas between')
    .option('--until <time>', 'with --only and --private: not from this block time on')
    .option('--until-phase <phase>', 'with --only and --private: not from this phase on')
    .option(
      '--aggregate <path>',
      'everybody sees the field, which --reader alone computes: --of the private values --over a path, once --at-least so many others have given theirs',
    )
    .option('--of <function>', 'sum, count, min or max')
    .option('--over <path>', 'of the private values, such as Costs/Cost; the reader has to see all of them')
    .option('--reader <party>')
    .option('--at-least <n>', '2 or more: of fewer, each could be told from the result')
    .option('--owner <party>', 'it alone adds and removes in PATH')
    .option('--compute <words...>', '“PATH = EXPRESSION”: the field is computed')
    .option('--when <expression>', 'the block --show is there only while this is true')
    .option('--show <path>')
    .option('--approve <path>', 'a value is agreed once --by, or --count of them, have said yes')
    .option(
      '--by <party...>',
      'whose yes it takes (every member’s where left out); with --phases, who moves on',
    )
    .option('--count <n>')
    .option('--several', 'with --approve: proposals may stand side by side')
    .option('--transfer <path>', 'the field says who holds it, and only its holder passes it on')
    .option('--phases <names>', 'the phases after edit, with commas between')
    .option('--repeal <rule>', 'this rule is to be none any more')
    .option('--replace <rule>', 'the rule takes the place of this one')
    .option('--switch <set>', 'switches a rule set --on or --off')
    .option('--on')
    .option('--off')
    .option('--at <path>', 'the block the rule stands at, from which its paths go (default: the root)')
    .option('--set <name>', 'the rule set it belongs to, which can be switched off')
}

async function listRules(
  text: string,
  path: string | undefined,
  options: { data: string; json?: boolean },
): Promise<void> {
  const client = new NodeClient(options.data)
  const { id, name } = await findContract(client, text)
  const from = path === undefined ? `/api/contracts/${id}/rules` : `${recordAddress(id, path)}/$rules`
  const { head, items: rules } = await listAll<Head, RuleView>(client, from + NOW, 'rules')
  const { items: drafts } = await listAll<Head, DraftView>(
    client,
    `/api/contracts/${id}/drafts${NOW}`,
    'drafts',
  )
  if (options.json) {
    printJson({ ...pick(head), rules, drafts })
    return
  }
  print(`${bold(safe(name))}  phase ${bold(safe(head.phase))}`)
  if (rules.length === 0)
    print(dim(path === undefined ? 'No rules are in force.' : `No rules are over ${path}.`))
  for (const { uid, sentence, owner, set, on, question, fired } of rules) {
    const more = [
      `owner ${safe(owner.name)}`,
      ...(set === undefined ? [] : [`set “${safe(set)}”${on ? '' : ', off'}`]),
      ...(fired ? ['has fired'] : []),
    ]
    printHead('rule ', sentence, uid)
    print(dim(`  ${more.join('; ')}`))
    if (question) printVotes(question)
  }
  printDrafts(id, drafts)
}

/** What one request made is voted on, and published, together. */
function printDrafts(id: string, drafts: readonly DraftView[]): void {
  const requests = new Map<string, DraftView[]>()
  for (const draft of drafts) {
    const key = draft.request ?? draft.uid
    requests.set(key, [...(requests.get(key) ?? []), draft])
  }
  for (const [key, together] of requests) {
    for (const draft of together) {
      printHead('draft', draft.sentence, draft.uid)
      print(dim(`  by ${safe(draft.by.name)}`))
      printVotes(draft)
    }
    const [only, ...others] = together
    const at = `${id.slice(0, 12)} ${(others.length === 0 ? (only as DraftView).uid : key).slice(0, 12)}`
    const isAgreed = together.every(({ agreed }) => agreed)
    const all = others.length === 0 ? '' : `all ${together.length} of them:  `
    print(dim(`  ${all}countersign rule ${isAgreed ? `publish ${at}` : `vote ${at} yes|no`}`))
  }
}

function pick({ phase, height, stage }: Head): Head {
  return { phase, height, stage }
}

async function draftRule(
  text: string,
  path: string | undefined,
  options: Common & RuleOptions,
): Promise<void> {
  const client = new NodeClient(options.data)
  const contract: ContractView = await findContract(client, text)
  const { id } = contract
  const body = await draftOf(options, path, contract, (one) => ruleUid(client, id, one))
  const status = await write(client, 'POST', `/api/contracts/${id}/drafts`, body, options)
  printWrite(status, options)
  const uid = status.made?.[0]?.uid
  if (options.json || uid === undefined) return
  const draft = await client.get<DraftView>(`/api/contracts/${id}/drafts/${uid}${NOW}`)
  printHead('draft', draft.sentence, uid)
  printVotes(draft)
  print(dim(`  They say: countersign rule vote ${id.slice(0, 12)} ${uid.slice(0, 12)} yes`))
}

async function ruleUid(client: NodeClient, id: string, text: string): Promise<string> {
  const { items } = await listAll<Head, RuleView>(client, `/api/contracts/${id}/rules${NOW}`, 'rules')
  return findIn(
    items,
    text,
    ({ uid }) => uid,
    ({ target }) => target,
    'rule',
  ).uid
}

/** A yes or no to what waits for answers, by its id or the path that it is about. */
async function vote(
  text: string,
  one: string,
  answer: string,
  options: Common,
  kinds: readonly string[],
): Promise<void> {
  const said = answer.toLowerCase()
  if (said !== 'yes' && said !== 'no')
    throw new CountersignError('bad-request', `say yes or no, not “${answer}”`)
  const client = new NodeClient(options.data)
  const { id } = await findContract(client, text)
  type Open = { uid: string; kind: string; about: string }
  const { items } = await listAll<Head, Open>(client, `/api/contracts/${id}/votes${NOW}`, 'votes')
  const open = items.filter(({ kind }) => kinds.includes(kind))
  const yes = said === 'yes'
  const together = kinds.includes('draft') && !open.some(({ uid }) => uid.startsWith(one.toLowerCase()))
  const drafts = together ? await draftsOf(client, id, one) : []
  if (drafts.length > 0) {
    const operations = drafts.map((uid) => ({ vote: uid, yes }))
    printWrite(await write(client, 'POST', `/api/contracts/${id}/requests`, { operations }, options), options)
    return
  }
  const { uid } = findIn(
    open,
    one.includes('/') && !one.startsWith('/') ? `/${one}` : one,
    (each) => each.uid,
    ({ about }) => about,
    kinds[0] === 'proposal' ? 'open proposal' : 'open draft or question',
  )
  printWrite(await write(client, 'POST', `/api/contracts/${id}/votes`, { on: uid, yes }, options), options)
}

function addProposalCommands(program: Command): void {
  const proposal = program.command('proposal').description('values put forward that others have to agree to')
  proposal
    .command('list <id> [path]')
    .description('list open proposals, with who has said yes and who is waited for')
    .option(...DATA)
    .option(...JSON_OUTPUT)
    .action(listProposals)
  proposal
    .command('vote <id> <proposal> <yes|no>')
    .description('say yes or no to a proposal: by its id, or the path of its field')
    .option(...WAIT)
    .option(...DATA)
    .option(...JSON_OUTPUT)
    .action((text: string, one: string, answer: string, options: Common) =>
      vote(text, one, answer, options, ['proposal']),
    )
  proposal
    .command('withdraw <id> <proposal>')
    .description('take back a proposal of your own: by its id, or the path of its field')
    .option(...WAIT)
    .option(...DATA)
    .option(...JSON_OUTPUT)
    .action(async (text: string, one: string, options: Common) => {
      const client = new NodeClient(options.data)
      const { id } = await findContract(client, text)
      const { items } = await listAll<Head, ProposalView>(
        client,
        `/api/contracts/${id}/proposals${NOW}`,
        'proposals',
      )
      const { uid } = findIn(
        items,
        one.includes('/') && !one.startsWith('/') ? `/${one}` : one,
        (open) => open.uid,
        ({ on }) => on.path ?? '',
        'open proposal',
      )
      printWrite(
        await write(client, 'DELETE', `/api/contracts/${id}/proposals/${uid}`, undefined, options),
        options,
      )
    })
}

async function listProposals(
  text: string,
  path: string | undefined,
  options: { data: string; json?: boolean },
): Promise<void> {
  const client = new NodeClient(options.data)
  const { id, name } = await findContract(client, text)
  const from = path === undefined ? `/api/contracts/${id}/proposals` : `${recordAddress(id, path)}/$proposals`
  const { head, items } = await listAll<Head, ProposalView>(client, from + NOW, 'proposals')
  if (options.json) {
    printJson({ ...pick(head), proposals: items })
    return
  }
  if (items.length === 0) print(`${bold(safe(name))}: no proposal is open.`)
  for (const one of items) {
    printProposal(one)
    print(dim(`  countersign proposal vote ${id.slice(0, 12)} ${one.uid.slice(0, 12)} yes|no`))
  }
}

export function printProposal(one: ProposalView): void {
  const value = one.notShown
    ? privateText(one.readers ?? [])
    : one.value === null
      ? dim('(empty)')
      : cyan(safe(String(one.value)))
  print(`${bold('proposal')}  ${safe(one.on.path ?? one.on.uid)} = ${value}  ${dim(one.uid.slice(0, 12))}`)
  print(dim(`  by ${safe(one.by.name)}`))
  if (one.stale) print(yellow('  another value was agreed since it was made'))
  printVotes(one)
  if (one.complete)
    print(yellow('  every yes it takes is there since a party left: say yes once more, and it is the value'))
}
