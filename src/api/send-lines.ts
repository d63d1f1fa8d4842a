/** Files of lines as answers: sent as they are made, so that a long one is never held as a whole. */
import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'

/** The first line is drawn before anything is sent: until then an error still has an answer of its own. */
export function sendLines(reply: FastifyReply, lines: Generator<string, void, void>, fileName: string): void {
  const first = lines.next()
  reply
    .header('content-type', 'application/jsonl')
    .header('content-disposition', `attachment; filename="${fileName}"`)
    .send(Readable.from(follow(first, lines), { objectMode: false }))
}

function* follow(
  first: IteratorResult<string, void>,
  rest: Generator<string, void, void>,
): Generator<string> {
  if (!first.done) yield first.value
  yield* rest
}
