/**
 * Paths: how people and clients name an element, as in `/Invoice/cac:InvoiceLine[2]/cbc:Amount`.
 *
 * A path is a sequence of segments, each `/name` or `/name[n]`. In a name `~` is written `~0`, `/` is `~1` (as in JSON
 * Pointer, RFC 6901) and `[` is `~2`. `n` counts from 1: the n-th item if `name` is the one list of that name, otherwise
 * the n-th sibling of that name. Both '' and '/' name the root.
 */
import { CountersignError } from '../crypto/errors.ts'
import { quoteShort } from './names.ts'
import type { DocumentNode } from './tree.ts'

/** One step down; `index` counts from 1. */
export interface PathSegment {
  name: string
  index?: number
}

/** Longest path, in UTF-16 units. */
export const MAX_PATH_LENGTH = 65_536

/** Most segments of a path. */
export const MAX_PATH_SEGMENTS = 256

/** Highest index of a segment. */
const MAX_INDEX_DIGITS = 9

/** How many names or choices an error message lists. */
const LISTED = 8

/** What {@link resolvePath} needs to know of a tree, so that it works on nodes and on a contract's elements alike. */
export interface TreeAccessor<Ref> {
  /** Children in order; none for a field. */
  children(ref: Ref): readonly Ref[]
  name(ref: Ref): string
  kind(ref: Ref): DocumentNode['kind']
}

/** The accessor for plain document nodes. */
export const nodeAccessor: TreeAccessor<DocumentNode> = {
  children: (node) => (node.kind === 'field' ? [] : node.children),
  name: (node) => node.name,
  kind: (node) => node.kind,
}

/** Longest path that an error message shows whole. */
const SHOWN_PATH_LENGTH = 200

function quotePath(path: string): string {
  return quoteShort(path, SHOWN_PATH_LENGTH)
}

function badPath(path: string, position: number, reason: string): CountersignError {
  return new CountersignError('bad-request', `Path ${quotePath(path)}, position ${position}: ${reason}`, {
    position,
  })
}

/**
 * Reads a path (already percent-decoded if it came in a URL).
 *
 * @throws CountersignError `bad-request` with the position, counted from 0 in UTF-16 units
 */
export function parsePath(path: string): PathSegment[] {
  if (path === '' || path === '/') return []
  if (path.length > MAX_PATH_LENGTH) {
    throw badPath(path, MAX_PATH_LENGTH, `a path has at most ${MAX_PATH_LENGTH} characters.`)
  }
  if (path[0] !== '/') throw badPath(path, 0, 'a path begins with "/".')
  const segments: PathSegment[] = []
  let position = 1
  while (true) {
    const slash = path.indexOf('/', position)
    const end = slash === -1 ? path.length : slash
    if (segments.length === MAX_PATH_SEGMENTS) {
      throw badPath(path, position, `a path has at most ${MAX_PATH_SEGMENTS} segments.`)
    }
    segments.push(parseSegment(path, position, end))
    if (slash === -1) return segments
    position = end + 1
  }
}

function parseSegment(path: string, start: number, end: number): PathSegment {
  const segmentText = path.slice(start, end)
  const bracket = segmentText.indexOf('[')
  const nameEnd = bracket === -1 ? segmentText.length : bracket
  if (nameEnd === 0) throw badPath(path, start, 'a name is missing here.')
  const name = segmentText.slice(0, nameEnd).replace(/~(.?)/gs, (_match, code: string, offset: number) => {
    if (code === '0') return '~'
    if (code === '1') return '/'
    if (code === '2') return '['
    throw badPath(path, start + offset, '"~" is followed by 0 (for ~), 1 (for /) or 2 (for [).')
  })
  if (bracket === -1) return { name }
  const index = /^\[([1-9][0-9]*)\]$/.exec(segmentText.slice(bracket))?.[1]
  if (index === undefined || index.length > MAX_INDEX_DIGITS) {
    throw badPath(
      path,
      start + bracket,
      '"[" begins an index such as [1], ends the segment, and is ~2 in a name.',
    )
  }
  return { name, index: Number(index) }
}

/** Writes a path; the inverse of {@link parsePath}. The root is '/'. */
export function formatPath(segments: readonly PathSegment[]): string {
  if (segments.length === 0) return '/'
  return segments
    .map(({ name, index }) => `/${escapeName(name)}${index === undefined ? '' : `[${index}]`}`)
    .join('')
}

