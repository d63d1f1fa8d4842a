/** Whole bundles (PROTOCOL BUN-1 to BUN-3): a genuine one in many forms, and one fault in each of many more. */
import { type Checkpoint, checkpointNote } from '../../src/ledger/checkpoint.ts'
import { contractId, GENESIS_ROOT } from '../../src/ledger/genesis.ts'
import type { Operation } from '../../src/ledger/request.ts'
import type { BundleLine } from '../../src/verify/bundle.ts'
import { BLOCKS } from './bundle-blocks.ts'
import { LINES } from './bundle-lines.ts'
import { genuine, inputOf, Parts, parties, story } from './bundle-story.ts'
import { type Input, type Vector, Vectors } from './vector.ts'
import { alder, birch, cedar, douglas, hashNamed, Ledger, rekeyed, uidOf } from './world.ts'

const claim = uidOf('claim')

const trusting = (trusted: readonly string[]) => ({ trusted })

/** What the report on a ledger's bundle says where nothing is wrong with it. */
function outputsOf(ledger: Ledger, trusted: readonly string[]) {
  const sizes = ledger.members.map(({ party }) => ledger.cosignatures.get(party)?.size ?? 0)
  const size = Math.min(...sizes)
  const { block } = ledger.steps[size - 1] as Ledger['tip']
  const cosignKeys = new Map(ledger.members.map(({ party, keys }) => [party, keys.cosign.publicKey]))
  const note = sizes.every((one) => one === size)
    ? {
        checkpoint: checkpointNote(
          ledger.checkpoint(size - 1),
          [...ledger.cosignatures.values()],
          cosignKeys,
        ),
      }
    : {}
  return {
    verdict: ledger.members.every(({ party }) => trusted.includes(party)) ? 'valid' : 'unidentified',
    contract: ledger.contract,
    height: size - 1,
    tentativeHeights: ledger.height - size + 1,
    stateRoot: block.header.stateRoot,
    ...note,
    members: ledger.members.map(({ party }, index) => ({
      party,
      cosignedSize: sizes[index],
      identified: trusted.includes(party),
    })),
  }
}

/** Ledgers whose members all signed what is wrong. */
const SIGNED: [
  name: string,
  about: string,
  rule: string,
  place: (ledger: Ledger) => string,
  make: () => Ledger,
][] = [
  [
    'state-root-that-all-signed',
    'All have signed another state.',
    'STA-1',
    () => 'ledger block 5',
    () => ordered([], { stateRoot: hashNamed('state') }),
  ],
  [
    'entries-root-that-all-signed',
    'All have signed other entries.',
    'BLK-2',
    () => 'ledger block 5',
    () => ordered([], { entriesRoot: hashNamed('entries') }),
  ],
  [
    'log-root-that-all-signed',
    'All have signed another log.',
    'LOG-1',
    () => 'ledger block 5',
    () => ordered([], { logRoot: hashNamed('log') }),
  ],
  [
    'time-that-all-signed',
    'All have signed a time that is not later.',
    'BLK-4',
    () => 'ledger block 5',
    () => ordered([], { timeMs: genuine.tip.block.header.timeMs }),
  ],
  [
    'view-that-all-signed',
    'All have signed a view that is not later.',
    'BLK-4',
    () => 'ledger block 5',
    () => ordered([], { view: 7 }),
  ],
  [
    'expired-request-that-all-signed',
    'All have let in a request that had expired.',
    'REQ-5',
    inTip,
    () => ordered([remove], {}, alder, (l) => ({ notAfterMs: l.tip.block.header.timeMs + 999 })),
  ],
  [
    'request-of-a-stranger-that-all-signed',
    'All have let in a request of a party that is not a member.',
    'REQ-6',
    inTip,
    () => ordered([remove], {}, douglas),
  ],
  [
    'request-of-another-key-that-all-signed',
    'All have let in a request that names another key.',
    'REQ-1',
    inTip,
    () => ordered([remove], {}, alder, () => ({ authorKey: alder.keys.vote.publicKey })),
  ],
]
const remove: Operation = { op: 'delete', uid: claim, seen: hashNamed('nothing') }
function inTip({ tip }: Ledger): string {
  return `request ${tip.block.entries[0]?.request} in ledger block 5`
}
/** The story with a fifth block: a request of these operations if any, a header of these changes. */
function ordered(
  operations: Operation[],
  changes: object,
  author = alder,
  body: (ledger: Ledger) => object = () => ({}),
): Ledger {
  const ledger = story()
  const requests = operations.length === 0 ? [] : [ledger.request(author, operations, body(ledger))]
  ledger.order(requests, { header: (right) => ({ ...right, ...changes }) })
  ledger.cosign()
  return ledger
}

