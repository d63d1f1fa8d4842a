/** A genuine bundle altered: its ledger blocks, requests, openings and certificates. */
import { base64UrlEncode } from '../../src/crypto/bytes.ts'
import type { Certificate } from '../../src/ledger/certificate.ts'
import type { BlockLine } from '../../src/verify/bundle.ts'
import { type Alteration, genuine, story } from './bundle-story.ts'
import { hashNamed, seeded } from './world.ts'

const idAt = (height: number, index: number) => genuine.steps[height]?.block.entries[index]?.request as string
const other = (text: string) => (text.startsWith('A') ? 'B' : 'A') + text.slice(1)

export const BLOCKS: Alteration[] = [
  [
    'block-missing',
    'A ledger block is missing.',
    'BLK-4',
    'ledger block 3',
    (p) => p.lines.splice(p.indexOf(2), 1),
  ],
  [
    'blocks-swapped',
    'Two ledger blocks in the wrong order.',
    'BLK-4',
    'ledger block 3',
    (p) => p.lines.splice(p.indexOf(2), 0, ...p.lines.splice(p.indexOf(3), 1)),
  ],
  [
    'block-twice',
    'A ledger block a second time.',
    'BLK-4',
    'ledger block 2',
    (p) => p.lines.splice(p.indexOf(2), 0, p.block(2)),
  ],
  [
    'block-of-another-contract',
    'A ledger block of another contract.',
    'BLK-1',
    'ledger block 3',
    (p) => Object.assign(p.block(3), story({}, 'another').blockLine(3)),
  ],
  [
    'altered-time',
    'A header has another time: its certificates are for another block.',
    'ORD-1',
    'ledger block 3',
    (p) => Object.assign(p.block(3).block.header, { timeMs: p.block(3).block.header.timeMs + 1 }),
  ],
  [
    'altered-parent',
    'A header has another parent.',
    'BLK-4',
    'ledger block 3',
    (p) => Object.assign(p.block(3).block.header, { parent: hashNamed('parent') }),
  ],
  [
    'altered-state-root',
    'A header has another state root.',
    'STA-1',
    'ledger block 3',
    (p) => Object.assign(p.block(3).block.header, { stateRoot: hashNamed('state') }),
  ],
  [
    'altered-last-header',
    'The last header has another time, and its certificates are taken away: the cosignatures know better.',
    'COS-2',
    'ledger block 4',
    (p) => {
      const line = p.block(4)
      line.block.header.timeMs += 1
      Reflect.deleteProperty(line, 'notarization')
      Reflect.deleteProperty(line, 'finalization')
    },
  ],

  [
    'altered-request',
    'A request lives longer than its author said.',
    'REQ-1',
    `request ${idAt(1, 0)} in ledger block 1`,
    (p) => {
      const signed = p.block(1).requests[0] as BlockLine['requests'][0]
      signed.request.notAfterMs += 1
    },
  ],
  [
    'request-with-bad-signature',
    'A request has the signature of the other.',
    'SIG-1',
    `request ${idAt(1, 1)} in ledger block 1`,
    (p) => Object.assign(p.block(1).requests[1] as object, { signature: p.block(1).requests[0]?.signature }),
  ],
  [
    'request-missing',
    'The last request of a block is missing.',
    'REQ-1',
    `request ${idAt(2, 2)} in ledger block 2`,
    (p) => {
      p.block(2).requests.pop()
      p.block(2).openings.pop()
    },
  ],
  [
    'requests-swapped',
    'Two requests stand in another order than their entries.',
    'REQ-1',
    `request ${idAt(1, 0)} in ledger block 1`,
    (p) => p.block(1).requests.reverse(),
  ],
  [
    'request-too-many',
    'A request without an entry.',
    'BLK-2',
    'ledger block 3',
    (p) => p.block(3).requests.push(p.block(4).requests[0] as never),
  ],
  [
    'request-replayed',
    'A request and its entry of an earlier block stand there again.',
    'REQ-5',
    `request ${idAt(1, 0)} in ledger block 3`,
    (p) => {
      p.block(3).requests.push(p.block(1).requests[0] as never)
      p.block(3).block.entries.push(p.block(1).block.entries[0] as never)
      p.block(3).openings.push(p.block(1).openings[0] as never)
    },
  ],
  [
    'altered-outcome',
    'A conflicted request claims to be accepted.',
    'REQ-4',
    `request ${idAt(2, 1)} in ledger block 2`,
    (p) => {
      p.block(2).block.entries[1] = { kind: 'request', request: idAt(2, 1), outcome: 'accepted' }
    },
  ],
  [
    'altered-code',
    'A rejected request claims another code.',
    'REQ-4',
    `request ${idAt(2, 2)} in ledger block 2`,
    (p) => Object.assign(p.block(2).block.entries[2] as object, { code: 'uid-in-use' }),
  ],

  [
    'altered-opening',
    'A value is another than was committed to.',
    'VAL-2',
    'ledger block 1',
    (p) => Object.assign(p.block(1).openings[1] as object, { value: '1200.5' }),
  ],
  [
    'altered-salt',
    'A salt is another than was committed with.',
    'VAL-2',
    'ledger block 1',
    (p) => Object.assign(p.block(1).openings[0] as object, { salt: base64UrlEncode(seeded('salt', 16)) }),
  ],
  [
    'opening-missing',
    'An opening is missing.',
    'VAL-2',
    'ledger block 2',
    (p) => p.block(2).openings.shift(),
  ],
  [
    'opening-twice',
    'An opening stands there twice.',
    'VAL-2',
    'ledger block 1',
    (p) => p.block(1).openings.push(p.block(1).openings[0] as never),
  ],
  [
    'opening-of-something-else',
    'An opening that nothing in its block commits to.',
    'VAL-2',
    'ledger block 3',
    (p) => p.block(3).openings.push(...p.block(1).openings),
  ],
  [
    'opening-malformed',
    'A salt of nothing.',
    'VAL-1',
    'ledger block 1',
    (p) => Object.assign(p.block(1).openings[0] as object, { salt: '' }),
  ],

  [
    'certificate-below-quorum',
    'A finalization of one of three.',
    'ORD-1',
    'ledger block 3',
    (p) => p.block(3).finalization?.signatures.splice(1),
  ],
  [
    'certificate-counts-one-twice',
    'A notarization counts one member twice.',
    'ORD-1',
    'ledger block 3',
    (p) => p.block(3).notarization?.signatures.splice(1, 2, p.block(3).notarization?.signatures[0] as never),
  ],
  [
    'certificate-with-bad-signature',
    'A finalization has a bad signature beside two good ones.',
    'ORD-1',
    'ledger block 3',
    (p) => {
      const { signatures } = p.block(3).finalization as Certificate
      const [, signed] = signatures[2] as Certificate['signatures'][0]
      signed.signature = other(signed.signature)
    },
  ],
  [
    'certificate-of-another-block',
    'The notarization of the next block.',
    'ORD-1',
    'ledger block 3',
    (p) => Object.assign(p.block(3), { notarization: p.block(4).notarization }),
  ],
  [
    'certificate-of-another-view',
    'A notarization says another view than the block.',
    'ORD-1',
    'ledger block 3',
    (p) => Object.assign(p.block(3).notarization as object, { view: 4 }),
  ],
  [
    'certificate-of-another-kind',
    'A notarization in the place of the finalization.',
    'ORD-1',
    'ledger block 3',
    (p) => Object.assign(p.block(3), { finalization: p.block(3).notarization }),
  ],
  [
    'certificate-of-votes',
    'VOTEs in a finalization.',
    'ORD-1',
    'ledger block 3',
    (p) => Object.assign(p.block(3), { finalization: { ...p.block(3).notarization, kind: 'finalization' } }),
  ],
  [
    'certificate-malformed',
    'A list in place of a certificate.',
    'ORD-1',
    'ledger block 3',
    (p) => Object.assign(p.block(3), { notarization: [] }),
  ],
]
