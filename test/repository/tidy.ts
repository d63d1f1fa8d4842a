/**
 * Checks of order: lengths, tests switched off, stray output, and the rule ids of PROTOCOL.md in test titles.
 */
import ts from 'typescript'
import { placeOf, type Source, walk } from './sources.ts'

const MAX_LINES = 500

/** A source longer than it may be. */
export function lengthFaults({ path, text }: Source): string[] {
  const lines = text.split('\n').length - 1
  return lines > MAX_LINES ? [`${path} has ${lines} lines; ${MAX_LINES} are allowed`] : []
}

/** Marks of work left undone. */
export function leftoverFaults({ path, text }: Source): string[] {
  return text
    .split('\n')
    .flatMap((line, index) => (/\b(TODO|FIXME)\b/.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : []))
}

/** Each `console.…` of a source. */
export function consoleFaults(source: Source): string[] {
  const faults: string[] = []
  walk(source.tree, (node) => {
    if (
      ts.isPropertyAccessExpression(node) &&
      ts.isIdentifier(node.expression) &&
      node.expression.text === 'console'
    )
      faults.push(`${placeOf(source, node)} console.${node.name.text}`)
    return undefined
  })
  return faults
}

/** Each test singled out or switched off. A test that can't run here calls `context.skip('why')`. */
export function switchedOffFaults(source: Source): string[] {
  return testCalls(source)
    .filter(({ modifiers }) => modifiers.some((name) => ['only', 'skip', 'todo', 'fails'].includes(name)))
    .map(({ call, modifiers }) => `${placeOf(source, call)} .${modifiers.join('.')}`)
}

/** The titles of a source's tests and of their groups, as written: of a template its fixed parts. */
export function titlesOf(source: Source): { place: string; title: string }[] {
  return testCalls(source).flatMap(({ call }) => {
    const [first] = call.arguments
    if (first === undefined) return []
    const place = placeOf(source, call)
    if (ts.isStringLiteralLike(first)) return [{ place, title: first.text }]
    if (!ts.isTemplateExpression(first)) return []
    return [
      {
        place,
        title: [first.head, ...first.templateSpans.map(({ literal }) => literal)].map(textOfPart).join('…'),
      },
    ]
  })
}

const textOfPart = (part: ts.TemplateHead | ts.TemplateMiddle | ts.TemplateTail): string => part.text

/** The calls that make a test or a group: `it(…)`, `describe.concurrent(…)`, `it.each(…)(…)`. */
function testCalls(source: Source): { call: ts.CallExpression; modifiers: string[] }[] {
  const calls: { call: ts.CallExpression; modifiers: string[] }[] = []
  walk(source.tree, (node) => {
    if (!ts.isCallExpression(node)) return undefined
    const modifiers: string[] = []
    let callee: ts.Expression = node.expression
    for (;;) {
      if (ts.isPropertyAccessExpression(callee)) {
        modifiers.unshift(callee.name.text)
        callee = callee.expression
      } else if (ts.isCallExpression(callee)) callee = callee.expression
      else if (ts.isTaggedTemplateExpression(callee)) callee = callee.tag
      else break
    }
    if (ts.isIdentifier(callee) && ['it', 'test', 'describe', 'suite'].includes(callee.text))
      calls.push({ call: node, modifiers })
    return undefined
  })
  return calls
}

/** What is wrong between the rules of a protocol text and the ids in test titles, in both directions. */
export interface RuleFaults {
  /** Rules that no test title names. A rule whose line says `(format reserved)` needs none. */
  untested: string[]
  /** Ids in titles that the text does not define. */
  unknown: string[]
  /** Rules defined more than once. */
  repeated: string[]
}

/** Compares the rules, defined as `**[ABC-1]**`, with the `[ABC-1]` in titles. */
export function ruleFaults(
  protocol: string,
  titles: readonly { place: string; title: string }[],
): RuleFaults {
  const rules = protocol.split('\n').flatMap((line) =>
    [...line.matchAll(/\*\*\[([A-Z][A-Z0-9]*-\d+)\]\*\*/g)].map((match) => ({
      id: match[1] ?? '',
      reserved: line.includes('(format reserved)'),
    })),
  )
  const ids = rules.map(({ id }) => id)
  const named = titles.flatMap(({ place, title }) =>
    [...title.matchAll(/\[([A-Z][A-Z0-9]*-\d+)\]/g)].map((match) => ({ place, id: match[1] ?? '' })),
  )
  return {
    untested: rules
      .filter(({ id, reserved }) => !reserved && !named.some((one) => one.id === id))
      .map(({ id }) => id),
    unknown: named.filter(({ id }) => !ids.includes(id)).map(({ place, id }) => `${place} [${id}]`),
    repeated: ids.filter((id, index) => ids.indexOf(id) !== index),
  }
}
