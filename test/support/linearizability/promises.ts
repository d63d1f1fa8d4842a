/**
 * What nodes promise to those who read and write at them (docs/consistency.md), each promise a check of a history by itself:
 * what it finds against it, in words; nothing where it was kept.
 */
import { describeOperation, type History, type Operation, stepOf, type Write } from './history.ts'
import { linearize } from './linearize.ts'

type Check = (history: History) => string[]

/** All writes, wherever they are made, and confirmed reads behave as if there were one node, and one at a time. */
const oneRegister: Check = (history) =>
  perField(history, (initial, operations) =>
    linearizeFaults(
      initial,
      operations.filter((one) => one.kind === 'write' || one.of === 'confirmed'),
    ),
  )

/**
 * So does what is done at one node, however often it is started anew, plain final reads included. What others write arrives there
 * some time, or not yet.
 */
const oneNode: Check = (history) =>
  nodesOf(history).flatMap((node) =>
    perField(history, (initial, operations) =>
      linearizeFaults(
        initial,
        operations.flatMap((one) => seenFrom(node, one)),
      ),
    ),
  )

function nodesOf({ operations }: History): Operation['node'][] {
  return [...new Set(operations.map(({ node }) => node))]
}

function seenFrom(node: Operation['node'], one: Operation): Operation[] {
  if (one.node === node) return one.kind === 'read' && one.of === 'tentative' ? [] : [one]
  if (one.kind === 'read' || one.outcome === 'conflicted' || one.outcome === 'expired') return []
  const { answeredMs: _, ...arriving } = one
  return [{ ...arriving, outcome: 'unknown' }]
}

/** There is one order: whatever any node has shown at a height is what the ledger holds there; a write is in it once or not. */
const oneOrder: Check = ({ operations, ledger }) => {
  const faults: string[] = []
  const written = new Map<string, Write>()
  for (const one of operations) if (one.kind === 'write') written.set(one.value, one)
  for (const [field, versions] of ledger) {
    const values = versions.map(({ value }) => value)
    for (const [index, value] of values.entries()) {
      if (values.indexOf(value) < index) faults.push(`${field}: ${value} stands in the ledger twice`)
      const write = written.get(value)
      if (index > 0 && !write) faults.push(`${field}: nobody wrote ${value}`)
      if (write?.outcome === 'conflicted' || write?.outcome === 'expired')
        faults.push(`it stands in the ledger: ${describeOperation(write)}`)
      if (write && write.seen !== values[index - 1])
        faults.push(`it follows ${values[index - 1]} in the ledger: ${describeOperation(write)}`)
    }
  }
  for (const one of operations) {
    const { field, value, height } = one
    if (height === undefined || (one.kind === 'write' && one.outcome !== 'accepted')) continue
    const held = ledger.get(field)?.findLast((version) => version.height <= height)?.value
    if (held !== value) faults.push(`the ledger holds ${held} there: ${describeOperation(one)}`)
  }
  return faults
}

/** The final height that a node shows never falls, whichever field is looked at, not by a kill either. */
const neverBack: Check = (history) =>
  nodesOf(history).flatMap((node) => {
    const answers = history.operations.filter(isFinalAnswer).filter((one) => one.node === node)
    return behindFaults(answers, answers)
  })

/** What any node has shown as final, every member has signed: from then on every node’s tentative reads show it. */
const shownEverywhere: Check = ({ operations }) =>
  behindFaults(
    operations.filter((one) => one.kind === 'read').filter((one) => one.of !== 'final'),
    operations.filter(isFinalAnswer),
  )

export const PROMISES = {
  'writes and confirmed reads are linearizable over all nodes': oneRegister,
  'final reads and writes at one node are linearizable there': oneNode,
  'all nodes show one order, and each write in it once': oneOrder,
  'what one node shows as final never goes back': neverBack,
  'what one node has shown as final, every node shows as at least tentative': shownEverywhere,
} satisfies Record<string, Check>

export type Promised = keyof typeof PROMISES

/** What a history holds against the promises: for each broken one its findings. */
export function brokenPromises(history: History): Partial<Record<Promised, string[]>> {
  const broken: Partial<Record<Promised, string[]>> = {}
  for (const [name, check] of Object.entries(PROMISES)) {
    const faults = check(history)
    if (faults.length > 0) broken[name as Promised] = faults
  }
  return broken
}

// ── parts ───────────────────────────────────────────────────────────────────────────────────────────────────────────

type FinalAnswer = Operation & { answeredMs: number; height: number }

function isFinalAnswer(one: Operation): one is FinalAnswer {
  const { answeredMs, height } = one
  return answeredMs !== undefined && height !== undefined && (one.kind === 'write' || one.of !== 'tentative')
}

/** What shows a lower height than an answer that was given before it was begun. */
function behindFaults(
  operations: readonly (Operation & { height: number })[],
  answers: FinalAnswer[],
): string[] {
  const ordered = answers.toSorted((one, other) => one.answeredMs - other.answeredMs)
  const faults: string[] = []
  let highest: FinalAnswer | undefined
  for (const one of operations.toSorted((first, second) => first.invokedMs - second.invokedMs)) {
    for (let [next] = ordered; next && next.answeredMs < one.invokedMs; [next] = ordered) {
      if (next.height > (highest?.height ?? -1)) highest = next
      ordered.shift()
    }
    if (highest && highest.height > one.height)
      faults.push(`${describeOperation(one)}, after height ${highest.height}: ${describeOperation(highest)}`)
  }
  return faults
}

function perField(
  { operations, ledger }: History,
  check: (initial: string, operations: Operation[]) => string[],
): string[] {
  return [...ledger].flatMap(([field, [first]]) =>
    check(
      first?.value as string,
      operations.filter((one) => one.field === field),
    ),
  )
}

function linearizeFaults(initial: string, operations: readonly Operation[]): string[] {
  const steps = operations.flatMap((one) => stepOf(one) ?? [])
  const verdict = linearize(initial, steps)
  if (verdict.linearizable) return []
  const { state, stuck, order } = verdict
  return [
    `behind ${order.length} operations that leave ${state} this has no place: ${describeOperation(stuck.operation)}`,
  ]
}
