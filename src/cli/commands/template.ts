/** `template …`: look at templates, check and compare them, and make them of contracts. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { checkTemplate } from '../../contract/template/check.ts'
import { differences } from '../../contract/template/difference.ts'
import { parseTemplate, type Template, templateHash } from '../../contract/template/format.ts'
import { type Node, nodesOf } from '../../contract/template/tree.ts'
import { CountersignError } from '../../crypto/errors.ts'
import { NodeClient } from '../client.ts'
import { bold, cyan, dim, green, print, printJson, red, safe, table, yellow } from '../output.ts'
import { type ContractView, findContract, findParty } from './find.ts'

const DATA = ['--data <dir>', 'the node’s directory', process.env.COUNTERSIGN_DATA ?? '.countersign'] as const
const JSON_OPTION = ['--json', 'print JSON'] as const

export function addTemplateCommands(program: Command): void {
  const template = program
    .command('template')
    .description('what contracts are made of: elements, rules and roles, as a file')
  template
    .command('list')
    .description('list the templates that come with this program')
    .option(...JSON_OPTION)
    .action(listTemplates)
  template
    .command('show <template>')
    .description('show one, by file or name: its roles, elements and rules in words')
    .option(...JSON_OPTION)
    .action(showTemplate)
  template
    .command('check <template>')
    .description('check that everything its rules need is there, and that it works')
    .option(...JSON_OPTION)
    .action((name: string, options: { json?: boolean }) => {
      const read = readTemplate(name)
      checkTemplate(read)
      const { rules, edition } = read
      const hash = templateHash(read)
      if (options.json) printJson({ ok: true, name: read.name, edition, hash, rules: rules.length })
      else print(`${green('✓')} ${bold(read.name)}, edition ${edition}, works  ${dim(hash)}`)
    })
  template
    .command('diff <from> <to>')
    .description('say what is different between two')
    .option(...JSON_OPTION)
    .action((from: string, to: string, options: { json?: boolean }) => {
      const found = differences(readTemplate(from), readTemplate(to))
      if (options.json) printJson(found)
      else if (found.length === 0) print('They are the same.')
      const colours = { '+': green, '-': red, '~': yellow }
      if (!options.json) for (const { sign, what } of found) print(`${colours[sign](sign)} ${safe(what)}`)
    })
  template
    .command('export <contract>')
    .description(
      'make a template of a contract, or of a part of it: its elements and rules, with roles for parties',
    )
    .option('--block <uid>', 'the part; see contract show --uids')
    .option('--name <name>', 'what to call it')
    .option('--title <title>', 'its title')
    .option('--role <role=party...>', 'what a party is in it')
    .option('--values', 'with the values in it')
    .option('-o, --output <file>', 'the file to write; printed where left out')
    .option(...DATA)
    .action(exportContract)
}

/** Where the templates lie that come with the program: beside what it is built into, or beside its sources. */
function shippedFolder(): string {
  for (const path of ['../templates/', '../../../templates/']) {
    const folder = fileURLToPath(new URL(path, import.meta.url))
    if (existsSync(join(folder, 'facultative-slip.json'))) return folder
  }
  throw new CountersignError(
    'not-found',
    'the templates that come with the program are not here; name a file',
  )
}

/** @throws CountersignError `not-found`, or whatever is wrong with the file */
function readTemplate(name: string): Template {
  return parseTemplate(templateText(name))
}

/** By the path of a file, or by the name of one that comes with the program. */
function templateText(name: string): string {
  const isName = /^[a-z][a-z0-9-]*$/.test(name) && !existsSync(name)
  const path = isName ? join(shippedFolder(), `${name}.json`) : name
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new CountersignError('not-found', `${path} can’t be read: ${(error as Error).message}`)
  }
}

function listTemplates(options: { json?: boolean }): void {
  const folder = shippedFolder()
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'))
  const all = files.sort().map((file) => readTemplate(join(folder, file)))
  if (options.json) {
    printJson(all.map((one) => ({ name: one.name, edition: one.edition, title: one.title, help: one.help })))
    return
  }
  const rows = all.map(({ name, title, roles, rules }) => [
    bold(name),
    title,
    roles.map((role) => role.name).join(', '),
    String(rules.length),
  ])
  print(table(['name', 'title', 'roles', 'rules'], rows))
}

