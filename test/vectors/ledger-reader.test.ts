/**
 * The frozen ledger read by a second implementation, made from PROTOCOL.md with nothing of src/: what README.md tells others
 * to do. It is short because it trusts the file’s form, which our own parsers don’t.
 */
import { createHash, createPublicKey, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import file from './ledger.json' with { type: 'json' }

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const keys = Object.keys(value).sort()
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical((value as { [key: string]: Json })[key])}`).join(',')}}`
}
const bytes = (...parts: (string | Buffer)[]) =>
  Buffer.concat(parts.map((part) => Buffer.from(part as string)))
const hex = (text: string) => Buffer.from(text, 'hex')
const base64url = (text: string) => Buffer.from(text, 'base64url')
const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')
const inDomain = (domain: string, data: string | Buffer) => bytes(`countersign/v1/${domain}\n`, data)
const H = (domain: string, data: string | Buffer) => sha256(inDomain(domain, data))
const leafHash = (data: string | Buffer) => sha256(bytes(Buffer.of(0), data))
const nodeHash = (left: string, right: string) => sha256(bytes(Buffer.of(1), hex(left), hex(right)))

function rootOf(leaves: string[]): string {
  if (leaves.length === 0) return sha256('')
  if (leaves.length === 1) return leaves[0] as string
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return nodeHash(rootOf(leaves.slice(0, split)), rootOf(leaves.slice(split)))
}

/** RFC 6962: from a leaf along its path. */
function rootAlong(leaf: string, index: number, size: number, path: string[]): string {
  if (size === 1) return leaf
  let split = 1
  while (split * 2 < size) split *= 2
  const [last, rest] = [path.at(-1) as string, path.slice(0, -1)]
  return index < split
    ? nodeHash(rootAlong(leaf, index, split, rest), last)
    : nodeHash(last, rootAlong(leaf, index - split, size - split, rest))
}

/** STA-1, over UIDs in order. */
function mapRoot(leaves: { uid: string; hash: string }[]): string {
  const [first, ...others] = leaves
  if (first === undefined) return H('map-empty', '')
  if (others.length === 0) return H('map-leaf', bytes(hex(first.uid), hex(first.hash)))
  const bitOf = (uid: string, bit: number) => ((hex(uid)[bit >> 3] as number) >> (7 - (bit & 7))) & 1
  let bit = 0
  while (others.every(({ uid }) => bitOf(uid, bit) === bitOf(first.uid, bit))) bit += 1
  const prefix = Buffer.from(hex(first.uid).subarray(0, Math.ceil(bit / 8)))
  if (bit % 8 > 0) prefix[prefix.length - 1] = (prefix.at(-1) as number) & (0xff << (8 - (bit % 8)))
  const [left, right] = [0, 1].map((side) =>
    mapRoot(leaves.filter(({ uid }) => bitOf(uid, bit) === side)),
  ) as [string, string]
  return H('map-node', bytes(Buffer.of(bit >> 8, bit & 255), prefix, hex(left), hex(right)))
}

const keyNamed = new Map(file.keys.map(({ name, publicKey }) => [name, publicKey]))
function isSigned(by: string, message: string | Buffer, signature: string): boolean {
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: keyNamed.get(by) as string },
    format: 'jwk',
  })
  return verify(null, Buffer.from(message as string), key, base64url(signature))
}

const contract = file.genesis.hash

