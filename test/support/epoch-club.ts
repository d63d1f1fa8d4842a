/** Three parties of one contract, and two more that may come in: short ways to ask for whatever changes an epoch. */
import { expect } from 'vitest'
import { apply } from '../../src/contract/apply.ts'
import { EPOCH_OUTCOME_CODES } from '../../src/contract/epoch-outcome.ts'
import { signStatements } from '../../src/crypto/statement.ts'
import type { SignedStatement, Statement } from '../../src/ledger/certificate.ts'
import type { Cosignature } from '../../src/ledger/checkpoint.ts'
import type { Change } from '../../src/ledger/epoch.ts'
import type { EpochOperation } from '../../src/ledger/epoch-operation.ts'
import type { CheckpointEvidence, Evidence, StatementEvidence } from '../../src/ledger/evidence.ts'
import { DAY_MS, EpochLedger } from './epoch-ledger.ts'
import { type FixtureParty, rekeyed } from './ledger-parties.ts'

export type Step = [author: FixtureParty, operation: EpochOperation]

/** See the head of this file. */
export class Club extends EpochLedger {
  readonly alder = this.founder(0)
  readonly birch = this.founder(1)
  readonly cedar = this.founder(2)
  readonly elm = this.party('Elm Assay')
  readonly fir = this.party('Fir Lines')

  get expiresMs(): number {
    return this.timeMs + 10 * DAY_MS
  }

  get changes(): Change[] {
    return this.state.epoch.changes ?? []
  }

  invite(by: FixtureParty, { signedCard: card }: FixtureParty, more: object = {}): Step {
    return [by, { op: 'invite', card, role: 'member', older: false, expiresMs: this.expiresMs, ...more }]
  }

  accept(by: FixtureParty, change: string, more: object = {}): Step {
    return [by, { op: 'accept', change, genesis: this.contract, checkpoint: this.point(), ...more }]
  }

  vote(by: FixtureParty, change: string, yes = true): Step {
    return [by, { op: 'vote', change, yes }]
  }

  leave(by: FixtureParty, checkpoint = this.point()): Step {
    return [by, { op: 'leave', checkpoint }]
  }

  card(by: FixtureParty, { signedCard: card }: FixtureParty, more: object = {}): Step {
    return [by, { op: 'card', card, expiresMs: this.expiresMs, ...more }]
  }

  policy(by: FixtureParty, more: object = {}): Step {
    const policy = { ...this.genesis.policy, quorum: 'bft' } as const
    return [by, { op: 'policy', policy, expiresMs: this.expiresMs, ...more }]
  }

  remove(by: FixtureParty, evidence: Evidence): Step {
    return [by, { op: 'remove', evidence }]
  }

  /** Orders a party's next card; gives the party with it, to be known from the turn on. */
  rekeyLater(party: FixtureParty): FixtureParty & { change: string } {
    const next = rekeyed(party, this.random)
    return { ...next, change: this.done(this.card(party, next)) }
  }

  /** What a party would have signed against itself, in this epoch, with these keys. */
  twoVotes({ party, keys }: FixtureParty, epoch = this.state.epoch.epoch): StatementEvidence {
    const [first, second] = ['1', '2'].map((digit): SignedStatement => {
      const at = { contract: this.contract, lineage: 0, epoch, view: 3 }
      const statement: Statement = { ...at, type: 'VOTE', block: digit.repeat(64) }
      const [signature] = signStatements(keys.vote.privateKey, [statement])
      return { statement, party, signature: signature as NonNullable<typeof signature> }
    }) as [SignedStatement, SignedStatement]
    return { kind: 'two-votes', party, first, second }
  }

  /** Two cosignatures of one size, of this ledger and of another that has its contract's id. */
  twoCheckpoints({ party }: FixtureParty): CheckpointEvidence {
    const first = this.cosignature(party)
    const { checkpoint } = this.tip
    this.blocks.push({ ...this.tip, checkpoint: { ...checkpoint, root: '7'.repeat(64) } })
    const second: Cosignature = this.cosignature(party)
    this.blocks.pop()
    return { kind: 'two-checkpoints', party, contract: this.contract, lineage: 0, first, second }
  }

  /** The outcome of one step in a block of its own, which is not kept: the code, or `accepted`. */
  codeOf([author, operation]: Step, timeMs?: number): string {
    const { id, request } = this.request(author, [operation])
    const { outcome, code, effects, changes, state } = apply(
      this.state,
      { id, request },
      new Map(),
      this.place(timeMs),
    )
    if (outcome === 'accepted') return outcome
    expect([effects, changes, state]).toEqual([[], [], this.state])
    expect(EPOCH_OUTCOME_CODES).toHaveProperty(code as string, outcome)
    return code as string
  }

  /** One step in a block of its own, which must be accepted; gives the request's id. */
  done(step: Step): string {
    const [id = ''] = this.do(step)
    expect(this.tip.outcomes).toEqual(['accepted'])
    return id
  }
}
