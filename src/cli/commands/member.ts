/** `member …` and `policy`: who is in a contract and by which rules it is ordered; what is asked for, voted on, waited for. */
import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import { CountersignError } from '../../crypto/errors.ts'
import { parseFingerprint } from '../../identity/card.ts'
import { NodeClient } from '../client.ts'
import { durationMs, durationText } from '../duration.ts'
import { bold, dim, green, print, printJson, red, safe, table, time, yellow } from '../output.ts'
import { findContract, findIn, findParty } from './find.ts'
import { printStatus, type StatusView } from './status.ts'

const DATA = ['--data <dir>', 'the node’s directory', process.env.COUNTERSIGN_DATA ?? '.countersign'] as const
const WAIT = ['--wait <seconds>', 'how long to wait until it is final', '30'] as const
const JSON_OUTPUT = ['--json', 'print JSON'] as const
const DAY_MS = 24 * 3_600_000

type Common = { data: string; json?: boolean; wait: string }
type Waited = { name: string; sinceMs: number; connected: boolean }
type Policy = {
  quorum: string
  silenceMs: number | null
  clockBoundMs: number
  freeze?: string
  admission: { invite: string | string[]; admit: string | string[] }
}

export type ChangeView = {
  change: string
  op: string
  text: string
  name?: string
  stage: 'voting' | 'accepting' | 'decided' | 'lapsed'
  expiresMs?: number
  yes: { name: string }[]
  waitingFor: Waited[]
}
type Seat = {
  party: string
  name: string
  card: number
  sinceEpoch: number
  pinned: boolean
  connected: boolean
  leaving: boolean
}
type MembersView = {
  epoch: number
  sinceHeight: number
  standing: string
  quorum: number
  policy: Policy
  members: Seat[]
  observers: Seat[]
  changes: ChangeView[]
}

export function addMemberCommands(program: Command): void {
  const member = program.command('member').description('who is in a contract, and is to be')
  member
    .command('list <id>')
    .description('list members, observers and open changes, with who is waited for')
    .option(...DATA)
    .option(...JSON_OUTPUT)
    .action(listMembers)
  member
    .command('invite <id> <party>')
    .description(
      'invite a pinned party; it is let in once every member has said yes, and comes in when it accepts',
    )
    .option('--observer', 'it reads and verifies all, and writes and signs nothing')
    .option('--older', 'it is given the former values too, not only those current when it comes in')
    .option('--expires <days>', 'after how many days the invitation lapses, at most 180', '30')
    .option(...WAIT)
    .option(...DATA)
    .option(...JSON_OUTPUT)
    .action(invite)
  member
    .command('vote <id> <change> <yes|no>')
    .description('say yes or no to an open change: its id, or the name of the party it is about, or “policy”')
    .option(...WAIT)
    .option(...DATA)
    .option(...JSON_OUTPUT)
    .action(vote)
  member
    .command('leave <id>')
    .description('leave a contract for good: this party signs nothing more in it')
    .option('--yes', 'don’t ask')
    .option(...WAIT)
    .option(...DATA)
    .option(...JSON_OUTPUT)
    .action(leave)
  member
    .command('remove <id> <party>')
    .description('remove a party by the evidence held against it')
    .option(...WAIT)
    .option(...DATA)
    .option(...JSON_OUTPUT)
    .action(remove)
  program
    .command('policy <id>')
    .description('show by which policy a contract is ordered, or ask for another')
    .option('--quorum <policy>', 'majority, bft or unanimous: how many order a ledger block')
    .option('--silence <time>', 'silence after which lapse is accepted: such as 36h or 2d, or “none”')
    .option('--freeze <how>', 'automatic, or by-hand: how members freeze a halted contract')
    .option('--invite <parties>', 'who may invite: any, or fingerprints with commas between')
    .option('--admit <parties>', 'whose yes lets in: every, quorum, or fingerprints with commas between')
    .option('--expires <days>', 'after how many days what is asked for lapses, at most 180', '30')
    .option(...WAIT)
    .option(...DATA)
    .option(...JSON_OUTPUT)
    .action(policy)
}

