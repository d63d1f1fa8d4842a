import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { frozen } from '../../test/support/freezing.ts'
import { altered, expectStrict } from '../../test/support/hostile-json.ts'
import { LedgerFixture } from '../../test/support/ledger-fixture.ts'
import type { FixtureParty } from '../../test/support/ledger-parties.ts'
import { CountersignError } from '../crypto/errors.ts'
import { jcs } from '../crypto/jcs.ts'
import { type StatementSignature, signStatements } from '../crypto/statement.ts'
import type { SignedStatement, Statement } from './certificate.ts'
import { type Checkpoint, cosign } from './checkpoint.ts'
import {
  type CheckpointEvidence,
  checkEvidenceShape,
  contradiction,
  type Evidence,
  evidenceHolds,
  evidenceId,
  type StatementEvidence,
} from './evidence.ts'

const ledger = new LedgerFixture({ members: 3 })
const { contract, electorate } = ledger
const [alder, birch] = ledger.members as [FixtureParty, FixtureParty]
const cosignKeys = new Map(ledger.members.map(({ party, keys }) => [party, keys.cosign.publicKey]))
const bad = (code: string) => expect.objectContaining({ code })
const holds = (evidence: Evidence) => evidenceHolds(evidence, electorate, cosignKeys)

const [one, two] = ['11'.repeat(32), '22'.repeat(32)]
const at = { contract, lineage: 0, epoch: 0, view: 5 }
const vote = (block: string, change: object = {}): Statement => ({ ...at, type: 'VOTE', block, ...change })
const finalize = (block: string, change: object = {}): Statement => ({
  ...at,
  type: 'FINALIZE',
  block,
  ...change,
})
const skip = (change: object = {}): Statement => ({ ...at, type: 'SKIP', ...change })
const sign = (statement: Statement, by = alder): SignedStatement => {
  const [, signature] = signStatements(by.keys.vote.privateKey, [skip({ view: 99 }), statement])
  return { statement, party: by.party, signature: signature as StatementSignature }
}
const evidence = (
  kind: StatementEvidence['kind'],
  first: Statement,
  second: Statement,
): StatementEvidence => ({
  kind,
  party: alder.party,
  first: sign(first),
  second: sign(second),
})

const checkpoint: Checkpoint = {
  contract,
  lineage: 0,
  epoch: 0,
  size: 4,
  root: one,
  block: one,
  stateRoot: one,
}
const checkpoints = (change: object, by = alder): CheckpointEvidence => ({
  kind: 'two-checkpoints',
  party: alder.party,
  contract,
  lineage: 0,
  first: cosign(by.keys.cosign.privateKey, by.party, checkpoint, 1),
  second: cosign(by.keys.cosign.privateKey, by.party, { ...checkpoint, ...change }, 2),
})

const genuine: Evidence[] = [
  evidence('two-votes', vote(one), vote(two)),
  evidence('two-finalizes', finalize(one), finalize(two)),
  evidence('finalize-and-skip', finalize(one), skip()),
  evidence('finalize-and-skip', skip(), finalize(one)),
  checkpoints({ root: two }),
]

