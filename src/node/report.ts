/** Which contracts a report of a time tells of, as of which ledger block, and which of their fields. */
import { type ContractState, childrenOf, element, subtreeUids } from '../contract/state.ts'
import { matchPath, pathOf } from '../contract/view.ts'
import { CountersignError } from '../crypto/errors.ts'
import { parsePath } from '../document/path.ts'
import { FIELD_PATHS_MAX, type LeftOut } from '../verify/report.ts'
import type { FinalView } from './final-view.ts'
import type { Node } from './node.ts'

/** What reports are made of. */
export type ReportSource = {
  node: Pick<Node, 'engine' | 'store' | 'party' | 'card' | 'proven' | 'signReport'>
  states: FinalView
}

/** contracts: all where missing; fields: paths of which each stands for itself and all below it, all leaves where missing. */
export type ReportWish = { atMs: number; contracts?: readonly string[]; fields?: readonly string[] }

/** height: the last final block of up to then; tentative: how many of up to then are not final yet. */
export type Reported = { contract: string; height: number; tentative: number }

/**
 * The contracts in a report, in the order they came to this node, and how many are not. Block time decides, as for `?at=`.
 * @param isTentative also what is not final
 * @throws CountersignError `unknown-contract` for one that was asked for and is not held
 */
export function contractsIn(
  { node, states }: ReportSource,
  { atMs, contracts }: ReportWish,
  isTentative = false,
): { reported: Reported[]; leftOut: LeftOut } {
  const { engine, store } = node
  engine.flush()
  const leftOut: LeftOut = { notYet: 0, notFinal: 0, notHeld: 0, damaged: 0 }
  const reported: Reported[] = []
  for (const contract of chosen(engine, contracts)) {
    const replica = engine.replicas.get(contract)
    if (replica === undefined || engine.damaged.has(contract)) {
      leftOut.damaged += 1
      continue
    }
    const then = store.heightAt(contract, atMs)
    const last = isTentative ? states.tentative(contract).height : states.finalHeight(contract)
    const height = Math.min(then, last)
    if (then < 0) leftOut.notYet += 1
    else if (last < 0) leftOut.notFinal += 1
    else if (height < (replica.basis?.height ?? 0)) leftOut.notHeld += 1
    else reported.push({ contract, height, tentative: Math.max(0, then - height) })
  }
  return { reported, leftOut }
}

function chosen({ replicas, damaged }: Node['engine'], contracts: readonly string[] | undefined): string[] {
  const held = [...new Set([...replicas.keys(), ...damaged.keys()])]
  if (contracts === undefined) return held
  for (const contract of contracts)
    if (!held.includes(contract))
      throw new CountersignError('unknown-contract', `this node holds no contract ${contract}`)
  return held.filter((contract) => contracts.includes(contract))
}

/** Fields of a state in document order. missing: paths that name nothing there. */
export type FieldsFound = { fields: { uid: string; path: string }[]; missing: string[] }

/**
 * The fields at and below some paths, or all there are.
 * @throws CountersignError `bad-request` for a malformed path
 */
export function fieldsIn(state: ContractState, paths: readonly string[] | undefined): FieldsFound {
  const missing: string[] = []
  const wanted = new Set<string>()
  for (const path of paths ?? []) {
    const found = matched(state, path)
    if (found.length === 0) missing.push(path)
    for (const uid of found) for (const below of subtreeUids(state, uid)) wanted.add(below)
  }
  const fields: FieldsFound['fields'] = []
  const waiting = [state.rootUid]
  for (let uid = waiting.pop(); uid !== undefined; uid = waiting.pop()) {
    const isWanted = paths === undefined || wanted.has(uid)
    if (isWanted && element(state, uid)?.kind === 'field') fields.push({ uid, path: pathOf(state, uid) })
    const below = childrenOf(state, uid)
    for (let index = below.length - 1; index >= 0; index -= 1) waiting.push(below[index] as string)
  }
  return { fields, missing }
}

function matched(state: ContractState, path: string): string[] {
  try {
    return matchPath(state, state.rootUid, path)
  } catch (error) {
    if (error instanceof CountersignError && error.code === 'unknown-path') return []
    throw error
  }
}

/**
 * Paths as people write them, each once: one may begin without its /.
 * @throws CountersignError `bad-request` where there are none, or one is malformed
 */
export function checkFieldPaths(paths: readonly string[]): string[] {
  const written = paths.map((path) => path.trim()).filter((path) => path !== '')
  const chosenPaths = [...new Set(written.map((path) => (path.startsWith('/') ? path : `/${path}`)))]
  for (const path of chosenPaths) parsePath(path)
  if (chosenPaths.length === 0 || chosenPaths.length > FIELD_PATHS_MAX)
    throw new CountersignError(
      'bad-request',
      `fields: expected 1 to ${FIELD_PATHS_MAX} paths, with commas between them`,
    )
  return chosenPaths
}
