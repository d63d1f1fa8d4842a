/** `freeze`: this party's FREEZE of a halted contract, and how such a contract stands. */
import { NodeClient } from '../client.ts'
import { bold, dim, green, print, printJson, red, safe, yellow } from '../output.ts'
import { type ContractView, findContract } from './find.ts'

/** A contract's standing where it is not what it usually is. */
export type StandingView = Pick<ContractView, 'name' | 'status' | 'reason'> & {
  id: string
  lineage: number
  leftOut: { party: string; name: string }[]
  halt?: {
    guilty: { name: string }[]
    frozen: { name: string }[]
    waitingFor: { name: string; connected: boolean }[]
    next: string
  }
}

export async function freezeContract(text: string, options: { data: string; json?: boolean }): Promise<void> {
  const client = new NodeClient(options.data)
  const { id } = await findContract(client, text)
  const view = await client.post<StandingView>(`/api/contracts/${id}/freeze`)
  if (options.json) {
    printJson(view)
    return
  }
  print(
    `${green('✓')} ${bold(safe(view.name))} frozen: this party signs nothing more in lineage ${frozenLineage(view)}`,
  )
  printStanding(view)
}

/** With the last FREEZE the next lineage has begun already. */
function frozenLineage({ lineage, halt }: StandingView): number {
  return halt === undefined ? lineage - 1 : lineage
}

/** Says what is unusual about a contract: that it is halted, or that members were left out of it. */
export function printStanding({ status, reason, lineage, leftOut, halt }: StandingView): void {
  const names = (list: readonly { name: string }[]): string => list.map(({ name }) => safe(name)).join(', ')
  if (lineage > 0)
    print(
      `${yellow(`lineage ${lineage}`)}  goes on without ${red(names(leftOut))}, proved to have signed two histories`,
    )
  if (status === 'halted') print(`${red('HALTED')}  ${safe(reason ?? '')}`)
  if (halt === undefined) return
  if (halt.guilty.length > 0) print(`  guilty       ${red(names(halt.guilty))}`)
  if (halt.frozen.length > 0) print(`  frozen       ${names(halt.frozen)}`)
  const waiting = halt.waitingFor.map(
    ({ name, connected }) => `${safe(name)}${connected ? '' : ' (not connected)'}`,
  )
  if (waiting.length > 0) print(`  waiting for  ${yellow(waiting.join(', '))}`)
  print(dim(`  ${safe(halt.next)}`))
}
