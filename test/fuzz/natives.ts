/**
 * Charges what the engine's own functions do, of which V8's counts see a single step: the characters, bytes or items that a
 * call looks at or makes. An upper bound where the engine might do with less. Not seen: what a regular expression tries
 * before it goes on, and strings that are put together and then read again and again.
 */
import { Buffer } from 'node:buffer'

// biome-ignore lint/suspicious/noExplicitAny: whatever the engine's functions are called with
type Any = any
type Charge = (self: Any, parameters: Any[], result: Any) => number

const whole: Charge = (self) => self.length
const made: Charge = (_self, _parameters, result) => result.length
const given: Charge = (_self, [first]) => first?.length ?? 0
/** Up to where it was found, or to the end. */
const upTo: Charge = (self, [sought, from = 0], result) =>
  result === -1 ? Math.max(0, self.length - from) : result - from + (sought?.length ?? 1)
const pieces: Charge = (_self, _parameters, result) => {
  let length = result.length
  for (let index = 0; index < result.length; index += 1) length += result[index].length
  return length
}
/** Of `new Uint8Array(…)`: of a length, or from items. */
const sized: Charge = (_self, [size]) => (typeof size === 'number' ? size : (size?.length ?? 0))
const sorting: Charge = (self) => self.length * Math.log2(self.length + 1)

const typedArray = Object.getPrototypeOf(Uint8Array.prototype)

const CHARGES: [object, Record<string, Charge>][] = [
  [
    String.prototype,
    {
      indexOf: upTo,
      lastIndexOf: whole,
      includes: whole,
      startsWith: given,
      endsWith: given,
      trim: whole,
      toLowerCase: whole,
      toUpperCase: whole,
      normalize: whole,
      isWellFormed: whole,
      split: pieces,
      repeat: made,
      padStart: made,
      padEnd: made,
    },
  ],
  [
    Array.prototype,
    {
      indexOf: (self, _parameters, result) => (result === -1 ? self.length : result + 1),
      includes: whole,
      join: (self, _parameters, result) => self.length + result.length,
      sort: sorting,
      toSorted: sorting,
      reverse: whole,
      shift: whole,
      unshift: whole,
      splice: whole,
      slice: made,
      concat: made,
      flat: made,
      push: (_self, parameters) => parameters.length,
    },
  ],
  [
    typedArray,
    {
      set: given,
      slice: made,
      fill: whole,
      indexOf: upTo,
    },
  ],
  [
    Buffer.prototype,
    {
      copy: (_self, _parameters, result) => result,
      toString: made,
      write: given,
      indexOf: upTo,
    },
  ],
  [Buffer, { concat: made, alloc: made, allocUnsafe: made, byteLength: given, from: made }],
  [JSON, { parse: given, stringify: made }],
  [Object, { keys: made, values: made, entries: made }],
  [Array, { from: made }],
  [TextEncoder.prototype, { encode: made }],
  [TextDecoder.prototype, { decode: given }],
  [Set.prototype, { add: () => 1 }],
  [Map.prototype, { set: () => 1 }],
  [globalThis, { parseInt: given }],
  [
    process.getBuiltinModule('node:crypto'),
    {
      hash: (_self, [, data]) => data.length,
      verify: (_self, [, message]) => message.length,
    },
  ],
]

/** What the engine's own functions were charged with while `run` ran. */
export function chargeNatives(run: () => void): number {
  let charged = 0
  const undo: (() => void)[] = []
  const put = (target: object, name: string, value: unknown) => {
    const former = Object.getOwnPropertyDescriptor(target, name) as PropertyDescriptor
    undo.push(() => Object.defineProperty(target, name, former))
    Object.defineProperty(target, name, { ...former, value })
  }
  for (const [target, charges] of CHARGES)
    for (const [name, charge] of Object.entries(charges)) {
      const own = (target as Any)[name]
      put(target, name, function (this: unknown, ...parameters: unknown[]) {
        const result = Reflect.apply(own, this, parameters)
        charged += charge(this, parameters, result)
        return result
      })
    }
  // All that is done with a regular expression goes through `exec`, once that is not the engine's own.
  const { exec } = RegExp.prototype
  put(RegExp.prototype, 'exec', function (this: RegExp, text: string) {
    const start = this.global || this.sticky ? this.lastIndex : 0
    const found = Reflect.apply(exec, this, [text]) as RegExpExecArray | null
    charged += found === null ? text.length - start : found.index + (found[0] as string).length - start
    return found
  })
  put(globalThis, 'Number', counting(Number, given))
  put(globalThis, 'Uint8Array', counting(Uint8Array, sized))
  try {
    run()
  } finally {
    for (const one of undo.reverse()) one()
  }
  return charged

  /** A constructor of the engine's that counts its calls, with or without `new`. */
  function counting<Own extends object>(own: Own, charge: Charge): Own {
    return new Proxy(own, {
      apply(target, self, parameters) {
        charged += charge(undefined, parameters, undefined)
        return Reflect.apply(target as Any, self, parameters)
      },
      construct(target, parameters) {
        charged += charge(undefined, parameters, undefined)
        return Reflect.construct(target as Any, parameters)
      },
    })
  }
}
