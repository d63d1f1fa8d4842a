/** Keys, a journal in memory, logs of which two are forks, and things to sign, for tests of the signer. */
import { CountersignError } from '../../src/crypto/errors.ts'
import { generateKeyPair } from '../../src/crypto/keys.ts'
import { LogTree, leafHash } from '../../src/crypto/log.ts'
import type { Header } from '../../src/ledger/block.ts'
import type { SignedStatement, Statement } from '../../src/ledger/certificate.ts'
import type { Checkpoint, Cosignature } from '../../src/ledger/checkpoint.ts'
import { type Freeze, makeFreeze } from '../../src/ledger/freeze.ts'
import type { Journal } from '../../src/signer/journal.ts'
import { Signer, type SignItem, type SignResult } from '../../src/signer/signer.ts'

export const CONTRACT = 'c'.repeat(64)
export const PARTY = 'd'.repeat(64)
export const A = 'a'.repeat(64)
export const B = 'b'.repeat(64)

export const pair = (byte: number) => generateKeyPair(new Uint8Array(32).fill(byte))
export const keys = { author: pair(1), vote: pair(2), cosign: pair(3) }

/** A journal in memory that can fail an append, with the records lost or kept. */
export class MemoryJournal implements Journal {
  records: string[] = []
  appends = 0
  fails: 'lost' | 'kept' | undefined

  append(records: readonly object[]): void {
    this.appends += 1
    if (this.fails !== 'lost') this.records.push(...records.map((record) => JSON.stringify(record)))
    if (this.fails !== undefined) throw new CountersignError('storage-failed', 'the disk failed')
  }

  load(): object[] {
    return this.records.map((text) => JSON.parse(text))
  }

  compact(records: readonly object[]): void {
    this.records = records.map((record) => JSON.stringify(record))
  }

  close(): void {
    this.fails = 'lost'
  }
}

export const open = (journal: Journal): Signer => Signer.open({ journal, keys, party: PARTY })

export function openNew(): { journal: MemoryJournal; signer: Signer } {
  const journal = new MemoryJournal()
  return { journal, signer: open(journal) }
}

export type Kind = 'VOTE' | 'FINALIZE' | 'SKIP'
export function statement(type: Kind, view: number, block = A, contract = CONTRACT): Statement {
  const place = { contract, lineage: 0, epoch: 0, view }
  return type === 'SKIP' ? { ...place, type } : { ...place, type, block }
}
export const ask = (type: Kind, view: number, block = A, contract = CONTRACT): SignItem => ({
  kind: 'statement',
  statement: statement(type, view, block, contract),
  voteKey: keys.vote.publicKey,
})

export const FORK_AT = 4
export const logs = ['', 'x', 'y'].map(
  (fork) =>
    new LogTree(
      Array.from({ length: 16 }, (_, index) => leafHash(index < FORK_AT ? `${index}` : `${fork}${index}`)),
    ),
) as [LogTree, LogTree, LogTree]

export function checkpoint(log: LogTree, size: number): Checkpoint {
  return {
    contract: CONTRACT,
    lineage: 0,
    epoch: 0,
    size,
    root: log.root(size),
    block: log.leaf(size - 1),
    stateRoot: A,
  }
}
export const askCosign = (log: LogTree, size: number, consistency: string[], timeS = 1): SignItem => ({
  kind: 'checkpoint',
  checkpoint: checkpoint(log, size),
  cosignKey: keys.cosign.publicKey,
  consistency,
  timeS,
})

export const signedOf = (results: SignResult[]): SignedStatement[] =>
  results.flatMap((result) => ('signed' in result ? [result.signed] : []))
export const cosignedOf = (results: SignResult[]): Cosignature[] =>
  results.flatMap((result) => ('cosignature' in result ? [result.cosignature] : []))

/** A FREEZE of this party's, with these cosignatures; `mark` tells one from another. */
export function freezeStatement(own: readonly Cosignature[], mark = A, party = PARTY): Freeze {
  const header: Header = {
    contract: CONTRACT,
    lineage: 0,
    epoch: 0,
    height: 0,
    view: 0,
    parent: mark,
    timeMs: 0,
    entriesRoot: mark,
    stateRoot: mark,
    logRoot: mark,
  }
  return makeFreeze(CONTRACT, 0, party, { from: 0, peaks: [], blocks: [mark], header }, own, [])
}
export const askFreeze = (own: readonly Cosignature[], mark = A): SignItem => ({
  kind: 'freeze',
  statement: freezeStatement(own, mark),
  cosignKey: keys.cosign.publicKey,
})
