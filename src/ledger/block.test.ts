import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { expectStrict } from '../../test/support/hostile-json.ts'
import { type FixtureBlock, storyLedger } from '../../test/support/ledger-fixture.ts'
import { jcs } from '../crypto/jcs.ts'
import { LogTree } from '../crypto/log.ts'
import {
  BLOCK_MAX_BYTES,
  blockHash,
  checkBlockShape,
  codeShape,
  type Effect,
  ENTRIES_MAX,
  type Entry,
  entriesRoot,
  type Header,
  type LedgerBlock,
  logLeaf,
  NO_PARENT,
} from './block.ts'
import { OPENINGS_MAX_BYTES, REQUEST_MAX_BYTES } from './request.ts'

const ledger = storyLedger(2)
const { block } = ledger.blocks[2] as { block: LedgerBlock }
const bad = (code: string) => expect.objectContaining({ code })
const sha256 = (...parts: (string | Buffer)[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()
/** RFC 6962, section 2.1. */
const leaf = (data: string | Buffer) => sha256(Buffer.of(0), data)
const node = (left: Buffer, right: Buffer) => sha256(Buffer.of(1), left, right)

describe('a ledger block', () => {
  it('[BLK-1] is named by the hash of its header', () => {
    const { header } = block
    expect(blockHash(header)).toBe(sha256(`countersign/v1/ledger-block\n${jcs(header)}`).toString('hex'))
    const changes: Partial<Header>[] = [
      { contract: '1'.repeat(64) },
      { lineage: 1 },
      { epoch: 1 },
      { height: header.height + 1 },
      { view: header.view + 1 },
      { parent: NO_PARENT },
      { timeMs: header.timeMs + 1 },
      { entriesRoot: '2'.repeat(64) },
      { stateRoot: '3'.repeat(64) },
      { logRoot: '4'.repeat(64) },
    ]
    expect(changes.flatMap(Object.keys).sort()).toEqual(Object.keys(header).sort())
    expect(
      new Set(changes.map((change) => blockHash({ ...header, ...change })).concat(blockHash(header))).size,
    ).toBe(11)
  })

  it('[BLK-1] is the first with lineage, epoch and view 0 and 64 zeros as its parent', () => {
    const { header, entries } = (ledger.blocks[0] as FixtureBlock).block
    expect(header).toMatchObject({ lineage: 0, epoch: 0, height: 0, view: 0, parent: '0'.repeat(64) })
    expect(header.entriesRoot).toBe(sha256('').toString('hex'))
    expect(entries).toEqual([])
  })

  it('[ENC-1] is refused whatever else it is, and never by anything but an error of the registry', () => {
    // The entries’ effects aren’t part of what is sent: any will do.
    const identity = ({ header, entries }: LedgerBlock) => `${blockHash(header)} ${entriesRoot(entries, [])}`
    expectStrict(checkBlockShape, block, identity)
  })

  it('[BLK-1] has exactly the keys of its format', () => {
    const { header, entries } = block
    for (const key of Object.keys(header)) {
      const { [key as keyof Header]: _, ...rest } = header
      expect(() => checkBlockShape({ header: rest, entries })).toThrow(bad('bad-format'))
    }
    for (const change of [{ height: -1 }, { view: 2 ** 53 }, { timeMs: 1.5 }, { parent: '' }, { version: 1 }])
      expect(() => checkBlockShape({ header: { ...header, ...change }, entries })).toThrow(bad('bad-format'))
    expect(() => checkBlockShape({ ...block, certificates: [] })).toThrow(bad('bad-format'))
  })
})

describe('the entries of a ledger block', () => {
  const [uid, hash] = ['ab'.repeat(16), 'cd'.repeat(32)]
  const entries: Entry[] = [
    { kind: 'request', request: '1'.repeat(64), outcome: 'accepted' },
    { kind: 'request', request: '2'.repeat(64), outcome: 'conflicted', code: 'stale-version' },
    { kind: 'request', request: '3'.repeat(64), outcome: 'rejected', code: 'wrong-type' },
  ]
  const effects: Effect[][] = [
    [
      [uid, hash],
      [`b${uid.slice(1)}`, null],
    ],
    [],
    [],
  ]

  it('[BLK-2] have the RFC 6962 root over their canonical JSON with effects', () => {
    const [first, second, third] = [
      `{"effects":[["${uid}","${hash}"],["b${uid.slice(1)}",null]],"kind":"request","outcome":"accepted","request":"${'1'.repeat(64)}"}`,
      `{"code":"stale-version","effects":[],"kind":"request","outcome":"conflicted","request":"${'2'.repeat(64)}"}`,
      `{"code":"wrong-type","effects":[],"kind":"request","outcome":"rejected","request":"${'3'.repeat(64)}"}`,
    ].map(leaf) as [Buffer, Buffer, Buffer]
    expect(entriesRoot(entries, effects)).toBe(node(node(first, second), third).toString('hex'))
    expect(entriesRoot(entries.slice(0, 2), effects)).toBe(node(first, second).toString('hex'))
    expect(entriesRoot(entries.slice(0, 1), effects)).toBe(first.toString('hex'))
    expect(entriesRoot([], [])).toBe(sha256('').toString('hex'))
  })

  it('[BLK-2] have another root in another order, with another outcome, code or effect', () => {
    const [first, second, third] = entries as [Entry, Entry, Entry]
    const roots = [
      entriesRoot(entries, effects),
      entriesRoot(entries.toReversed(), effects.toReversed()),
      entriesRoot(entries, effects.toReversed()),
      entriesRoot(entries, [[], [], []]),
      entriesRoot(entries, [[[uid, null]], [], []]),
      entriesRoot([first, third], effects),
      entriesRoot([first, second, { ...third, code: 'not-a-block' }], effects),
      entriesRoot([first, second, { ...third, outcome: 'conflicted' }], effects),
      entriesRoot([...entries, third], effects),
    ]
    expect(new Set(roots).size).toBe(roots.length)
  })

  it('[BLK-2] have a code with every outcome but accepted', () => {
    const [first, second] = entries as [Entry, Entry]
    const check = (entry: unknown) => checkBlockShape({ ...block, entries: [entry] })
    for (const entry of entries) expect(check(entry).entries).toEqual([entry])
    const { code, ...bare } = second
    for (const entry of [{ ...first, code }, bare, { ...bare, outcome: 'rejected' }])
      expect(() => check(entry)).toThrow(bad('bad-format'))
    for (const one of [
      '',
      'x',
      'Stale',
      'a b',
      '-a',
      'a1',
      'a'.repeat(41),
      'stale-version\n',
      '\u001b[2K',
      7,
    ])
      expect(() => codeShape(one, 'code')).toThrow(bad('bad-format'))
    expect(codeShape('uid-in-use', 'code')).toBe('uid-in-use')
  })

  it('[BLK-2] travel without effects, and are requests only', () => {
    const [first] = entries as [Entry]
    for (const entry of [
      { ...first, effects: [] },
      { ...first, kind: 'tick' },
      { kind: 'tick' },
      { ...first, outcome: 'expired' },
      { ...first, request: 'x' },
      null,
    ])
      expect(() => checkBlockShape({ ...block, entries: [entry] })).toThrow(bad('bad-format'))
  })

  it('[BLK-2] are 1,024 at most, and fit a frame with their requests and openings', () => {
    const [first] = entries as [Entry]
    expect(checkBlockShape({ ...block, entries: Array(1024).fill(first) }).entries).toHaveLength(ENTRIES_MAX)
    expect(() => checkBlockShape({ ...block, entries: Array(1025).fill(first) })).toThrow(bad('bad-format'))
    // Any request that may be made has its place in a block, and any block has its place in a frame of 32 MiB.
    expect(REQUEST_MAX_BYTES + OPENINGS_MAX_BYTES).toBeLessThanOrEqual(BLOCK_MAX_BYTES)
    expect(BLOCK_MAX_BYTES).toBeLessThanOrEqual(16 * 1024 * 1024)
  })
})

describe('the log', () => {
  it('[LOG-1] has the 32-byte hashes of the ledger blocks as its leaves', () => {
    const hashes = ledger.blocks.map(({ hash }) => hash)
    const leaves = hashes.map((hash) => leaf(Buffer.from(hash, 'hex'))) as [Buffer, Buffer, Buffer]
    expect(hashes.map(logLeaf)).toEqual(leaves.map((one) => one.toString('hex')))
    const root = node(node(leaves[0], leaves[1]), leaves[2]).toString('hex')
    expect(new LogTree(hashes.map(logLeaf)).root()).toBe(root)
    expect(ledger.tip.root).toBe(root)
    expect(ledger.tip.block.header.logRoot).toBe(node(leaves[0], leaves[1]).toString('hex'))
  })
})