describe('evidence', () => {
  it.each(genuine)(
    '[EVI-1] holds by itself, and for who holds the card of the party alone: $kind',
    (found) => {
      expect(checkEvidenceShape(found)).toBe(found)
      expect(holds(found)).toBe(true)
      const voteKeys = new Map([[alder.party, alder.keys.vote.publicKey]])
      const cosigners = new Map([[alder.party, alder.keys.cosign.publicKey]])
      expect(evidenceHolds(found, { ...electorate, voteKeys }, cosigners)).toBe(true)
      expect(evidenceHolds(found, { ...electorate, voteKeys: new Map() }, new Map())).toBe(false)
    },
  )

  it.each<[string, Statement, Statement]>([
    ['a VOTE and a SKIP of one view', vote(one), skip()],
    ['a VOTE and a FINALIZE', vote(one), finalize(two)],
    ['the same VOTE twice', vote(one), vote(one)],
    ['the same FINALIZE twice', finalize(one), finalize(one)],
    ['two SKIPs', skip(), skip()],
    ['VOTEs of two views', vote(one), vote(two, { view: 6 })],
    ['VOTEs of two lineages', vote(one), vote(two, { lineage: 1 })],
    ['VOTEs of two epochs', vote(one), vote(two, { epoch: 1 })],
    ['VOTEs in two contracts', vote(one), vote(two, { contract: two })],
    ['FINALIZE and SKIP of two views', finalize(one), skip({ view: 6 })],
  ])('[EVI-1] is not what honest members make: %s', (_, first, second) => {
    for (const [a, b] of [
      [first, second],
      [second, first],
    ] as const) {
      expect(contradiction(sign(a), sign(b))).toBeUndefined()
      for (const kind of ['two-votes', 'two-finalizes', 'finalize-and-skip'] as const)
        expect(holds(evidence(kind, a, b))).toBe(false)
    }
  })

  it('[EVI-1] is against one party: nobody else’s signature makes it, nor another kind’s name', () => {
    const [votes] = genuine as [StatementEvidence]
    expect(contradiction(sign(vote(one)), sign(vote(two), birch))).toBeUndefined()
    const framed: StatementEvidence[] = [
      { ...votes, party: birch.party },
      { ...votes, second: sign(vote(two), birch) },
      { ...votes, second: { ...sign(vote(two), birch), party: alder.party } },
      { ...votes, second: { ...votes.first, statement: votes.second.statement } },
      { ...votes, kind: 'two-finalizes' },
      { ...votes, kind: 'finalize-and-skip' },
    ]
    for (const one of framed) expect(holds(one)).toBe(false)
    for (const change of [{ contract: two }, { lineage: 1 }, { epoch: 1 }])
      expect(evidenceHolds(votes, { ...electorate, ...change }, cosignKeys)).toBe(false)
  })

  it('[EVI-1] is two checkpoints of one size that differ in any line but the time', () => {
    for (const change of [{ root: two }, { block: two }, { stateRoot: two }, { epoch: 1 }])
      expect(holds(checkpoints(change))).toBe(true)
    expect(holds(checkpoints({}))).toBe(false)
    expect(holds(checkpoints({ root: two, size: 5 }))).toBe(false)
    expect(holds(checkpoints({ root: two, contract: two }))).toBe(false)
    expect(holds(checkpoints({ root: two, lineage: 1 }))).toBe(false)
    expect(holds(checkpoints({ root: two }, birch))).toBe(false)
    const found = checkpoints({ root: two })
    expect(holds({ ...found, party: birch.party })).toBe(false)
    for (const change of [{ contract: two }, { lineage: 1 }]) {
      expect(holds({ ...found, ...change })).toBe(false)
      expect(evidenceHolds(found, { ...electorate, ...change }, cosignKeys)).toBe(false)
    }
  })

  it('[EVI-1] [EVI-2] is of two cosignatures by different keys where the party replaced its own between them', () => {
    const second = cosign(birch.keys.cosign.privateKey, alder.party, { ...checkpoint, root: two }, 2)
    const across = { ...checkpoints({}), second }
    const by = (keys: readonly string[]) => evidenceHolds(across, electorate, new Map([[alder.party, keys]]))
    const [former, newer] = [alder.keys.cosign.publicKey, birch.keys.cosign.publicKey]
    expect(by([former, newer])).toBe(true)
    expect(by([former])).toBe(false)
    expect(by([newer])).toBe(false)
    expect(by([])).toBe(false)
  })

  it('[EVI-1] has an id over what was signed, the same in either order', () => {
    const [votes] = genuine as [StatementEvidence]
    const text = jcs({ kind: 'two-votes', party: alder.party, signed: [vote(one), vote(two)] })
    const id = createHash('sha256').update(`countersign/v1/evidence\n${text}`).digest('hex')
    expect(evidenceId(votes)).toBe(id)
    for (const found of genuine)
      expect(evidenceId({ ...found, first: found.second, second: found.first } as Evidence)).toBe(
        evidenceId(found),
      )
    const { first, second, ...rest } = checkpoints({ root: two })
    const signed = [checkpoint, { ...checkpoint, root: two }]
    const bytes = `countersign/v1/evidence\n${jcs({ kind: rest.kind, party: rest.party, signed })}`
    expect(evidenceId({ ...rest, first, second })).toBe(createHash('sha256').update(bytes).digest('hex'))
  })

  it('[EVI-1] has one id however its signatures are made or shown: nobody can fill a disk with one contradiction', () => {
    const [votes] = genuine as [StatementEvidence]
    const [alone] = signStatements(alder.keys.vote.privateKey, [votes.first.statement]) as [
      StatementSignature,
    ]
    const other = { ...votes, first: { ...votes.first, signature: alone } }
    expect(holds(other)).toBe(true)
    expect(evidenceId(other)).toBe(evidenceId(votes))
    const found = checkpoints({ root: two })
    const later = cosign(alder.keys.cosign.privateKey, alder.party, checkpoint, 77)
    expect(holds({ ...found, first: later })).toBe(true)
    expect(evidenceId({ ...found, first: later })).toBe(evidenceId(found))
  })

  it('[EVI-1] has another id for another party, kind or contradiction', () => {
    const ids = [
      ...genuine.filter((_, index) => index !== 3),
      evidence('two-votes', vote(one), vote('33'.repeat(32))),
      evidence('two-votes', vote(one, { view: 6 }), vote(two, { view: 6 })),
      { ...(genuine[0] as Evidence), party: birch.party },
      checkpoints({ root: two, size: 4, block: two }),
      { ...checkpoints({ root: two }), lineage: 1 },
    ].map((found) => evidenceId(found as Evidence))
    expect(new Set(ids).size).toBe(ids.length)
  })

  it.each([
    ['a kind to come', { ...genuine[0], kind: 'two-freezes' }],
    ['no kind', { ...genuine[0], kind: undefined }],
    ['a kind of the other form', { ...genuine[0], kind: 'two-checkpoints' }],
    ['a contract beside its statements', { ...genuine[0], contract }],
    ['no lineage', { ...genuine[4], lineage: undefined }],
    ['null', null],
  ])('[EVI-1] is none with %s', (_, value) => {
    expect(() => checkEvidenceShape(value === null ? null : JSON.parse(JSON.stringify(value)))).toThrow(
      bad('bad-format'),
    )
  })

  it('[EVI-1] altered in any way is refused, or holds against the same party for what it signed', () => {
    for (const found of [genuine[0], genuine[2], genuine[4]] as Evidence[])
      fc.assert(
        fc.property(altered(found), (value) => {
          try {
            const taken = checkEvidenceShape(value)
            if (holds(taken)) expect(evidenceId(taken)).toBe(evidenceId(found))
          } catch (error) {
            if (!(error instanceof CountersignError)) throw error
          }
        }),
        { numRuns: 500 },
      )
  })

  it('[ENC-1] is refused whatever else it is, and never by anything but an error of the registry', () => {
    for (const found of [genuine[0], genuine[2], genuine[4]])
      expectStrict(checkEvidenceShape, found, jcs, 500)
  })
})

