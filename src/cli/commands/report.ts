/** `report`: what the contracts of this node held at a time, for people, as CSV or JSON, or as a file signed by the node. */
import { createWriteStream, renameSync, rmSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import { CountersignError } from '../../crypto/errors.ts'
import { NodeClient } from '../client.ts'
import { bold, cyan, dim, green, print, printJson, privateText, safe, time, yellow } from '../output.ts'
import { csvLine } from './csv.ts'
import { findContract } from './find.ts'
import { gathered, pagesOf } from './pages.ts'
import { addScheduleCommands } from './schedule.ts'

type Field = {
  path: string
  uid: string
  type: string
  value?: string | boolean | null
  readers?: { name: string }[]
  notShown?: true
}
type Reported = {
  contract: string
  name: string
  status: string
  height: number
  timeMs: number
  stage: string
  recordHash: string
  tentative: number
  members: { party: string; name: string }[]
  fields: Field[]
  missing: string[]
}
type LeftOut = { notYet: number; notFinal: number; notHeld: number; damaged: number }
type ReportPage = {
  atMs: number
  total: number
  leftOut: LeftOut
  contracts: Reported[]
  nextCursor?: string
}

type Options = {
  at?: string
  contract?: string[]
  fields?: string
  format: string
  tentative?: boolean
  signed?: boolean
  output?: string
  data: string
  json?: boolean
}

const FORMATS = ['text', 'json', 'csv']
/** Contracts asked for at a time: of each there may be many fields. */
const PAGE_CONTRACTS = 100

export function addReportCommands(program: Command): void {
  const report = program
    .command('report')
    .description('what your contracts held at a time; as a signed file, or by schedule')
    .option(
      '--at <time>',
      'a time such as 2026-04-01T12:00:00Z, or a date (its beginning in UTC); now where left out',
    )
    .option('--contract <id...>', 'these contracts only')
    .option('--fields <paths>', 'these fields only: paths with commas between them')
    .option('--format <format>', 'text, json or csv', 'text')
    .option('--tentative', 'also what is ordered, though not final yet')
    .option('--signed', 'as a file signed by the node that anyone can verify; with --output')
    .option('-o, --output <file>', 'where the signed file goes')
    .option('--data <dir>', 'the node’s directory', process.env.COUNTERSIGN_DATA ?? '.countersign')
    .option('--json', 'the same as --format json')
    .enablePositionalOptions()
    .action(showReport)
  addScheduleCommands(report)
}

async function showReport(options: Options): Promise<void> {
  const format = options.json ? 'json' : options.format
  if (!FORMATS.includes(format))
    throw new CountersignError('bad-request', `--format is text, json or csv, not “${format}”`)
  const client = new NodeClient(options.data)
  const query = new URLSearchParams()
  if (options.at !== undefined) query.set('at', options.at)
  if (options.fields !== undefined) query.set('fields', options.fields)
  for (const text of options.contract ?? []) query.append('contract', (await findContract(client, text)).id)
  if (options.signed || options.output !== undefined) {
    await writeSigned(client, query, options)
    return
  }
  if (options.tentative) query.set('status', 'tentative')
  query.set('limit', String(PAGE_CONTRACTS))
  const pages = pagesOf<ReportPage>(client, '/api/report', query)
  if (format === 'json') {
    const all = await gathered(pages)
    const { nextCursor: _, ...head } = all[0] as ReportPage
    printJson({ ...head, contracts: all.flatMap(({ contracts }) => contracts) })
    return
  }
  let isFirst = true
  for await (const page of pages) {
    if (format === 'csv') printCsv(page, isFirst)
    else printText(page, isFirst)
    isFirst = false
  }
}

async function writeSigned(client: NodeClient, query: URLSearchParams, options: Options): Promise<void> {
  if (options.output === undefined)
    throw new CountersignError(
      'bad-request',
      '--signed goes with --output FILE: what is printed can’t be verified',
    )
  if (options.tentative)
    throw new CountersignError(
      'bad-request',
      'a signed report is of final states only: leave --tentative out',
    )
  const response = await client.fetch(`/api/report/file?${query}`)
  const partial = `${options.output}.part`
  try {
    await pipeline(Readable.fromWeb(response.body as never), createWriteStream(partial))
  } catch (error) {
    rmSync(partial, { force: true })
    const { message } = error as Error
    throw new CountersignError(
      'unavailable',
      `the report was not written: ${message}; the node’s log may say more`,
    )
  }
  renameSync(partial, options.output)
  if (options.json) {
    printJson({ file: options.output })
    return
  }
  print(`${green('✓')} signed report written to ${options.output}`)
  print(dim(`  Anyone can check it: countersign verify report ${options.output} --trust FINGERPRINT…`))
}

function printText({ atMs, total, leftOut, contracts }: ReportPage, isFirst: boolean): void {
  if (isFirst) {
    print(`${bold(`${total} ${total === 1 ? 'contract' : 'contracts'}`)} as of ${time(atMs)}`)
    for (const text of leftOutTexts(leftOut)) print(dim(`  left out: ${text}`))
  }
  for (const one of contracts) {
    const stage = one.stage === 'final' ? green('final') : yellow(one.stage)
    print()
    print(`${bold(safe(one.name))}  ${dim(one.contract)}`)
    print(`  height ${one.height}, ${stage}  ${time(one.timeMs)}  record hash ${one.recordHash}`)
    print(`  members  ${one.members.map(({ name }) => safe(name)).join(', ')}`)
    if (one.tentative > 0)
      print(yellow(`  ${one.tentative} later ledger blocks of up to then are not final yet, and not in here`))
    for (const field of one.fields) print(`  ${safe(field.path)}  ${fieldText(field)}`)
    for (const path of one.missing) print(dim(`  ${safe(path)}  names nothing here`))
  }
}

function fieldText({ type, value, readers, notShown }: Field): string {
  if (notShown) return readers === undefined ? dim('not held here') : privateText(readers)
  if (value === null || value === undefined) return dim(type === 'null' ? 'null' : '(empty)')
  return cyan(safe(String(value)))
}

/** What is not in a report, and why. */
export function leftOutTexts({ notYet, notFinal, notHeld, damaged }: LeftOut): string[] {
  const contracts = (count: number): string => `${count} ${count === 1 ? 'contract' : 'contracts'}`
  return [
    ...(notYet > 0 ? [`${contracts(notYet)} that did not exist yet`] : []),
    ...(notFinal > 0 ? [`${contracts(notFinal)} in which nothing is final`] : []),
    ...(notHeld > 0 ? [`${contracts(notHeld)} not held here as of then`] : []),
    ...(damaged > 0 ? [`${contracts(damaged)} whose data here are damaged`] : []),
  ]
}

/** One row for each field; a contract without any has one row. */
function printCsv({ contracts }: ReportPage, isFirst: boolean): void {
  if (isFirst)
    print(
      csvLine([
        'contract',
        'name',
        'height',
        'time',
        'stage',
        'record hash',
        'members',
        'path',
        'type',
        'value',
      ]),
    )
  for (const one of contracts) {
    const members = one.members.map(({ name }) => name).join('; ')
    const when = new Date(one.timeMs).toISOString()
    const head = [one.contract, one.name, String(one.height), when, one.stage, one.recordHash, members]
    const rows: Partial<Field>[] = one.fields.length === 0 ? [{}] : one.fields
    for (const { path = '', type = '', value, readers, notShown } of rows) {
      const text = value === undefined || value === null ? '' : String(value)
      const missing =
        readers === undefined ? 'not held' : `private: ${readers.map(({ name }) => name).join('; ')}`
      print(csvLine([...head, path, notShown ? missing : type, text], type))
    }
  }
}
