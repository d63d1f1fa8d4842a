/** Checkpoints as signed notes, and cosignatures as members send them (PROTOCOL CHK-1, CHK-2). */
import {
  base64Encode,
  base64UrlDecode,
  base64UrlEncode,
  concat,
  hexDecode,
  utf8,
} from '../../src/crypto/bytes.ts'
import type { KeyPair } from '../../src/crypto/keys.ts'
import { NOTE_COSIGNATURE_V1, NOTE_ED25519, noteKeyId } from '../../src/crypto/note.ts'
import { ed25519Sign } from '../../src/crypto/provider.ts'
import { type Checkpoint, checkpointBody, cosign } from '../../src/ledger/checkpoint.ts'
import { json, type Vector, Vectors } from './vector.ts'
import { alder, birch, douglas, type Holder, hashNamed, Ledger, rekeyed } from './world.ts'

const members = [alder, birch]
const ledger = new Ledger('checkpoints', { members })
ledger.order([ledger.request(alder, [])])
ledger.order([])
const { tip, contract } = ledger
const checkpoint = ledger.checkpoint()
const body = checkpointBody(checkpoint)
const TIME_S = 1_750_100_000

/** The block that the checkpoint is of, the root of the log with it, and the members' cosign keys. */
const context = {
  header: tip.block.header,
  root: tip.root,
  members: members.map(({ party, keys }) => ({ party, cosign: keys.cosign.publicKey })),
}

/** What is wrong with a signature line where something is. */
type Fault = {
  name?: string
  algorithm?: number
  key?: KeyPair
  message?: (body: string, timeS: number) => string
  timeS?: number
  bytes?: (line: Uint8Array) => Uint8Array
}
const cosignatureOf = (signed: string, timeS: number) => `cosignature/v1\ntime ${timeS}\n${signed}`

/** A member's signature line on a body, whatever that is. */
function line(by: Holder, signed: string, fault: Fault = {}): string {
  const { name = `countersign/${by.party}`, algorithm = NOTE_COSIGNATURE_V1, key = by.keys.cosign } = fault
  const { message = cosignatureOf, timeS = TIME_S, bytes = (right) => right } = fault
  const signature = ed25519Sign(key.privateKey, utf8(message(signed, TIME_S)))
  const keyId = hexDecode(noteKeyId(`countersign/${by.party}`, algorithm, by.keys.cosign.publicKey))
  const time = new Uint8Array(8)
  new DataView(time.buffer).setBigUint64(0, BigInt(timeS))
  return `— ${name} ${base64Encode(bytes(concat(keyId, time, signature)))}\n`
}
const note = (signed: string, lines = members.map((member) => line(member, signed))) => ({
  text: `${signed}\n${lines.join('')}`,
})
/** The note on the right body with Birch's line at fault. */
const faulty = (fault: Fault) => note(body, [line(alder, body), line(birch, body, fault)])

const rows = body.slice(0, -1).split('\n')
const [origin, size, root, epoch, block, state] = rows as [string, string, string, string, string, string]
/** A body of these rows. */
const made = (...lines: string[]) => `${lines.join('\n')}\n`
const extensions = [epoch, block, state]

const BODIES: [name: string, about: string, body: string, code?: string][] = [
  [
    'wrong-extension-order',
    'The block stands before the epoch.',
    made(origin, size, root, block, epoch, state),
  ],
  ['extension-missing', 'No state.', made(origin, size, root, epoch, block)],
  ['extension-too-many', 'An extension line that there is not.', made(...rows, 'note x')],
  ['extension-twice', 'The state stands there twice.', made(...rows, state)],
  [
    'extension-in-capitals',
    'The hash of the block in capitals.',
    made(origin, size, root, epoch, `block ${block.slice(6).toUpperCase()}`, state),
  ],
  ['epoch-another', 'Another epoch.', made(origin, size, root, 'epoch 1', block, state)],
  ['block-another', 'Another block.', made(origin, size, root, epoch, `block ${hashNamed('block')}`, state)],
  ['state-another', 'Another state.', made(origin, size, root, epoch, block, `state ${hashNamed('state')}`)],
  [
    'size-of-the-height',
    'The height in place of the size.',
    made(origin, `${tip.block.header.height}`, root, ...extensions),
  ],
  [
    'size-with-leading-zero',
    'A zero before the size.',
    made(origin, `0${size}`, root, ...extensions),
    'bad-format',
  ],
  [
    'root-another',
    'Another root.',
    made(origin, size, base64Encode(hexDecode(hashNamed('root'))), ...extensions),
  ],
  [
    'root-before-the-block',
    'The root of the log without the block.',
    made(origin, size, base64Encode(hexDecode(tip.block.header.logRoot)), ...extensions),
  ],
  ['root-in-hex', 'The root in hex.', made(origin, size, tip.root, ...extensions), 'bad-format'],
  [
    'root-without-padding',
    'Base64 without padding.',
    made(origin, size, root.replace('=', ''), ...extensions),
    'bad-format',
  ],
  [
    'origin-of-another-contract',
    'Another contract.',
    made(`countersign/${hashNamed('contract')}/0`, size, root, ...extensions),
  ],
  [
    'origin-of-another-lineage',
    'Another lineage.',
    made(`countersign/${contract}/1`, size, root, ...extensions),
  ],
  ['origin-without-lineage', 'No lineage.', made(`countersign/${contract}`, size, root, ...extensions)],
]

