/** Requests of every outcome, each on the state of a genesis (PROTOCOL REQ-4, REQ-7). */
import { epochUidOf, rootUidOf, subtreeHash } from '../../src/contract/state.ts'
import { GENESIS_ROOT } from '../../src/ledger/genesis.ts'
import type { FieldType, Operation, SetOperation } from '../../src/ledger/request.ts'
import { NO_VALUE } from '../../src/ledger/value.ts'
import { hashNamed, type Ledger, uidOf } from './world.ts'

const [claim, currency, goods] = ['claim', 'currency', 'goods'].map(uidOf) as [string, string, string]

export const block = (label: string, parent: string, name = label): Operation => ({
  op: 'create',
  uid: uidOf(label),
  parent,
  name,
  kind: 'block',
  order: 'x',
})
export const remove = (uid: string, seen: string): Operation => ({ op: 'delete', uid, seen })
/** A field without a value, below the claim. */
const emptyField = (label: string, type: FieldType): Operation => ({
  ...{ op: 'create', uid: uidOf(label), parent: claim, name: label, kind: 'field', order: 'x', type },
})
const clear = (uid: string, seen: string): SetOperation => ({ op: 'set', uid, seen, type: 'text' })
export const lost = hashNamed('nothing')

/** Operations of one request on the state of the genesis, and what comes of them, by the name of their vector. */
export const REQUESTS: [name: string, about: string, operations: (ledger: Ledger) => Operation[]][] = [
  [
    'create',
    'A block, and a field in it.',
    (l) => [block('a', claim), l.field('b', 'B', 'integer', '7', uidOf('a'))],
  ],
  ['create-in-list', 'An element of a list.', (l) => [l.field('b', 'Item', 'text', 'x', goods)]],
  ['create-below-the-root', 'A block below the root itself.', (l) => [block('a', rootUidOf(l.contract))]],
  ['create-a-name-twice', 'Names need not differ.', (l) => [l.field('b', 'Currency', 'text', 'USD')]],
  ['set', 'A field set.', (l) => [l.set(currency, 'GBP')]],
  ['set-to-another-type', 'A field set to another type.', (l) => [l.set(currency, '7', 'integer')]],
  [
    'set-twice',
    'The second sees what the first has set.',
    (l) => {
      const first = l.set(currency, 'GBP')
      return [first, l.set(currency, 'USD', 'text', 'value' in first ? first.value : lost)]
    },
  ],
  [
    'set-back',
    'Set to another commitment and back to the first: no effect.',
    (l) => {
      const first = l.set(currency, 'GBP')
      const seen = l.seen(currency)
      return [
        first,
        {
          op: 'set',
          uid: currency,
          seen: 'value' in first ? (first.value as string) : lost,
          type: 'text',
          value: seen,
        },
      ]
    },
  ],
  ['create-empty', 'A field without a value.', () => [emptyField('b', 'date')]],
  [
    'set-empty-field',
    'What was seen of a field without a value is 64 zeros.',
    (l) => [emptyField('b', 'money'), l.set(uidOf('b'), '1250.00 EUR', 'money', NO_VALUE)],
  ],
  ['set-to-nothing', 'A field emptied.', (l) => [clear(currency, l.seen(currency))]],
  [
    'set-to-nothing-of-another-type',
    'A field emptied, and given another type.',
    (l) => [{ ...clear(currency, l.seen(currency)), type: 'choice' }],
  ],
  [
    'set-nothing-to-nothing',
    'A field without a value is emptied: no effect behind its creation.',
    () => [emptyField('b', 'text'), clear(uidOf('b'), NO_VALUE)],
  ],
  [
    'delete-empty-field',
    'What was seen of a field without a value is 64 zeros.',
    (l) => [clear(currency, l.seen(currency)), remove(currency, NO_VALUE)],
  ],
  [
    'stale-version-set-not-empty',
    'Its author saw no value.',
    (l) => [l.set(currency, 'GBP', 'text', NO_VALUE)],
  ],
  [
    'stale-version-set-empty',
    'Its author saw the value before it was emptied.',
    (l) => [clear(currency, l.seen(currency)), l.set(currency, 'GBP', 'text', l.seen(currency))],
  ],
  ['stale-version-delete-not-empty', 'Its author saw no value.', () => [remove(currency, NO_VALUE)]],
  ['delete-field', 'A field deleted.', (l) => [remove(currency, l.seen(currency))]],
  [
    'delete-empty-list',
    'A list without elements deleted.',
    (l) => [remove(goods, subtreeHash(l.tip.state, goods))],
  ],
  [
    'delete-block',
    'A block deleted, and the field below it.',
    (l) => [remove(claim, subtreeHash(l.tip.state, claim))],
  ],
  [
    'create-and-delete',
    'What is made and deleted again has no effect.',
    (l) => {
      const made = l.field('b', 'B', 'text', 'x')
      return [
        made,
        remove(uidOf('b'), 'value' in made ? (made.value as string) : lost),
        l.set(currency, 'GBP'),
      ]
    },
  ],
  [
    'delete-and-create-again',
    'A UID used again: one effect.',
    (l) => [remove(goods, subtreeHash(l.tip.state, goods)), block('goods', claim, 'Goods')],
  ],
  [
    'element-gone-set',
    'Set of an element that is not there.',
    (l) => [l.set(uidOf('none'), 'x', 'text', lost)],
  ],
  ['element-gone-delete', 'Deletion of an element that is not there.', () => [remove(uidOf('none'), lost)]],
  [
    'element-gone-deleted-before',
    'Set of an element that the same request deletes first.',
    (l) => [remove(currency, l.seen(currency)), l.set(currency, 'GBP')],
  ],
  ['parent-gone', 'Creation below an element that is not there.', () => [block('a', uidOf('none'))]],
  ['parent-gone-zeros', 'In a request 32 zeros stand for nothing.', () => [block('a', GENESIS_ROOT)]],
  ['stale-version-set', 'Its author saw another value.', (l) => [l.set(currency, 'GBP', 'text', lost)]],
  ['stale-version-delete-field', 'Its author saw another value.', () => [remove(currency, lost)]],
  [
    'stale-version-delete-block',
    'Its author saw the block as it was before it got a field more.',
    (l) => [l.field('b', 'B', 'text', 'x'), remove(claim, subtreeHash(l.tip.state, claim))],
  ],
  [
    'wrong-type-create',
    'A value that is not of the type that is named.',
    (l) => [l.field('b', 'B', 'integer', '1.5')],
  ],
  [
    'wrong-type-set',
    'A value that is not of the type that is named.',
    (l) => [l.set(currency, 'no date', 'date')],
  ],
  [
    'wrong-type-before-uid-in-use',
    'Both are wrong: the type is looked at first.',
    (l) => [l.field('currency', 'B', 'boolean', 'true')],
  ],
  [
    'wrong-type-before-element-gone',
    'Both are wrong: the type is looked at first.',
    (l) => [l.set(uidOf('none'), '', 'null', lost)],
  ],
  ['uid-in-use', 'Creation of an element that is there.', () => [block('currency', claim)]],
  [
    'uid-in-use-of-the-root',
    'Creation of the root.',
    (l) => [{ ...block('a', claim), uid: rootUidOf(l.contract) } as Operation],
  ],
  [
    'uid-in-use-of-the-epoch-record',
    'Creation of the epoch record.',
    (l) => [{ ...block('a', claim), uid: epochUidOf(l.contract) } as Operation],
  ],
  [
    'uid-in-use-before-parent-gone',
    'Both are wrong: the UID is looked at first.',
    () => [block('goods', uidOf('none'))],
  ],
  ['not-a-block', 'Creation below a field.', () => [block('a', currency)]],
  [
    'not-a-block-the-epoch-record',
    'Creation below the epoch record.',
    (l) => [block('a', epochUidOf(l.contract))],
  ],
  ['not-a-field', 'Set of a block.', (l) => [l.set(claim, 'x', 'text', subtreeHash(l.tip.state, claim))]],
  ['not-a-field-the-epoch-record', 'Set of the epoch record.', (l) => [l.set(epochUidOf(l.contract), 'x')]],
  [
    'root-undeletable',
    'Deletion of the root.',
    (l) => {
      const root = rootUidOf(l.contract)
      return [remove(root, subtreeHash(l.tip.state, root))]
    },
  ],
  [
    'root-undeletable-the-epoch-record',
    'Deletion of the epoch record.',
    (l) => [remove(epochUidOf(l.contract), lost)],
  ],
  [
    'all-or-nothing',
    'The second operation can’t be done: the first has no effect.',
    (l) => [l.set(currency, 'GBP'), block('a', uidOf('none'))],
  ],
  [
    'first-fault-decides',
    'Two operations can’t be done: the first gives the code.',
    (l) => [block('a', currency), l.set(currency, 'x', 'text', lost)],
  ],
  [
    'effects-in-order-of-uid',
    'Seven elements, made in another order than that of their UIDs.',
    () => [1, 2, 3, 4, 5, 6, 7].map((n) => block(`element ${n}`, goods)),
  ],
]