/** Cosignatures that are good by themselves, on something else than this ledger. */
const COSIGNED: [
  name: string,
  about: string,
  rule: string,
  place: string,
  height: number,
  changes: Partial<Checkpoint>,
][] = [
  [
    'cosignature-of-another-history',
    'A member has cosigned another history.',
    'COS-2',
    'ledger block 2',
    2,
    { root: hashNamed('root') },
  ],
  [
    'cosignature-of-another-genesis',
    'A member has cosigned another block 0.',
    'COS-2',
    'ledger block 0',
    0,
    { root: hashNamed('root') },
  ],
  [
    'cosignature-of-another-state',
    'A member has cosigned this history with another state.',
    'CHK-1',
    'ledger block 4',
    4,
    { stateRoot: hashNamed('state') },
  ],
  [
    'cosignature-past-the-end',
    'A member has cosigned more than the file holds.',
    'BUN-2',
    `cosignature of ${parties[1]}`,
    4,
    { size: 6, root: hashNamed('root') },
  ],
]

export function bundleVectors(): Vector[] {
  const vectors = new Vectors()
  const take = (
    name: string,
    about: string,
    ledger: Ledger,
    input = inputOf(ledger.lines()),
    trusted = ledger.members.map(({ party }) => party),
  ) => vectors.valid(name, about, trusting(trusted), input, outputsOf(ledger, trusted))
  const refuse = (
    name: string,
    about: string,
    input: Input,
    rule: string,
    place: string,
    verdict = 'invalid',
  ) =>
    vectors.add({
      name,
      about,
      context: trusting(parties),
      input,
      expect: { valid: false, rule, verdict, place },
    })

  take('genuine', 'Four blocks, cosigned by all to the end.', genuine)
  const lines = genuine.lines().map((line) => JSON.stringify(line))
  take('without-last-line-end', 'The last line does not end.', genuine, { text: lines.join('\n') })
  take('with-carriage-returns', 'White space before the line ends.', genuine, {
    lines: lines.map((line) => `${line}\r`),
  })
  take(
    'keys-in-another-order',
    'Keys in reverse.',
    genuine,
    inputOf(genuine.lines().map((line) => Object.fromEntries(Object.entries(line).reverse()) as BundleLine)),
  )
  take('one-member', 'A contract of one.', story({ members: [alder] }))
  take('bft-of-four', 'Four members.', story({ members: [alder, birch, cedar, douglas], quorum: 'bft' }))
  take(
    'later-card',
    'A member stands there with its second card.',
    story({ members: [rekeyed(alder, 'alder 2'), birch] }),
  )
  const young = new Ledger('young')
  young.cosign()
  take('block-0-alone', 'It ends with the genesis, which all have accepted.', young)
  const tailed = story()
  tailed.cosign(3, [birch])
  tailed.cosign(1, [cedar])
  take('tentative-tail', 'Final as far as the last to cosign: the tail is tentative.', tailed)
  const bare = new Ledger('bare')
  bare.cosign()
  bare.order([], { certify: [] })
  bare.order([], { certify: ['notarization'] })
  bare.order([])
  take('committed-by-the-last-block', 'Only the last block has a COMMIT of its own.', bare)
  const uncertified = new Ledger('uncertified')
  uncertified.cosign()
  uncertified.order([], { certify: [] })
  uncertified.cosign(1, [birch])
  take(
    'committed-by-a-cosignature',
    'The last block has no COMMIT, but one member has cosigned it.',
    uncertified,
  )
  take('signers-unidentified', 'One signer is none of those who are trusted.', genuine, undefined, [
    alder.party,
    cedar.party,
  ])
  take('signers-all-unidentified', 'Nobody is trusted.', genuine, undefined, [])

  for (const [name, about, rule, place, alter] of [...LINES, ...BLOCKS]) {
    const parts = new Parts(genuine)
    alter(parts)
    refuse(name, about, inputOf(parts.lines), rule, place)
  }
  for (const [name, about, rule, place, make] of SIGNED) {
    const ledger = make()
    refuse(name, about, inputOf(ledger.lines()), rule, place(ledger))
  }
  for (const [name, about, rule, place, height, changes] of COSIGNED) {
    const ledger = story()
    ledger.cosignatures.set(
      birch.party,
      ledger.cosignature(birch, { ...ledger.checkpoint(height), ...changes }),
    )
    refuse(name, about, inputOf(ledger.lines()), rule, place)
  }

  const without = (...kept: string[]) => lines.toSpliced(5, 1, ...kept)
  refuse(
    'line-not-json',
    'A line that is cut off.',
    { lines: without((lines[5] as string).slice(0, -1)) },
    'ENC-1',
    'line 6',
  )
  refuse('line-empty', 'An empty line.', { lines: without('', lines[5] as string) }, 'ENC-1', 'line 6')
  refuse(
    'duplicate-key',
    'A key stands twice in a line.',
    { lines: without((lines[5] as string).replace('{', '{"openings":[],')) },
    'ENC-1',
    'line 6',
  )
  const bytes = Buffer.from(`${lines.join('\n')}\n`)
  bytes[bytes.indexOf('Claim 4711')] = 0xff
  refuse(
    'not-utf-8',
    'A byte in the genesis that stands in no UTF-8.',
    { hex: bytes.toString('hex') },
    'BUN-1',
    'line 2',
  )
  const [first, ...others] = lines as [string, ...string[]]
  refuse(
    'line-too-long',
    'A line of more than 32 MiB, of white space for the most part.',
    {
      repeat: [
        [`${first}\n`, 1],
        [' ', 32 * 1024 * 1024],
        [`${others.join('\n')}\n`, 1],
      ],
    },
    'BUN-1',
    'line 2',
  )

  const unreadable = (name: string, about: string, input: Input) =>
    refuse(name, about, input, 'BUN-1', 'line 1', 'unreadable')
  unreadable('empty', 'A file of nothing.', { text: '' })
  unreadable('not-a-bundle', 'A file of something else.', { hex: '504b0304' })
  unreadable('head-missing', 'The first line is missing.', { lines: lines.slice(1) })
  unreadable('version-2', 'A version that there is not.', {
    lines: [first.replace('"version":1', '"version":2'), ...others],
  })
  unreadable('head-with-unknown-key', 'A key that no first line has.', {
    lines: [first.replace('{', '{"note":"",'), ...others],
  })
  unreadable('head-with-duplicate-key', 'A key stands twice in the first line.', {
    lines: [first.replace('{', '{"height":4,'), ...others],
  })
  unreadable('byte-order-mark', 'U+FEFF before the first line.', { lines: [`\ufeff${first}`, ...others] })

  // Whoever invents a contract can put anything into its genesis.
  const parts = new Parts(young)
  const operation = {
    op: 'create',
    uid: claim,
    parent: GENESIS_ROOT,
    name: 'Claim',
    kind: 'block',
    order: 'z',
  } as const
  parts.genesis.genesis.operations.push(operation)
  parts.head.contract = contractId(parts.genesis.genesis)
  refuse(
    'genesis-not-accepted',
    'The genesis makes an element twice.',
    inputOf(parts.lines),
    'GEN-2',
    'genesis',
  )
  const forger = rekeyed(rekeyed(alder, 'forger'), 'forger 2')
  const forged = { ...forger, card: { ...forger.card, earlier: [alder.card] } }
  refuse(
    'card-of-a-forger',
    'A card in the name of a party, behind its true first card, which did not sign it.',
    inputOf(story({ members: [forged, birch, cedar] }).lines()),
    'CARD-2',
    'member 1',
  )
  const { earlier: _, ...alone } = forger.card
  refuse(
    'card-without-the-first',
    'A later card in the name of a party, without those before it.',
    inputOf(story({ members: [{ ...forger, card: alone }, birch, cedar] }).lines()),
    'CARD-2',
    'member 1',
  )

  const uncommitted = story()
  uncommitted.order([], { certify: ['notarization'] })
  uncommitted.order([], { certify: [] })
  refuse(
    'uncommitted-tail',
    'Nobody has committed the last two blocks.',
    inputOf(uncommitted.lines()),
    'ORD-7',
    'ledger block 5',
  )
  const minority = story({ members: [alder, birch, cedar, douglas], quorum: 'bft' })
  minority.order([], { signers: [alder, birch] })
  refuse(
    'committed-by-a-minority',
    'Two of four have committed the last block, where three are needed.',
    inputOf(minority.lines()),
    'ORD-1',
    'ledger block 5',
  )
  return vectors.all
}
