/** FREEZEs, for the vectors: of ledgers that are one contract and part (PROTOCOL LIN-1). */
import { epochUidOf, recordHash } from '../../src/contract/record.ts'
import { LogTree } from '../../src/crypto/log.ts'
import { signStatements } from '../../src/crypto/statement.ts'
import { logLeaf } from '../../src/ledger/block.ts'
import type { Certificate } from '../../src/ledger/certificate.ts'
import type { Cosignature } from '../../src/ledger/checkpoint.ts'
import { type ProvenCard, quorumOf } from '../../src/ledger/epoch.ts'
import type { Evidence } from '../../src/ledger/evidence.ts'
import { type Freeze, makeFreeze, type SignedFreeze } from '../../src/ledger/freeze.ts'
import type { FrozenHistory, Top } from '../../src/ledger/freeze-history.ts'
import type { ShownTurn } from '../../src/ledger/freeze-turn.ts'
import { type AnyLedgerBlock, type TurnBlock, turnOf } from '../../src/ledger/turn.ts'
import { EpochLedger } from './epoch-world.ts'
import { alder, birch, cedar, type Holder, type Ledger, type Step } from './world.ts'

/** A ledger as it is shown from a height on, with the COMMIT of its last block; none where the lineage began with that. */
export function historyOf(
  { steps }: Ledger,
  from = 0,
  height = steps.length - 1,
  isBase = height === 0,
): FrozenHistory {
  const hashes = steps.slice(0, height + 1).map(({ hash }) => hash)
  const { block, notarization, finalization } = steps[height] as Step
  return {
    from,
    peaks: [...new LogTree(hashes.map(logLeaf)).frontier(from).hashes],
    blocks: hashes.slice(from),
    header: block.header,
    ...(!isBase && notarization && { notarization }),
    ...(!isBase && finalization && { finalization }),
  }
}

/**
 * The same, with the turns in it: of each the card that it brought and the LEAVEs of who went, as the ledger has them.
 * @param height of the tip
 */
export function turnedHistoryOf(ledger: Ledger, from = 0, height = ledger.steps.length - 1): FrozenHistory {
  const { contract } = ledger
  const asked = ledger.steps.slice(0, height + 1).flatMap(({ requests }) => requests)
  const turns = ledger.steps.slice(from, height + 1).flatMap(({ block, state, ...step }): ShownTurn[] => {
    const turn = turnOf(block as AnyLedgerBlock)
    if (turn === undefined) return []
    const before = ledger.steps[block.header.height - 1] as Step
    const operation = asked.find(({ id }) => id === turn.change)?.request.operations[0] as unknown
    const { card } = Object(operation) as { card?: ProvenCard }
    const left = (before.state.epoch.changes ?? []).filter(({ op }) => op === 'leave')
    const leaves = left.flatMap(({ change }) => asked.filter(({ id }) => id === change))
    return [
      {
        block: block as unknown as TurnBlock,
        effects: [[epochUidOf(contract), recordHash(state.epoch)]],
        notarization: step.notarization as Certificate,
        finalization: step.finalization as Certificate,
        ...(card && { card }),
        ...(leaves.length > 0 && {
          leaves: leaves.map(({ request, signature }) => ({ request, signature })),
        }),
      },
    ]
  })
  return { ...historyOf(ledger, from, height), turns }
}

/** Signed as it stands, whatever it says. */
export function signedFreeze(by: Holder, statement: object, key = by.keys.cosign): SignedFreeze {
  const [signature] = signStatements(key.privateKey, [statement as never])
  return { statement: statement as Freeze, signature: signature as SignedFreeze['signature'] }
}

/** What a party freezes, in order. */
export function freezeOf(
  ledger: Ledger,
  by: Holder,
  cosignatures: readonly Cosignature[] = [],
  evidence: readonly Evidence[] = [],
  history: FrozenHistory = historyOf(ledger),
): SignedFreeze {
  const statement = makeFreeze(ledger.contract, ledger.lineage, by.party, history, cosignatures, evidence)
  return signedFreeze(by, statement)
}

/**
 * Two ledgers of one contract that are the same up to height 2 and have so many blocks each after it: Cedar has signed both, Alder
 * the left, Birch the right.
 */
export function parted(leftBlocks: number, rightBlocks: number): { left: EpochLedger; right: EpochLedger } {
  const side = (blocks: number, by: Holder, stepMs: number): EpochLedger => {
    const ledger = new EpochLedger('parted')
    ledger.order([])
    ledger.order([])
    for (let count = 0; count < blocks; count += 1)
      ledger.order([], { timeMs: ledger.tip.block.header.timeMs + stepMs, signers: [by, cedar] })
    return ledger
  }
  return { left: side(leftBlocks, alder, 1000), right: side(rightBlocks, birch, 2000) }
}

/** What FREEZEs of a ledger are checked against. */
export function freezeContext(
  ledger: EpochLedger,
  base: Top = { size: 1, block: (ledger.steps[0] as Step).hash },
  withAuthors = false,
) {
  const { contract, lineage, epoch } = ledger.electorate
  const quorum = quorumOf(ledger.tip.state.epoch.policy, ledger.seated.length)
  const members = ledger.seated.map(({ party, keys }) => ({
    party,
    vote: keys.vote.publicKey,
    cosign: keys.cosign.publicKey,
    ...(withAuthors && { author: keys.author.publicKey }),
  }))
  return { contract, lineage, epoch, quorum, members, base }
}
