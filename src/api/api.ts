/** The HTTP server of a node: put together here, started by the command. */
import swagger from '@fastify/swagger'
import fastify, { type FastifyInstance } from 'fastify'
import {
  createJsonSchemaTransform,
  createJsonSchemaTransformObject,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod'
import { CountersignError } from '../crypto/errors.ts'
import type { Node } from '../node/node.ts'
import { type App, readJson } from './app.ts'
import { type ApiOptions, Context } from './context.ts'
import { metricsRoute } from './metrics.ts'
import { answerMalformed, installAccess, installProblems, problemOf, sendProblem } from './problems.ts'
import { contractRoutes } from './routes/contracts.ts'
import { elementRoutes } from './routes/elements.ts'
import { eventRoutes } from './routes/events.ts'
import { fileRoutes } from './routes/files.ts'
import { ledgerRoutes } from './routes/ledger.ts'
import { memberRoutes } from './routes/members.ts'
import { healthRoute, nodeRoute } from './routes/node.ts'
import { peerRoutes } from './routes/peers.ts'
import { recordRoutes } from './routes/records.ts'
import { reportRoutes } from './routes/report.ts'
import { requestRoutes } from './routes/requests.ts'
import { ruleRoutes } from './routes/rules.ts'
import { templateRoutes } from './routes/templates.ts'
import { timeRoutes } from './routes/time.ts'
import { workflowRoutes } from './routes/workflow.ts'
import { components } from './schemas.ts'

export type { ApiOptions } from './context.ts'

/** Last-Event-ID is the longest header there is. */
const HEADERS_MAX_BYTES = 64 * 1024
const ADDRESS_MAX_LENGTH = 16 * 1024

/**
 * Starts a node's HTTP interface. All but /healthz needs the token.
 * @throws CountersignError `unavailable` if the address can't be listened on
 */
export async function createApi(
  node: Node,
  options: ApiOptions,
): Promise<{ url: string; close(): Promise<void> }> {
  const context = new Context(node, options)
  const app = fastify({
    logger: false,
    http: { maxHeaderSize: HEADERS_MAX_BYTES },
    forceCloseConnections: true,
    routerOptions: { maxParamLength: ADDRESS_MAX_LENGTH },
    // Records are under one wildcard: a body there is limited by its route.
    bodyLimit: 64 * 1024,
    clientErrorHandler: answerMalformed,
    frameworkErrors: (error, _request, reply) => {
      sendProblem(reply as never, problemOf(error))
    },
  })
  installProblems(app, node)
  installAccess(app, options.token)
  await describe(app, options.version)
  app.addHook('preClose', async () => context.close())
  const typed = app.withTypeProvider<ZodTypeProvider>()
  app.decorateRequest('rawBody', undefined)
  app.decorateRequest('uploadType', undefined)
  app.setValidatorCompiler(validatorCompiler)
  // Answers are made by typed code; they are not checked a second time as they leave.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  await typed.register(async (entities: App) => {
    readJson(entities)
    healthRoute(entities, context)
    nodeRoute(entities, context)
    metricsRoute(entities, context)
    peerRoutes(entities, context)
    contractRoutes(entities, context)
    templateRoutes(entities, context)
    memberRoutes(entities, context)
    elementRoutes(entities, context)
    timeRoutes(entities, context)
    reportRoutes(entities, context)
    ledgerRoutes(entities, context)
    requestRoutes(entities, context)
    ruleRoutes(entities, context)
    workflowRoutes(entities, context)
    eventRoutes(entities, context)
    entities.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger() as never)
  })
  await typed.register(async (files: App) => fileRoutes(files, context))
  await typed.register(async (records: App) => recordRoutes(records, context))
  try {
    await app.listen({ host: options.host, port: options.port })
  } catch (error) {
    await context.close()
    throw new CountersignError(
      'unavailable',
      `the API can't listen on ${options.host}:${options.port}: ${(error as Error).message}`,
    )
  }
  const { port } = app.server.address() as { port: number }
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  return { url: `http://${host}:${port}`, close: () => app.close() }
}

async function describe(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Countersign',
        version,
        description:
          'One party’s node. Errors are problem documents (RFC 9457) with a stable code each. A write is answered when every ' +
          'member has signed it (Prefer: wait=N, until=tentative), and takes an Idempotency-Key.',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: createJsonSchemaTransform({ schemaRegistry: components }),
    transformObject: createJsonSchemaTransformObject({ schemaRegistry: components }),
  })
}