async function listMembers(text: string, options: { data: string; json?: boolean }): Promise<void> {
  const client = new NodeClient(options.data)
  const { id, name } = await findContract(client, text)
  const view = await client.get<MembersView>(`/api/contracts/${id}/members`)
  if (options.json) {
    printJson(view)
    return
  }
  const { members, observers, epoch, sinceHeight, standing } = view
  print(`${bold(safe(name))}  ${dim(id)}`)
  print(`epoch ${epoch}, since height ${sinceHeight}; this party: ${safe(standing)}`)
  print(policyText(view.policy, view.quorum))
  print()
  const row = (role: string) => (one: Seat) => [
    safe(one.name),
    one.party.slice(0, 16),
    one.leaving ? yellow(`${role}, leaving`) : role,
    String(one.card),
    String(one.sinceEpoch),
    one.pinned ? (one.connected ? green('connected') : yellow('not connected')) : red('not pinned here'),
  ]
  const rows = [...members.map(row('member')), ...observers.map(row('observer'))]
  print(table(['name', 'fingerprint', 'role', 'card', 'since epoch', 'now'], rows))
  if (rows.length > 0 && [...members, ...observers].some(({ pinned }) => !pinned))
    print(dim('  Nodes talk with pinned parties alone: countersign peer add https://host:port'))
  if (view.changes.length > 0) print()
  printChanges(view.changes, id)
}

/** Open changes: who asks for what, who has said yes, who is waited for, until when. */
export function printChanges(changes: readonly ChangeView[], contract: string): void {
  for (const { change, text, stage, yes, waitingFor, expiresMs } of changes) {
    const names = waitingFor.map(
      ({ name, sinceMs, connected }) =>
        `${yellow(safe(name))} since ${time(sinceMs)}${connected ? '' : ', not connected'}`,
    )
    print(`${bold('open')}  ${safe(text)}  ${dim(change.slice(0, 12))}`)
    if (yes.length > 0) print(`  yes          ${yes.map(({ name }) => safe(name)).join(', ')}`)
    const what = { voting: 'yes of', accepting: 'accept by', decided: 'turn signed by', lapsed: 'nothing' }[
      stage
    ]
    if (names.length > 0) print(`  waiting for  ${what} ${names.join('; ')}`)
    if (stage === 'lapsed') print(yellow('  lapsed'))
    else if (expiresMs !== undefined) print(dim(`  lapses       ${time(expiresMs)}`))
    if (stage === 'voting')
      print(dim(`  countersign member vote ${contract.slice(0, 12)} ${change.slice(0, 12)} yes|no`))
  }
}

function policyText({ quorum, silenceMs, freeze, admission }: Policy, count: number): string {
  const lapse =
    silenceMs === null ? 'no lapse by silence' : `lapse after ${durationText(silenceMs)} of silence`
  const { invite, admit } = admission
  const who = `${invite === 'any' ? 'any member invites' : `${invite.length} parties invite`}, ${
    typeof admit === 'string'
      ? `${admit === 'every' ? 'every member' : 'a quorum'} lets in`
      : `${admit.length} parties let in`
  }`
  return `ordered by ${quorum} (${count}); ${who}; ${lapse}${freeze === undefined ? '' : '; freezes by itself'}`
}

async function invite(
  text: string,
  partyText: string,
  options: Common & { observer?: boolean; older?: boolean; expires: string },
): Promise<void> {
  const client = new NodeClient(options.data)
  const { id } = await findContract(client, text)
  const party = await findParty(client, partyText)
  const role = options.observer ? 'observer' : 'member'
  const body = { op: 'invite', party, role, older: options.older ?? false, expires: expiry(options.expires) }
  await send(client, `/api/contracts/${id}/changes`, body, options, id)
}

async function vote(text: string, changeText: string, answer: string, options: Common): Promise<void> {
  const said = answer.toLowerCase()
  if (said !== 'yes' && said !== 'no')
    throw new CountersignError('bad-request', `say yes or no, not “${answer}”`)
  const client = new NodeClient(options.data)
  const { id } = await findContract(client, text)
  const { changes } = await client.get<MembersView>(`/api/contracts/${id}/members`)
  const { change } = findIn(
    changes,
    changeText,
    (one) => one.change,
    ({ name, op }) => name ?? op,
    'open change',
  )
  await send(client, `/api/contracts/${id}/changes/${change}/vote`, { yes: said === 'yes' }, options, id)
}

