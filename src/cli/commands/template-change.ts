/** `template include` and `template upgrade`: what they would change is shown first; members vote on the rest of it. */
import type { Command } from 'commander'
import { parseTemplate } from '../../contract/template/format.ts'
import { NodeClient } from '../client.ts'
import { bold, columns, cyan, dim, green, print, printJson, red, safe, yellow } from '../output.ts'
import { type ContractView, findContract } from './find.ts'
import { ancestorText, rolesOf, templateText } from './template-files.ts'
import {
  type Common,
  DATA,
  JSON_OUTPUT,
  type Named,
  names,
  printWrite,
  WAIT,
  type WriteView,
  write,
} from './writes.ts'

type Edition = { name: string; title: string; edition: number; hash: string }
type PlanView = {
  template: Edition
  from?: Edition
  block: { uid: string; path: string }
  roles: { name: string; title: string; parties: Named[] }[]
  created: { count: number; elements: { path: string; kind: string }[] }
  described: string[]
  drafts: { uid: string; sentence: string; do: string; name?: string }[]
  left: string[]
  operations: number
}
type Options = Common & { contract: string; role?: string[]; dryRun?: boolean }

export function addTemplateChanges(template: Command): void {
  shared(
    template
      .command('include <template>')
      .description(
        'put a template into a contract as a block: its elements at once, its rules once all agree',
      )
      .requiredOption('--contract <id>', 'the contract')
      .option('--in <path>', 'the block or list that it comes into (default: the contract itself)')
      .option('--name <name>', 'what the new block is called (default: the template’s title)')
      .option('--role <role=party...>', 'who has which role of the template'),
  ).action(includeTemplate)
  shared(
    template
      .command('upgrade <template>')
      .description('take a contract, or a block in it, to the next edition of its template, once all agree')
      .requiredOption('--contract <id>', 'the contract')
      .option('--on <path>', 'the block that was made of the template (default: the contract itself)')
      .option(
        '--from <template>',
        'the edition that it is of; looked for beside the other, and among those that come with this',
      )
      .option(
        '--role <role=party...>',
        'who has a role that is new, or that can’t be told from the contract',
      ),
  ).action(upgradeTemplate)
}

function shared(command: Command): Command {
  return command
    .option('--dry-run', 'only show what would change')
    .option(...WAIT)
    .option(...DATA)
    .option(...JSON_OUTPUT)
}

async function includeTemplate(
  name: string,
  options: Options & { in?: string; name?: string },
): Promise<void> {
  const client = new NodeClient(options.data)
  const text = templateText(name)
  parseTemplate(text)
  const contract = await findContract(client, options.contract)
  const roles = await rolesOf(client, options.role ?? [], contract.members)
  const head = JSON.stringify({ in: options.in, name: options.name, roles })
  await change(client, contract, 'inclusions', `${head.slice(0, -1)},"document":${text}}`, options)
}

async function upgradeTemplate(
  name: string,
  options: Options & { on?: string; from?: string },
): Promise<void> {
  const client = new NodeClient(options.data)
  const text = templateText(name)
  const to = parseTemplate(text)
  const from = options.from === undefined ? ancestorText(name, to) : templateText(options.from)
  parseTemplate(from)
  const contract = await findContract(client, options.contract)
  const roles = await rolesOf(client, options.role ?? [], contract.members)
  const head = JSON.stringify({ on: options.on, roles })
  const body = `${head.slice(0, -1)},"from":{"document":${from}},"to":{"document":${text}}}`
  await change(client, contract, 'upgrades', body, options)
}

/** Shows what it would change; then, unless that was all that was wanted, has it signed. */
async function change(
  client: NodeClient,
  contract: ContractView,
  route: string,
  body: string,
  options: Options,
): Promise<void> {
  const { id, name } = contract
  const plan = await client.post<PlanView>(`/api/contracts/${id}/${route}/preview`, body)
  if (!options.json) printPlan(plan, name)
  if (options.dryRun) {
    if (options.json) printJson(plan)
    else print(dim('\nNothing has been sent.'))
    return
  }
  const status = await write(client, 'POST', `/api/contracts/${id}/${route}`, body, options)
  if (options.json) printJson({ plan, status })
  else {
    print()
    printWrite(status, options)
    printNext(id, status, contract)
  }
}

function printNext(id: string, { id: request, made = [] }: WriteView, { members }: ContractView): void {
  const drafts = made.filter(({ kind }) => kind === 'draft').length
  if (drafts === 0) return
  const at = `${id.slice(0, 12)} ${request.slice(0, 12)}`
  const all = drafts === 1 ? 'the draft' : `all ${drafts} drafts`
  if (members.length > 1) print(dim(`  They say yes to ${all}:  countersign rule vote ${at} yes`))
  print(dim(`  Then one publishes them:  countersign rule publish ${at}`))
}

/** Of very many elements the first tell what they are. */
const SHOWN_MAX = 40

function printPlan(
  { template, from, block, roles, created, described, drafts, left }: PlanView,
  contract: string,
): void {
  const called = `${bold(safe(template.name))}, edition ${(from ?? template).edition}`
  const whole = block.path === '/' ? 'the contract ' : `${bold(safe(block.path))} of the contract `
  const where = `${whole}${bold(safe(contract))}`
  print(
    from === undefined ? `${called}, as ${where}` : `${called} → edition ${template.edition}, for ${where}`,
  )
  print(`\n${bold('Roles')}`)
  const rows = roles.map(({ name, parties }) => [
    `  ${cyan(name)}`,
    parties.length === 0 ? dim('nobody') : names(parties),
  ])
  print(columns(rows))
  if (created.count + described.length > 0) print(`\n${bold('At once')}`)
  for (const { path, kind } of created.elements.slice(0, SHOWN_MAX))
    print(`  ${green('+')} ${safe(path)}  ${dim(kind)}`)
  if (created.count > SHOWN_MAX) print(dim(`    and ${created.count - SHOWN_MAX} elements more`))
  for (const path of described) print(`  ${yellow('~')} ${safe(path)}  ${dim('other words')}`)
  print(`\n${bold('Once every member has said yes')}`)
  for (const { do: what, name, sentence } of drafts) {
    const sign = what === 'add' ? green('+') : what === 'repeal' ? red('-') : yellow('~')
    print(`  ${sign} ${name === undefined ? '' : `${cyan(name)}  `}${safe(sentence)}`)
  }
  if (left.length > 0) print(`\n${bold('Left to be decided by hand')}`)
  for (const one of left) print(`  ${yellow(safe(one))}`)
}
