/** Files of lines as answers: sent as they are made, so that a long one is never held as a whole. */
import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { Context } from './context.ts'

/**
 * The first line is drawn before anything is sent: until then an error still has an answer of its own. After that the answer
 * breaks off, and the node's log says why.
 */
export function sendLines(
  { node }: Context,
  reply: FastifyReply,
  lines: Generator<string, void, void>,
  fileName: string,
): void {
  const first = lines.next()
  reply
    .header('content-type', 'application/jsonl')
    .header('content-disposition', `attachment; filename="${fileName}"`)
    .send(Readable.from(follow(first, logged()), { objectMode: false }))

  function* logged(): Generator<string, void, void> {
    try {
      yield* lines
    } catch (error) {
      node.engine.log('error', 'file-broken-off', { file: fileName, reason: (error as Error).message })
      throw error
    }
  }
}

function* follow(
  first: IteratorResult<string, void>,
  rest: Generator<string, void, void>,
): Generator<string> {
  if (!first.done) yield first.value
  yield* rest
}
