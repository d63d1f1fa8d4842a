/** Private values: openings, requests and bundles that hold them (PROTOCOL VAL-4, REQ-3, BUN-1). */
import { checkpointNote } from '../../src/ledger/checkpoint.ts'
import { commitmentOf } from '../../src/ledger/value.ts'
import type { BlockLine, BundleLine } from '../../src/verify/bundle.ts'
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
import { type Input, json, type Vector, Vectors } from './vector.ts'
import { alder, birch, douglas, type Ledger, uidOf } from './world.ts'

const goods = uidOf('goods')
const both = readersOf(alder, birch)

export function privateOpeningVectors(): Vector[] {
  const vectors = new Vectors()
  const opening = privately('12')
  const context = { type: 'decimal', commitment: commitmentOf(opening) }
  const altered = (name: string, about: string, changes: object, rule: string, code?: string) =>
    vectors.invalid(name, about, context, json({ ...opening, ...changes }), rule, code)
  vectors.valid('private', 'A private value, of a field.', context, json(opening))
  altered('private-of-another-field', 'Another field than it was committed for.', { of: goods }, 'VAL-2')
  altered('private-without-its-field', 'It is not said of which field it is.', { of: undefined }, 'VAL-2')
  altered('private-another-value', 'Another value than was committed to.', { value: '13' }, 'VAL-2')
  altered('private-of-15-bytes', 'A UID of 15 bytes.', { of: currency.slice(2) }, 'VAL-1', 'bad-format')
  altered('private-of-null', 'A key without a value is left out.', { of: null }, 'VAL-1', 'bad-format')
  const { of: _, ...open } = opening
  vectors.invalid(
    'open-to-all-of-a-field',
    'A value that everybody sees, shown as that of a field.',
    { type: 'decimal', commitment: commitmentOf(open) },
    json(opening),
    'VAL-2',
  )
  vectors.invalid(
    'private-not-of-its-type',
    'A private value that is not of the type.',
    { ...context, type: 'date' },
    json(opening),
    'VAL-5',
    'bad-value',
  )
  return vectors.all
}

export function privateRequestVectors(): Vector[] {
  const vectors = new Vectors()
  const ledger = fresh('private requests')
  const context = {
    contract: ledger.contract,
    members: ledger.members.map(({ party, keys }) => ({ party, author: keys.author.publicKey })),
    timeMs: ledger.tip.block.header.timeMs + 1000,
    ordered: [],
  }
  const opening = privately('12')
  const set = setting(ledger, opening, both)
  const sent = (
    operations: object[],
    openings: object[] = [opening],
  ): { input: Input; id: string; commitments: string[] } => {
    const { request, signature, id, openings: open } = ledger.request(alder, operations as never)
    const commitments = open.map(commitmentOf).sort()
    return {
      input: json({ request: { request, signature }, openings: [...open, ...openings] }),
      id,
      commitments,
    }
  }
  const take = (name: string, about: string, { input, ...found }: ReturnType<typeof sent>) =>
    vectors.valid(name, about, context, input, found)
  take('private-value', 'A value for two, with its opening.', sent([set]))
  take(
    'private-value-unopened',
    'Likewise, without its opening, as who may not see it gets it.',
    sent([set], []),
  )
  take('private-value-for-nobody', 'No reader at all.', sent([{ ...set, readers: [] }]))
  take(
    'private-value-for-a-stranger',
    'A reader that is not in.',
    sent([{ ...set, readers: readersOf(douglas) }]),
  )
  take(
    'private-value-created',
    'A field made with a value for one, and a value for everybody beside it.',
    sent(
      [
        {
          ...ledger.field('cost', 'Cost', 'decimal', '1'),
          value: commitmentOf(privately('12', uidOf('cost'))),
          readers: readersOf(birch),
        },
        ledger.set(currency, 'GBP'),
      ],
      [privately('12', uidOf('cost'))],
    ),
  )
  const refuse = (
    name: string,
    about: string,
    rule: string,
    request: ReturnType<typeof sent>,
    code?: string,
  ) => vectors.invalid(name, about, context, request.input, rule, code)
  const malformed = (name: string, about: string, changes: object) =>
    refuse(name, about, 'REQ-3', sent([{ ...set, ...changes }]), 'bad-format')
  malformed('readers-out-of-order', 'Readers in another order.', { readers: [...both].reverse() })
  malformed('readers-twice', 'One reader twice.', { readers: [both[0], both[0]] })
  malformed('readers-malformed', 'A reader that is no party id.', { readers: ['alder'] })
  malformed('readers-a-text', 'Readers that are no list.', { readers: both[0] })
  refuse(
    'readers-without-value',
    'Readers of an emptied field.',
    'REQ-3',
    sent([{ op: 'set', uid: currency, seen: set.seen, type: 'text', readers: both }], []),
    'bad-format',
  )
  refuse(
    'readers-of-a-block',
    'Readers of a block.',
    'REQ-3',
    sent(
      [
        {
          op: 'create',
          uid: uidOf('new'),
          parent: goods,
          name: 'A',
          kind: 'block',
          order: 'a',
          readers: both,
        },
      ],
      [],
    ),
    'bad-format',
  )
  const elsewhere = privately('12', goods)
  refuse(
    'private-opening-of-another-field',
    'The commitment of another field’s value, opened as that field’s.',
    'VAL-4',
    sent([{ ...set, value: commitmentOf(elsewhere) }], [elsewhere]),
  )
  const { of: _, ...open } = opening
  refuse(
    'private-opening-of-no-field',
    'A value with readers, committed to as one for everybody.',
    'VAL-4',
    sent([{ ...set, value: commitmentOf(open) }], [open]),
  )
  refuse('private-opening-twice', 'An opening twice.', 'VAL-2', sent([set], [opening, opening]))
  return vectors.all
}

