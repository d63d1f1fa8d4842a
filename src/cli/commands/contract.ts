/** `contract …`: make, accept, read and change contracts. */
import { readFileSync } from 'node:fs'
import { basename, extname } from 'node:path'
import type { Command } from 'commander'
import { CountersignError } from '../../crypto/errors.ts'
import { NodeClient } from '../client.ts'
import {
  bold,
  cyan,
  dim,
  green,
  print,
  printJson,
  privateText,
  red,
  safe,
  table,
  time,
  yellow,
} from '../output.ts'
import { addTimeCommands } from './diff.ts'
import { type ContractView, contracts, findContract, findParty } from './find.ts'
import { printStanding, type StandingView } from './freeze.ts'
import { type ChangeView, printChanges } from './member.ts'
import { printProposal } from './rule.ts'
import { judgeText } from './status.ts'
import { createFromTemplate } from './template.ts'
import { printWrite, recordAddress, type WriteView } from './writes.ts'

const DATA = ['--data <dir>', 'the node’s directory', process.env.COUNTERSIGN_DATA ?? '.countersign'] as const

export function addContractCommands(program: Command): void {
  const contract = program.command('contract').description('the contracts this node shares')
  contract
    .command('create')
    .description('make a contract from a document or a template, and invite its parties')
    .option('--from <file>', 'the document: JSON or XML')
    .option('--with <party...>', 'pinned parties, by name or fingerprint')
    .option(
      '--template <template>',
      'a template instead of a document: a file, or the name of one that comes with this',
    )
    .option('--role <role=party...>', 'who has which role of the template')
    .option('--name <name>', 'what to call it (default: the file’s name)')
    .option('--quorum <policy>', 'majority, bft or unanimous', 'majority')
    .option(...DATA)
    .option('--json', 'print JSON')
    .action(createContract)
  contract
    .command('accept <id>')
    .description(
      'accept an invitation: your node cosigns the contract as it stands, or comes in with the next turn',
    )
    .option(
      '--checkpoint-of <party>',
      'begin at the final checkpoint that this member vouches for, instead of reading the ledger from its first block',
    )
    .option(...DATA)
    .option('--json', 'print JSON')
    .action(acceptContract)
  contract
    .command('list')
    .description('list them')
    .option(...DATA)
    .option('--json', 'print JSON')
    .action(async (options) => {
      const all = await contracts(new NodeClient(options.data))
      if (options.json) printJson(all)
      else if (all.length === 0)
        print('No contracts yet: countersign contract create --from FILE --with PARTY')
      else print(contractTable(all))
    })
  contract
    .command('show <id>')
    .description('show its document as it is final here, or was')
    .option('--at <time>', 'as of a time (ISO 8601)')
    .option('--height <n>', 'as of a height')
    .option('--uids', 'show the elements’ UIDs')
    .option(...DATA)
    .option('--json', 'print JSON')
    .action(showContract)
  contract
    .command('set <id> <path> [value]')
    .description('set a field, or without a value empty it; answers when every party has signed')
    .option('--type <type>', 'the type that the field gets; where left out it keeps its own')
    .option('--wait <seconds>', 'how long to wait for that', '30')
    .option('--seen <version>', 'refuse unless the field still has this version')
    .option(...DATA)
    .option('--json', 'print JSON')
    .action(setField)
  contract
    .command('check <id>')
    .description('check this node’s own database against what was signed')
    .option(...DATA)
    .option('--json', 'print JSON')
    .action(async (text: string, options) => {
      const client = new NodeClient(options.data)
      const { id, name } = await findContract(client, text)
      const report = await client.post<CheckView>(`/api/contracts/${id}/check`)
      if (options.json) printJson(report)
      else if (report.ok)
        print(
          `${green('✓')} ${bold(safe(name))}: everything on disk is what was signed, up to height ${report.height}`,
        )
      else print(`${red('✗')} ${bold(safe(name))}: ${findingText(report)}`)
      process.exitCode = report.ok ? 0 : 1
    })
  addTimeCommands(contract)
}

const POLL_MS = 200

async function acceptContract(
  text: string,
  options: { checkpointOf?: string; data: string; json?: boolean },
): Promise<void> {
  const client = new NodeClient(options.data)
  const { id, name } = await findContract(client, text)
  if (options.checkpointOf !== undefined)
    await beginAt(client, id, options.checkpointOf, options.json ?? false)
  const view = await client.post<ContractView>(`/api/contracts/${id}/accept`)
  if (options.json) printJson(view)
  else if (view.part === 'member') print(`${green('✓')} ${bold(safe(name))} accepted${waitingText(view)}`)
  else print(`${green('✓')} ${bold(safe(name))} ${safe(view.standing)}`)
}

