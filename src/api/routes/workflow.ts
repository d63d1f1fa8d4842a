/** Locks, phases, what members confirm, how far elements are; and where elements stand and what they are called. */
import type { App } from '../app.ts'
import type { Context } from '../context.ts'
import { lockPage, statusPage } from '../rules/lists.ts'
import { recordOf } from '../rules/look.ts'
import { headOf } from '../rules/pages.ts'
import {
  newLease,
  newLock,
  newName,
  newPhase,
  newPlace,
  newSettlement,
  newWords,
  uidParams,
} from '../rules/schemas.ts'
import * as shapes from '../rules/view-schemas.ts'
import { found, lockView, phaseView, settlementView } from '../rules/views.ts'
import { placeUid } from '../rules/wishes.ts'
import { contractParams, pageQuery, stateQuerySchema, statusQuery } from '../schemas.ts'
import { shownState } from '../shown.ts'
import { performWish, written } from './rules.ts'

const AT = '/api/contracts/:contract'

export function workflowRoutes(app: App, context: Context): void {
  lockRoutes(app, context)
  stageRoutes(app, context)
  placeRoutes(app, context)
}

function lockRoutes(app: App, context: Context): void {
  const tags = ['locks']
  app.get(
    `${AT}/locks`,
    {
      schema: {
        summary: 'Locks, with who holds them until when',
        tags,
        params: contractParams,
        querystring: pageQuery,
        response: { 200: shapes.lockPage },
      },
    },
    async ({ params, query }) => lockPage(context, shownState(context, params.contract, query, true), query),
  )
  app.post(
    `${AT}/locks`,
    {
      schema: {
        summary: 'Lock an element with all below it for a while: nobody else changes it meanwhile',
        description:
          'Fails at once with 423 `locked` where somebody else holds it, or a part of it: `context` names the holder and when the ' +
          'lease ends, so does Retry-After. Try again with jitter: everybody who waits would come back at once otherwise.',
        tags,
        params: contractParams,
        body: newLock,
        response: written,
      },
    },
    (request, reply) => {
      const { path, leaseMs } = request.body
      return performWish(context, request.params.contract, request, reply, { lock: path, leaseMs })
    },
  )
  app.get(
    `${AT}/locks/:uid`,
    {
      schema: {
        summary: 'One lock',
        tags,
        params: uidParams,
        querystring: stateQuerySchema,
        response: { 200: shapes.lockView },
      },
    },
    async ({ params, query }) => {
      const { state } = shownState(context, params.contract, query, true)
      return lockView(
        context,
        state,
        params.uid,
        found(recordOf(state, params.uid, 'lock'), 'lock', params.uid),
      )
    },
  )
  app.post(
    `${AT}/locks/:uid/renew`,
    {
      schema: {
        summary: 'Hold a lock of one’s own for longer; 409 `conflicted` where it is lost',
        tags,
        params: uidParams,
        body: newLease,
        response: written,
      },
    },
    (request, reply) => {
      const { contract, uid } = request.params
      return performWish(context, contract, request, reply, { renew: uid, leaseMs: request.body.leaseMs })
    },
  )
  app.delete(
    `${AT}/locks/:uid`,
    { schema: { summary: 'Release a lock of one’s own', tags, params: uidParams, response: written } },
    (request, reply) =>
      performWish(context, request.params.contract, request, reply, { unlock: request.params.uid }),
  )
}

function stageRoutes(app: App, context: Context): void {
  const tags = ['rules']
  app.get(
    `${AT}/phase`,
    {
      schema: {
        summary: 'The phase, those there are, and the rule sets',
        tags,
        params: contractParams,
        querystring: stateQuerySchema,
        response: { 200: shapes.phaseView },
      },
    },
    async ({ params, query }) => {
      const shown = shownState(context, params.contract, query, true)
      return { ...headOf(shown), ...phaseView(shown.state) }
    },
  )
  app.post(
    `${AT}/phase`,
    {
      schema: {
        summary: 'Move the contract to another phase',
        tags,
        params: contractParams,
        body: newPhase,
        response: written,
      },
    },
    (request, reply) =>
      performWish(context, request.params.contract, request, reply, { phase: request.body.to }),
  )
  app.get(
    `${AT}/settle`,
    {
      schema: {
        summary: 'Who has confirmed the record hash, and who is missing',
        tags,
        params: contractParams,
        querystring: stateQuerySchema,
        response: { 200: shapes.settlementView },
      },
    },
    async ({ params, query }) => {
      const shown = shownState(context, params.contract, query, true)
      return { ...headOf(shown), ...settlementView(context, shown.state) }
    },
  )
  app.post(
    `${AT}/settle`,
    {
      schema: {
        summary: 'Confirm the record hash, with nothing pending; any later change undoes it',
        tags,
        params: contractParams,
        body: newSettlement.nullish(),
        response: written,
      },
    },
    (request, reply) => {
      const settle = request.body?.record ?? 'current'
      return performWish(context, request.params.contract, request, reply, { settle })
    },
  )
  app.get(
    `${AT}/status`,
    {
      schema: {
        summary: 'For each element the tier it has reached, and who is missing',
        description:
          'The same as /records/{contract}/…/$status; with everything that is ordered, final or not.',
        tags,
        params: contractParams,
        querystring: statusQuery,
        response: { 200: shapes.statusPage },
      },
    },
    async ({ params, query }) => {
      const { contract } = params
      context.replica(contract)
      const { state } = context.states.tentative(contract)
      return statusPage(context, contract, placeUid(state, query.path ?? '/'), query)
    },
  )
}

function placeRoutes(app: App, context: Context): void {
  const tags = ['contracts']
  app.post(
    `${AT}/elements/:uid/move`,
    {
      schema: {
        summary: 'Move an element, with all below it, to another place',
        tags,
        params: uidParams,
        body: newPlace,
        response: written,
      },
    },
    (request, reply) => {
      const { contract, uid } = request.params
      return performWish(context, contract, request, reply, { move: uid, ...request.body })
    },
  )
  app.post(
    `${AT}/elements/:uid/rename`,
    {
      schema: {
        summary: 'Give an element another name',
        tags,
        params: uidParams,
        body: newName,
        response: written,
      },
    },
    (request, reply) => {
      const { contract, uid } = request.params
      return performWish(context, contract, request, reply, { rename: uid, name: request.body.name })
    },
  )
  app.post(
    `${AT}/elements/:uid/describe`,
    {
      schema: {
        summary: 'Give an element a label and help for people; one that is left out is gone',
        tags,
        params: uidParams,
        body: newWords,
        response: written,
      },
    },
    (request, reply) => {
      const { contract, uid } = request.params
      return performWish(context, contract, request, reply, { describe: uid, ...request.body })
    },
  )
}
