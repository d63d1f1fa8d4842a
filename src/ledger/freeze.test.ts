import { describe, expect, it } from 'vitest'
import { frozen, historyOf, parted } from '../../test/support/freezing.ts'
import { LedgerFixture } from '../../test/support/ledger-fixture.ts'
import { jcs } from '../crypto/jcs.ts'
import type { Certificate } from './certificate.ts'
import type { Cosignature } from './checkpoint.ts'
import type { CosignKeys, Evidence } from './evidence.ts'
import {
  checkFreezeShape,
  type Freeze,
  freezable,
  freezeHolds,
  freezeId,
  type SignedFreeze,
} from './freeze.ts'
import type { FrozenHistory } from './freeze-history.ts'

const [ledger, other] = parted(() => new LedgerFixture({ members: 3 }), 2, 2, 1)
const { contract, electorate, parties } = ledger
const [alder, birch, cedar] = parties as [string, string, string]
const cosignKeys = new Map(ledger.members.map(({ party, keys }) => [party, keys.cosign.publicKey]))
const base = { size: 1, block: ledger.blocks[0]?.hash as string }
const epochBy = (keys: CosignKeys) => ({ electorate, members: parties, cosignKeys: keys })
const contextBy = (keys: CosignKeys) => ({ epochs: [epochBy(keys)], base })
const context = contextBy(cosignKeys)
const holds = (freeze: SignedFreeze): boolean => freezeHolds(freeze, context)
const all = [0, 1, 2].map((member) => ledger.cosignature(member, ledger.checkpoint(3))) as [
  Cosignature,
  Cosignature,
  Cosignature,
]
const [a, b, c] = all
const proof: Evidence = {
  kind: 'two-checkpoints',
  party: cedar,
  contract,
  lineage: 0,
  first: c,
  second: other.cosignature(2),
}

describe('a FREEZE', () => {
  it('[LIN-1] holds if its party signed it and everything in it is genuine', () => {
    const freeze = frozen(ledger, 0, [b, a, a], { evidence: [proof, proof] })
    expect(freeze.statement.cosignatures, 'in order, none twice').toHaveLength(2)
    expect(freeze.statement.evidence).toHaveLength(1)
    expect(checkFreezeShape(JSON.parse(jcs(freeze)))).toEqual(freeze)
    expect(holds(freeze)).toBe(true)
    expect(freezeId(freeze)).toBe(freezeId(frozen(ledger, 0, [a, b], { evidence: [proof] })))
    const altered = (change: Partial<Freeze>): SignedFreeze => ({
      ...freeze,
      statement: { ...freeze.statement, ...change },
    })
    for (const change of [
      { party: birch },
      { lineage: 1 },
      { contract: '9'.repeat(64) },
      { cosignatures: [] },
      { evidence: [] },
      { history: historyOf(other) },
    ])
      expect(holds(altered(change)), JSON.stringify(change).slice(0, 80)).toBe(false)
    const forged = { ...b, party: alder }
    expect(holds(frozen(ledger, 1, [forged])), 'forged inside').toBe(false)
    const rumour: Evidence = { ...proof, second: c }
    expect(holds(frozen(ledger, 1, [], { evidence: [rumour] })), 'no evidence').toBe(false)
    expect(freezeHolds(freeze, contextBy(new Map())), 'no member').toBe(false)
  })

  it('[LIN-1] holds what members have signed, by whichever key they had, and nothing that a guest or another epoch’s key says', () => {
    const former = ledger.cosignature(1, ledger.checkpoint(2))
    const newer = new Map([...cosignKeys, [birch, '1'.repeat(43)]])
    const both = new Map<string, string | readonly string[]>([
      ...cosignKeys,
      [birch, ['1'.repeat(43), cosignKeys.get(birch) as string]],
    ])
    const guest = { ...b, party: '9'.repeat(64) }
    const of = (keys: CosignKeys) => freezable([a, former, guest], epochBy(keys))
    expect(of(cosignKeys)).toEqual([a, former])
    expect(of(newer)).toEqual([a])
    expect(of(both)).toEqual([a, former])
    const freeze = frozen(ledger, 0, of(both))
    expect(freezeHolds(freeze, contextBy(both))).toBe(true)
    expect(freezeHolds(freeze, contextBy(newer))).toBe(false)
    expect(freezeHolds(frozen(ledger, 0, [a, guest]), context)).toBe(false)
    const rumour: Evidence = { ...proof, second: c }
    expect(freezable([proof, rumour], epochBy(cosignKeys))).toEqual([proof])
  })

  it('[LIN-1] shows a history that was committed, and that all have cosigned what it leaves out of', () => {
    const shown = (history: FrozenHistory, cosignatures: readonly Cosignature[] = all): boolean =>
      holds(frozen(ledger, 0, cosignatures, { history }))
    expect(shown(historyOf(ledger, 0))).toBe(true)
    expect(shown(historyOf(ledger, 3)), 'everybody has cosigned what is below').toBe(true)
    expect(shown(historyOf(ledger, 3), [a, b]), 'one has not').toBe(false)
    expect(shown(historyOf(ledger, 4)), 'nobody has cosigned as much').toBe(false)
    expect(shown(historyOf(ledger, 0, 0), []), 'nothing was committed').toBe(true)
    expect(shown(historyOf(ledger, 0, 2)), 'its own cosignature is not of it').toBe(false)
    const whole = historyOf(ledger, 0)
    const { notarization: _, ...uncommitted } = whole
    expect(shown(uncommitted)).toBe(false)
    const few = {
      ...(whole.finalization as Certificate),
      signatures: whole.finalization?.signatures.slice(1, 2) ?? [],
    }
    for (const change of [
      { peaks: ['1'.repeat(64)] },
      { blocks: [...whole.blocks.slice(0, 1), '1'.repeat(64), ...whole.blocks.slice(2)] },
      { blocks: whole.blocks.slice(0, -1) },
      { from: 1 },
      { header: other.tip.block.header },
      { finalization: other.tip.finalization as Certificate },
      { finalization: whole.notarization as Certificate },
      { finalization: few },
    ])
      expect(shown({ ...whole, ...change }), JSON.stringify(change).slice(0, 80)).toBe(false)
  })

  it('[LIN-1] has one form: what stands out of order, twice or in numbers is refused', () => {
    const { statement, signature } = frozen(ledger, 0, [a, b])
    const [first, second] = statement.cosignatures as [Cosignature, Cosignature]
    const many = [1, 2, 3, 4].map((height) => ledger.cosignature(1, ledger.checkpoint(height)))
    const twoFreezes: Evidence = {
      kind: 'two-freezes',
      party: birch,
      contract,
      lineage: 0,
      first: frozen(ledger, 1, [b]),
      second: frozen(ledger, 1, []),
    }
    for (const change of [
      { cosignatures: [second, first] },
      { cosignatures: [first, first] },
      { cosignatures: frozen(ledger, 0, many).statement.cosignatures },
      { evidence: [twoFreezes] },
      { view: 1 },
      { more: 1 },
    ])
      expect(() => checkFreezeShape({ signature, statement: { ...statement, ...change } })).toThrow(
        expect.objectContaining({ code: 'bad-format' }),
      )
    for (const value of [undefined, {}, { statement, signature, more: 1 }])
      expect(() => checkFreezeShape(value)).toThrow(expect.objectContaining({ code: 'bad-format' }))
  })
})