describe('the frozen ledger, read with nothing of ours,', () => {
  it('[SIG-1] has signatures over the bytes that are hashed for the ids of cards and requests', () => {
    for (const { by, signed, preimage, hash } of file.cards) {
      expect(preimage).toBe(`countersign/v1/card\n${canonical(signed.card)}`)
      expect(sha256(preimage)).toBe(hash)
      expect(isSigned(by, preimage, signed.signature)).toBe(true)
    }
    for (const { by, signed, preimage, hash } of file.requests) {
      expect(preimage).toBe(`countersign/v1/request\n${canonical(signed.request)}`)
      expect(sha256(preimage)).toBe(hash)
      expect(isSigned(by, preimage, signed.signature)).toBe(true)
      expect(keyNamed.get(by)).toBe(signed.request.authorKey)
      expect(signed.request.contract).toBe(contract)
    }
  })

  it('[CARD-2] has a second card that names the first, is signed by its root key, and brings its own', () => {
    const [first, second] = file.cards as [(typeof file.cards)[0], (typeof file.cards)[0]]
    expect(second.signed.card).toMatchObject({ party: first.hash, previous: first.hash, sequence: 2 })
    expect(second.by).toBe(first.by)
    expect(second.signed.card.keys.root).toBe(keyNamed.get('alder-2.root'))
  })

  it('[VAL-1] has commitments to salt and value', () => {
    for (const { opening, preimage, hash } of file.commitments) {
      expect(hex(preimage)).toEqual(
        inDomain('value', bytes(base64url(opening.salt), canonical(opening.value))),
      )
      expect(sha256(hex(preimage))).toBe(hash)
    }
  })

  it('[GEN-1] has a contract id and, from it, the UIDs of root and epoch record', () => {
    expect(file.genesis.preimage).toBe(`countersign/v1/contract\n${canonical(file.genesis.genesis)}`)
    expect(sha256(file.genesis.preimage)).toBe(contract)
    expect(file.uids.map(({ hash }) => hash)).toEqual([
      H('meta', `root${contract}`),
      H('meta', `epoch${contract}`),
    ])
    const uids = file.uids.map(({ hash }) => hash.slice(0, 32))
    for (const { records } of file.blocks)
      expect(records.map(({ uid }) => uid)).toEqual(expect.arrayContaining(uids))
  })

  it('[BLK-4] has ledger blocks that follow from one another', () => {
    let parent = '0'.repeat(64)
    const leaves: string[] = []
    for (const { block, effects, preimage, hash, records, logLeaf, logRoot } of file.blocks) {
      const { header, entries } = block
      const entryLeaves = entries.map((entry, index) =>
        leafHash(canonical({ ...entry, effects: effects[index] })),
      )
      expect(header).toMatchObject({ contract, height: leaves.length, parent, logRoot: rootOf(leaves) })
      expect(header.entriesRoot).toBe(rootOf(entryLeaves))
      for (const { record, preimage: text, hash: recordHash } of records) {
        expect(text).toBe(`countersign/v1/${'kind' in record ? 'element' : 'meta'}\n${canonical(record)}`)
        expect(sha256(text)).toBe(recordHash)
      }
      expect(header.stateRoot).toBe(mapRoot(records))
      expect(preimage).toBe(`countersign/v1/ledger-block\n${canonical(header)}`)
      expect(sha256(preimage)).toBe(hash)
      parent = hash
      expect(logLeaf).toBe(leafHash(hex(hash)))
      leaves.push(logLeaf)
      expect(logRoot).toBe(rootOf(leaves))
    }
  })

  it('[REQ-3] deletes a block as its author saw it', () => {
    const [, before] = file.blocks as [unknown, (typeof file.blocks)[0]]
    const below = before.records.filter(
      ({ uid, record }) =>
        uid.startsWith('0101') || ('parent' in record && `${record.parent}`.startsWith('0101')),
    )
    const rows = below
      .map(({ uid, hash }) => [uid, hash])
      .sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1))
    expect(file.subtree.hash).toBe(H('subtree', canonical(rows)))
    expect(file.requests.at(-1)?.signed.request.operations).toMatchObject([
      { op: 'delete', seen: file.subtree.hash },
    ])
  })

  it('[SIG-3] has statements signed alone and in batches', () => {
    for (const { by, leaves, root, message, signed } of file.statements) {
      expect(leaves.map(({ text }) => text)).toEqual(signed.map(({ statement }) => canonical(statement)))
      expect(rootOf(leaves.map(({ text }) => leafHash(text)))).toBe(root)
      expect(hex(message)).toEqual(inDomain('statements', hex(root)))
      for (const { statement, signature } of signed) {
        const { index, size, path } = 'batch' in signature ? signature.batch : { index: 0, size: 1, path: [] }
        expect(rootAlong(leafHash(canonical(statement)), index, size, path)).toBe(root)
        expect(isSigned(by, hex(message), signature.signature)).toBe(true)
      }
    }
  })

  it('[ORD-1] has certificates whose signers signed what they say', () => {
    const types: Record<string, string> = { notarization: 'VOTE', finalization: 'FINALIZE', skip: 'SKIP' }
    for (const { kind, signatures, ...said } of file.certificates)
      for (const [party, shown] of signatures) {
        const signature = shown as {
          signature: string
          batch?: { index: number; size: number; path: string[] }
        }
        const statement = { type: types[kind], contract, lineage: 0, epoch: 0, ...said }
        const { index, size, path } = signature.batch ?? { index: 0, size: 1, path: [] }
        const root = rootAlong(leafHash(canonical(statement)), index, size, path)
        const by = party === file.cards[0]?.hash ? 'alder-2.vote' : 'birch.vote'
        expect(isSigned(by, inDomain('statements', hex(root)), signature.signature)).toBe(true)
      }
  })

  it('[CHK-1] has checkpoints, cosignatures and notes as C2SP has them', () => {
    for (const { checkpoint, body, cosigned, note } of file.checkpoints) {
      const { size, root, epoch, block, stateRoot } = checkpoint
      const lines = [`countersign/${contract}/0`, size, hex(root).toString('base64')]
      expect(body).toBe(`${lines.join('\n')}\nepoch ${epoch}\nblock ${block}\nstate ${stateRoot}\n`)
      const held = file.blocks[size - 1]
      expect([held?.hash, held?.logRoot, held?.stateRoot]).toEqual([block, root, stateRoot])
      const signatureLines = cosigned.map(({ by, cosignature, message }) => {
        const { party, timeS, signature } = cosignature
        expect(hex(message)).toEqual(bytes(`cosignature/v1\ntime ${timeS}\n${body}`))
        expect(isSigned(by, hex(message), signature)).toBe(true)
        const name = `countersign/${party}`
        const key = bytes(`${name}\n`, Buffer.of(4), base64url(keyNamed.get(by) as string))
        const time = Buffer.alloc(8)
        time.writeBigUInt64BE(BigInt(timeS))
        const blob = bytes(hex(sha256(key)).subarray(0, 4), time, base64url(signature))
        return `\u2014 ${name} ${blob.toString('base64')}\n`
      })
      expect(note).toBe(`${body}\n${signatureLines.join('')}`)
    }
  })

  it('[EVI-1] has evidence whose ids leave signatures out', () => {
    for (const { evidence, preimage, hash } of file.evidence) {
      const { kind, party, first, second } = evidence
      const signed = [first, second].map((one) => {
        if ('statement' in one) return one.statement
        const { epoch, size, root, block, stateRoot } = one
        return { contract, lineage: 0, epoch, size, root, block, stateRoot }
      })
      signed.sort((a, b) => (canonical(a) < canonical(b) ? -1 : 1))
      expect(preimage).toBe(`countersign/v1/evidence\n${canonical({ kind, party, signed })}`)
      expect(sha256(preimage)).toBe(hash)
    }
  })
})
