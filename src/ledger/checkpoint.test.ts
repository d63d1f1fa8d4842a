import { createHash, createPublicKey, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { expectStrict } from '../../test/support/hostile-json.ts'
import { storyLedger } from '../../test/support/ledger-fixture.ts'
import type { FixtureParty } from '../../test/support/ledger-parties.ts'
import { jcs } from '../crypto/jcs.ts'
import { generateKeyPair } from '../crypto/keys.ts'
import {
  cosignatureOf,
  NOTE_COSIGNATURE_V1,
  noteKeyId,
  parseNote,
  verifyCosignature,
} from '../crypto/note.ts'
import {
  type Checkpoint,
  type Cosignature,
  checkCosignatureShape,
  checkpointBody,
  checkpointNote,
  checkpointOf,
  cosign,
  cosignatureVerifies,
  cosignedCheckpoint,
  sameCheckpoint,
} from './checkpoint.ts'

const ledger = storyLedger(3, { members: 2 })
const [alder, birch] = ledger.members as [FixtureParty, FixtureParty]
const { contract } = ledger
const bad = (code: string) => expect.objectContaining({ code })
const key = alder.keys.cosign.publicKey

/** Of round numbers, so that every byte can be written down. */
const checkpoint: Checkpoint = {
  contract: 'c0'.repeat(32),
  lineage: 0,
  epoch: 2,
  size: 12,
  root: '00'.repeat(32),
  block: 'b1'.repeat(32),
  stateRoot: '5a'.repeat(32),
}
const BODY = [
  `countersign/${'c0'.repeat(32)}/0`,
  '12',
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
  'epoch 2',
  `block ${'b1'.repeat(32)}`,
  `state ${'5a'.repeat(32)}`,
  '',
].join('\n')

/** A reader of C2SP signed notes that shares nothing with ours: body, and name, key ID, time and signature of each line. */
function readNote(note: string) {
  const end = note.indexOf('\n\n')
  const lines = note.slice(end + 2).split('\n')
  expect(lines.pop()).toBe('')
  const signatures = lines.map((line) => {
    const [, name, blob] = /^\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})$/.exec(line) as unknown as [
      string,
      string,
      string,
    ]
    const bytes = Buffer.from(blob, 'base64')
    expect(bytes.length).toBe(4 + 8 + 64)
    return {
      name,
      keyId: bytes.subarray(0, 4),
      time: bytes.readBigUInt64BE(4),
      signature: bytes.subarray(12),
    }
  })
  return { body: note.slice(0, end + 1), signatures }
}

const publicKeyOf = (x: string) => createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })

describe('a checkpoint', () => {
  it('[CHK-1] is the text of a C2SP tlog-checkpoint: origin, size, root, and lines of epoch, block and state', () => {
    expect(checkpointBody(checkpoint)).toBe(BODY)
    expect(checkpointBody({ ...checkpoint, lineage: 3, epoch: 0, size: 1 })).toBe(
      BODY.replace('/0\n12\n', '/3\n1\n').replace('epoch 2', 'epoch 0'),
    )
  })

  it('[CHK-1] of a ledger block is of the height plus one, the log’s root with that block in it, and the block’s own hash', () => {
    const { block, hash, root } = ledger.tip
    expect(checkpointOf(block.header, root)).toEqual({
      contract,
      lineage: 0,
      epoch: 0,
      size: 4,
      root,
      block: hash,
      stateRoot: block.header.stateRoot,
    })
  })

  it('[CHK-1] is the same only with every line the same', () => {
    expect(sameCheckpoint(checkpoint, { ...checkpoint })).toBe(true)
    const other = '1'.repeat(64)
    for (const change of [
      { epoch: 0 },
      { size: 13 },
      { root: other },
      { block: other },
      { stateRoot: other },
    ])
      expect(sameCheckpoint(checkpoint, { ...checkpoint, ...change })).toBe(false)
  })
})

