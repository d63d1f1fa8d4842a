/** Lists in pages: what stands in them is told apart by its UID. */
import { CountersignError } from '../../crypto/errors.ts'
import type { Shown } from '../shown.ts'

export type Page = { cursor?: string | undefined; limit: number }

/** @throws CountersignError `bad-request` for what is no UID */
export function checkCursor(cursor: string | undefined): void {
  if (cursor !== undefined && !/^[0-9a-f]{32}$/.test(cursor))
    throw new CountersignError('bad-request', 'cursor: take it from nextCursor of the page before')
}

/** So many of a list, by UID, after the one that the cursor names. */
export function pageOf<T>(
  all: readonly (readonly [uid: string, item: T])[],
  { cursor, limit }: Page,
): { items: (readonly [uid: string, item: T])[]; nextCursor?: string } {
  checkCursor(cursor)
  const rest = all
    .filter(([uid]) => cursor === undefined || uid > cursor)
    .sort(([first], [second]) => (first < second ? -1 : 1))
  const items = rest.slice(0, limit)
  const last = items.at(-1)
  return { items, ...(rest.length > limit && last && { nextCursor: last[0] }) }
}

/** Which state is shown, and in which phase the contract is in it. */
export function headOf({ state, height, stage }: Shown) {
  return { id: state.contract, height, stage, phase: state.governance.workflow.phase }
}
