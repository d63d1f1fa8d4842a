/** The node itself: is it well, who is it. */
import { z } from 'zod'
import { formatFingerprint } from '../../identity/card.ts'
import type { App } from '../app.ts'
import type { Context } from '../context.ts'
import { nodeView } from '../schemas.ts'

const health = z.object({ status: z.enum(['ok', 'storage problem', 'stopped']) })

export function healthRoute(app: App, { node }: Context): void {
  app.get(
    '/healthz',
    {
      config: { isOpen: true },
      schema: {
        summary: 'Whether the node works',
        tags: ['node'],
        security: [],
        response: { 200: health, 503: health },
      },
    },
    async (_request, reply) => {
      const status: z.infer<typeof health>['status'] = node.failure
        ? 'stopped'
        : node.engine.storageError
          ? 'storage problem'
          : 'ok'
      reply.code(status === 'ok' ? 200 : 503)
      return { status }
    },
  )
}

export function nodeRoute(app: App, { node, version }: Context): void {
  app.get(
    '/api/node',
    { schema: { summary: 'Who this node is', tags: ['node'], response: { 200: nodeView } } },
    async () => {
      const { card } = node.card
      return {
        party: node.party,
        name: card.name,
        fingerprint: formatFingerprint(node.party),
        card: { ...node.card },
        endpoints: card.endpoints,
        peerPort: node.port,
        version,
      }
    },
  )
}
