/**
 * The rule for white space between elements, as the field `#indent` holds it (see tree.ts): '' for none, or a new line
 * and the white space of one level, repeated for each level below the document element.
 */

/** Most characters of one level: with the depth below it bounds how much white space a rule can make. */
const MAX_UNIT_LENGTH = 8

/** Deepest level that is indented further than the one above. */
const MAX_INDENT_DEPTH = 32

const RULE = /^\n[ \t]{0,8}$/

/** True for what `#indent` may hold; any other value there is ignored. */
export function isIndentRule(value: string): boolean {
  return value === '' || RULE.test(value)
}

/** The white space that a rule puts before an element at this depth; the document element has depth 0. */
export function spaceAt(rule: string, depth: number): string {
  if (rule === '') return ''
  return `\n${rule.slice(1).repeat(Math.min(depth, MAX_INDENT_DEPTH))}`
}

/** The rule that makes this white space at this depth, if there is exactly one. */
export function ruleFromGap(gap: string, depth: number): string | undefined {
  if (gap === '') return ''
  const length = gap.length - 1
  if (depth < 1 || depth > MAX_INDENT_DEPTH || length % depth !== 0 || length / depth > MAX_UNIT_LENGTH) {
    return undefined
  }
  const rule = gap.slice(0, 1 + length / depth)
  return isIndentRule(rule) && spaceAt(rule, depth) === gap ? rule : undefined
}
