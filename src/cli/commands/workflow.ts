/** `lock …`, `phase`, `settle` and `contract status`: who holds what, where a contract is, what is confirmed. */
import type { Command } from 'commander'
import { withBackoff } from '../../client/backoff.ts'
import { CountersignError } from '../../crypto/errors.ts'
import { NodeClient } from '../client.ts'
import { durationMs } from '../duration.ts'
import { bold, dim, green, print, printJson, safe, table, time, yellow } from '../output.ts'
import { findContract, findIn } from './find.ts'
import {
  type Common,
  DATA,
  JSON_OUTPUT,
  listAll,
  type Named,
  NOW,
  names,
  type Place,
  printDone,
  printWrite,
  recordAddress,
  WAIT,
  type WriteView,
  write,
} from './writes.ts'

type LockView = { uid: string; by: Named; on: Place; fence: number; expiresMs: number; expired: boolean }

export function addWorkflowCommands(program: Command): void {
  const lock = program
    .command('lock')
    .description('parts of a contract that one party alone changes for a while')
  lock
    .command('take <id> <path>')
    .description('lock an element with all below it; waits for whoever holds it')
    .option('--for <time>', 'how long to hold it: such as 90s, 5m or 2h', '5m')
    .option('--no-wait', 'fail at once where somebody else holds it')
    .option('--patience <time>', 'how long to wait for the holder', '10m')
    .option(...DATA)
    .option(...JSON_OUTPUT)
    .action(takeLock)
  lock
    .command('release <id> <path>')
    .description('release a lock of your own, by its path or id')
    .option(...WAIT)
    .option(...DATA)
    .option(...JSON_OUTPUT)
    .action(async (text: string, one: string, options: Common) => {
      const client = new NodeClient(options.data)
      const { id } = await findContract(client, text)
      const { uid } = await findLock(client, id, one)
      printWrite(
        await write(client, 'DELETE', `/api/contracts/${id}/locks/${uid}`, undefined, options),
        options,
      )
    })
  lock
    .command('renew <id> <path>')
    .description('hold a lock of your own for longer, by its path or id')
    .option('--for <time>', 'how long from now', '5m')
    .option(...WAIT)
    .option(...DATA)
    .option(...JSON_OUTPUT)
    .action(async (text: string, one: string, options: Common & { for: string }) => {
      const client = new NodeClient(options.data)
      const { id } = await findContract(client, text)
      const { uid, on } = await findLock(client, id, one)
      const body = { leaseMs: durationMs(options.for, '--for') }
      const status = await write(client, 'POST', `/api/contracts/${id}/locks/${uid}/renew`, body, options)
      printLocked(status, on.path ?? on.uid, options)
    })
  lock
    .command('list <id>')
    .description('list who holds what until when')
    .option(...DATA)
    .option(...JSON_OUTPUT)
    .action(listLocks)
  program
    .command('phase <id> [phase]')
    .description('show the phase of a contract, or move it to another')
    .option(...WAIT)
    .option(...DATA)
    .option(...JSON_OUTPUT)
    .action(phase)
  program
    .command('settle <id>')
    .description('confirm the record as it stands; it is settled once every member has')
    .option('--record <hash>', 'only if this is its record hash')
    .option('--show', 'only show who has confirmed it')
    .option(...WAIT)
    .option(...DATA)
    .option(...JSON_OUTPUT)
    .action(settle)
  const contract = program.commands.find((one) => one.name() === 'contract') as Command
  contract
    .command('status <id> [path]')
    .description('show which tier each element has reached, and who is missing')
    .option(...DATA)
    .option(...JSON_OUTPUT)
    .action(showStatus)
}

async function takeLock(
  text: string,
  path: string,
  options: {
    for: string
    wait: boolean
    patience: string
    data: string
    json?: boolean
  },
): Promise<void> {
  const client = new NodeClient(options.data)
  const { id } = await findContract(client, text)
  const body = { path, leaseMs: durationMs(options.for, '--for') }
  const patience = durationMs(options.patience, '--patience')
  type Held = { leftMs?: number; error: CountersignError }
  let told = ''
  const result = await withBackoff<WriteView, Held>(
    async () => {
      try {
        return { done: await write(client, 'POST', `/api/contracts/${id}/locks`, body, { wait: '30' }) }
      } catch (error) {
        if (!(error instanceof CountersignError) || error.code !== 'locked') throw error
        const { expiresMs, own } = (error.detail ?? {}) as { expiresMs?: number; own?: true }
        // Nobody waits for itself.
        if (own)
          throw new CountersignError(
            error.code,
            `${error.message}: countersign lock renew ${id.slice(0, 12)} ${path}`,
            error.detail,
          )
        return { again: { error, ...(expiresMs !== undefined && { leftMs: expiresMs - Date.now() }) } }
      }
    },
    async (ms, { error }) => {
      // Who waits wants to know for whom; a person is told once for each holder.
      if (error.message !== told && !options.json) print(dim(`… ${safe(error.message)}; waiting`))
      told = error.message
      await new Promise((resolve) => setTimeout(resolve, ms))
    },
    { baseMs: 250, maxMs: 10_000, deadlineMs: options.wait ? patience : 0 },
  )
  if ('again' in result) throw result.again.error
  printLocked(result.done, path, options)
}

function printLocked(status: WriteView, path: string, options: { json?: boolean }): void {
  const [made] = status.made ?? []
  if (options.json || made?.expiresMs === undefined) printWrite(status, options)
  else
    printDone(
      `${bold(safe(path))} is locked until ${time(made.expiresMs)}, held since height ${made.fence}  ${dim(made.uid.slice(0, 12))}`,
    )
}

