/** What surrounds the elements of a contract, or one of them with all below it, in pages. */
import { conflictsOf } from '../../contract/rules/conflicts.ts'
import type { Context } from '../context.ts'
import type { Shown } from '../shown.ts'
import { namer, placeOf } from './look.ts'
import { checkCursor, headOf, type Page, pageOf } from './pages.ts'
import { elementsFrom, Tiers } from './status.ts'
import {
  draftView,
  lockView,
  openVotes,
  proposalRecords,
  proposalView,
  requestOfDraft,
  ruleRecords,
  rulesOver,
  ruleView,
  typeViews,
} from './views.ts'

/** @param over only those about this element or what it lies in */
export function rulePage(context: Context, shown: Shown, page: Page, over?: string) {
  const { state } = shown
  const { items, ...more } = pageOf(over === undefined ? ruleRecords(state) : rulesOver(state, over), page)
  return { ...headOf(shown), rules: items.map(([uid, one]) => ruleView(context, state, uid, one)), ...more }
}

export function draftPage(context: Context, shown: Shown, page: Page) {
  const { state } = shown
  const { items, ...more } = pageOf([...state.governance.drafts], page)
  const drafts = items.map(([uid, one]) => ({
    ...draftView(context, state, uid, one),
    ...requestOfDraft(context, state.contract, uid),
  }))
  return { ...headOf(shown), drafts, ...more }
}

/** @param top only those on this element and below it */
export function proposalPage(context: Context, shown: Shown, page: Page, top: string) {
  const { state } = shown
  const { items, ...more } = pageOf(proposalRecords(state, top), page)
  const proposals = items.map(([uid, one]) => proposalView(context, state, uid, one))
  return { ...headOf(shown), proposals, ...more }
}

/** @param top only those about this element, what it lies in, and what lies below it */
export function votePage(context: Context, shown: Shown, page: Page, top: string) {
  const { state } = shown
  const all = openVotes(context, state, top).map((one) => [one.uid, one] as const)
  const { items, ...more } = pageOf(all, page)
  return { ...headOf(shown), votes: items.map(([, one]) => one), ...more }
}

export function lockPage(context: Context, shown: Shown, page: Page) {
  const { state } = shown
  const { items, ...more } = pageOf(
    [...state.governance.locks.entries()].map(([, one]) => one),
    page,
  )
  return { ...headOf(shown), locks: items.map(([uid, one]) => lockView(context, state, uid, one)), ...more }
}

export function typePage(context: Context, shown: Shown, page: Page) {
  const all = typeViews(context, shown.state).map((one) => [one.uid, one] as const)
  const { items, ...more } = pageOf(all, page)
  return { ...headOf(shown), types: items.map(([, one]) => one), ...more }
}

/** What stands against one another, with the ways out of it. */
export function conflictList(context: Context, shown: Shown) {
  const { state, height } = shown
  const named = namer(context, state.contract)
  const { timeMs } = context.states.header(state.contract, height)
  const conflicts = conflictsOf(state, context.values(state), timeMs)
  return {
    ...headOf(shown),
    conflicts: conflicts.map(({ kind, elements, records, parties, ways }) => ({
      kind,
      elements: elements.map((uid) => placeOf(state, uid)),
      records,
      parties: parties.map(named),
      ways: ways.map((way) => ({ ...way, by: way.by.map(named) })),
    })),
  }
}

/** How far the elements are, from this one down, in the order of the document. */
export function statusPage(context: Context, contract: string, top: string, { cursor, limit }: Page) {
  const { state, height } = context.states.tentative(contract)
  const stage = height <= context.states.finalHeight(contract) ? ('final' as const) : ('tentative' as const)
  checkCursor(cursor)
  const tiers = new Tiers(context, state)
  const uids: string[] = []
  let hasMore = false
  for (const uid of elementsFrom(state, top, cursor)) {
    hasMore = uids.length === limit
    if (hasMore) break
    uids.push(uid)
  }
  const last = uids.at(-1)
  return {
    ...headOf({ state, height, stage }),
    elements: uids.map((uid) => tiers.of(uid)),
    ...(hasMore && last !== undefined && { nextCursor: last }),
  }
}
