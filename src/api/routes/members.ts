/** Who is in a contract: shown, asked to be otherwise, voted on. */
import { CountersignError } from '../../crypto/errors.ts'
import type { Prepare } from '../../node/node.ts'
import type { App } from '../app.ts'
import type { Context } from '../context.ts'
import { membersView } from '../members.ts'
import { requestStatusView } from '../request-schemas.ts'
import {
  changeParams,
  contractParams,
  membersView as membersSchema,
  type NewChange,
  newChange,
  newVote,
} from '../schemas.ts'
import { readTime } from '../shown.ts'
import { performChange } from '../write.ts'

const tags = ['members']
const statuses = { 200: requestStatusView, 202: requestStatusView }

export function memberRoutes(app: App, context: Context): void {
  const { membership } = context.node
  app.get(
    '/api/contracts/:contract/members',
    {
      schema: {
        summary: 'Members, observers and policy of the epoch, and every open change with who is waited for',
        tags,
        params: contractParams,
        response: { 200: membersSchema },
      },
    },
    async (request) => membersView(context, request.params.contract),
  )
  app.post(
    '/api/contracts/:contract/changes',
    {
      schema: {
        summary: 'Invite a pinned party, ask for another policy, leave, or remove a party by evidence',
        description:
          'The id of the request is the change’s. An invitation takes every member’s yes and then the party’s `accept`, a ' +
          'policy every member’s yes; nobody stops working for it. Answered when the request is final; a `leave` when this ' +
          'party is out, since it reports nothing after it as final. Outcome codes are those of docs/outcomes.md.',
        tags,
        params: contractParams,
        body: newChange,
        response: statuses,
      },
    },
    (request, reply) => {
      const { contract } = request.params
      const { body } = request
      const submit = (prepare: Prepare) => propose(context, contract, body, prepare)
      return performChange(context, contract, request, reply, submit, body.op === 'leave') as never
    },
  )
  app.post(
    '/api/contracts/:contract/changes/:change/vote',
    {
      schema: {
        summary: 'Say yes or no to an open change; the no of whoever’s yes it takes, takes it back',
        tags,
        params: changeParams,
        body: newVote,
        response: statuses,
      },
    },
    (request, reply) => {
      const { contract, change } = request.params
      const { yes } = request.body
      return performChange(context, contract, request, reply, (prepare) =>
        membership.vote(contract, change, yes, prepare),
      ) as never
    },
  )
}

function propose(context: Context, contract: string, change: NewChange, prepare: Prepare): Promise<string> {
  const { node } = context
  switch (change.op) {
    case 'invite': {
      const { party, role = 'member', older = false } = change
      const expiresMs = expiryOf(context, change.expires)
      const options = { role, older, ...(expiresMs !== undefined && { expiresMs }) }
      return node.membership.invite(contract, party, options, prepare)
    }
    case 'policy': {
      const part = Object.fromEntries(
        Object.entries(change.policy).filter(([, value]) => value !== undefined),
      )
      return node.membership.changePolicy(contract, part, expiryOf(context, change.expires), prepare)
    }
    case 'leave':
      return node.membership.leave(contract, prepare)
    case 'remove':
      return node.membership.remove(contract, change.party, prepare)
  }
}

/** @throws CountersignError `bad-request` where it is past */
function expiryOf({ node }: Context, expires: string | undefined): number | undefined {
  if (expires === undefined) return undefined
  const expiresMs = readTime(expires, 'expires')
  if (expiresMs <= node.now()) throw new CountersignError('bad-request', 'expires: this time is past')
  return expiresMs
}
