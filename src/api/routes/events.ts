/** Live events. */
import type { ServerResponse } from 'node:http'
import { z } from 'zod'
import type { App } from '../app.ts'
import type { Context } from '../context.ts'
import { Cursor } from '../events/cursor.ts'
import { EventStream, type StreamOptions } from '../events/stream.ts'
import { Subjects } from '../events/subjects.ts'
import { hash } from '../schemas.ts'

const query = z.strictObject({
  contract: hash.optional().describe('only of this contract'),
  stage: z.enum(['tentative', 'final']).optional().describe('only when changes reach this stage'),
  paths: z
    .enum(['none'])
    .optional()
    .describe('none: one event a contract and turn, not one for each changed record'),
  cursor: z.string().max(60_000).optional().describe('as Last-Event-ID, for clients that can’t send it'),
})

export function eventRoutes(app: App, context: Context): void {
  const streams = new Set<EventStream>()
  const subjects = new Subjects(context)
  const stop = context.node.subscribe((notice) => {
    for (const stream of streams) stream.take(notice)
  })
  // Before the server closes: it waits for answers, and these have no end of their own.
  app.addHook('preClose', async () => {
    stop()
    for (const stream of streams) stream.close()
  })
  app.get(
    '/api/events',
    {
      exposeHeadRoute: false,
      schema: {
        summary: 'Live events (server-sent events), resumable by Last-Event-ID',
        description:
          'Types: tentative and final (subject: the record that changed, or /api/contracts/{contract}/members where a change of ' +
          'members or policy was asked for, voted on or brought), created, invited, accepted, active, halted, evidence, frozen, ' +
          'lineage, returned (what was tentative above a height is given up), turned (an epoch has begun: who is in), left ' +
          '(this party is out) (subject: the contract), expired (told live only). An event may come twice after a break; none ' +
          'is left out.',
        tags: ['events'],
        querystring: query,
        produces: ['text/event-stream'],
      },
    },
    (request, reply) => {
      const { contract, stage, paths, cursor } = request.query
      if (contract !== undefined) context.replica(contract)
      const last = cursor ?? request.headers['last-event-id']
      const options: StreamOptions = {
        ...(contract !== undefined && { contract }),
        stages: stage === undefined ? ['tentative', 'final'] : [stage],
        withPaths: paths !== 'none',
        ...(last !== undefined && { cursor: Cursor.parse(String(last)) }),
      }
      reply.hijack()
      const response: ServerResponse = reply.raw
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      })
      response.flushHeaders()
      const stream = new EventStream(context, subjects, response, options)
      streams.add(stream)
      response.on('close', () => {
        streams.delete(stream)
        stream.close()
      })
    },
  )
}
