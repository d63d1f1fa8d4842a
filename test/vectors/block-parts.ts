/** Ledger blocks as vectors hold them: one with its requests and openings, behind the chain that it extends. */
import { turnOf } from '../../src/ledger/turn.ts'
import type { BlockLine } from '../../src/verify/bundle.ts'
import { json, type Vectors } from './vector.ts'
import type { Ledger } from './world.ts'

/** As in a bundle; certificates only beside what ended an epoch before the block that a vector is about (EPO-11). */
export type Part = Pick<BlockLine, 'block' | 'requests' | 'openings' | 'notarization' | 'finalization'>

export function partAt(ledger: Ledger, height: number): Part {
  const { block, requests, openings } = ledger.blockLine(height)
  return structuredClone({ block, requests, openings })
}

function partBefore(ledger: Ledger, height: number): Part {
  const { type: _, ...line } = ledger.blockLine(height)
  return turnOf(line.block) === undefined ? partAt(ledger, height) : structuredClone(line)
}

/** The chain that the block at the tip extends. */
export const contextOf = (ledger: Ledger) => ({
  genesis: ledger.genesis,
  openings: ledger.genesisOpenings,
  blocks: ledger.steps.slice(1, -1).map((_, index) => partBefore(ledger, index + 1)),
})

/** A vector of the block at the tip. The epoch record is shown where the block changes it: a hash alone would tell nothing. */
export function takeBlock(vectors: Vectors, name: string, about: string, ledger: Ledger): void {
  const { hash, effects, root, state, block } = ledger.tip
  const isChanged = effects.some((list) => list.some(([uid]) => uid === state.epochUid))
  const outputs = {
    hash,
    outcomes: block.entries.flatMap(({ kind, outcome, code }) =>
      kind === 'request' ? (code ?? outcome) : [],
    ),
    effects,
    logRoot: root,
    ...(isChanged && { epochRecord: state.epoch }),
  }
  vectors.valid(name, about, contextOf(ledger), json(partAt(ledger, ledger.height)), outputs)
}

/** A vector of the block at the tip, which breaks a rule, or does once it is altered. */
export function refuseBlock(
  vectors: Vectors,
  name: string,
  about: string,
  ledger: Ledger,
  rule: string,
  alter: (part: Part) => unknown = () => {},
): void {
  const part = partAt(ledger, ledger.height)
  alter(part)
  vectors.invalid(name, about, contextOf(ledger), json(part), rule)
}
