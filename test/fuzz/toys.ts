/** Functions whose effort is known, to try the step counter on. */

/** Sums up the units of a text: linear. */
export function sum(text: string): number {
  let total = 0
  for (let index = 0; index < text.length; index += 1) total += text.charCodeAt(index)
  return total
}

/** Compares each unit of a text with all others: quadratic. */
export function pairs(text: string): number {
  let found = 0
  for (let first = 0; first < text.length; first += 1)
    for (let second = 0; second < text.length; second += 1)
      if (first !== second && text.charCodeAt(first) === text.charCodeAt(second)) found += 1
  return found
}

/** Looks for the end of a line from its start, at each line again: quadratic, within `indexOf` alone. */
export function linesFromTheStart(text: string): number {
  let lines = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
    lines += 1
    text.indexOf('no such line')
  }
  return lines
}

/** Takes the first item off a list, until there is none: quadratic, within `shift` alone. */
export function emptied(items: number[]): number {
  let total = 0
  while (items.length > 0) total += items.shift() as number
  return total
}

/** Looks with a regular expression for what is not there, at each position again: quadratic. */
export function searchedAgain(text: string): number {
  let found = 0
  const pattern = /z/g
  for (let index = 0; index < text.length; index += 1) {
    pattern.lastIndex = index
    if (pattern.test(text)) found += 1
  }
  return found
}

/** Hashes nothing, parses a text once for each of its characters: quadratic, within `JSON.parse` alone. */
export function parsedAgain(text: string): number {
  let parsed = 0
  for (const _ of text) parsed += JSON.parse(text).length
  return parsed
}

/** Linear, but with a thousand steps for each unit. */
export function slow(text: string): number {
  let total = 0
  for (let index = 0; index < text.length; index += 1)
    for (let again = 0; again < 1000; again += 1) total += text.charCodeAt(index)
  return total
}
