/** Records in a report, and whether a field is where its path says, as far as its own record and those above it tell. */
import {
  checkElementRecord,
  checkRootRecord,
  type ElementRecord,
  isElement,
  type StateRecord,
} from '../contract/record.ts'
import { checkRuleStateRecord, isRuleStateRecord } from '../contract/rules/records.ts'
import { epochUidOf, rootUidOf } from '../contract/state.ts'
import { CountersignError } from '../crypto/errors.ts'
import { type PathSegment, parsePath } from '../document/path.ts'
import { epochRecordShape } from '../ledger/epoch.ts'

/** A record of a state, from outside. @throws CountersignError `bad-format` */
export function readRecord(contract: string, uid: string, value: unknown): StateRecord {
  if (uid === epochUidOf(contract)) return epochRecordShape(value, 'record')
  if (uid === rootUidOf(contract)) return checkRootRecord(value, 'record')
  return isRuleStateRecord(value)
    ? checkRuleStateRecord(value, 'record')
    : checkElementRecord(value, 'record')
}

/**
 * Whether the names on the way from the root to an element are those of a path. Which of several siblings of a name an index
 * means, only the whole state tells; that an item of a list has one, is seen.
 */
export function isPathOf(
  contract: string,
  records: ReadonlyMap<string, StateRecord>,
  uid: string,
  path: string,
): boolean {
  const chain: ElementRecord[] = []
  for (let here = uid; here !== rootUidOf(contract); ) {
    const record = records.get(here)
    if (!isElement(record) || chain.length > records.size) return false
    chain.push(record)
    here = record.parent
  }
  const steps = chain.reverse().map(({ name, parent }): Step => {
    const above = records.get(parent)
    return { name, isItem: isElement(above) && above.kind === 'list' }
  })
  const segments = segmentsOf(path)
  return segments !== undefined && new Matcher(steps, segments).from(0, 0, false)
}

type Step = { name: string; isItem: boolean }

/** Compares the elements on the way to one with the segments of a path: an item may be the index of its list's segment. */
class Matcher {
  private readonly steps: readonly Step[]
  private readonly segments: readonly PathSegment[]
  /** Where nothing came of it: each place is looked at once. */
  private readonly failed = new Set<string>()

  constructor(steps: readonly Step[], segments: readonly PathSegment[]) {
    this.steps = steps
    this.segments = segments
  }

  /** mayJoin: the segment before is that of an element, and has no index of its own that is known. */
  from(step: number, segment: number, mayJoin: boolean): boolean {
    const key = `${step} ${segment} ${mayJoin}`
    if (this.failed.has(key)) return false
    const matches = this.matches(step, segment, mayJoin)
    if (!matches) this.failed.add(key)
    return matches
  }

  private matches(step: number, segment: number, mayJoin: boolean): boolean {
    const one = this.steps[step]
    if (one === undefined) return segment === this.segments.length
    const joins = one.isItem && mayJoin && this.segments[segment - 1]?.index !== undefined
    if (joins && this.from(step + 1, segment, false)) return true
    const here = this.segments[segment]
    if (here === undefined || here.name !== one.name) return false
    if (one.isItem && here.index === undefined) return false
    return this.from(step + 1, segment + 1, !one.isItem)
  }
}

function segmentsOf(path: string) {
  try {
    return parsePath(path)
  } catch (error) {
    if (error instanceof CountersignError) return undefined
    throw error
  }
}