const LINES: [name: string, about: string, fault: Fault, code?: string][] = [
  [
    'bad-signature',
    'Signed was another checkpoint.',
    { message: (_, timeS) => cosignatureOf(checkpointBody(ledger.checkpoint(1)), timeS) },
  ],
  ['signed-by-another-key', 'The vote key has signed.', { key: birch.keys.vote }],
  [
    'signed-by-an-older-key',
    'A key has signed that is not that of the card in force.',
    { key: rekeyed(birch, 'birch 2').keys.cosign },
  ],
  ['signed-without-time', 'Signed is the body alone.', { message: (signed) => signed }],
  [
    'signed-in-milliseconds',
    'Signed is a time in milliseconds.',
    { message: (signed, timeS) => cosignatureOf(signed, timeS * 1000) },
  ],
  [
    'signed-without-last-line-end',
    'Signed is the body without its last line end.',
    { message: (signed, timeS) => cosignatureOf(signed.slice(0, -1), timeS) },
  ],
  ['time-altered', 'Another time than was signed.', { timeS: TIME_S + 1 }],
  [
    'key-id-of-another-algorithm',
    'A key ID as of a plain signature: the key of nobody known.',
    { algorithm: NOTE_ED25519 },
  ],
  [
    'name-of-another-party',
    'A name that does not belong to the key ID: the key of nobody known.',
    { name: `countersign/${douglas.party}` },
  ],
  ['name-without-prefix', 'The party id alone as name: the key of nobody known.', { name: birch.party }],
  [
    'signature-without-time',
    'A plain signature where a cosignature should be.',
    { bytes: (right) => concat(right.slice(0, 4), right.slice(12)) },
    'bad-format',
  ],
]

export function checkpointVectors(): Vector[] {
  const vectors = new Vectors()
  const cosigners = members.map(({ party }) => [party, TIME_S])
  vectors.valid('all-members', 'A checkpoint with the cosignatures of all.', context, note(body), {
    cosigners,
  })
  const [first, second] = members.map((member) => line(member, body)) as [string, string]
  vectors.valid(
    'cosignatures-in-another-order',
    'The cosignatures the other way round.',
    context,
    note(body, [second, first]),
    { cosigners },
  )
  const witness = line(douglas, body, { name: 'witness.example/w1' })
  vectors.valid(
    'with-a-witness',
    'The cosignature of a witness that nobody here knows stands between the others.',
    context,
    note(body, [first, witness, second]),
    { cosigners },
  )

  for (const [name, about, altered, code] of BODIES)
    vectors.invalid(name, about, context, note(altered), 'CHK-1', code)
  for (const [name, about, fault, code] of LINES)
    vectors.invalid(name, about, context, faulty(fault), 'CHK-2', code)
  const refuse = (name: string, about: string, text: string, code?: string) =>
    vectors.invalid(name, about, context, { text }, 'CHK-2', code)
  const right = note(body).text
  refuse('cosignature-missing', 'One member has not cosigned.', note(body, [first]).text)
  refuse(
    'cosignature-of-one-twice',
    'One member has cosigned twice, the other not.',
    note(body, [first, line(alder, body)]).text,
  )
  refuse('no-cosignatures', 'The body alone.', body, 'bad-format')
  refuse('empty-line-missing', 'No empty line behind the body.', right.replace('\n\n', '\n'), 'bad-format')
  refuse('last-line-end-missing', 'The last line does not end.', right.slice(0, -1), 'bad-format')
  refuse(
    'hyphen-in-place-of-dash',
    'Signature lines begin with U+2014.',
    right.replace('— ', '- '),
    'bad-format',
  )
  refuse(
    'signature-in-base64url',
    'The alphabet with - and _, without padding.',
    note(body, [
      first,
      second
        .replaceAll('+', '-')
        .replaceAll('/', '_')
        .replace('countersign_', 'countersign/')
        .replaceAll('=', ''),
    ]).text,
    'bad-format',
  )
  const bytes = Buffer.from(note(body, [first, witness, second]).text)
  bytes[bytes.indexOf('witness')] = 0xff
  const hex = bytes.toString('hex')
  vectors.invalid(
    'not-utf-8',
    'A byte that stands in no UTF-8, in the name of a witness.',
    context,
    { hex },
    'CHK-2',
    'bad-format',
  )
  const stray = right.replace(
    /(.)==\n$/,
    (_, digit: string) => `${String.fromCharCode(digit.charCodeAt(0) + 1)}==\n`,
  )
  refuse('signature-with-stray-bits', 'The last digit has bits that stand for nothing.', stray, 'bad-format')
  const tab = witness.replace('witness', 'wit\tness')
  refuse(
    'control-character',
    'A tab in the name of a witness.',
    note(body, [first, tab, second]).text,
    'bad-format',
  )
  refuse('carriage-returns', 'Lines ended by CR LF.', right.replaceAll('\n', '\r\n'), 'bad-format')
  return vectors.all
}