describe('evidence against a FREEZE', () => {
  const cosigned = (height: number) => ledger.cosignature(0, ledger.checkpoint(height))
  const place = { party: alder.party, contract, lineage: 0 }
  ledger.order([ledger.set(0, ledger.field, 'USD')])
  ledger.order([ledger.set(0, ledger.field, 'CHF')])
  const [first, second] = [frozen(ledger, 0, [cosigned(0)]), frozen(ledger, 0, [cosigned(1)])]
  const twoFreezes: Evidence = { kind: 'two-freezes', ...place, first, second }
  const past: Evidence = { kind: 'cosigned-past-freeze', ...place, first, second: cosigned(2) }

  it('[EVI-4] two FREEZEs of a lineage that differ, in whatever order', () => {
    expect(checkEvidenceShape(JSON.parse(jcs(twoFreezes)))).toEqual(twoFreezes)
    expect(holds(twoFreezes)).toBe(true)
    expect(evidenceId(twoFreezes)).toBe(evidenceId({ ...twoFreezes, first: second, second: first }))
    for (const change of [{ second: first }, { party: birch.party }, { lineage: 1 }, { contract: one }])
      expect(holds({ ...twoFreezes, ...change }), JSON.stringify(change).slice(0, 60)).toBe(false)
    const forged = { ...second, statement: { ...second.statement, cosignatures: [] } }
    expect(holds({ ...twoFreezes, second: forged })).toBe(false)
    expect(holds({ ...twoFreezes, first: forged })).toBe(false)
    expect(holds({ ...twoFreezes, second: frozen(ledger, 1, []) }), 'another member’s').toBe(false)
  })

  it('[EVI-4] a FREEZE, and a cosignature of a larger ledger than it says was the last', () => {
    expect(checkEvidenceShape(JSON.parse(jcs(past)))).toEqual(past)
    expect(holds(past)).toBe(true)
    expect(holds({ ...past, second: cosigned(0) }), 'the one in it').toBe(false)
    expect(holds({ ...past, first: frozen(ledger, 0, []), second: cosigned(0) }), 'it had none').toBe(true)
    expect(holds({ ...past, second: ledger.cosignature(1) }), 'another member’s').toBe(false)
    const forged = { ...cosigned(2), stateRoot: one }
    expect(holds({ ...past, second: forged })).toBe(false)
  })

  it('[EVI-4] is one thing each, in one form', () => {
    expect(new Set([twoFreezes, past].map(evidenceId)).size).toBe(2)
    for (const value of [
      { ...twoFreezes, more: 1 },
      { ...twoFreezes, second: cosigned(1) },
      { ...past, second },
      { ...past, lineage: -1 },
    ])
      expect(() => checkEvidenceShape(value)).toThrow(bad('bad-format'))
  })
})
