/** Texts that a strict parser takes, with their canonical form, and texts that it refuses (PROTOCOL ENC-1). */
import { jcs } from '../../src/crypto/jcs.ts'
import { parseJson } from '../../src/crypto/json.ts'
import { type Vector, Vectors } from './vector.ts'

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

const VALID: [name: string, about: string, text: string][] = [
  ['keys-in-any-order', 'Keys need not be in order; the canonical form puts them in order.', '{"b":1,"a":2}'],
  ['white-space', 'Spaces, tabs and line ends between tokens.', ' {\t"a" :\r\n[ 1 , "x" ] } \n'],
  ['values-of-all-kinds', 'Every kind of value.', '[true,false,null,"",0,-7,{},[]]'],
  ['largest-integers', 'The largest integers on both sides.', '[9007199254740991,-9007199254740991]'],
  ['integers-written-otherwise', 'A number is its double: these are 1, 1000, 0 and 0.', '[1.0,1e3,-0,0.0]'],
  [
    'escapes',
    'Every kind of escape, of characters that need none and of some that do.',
    '["\\u0041\\u00e9\\ud83d\\ude00\\/\\b\\f\\n\\r\\t\\"\\\\\\u001f\\u007f"]',
  ],
  ['unusual-characters', 'Noncharacters, a separator and a private one.', '["\uffff\u2028\ue000\u{10ffff}"]'],
  ['depth-64', 'Arrays within one another, as deep as they may be.', nested(64)],
  ['key-with-a-meaning-in-javascript', 'A key like any other.', '{"__proto__":{"a":1},"constructor":2}'],
  ['text-alone', 'A value that is neither object nor array.', '"text"'],
]

const INVALID: [name: string, about: string, text: string, code?: string][] = [
  ['duplicate-key', 'One key twice in an object.', '{"a":1,"b":2,"a":1}'],
  ['duplicate-key-escaped', 'One key twice, once with an escape.', '{"a":1,"\\u0061":2}'],
  ['duplicate-key-within', 'One key twice in an object further in.', '[{"x":{"a":1,"a":1}}]'],
  ['unpaired-high-surrogate', 'Half a character.', '["\\ud83d"]'],
  ['unpaired-low-surrogate', 'The other half.', '["x\\ude00x"]'],
  ['surrogates-in-wrong-order', 'Both halves, the second first.', '["\\ude00\\ud83d"]'],
  ['unpaired-surrogate-in-key', 'Half a character in a key.', '{"\\ud800":1}'],
  ['zero-character', 'U+0000 as an escape.', '["a\\u0000b"]'],
  ['zero-character-in-key', 'U+0000 in a key.', '{"\\u0000":1}'],
  ['control-character', 'A line end within a string, not escaped.', '["a\nb"]'],
  ['byte-order-mark', 'U+FEFF before the text.', '\ufeff{}'],
  ['leading-zero', 'A number with a zero in front.', '[01]'],
  ['plus-sign', 'A number with a plus sign.', '[+1]'],
  ['not-a-number', 'NaN is no JSON.', '[NaN]'],
  ['infinity', 'Infinity is no JSON.', '[Infinity]'],
  ['number-past-every-double', 'A number that would be read as infinite.', '[1e400]'],
  ['number-read-as-zero', 'A number that is not zero, but would be read as zero.', '[1e-400]'],
  ['integer-past-2-to-the-53', 'An integer that no double holds.', '[9007199254740993]'],
  ['trailing-comma', 'A comma before the end.', '[1,]'],
  ['comment', 'A comment.', '[1]//'],
  ['single-quotes', 'A string in other quotes.', "['a']"],
  ['two-values', 'Two values, one after the other.', '{}{}'],
  ['nothing', 'An empty text.', ''],
  ['cut-off', 'The end is missing.', '{"a":[1'],
  ['depth-65', 'Arrays within one another, one deeper than they may be.', nested(65), 'too-large'],
]

const BYTES: [name: string, about: string, hex: string][] = [
  ['not-utf-8', 'A byte that stands in no UTF-8.', '5b22ff225d'],
  ['utf-8-overlong', 'A slash in two bytes.', '5b22c0af225d'],
  ['utf-8-surrogate', 'A surrogate in three bytes, as CESU-8 has it.', '5b22eda080225d'],
  ['utf-16', 'The text {} in UTF-16.', '7b007d00'],
]

export function jsonVectors(): Vector[] {
  const vectors = new Vectors()
  for (const [name, about, text] of VALID)
    vectors.valid(name, about, {}, { text }, { canonical: jcs(parseJson(text)) })
  for (const [name, about, text, code = 'bad-json'] of INVALID)
    vectors.invalid(name, about, {}, { text }, 'ENC-1', code)
  for (const [name, about, hex] of BYTES)
    vectors.invalid(name, about, {}, { hex }, 'ENC-1', name === 'utf-16' ? 'bad-json' : 'bad-format')
  return vectors.all
}
