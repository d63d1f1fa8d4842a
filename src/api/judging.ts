/** Requests that wait for the word of those who can see private values (PROTOCOL JUD-1), as people and programs see them. */
import type { WaitingFor } from '../node/judging.ts'
import type { Replica } from '../node/replica.ts'
import type { Context } from './context.ts'
import { namer } from './rules/look.ts'
import type { JudgedView } from './schemas.ts'

/** Who has yet to judge a request; undefined where nobody has. */
export function judgedView(context: Context, contract: string, request: string): JudgedView | undefined {
  const replica = context.node.engine.replicas.get(contract)
  const lacking = replica?.judging.waitingFor(request)
  return replica && lacking && viewOf(context, replica, lacking)
}

/** All requests of a contract that wait so, each with whose word it lacks. */
export function judgedViews(context: Context, replica: Replica): (JudgedView & { request: string })[] {
  return replica.judging
    .all()
    .map(({ request, ...lacking }) => ({ request, ...viewOf(context, replica, lacking) }))
}

function viewOf(context: Context, replica: Replica, { parties, sinceMs }: WaitingFor): JudgedView {
  const { contract, self, up } = replica
  const waitingFor = parties.map(namer(context, contract)).map((one) => ({
    ...one,
    sinceMs,
    connected: one.party === self || up.has(one.party),
  }))
  return { sinceMs, waitingFor }
}
