/** What is asked of a contract across heights and times: what changed between two, and the history of an element. */
import type { App } from '../app.ts'
import type { Context } from '../context.ts'
import { differenceView } from '../difference.ts'
import { encodeCursor, numbersInCursor } from '../page-cursor.ts'
import { FIRST, historyOf } from '../records/history.ts'
import { contractParams } from '../schemas.ts'
import { differencePage, differenceQuery, elementParams, historyPage, historyQuery } from '../schemas-time.ts'
import { shownState } from '../shown.ts'

const tags = ['contracts']

export function timeRoutes(app: App, context: Context): void {
  app.get(
    '/api/contracts/:contract/difference',
    {
      schema: {
        summary: 'What differs between two heights or times, in document order, with who changed it',
        description:
          'Final states, unless `status` says otherwise. `from` may be later than `to`: then it says what going back would ' +
          'change. Pages go on between the heights of the first, whatever has become final since.',
        tags,
        params: contractParams,
        querystring: differenceQuery,
        response: { 200: differencePage },
      },
    },
    async (request) => differenceView(context, request.params.contract, request.query),
  )
  app.get(
    '/api/contracts/:contract/elements/:uid/history',
    {
      schema: {
        summary: 'Every change of an element, the oldest first: who, when, and what it was before and after',
        description:
          'Also of one that was deleted. The same stands at /records/{uid}/$history, there the newest of them.',
        tags,
        params: elementParams,
        querystring: historyQuery,
        response: { 200: historyPage },
      },
    },
    async (request) => {
      const { contract, uid } = request.params
      const { cursor, limit, refused, ...wanted } = request.query
      const [height, place] = cursor === undefined ? [] : numbersInCursor(cursor, 2)
      const after = height === undefined || place === undefined ? FIRST : { height, place }
      const shown = shownState(context, contract, wanted, true)
      const { next, ...view } = historyOf(context, shown, uid, { limit, after, refused })
      return { ...view, ...(next && { nextCursor: encodeCursor(next.height, next.place) }) }
    },
  )
}
