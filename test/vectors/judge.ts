/** What our implementation makes of a vector: of each folder the very checks that nodes and the auditor run. */
import { isValueOfType } from '../../src/contract/outcome.ts'
import { base64UrlDecode, fromUtf8 } from '../../src/crypto/bytes.ts'
import { CountersignError } from '../../src/crypto/errors.ts'
import { jcs } from '../../src/crypto/jcs.ts'
import { parseJson } from '../../src/crypto/json.ts'
import { ed25519Verify } from '../../src/crypto/provider.ts'
import { checkValue } from '../../src/document/types.ts'
import { cardHash, checkProvenCard, partyOf } from '../../src/identity/card.ts'
import type { FieldType } from '../../src/ledger/request.ts'
import { commitmentOf, openingShape } from '../../src/ledger/value.ts'
import { fail, RuleBroken } from '../../src/verify/finding.ts'

/** What is computed from a valid input, or which rule and which of our error codes stand for what is wrong with it. */
export type Judgement =
  | ({ valid: true } & { readonly [output: string]: unknown })
  | { valid: false; rule?: string; code?: string; readonly [output: string]: unknown }

// biome-ignore lint/suspicious/noExplicitAny: a context is what the vectors of the folder hold
type Judge = (bytes: Uint8Array, context: any) => object

const parse = (bytes: Uint8Array): unknown => parseJson(fromUtf8(bytes))

const JUDGES: Readonly<Record<string, Judge>> = {
  json: (bytes) => ({ canonical: jcs(parse(bytes)) }),

  signature(bytes, { publicKey, signature }: Record<'publicKey' | 'signature', string>) {
    if (!ed25519Verify(publicKey, bytes, base64UrlDecode(signature)))
      fail('SIG-2', 'signature', 'it does not verify')
    return {}
  },

  card(bytes) {
    const { card } = checkProvenCard(parse(bytes))
    return { party: partyOf(card), hash: cardHash(card) }
  },

  opening(bytes, { type, commitment }: { type: FieldType; commitment: string }) {
    const opening = openingShape(parse(bytes), 'opening')
    if (commitmentOf(opening) !== commitment) fail('VAL-2', 'opening', 'it opens another commitment')
    checkValue(type, opening.value)
    if (!isValueOfType(type, opening.value)) fail('VAL-5', 'opening', 'execution takes it for another type')
    return {}
  },
}

/** The judgement on an input of a folder. @throws what is no error of the registry */
export function judge(folder: string, bytes: Uint8Array, context: object): Judgement {
  try {
    return { valid: true, ...(JUDGES[folder] as Judge)(bytes, context) }
  } catch (error) {
    if (error instanceof RuleBroken) return { valid: false, rule: error.finding.rule }
    if (error instanceof CountersignError) return { valid: false, code: error.code }
    throw error
  }
}
