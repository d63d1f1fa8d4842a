/** Shapes of templates that are put into a contract, or taken out of one, as the HTTP interface takes and shows them. */
import { z } from 'zod'
import { draftView } from '../rules/view-schemas.ts'
import { hash, named, newContract, uid } from '../schemas.ts'

export const roleName = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'expected the name of a role')
const parties = z.record(roleName, z.array(hash).max(256))
const document = z.unknown().describe('the template')
const place = z.string().max(65_536)

export const newFromTemplate = z.strictObject({
  name: z.string().max(256),
  document,
  roles: parties.describe(
    'the parties of each role, by fingerprint; each of them is pinned here, or is this party',
  ),
  policy: newContract.shape.policy,
})

export const newInclusion = named(
  'NewInclusion',
  z.strictObject({
    document,
    in: place.optional().describe('the block or list it comes into, by path or UID; the root where left out'),
    name: z
      .string()
      .max(256)
      .optional()
      .describe('what the new block is called; the template’s title where left out; none in a list'),
    roles: parties.describe('the parties of each role, by fingerprint; all but observers are members'),
  }),
)
export type NewInclusion = z.infer<typeof newInclusion>

const edition = z.strictObject({ document })

export const newUpgrade = named(
  'NewUpgrade',
  z.strictObject({
    from: edition.describe('the edition that the contract, or the part of it, is of'),
    to: edition.describe('the next edition, which names the other as its ancestor'),
    on: place
      .optional()
      .describe('the block that was made of it, by path or UID; the contract where left out'),
    roles: parties
      .optional()
      .describe(
        'roles whose parties don’t follow from the contract, such as new ones; said anew, these count',
      ),
  }),
)
export type NewUpgrade = z.infer<typeof newUpgrade>

export const newExport = named(
  'NewTemplateExport',
  z.strictObject({
    from: edition.describe('the template that it was made of'),
    block: place.optional().describe('a part of the contract, by path or UID; all of it where left out'),
    name: roleName.optional(),
    title: z.string().min(1).max(256).optional(),
    roles: parties.optional().describe('roles whose parties don’t follow from the contract'),
    values: z.literal(true).optional().describe('with the values that are held here'),
  }),
)
export type NewExport = z.infer<typeof newExport>

export const exportedView = z.object({
  template: z.unknown(),
  left: z.array(z.string()).describe('what has no place in the template, in words'),
})

const editionView = z.object({ name: z.string(), title: z.string(), edition: z.int(), hash })
const planDraft = z.object({
  ...draftView.pick({ uid: true, sentence: true, do: true }).shape,
  name: z.string().optional().describe('of the rule in the template'),
})

export const planView = named(
  'TemplatePlan',
  z.object({
    template: editionView,
    from: editionView.optional().describe('of an upgrade, what the block is of now'),
    block: z.object({ uid, path: z.string() }),
    roles: z.array(
      z.object({
        name: z.string(),
        title: z.string(),
        parties: z.array(z.object({ party: hash, name: z.string() })),
      }),
    ),
    created: z
      .object({ count: z.int(), elements: z.array(z.object({ path: z.string(), kind: z.string() })) })
      .describe('elements that are there at once; of very many, the first'),
    described: z.array(z.string()).describe('paths of elements that get other words at once'),
    drafts: z.array(planDraft).describe('what is in force once every member has said yes, and one publishes'),
    left: z.array(z.string()).describe('what has to be decided by hand, in words'),
    operations: z.int(),
  }),
)
export type PlanView = z.infer<typeof planView>
