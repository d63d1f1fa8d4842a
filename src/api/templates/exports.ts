/** A contract, or a part of it, as the next edition of the template that it was made of. */
import type { ContractState } from '../../contract/state.ts'
import { type Exported, exportTemplate } from '../../contract/template/export.ts'
import { recast } from '../../contract/template/recast.ts'
import { requireMadeOf } from '../../contract/template/upgrade.ts'
import type { Context } from '../context.ts'
import { placeUid } from '../rules/wishes.ts'
import { madeMs, templateIn } from './plans.ts'
import type { NewExport } from './schemas.ts'

/** @throws CountersignError `unknown-path`, `not-found`, `bad-request` where it was made of another; of the template, as `templateIn` */
export function exportLike(context: Context, state: ContractState, body: NewExport): Exported {
  const like = templateIn(body.from.document, 'from.document')
  const at = placeUid(state, body.block ?? '/')
  requireMadeOf(state, at, like)
  const values = context.values(state)
  const cast = { ...recast(state, values, at, like), ...body.roles }
  return exportTemplate(state, values, {
    at,
    name: body.name ?? like.name,
    title: body.title ?? like.title,
    help: like.help,
    roles: like.roles.map((role) => ({ ...role, parties: cast[role.name] ?? [] })),
    timeMs: madeMs(context, state, at),
    like,
    ...(body.values && { values: true }),
  })
}
