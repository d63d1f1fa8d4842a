/** Requests: where they stand, what was signed, and several operations under one signature. */
import { z } from 'zod'
import { base64Encode, base64UrlDecode } from '../../crypto/bytes.ts'
import { CountersignError } from '../../crypto/errors.ts'
import { publicKeyToPem } from '../../crypto/keys.ts'
import { requestSigningInput } from '../../ledger/request.ts'
import type { App } from '../app.ts'
import { BODY_MAX_BYTES } from '../app.ts'
import type { Context } from '../context.ts'
import { composeEdit } from '../operations.ts'
import { newRequest, requestStatusView } from '../request-schemas.ts'
import { contractParams, hash, rawRequest, requestList, requestParams, requestsQuery } from '../schemas.ts'
import { statusView } from '../status-view.ts'
import { requestSummary } from '../views.ts'
import { performWrite } from '../write.ts'

const tags = ['requests']

export function requestRoutes(app: App, context: Context): void {
  const { node, states, waiting } = context
  app.get(
    '/api/contracts/:contract/requests',
    {
      schema: {
        summary: 'Requests, the newest to arrive first',
        tags,
        params: contractParams,
        querystring: requestsQuery,
        response: { 200: requestList },
      },
    },
    async (request) => {
      const { contract } = request.params
      const { cursor, limit } = request.query
      const replica = context.replica(contract)
      const page = { limit: limit + 1, ...(cursor !== undefined && { before: cursor }) }
      node.engine.flush()
      const records = states.read(contract, () => node.store.requests(contract, page)) ?? []
      const shown = records.slice(0, limit)
      const last = shown.at(-1)
      return {
        requests: shown.map((record) => requestSummary(replica, record)),
        ...(records.length > limit && last && { nextCursor: last.id }),
      }
    },
  )
  app.get(
    '/api/contracts/:contract/requests/:request',
    {
      schema: {
        summary: 'Where a request stands, and who is being waited for',
        tags,
        params: requestParams,
        response: { 200: requestStatusView },
      },
    },
    async (request) => {
      context.replica(request.params.contract)
      return statusView(context, waiting.read(request.params.contract, request.params.request))
    },
  )
  app.get(
    '/requests/:request',
    {
      schema: {
        summary: 'Short for /api/contracts/{contract}/requests/{request}',
        tags,
        params: z.object({ request: hash }),
        response: { 200: requestStatusView },
      },
    },
    async (request) => {
      const { request: id } = request.params
      node.engine.flush()
      for (const contract of node.engine.replicas.keys())
        if (states.read(contract, () => node.store.request(contract, id)))
          return statusView(context, waiting.read(contract, id))
      throw new CountersignError('not-found', `this node holds no request ${id}`)
    },
  )
  app.get(
    '/api/contracts/:contract/requests/:request/raw',
    {
      schema: {
        summary: 'What was signed, its signature and the author’s key: for openssl pkeyutl -verify -rawin',
        tags,
        params: requestParams,
        response: { 200: rawRequest },
      },
    },
    async (incoming) => {
      const { contract, request: id } = incoming.params
      context.replica(contract)
      const record = states.read(contract, () => node.store.request(contract, id))
      if (!record) throw new CountersignError('not-found', `the contract has no request ${id}`)
      const { request, signature } = record
      return {
        request: { ...request },
        signature,
        signatureBase64: base64Encode(base64UrlDecode(signature)),
        signingInputBase64: base64Encode(requestSigningInput(request)),
        authorKeyPem: publicKeyToPem(request.authorKey),
      }
    },
  )
  app.post(
    '/api/contracts/:contract/requests',
    {
      bodyLimit: BODY_MAX_BYTES,
      schema: {
        summary: 'Several operations, signed as one: all take effect or none',
        tags,
        params: contractParams,
        body: newRequest,
        response: { 200: requestStatusView, 202: requestStatusView },
      },
    },
    (request, reply) => {
      const { contract } = request.params
      const { operations } = request.body
      return performWrite(context, contract, request, reply, () => ({
        edit: composeEdit(context, states.tentative(contract).state, operations),
      })) as never
    },
  )
}