/** Until the checkpoint has been taken in, and the ledger read from there on. @throws CountersignError where it is refused */
async function beginAt(client: NodeClient, id: string, member: string, asJson: boolean): Promise<void> {
  const party = await findParty(client, member)
  let view = await client.post<ContractView>(
    `/api/contracts/${id}/accept`,
    JSON.stringify({ checkpointOf: party }),
  )
  while (view.basis === undefined || view.part === 'out') {
    if (view.beginning?.fault !== undefined)
      throw new CountersignError('conflict', `it does not begin at that checkpoint: ${view.beginning.fault}`)
    if (view.beginning === undefined && view.basis === undefined) {
      if (!asJson) print('  this node has read the ledger as far already: it holds the whole')
      return
    }
    await new Promise((done) => setTimeout(done, POLL_MS))
    view = await client.get<ContractView>(`/api/contracts/${id}`)
  }
  const { height, voucher } = view.basis
  if (!asJson)
    print(
      `  begun at ledger block ${height}, on the word of ${bold(safe(voucher.name))}: what was before is not held here`,
    )
}

type CheckView = {
  ok: boolean
  height: number
  finding?: { rule: string; place: string; message: string }
}

function findingText({ finding }: CheckView): string {
  return finding ? `[${finding.rule}] ${safe(finding.place)}: ${safe(finding.message)}` : 'damaged'
}

async function createContract(options: {
  from?: string
  with?: string[]
  template?: string
  role?: string[]
  name?: string
  quorum: string
  data: string
  json?: boolean
}): Promise<void> {
  const { from, with: others = [], template } = options
  if ((from === undefined) === (template === undefined))
    throw new CountersignError('bad-request', 'give either --from with a document, or --template')
  const view =
    template === undefined
      ? await createFromDocument({ ...options, from: from as string, with: others })
      : await createFromTemplate({ ...options, template })
  if (options.json) {
    printJson(view)
    return
  }
  print(`${green('✓')} ${bold(safe(view.name))} made${waitingText(view)}`)
  print(`  id           ${view.id}`)
  print(`  record hash  ${view.recordHash}`)
  if (view.members.length > 1)
    print(dim(`  They accept it with: countersign contract accept ${view.id.slice(0, 12)}`))
}

async function createFromDocument(options: {
  from: string
  with: string[]
  name?: string
  quorum: string
  data: string
}): Promise<ContractView> {
  const client = new NodeClient(options.data)
  let text: string
  try {
    text = readFileSync(options.from, 'utf8')
  } catch (error) {
    throw new CountersignError('not-found', `${options.from} can’t be read: ${(error as Error).message}`)
  }
  const parties: string[] = []
  for (const party of options.with) parties.push(await findParty(client, party))
  const head = JSON.stringify({
    name: options.name ?? basename(options.from, extname(options.from)),
    with: parties,
    policy: { quorum: options.quorum },
  })
  const isXml = text.trimStart().startsWith('<')
  // The document is passed on as written: parsing it here would lose exact decimals.
  const body = `${head.slice(0, -1)},${isXml ? `"xml":${JSON.stringify(text)}` : `"document":${text}`}}`
  return client.post<ContractView>('/api/contracts', body)
}

function waitingText(view: ContractView): string {
  const names = view.waitingFor.map(({ name }) => safe(name))
  return names.length === 0 ? '; every party has signed' : `; waiting for ${yellow(names.join(', '))}`
}

function statusText({ status, standing }: ContractView): string {
  if (status === 'halted' || status === 'damaged') return red(status)
  if (status === 'accepted' && standing === 'member') return status
  return status === 'accepted' ? safe(standing) : yellow(safe(standing))
}

function contractTable(all: readonly ContractView[]): string {
  const rows = all.map((one) => [
    bold(safe(one.name)),
    one.id.slice(0, 12),
    statusText(one),
    one.finalHeight < 0 ? '–' : String(one.finalHeight),
    one.recordHash.slice(0, 16),
    one.members.map(({ name }) => safe(name)).join(', '),
    one.waitingFor.map(({ name }) => safe(name)).join(', ') || '–',
  ])
  return table(['name', 'id', 'status', 'final height', 'record hash', 'parties', 'waiting for'], rows)
}

