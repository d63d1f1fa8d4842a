/** Rules of a contract: in force, drafted, voted on, published; named types. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { App } from '../app.ts'
import type { Context } from '../context.ts'
import { composeEdit } from '../operations.ts'
import { requestStatusView, type Wish } from '../request-schemas.ts'
import { conflictList, draftPage, proposalPage, rulePage, typePage, votePage } from '../rules/lists.ts'
import { recordOf } from '../rules/look.ts'
import { newDraft, newPublication, newType, newVoteOn, uidParams } from '../rules/schemas.ts'
import * as shapes from '../rules/view-schemas.ts'
import { draftView, found, proposalView, requestOfDraft, ruleView } from '../rules/views.ts'
import { contractParams, pageQuery, problem, stateQuerySchema } from '../schemas.ts'
import { shownState } from '../shown.ts'
import { performWrite } from '../write.ts'

const tags = ['rules']
const drafts = {
  summary: 'Drafts of rules, with who has said yes and who is missing',
  tags,
  params: contractParams,
}
const AT = '/api/contracts/:contract'

/** What every write of these routes answers. */
export const written = {
  200: requestStatusView.describe('final; or tentative if so asked'),
  201: requestStatusView.describe('the same, where something has a UID of its own now: Location'),
  202: requestStatusView.describe('taken in, not there yet; Location is where to ask again'),
  409: problem,
  422: problem,
  423: problem.describe('somebody else holds a lock; Retry-After says until when'),
}

/** Signs what is wished for, all as one request. */
export function performWish(
  context: Context,
  contract: string,
  request: FastifyRequest,
  reply: FastifyReply,
  ...wishes: Wish[]
): never {
  return performWrite(context, contract, request, reply, () => ({
    edit: composeEdit(context, context.states.tentative(contract).state, wishes),
  })) as never
}