/** Cosignatures are of one checkpoint, by one member. */
export function cosignatureVectors(): Vector[] {
  const vectors = new Vectors()
  const sign = (changes: Partial<Checkpoint> = {}, by = birch, key = by.keys.cosign, timeS = TIME_S) =>
    cosign(key.privateKey, by.party, { ...checkpoint, ...changes }, timeS)
  const right = sign()
  vectors.valid('good', 'A member’s cosignature of the checkpoint.', context, json(right), { body })
  const old = cosign(alder.keys.cosign.privateKey, alder.party, checkpoint, 0)
  vectors.valid('at-time-0', 'The cosigner’s clock stood at 1970; it is signed with.', context, json(old), {
    body,
  })

  const refuse = (name: string, about: string, value: unknown, rule = 'CHK-2', code?: string) =>
    vectors.invalid(name, about, context, json(value), rule, code)
  const other = { ...right, signature: sign({ size: 1 }).signature }
  refuse('bad-signature', 'Signed was another size.', other)
  refuse('time-altered', 'Another time than was signed.', { ...right, timeS: TIME_S + 1 })
  refuse('size-altered', 'Another size than was signed.', { ...right, size: 2 })
  refuse('state-altered', 'Another state than was signed.', { ...right, stateRoot: hashNamed('state') })
  refuse('signed-by-another-key', 'The vote key has signed.', sign({}, birch, birch.keys.vote))
  refuse('of-another-member', 'Another member has signed.', { ...sign({}, alder), party: birch.party })
  refuse('of-a-stranger', 'Its party is not a member.', sign({}, douglas))
  refuse('for-another-contract', 'Signed for another contract.', sign({ contract: hashNamed('contract') }))
  refuse('for-another-lineage', 'Signed for another lineage.', sign({ lineage: 1 }))
  const plain = base64UrlEncode(ed25519Sign(birch.keys.cosign.privateKey, utf8(body)))
  refuse('signed-without-time', 'Signed is the body alone.', { ...right, signature: plain })

  refuse(
    'of-another-root',
    'Rightly signed, but of another history of this size.',
    sign({ root: hashNamed('root') }),
    'COS-2',
  )
  refuse(
    'of-another-block',
    'Rightly signed, with another block.',
    sign({ block: hashNamed('block') }),
    'CHK-1',
  )
  refuse(
    'of-another-state',
    'Rightly signed, with another state.',
    sign({ stateRoot: hashNamed('state') }),
    'CHK-1',
  )
  refuse('of-another-epoch', 'Rightly signed, with another epoch.', sign({ epoch: 1 }), 'CHK-1')

  const malformed = (name: string, about: string, value: unknown) =>
    refuse(name, about, value, 'CHK-2', 'bad-format')
  malformed('size-0', 'Nobody cosigns nothing.', { ...right, size: 0 })
  malformed(
    'time-missing',
    'No time.',
    Object.fromEntries(Object.entries(right).filter(([key]) => key !== 'timeS')),
  )
  malformed('time-negative', 'A time before 1970.', { ...right, timeS: -1 })
  const late = sign({}, birch, undefined, 253_402_300_800)
  malformed('time-past-the-year-9999', 'Rightly signed, at a time past the last one.', late)
  malformed('unknown-key', 'A key that no cosignature has.', { ...right, contract })
  const { signature } = right
  malformed('signature-in-base64', 'Base64 with padding.', {
    ...right,
    signature: base64Encode(base64UrlDecode(signature)),
  })
  malformed('root-in-base64', 'The root in base64.', { ...right, root: base64Encode(hexDecode(right.root)) })
  const twice = { text: JSON.stringify(right).replace('"size":', '"size":1,"size":') }
  vectors.invalid('duplicate-key', 'The size stands there twice.', context, twice, 'ENC-1', 'bad-json')
  return vectors.all
}
