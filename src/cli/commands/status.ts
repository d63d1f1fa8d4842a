/** Where a request stands, as the command prints it. */
import { dim, green, print, safe, time, yellow } from '../output.ts'

export type StatusView = {
  id: string
  stage: string
  outcome?: string
  code?: string
  height?: number
  dialogues: { name: string; received: boolean; accepted: boolean }[]
  waitingFor: Awaited[]
  judging?: { sinceMs: number; waitingFor: Awaited[] }
}
type Awaited = { name: string; sinceMs: number; connected: boolean }

export function printStatus(status: StatusView): void {
  const mark = status.stage === 'final' ? green('✓ final') : yellow(`… ${status.stage}`)
  const at = status.height === undefined ? '' : ` at height ${status.height}`
  print(`${mark}${at}${status.outcome ? `, ${status.outcome}` : ''}  ${dim(status.id)}`)
  for (const { name, received, accepted } of status.dialogues)
    print(
      `  ${accepted ? green('signed  ') : received ? yellow('received') : dim('–       ')}  ${safe(name)}`,
    )
  const judges = status.judging?.waitingFor ?? []
  for (const one of judges) print(`  ${judgeText(one)}`)
  // Nobody else can do anything about it before they have.
  if (judges.length > 0) return
  for (const { name, sinceMs, connected } of status.waitingFor)
    print(`  waiting for ${yellow(safe(name))} since ${time(sinceMs)}${connected ? '' : ', not connected'}`)
}

/** Who has to sign what it sees of private values before a request can be ordered. */
export function judgeText({ name, sinceMs, connected }: Awaited): string {
  return `waiting for ${yellow(safe(name))} to judge private values, since ${time(sinceMs)}${connected ? '' : ', not connected'}`
}
