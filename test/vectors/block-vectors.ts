/** Ledger blocks with their requests and openings, behind the blocks before them (PROTOCOL BLK-1, BLK-2, BLK-4, REQ-4, REQ-7). */
import { LogTree } from '../../src/crypto/log.ts'
import { type Entry, entriesRoot, type Header, logLeaf } from '../../src/ledger/block.ts'
import { GENESIS_ROOT } from '../../src/ledger/genesis.ts'
import { LIFETIME_MAX_MS, type OpenRequest } from '../../src/ledger/request.ts'
import { contextOf, partAt, refuseBlock, takeBlock } from './block-parts.ts'
import { block, lost, REQUESTS, remove } from './block-requests.ts'
import { repeating, type Vector, Vectors } from './vector.ts'
import { alder, birch, douglas, hashNamed, Ledger, type OrderOptions, uidOf } from './world.ts'

const [claim, currency, goods] = ['claim', 'currency', 'goods'].map(uidOf) as [string, string, string]

/** What is wrong with a header, everything else made for it. */
const HEADERS: [name: string, about: string, rule: string, header: (right: Header) => object][] = [
  ['contract-of-another', 'It names another contract.', 'BLK-1', () => ({ contract: hashNamed('contract') })],
  ['lineage-1', 'It names another lineage.', 'BLK-1', () => ({ lineage: 1 })],
  ['epoch-1', 'It names another epoch.', 'BLK-1', () => ({ epoch: 1 })],
  [
    'height-skipped',
    'It names the height after the next.',
    'BLK-4',
    ({ height }) => ({ height: height + 1 }),
  ],
  [
    'height-repeated',
    'It names the height of its parent.',
    'BLK-4',
    ({ height }) => ({ height: height - 1 }),
  ],
  ['parent-another', 'It names another parent.', 'BLK-4', () => ({ parent: hashNamed('parent') })],
  [
    'time-of-the-parent',
    'Its time is that of its parent.',
    'BLK-4',
    ({ timeMs }) => ({ timeMs: timeMs - 1000 }),
  ],
  ['view-of-the-parent', 'Its view is that of its parent.', 'BLK-4', ({ view }) => ({ view: view - 1 })],
  [
    'entries-root-another',
    'It names another root of its entries.',
    'BLK-2',
    () => ({ entriesRoot: hashNamed('root') }),
  ],
  ['state-root-another', 'It names another state.', 'STA-1', () => ({ stateRoot: hashNamed('root') })],
  ['log-root-another', 'It names another log.', 'LOG-1', () => ({ logRoot: hashNamed('root') })],
  ['header-with-unknown-key', 'A key that no header has.', 'BLK-1', () => ({ note: '' })],
  ['header-without-view', 'A key is missing.', 'BLK-1', () => ({ view: undefined })],
  ['time-as-text', 'A time written as a string.', 'BLK-1', ({ timeMs }) => ({ timeMs: `${timeMs}` })],
  ['parent-in-capitals', 'A hash in capitals.', 'BLK-1', ({ parent }) => ({ parent: parent.toUpperCase() })],
]

/** What is wrong with the entry of a request that is conflicted, the roots made for it. */
const ENTRIES: [name: string, about: string, rule: string, changes: object][] = [
  ['entry-with-effects', 'Effects are not sent.', 'BLK-2', { effects: [] }],
  ['entry-of-a-reserved-kind', 'A kind whose format is reserved.', 'BLK-2', { kind: 'tick' }],
  ['entry-of-an-unknown-outcome', 'An outcome that there is not.', 'BLK-2', { outcome: 'expired' }],
  ['entry-without-code', 'An outcome that asks for a code.', 'BLK-2', { code: undefined }],
  ['entry-with-code-in-capitals', 'A code in capitals.', 'BLK-2', { code: 'STALE' }],
  ['accepted-with-code', 'An outcome that has no code.', 'BLK-2', { outcome: 'accepted' }],
  ['outcome-accepted', 'It claims to be accepted.', 'REQ-4', { outcome: 'accepted', code: undefined }],
  ['outcome-rejected', 'It claims to be rejected.', 'REQ-4', { outcome: 'rejected' }],
  ['code-another', 'It claims another code.', 'REQ-4', { code: 'element-gone' }],
]

const cleared = (value: object) =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined))

