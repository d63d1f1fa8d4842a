/** Private values and what their readers say of them, for the vectors; in contracts without rules, so that none may be put there. */
import { base64UrlEncode } from '../../src/crypto/bytes.ts'
import { type StatementSignature, signStatements } from '../../src/crypto/statement.ts'
import {
  inputsHash,
  type JudgedBy,
  type JudgedItem,
  type JudgementPlace,
  judgementAt,
} from '../../src/ledger/judgement.ts'
import type { FieldType, OpenRequest, SetOperation } from '../../src/ledger/request.ts'
import { commitmentOf, type Opening, type Value } from '../../src/ledger/value.ts'
import { alder, birch, type Holder, Ledger, seeded, uidOf } from './world.ts'

export type JudgedRequest = OpenRequest & { judgement?: JudgedBy[] }

export const currency = uidOf('currency')
export const readersOf = (...holders: Holder[]): string[] => holders.map(({ party }) => party).sort()

/** The opening of a private value of a field; the same salt each time. */
export const privately = (value: Value, of = currency): Opening => ({
  salt: base64UrlEncode(seeded('private', 16)),
  value,
  of,
})

/** The operation that puts a private value into a field. */
export function setting(
  ledger: Ledger,
  opening: Opening,
  readers: readonly string[],
  changes: Partial<SetOperation> = {},
): SetOperation {
  const uid = opening.of ?? currency
  const set: SetOperation = {
    op: 'set',
    uid,
    seen: ledger.seen(uid),
    type: 'text',
    value: commitmentOf(opening),
    readers: [...readers],
  }
  return { ...set, ...changes }
}

/** What a reader says of a private value that is put forward. */
export function typeItem(
  { uid, type, value }: { uid: string; type?: FieldType; value?: string },
  result: JudgedItem[3] = true,
): JudgedItem {
  return [
    uid,
    uid,
    inputsHash([
      [uid, String(value)],
      [uid, String(type)],
    ]),
    result,
  ]
}

/** place: where it says that it holds; size: of its batch; signer: whose key signs it. */
export type SayOptions = { place?: Partial<JudgementPlace>; size?: 1 | 2; signer?: Holder }

/** A member's word on a request. */
export function said(
  ledger: Ledger,
  holder: Holder,
  request: OpenRequest,
  words: Pick<JudgedBy, 'items' | 'reveals'>,
  { place = {}, size = 1, signer = holder }: SayOptions = {},
): JudgedBy {
  const here = { contract: ledger.contract, lineage: 0, epoch: 0, request: request.id, ...place }
  const statement = judgementAt(here, words)
  const other = { ...statement, request: '0'.repeat(64) }
  const batch = size === 1 ? [statement] : [other, statement]
  const signature = signStatements(signer.keys.vote.privateKey, batch).at(-1) as StatementSignature
  return { party: holder.party, ...words, signature }
}

/** The words of several, in the order of their parties. */
export const together = (...judgement: JudgedBy[]): JudgedBy[] =>
  judgement.sort((first, second) => (first.party < second.party ? -1 : 1))

/** A contract of two. */
export const fresh = (label = 'private'): Ledger => new Ledger(label, { members: [alder, birch] })
