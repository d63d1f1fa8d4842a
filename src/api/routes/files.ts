/** Files that fields are to name, uploaded apart from the write that names them. */
import { z } from 'zod'
import { type App, streamFiles } from '../app.ts'
import type { Context } from '../context.ts'
import { takeUpload } from '../files.ts'
import { contractParams, hash, problem } from '../schemas.ts'

const fileTaken = z.object({
  value: z.string().describe('what a field of type file is to be set to'),
  hash,
  sizeBytes: z.int(),
  mediaType: z.string(),
  name: z.string(),
})

export function fileRoutes(app: App, context: Context): void {
  app.removeAllContentTypeParsers()
  streamFiles(app, () => true)
  app.post(
    '/api/contracts/:contract/files',
    {
      schema: {
        summary: 'Upload a file, to be named by a field',
        description:
          'The body is the file, of any media type, at most 100 MiB; its name is that of Content-Disposition, or ?name=. It is on ' +
          'disk when this is answered; other parties are given it once the contract names it.',
        tags: ['contracts'],
        params: contractParams,
        querystring: z.strictObject({ name: z.string().max(1024).optional() }),
        response: { 201: fileTaken, 413: problem, 507: problem },
      },
    },
    async (request, reply) => {
      context.replica(request.params.contract)
      const type = request.headers['content-type']
      const { value, ...file } = await takeUpload(context, request, type, request.query.name ?? '')
      return reply.code(201).send({ value, ...file })
    },
  )
}
