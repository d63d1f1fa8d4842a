/** Contracts made of templates, templates put into contracts and taken to their next edition, and templates made of contracts. */
import { z } from 'zod'
import type { OpeningSource } from '../../contract/state.ts'
import { exportTemplate, keyOf } from '../../contract/template/export.ts'
import { instantiate } from '../../contract/template/instantiate.ts'
import { existing } from '../../contract/view.ts'
import { CountersignError } from '../../crypto/errors.ts'
import { checkName } from '../../document/names.ts'
import type { Policy } from '../../ledger/genesis.ts'
import { OPERATIONS_MAX } from '../../ledger/request.ts'
import { type App, attemptOf, BODY_MAX_BYTES } from '../app.ts'
import type { Context } from '../context.ts'
import { placeUid } from '../rules/wishes.ts'
import { contractParams, contractDetails as detailsSchema, problem } from '../schemas.ts'
import { shownState } from '../shown.ts'
import { exportLike } from '../templates/exports.ts'
import { cardOf, madeMs, planInclusion, planUpgrade, templateIn, viewOf } from '../templates/plans.ts'
import {
  exportedView,
  newExport,
  newFromTemplate,
  newInclusion,
  newUpgrade,
  planView,
  roleName,
} from '../templates/schemas.ts'
import { contractDetails } from '../views.ts'
import { performWrite } from '../write.ts'
import { written } from './rules.ts'

const tags = ['contracts']
const AT = '/api/contracts/:contract'

const roleWord = z.string().regex(/^[a-z][a-z0-9-]{0,62}:[0-9a-f]{64}$/, 'expected role:party')
const exportQuery = z.strictObject({
  block: z
    .string()
    .max(65_536)
    .optional()
    .describe('a part of the contract, by path or UID; all of it where left out'),
  name: roleName.optional(),
  title: z.string().min(1).max(256).optional(),
  role: z
    .union([roleWord, z.array(roleWord).max(256)])
    .optional()
    .describe('what a party is in the template, as role:party; said again for each'),
  values: z.literal('true').optional().describe('with the values that are held here, but for private ones'),
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
        body: newFromTemplate,
        response: { 201: detailsSchema },
      },
    },
    async (request, reply) => {
      const { name, document, roles, policy = {} } = request.body
      const { contract } = await context.idempotency.once(attemptOf(request), async (remember) => {
        checkName(name)
        const template = templateIn(document, 'document')
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
    `${AT}/template`,
    {
      schema: {
        summary:
          'The contract, or a part of it, as a template: its elements and rules, with roles for parties',
        tags,
        params: contractParams,
        querystring: exportQuery,
        response: { 200: exportedView },
      },
    },
    async (request) => {
      const { contract } = request.params
      const { block, name, title, role = [], values } = request.query
      const { state } = shownState(context, contract, {}, true)
      const { genesis } = context.replica(contract)
      const at = placeUid(state, block ?? '/')
      const { label, name: called } = existing(state, at)
      const words = title ?? (at === state.rootUid ? genesis.name : (label ?? called))
      const held = context.values(state)
      // A template is passed on: what is private in the contract has no place in it.
      const openings: OpeningSource = {
        get: (commitment) => (held.readersOf(commitment) ? undefined : held.get(commitment)),
      }
      return exportTemplate(state, openings, {
        at,
        name: name ?? keyOf(words),
        title: words,
        help: words,
        roles: rolesOf([role].flat()),
        timeMs: madeMs(context, state, at),
        ...(values === 'true' && { values: true }),
      })
    },
  )
  app.post(
    `${AT}/template`,
    {
      bodyLimit: BODY_MAX_BYTES,
      schema: {
        summary: 'As a template, by the one that it was made of: whose next edition it is then',
        description:
          'Roles, the names of rules, and all words are that template’s, where these are still the same; `ancestor` is its hash.',
        tags,
        params: contractParams,
        body: newExport,
        response: { 200: exportedView },
      },
    },
    async ({ params, body }) => {
      const { state } = shownState(context, params.contract, {}, true)
      return exportLike(context, state, body)
    },
  )
  changeRoutes(app, context)
}

/** Templates put into contracts, and contracts taken to the next edition of theirs: looked at first, then signed. */
function changeRoutes(app: App, context: Context): void {
  const plans = { 200: planView, 409: problem, 422: problem, 423: problem }
  const inclusion = { tags, params: contractParams, body: newInclusion }
  const upgrade = { tags, params: contractParams, body: newUpgrade }
  app.post(
    `${AT}/inclusions`,
    {
      bodyLimit: BODY_MAX_BYTES,
      schema: {
        summary: 'Include a template as a block of a contract: its elements at once, its rules as drafts',
        description:
          'One request; Location is the block. Its rules are in force once every member has said yes to its drafts, and one has ' +
          'published them all.',
        ...inclusion,
        response: written,
      },
    },
    (request, reply) => {
      const { contract } = request.params
      return performWrite(context, contract, request, reply, () => {
        const { edit, block } = planInclusion(context, contract, request.body)
        return { edit, created: block }
      }) as never
    },
  )
  app.post(
    `${AT}/inclusions/preview`,
    {
      bodyLimit: BODY_MAX_BYTES,
      schema: {
        summary: 'What including it would change; nothing is signed',
        ...inclusion,
        response: plans,
      },
    },
    async ({ params: { contract }, body }) =>
      viewOf(context, contract, planInclusion(context, contract, body)),
  )
  app.post(
    `${AT}/upgrades`,
    {
      bodyLimit: BODY_MAX_BYTES,
      schema: {
        summary: 'Take a contract, or a block in it, to the next edition of the template that it was made of',
        description:
          'One request: elements that are new at once, everything else as drafts. It is of the next edition once every member has ' +
          'said yes to them, and one has published them all.',
        ...upgrade,
        response: written,
      },
    },
    (request, reply) => {
      const { contract } = request.params
      return performWrite(context, contract, request, reply, () => ({
        edit: planUpgrade(context, contract, request.body).edit,
      })) as never
    },
  )
  app.post(
    `${AT}/upgrades/preview`,
    {
      bodyLimit: BODY_MAX_BYTES,
      schema: { summary: 'What the upgrade would change; nothing is signed', ...upgrade, response: plans },
    },
    async ({ params: { contract }, body }) => viewOf(context, contract, planUpgrade(context, contract, body)),
  )
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
