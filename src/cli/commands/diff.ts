/** `contract diff` and `contract history`: what changed between two heights or times, and all that an element went through. */
import type { Command } from 'commander'
import { NodeClient } from '../client.ts'
import { bold, cyan, dim, green, print, printJson, privateText, red, safe, time, yellow } from '../output.ts'
import { findContract } from './find.ts'
import { gathered, PAGE_LIMIT, pagesOf } from './pages.ts'

type Value = string | boolean | null
type ValueView = { type: string; value?: Value; notShown?: true; readers?: { name: string }[] }
type Origin = {
  height: number
  timeMs: number
  stage: string
  request?: string
  authorName?: string
  claimedMs?: number
}
type Difference = {
  uid: string
  what: string[]
  kind: 'block' | 'list' | 'field'
  path: string
  oldPath?: string
  old?: ValueView
  new?: ValueView
  change: Origin
}
type Then = { height: number; timeMs: number; stage: string; recordHash: string }
type DifferencePage = {
  contract: string
  name: string
  from: Then
  to: Then
  parties?: { came: { name: string }[]; left: { name: string }[]; policy: boolean }
  total: number
  elements: Difference[]
  nextCursor?: string
}
type Change = Origin & {
  outcome: string
  code?: string
  words?: string
  what: string[]
  removed?: true
  sinceBefore?: true
  name?: string
  oldName?: string
  type?: string
  value?: Value
  notShown?: true
  readers?: { name: string }[]
  old?: ValueView
}
type HistoryPage = { uid: string; path?: string; total: number; versions: Change[]; nextCursor?: string }

const DATA = ['--data <dir>', 'the node’s directory', process.env.COUNTERSIGN_DATA ?? '.countersign'] as const

export function addTimeCommands(contract: Command): void {
  contract
    .command('diff <id>')
    .description('show what changed between two heights or times, and who changed it')
    .requiredOption(
      '--from <point>',
      'a height, a time such as 2026-04-01T12:00:00Z, or a date (its beginning in UTC)',
    )
    .option('--to <point>', 'likewise, or `final` for the last final height', 'final')
    .option('--tentative', 'also what is ordered, though not final yet')
    .option(...DATA)
    .option('--json', 'print JSON')
    .action(showDifference)
  contract
    .command('history <id> <path>')
    .description('show every change of one element, by its path or UID: who, when, what before and after')
    .option('--refused', 'also the requests that named it and were refused')
    .option(...DATA)
    .option('--json', 'print JSON')
    .action(showHistory)
}

async function showDifference(
  text: string,
  options: { from: string; to: string; tentative?: boolean; data: string; json?: boolean },
): Promise<void> {
  const client = new NodeClient(options.data)
  const { id } = await findContract(client, text)
  const query = new URLSearchParams({ from: options.from, to: options.to, limit: String(PAGE_LIMIT) })
  if (options.tentative) query.set('status', 'tentative')
  const pages = pagesOf<DifferencePage>(client, `/api/contracts/${id}/difference`, query)
  if (options.json) {
    const all = await gathered(pages)
    const [first] = all
    if (first === undefined) return
    const { nextCursor: _, ...head } = first
    printJson({ ...head, elements: all.flatMap(({ elements }) => elements) })
    return
  }
  let isFirst = true
  for await (const page of pages) {
    if (isFirst) printHead(page)
    isFirst = false
    for (const one of page.elements) printDifference(one)
  }
}

function printHead({ contract, name, from, to, parties, total }: DifferencePage): void {
  print(`${bold(safe(name))}  ${dim(contract)}`)
  for (const [word, one] of [
    ['from', from],
    ['to  ', to],
  ] as const) {
    const stage = one.stage === 'final' ? '' : `  ${yellow(one.stage)}`
    print(`${word}  height ${one.height}  ${time(one.timeMs)}  record hash ${one.recordHash}${stage}`)
  }
  for (const { name: party } of parties?.came ?? []) print(`${green('+')} party ${bold(safe(party))} came in`)
  for (const { name: party } of parties?.left ?? []) print(`${red('-')} party ${bold(safe(party))} is out`)
  if (parties?.policy) print(`${yellow('~')} the policy is another`)
  print()
  print(
    total === 0
      ? 'The documents are the same.'
      : `${total} ${total === 1 ? 'element differs' : 'elements differ'}:`,
  )
}