async function leave(text: string, options: Common & { yes?: boolean }): Promise<void> {
  const client = new NodeClient(options.data)
  const { id, name } = await findContract(client, text)
  if (!options.yes) {
    if (!process.stdin.isTTY)
      throw new CountersignError(
        'bad-request',
        'leaving can’t be taken back: say it with --yes; nothing was signed',
      )
    const prompt = createInterface({ input: process.stdin, output: process.stdout })
    const answer = await prompt.question(
      `This party will sign nothing more in “${safe(name)}”. It can’t be taken back. Type yes to leave: `,
    )
    prompt.close()
    if (answer.trim().toLowerCase() !== 'yes') {
      print('Nothing was signed.')
      process.exitCode = 1
      return
    }
  }
  const status = await post(client, `/api/contracts/${id}/changes`, { op: 'leave' }, options)
  if (options.json) {
    printJson(status)
    return
  }
  const { standing } = await client.get<MembersView>(`/api/contracts/${id}/members`)
  print(`${green('✓')} ${bold(safe(name))}: ${safe(standing)}`)
}

async function remove(text: string, partyText: string, options: Common): Promise<void> {
  const client = new NodeClient(options.data)
  const { id } = await findContract(client, text)
  const { members, observers } = await client.get<MembersView>(`/api/contracts/${id}/members`)
  const { party } = findIn(
    [...members, ...observers],
    partyText,
    (one) => one.party,
    ({ name }) => name,
    'member or observer',
  )
  await send(client, `/api/contracts/${id}/changes`, { op: 'remove', party }, options, id)
}

async function policy(
  text: string,
  options: Common & {
    quorum?: string
    silence?: string
    freeze?: string
    invite?: string
    admit?: string
    expires: string
  },
): Promise<void> {
  const client = new NodeClient(options.data)
  const { id } = await findContract(client, text)
  const part = {
    ...(options.quorum !== undefined && { quorum: options.quorum }),
    ...(options.silence !== undefined && {
      silenceMs: options.silence === 'none' ? null : durationMs(options.silence, '--silence'),
    }),
    ...(options.freeze !== undefined && { freeze: freezeOf(options.freeze) }),
  }
  if (Object.keys(part).length > 0 || options.invite !== undefined || options.admit !== undefined) {
    const admission = await admissionOf(client, id, options)
    if (admission) Object.assign(part, { admission })
    const body = { op: 'policy', policy: part, expires: expiry(options.expires) }
    await send(client, `/api/contracts/${id}/changes`, body, options, id)
    return
  }
  const view = await client.get<MembersView>(`/api/contracts/${id}/members`)
  if (options.json) {
    printJson(view.policy)
    return
  }
  print(policyText(view.policy, view.quorum))
  printChanges(
    view.changes.filter(({ op }) => op === 'policy'),
    id,
  )
}

/** Who may invite and whose yes lets in: what is left out stays as it is. */
async function admissionOf(client: NodeClient, id: string, options: { invite?: string; admit?: string }) {
  const { invite, admit } = options
  if (invite === undefined && admit === undefined) return undefined
  const { policy } = await client.get<MembersView>(`/api/contracts/${id}/members`)
  return {
    invite: invite === undefined ? policy.admission.invite : partiesOf(invite, ['any']),
    admit: admit === undefined ? policy.admission.admit : partiesOf(admit, ['every', 'quorum']),
  }
}

function partiesOf(text: string, words: readonly string[]): string | string[] {
  return words.includes(text) ? text : text.split(',').map(parseFingerprint)
}

async function post(client: NodeClient, path: string, body: object, { wait }: Common): Promise<StatusView> {
  const response = await client.fetch(path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', prefer: `wait=${wait}` },
  })
  return (await response.json()) as StatusView
}

/** What is asked for or said, and what is still waited for then. */
async function send(
  client: NodeClient,
  path: string,
  body: object,
  options: Common,
  contract: string,
): Promise<void> {
  const status = await post(client, path, body, options)
  if (options.json) {
    printJson(status)
    return
  }
  printStatus(status)
  const { changes } = await client.get<MembersView>(`/api/contracts/${contract}/members`)
  printChanges(changes, contract)
}

/** Days from now as a time. */
function expiry(days: string): string {
  const count = Number(days)
  if (!/^\d+(\.\d+)?$/.test(days) || count <= 0 || count > 180)
    throw new CountersignError(
      'bad-request',
      `--expires: expected days, more than 0 and at most 180, not “${days}”`,
    )
  return new Date(Date.now() + count * DAY_MS).toISOString()
}

function freezeOf(text: string): 'automatic' | null {
  if (text === 'automatic') return 'automatic'
  if (text === 'by-hand') return null
  throw new CountersignError('bad-request', `--freeze: expected automatic or by-hand, not “${text}”`)
}
