/** A small contract's tree for tests of expressions: written as a literal, served as scope and as source. */
import { check } from '../../src/contract/feel/checker.ts'
import { type Evaluation, evaluate } from '../../src/contract/feel/evaluate.ts'
import { typeOfField } from '../../src/contract/feel/field-value.ts'
import { parse } from '../../src/contract/feel/parser.ts'
import type { Budget, RuleFieldType, Source } from '../../src/contract/feel/run.ts'
import type { BlockType, Scope, Type } from '../../src/contract/feel/types.ts'
import { textOf } from '../../src/contract/feel/values.ts'
import type { FieldValue } from '../../src/document/tree.ts'

/** A field: its type, and its value, `undefined` for an empty one, or `hidden`. */
export class Field {
  readonly type: RuleFieldType
  readonly value: FieldValue | undefined
  readonly isHidden: boolean

  constructor(type: RuleFieldType, value: FieldValue | undefined, isHidden = false) {
    this.type = type
    this.value = value
    this.isHidden = isHidden
  }
}

/** `missing`: a member that the contract provides for, but that is not there now. */
export type World = Field | readonly World[] | Missing | { readonly [name: string]: World }

export class Missing {
  readonly like: World

  constructor(like: World) {
    this.like = like
  }
}

export const number = (value?: string): Field => new Field('decimal', value)
export const text = (value?: string): Field => new Field('text', value)
export const hidden = (type: RuleFieldType): Field => new Field(type, undefined, true)

/** A tree as scope and source. `here`: the names that lead to the current block. The first item of a list gives its type. */
export function worldOf(root: World, here: readonly string[] = []) {
  const blocks = new Map<string, World>()
  const typeOf = (world: World, id: string): Type => {
    if (world instanceof Missing) return typeOf(world.like, id)
    if (world instanceof Field) return typeOfField(world.type)
    if (Array.isArray(world)) return { kind: 'list', of: typeOf(world[0] as World, `${id}[]`) }
    if (!blocks.has(id)) blocks.set(id, world)
    return { kind: 'block', id }
  }
  const member = (block: World, name: string): World | undefined =>
    Object.hasOwn(block, name) ? (block as Record<string, World>)[name] : undefined
  const scopeOf = (): Scope => {
    let at = root
    let id = '_'
    let type = typeOf(root, id) as BlockType
    const top = type
    for (const name of here) {
      at = member(at, name) as World
      id = `${id}.${name}`
      type = typeOf(at, id) as BlockType
    }
    return {
      root: top,
      here: type,
      member: (block, name) => {
        const found = member(blocks.get(block.id) as World, name)
        return found === undefined ? undefined : typeOf(found, `${block.id}.${name}`)
      },
      names: (block) => Object.keys(blocks.get(block.id) as object),
    }
  }
  const reads: string[] = []
  const source: Source<World> = {
    root,
    here: here.reduce((at, name) => member(at, name) as World, root),
    child: (block, name) => {
      const found = member(block, name)
      return found instanceof Missing ? undefined : found
    },
    items: (list) => list as readonly World[],
    value: (field) => {
      if (!(field instanceof Field)) throw new Error('no field')
      reads.push(String(field.value))
      if (field.isHidden) return 'hidden'
      return field.value === undefined ? undefined : { type: field.type, value: field.value }
    },
  }
  return { scope: scopeOf(), source, reads }
}

export type Served = ReturnType<typeof worldOf>

const EMPTY = worldOf({ Empty: text() })

/** Parses, checks and evaluates. */
export function evaluation(expression: string, world: Served = EMPTY, budget?: Budget): Evaluation {
  return evaluate(check(parse(expression), world.scope), world.source, budget)
}

/** The result as a text; `null`, `hidden` and `exhausted` for these. */
export function result(expression: string, world: Served = EMPTY): string {
  const found = evaluation(expression, world)
  if (found.kind !== 'value') return found.kind
  return textOf(found.value) ?? 'a block'
}

const HASH = 'ab'.repeat(32)

/** A contract with something of every kind. */
export const CONTRACT = worldOf(
  {
    Premium: { Amount: new Field('money', '1250.00 EUR'), Rate: number('0.125') },
    Lines: [
      {
        Party: new Field('party', HASH),
        Share: number('60'),
        item: text('x'),
        Items: [number('1'), number('2')],
      },
      { Party: new Field('party', HASH), Share: number('40'), item: text('y'), Items: [] },
      { Party: new Field('party', HASH), Share: number(), item: text('z'), Items: [number('3')] },
    ],
    'Sum insured': new Field('integer', '5000'),
    Slip: new Field('file', `${HASH} 1024 application/pdf slip of 2024.pdf`),
    Start: new Field('date', '2024-02-29'),
    Signed: new Field('date-time', '2024-03-01T08:00:00+01:00'),
    Kind: new Field('choice', 'marine'),
    Active: new Field('boolean', true),
    Changed: new Field('null', null),
    Numbers: [number('3'), number('1'), number('2')],
    Secret: hidden('decimal'),
    Secrets: [hidden('decimal'), number('7')],
    Later: new Missing({ Amount: number('1') }),
    None: new Missing([{ Share: number('1') }]),
    Nothing: text(),
    Inner: { Share: number('5'), Deep: { Share: number('6') } },
    Odd: new Field('decimal', '1.00000000000000000000000000000000009'),
  },
  [],
)
