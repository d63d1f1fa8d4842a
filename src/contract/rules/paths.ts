/**
 * Where a rule's paths lead (PROTOCOL RUL-2): names from an anchor down. The items of a list have the path of the list, so that
 * one path is about all of them; siblings of one name share a path likewise.
 */
import type { Names } from '../../ledger/behaviour.ts'
import { type ContractState, childrenOf, element } from '../elements.ts'

/** An element on the way from an anchor: the path it has from there. */
export type Step = { uid: string; names: Names }

const SEPARATOR = '\n'

/** A path in one text; names hold no control characters. */
export function pathKey(at: string, names: Names): string {
  return names.length === 0 ? at : `${at}${SEPARATOR}${names.join(SEPARATOR)}`
}

/** An element and what it lies in, the root first; empty for a UID without an element. */
export function lineOf(state: ContractState, uid: string): string[] {
  const line: string[] = []
  for (let here: string | undefined = uid; here !== undefined; ) {
    const record = element(state, here)
    if (record === undefined) return []
    line.push(here)
    here = here === state.rootUid ? undefined : record.parent
  }
  return line.reverse()
}

/**
 * For each of these anchors that an element lies at or below: the steps from it down to the element, itself included.
 * @param line of the element, as `lineOf` has it
 */
export function* stepsFrom(
  state: ContractState,
  line: readonly string[],
  isAnchor: (uid: string) => boolean,
): Generator<{ at: string; steps: Step[] }> {
  for (const [index, at] of line.entries()) {
    if (!isAnchor(at)) continue
    const steps: Step[] = [{ uid: at, names: [] }]
    for (const uid of line.slice(index + 1)) {
      const last = steps.at(-1) as Step
      const isItem = element(state, last.uid)?.kind === 'list'
      const names = isItem ? last.names : [...last.names, element(state, uid)?.name ?? '']
      steps.push({ uid, names })
    }
    yield { at, steps }
  }
}

/** Names of a path from an anchor to an element at or below it; undefined where it does not lie there. */
export function namesFrom(state: ContractState, at: string, uid: string): Names | undefined {
  for (const { steps } of stepsFrom(state, lineOf(state, uid), (one) => one === at))
    return steps.at(-1)?.names
  return undefined
}

/**
 * The elements that a path leads to.
 * @param isThrough a list at its end stands for its items; otherwise for itself
 */
export function elementsAt(state: ContractState, at: string, names: Names, isThrough: boolean): string[] {
  let here = element(state, at) === undefined ? [] : [at]
  for (const [index, name] of names.entries()) {
    const next: string[] = []
    for (const parent of here)
      for (const block of itemsOf(state, parent, true)) collectNamed(state, block, name, next)
    here = next
    if (index === names.length - 1) break
  }
  return here.flatMap((uid) => itemsOf(state, uid, isThrough))
}

/** A list's items, lists in it again by theirs; otherwise the element itself. */
function itemsOf(state: ContractState, uid: string, isThrough: boolean): string[] {
  if (!isThrough || element(state, uid)?.kind !== 'list') return [uid]
  return childrenOf(state, uid).flatMap((item) => itemsOf(state, item, true))
}

function collectNamed(state: ContractState, parent: string, name: string, into: string[]): void {
  const siblings = state.children.get(parent)
  for (let index = 0; ; index += 1) {
    const uid = siblings?.namedAt(name, index)
    if (uid === undefined) return
    into.push(uid)
  }
}
