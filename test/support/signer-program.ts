/**
 * A process that has a signer's directory: `signer-program.ts DIRECTORY KEYS MODE`. It says one line for each thing done.
 *
 *   hold   opens the journal, says `held` and keeps it until it is killed; or says `refused CODE`
 *   sign   signs on and on, and says each result once `sign` has returned it, as JSON
 *   full   appends until the disk refuses, says `refused CODE COUNT`; waits for a line; appends once more, says `appended`
 */
import { readSync, writeSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { CountersignError } from '../../src/crypto/errors.ts'
import { LogTree, leafHash } from '../../src/crypto/log.ts'
import { type Journal, openJournal } from '../../src/signer/journal.ts'
import { loadKeys } from '../../src/signer/keys.ts'
import { Signer, type SignItem } from '../../src/signer/signer.ts'

export type Mode = 'hold' | 'sign' | 'full'

const [directory, keys, mode] = process.argv.slice(2) as [string, string, Mode]
const say = (line: string): void => {
  writeSync(1, `${line}\n`)
}
const block = (text: string): string => leafHash(text)
const contracts = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(64))

async function hold(): Promise<void> {
  openJournal(directory)
  // Nothing refers to it any more: the garbage collector must not give the directory back.
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let times = 0; times < 3; times += 1) {
    collect()
    await new Promise((done) => setImmediate(done))
  }
  say('held')
  setInterval(() => undefined, 60_000)
}

/** A batch for each turn: of each contract a VOTE, then a FINALIZE or SKIP, now and then a checkpoint. */
function signOn(): void {
  const pairs = loadKeys(keys)
  const voteKey = pairs.vote.publicKey
  const signer = Signer.open({ journal: openJournal(directory), keys: pairs, party: 'f'.repeat(64) })
  say(JSON.stringify({ counter: signer.counter }))
  const log = new LogTree()
  const grow = (size: number): void => {
    while (log.size < size) log.append(block(`leaf ${log.size}`))
  }
  for (;;) {
    const items = contracts.flatMap((contract, index): SignItem[] => {
      const lock = signer.lock(contract, 0)
      const view = (lock?.view ?? 0) + 1
      const at = { contract, lineage: 0, epoch: 0, view }
      const ours = block(`${contract} ${view}`)
      const vote = {
        kind: 'statement' as const,
        statement: { ...at, type: 'VOTE' as const, block: ours },
        voteKey,
      }
      const second = (view + index) % 2 === 0
      const end = {
        kind: 'statement' as const,
        statement: second
          ? { ...at, type: 'FINALIZE' as const, block: ours }
          : { ...at, type: 'SKIP' as const },
        voteKey,
      }
      const held = lock?.cosign?.size ?? 0
      const size = held + 1 + (view % 3)
      grow(size)
      const checkpoint = {
        contract,
        lineage: 0,
        epoch: 0,
        size,
        root: log.root(size),
        block: log.leaf(size - 1),
        stateRoot: contract,
      }
      const consistency = log.consistencyProof(held, size)
      const cosignKey = pairs.cosign.publicKey
      return [vote, end, { kind: 'checkpoint', checkpoint, cosignKey, consistency, timeS: view }]
    })
    say(JSON.stringify({ results: signer.sign(items), counter: signer.counter }))
  }
}

function fill(): void {
  const journal = openJournal(directory)
  const append = (journal: Journal, n: number): void =>
    journal.append([{ n, padding: 'x'.repeat((n * 37) % 3000) }])
  for (let n = 1; ; n += 1)
    try {
      append(journal, n)
    } catch (error) {
      say(`refused ${(error as CountersignError).code} ${n - 1}`)
      awaitLine()
      append(journal, n)
      say('appended')
      journal.close()
      return
    }
}

const MODES: Readonly<Record<Mode, () => unknown>> = { hold, sign: signOn, full: fill }
/** Blocks until something comes in. */
function awaitLine(): void {
  for (;;)
    try {
      readSync(0, new Uint8Array(1))
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    }
}

try {
  await MODES[mode]()
} catch (error) {
  say(`refused ${error instanceof CountersignError ? error.code : String(error)}`)
}