function showTemplate(name: string, options: { json?: boolean }): void {
  const template = readTemplate(name)
  if (options.json) {
    printJson(template)
    return
  }
  const { title, help, edition, roles, phases, rules } = template
  print(`${bold(safe(title))}  ${dim(`${template.name}, edition ${edition}, ${templateHash(template)}`)}`)
  print(safe(help))
  print(`\n${bold('Roles')}`)
  for (const role of roles)
    print(`  ${cyan(role.name)}${role.repeated ? ' (several)' : ''}  ${safe(role.title)}: ${safe(role.help)}`)
  if (phases.length > 0) print(`\n${bold('Phases')}`)
  for (const phase of phases) print(`  ${cyan(safe(phase.name))}  ${safe(phase.help)}`)
  print(`\n${bold('Elements')}`)
  for (const node of nodesOf(template)) printNode(node, 1)
  print(`\n${bold('Rules')}`)
  for (const rule of rules) {
    const when = rule.set === undefined ? '' : dim(`  in the rule set “${safe(rule.set)}”`)
    print(`  ${cyan(rule.name)}  ${safe(rule.help)}${when}`)
  }
}

function printNode({ name, kind, label, type, typed, each, help, children }: Node, depth: number): void {
  const is =
    kind === 'field' ? (typed ?? type ?? '') : kind === 'list' ? `list of ${typed ?? 'anything'}` : ''
  const whose = each === undefined ? '' : ` for each ${each}`
  const words = [label, help].filter((word) => word !== undefined).join('. ')
  print(`${'  '.repeat(depth)}${bold(safe(name))}  ${cyan(safe(`${is}${whose}`))}  ${dim(safe(words))}`)
  for (const child of children) printNode(child, depth + 1)
}

/** The parties of each role, from words such as `broker=Acme`. */
async function rolesOf(client: NodeClient, words: readonly string[]): Promise<Record<string, string[]>> {
  const roles: Record<string, string[]> = {}
  const own = await client.get<{ party: string; name: string }>('/api/node')
  for (const word of words) {
    const split = word.indexOf('=')
    if (split < 1) throw new CountersignError('bad-request', `“${word}”: write role=party`)
    const [role, text] = [word.slice(0, split), word.slice(split + 1)]
    const isOwn = text.toLowerCase() === own.name.toLowerCase() || text === own.party
    roles[role] = [...(roles[role] ?? []), isOwn ? own.party : await findParty(client, text)]
  }
  return roles
}

/** `contract create --template`: makes a contract of one. */
export async function createFromTemplate(options: {
  template: string
  role?: string[]
  name?: string
  quorum: string
  data: string
}): Promise<ContractView> {
  const client = new NodeClient(options.data)
  const text = templateText(options.template)
  const head = JSON.stringify({
    name: options.name ?? basename(options.template, '.json'),
    roles: await rolesOf(client, options.role ?? []),
    policy: { quorum: options.quorum },
  })
  parseTemplate(text)
  return client.post<ContractView>('/api/contracts/from-template', `${head.slice(0, -1)},"document":${text}}`)
}

async function exportContract(
  text: string,
  options: {
    block?: string
    name?: string
    title?: string
    role?: string[]
    values?: boolean
    output?: string
    data: string
  },
): Promise<void> {
  const client = new NodeClient(options.data)
  const { id } = await findContract(client, text)
  const query = new URLSearchParams()
  for (const key of ['block', 'name', 'title'] as const) {
    const value = options[key]
    if (value !== undefined) query.set(key, value)
  }
  for (const [role, parties] of Object.entries(await rolesOf(client, options.role ?? [])))
    for (const party of parties) query.append('role', `${role}:${party}`)
  if (options.values) query.set('values', 'true')
  const { template, left } = await client.get<{ template: Template; left: string[] }>(
    `/api/contracts/${id}/template?${query}`,
  )
  if (options.output === undefined) printJson(template)
  else writeFileSync(options.output, `${JSON.stringify(template, null, 2)}\n`)
  if (options.output !== undefined) {
    print(`${green('✓')} ${options.output}: ${template.rules.length} rules  ${dim(templateHash(template))}`)
    for (const one of left) print(yellow(`  ${safe(one)}`))
  }
}