describe('a cosignature', () => {
  const time = 1_750_000_000
  const cosigned = cosign(alder.keys.cosign.privateKey, alder.party, checkpoint, time)
  const verifies = (one: Cosignature, place = checkpoint, by = key) =>
    cosignatureVerifies(by, place.contract, place.lineage, one)

  it('[CHK-2] is on the checkpoint it carries, by the cosign key of the card', () => {
    expect(checkCosignatureShape(cosigned)).toBe(cosigned)
    expect(verifies(cosigned)).toBe(true)
    const { contract, lineage, ...said } = checkpoint
    const { signature } = cosigned
    expect(cosigned).toEqual({ party: alder.party, ...said, timeS: time, signature })
    expect(cosignedCheckpoint(contract, lineage, cosigned)).toEqual(checkpoint)
  })

  it('[CHK-2] is what C2SP tlog-cosignature v1 signs: header, time and the whole body', () => {
    const message = Buffer.from(`cosignature/v1\ntime 1750000000\n${BODY}`)
    expect(verify(null, message, publicKeyOf(key), Buffer.from(cosigned.signature, 'base64url'))).toBe(true)
  })

  it('[CHK-2] in a note is read by others: key ID, big-endian time, signature', () => {
    const second = cosign(birch.keys.cosign.privateKey, birch.party, checkpoint, 7)
    const keys = new Map([alder, birch].map((one) => [one.party, one.keys.cosign.publicKey]))
    const { body, signatures } = readNote(checkpointNote(checkpoint, [cosigned, second], keys))
    expect(body).toBe(BODY)
    expect(signatures.map(({ name }) => name)).toEqual([
      `countersign/${alder.party}`,
      `countersign/${birch.party}`,
    ])
    for (const [index, { name, keyId, time: at, signature }] of signatures.entries()) {
      const x = keys.get([alder, birch][index]?.party ?? '') as string
      const id = createHash('sha256')
        .update(`${name}\n`)
        .update(Buffer.of(4))
        .update(Buffer.from(x, 'base64url'))
      expect(keyId).toEqual(id.digest().subarray(0, 4))
      expect(at).toBe([BigInt(time), 7n][index])
      const message = Buffer.from(`cosignature/v1\ntime ${at}\n${body}`)
      expect(verify(null, message, publicKeyOf(x), signature)).toBe(true)
    }
  })

  it('[CHK-2] in a note stands there byte for byte', () => {
    const pair = generateKeyPair(new Uint8Array(32).fill(1))
    const party = 'aa'.repeat(32)
    const one = cosign(pair.privateKey, party, checkpoint, 1_750_000_000)
    const signature = Buffer.from(one.signature, 'base64url')
    const name = `countersign/${party}`
    const id = createHash('sha256')
      .update(`${name}\n\u0004`)
      .update(Buffer.from('8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c', 'hex'))
      .digest('hex')
      .slice(0, 8)
    // 1,750,000,000 is 0x684ee180.
    const blob = Buffer.concat([Buffer.from(`${id}00000000684ee180`, 'hex'), signature]).toString('base64')
    const note = checkpointNote(checkpoint, [one], new Map([[party, pair.publicKey]]))
    expect(note).toBe(`${BODY}\n\u2014 ${name} ${blob}\n`)
  })

  it('[CHK-2] in a note is read by our own room as well', () => {
    const { body, signatures } = parseNote(
      checkpointNote(checkpoint, [cosigned], new Map([[alder.party, key]])),
    )
    const [line] = signatures.map(cosignatureOf)
    expect(line && verifyCosignature(key, body, line)).toBe(true)
    expect(line?.keyId).toBe(noteKeyId(`countersign/${alder.party}`, NOTE_COSIGNATURE_V1, key))
  })

  it('[CHK-2] is nothing in another contract or lineage, at another time, on another checkpoint, by another key', () => {
    for (const place of [
      { ...checkpoint, contract },
      { ...checkpoint, lineage: 1 },
    ])
      expect(verifies(cosigned, place)).toBe(false)
    const other = '1'.repeat(64)
    const changes = [
      { epoch: 0 },
      { size: 13 },
      { root: other },
      { block: other },
      { stateRoot: other },
      { timeS: 0 },
    ]
    for (const change of changes) expect(verifies({ ...cosigned, ...change })).toBe(false)
    for (const use of ['vote', 'author', 'root'] as const)
      expect(verifies(cosigned, checkpoint, alder.keys[use].publicKey)).toBe(false)
    expect(verifies(cosigned, checkpoint, birch.keys.cosign.publicKey)).toBe(false)
  })

  it('[CHK-2] is on the log of the ledger it is of', () => {
    for (const one of ledger.cosignatures.values()) {
      const { keys } = ledger.members.find(({ party }) => party === one.party) as FixtureParty
      expect(cosignatureVerifies(keys.cosign.publicKey, contract, 0, one)).toBe(true)
      expect(sameCheckpoint(one, checkpointOf(ledger.tip.block.header, ledger.tip.root))).toBe(true)
    }
  })

  it('[CHK-2] of a party whose key is not known makes no note', () => {
    expect(() => checkpointNote(checkpoint, [cosigned], new Map())).toThrow(bad('unknown-party'))
  })

  it('[CHK-2] has exactly the keys of its format', () => {
    for (const key of Object.keys(cosigned)) {
      const { [key as keyof Cosignature]: _, ...rest } = cosigned
      expect(() => checkCosignatureShape(rest)).toThrow(bad('bad-format'))
    }
    for (const change of [
      { size: 0 },
      { size: 2 ** 53 },
      { timeS: -1 },
      { timeS: 253_402_300_800 },
      { timeS: 1.5 },
      { epoch: -1 },
      { party: 'x' },
      { signature: `${cosigned.signature}==` },
      { contract },
      { lineage: 0 },
    ])
      expect(() => checkCosignatureShape({ ...cosigned, ...change })).toThrow(bad('bad-format'))
  })

  it('[CHK-2] altered in any way is refused, or does not verify', () => {
    const keys = new Map(ledger.members.map((one) => [one.party, one.keys.cosign.publicKey]))
    const identity = (one: Cosignature) => `${verifies(one, checkpoint, keys.get(one.party) ?? key)}`
    // Only the party is not signed: its key is asked for by it.
    expectStrict(checkCosignatureShape, { ...cosigned }, (one) =>
      one.party === alder.party ? identity(one) : jcs(one),
    )
  })
})
