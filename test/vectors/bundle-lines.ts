/** A genuine bundle altered: its lines, its genesis, its cosignatures. */
import { type Alteration, genuine, parties } from './bundle-story.ts'
import { douglas, hashNamed } from './world.ts'

/** The genuine bundle altered by somebody who holds no keys. */
export const LINES: Alteration[] = [
  [
    'head-twice',
    'The first line a second time.',
    'BUN-1',
    'line 2',
    ({ lines, head }) => lines.splice(1, 0, head),
  ],
  ['genesis-missing', 'No genesis.', 'BUN-1', 'line 2', ({ lines }) => lines.splice(1, 1)],
  [
    'genesis-twice',
    'The genesis a second time.',
    'BUN-1',
    'line 6',
    ({ lines, genesis }) => lines.splice(5, 0, genesis),
  ],
  [
    'cosignature-behind-a-block',
    'A cosignature behind a ledger block.',
    'BUN-1',
    'line 7',
    (p) => p.lines.splice(6, 0, p.cosignature(0)),
  ],
  [
    'line-of-an-unknown-type',
    'A type that there is not.',
    'BUN-1',
    'line 6',
    ({ lines }) => lines.splice(5, 0, { type: 'comment' } as never),
  ],
  [
    'line-with-unknown-key',
    'A key that no such line has.',
    'BUN-1',
    'line 6',
    (p) => Object.assign(p.block(1), { note: '' }),
  ],
  [
    'line-without-openings',
    'A key is missing.',
    'BUN-1',
    'line 7',
    (p) => Reflect.deleteProperty(p.block(2), 'openings'),
  ],
  [
    'requests-by-name',
    'An object in place of the list of requests.',
    'BUN-1',
    'line 6',
    (p) => Object.assign(p.block(1), { requests: { ...p.block(1).requests } }),
  ],
  [
    'end-with-height-as-text',
    'A height written as a string.',
    'BUN-1',
    'line 10',
    ({ end }) => Object.assign(end, { height: '4' }),
  ],
  [
    'line-without-type',
    'A line that does not say what it is.',
    'BUN-1',
    'line 3',
    (p) => Reflect.deleteProperty(p.cosignature(0), 'type'),
  ],
  [
    'line-a-list',
    'A line that is no object.',
    'BUN-1',
    'line 6',
    ({ lines }) => lines.splice(5, 0, [] as never),
  ],
  ['end-missing', 'The last line is missing.', 'BUN-1', 'line 10', ({ lines }) => lines.pop()],
  [
    'end-at-another-height',
    'The last line says another height.',
    'BUN-1',
    'line 10',
    ({ end }) => Object.assign(end, { height: 5 }),
  ],
  [
    'head-at-another-height',
    'The first line says another height.',
    'BUN-1',
    'line 10',
    ({ head }) => Object.assign(head, { height: 3 }),
  ],
  ['line-behind-the-end', 'A line behind the last.', 'BUN-1', 'line 11', ({ lines, end }) => lines.push(end)],
  ['tail-missing', 'The last two blocks are missing.', 'BUN-1', 'line 8', ({ lines }) => lines.splice(7, 2)],
  [
    'tail-missing-and-denied',
    'The last block is missing, and both heights say so: the cosignatures know better.',
    'BUN-2',
    `cosignature of ${parties[0]}`,
    ({ lines, head, end }) => {
      lines.splice(8, 1)
      head.height = 3
      end.height = 3
    },
  ],

  [
    'contract-another',
    'The first line names another contract.',
    'GEN-1',
    'genesis',
    ({ head }) => Object.assign(head, { contract: hashNamed('contract') }),
  ],
  [
    'altered-genesis',
    'The genesis has another time.',
    'GEN-1',
    'genesis',
    ({ genesis }) => Object.assign(genesis.genesis, { timeMs: 1 }),
  ],
  [
    'altered-quorum',
    'The genesis has another quorum.',
    'GEN-1',
    'genesis',
    ({ genesis }) => Object.assign(genesis.genesis.policy, { quorum: 'unanimous' }),
  ],
  [
    'members-in-another-order',
    'The members lead in another order.',
    'GEN-1',
    'genesis',
    ({ genesis }) => genesis.genesis.members.reverse(),
  ],
  [
    'altered-card',
    'A member’s card has another name.',
    'CARD-1',
    'member 2',
    ({ genesis }) => Object.assign(genesis.genesis.members[1]?.card as object, { name: 'Birch Shopping' }),
  ],
  [
    'card-with-bad-signature',
    'A member’s card has the signature of another.',
    'CARD-1',
    'member 3',
    ({ genesis: { genesis } }) =>
      Object.assign(genesis.members[2] as object, { signature: genesis.members[1]?.signature }),
  ],
  [
    'genesis-opening-altered',
    'A value of the genesis is another than was committed to.',
    'VAL-2',
    'genesis',
    ({ genesis }) => Object.assign(genesis.openings[0] as object, { value: 'USD' }),
  ],
  [
    'genesis-opening-missing',
    'An opening of the genesis is missing.',
    'VAL-2',
    'genesis',
    ({ genesis }) => genesis.openings.pop(),
  ],

  [
    'cosignature-missing',
    'A member has signed nothing here.',
    'COS-3',
    `cosignature of ${parties[1]}`,
    ({ lines }) => lines.splice(3, 1),
  ],
  [
    'cosignature-twice',
    'A member has signed twice.',
    'BUN-1',
    `cosignature of ${parties[0]}`,
    (p) => p.lines.splice(3, 0, p.cosignature(0)),
  ],
  [
    'cosignature-with-bad-signature',
    'A cosignature has the signature of another.',
    'CHK-2',
    `cosignature of ${parties[2]}`,
    (p) => Object.assign(p.cosignature(2), { signature: p.cosignature(0).signature }),
  ],
  [
    'cosignature-of-a-smaller-size',
    'A cosignature says another size than was signed.',
    'CHK-2',
    `cosignature of ${parties[0]}`,
    (p) => Object.assign(p.cosignature(0), { size: 4 }),
  ],
  [
    'cosignature-of-a-stranger',
    'A cosignature of a party that is not a member.',
    'CHK-2',
    `cosignature of ${douglas.party}`,
    ({ lines }) => lines.splice(5, 0, { type: 'cosignature', ...genuine.cosignature(douglas) }),
  ],
  [
    'cosignature-without-party',
    'A cosignature of nobody.',
    'CHK-2',
    'cosignature of nobody',
    (p) => Reflect.deleteProperty(p.cosignature(0), 'party'),
  ],
]
