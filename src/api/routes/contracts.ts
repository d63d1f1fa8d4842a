/** Contracts: made, looked at, accepted, checked, exported. */
import { importOperations } from '../../contract/edit.ts'
import { CountersignError } from '../../crypto/errors.ts'
import { fromJson } from '../../document/from-json.ts'
import { fromXml } from '../../document/from-xml.ts'
import { checkName } from '../../document/names.ts'
import type { DocumentNode } from '../../document/tree.ts'
import { GENESIS_ROOT, type Policy } from '../../ledger/genesis.ts'
import { OPERATIONS_MAX } from '../../ledger/request.ts'
import { exportBundle } from '../../node/bundle.ts'
import { checkIntegrity } from '../../node/integrity.ts'
import { type App, attemptOf, BODY_MAX_BYTES } from '../app.ts'
import type { Context } from '../context.ts'
import { RawJson } from '../json-body.ts'
import {
  acceptBody,
  checkView,
  contractList,
  contractParams,
  contractDetails as detailsSchema,
  exportQuery,
  newContract,
} from '../schemas.ts'
import { sendLines } from '../send-lines.ts'
import { contractDetails, contractIds, contractView, evidenceFile } from '../views.ts'

const tags = ['contracts']

export function contractRoutes(app: App, context: Context): void {
  const { node } = context
  app.get(
    '/api/contracts',
    { schema: { summary: 'Every contract this node holds', tags, response: { 200: contractList } } },
    async () => ({ contracts: contractIds(context).map((id) => contractView(context, id)) }),
  )
  app.post(
    '/api/contracts',
    {
      bodyLimit: BODY_MAX_BYTES,
      schema: {
        summary: 'Make a contract of a document with pinned parties',
        tags,
        body: newContract,
        response: { 201: detailsSchema },
      },
    },
    async (request, reply) => {
      const { name, with: parties, document, xml, policy = {} } = request.body
      const { contract } = await context.idempotency.once(attemptOf(request), async (remember) => {
        checkName(name)
        const edit = importOperations(readDocument(document, xml), GENESIS_ROOT, context.random)
        if (edit.operations.length > OPERATIONS_MAX)
          throw new CountersignError(
            'too-large',
            `a contract begins with at most ${OPERATIONS_MAX} elements; this document has ${edit.operations.length}`,
          )
        const contract = node.createContract(name, parties, edit, policy as Partial<Policy>, (contract) =>
          remember({ contract }),
        )
        return { contract }
      })
      reply.code(201).header('location', `/api/contracts/${contract}`)
      return contractDetails(context, contract)
    },
  )
  app.get(
    '/api/contracts/:contract',
    {
      schema: { summary: 'One contract', tags, params: contractParams, response: { 200: detailsSchema } },
    },
    async (request) => contractDetails(context, request.params.contract),
  )
  app.post(
    '/api/contracts/:contract/accept',
    {
      schema: {
        summary: 'Accept it: this node cosigns the document and the members as they stand',
        description:
          'An invited party comes in with the next turn: `standing` says how far that is. 404 `unknown-party` or 409 ' +
          '`superseded-card` where this node could not talk with a member, 503 `unavailable` before every member has said yes. ' +
          'With `checkpointOf` it accepts nothing yet: it begins at the final checkpoint that this member vouches for, instead of ' +
          'reading the ledger from its first block (`beginning`, then `basis`); accept again once that is here.',
        tags,
        params: contractParams,
        body: acceptBody,
        response: { 200: detailsSchema },
      },
    },
    async (request) => {
      node.accept(request.params.contract, request.body?.checkpointOf)
      return contractDetails(context, request.params.contract)
    },
  )
  app.post(
    '/api/contracts/:contract/freeze',
    {
      schema: {
        summary:
          'Freeze a contract that two histories have halted: this party signs nothing more in its lineage',
        description:
          'Once everybody but the guilty has, the contract goes on without these; what is final stays. 409 `conflict` where ' +
          'there is nothing to freeze. Said again it changes nothing.',
        tags,
        params: contractParams,
        response: { 200: detailsSchema },
      },
    },
    async (request) => {
      await node.freeze(request.params.contract)
      return contractDetails(context, request.params.contract)
    },
  )
  app.post(
    '/api/contracts/:contract/check',
    {
      schema: {
        summary: 'Compare everything on this node’s disk with what was signed',
        tags,
        params: contractParams,
        response: { 200: checkView },
      },
    },
    async (request) => {
      const { contract } = request.params
      requireHeld(context, contract)
      node.engine.flush()
      const report = checkIntegrity(node.store, contract, node.party)
      const { finding } = report
      if (finding && node.engine.replicas.has(contract))
        node.engine.damage(contract, `[${finding.rule}] ${finding.place}: ${finding.message}`)
      return report
    },
  )
  app.get(
    '/api/contracts/:contract/evidence',
    {
      schema: {
        summary: 'Pairs of signatures that no honest member makes, as a file that anyone can check',
        description: '404 where none is held. The file is what `countersign verify` reads.',
        tags,
        params: contractParams,
        produces: ['application/json'],
      },
    },
    async (request, reply) => {
      const { contract } = request.params
      requireHeld(context, contract)
      node.engine.flush()
      const file = evidenceFile(context, contract)
      reply.type('application/json')
      // The first words tell what the file is.
      return reply.serializer(String).send(`${JSON.stringify(file)}\n`) as never
    },
  )
  app.get(
    '/api/contracts/:contract/export',
    {
      exposeHeadRoute: false,
      schema: {
        summary: 'The contract as one self-contained file (JSON lines)',
        tags,
        params: contractParams,
        querystring: exportQuery,
        produces: ['application/jsonl'],
      },
    },
    (request, reply) => {
      const { contract } = request.params
      requireHeld(context, contract)
      node.engine.flush()
      const lines = exportBundle(node.store, contract, node.party, { private: request.query.private })
      sendLines(context, reply, lines, `${contract.slice(0, 12)}.bundle`)
    },
  )
}

/** A damaged contract is held too: what is left of it can be looked into. @throws CountersignError `unknown-contract` */
function requireHeld({ node: { engine } }: Context, contract: string): void {
  if (!engine.damaged.has(contract)) engine.replica(contract)
}

function readDocument(document: unknown, xml: string | undefined): DocumentNode {
  if (document instanceof RawJson && xml === undefined) return fromJson(document.text)
  if (document === undefined && xml !== undefined) return fromXml(xml)
  throw new CountersignError('bad-request', 'body: give either `document` (any JSON) or `xml` (a string)')
}
