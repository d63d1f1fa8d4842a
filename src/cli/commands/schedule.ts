/** `report schedule`: signed reports that the running node writes day by day, week by week or month by month. */
import { existsSync, mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { CountersignError } from '../../crypto/errors.ts'
import { NodeClient } from '../client.ts'
import { bold, dim, green, print, printJson, red, safe, table, time } from '../output.ts'
import { findContract } from './find.ts'

type Schedule = {
  name: string
  every: string
  at: string
  to: string
  contracts?: string[]
  fields?: string[]
  nextMs: number
  doneMs?: number
  failure?: { message: string; sinceMs: number; attempts: number }
}
type ScheduleList = { schedules: Schedule[] }

const DATA = ['--data <dir>', 'the node’s directory', process.env.COUNTERSIGN_DATA ?? '.countersign'] as const
const NAMES: Record<string, string> = { day: 'daily', week: 'weekly', month: 'monthly' }

export function addScheduleCommands(report: Command): void {
  const schedule = report.command('schedule').description('signed reports that the node writes by itself')
  schedule
    .command('add')
    .description('have one written regularly, while the node runs')
    .requiredOption('--every <period>', 'day, week (on Mondays) or month (on the first)')
    .requiredOption('--at <time>', 'a time of day in UTC such as 06:00')
    .requiredOption('--to <dir>', 'the directory that the files go to; made if it is not there')
    .option('--name <name>', 'what its files begin with (default: daily, weekly or monthly)')
    .option('--contract <id...>', 'these contracts only')
    .option('--fields <paths>', 'these fields only: paths with commas between them')
    .option(...DATA)
    .option('--json', 'print JSON')
    .action(addSchedule)
  schedule
    .command('list')
    .description('list them: when each is due, and what went wrong')
    .option(...DATA)
    .option('--json', 'print JSON')
    .action(listSchedules)
  schedule
    .command('remove <name>')
    .description('end one; its files stay')
    .option(...DATA)
    .option('--json', 'print JSON')
    .action(removeSchedule)
}

async function addSchedule(options: {
  every: string
  at: string
  to: string
  name?: string
  contract?: string[]
  fields?: string
  data: string
  json?: boolean
}): Promise<void> {
  const defaultName = NAMES[options.every]
  if (defaultName === undefined)
    throw new CountersignError('bad-request', `--every is day, week or month, not “${options.every}”`)
  const client = new NodeClient(options.data)
  const contracts: string[] = []
  for (const text of options.contract ?? []) contracts.push((await findContract(client, text)).id)
  const to = resolve(options.to)
  makeDirectory(to)
  const view = await client.post<Schedule>(
    '/api/report/schedules',
    JSON.stringify({
      name: options.name ?? defaultName,
      every: options.every,
      at: options.at,
      to,
      ...(contracts.length > 0 && { contracts }),
      ...(options.fields !== undefined && { fields: options.fields.split(',') }),
    }),
  )
  if (options.json) {
    printJson(view)
    return
  }
  print(`${green('✓')} ${bold(safe(view.name))}: a signed report every ${view.every} at ${view.at} UTC`)
  print(`  the first is due ${time(view.nextMs)}, as ${fileOf(view)}`)
  print(dim('  The node makes it while it runs; after standing still, once, of the last due time.'))
}

function makeDirectory(path: string): void {
  if (existsSync(path)) return
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    throw new CountersignError('bad-request', `--to: ${path} can’t be made: ${(error as Error).message}`)
  }
}

const fileOf = ({ to, name, nextMs }: Schedule): string =>
  `${safe(to)}/${safe(name)}-${new Date(nextMs).toISOString().slice(0, 10)}.jsonl`

async function listSchedules(options: { data: string; json?: boolean }): Promise<void> {
  const { schedules } = await new NodeClient(options.data).get<ScheduleList>('/api/report/schedules')
  if (options.json) {
    printJson(schedules)
    return
  }
  if (schedules.length === 0) {
    print('No schedules yet: countersign report schedule add --every day --at 06:00 --to DIR')
    return
  }
  const rows = schedules.map((one) => [
    bold(safe(one.name)),
    `${one.every} at ${one.at} UTC`,
    one.contracts === undefined ? 'all contracts' : `${one.contracts.length} of the contracts`,
    one.doneMs === undefined ? '–' : time(one.doneMs),
    time(one.nextMs),
    safe(one.to),
  ])
  print(table(['name', 'every', 'of', 'last made', 'next', 'directory'], rows))
  for (const { name, failure } of schedules)
    if (failure)
      print(
        red(
          `${safe(name)} failed ${failure.attempts} ${failure.attempts === 1 ? 'time' : 'times'} since ${time(failure.sinceMs)}: ${safe(failure.message)}`,
        ),
      )
}

async function removeSchedule(name: string, options: { data: string; json?: boolean }): Promise<void> {
  const client = new NodeClient(options.data)
  const response = await client.fetch(`/api/report/schedules/${encodeURIComponent(name)}`, {
    method: 'DELETE',
  })
  const view = (await response.json()) as ScheduleList
  if (options.json) printJson(view.schedules)
  else print(`${green('✓')} ${bold(safe(name))} ended; the files that it has made stay`)
}
