/** Ledger blocks with private values and what was judged of them (PROTOCOL JUD-1 to JUD-3, VAL-4, REQ-7). */
import type { JudgedBy, JudgedItem } from '../../src/ledger/judgement.ts'
import type { SetOperation } from '../../src/ledger/request.ts'
import { commitmentOf, type Opening } from '../../src/ledger/value.ts'
import { type Part, refuseBlock, takeBlock } from './block-parts.ts'
import {
  currency,
  fresh,
  type JudgedRequest,
  privately,
  readersOf,
  said,
  setting,
  together,
  typeItem,
} from './private-world.ts'
import { type Vector, Vectors } from './vector.ts'
import { alder, birch, cedar, douglas, hashNamed, type Ledger, uidOf } from './world.ts'

const both = readersOf(alder, birch)
const opening = privately('12')

/** A block with one request of Alder's, and what is said of it. */
function ordering(
  operations: (ledger: Ledger) => SetOperation[],
  judge: (ledger: Ledger, request: JudgedRequest, set: SetOperation) => JudgedBy[],
  openings: Opening[] = [],
): Ledger {
  const ledger = fresh('judgements')
  const sets = operations(ledger)
  const made = ledger.request(alder, sets)
  const request: JudgedRequest = { ...made, openings: [...made.openings, ...openings] }
  const judgement = judge(ledger, request, sets[0] as SetOperation)
  for (const one of openings) ledger.openings.set(commitmentOf(one), one)
  ledger.order([judgement.length > 0 ? { ...request, judgement } : request], { certify: [] })
  return ledger
}

/** Both members say the same of it. */
const bothSay =
  (items: (set: SetOperation) => JudgedItem[], reveals?: string[]) =>
  (ledger: Ledger, request: JudgedRequest, set: SetOperation): JudgedBy[] => {
    const words = { items: items(set), ...(reveals !== undefined && { reveals }) }
    return together(said(ledger, alder, request, words), said(ledger, birch, request, words))
  }

const forBoth = (ledger: Ledger) => [setting(ledger, opening, both)]
const openSet = (ledger: Ledger) => [ledger.set(currency, 'GBP') as SetOperation]
const right = bothSay((set) => [typeItem(set)])
const nothing = bothSay(() => [])

