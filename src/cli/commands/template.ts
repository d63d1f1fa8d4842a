/** `template …`: look at templates, check and compare them, and make them of contracts. */
import { readdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Command } from 'commander'
import { checkTemplate } from '../../contract/template/check.ts'
import { type Difference, differences } from '../../contract/template/difference.ts'
import { parseTemplate, type Template, templateHash } from '../../contract/template/format.ts'
import { type Node, nodesOf } from '../../contract/template/tree.ts'
import { NodeClient } from '../client.ts'
import { bold, cyan, dim, green, print, printJson, red, safe, table, yellow } from '../output.ts'
import { type ContractView, findContract } from './find.ts'
import { addTemplateChanges } from './template-change.ts'
import { type Roles, readTemplate, rolesOf, shippedFolder, templateText } from './template-files.ts'

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
      const [before, after] = [readTemplate(from), readTemplate(to)]
      const found = differences(before, after)
      if (options.json) printJson(found)
      else {
        print(headOfDifference(before, after))
        printDifferences(found)
      }
    })
  template
    .command('export <contract>')
    .description(
      'make a template of a contract, or of a part of it: its elements and rules, with roles for parties',
    )
    .option('--block <path>', 'the part, by path or UID; all of it where left out')
    .option(
      '--from <template>',
      'the template that it was made of: its roles, names and words are taken, and it is the next edition',
    )
    .option('--name <name>', 'what to call it')
    .option('--title <title>', 'its title')
    .option('--role <role=party...>', 'what a party is in it; with --from, where that can’t be told')
    .option('--values', 'with the values in it')
    .option('-o, --output <file>', 'the file to write; printed where left out')
    .option(...DATA)
    .action(exportContract)
  addTemplateChanges(template)
}

/** Which editions are compared, and whether one comes after the other. */
function headOfDifference(from: Template, to: Template): string {
  const called = ({ name, edition }: Template): string => `${bold(name)}, edition ${edition}`
  const after =
    to.ancestor === templateHash(from)
      ? 'which comes next'
      : from.ancestor === templateHash(to)
        ? 'which comes before'
        : `which does not name the other as its ancestor, ${templateHash(from)}`
  return templateHash(from) === templateHash(to)
    ? called(to)
    : `${called(from)} → ${called(to)}, ${dim(after)}`
}

function printDifferences(found: readonly Difference[]): void {
  if (found.length === 0) print('They are the same.')
  const colours = { '+': green, '-': red, '~': yellow }
  for (const { sign, what } of found) print(`${colours[sign](sign)} ${safe(what)}`)
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
    from?: string
    name?: string
    title?: string
    role?: string[]
    values?: boolean
    output?: string
    data: string
  },
): Promise<void> {
  const client = new NodeClient(options.data)
  const { id, members } = await findContract(client, text)
  const roles = await rolesOf(client, options.role ?? [], members)
  type Exported = { template: Template; left: string[] }
  const { template, left } =
    options.from === undefined
      ? await client.get<Exported>(`/api/contracts/${id}/template?${exportQuery(options, roles)}`)
      : await client.post<Exported>(`/api/contracts/${id}/template`, exportBody(options, options.from, roles))
  if (options.output === undefined) {
    printJson(template)
    // Beside what may be read by a program.
    for (const one of left) process.stderr.write(`${safe(one)}\n`)
    return
  }
  writeFileSync(options.output, `${JSON.stringify(template, null, 2)}\n`)
  const { name, edition, rules } = template
  print(
    `${green('✓')} ${options.output}: ${bold(name)}, edition ${edition}, ${rules.length} rules  ${dim(templateHash(template))}`,
  )
  for (const one of left) print(yellow(`  ${safe(one)}`))
  if (options.from === undefined) return
  const found = differences(readTemplate(options.from), template)
  print(
    found.length === 0
      ? dim('Nothing is different from the edition before.')
      : dim('Since the edition before:'),
  )
  if (found.length > 0) printDifferences(found)
}

type ExportWords = { block?: string; name?: string; title?: string; values?: boolean }

function exportQuery({ block, name, title, values }: ExportWords, roles: Roles): URLSearchParams {
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries({ block, name, title }))
    if (value !== undefined) query.set(key, value)
  for (const [role, parties] of Object.entries(roles))
    for (const party of parties) query.append('role', `${role}:${party}`)
  if (values) query.set('values', 'true')
  return query
}

function exportBody({ block, name, title, values }: ExportWords, from: string, roles: Roles): string {
  const head = JSON.stringify({ block, name, title, roles, ...(values && { values }) })
  return `${head.slice(0, -1)},"from":{"document":${templateText(from)}}}`
}