async function findLock(client: NodeClient, id: string, text: string): Promise<LockView> {
  const { items } = await listAll<object, LockView>(client, `/api/contracts/${id}/locks${NOW}`, 'locks')
  const isPath = items.some(({ on }) => on.path === `/${text}`)
  return findIn(
    items,
    isPath ? `/${text}` : text,
    ({ uid }) => uid,
    ({ on }) => on.path ?? '',
    'lock',
  )
}

async function listLocks(text: string, options: { data: string; json?: boolean }): Promise<void> {
  const client = new NodeClient(options.data)
  const { id, name } = await findContract(client, text)
  const { items } = await listAll<object, LockView>(client, `/api/contracts/${id}/locks${NOW}`, 'locks')
  if (options.json) {
    printJson({ locks: items })
    return
  }
  if (items.length === 0) {
    print(`${bold(safe(name))}: nothing is locked.`)
    return
  }
  const rows = items.map(({ uid, by, on, fence, expiresMs, expired }) => [
    safe(on.path ?? on.uid),
    safe(by.name),
    expired ? yellow(`${time(expiresMs)}, run out`) : time(expiresMs),
    String(fence),
    uid.slice(0, 12),
  ])
  print(table(['path', 'holder', 'until', 'since height', 'id'], rows))
}

type PhaseView = {
  phase: string
  phases: string[]
  next?: string
  publication: number
  sets: { set: string; on: boolean }[]
}

async function phase(text: string, to: string | undefined, options: Common): Promise<void> {
  const client = new NodeClient(options.data)
  const { id, name } = await findContract(client, text)
  if (to !== undefined) {
    printWrite(await write(client, 'POST', `/api/contracts/${id}/phase`, { to }, options), options)
    return
  }
  const view = await client.get<PhaseView>(`/api/contracts/${id}/phase${NOW}`)
  if (options.json) {
    printJson(view)
    return
  }
  const shown = view.phases.map((one) => (one === view.phase ? bold(safe(one)) : dim(safe(one))))
  const order = shown.length === 0 ? '' : `  (${shown.join(' → ')})`
  print(`${bold(safe(name))} is in the phase ${bold(safe(view.phase))}${order}`)
  for (const { set, on } of view.sets) print(`  rules of “${safe(set)}”  ${on ? green('on') : yellow('off')}`)
  if (view.next !== undefined) print(dim(`  countersign phase ${id.slice(0, 12)} ${safe(view.next)}`))
}

type SettlementView = { record: string; confirmed: Named[]; missing: Named[]; settled: boolean }

async function settle(text: string, options: Common & { record?: string; show?: boolean }): Promise<void> {
  const client = new NodeClient(options.data)
  const { id, name } = await findContract(client, text)
  if (!options.show) {
    const body = options.record === undefined ? {} : { record: options.record }
    const status = await write(client, 'POST', `/api/contracts/${id}/settle`, body, options)
    if (options.json) {
      printJson(status)
      return
    }
    printWrite(status, options)
  }
  const view = await client.get<SettlementView>(`/api/contracts/${id}/settle${NOW}`)
  if (options.json) {
    printJson(view)
    return
  }
  const { record, confirmed, missing, settled } = view
  print(`${bold(safe(name))}  record hash ${record}`)
  if (settled) printDone('settled: every member has confirmed it')
  else if (confirmed.length === 0) print('  nobody has confirmed it yet')
  else {
    print(`  confirmed    ${names(confirmed)}`)
    print(`  waiting for  ${yellow(names(missing))}`)
  }
}

type ElementStatus = {
  path: string
  tier: number
  transport: { stage: string; judging?: { sinceMs: number }; missing: Named[] }
  agreement: { how: string; reached: boolean; missing: Named[] }
  settlement: { reached: boolean; missing: Named[] }
}

async function showStatus(
  text: string,
  path: string | undefined,
  options: { data: string; json?: boolean },
): Promise<void> {
  const client = new NodeClient(options.data)
  const { id, name } = await findContract(client, text)
  const from = `${recordAddress(id, path ?? '')}/$status`
  const { head, items } = await listAll<{ phase: string }, ElementStatus>(client, from, 'elements')
  if (options.json) {
    printJson({ phase: head.phase, elements: items })
    return
  }
  print(`${bold(safe(name))}  phase ${bold(safe(head.phase))}`)
  print()
  print(table(['path', 'signed', 'agreed', 'settled', 'waiting for'], items.map(rowOf)))
  print(
    dim('  signed: by every member; agreed: by all who are asked; settled: confirmed as part of the record'),
  )
}

/** They have to sign what they see of private values before the last change can be ordered. */
function judgedText(judging: { sinceMs: number } | undefined): string {
  return judging === undefined ? '' : ` to judge it, since ${time(judging.sinceMs)}`
}

function rowOf({ path, transport, agreement, settlement }: ElementStatus): string[] {
  const waiting = transport.stage !== 'final' ? transport.missing : agreement.missing
  return [
    safe(path),
    transport.stage === 'final' ? green('final') : yellow(transport.stage),
    agreement.reached ? (agreement.how === 'votes' ? 'by votes' : 'by rules') : yellow('open'),
    settlement.reached ? green('yes') : '–',
    waiting.length === 0 ? '–' : `${yellow(names(waiting))}${judgedText(transport.judging)}`,
  ]
}