export function judgementBlockVectors(): Vector[] {
  const vectors = new Vectors()
  const take = (name: string, about: string, ledger: Ledger) => takeBlock(vectors, name, about, ledger)
  const refuse = (
    name: string,
    about: string,
    rule: string,
    ledger: Ledger,
    alter?: (part: Part) => unknown,
  ) => refuseBlock(vectors, name, about, ledger, rule, alter)

  take(
    'private-wrong-readers',
    'No rule makes the value private: its readers have judged its type.',
    ordering(forBoth, right),
  )
  take('private-opened', 'Likewise, with its opening.', ordering(forBoth, right, [opening]))
  take(
    'private-wrong-type',
    'Its readers say that it is not of its type, which it is not.',
    ordering(
      (l) => [setting(l, opening, both, { type: 'date' })],
      bothSay((set) => [typeItem(set, false)]),
      [opening],
    ),
  )
  take(
    'private-stale-version',
    'Its author saw another value, which is looked at before the readers.',
    ordering((l) => [setting(l, opening, both, { seen: hashNamed('lost') })], right),
  )
  take(
    'private-for-one-and-a-stranger',
    'Of its readers one is in, and has signed.',
    ordering(
      (l) => [setting(l, opening, readersOf(birch, douglas))],
      (l, request, set) => [said(l, birch, request, { items: [typeItem(set)] })],
    ),
  )
  take(
    'private-for-nobody',
    'A value without readers: nobody judges it.',
    ordering(
      (l) => [setting(l, opening, [])],
      () => [],
    ),
  )
  take(
    'judged-without-an-answer',
    'Readers have signed, and said nothing of its type.',
    ordering(forBoth, nothing),
  )
  take(
    'judged-of-another-value',
    'What readers say is of another value.',
    ordering(
      forBoth,
      bothSay((set) => [typeItem({ ...set, value: hashNamed('other') })]),
    ),
  )
  take(
    'judged-differently',
    'One reader says that it is of its type, the other that it is not.',
    ordering(forBoth, (l, request, set) =>
      together(
        said(l, alder, request, { items: [typeItem(set)] }),
        said(l, birch, request, { items: [typeItem(set, false)] }),
      ),
    ),
  )
  take(
    'judged-in-a-batch',
    'One reader has signed it with another statement.',
    ordering(forBoth, (l, request, set) =>
      together(
        said(l, alder, request, { items: [typeItem(set)] }),
        said(l, birch, request, { items: [typeItem(set)] }, { size: 2 }),
      ),
    ),
  )
  take(
    'judged-and-nobody-asked',
    'A value that everybody sees, and results of those whom nobody asked: they stand against nothing.',
    ordering(
      openSet,
      bothSay((set) => [typeItem(set)]),
    ),
  )
  take(
    'signed-and-nothing-said',
    'A value that everybody sees; members have signed, and said nothing.',
    ordering(openSet, nothing),
  )
  const shown = { salt: opening.salt, value: '30' }
  take(
    'revealed',
    'What is revealed is opened beside the request’s own value.',
    ordering(
      openSet,
      bothSay(() => [], [commitmentOf(shown)]),
      [shown],
    ),
  )

  refuse('receipt-missing', 'One of two readers has not signed.', 'JUD-2', ordering(forBoth, right), (part) =>
    judgementIn(part).pop(),
  )
  refuse('receipts-missing', 'No reader has signed.', 'JUD-2', ordering(forBoth, right), (part) =>
    Reflect.deleteProperty(part.block.entries[0] as object, 'judgement'),
  )
  const FORGED: [name: string, about: string, options: Parameters<typeof said>[4]][] = [
    ['judgement-by-another', 'One reader’s word is signed by the other.', { signer: alder }],
    [
      'judgement-of-another-request',
      'It is of another request.',
      { place: { request: hashNamed('request') } },
    ],
    [
      'judgement-of-another-contract',
      'It is of another contract.',
      { place: { contract: hashNamed('contract') } },
    ],
    ['judgement-of-another-epoch', 'It is of another epoch.', { place: { epoch: 1 } }],
    ['judgement-of-another-lineage', 'It is of another lineage.', { place: { lineage: 1 } }],
  ]
  for (const [name, about, options] of FORGED) {
    const ledger = ordering(forBoth, right)
    const [request] = ledger.tip.requests as [JudgedRequest]
    const items = [typeItem(request.request.operations[0] as SetOperation)]
    refuse(name, about, 'JUD-1', ledger, (part) => {
      const forged = said(ledger, birch, request, { items }, options)
      const judgement = judgementIn(part)
      judgement[judgement.findIndex(({ party }) => party === birch.party)] = forged
    })
  }
  refuse(
    'judgement-by-a-stranger',
    'One who is not in has signed too.',
    'JUD-1',
    ordering(forBoth, right),
    (part) => {
      const [first] = judgementIn(part)
      const all = [...judgementIn(part), { ...(first as JudgedBy), party: cedar.party }]
      Object.assign(part.block.entries[0] as object, { judgement: together(...all) })
    },
  )
  const ALTERED: [name: string, about: string, change: (first: JudgedBy) => object][] = [
    [
      'judgement-result-turned',
      'A result is turned round.',
      ({ items: [item] }) => ({ items: [[...(item as JudgedItem).slice(0, 3), false]] }),
    ],
    ['judgement-item-taken-out', 'A result is taken out.', () => ({ items: [] })],
    [
      'judgement-inputs-altered',
      'It is of other values.',
      ({ items: [item] }) => ({ items: [[...(item as JudgedItem).slice(0, 2), hashNamed('inputs'), true]] }),
    ],
    ['judgement-reveals-added', 'It reveals something.', () => ({ reveals: [commitmentOf(opening)] })],
  ]
  for (const [name, about, change] of ALTERED)
    refuse(name, about, 'JUD-1', ordering(forBoth, right, [opening]), (part) => {
      const [first] = judgementIn(part) as [JudgedBy]
      Object.assign(first, change(first))
    })
  refuse(
    'judgement-reveals-taken-out',
    'What it reveals is taken out, with the opening.',
    'JUD-1',
    ordering(
      openSet,
      bothSay(() => [], [commitmentOf(shown)]),
      [shown],
    ),
    (part) => {
      for (const judged of judgementIn(part)) Reflect.deleteProperty(judged, 'reveals')
      part.openings.pop()
    },
  )
  const MALFORMED: [name: string, about: string, change: (judgement: JudgedBy[]) => unknown][] = [
    ['judgement-empty', 'A list of nobody.', () => []],
    ['judgement-out-of-order', 'Parties in another order.', (judgement) => judgement.reverse()],
    ['judgement-party-twice', 'A party twice.', ([first]) => [first, first]],
    ['judgement-with-unknown-key', 'A key that there is not.', ([first]) => [{ ...first, note: '' }]],
    ['judgement-without-items', 'No list of items.', ([first]) => [{ ...first, items: undefined }]],
    ['judgement-reveals-empty', 'An empty list is left out.', ([first]) => [{ ...first, reveals: [] }]],
    [
      'judgement-item-of-three',
      'An item without its result.',
      ([first]) => [{ ...first, items: [first?.items[0]?.slice(0, 3)] }],
    ],
    [
      'judgement-result-a-number',
      'A result that is a number.',
      ([first]) => [{ ...first, items: [[...(first?.items[0]?.slice(0, 3) ?? []), 1]] }],
    ],
    ['judgement-an-object', 'An object in place of the list.', ([first]) => first],
  ]
  for (const [name, about, change] of MALFORMED)
    refuse(name, about, 'JUD-1', ordering(forBoth, right), (part) => {
      Object.assign(part.block.entries[0] as object, { judgement: change(judgementIn(part)) })
    })
  refuse(
    'revealed-and-not-opened',
    'What is revealed is not opened.',
    'VAL-2',
    ordering(
      openSet,
      bothSay(() => [], [commitmentOf(shown)]),
      [shown],
    ),
    (part) => part.openings.pop(),
  )
  const elsewhere = privately('12', uidOf('goods'))
  refuse(
    'private-opening-of-another-field-in-a-block',
    'Another field’s private value, put forward here and opened as that field’s.',
    'VAL-4',
    ordering(
      (l) => [setting(l, opening, both, { value: commitmentOf(elsewhere) })],
      bothSay((set) => [typeItem(set, false)]),
    ),
    (part) => part.openings.push(elsewhere),
  )
  refuse(
    'judged-falsely',
    'Its readers say that it is of its type, and its opening shows that it is not.',
    'JUD-3',
    ordering((l) => [setting(l, opening, both, { type: 'date' })], right, [opening]),
  )
  refuse(
    'judged-falsely-against-it',
    'Its readers say that it is not of its type, and its opening shows that it is.',
    'JUD-3',
    ordering(
      forBoth,
      bothSay((set) => [typeItem(set, false)]),
      [opening],
    ),
  )
  refuse(
    'judged-differently-and-accepted-as-one',
    'Readers differ, and the entry says that they do not.',
    'REQ-4',
    ordering(forBoth, (l, request, set) =>
      together(
        said(l, alder, request, { items: [typeItem(set)] }),
        said(l, birch, request, { items: [typeItem(set, false)] }),
      ),
    ),
    (part) =>
      Object.assign(part.block.entries[0] as object, { outcome: 'conflicted', code: 'wrong-readers' }),
  )
  return vectors.all
}

function judgementIn(part: Part): JudgedBy[] {
  return (part.block.entries[0] as unknown as { judgement: JudgedBy[] }).judgement
}
