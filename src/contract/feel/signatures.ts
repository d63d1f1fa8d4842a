/** How the forms of functions are described, and which of them fits what a function is given. */
import type { Cell, Run } from './run.ts'
import {
  commonType,
  isAssignable,
  isComparable,
  isOrdered,
  type ScalarKind,
  type Type,
  typeName,
} from './types.ts'

/**
 * What a parameter or result is: a kind of value, `T` for a type that the call decides, or a list of these. A parameter may
 * end in `?` (may be left out) or `...` (one or more).
 */
export type Shape = string

/** One way to call a function. */
export interface FunctionForm {
  readonly takes: readonly Shape[]
  readonly gives: Shape
  /** What `T` may be; any type if left out. */
  readonly among?: 'comparable' | 'ordered' | readonly ScalarKind[]
  /** Whether it is called with nulls; otherwise null in gives null. Lists are never null for their items’ sake. */
  readonly takesNull?: boolean
  /** What is given has the types that `takes` says, or is null. */
  run(run: Run, ...given: readonly Cell[]): Cell
}

/** Every form of the functions of a file, by name. */
export type FunctionTable = Readonly<Record<string, readonly FunctionForm[]>>

export interface Fit {
  readonly form: FunctionForm
  readonly gives: Type
  /** The parameters to which a single value is given where they take a list: the list of it is meant. */
  readonly singles: readonly boolean[]
}

/** Most types of what was given that a message names. */
const MAX_NAMED = 6

const LIST = /^list<(.*)>$/

function baseOf(shape: Shape): Shape {
  return shape.replace(/(\?|\.\.\.)$/, '')
}

/** The shape of the parameter at an index; undefined if there is none. */
function shapeAt(form: FunctionForm, index: number): Shape | undefined {
  const last = form.takes.at(-1)
  const shape = form.takes[index] ?? (last?.endsWith('...') ? last : undefined)
  return shape === undefined ? undefined : baseOf(shape)
}

/** Whether a form takes this many. */
function takesCount(form: FunctionForm, count: number): boolean {
  const least = form.takes.filter((shape) => !shape.endsWith('?')).length
  return count >= least && (count <= form.takes.length || form.takes.at(-1)?.endsWith('...') === true)
}

/** The first form that takes what is given; undefined if none does. */
export function fittingForm(forms: readonly FunctionForm[], given: readonly Type[]): Fit | undefined {
  for (const form of forms) {
    const fit = fits(form, given)
    if (fit !== undefined) return fit
  }
  return undefined
}

function fits(form: FunctionForm, given: readonly Type[]): Fit | undefined {
  if (!takesCount(form, given.length)) return undefined
  let variable: Type = { kind: 'null' }
  const singles: boolean[] = []
  for (const [index, type] of given.entries()) {
    const shape = shapeAt(form, index) as Shape
    const single = LIST.test(shape) && type.kind !== 'list' && type.kind !== 'null'
    singles.push(single)
    const bound = bind(shape, single ? { kind: 'list', of: type } : type, variable)
    if (bound === undefined) return undefined
    variable = bound
  }
  if (!isAmong(variable, form.among)) return undefined
  return { form, gives: typeOf(form.gives, variable), singles }
}

/** What `T` is once a value of the type has gone to a parameter of the shape; undefined if it can't. */
function bind(shape: Shape, type: Type, variable: Type): Type | undefined {
  if (type.kind === 'null') return variable
  if (shape === 'T') return commonType(variable, type)
  const list = LIST.exec(shape)
  if (list !== null) return type.kind === 'list' ? bind(list[1] as string, type.of, variable) : undefined
  return isAssignable(type, { kind: shape as ScalarKind }) ? variable : undefined
}

function isAmong(type: Type, among: FunctionForm['among']): boolean {
  if (among === undefined || type.kind === 'null') return true
  if (among === 'comparable') return isComparable(type)
  if (among === 'ordered') return isOrdered(type)
  return (among as readonly string[]).includes(type.kind)
}

function typeOf(shape: Shape, variable: Type): Type {
  if (shape === 'T') return variable
  const list = LIST.exec(shape)
  if (list !== null) return { kind: 'list', of: typeOf(list[1] as string, variable) }
  return { kind: shape as ScalarKind }
}

/** Why nothing fits: how many are taken, or what. */
export function misfit(name: string, forms: readonly FunctionForm[], given: readonly Type[]): string {
  const written = forms.map((form) => `${name}(${form.takes.map(shapeName).join(', ')})`).join(' or ')
  if (!forms.some((form) => takesCount(form, given.length))) return `It is written ${written}.`
  const got = given.slice(0, MAX_NAMED).map(typeName).join(' and ')
  return `It is written ${written}, and was given ${got}${given.length > MAX_NAMED ? ' and more' : ''}.`
}

function shapeName(shape: Shape): string {
  if (shape.endsWith('...')) return `${shapeName(baseOf(shape))}, …`
  if (shape.endsWith('?')) return `${shapeName(baseOf(shape))} or nothing`
  const list = LIST.exec(shape)
  if (list !== null) return list[1] === 'T' ? 'list' : `list of ${shapeName(list[1] as string)}`
  if (shape === 'T') return 'value'
  return shape === 'boolean' ? 'true or false' : shape.replace('-', ' ')
}