function escapeName(name: string): string {
  return name.replace(/~/g, '~0').replace(/\//g, '~1').replace(/\[/g, '~2')
}

/**
 * The one element at the path.
 *
 * @throws CountersignError `unknown-path` if there is none, or several; the message lists the names or indexes to choose
 * from
 */
export function resolvePath<Ref>(
  accessor: TreeAccessor<Ref>,
  root: Ref,
  segments: readonly PathSegment[],
): Ref {
  let here = root
  for (let position = 0; position < segments.length; position++) {
    here = onlyMatch(accessor, here, segments, position)
  }
  return here
}

/**
 * Every element at the path: several if the last segment has no index and names repeated siblings, none if the last
 * segment names nothing.
 *
 * @throws CountersignError `unknown-path` if a segment before the last names nothing or several
 */
export function matchPath<Ref>(
  accessor: TreeAccessor<Ref>,
  root: Ref,
  segments: readonly PathSegment[],
): Ref[] {
  if (segments.length === 0) return [root]
  const parent = resolvePath(accessor, root, segments.slice(0, -1))
  return step(accessor, parent, segments[segments.length - 1] as PathSegment)
}

function childrenNamed<Ref>(accessor: TreeAccessor<Ref>, parent: Ref, name: string): Ref[] {
  return accessor.children(parent).filter((child) => accessor.name(child) === name)
}

function step<Ref>(accessor: TreeAccessor<Ref>, parent: Ref, segment: PathSegment): Ref[] {
  const named = childrenNamed(accessor, parent, segment.name)
  if (segment.index === undefined) return named
  const only = soleList(accessor, parent, named)
  const choices = only === undefined ? named : accessor.children(only)
  const chosen = choices[segment.index - 1]
  return chosen === undefined ? [] : [chosen]
}

/** The list whose items an index counts: the only sibling of its name. An item of a list is counted itself. */
function soleList<Ref>(accessor: TreeAccessor<Ref>, parent: Ref, named: readonly Ref[]): Ref | undefined {
  const first = named[0]
  if (first === undefined || named.length > 1) return undefined
  return accessor.kind(first) === 'list' && accessor.kind(parent) !== 'list' ? first : undefined
}

function onlyMatch<Ref>(
  accessor: TreeAccessor<Ref>,
  parent: Ref,
  segments: readonly PathSegment[],
  position: number,
): Ref {
  const segment = segments[position] as PathSegment
  const found = step(accessor, parent, segment)
  if (found.length === 1) return found[0] as Ref
  const before = segments.slice(0, position)
  const here = formatPath([...before, { name: segment.name }])
  if (found.length > 1) {
    throw new CountersignError(
      'unknown-path',
      `There are ${found.length} of ${quotePath(here)}: pick one, ${indexed(here, found.length)}.`,
      { path: here, count: found.length },
    )
  }
  throw new CountersignError('unknown-path', missing(accessor, parent, before, segment, here), { path: here })
}

function missing<Ref>(
  accessor: TreeAccessor<Ref>,
  parent: Ref,
  before: readonly PathSegment[],
  segment: PathSegment,
  here: string,
): string {
  const parentPath = formatPath(before)
  const named = childrenNamed(accessor, parent, segment.name)
  if (named.length > 0) {
    const only = soleList(accessor, parent, named)
    const count = only === undefined ? named.length : accessor.children(only).length
    if (count === 0) return `The list ${quotePath(here)} is empty.`
    return `There is no number ${segment.index} of ${quotePath(here)}: pick ${indexed(here, count)}.`
  }
  const children = accessor.children(parent)
  if (accessor.kind(parent) === 'list') {
    const count = children.length
    const items = count === 0 ? 'it is empty' : `pick an item, ${indexed(parentPath, count)}`
    return `${quotePath(parentPath)} is a list: ${items}.`
  }
  if (accessor.kind(parent) === 'field')
    return `${quotePath(parentPath)} is a field and holds nothing below it.`
  const names = [...new Set(children.map((child) => accessor.name(child)))]
  if (names.length === 0) return `${quotePath(parentPath)} is empty.`
  const shown = names.slice(0, LISTED).map((name) => quoteShort(escapeName(name)))
  const rest = names.length > LISTED ? ` and ${names.length - LISTED} more` : ''
  return `There is no ${quotePath(here)}: ${quotePath(parentPath)} holds ${shown.join(', ')}${rest}.`
}

function indexed(path: string, count: number): string {
  if (count === 1) return quotePath(`${path}[1]`)
  return `${quotePath(`${path}[1]`)} to ${quotePath(`${path}[${count}]`)}`
}

/**
 * The shortest path that {@link resolvePath} leads to the last of `chain`, which runs from the root (its own name is no
 * part of the path) through every parent.
 */
export function pathOf<Ref>(accessor: TreeAccessor<Ref>, chain: readonly Ref[]): PathSegment[] {
  const segments: PathSegment[] = []
  for (let depth = 1; depth < chain.length; depth++) {
    const parent = chain[depth - 1] as Ref
    const child = chain[depth] as Ref
    const name = accessor.name(child)
    const named = childrenNamed(accessor, parent, name)
    const index = named.indexOf(child) + 1
    const last = segments[segments.length - 1]
    if (accessor.kind(parent) === 'list' && last !== undefined && last.index === undefined) {
      last.index = accessor.children(parent).indexOf(child) + 1
    } else if (accessor.kind(parent) === 'list' || named.length > 1) {
      segments.push({ name, index })
    } else {
      segments.push({ name })
    }
  }
  return segments
}