/** A ledger with a private value that no rule allows, read by both members. */
function story(): Ledger {
  const ledger = fresh('private bundle')
  const opening = privately('12')
  const set = setting(ledger, opening, both)
  const request: JudgedRequest = { ...ledger.request(alder, [set]), openings: [opening] }
  const words = { items: [typeItem(set)] }
  request.judgement = together(said(ledger, alder, request, words), said(ledger, birch, request, words))
  ledger.order([request])
  ledger.order([ledger.request(birch, [ledger.set(currency, 'USD')])])
  ledger.cosign()
  return ledger
}

export function privateBundleVectors(): Vector[] {
  const vectors = new Vectors()
  const ledger = story()
  const context = { trusted: ledger.members.map(({ party }) => party) }
  const input = (alter: (line: BlockLine) => void): Input => {
    const lines = structuredClone(ledger.lines()) as BundleLine[]
    for (const line of lines) if (line.type === 'ledger-block' && line.block.header.height === 1) alter(line)
    return { lines: lines.map((line) => JSON.stringify(line)) }
  }
  const outputs = {
    verdict: 'valid',
    contract: ledger.contract,
    height: 2,
    tentativeHeights: 0,
    stateRoot: ledger.tip.block.header.stateRoot,
    checkpoint: checkpointNote(
      ledger.checkpoint(),
      [...ledger.cosignatures.values()],
      new Map(ledger.members.map(({ party, keys }) => [party, keys.cosign.publicKey])),
    ),
    members: ledger.members.map(({ party }) => ({ party, cosignedSize: 3, identified: true })),
  }
  const leftOut = (line: BlockLine) => {
    line.openings = []
  }
  vectors.valid(
    'private-values-put-in',
    'A private value with its opening.',
    context,
    input(() => {}),
    outputs,
  )
  vectors.valid(
    'private-values-left-out',
    'A private value without its opening.',
    context,
    input(leftOut),
    outputs,
  )
  const place = `request ${ledger.steps[1]?.requests[0]?.id} in ledger block 1`
  const refuse = (name: string, about: string, rule: string, at: string, alter: (line: BlockLine) => void) =>
    vectors.add({
      name,
      about,
      context,
      input: input(alter),
      expect: { valid: false, rule, verdict: 'invalid', place: at },
    })
  const judgementIn = (line: BlockLine) =>
    (line.block.entries[0] as { judgement: { items: unknown[] }[] }).judgement
  refuse('private-receipt-missing', 'One reader’s word is taken out.', 'JUD-2', place, (line) => {
    judgementIn(line).pop()
  })
  refuse('private-judgement-altered', 'One reader’s word is altered.', 'JUD-1', place, (line) => {
    Object.assign(judgementIn(line)[0] as object, { items: [] })
  })
  refuse(
    'private-opening-of-another',
    'An opening of another private value.',
    'VAL-2',
    'ledger block 1',
    (line) => {
      line.openings = [privately('13')]
    },
  )
  return vectors.all
}