export function ruleRoutes(app: App, context: Context): void {
  const shownOf = ({ contract }: { contract: string }, wanted: z.infer<typeof stateQuerySchema>) =>
    shownState(context, contract, wanted, true)

  app.get(
    `${AT}/rules`,
    {
      schema: {
        summary: 'The rules in force, with owner, target, rule set and phase',
        tags,
        params: contractParams,
        querystring: pageQuery,
        response: { 200: shapes.rulePage },
      },
    },
    async ({ params, query }) => rulePage(context, shownOf(params, query), query),
  )
  app.get(
    `${AT}/rules/:uid`,
    {
      schema: {
        summary: 'One rule in force',
        tags,
        params: uidParams,
        querystring: stateQuerySchema,
        response: { 200: shapes.ruleView },
      },
    },
    async ({ params, query }) => {
      const { state } = shownOf(params, query)
      const record = found(recordOf(state, params.uid, 'rule'), 'rule', params.uid)
      return ruleView(context, state, params.uid, record)
    },
  )
  app.get(
    `${AT}/drafts`,
    { schema: { ...drafts, querystring: pageQuery, response: { 200: shapes.draftPage } } },
    async ({ params, query }) => draftPage(context, shownOf(params, query), query),
  )
  app.post(
    `${AT}/drafts`,
    {
      schema: {
        summary: 'Draft a rule: to add, replace or repeal one, or to switch a rule set',
        description:
          'It is looked at before it is signed: 422 `bad-rule`, `bad-expression` or `wrong-type` says what is wrong with it, with ' +
          '`context.position` in the expression. In force once every member has said yes and one has published it.',
        tags,
        params: contractParams,
        body: newDraft,
        response: written,
      },
    },
    (request, reply) =>
      performWish(context, request.params.contract, request, reply, { draft: request.body }),
  )
  app.get(
    `${AT}/drafts/:uid`,
    {
      schema: {
        summary: 'One draft',
        tags,
        params: uidParams,
        querystring: stateQuerySchema,
        response: { 200: shapes.draftView },
      },
    },
    async ({ params, query }) => {
      const { state } = shownOf(params, query)
      const record = found(recordOf(state, params.uid, 'draft'), 'draft', params.uid)
      return {
        ...draftView(context, state, params.uid, record),
        ...requestOfDraft(context, params.contract, params.uid),
      }
    },
  )
  app.delete(
    `${AT}/drafts/:uid`,
    { schema: { summary: 'Take back a draft of one’s own', tags, params: uidParams, response: written } },
    (request, reply) =>
      performWish(context, request.params.contract, request, reply, { withdraw: request.params.uid }),
  )
  app.post(
    `${AT}/publish`,
    {
      schema: {
        summary: 'Bring drafts into force that every member has said yes to, all at once',
        tags,
        params: contractParams,
        body: newPublication.nullish(),
        response: written,
      },
    },
    (request, reply) => {
      const publish = request.body?.drafts ?? 'agreed'
      return performWish(context, request.params.contract, request, reply, { publish })
    },
  )
  app.get(
    `${AT}/votes`,
    {
      schema: {
        summary: 'All that waits for a yes or no: proposals, drafts and questions, with who is missing',
        tags,
        params: contractParams,
        querystring: pageQuery,
        response: { 200: shapes.votePage },
      },
    },
    async ({ params, query }) => {
      const shown = shownOf(params, query)
      return votePage(context, shown, query, shown.state.rootUid)
    },
  )
  app.post(
    `${AT}/votes`,
    {
      schema: {
        summary: 'Say yes or no to a proposal, a draft, or the question of a trigger',
        tags,
        params: contractParams,
        body: newVoteOn,
        response: written,
      },
    },
    (request, reply) => {
      const { on, yes } = request.body
      return performWish(context, request.params.contract, request, reply, { vote: on, yes })
    },
  )
  app.get(
    `${AT}/proposals`,
    {
      schema: {
        summary: 'Open proposals, with their values, votes, and who is missing',
        tags,
        params: contractParams,
        querystring: pageQuery,
        response: { 200: shapes.proposalPage },
      },
    },
    async ({ params, query }) => {
      const shown = shownOf(params, query)
      return proposalPage(context, shown, query, shown.state.rootUid)
    },
  )
  app.get(
    `${AT}/proposals/:uid`,
    {
      schema: {
        summary: 'One open proposal',
        tags,
        params: uidParams,
        querystring: stateQuerySchema,
        response: { 200: shapes.proposalView },
      },
    },
    async ({ params, query }) => {
      const { state } = shownOf(params, query)
      const record = found(recordOf(state, params.uid, 'proposal'), 'open proposal', params.uid)
      return proposalView(context, state, params.uid, record)
    },
  )
  app.delete(
    `${AT}/proposals/:uid`,
    { schema: { summary: 'Take back a proposal of one’s own', tags, params: uidParams, response: written } },
    (request, reply) =>
      performWish(context, request.params.contract, request, reply, { withdraw: request.params.uid }),
  )
  app.get(
    `${AT}/conflicts`,
    {
      schema: {
        summary: 'What stands against one another, with its parties and the ways out of it',
        tags,
        params: contractParams,
        querystring: stateQuerySchema,
        response: { 200: shapes.conflictList },
      },
    },
    async ({ params, query }) => conflictList(context, shownOf(params, query)),
  )
  app.get(
    `${AT}/types`,
    {
      schema: {
        summary: 'Types that the contract names',
        tags,
        params: contractParams,
        querystring: pageQuery,
        response: { 200: shapes.typePage },
      },
    },
    async ({ params, query }) => typePage(context, shownOf(params, query), query),
  )
  app.post(
    `${AT}/types`,
    {
      schema: {
        summary:
          'Name a type: of a field its base and limits, of a block what it consists of; it never changes',
        tags,
        params: contractParams,
        body: newType,
        response: written,
      },
    },
    (request, reply) =>
      performWish(context, request.params.contract, request, reply, { define: request.body }),
  )
}
