/** Contracts made of templates, and templates made of contracts. */
import { z } from 'zod'
import type { OpeningSource } from '../../contract/state.ts'
import { checkTemplate } from '../../contract/template/check.ts'
import { exportTemplate } from '../../contract/template/export.ts'
import { parseTemplate } from '../../contract/template/format.ts'
import { instantiate } from '../../contract/template/instantiate.ts'
import { CountersignError } from '../../crypto/errors.ts'
import { checkName } from '../../document/names.ts'
import type { ProvenCard } from '../../identity/card.ts'
import type { Policy } from '../../ledger/genesis.ts'
import { OPERATIONS_MAX } from '../../ledger/request.ts'
import { type App, attemptOf, BODY_MAX_BYTES } from '../app.ts'
import type { Context } from '../context.ts'
import { RawJson } from '../json-body.ts'
import { contractParams, contractDetails as detailsSchema, hash, newContract, uid } from '../schemas.ts'
import { shownState } from '../shown.ts'
import { contractDetails } from '../views.ts'

const tags = ['contracts']

const roleName = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'expected the name of a role')
const fromTemplate = z.strictObject({
  name: z.string().max(256),
  document: z.unknown().describe('the template'),
  roles: z
    .record(roleName, z.array(hash).max(256))
    .describe('the parties of each role, by fingerprint; each of them is pinned here, or is this party'),
  policy: newContract.shape.policy,
})
const roleWord = z.string().regex(/^[a-z][a-z0-9-]{0,62}:[0-9a-f]{64}$/, 'expected role:party')
const exportQuery = z.strictObject({
  block: uid.optional().describe('a part of the contract; all of it where left out'),
  name: roleName.optional(),
  title: z.string().min(1).max(256).optional(),
  role: z
    .union([roleWord, z.array(roleWord).max(256)])
    .optional()
    .describe('what a party is in the template, as role:party; said again for each'),
  values: z.literal('true').optional().describe('with the values that are held here, but for private ones'),
})
const exported = z.object({
  template: z.unknown(),
  left: z.array(z.string()).describe('what has no place in the template, in words'),
})

export function templateRoutes(app: App, context: Context): void {
  const { node } = context
  app.post(
    '/api/contracts/from-template',
    {
      bodyLimit: BODY_MAX_BYTES,
      schema: {
        summary: 'Make a contract of a template, with parties for its roles',
        description:
          'The parties become its members; those of observers’ roles are invited later, or let in by a rule.',
        tags,
        body: fromTemplate,
        response: { 201: detailsSchema },
      },
    },
    async (request, reply) => {
      const { name, document, roles, policy = {} } = request.body
      const { contract } = await context.idempotency.once(attemptOf(request), async (remember) => {
        checkName(name)
        if (!(document instanceof RawJson))
          throw new CountersignError('bad-request', 'body: give the template as `document`')
        const template = parseTemplate(document.text)
        checkTemplate(template)
        const casting = { cast: roles, cardOf: (party: string) => cardOf(context, party), timeMs: node.now() }
        const made = instantiate(template, casting, context.random)
        if (made.operations.length > OPERATIONS_MAX)
          throw new CountersignError(
            'too-large',
            `a contract begins with at most ${OPERATIONS_MAX} operations`,
          )
        const members = template.roles
          .filter(({ observer }) => !observer)
          .flatMap((role) => roles[role.name] ?? [])
        const contract = node.createContract(
          name,
          [...new Set(members)],
          made,
          policy as Partial<Policy>,
          (contract) => remember({ contract }),
        )
        return { contract }
      })
      reply.code(201).header('location', `/api/contracts/${contract}`)
      return contractDetails(context, contract)
    },
  )
  app.get(
    '/api/contracts/:contract/template',
    {
      schema: {
        summary:
          'The contract, or a part of it, as a template: its elements and rules, with roles for parties',
        tags,
        params: contractParams,
        querystring: exportQuery,
        response: { 200: exported },
      },
    },
    async (request) => {
      const { contract } = request.params
      const { block, name = 'template', title, role = [], values } = request.query
      const { state } = shownState(context, contract, {}, true)
      const { genesis } = context.replica(contract)
      const words = title ?? genesis.name
      const held = context.values(state)
      // A template is passed on: what is private in the contract has no place in it.
      const openings: OpeningSource = {
        get: (commitment) => (held.readersOf(commitment) ? undefined : held.get(commitment)),
      }
      return exportTemplate(state, openings, {
        at: block ?? state.rootUid,
        name,
        title: words,
        help: words,
        roles: rolesOf([role].flat()),
        timeMs: genesis.timeMs,
        ...(values === 'true' && { values: true }),
      })
    },
  )
}

/** A card that may be let in: of a pinned party. */
function cardOf({ node }: Context, party: string): ProvenCard | undefined {
  if (party === node.party) return node.proven(node.party, node.card)
  const peer = node.store.peer(party)
  return peer?.pinned ? node.proven(party, peer.card) : undefined
}

function rolesOf(words: readonly string[]) {
  const parties = new Map<string, string[]>()
  for (const word of words) {
    const [name, party] = word.split(':') as [string, string]
    parties.set(name, [...(parties.get(name) ?? []), party])
  }
  return [...parties].map(([name, all]) => ({
    name,
    title: name,
    help: 'Say here what this party does.',
    parties: all,
    ...(all.length > 1 && { repeated: true as const }),
  }))
}
