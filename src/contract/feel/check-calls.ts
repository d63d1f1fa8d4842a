/** Checks calls of functions. */
import { CountersignError } from '../../crypto/errors.ts'
import { ONE } from './decimal.ts'
import { FUNCTIONS } from './functions.ts'
import { faultAt } from './lexer.ts'
import { money } from './money.ts'
import { allOrigins, type Bindings, type Checking, LIST_GUESS, type Part } from './parts.ts'
import { compilePattern } from './pattern.ts'
import { fittingForm, misfit } from './signatures.ts'
import type { Tree } from './tree.ts'
import { holdsBlocks, type Type } from './types.ts'

type Call = Extract<Tree, { kind: 'call' }>

export function callPart(checking: Checking, tree: Call, bindings: Bindings | undefined): Part {
  const { name, at } = tree
  const forms = FUNCTIONS.get(name) ?? []
  if (forms.length === 0)
    throw faultAt(at, `${name}(…) takes a text written out, as in duration("P1Y") or duration("P10D").`)
  const given = tree.arguments.map((one) => checking.part(one, bindings))
  checkWritten(tree)
  const types = given.map(({ type }) => type)
  const fit = fittingForm(forms, types)
  if (fit === undefined)
    throw faultAt(at, `${name} does not fit. ${misfit(name, forms, types)}${hint(types)}`, 'wrong-type')
  const gives = name === 'flatten' ? { kind: 'list' as const, of: innermost(fit.gives) } : fit.gives
  const lists = given.filter(({ type }) => type.kind === 'list')
  const items = lists.reduce((sum, part) => sum + part.items, 0)
  const shared = {
    type: gives,
    cost: given.reduce((sum, part) => sum + part.cost, 1) + items,
    items: gives.kind !== 'list' ? 1 : lists.length === 0 ? LIST_GUESS : items + given.length,
    origins: holdsBlocks(gives) ? allOrigins(given.filter(({ type }) => holdsBlocks(type))) : [],
  }
  if (name === 'get or else') {
    const [first, second] = given as [Part, Part]
    return {
      ...shared,
      code: (run) => {
        run.step()
        return first.code(run) ?? second.code(run)
      },
    }
  }
  const { form, singles } = fit
  return {
    ...shared,
    code: (run) => {
      run.step()
      const cells = given.map((part, index) => {
        const cell = part.code(run)
        return singles[index] === true && cell !== null ? [cell] : cell
      })
      return form.takesNull !== true && cells.includes(null) ? null : form.run(run, ...cells)
    },
  }
}

function innermost(type: Type): Type {
  return type.kind === 'list' ? innermost(type.of) : type
}

/** More advice where it is plain what went wrong. */
function hint(types: readonly Type[]): string {
  if (types.some((type) => type.kind === 'list' && type.of.kind === 'list'))
    return ' Make one list of the lists with flatten(…).'
  return types.some((type) => type.kind === 'block') ? ` Name a field of the block.` : ''
}

/** What is written out can be wrong before it is evaluated: patterns, currencies. */
function checkWritten({ name, arguments: given }: Call): void {
  const second = given[1]
  if (second?.kind !== 'text') return
  if (name === 'money' && money(ONE, second.value) === undefined)
    throw faultAt(second.at, 'A currency has three capital letters, as in "EUR".')
  if (name !== 'matches' && name !== 'split') return
  try {
    const pattern = compilePattern(second.value)
    if (name === 'split' && pattern.isWhole(''))
      throw faultAt(
        second.at,
        'This pattern matches nothing too, and a text can’t be split there; use + for *.',
      )
  } catch (error) {
    if (error instanceof CountersignError && !error.message.startsWith('At position'))
      throw faultAt(second.at, error.message)
    throw error
  }
}