export function blockVectors(): Vector[] {
  const vectors = new Vectors()
  const take = (name: string, about: string, ledger: Ledger) => takeBlock(vectors, name, about, ledger)
  const refuse = (...parts: Parameters<typeof refuseBlock> extends [unknown, ...infer P] ? P : never) =>
    refuseBlock(vectors, ...parts)
  const fresh = () => new Ledger('blocks', { members: [alder, birch] })
  const ordering = (
    requests: (ledger: Ledger) => OpenRequest[],
    options: OrderOptions = {},
    ledger = fresh(),
  ) => {
    ledger.order(requests(ledger), { certify: [], ...options })
    return ledger
  }
  const two = (ledger: Ledger) => [
    ledger.request(alder, [ledger.set(currency, 'GBP')]),
    ledger.request(birch, [ledger.set(currency, 'USD')]),
  ]

  for (const [name, about, operations] of REQUESTS)
    take(
      name,
      about,
      ordering((l) => [l.request(alder, operations(l))]),
    )
  take(
    'no-requests',
    'An empty block.',
    ordering(() => []),
  )
  take('requests-see-each-other', 'The second has not seen the first: conflicted.', ordering(two))
  take(
    'third-of-its-chain',
    'Two blocks before it, one of them empty; views and times skipped.',
    ordering(
      two,
      { view: 9, timeMs: fresh().genesis.timeMs + 86_400_000 },
      ordering(
        () => [],
        {},
        ordering((l) => [l.request(birch, [l.set(currency, 'CHF')])]),
      ),
    ),
  )
  take(
    'five-requests',
    'Five entries, accepted, conflicted and rejected.',
    ordering((l) => [
      ...two(l),
      l.request(alder, [block('a', currency)]),
      l.request(birch, [block('a', claim)]),
      l.request(alder, [block('b', uidOf('a'))]),
    ]),
  )
  take(
    'one-opening-for-two-requests',
    'Both name one commitment.',
    ordering((l) => {
      const set = l.set(currency, 'GBP')
      return [l.request(alder, [set]), l.request(birch, [set])]
    }),
  )
  const chain = Array.from({ length: 64 }, (_, index) =>
    block(`level ${index}`, index === 0 ? GENESIS_ROOT : uidOf(`level ${index - 1}`)),
  )
  const deep = new Ledger('deep', { members: [alder], genesis: { operations: chain } })
  take(
    'too-deep',
    'Creation 65 levels below the root.',
    ordering((l) => [l.request(alder, [block('deeper', uidOf('level 63'))])], {}, deep),
  )

  for (const [name, about, rule, header] of HEADERS) {
    const before = ordering((l) => [l.request(birch, [l.set(currency, 'CHF')])])
    refuse(
      name,
      about,
      ordering(two, { header: (right) => cleared({ ...right, ...header(right) }) as Header }, before),
      rule,
    )
  }
  const logged = ordering(() => [])
  const own = new LogTree(logged.steps.map(({ hash }) => logLeaf(hash))).root()
  refuse(
    'log-root-with-the-block-itself',
    'It names the log with a block in its own place.',
    ordering(() => [], { header: (right) => ({ ...right, logRoot: own }) }),
    'LOG-1',
  )
  refuse(
    'state-root-of-the-parent',
    'It names the state before it.',
    ordering(two, { header: (right) => ({ ...right, stateRoot: fresh().tip.block.header.stateRoot }) }),
    'STA-1',
  )

  refuse('block-with-unknown-key', 'A key that no ledger block has.', ordering(two), 'BLK-1', (part) =>
    Object.assign(part.block, { certificates: [] }),
  )

  for (const [name, about, rule, changes] of ENTRIES) {
    const claimed = (entries: Entry[]) => [entries[0], cleared({ ...entries[1], ...changes })] as Entry[]
    const right = ordering(two)
    const {
      effects,
      block: { entries },
    } = right.tip
    const root =
      rule === 'REQ-4' ? entriesRoot(claimed(entries), effects) : right.tip.block.header.entriesRoot
    refuse(
      name,
      about,
      ordering(two, { entries: claimed, header: (header) => ({ ...header, entriesRoot: root }) }),
      rule,
    )
  }
  const withEffects = (effects: (right: Ledger['tip']['effects']) => Ledger['tip']['effects']) => {
    const right = ordering((l) => [l.request(alder, [l.set(currency, 'GBP'), block('a', claim)])])
    const root = entriesRoot(right.tip.block.entries, effects(right.tip.effects))
    return ordering((l) => [l.request(alder, [l.set(currency, 'GBP'), block('a', claim)])], {
      header: (header) => ({ ...header, entriesRoot: root }),
    })
  }
  refuse(
    'effects-in-another-order',
    'The root is over effects in another order.',
    withEffects(([one]) => [one?.toReversed() ?? []]),
    'BLK-2',
  )
  refuse(
    'effects-left-out',
    'The root is over the entry without its effects.',
    withEffects(() => [[]]),
    'BLK-2',
  )

  refuse('request-missing', 'The second request is missing.', ordering(two), 'REQ-1', (part) => {
    part.requests.pop()
    part.openings.pop()
  })
  refuse(
    'requests-swapped',
    'The requests stand in another order than the entries.',
    ordering(two),
    'REQ-1',
    (part) => part.requests.reverse(),
  )
  refuse(
    'request-too-many',
    'A request without an entry.',
    ordering(() => []),
    'BLK-2',
    (part) =>
      part.requests.push(
        ...partAt(
          ordering((l) => [l.request(alder, [remove(goods, lost)])]),
          1,
        ).requests,
      ),
  )
  refuse(
    'request-altered',
    'A request is not the one that its entry names.',
    ordering(two),
    'REQ-1',
    (part) => Object.assign(part.requests[0]?.request as object, { notAfterMs: 1_760_000_000_000 }),
  )
  refuse(
    'request-with-bad-signature',
    'A request has the signature of the other.',
    ordering(two),
    'SIG-1',
    (part) => Object.assign(part.requests[1] as object, { signature: part.requests[0]?.signature }),
  )
  const alone = (changes: object, by = alder, key = by.keys.author) =>
    ordering((l) => [l.request(by, [remove(goods, lost)], changes, key)])
  const timeMs = fresh().genesis.timeMs + 1000
  refuse(
    'request-expired',
    'A request expired before the block’s time.',
    alone({ notAfterMs: timeMs - 1 }),
    'REQ-5',
  )
  refuse(
    'request-expires-too-late',
    'A request would live for more than 30 days.',
    alone({ notAfterMs: timeMs + LIFETIME_MAX_MS + 1 }),
    'REQ-2',
  )
  refuse('request-of-a-stranger', 'A request of a party that is not a member.', alone({}, douglas), 'REQ-6')
  refuse(
    'request-for-another-contract',
    'A request for another contract.',
    alone({ contract: hashNamed('contract') }),
    'REQ-1',
  )
  refuse(
    'request-by-another-key',
    'A request names its author’s vote key, which has signed.',
    alone({ authorKey: alder.keys.vote.publicKey }, alder, alder.keys.vote),
    'REQ-1',
  )
  const again = fresh()
  const request = again.request(alder, [remove(goods, lost)])
  refuse(
    'request-replayed',
    'A request stands in the block before.',
    ordering(
      () => [request],
      {},
      ordering(() => [request], {}, again),
    ),
    'REQ-5',
  )
  refuse(
    'request-twice',
    'A request stands there twice.',
    ordering((l) => {
      const one = l.request(alder, [remove(goods, lost)])
      return [one, one]
    }),
    'REQ-5',
  )

  refuse('opening-missing', 'An opening is missing.', ordering(two), 'VAL-2', (part) => part.openings.pop())
  refuse('opening-altered', 'A value is another than was committed to.', ordering(two), 'VAL-2', (part) =>
    Object.assign(part.openings[0] as object, { value: 'CHF' }),
  )
  refuse('opening-twice', 'An opening stands there twice.', ordering(two), 'VAL-2', (part) =>
    part.openings.push(part.openings[0] as never),
  )
  refuse(
    'opening-of-something-else',
    'An opening that nothing here commits to.',
    ordering(() => []),
    'VAL-2',
    (part) => part.openings.push(...fresh().genesisOpenings),
  )
  refuse('opening-malformed', 'A number in place of a value.', ordering(two), 'VAL-1', (part) =>
    Object.assign(part.openings[0] as object, { value: 7 }),
  )

  const large = ordering((l) =>
    Array.from({ length: 16 }, (_, index) =>
      l.request(alder, [l.field(`text ${index}`, 'Text', 'text', 'x'.repeat(1_048_576))]),
    ),
  )
  vectors.invalid(
    'too-large',
    'Requests and openings of more than 16 MiB: 16 texts of 1 MiB.',
    contextOf(large),
    repeating(partAt(large, 1), 'x'),
    'BLK-2',
  )
  return vectors.all
}