type ElementView = {
  uid: string
  name: string
  kind: 'block' | 'list' | 'field'
  type?: string
  value?: string | boolean | null
  readers?: string[]
  notShown?: true
  children?: ElementView[]
}
type FullView = {
  id: string
  name: string
  height: number
  recordHash: string
  timeMs: number
  root: ElementView
}

async function showContract(
  text: string,
  options: { at?: string; height?: string; uids?: boolean; data: string; json?: boolean },
): Promise<void> {
  const client = new NodeClient(options.data)
  const { id } = await findContract(client, text)
  const query = new URLSearchParams()
  if (options.at !== undefined) query.set('at', options.at)
  if (options.height !== undefined) query.set('height', options.height)
  const full = await client.get<FullView>(`/api/contracts/${id}/full?${query}`)
  if (options.json) {
    printJson(full)
    return
  }
  print(`${bold(safe(full.name))}  ${dim(full.id)}`)
  print(`height ${full.height}  ${time(full.timeMs)}  record hash ${full.recordHash}`)
  const standing = await client.get<StandingView & ContractView & Waiting>(`/api/contracts/${id}`)
  printStanding(standing)
  if (standing.basis !== undefined)
    print(
      dim(
        `held from ledger block ${standing.basis.height} on, for which ${safe(standing.basis.voucher.name)} vouched`,
      ),
    )
  if (standing.standing !== 'member') print(yellow(safe(standing.standing)))
  printChanges(standing.changes, id)
  for (const { request, waitingFor } of standing.judging)
    for (const one of waitingFor) print(`request ${request.slice(0, 12)}  ${judgeText(one)}`)
  print()
  const names = namesIn(standing)
  for (const child of full.root.children ?? []) printElement(child, 0, options.uids ?? false, names)
}

type Waiting = {
  changes: ChangeView[]
  judging: { request: string; waitingFor: Parameters<typeof judgeText>[0][] }[]
}

/** Of parties in a contract, and those left out of it; who is out of it has an id only. */
function namesIn({ members, observers, leftOut }: ContractView & StandingView): Map<string, string> {
  const people = [...members, ...observers, ...leftOut]
  return new Map(people.map(({ party, name }) => [party, name]))
}

function printElement(
  element: ElementView,
  depth: number,
  uids: boolean,
  names: ReadonlyMap<string, string>,
): void {
  const indent = '  '.repeat(depth)
  const uid = uids ? dim(`  ${element.uid}`) : ''
  if (element.name.startsWith('#') && element.name !== '#text' && element.name !== '#value') return
  if (element.kind === 'field') {
    print(`${indent}${safe(element.name)}  ${valueText(element, names)}${uid}`)
    return
  }
  const count = element.kind === 'list' ? dim(` [${element.children?.length ?? 0}]`) : ''
  print(`${indent}${bold(safe(element.name))}${count}${uid}`)
  for (const child of element.children ?? []) printElement(child, depth + 1, uids, names)
}

/** A private value that the node holds is marked, so that nobody takes it for what everybody sees. */
function valueText(
  { type, value = null, readers, notShown }: ElementView,
  names: ReadonlyMap<string, string>,
): string {
  const people = readers?.map((party) => ({ name: names.get(party) ?? party.slice(0, 12) }))
  if (notShown) return privateText(people ?? [])
  const shown = value !== null ? cyan(safe(String(value))) : dim(type === 'null' ? 'null' : '(empty)')
  return people === undefined ? shown : `${shown}  ${privateText(people)}`
}

async function setField(
  text: string,
  path: string,
  value: string | undefined,
  options: { wait: string; seen?: string; type?: string; data: string; json?: boolean },
): Promise<void> {
  const client = new NodeClient(options.data)
  const { id } = await findContract(client, text)
  const headers: Record<string, string> = {
    'content-type': value === undefined ? 'application/json' : 'text/plain',
    prefer: `wait=${options.wait}`,
  }
  if (options.seen) headers['if-match'] = `"${options.seen}"`
  const query = options.type === undefined ? '' : `?type=${encodeURIComponent(options.type)}`
  const body = value ?? 'null'
  const response = await client.fetch(`${recordAddress(id, path)}${query}`, { method: 'PUT', body, headers })
  const status = (await response.json()) as WriteView
  printWrite(status, options)
  if (options.json) return
  for (const one of status.proposed ?? []) printProposal(one)
}
