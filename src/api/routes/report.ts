/** Reports over the contracts of this node: as pages, as files signed by it, and made by schedule. */

import { checkFieldPaths } from '../../node/report.ts'
import { reportLines } from '../../node/report-file.ts'
import type { App } from '../app.ts'
import type { Context } from '../context.ts'
import { reportView, reportWish } from '../report.ts'
import {
  newSchedule,
  reportFileQuery,
  reportPage,
  reportQuery,
  scheduleList,
  scheduleParams,
  scheduleView,
} from '../schemas-time.ts'
import { sendLines } from '../send-lines.ts'

const tags = ['reports']

export function reportRoutes(app: App, context: Context): void {
  const { node, states, schedules } = context
  app.get(
    '/api/report',
    {
      schema: {
        summary: 'What the contracts of this node held at a time',
        description:
          'The last final ledger block of up to then, by block time, of each contract; with `status=tentative` the last one ' +
          'ordered. Contracts that did not exist yet are left out and counted.',
        tags,
        querystring: reportQuery,
        response: { 200: reportPage },
      },
    },
    async (request) => reportView(context, request.query),
  )
  app.get(
    '/api/report/file',
    {
      exposeHeadRoute: false,
      schema: {
        summary:
          'The same as a file signed by this node, with every member’s cosignatures and proofs (JSON lines)',
        description: 'Final states only. `countersign verify report` checks it with no node running.',
        tags,
        querystring: reportFileQuery,
        produces: ['application/jsonl'],
      },
    },
    (request, reply) => {
      const wish = reportWish(context, request.query)
      const name = `report-${new Date(wish.atMs).toISOString().slice(0, 10)}.jsonl`
      sendLines(context, reply, reportLines({ node, states }, wish, node.now()), name)
    },
  )
  app.get(
    '/api/report/schedules',
    { schema: { summary: 'Scheduled reports', tags, response: { 200: scheduleList } } },
    async () => ({ schedules: schedules.list() }),
  )
  app.post(
    '/api/report/schedules',
    {
      schema: {
        summary:
          'Have a signed report written to a directory of the node’s machine, day by day, week by week or month by month',
        description:
          'Times are UTC. After a time of standing still, one report is made of the last due time. Such a file is whole or not ' +
          'there; what fails is tried again.',
        tags,
        body: newSchedule,
        response: { 201: scheduleView },
      },
    },
    async (request, reply) => {
      const { contracts, fields, ...rest } = request.body
      const { name } = schedules.add({
        ...rest,
        ...(contracts && { contracts }),
        ...(fields && { fields: checkFieldPaths(fields) }),
      })
      reply.code(201)
      return schedules.list().find((one) => one.name === name) as never
    },
  )
  app.delete(
    '/api/report/schedules/:name',
    {
      schema: {
        summary: 'End a schedule; the files that it has made stay',
        tags,
        params: scheduleParams,
        response: { 200: scheduleList },
      },
    },
    async (request) => {
      schedules.remove(request.params.name)
      return { schedules: schedules.list() }
    },
  )
}