function printDifference({ what, kind, path, oldPath, old, new: now, change }: Difference): void {
  const [mark, colour] = what.includes('created')
    ? ['+', green]
    : what.includes('removed')
      ? ['-', red]
      : ['~', yellow]
  const isOther = what.includes('changed') || what.includes('retyped')
  const values =
    kind === 'field' && isOther && (old || now)
      ? `${valueText(old)} → ${valueText(now)}`
      : valueText(now ?? old ?? { type: kind })
  const notes = [
    ...(oldPath === undefined ? [] : [`was ${safe(oldPath)}`]),
    ...(what.includes('retyped') && old && now ? [`${old.type} → ${now.type}`] : []),
    ...(what.includes('restated') ? ['the same value, written again'] : []),
    ...(what.includes('moved') && oldPath === undefined ? ['moved among its siblings'] : []),
  ]
  const note = notes.length === 0 ? '' : dim(`  (${notes.join('; ')})`)
  print(`${colour(mark)} ${bold(safe(path))}  ${values}${note}`)
  print(dim(`    ${originText(change)}`))
}

/** Undefined: the field is empty. */
function valueText(view: ValueView | undefined): string {
  if (view === undefined) return dim('(empty)')
  const { type, value, notShown, readers } = view
  if (notShown) return readers === undefined ? dim('not held here') : privateText(readers)
  if (value === undefined) return dim(type)
  return value === null ? dim(type === 'null' ? 'null' : '(empty)') : cyan(safe(String(value)))
}

function originText({ height, timeMs, stage, request, authorName, claimedMs }: Origin): string {
  const who = authorName === undefined ? 'the first document' : safe(authorName)
  const claimed =
    claimedMs === undefined || time(claimedMs) === time(timeMs)
      ? ''
      : `, made ${time(claimedMs)} by its author`
  const rest = request === undefined ? '' : `  request ${request.slice(0, 12)}`
  return `${who}  ${time(timeMs)}${claimed}  height ${height}${stage === 'final' ? '' : ` ${stage}`}${rest}`
}

const UID = /^[0-9a-f]{32}$/

async function showHistory(
  text: string,
  path: string,
  options: { refused?: boolean; data: string; json?: boolean },
): Promise<void> {
  const client = new NodeClient(options.data)
  const { id } = await findContract(client, text)
  const uid = UID.test(path) ? path : await uidOf(client, id, path)
  const query = new URLSearchParams({ limit: String(PAGE_LIMIT) })
  if (options.refused) query.set('refused', 'true')
  const all = await gathered(
    pagesOf<HistoryPage>(client, `/api/contracts/${id}/elements/${uid}/history`, query),
  )
  const versions = all.flatMap((page) => page.versions)
  if (options.json) {
    const { nextCursor: _, ...head } = all[0] as HistoryPage
    printJson({ ...head, versions })
    return
  }
  print(
    `${bold(safe(all[0]?.path ?? path))}  ${dim(uid)}${all[0]?.path === undefined ? red('  deleted') : ''}`,
  )
  for (const one of versions) printChange(one)
}

/** Where a path leads. */
async function uidOf(client: NodeClient, id: string, path: string): Promise<string> {
  const place = path
    .replace(/^\//, '')
    .split('/')
    .map((segment) => encodeURIComponent(segment))
    .join('/')
  const response = await client.fetch(`/records/${id}/${place}/$history?limit=1`)
  return ((await response.json()) as HistoryPage).uid
}

function printChange(change: Change): void {
  const { outcome, code, words, what, removed, sinceBefore, oldName, name, type = '', value, old } = change
  const { notShown, readers } = change
  const now: ValueView = {
    type,
    ...(value !== undefined && { value }),
    ...(notShown && { notShown }),
    ...(readers && { readers }),
  }
  const values = removed
    ? old && valueText(old)
    : old
      ? `${valueText(old)} → ${valueText(now)}`
      : type && valueText(now)
  const mark =
    outcome !== 'accepted'
      ? red('✗')
      : removed
        ? red('-')
        : what.includes('created')
          ? green('+')
          : yellow('~')
  const word = sinceBefore ? 'as it was when the ledger begins here' : what.join(', ')
  const renamed = oldName === undefined ? '' : `  ${safe(oldName)} → ${safe(name ?? '')}`
  const refused =
    outcome === 'accepted' ? '' : red(`  ${outcome}${words ? `: ${words}` : ''}${code ? ` (${code})` : ''}`)
  print(`${mark} ${word}${renamed}  ${values || ''}${refused}`.trimEnd())
  print(dim(`    ${originText(change)}`))
}
