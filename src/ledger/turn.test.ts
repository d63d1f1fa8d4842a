import { describe, expect, it } from 'vitest'
import { other, otherHash } from '../../test/support/audit.ts'
import { EpochLedger } from '../../test/support/epoch-ledger.ts'
import { expectStrict } from '../../test/support/hostile-json.ts'
import type { FixtureParty } from '../../test/support/ledger-parties.ts'
import { jcs } from '../crypto/jcs.ts'
import { leafHash } from '../crypto/log.ts'
import { checkBlockShape, entriesRoot } from './block.ts'
import type { Cosignature } from './checkpoint.ts'
import { checkAnyBlockShape, checkTurnCertificate, type TurnEntry, type TurnSigner, turnOf } from './turn.ts'

const ledger = new EpochLedger()
const elm = ledger.party('Elm Assay')
ledger.order([ledger.create(ledger.founder(0), 'Amount')])
const change = ledger.decideInvitation(elm)
ledger.order()
const [decidedHeight] = [ledger.height - 1]
const entry = ledger.turnEntry(change)
const place = ledger.place()
const bad = (code: string) => expect.objectContaining({ code })
const { header } = ledger.tip.block
const block = { header, entries: [entry] }

describe('a ledger block that ends an epoch', () => {
  it('[BLK-3] holds the turn and nothing else', () => {
    expect(checkAnyBlockShape(block)).toBe(block)
    expect(turnOf(block as never)).toBe(entry)
    const [requested] = (ledger.blocks[1] as (typeof ledger.blocks)[0]).block.entries
    for (const entries of [
      [entry, entry],
      [requested, entry],
      [entry, requested],
    ])
      expect(() => checkAnyBlockShape({ header, entries })).toThrow(bad('bad-format'))
  })

  it('[BLK-3] has exactly the keys of its format', () => {
    const { certificate, ...rest } = entry
    const observers = [[elm.party, '0'.repeat(64)]]
    expect(checkAnyBlockShape({ header, entries: [{ ...entry, observers }] })).toBeDefined()
    for (const wrong of [
      rest,
      { ...entry, effects: [] },
      { ...entry, kind: 'tick' },
      { ...entry, observers: [] },
      { ...entry, observers: [[elm.party]] },
      { ...entry, members: [] },
      { ...entry, change: null },
      { ...entry, certificate: [...certificate, {}] },
    ])
      expect(() => checkAnyBlockShape({ header, entries: [wrong] })).toThrow(bad('bad-format'))
  })

  it('[ENC-1] is refused whatever else it is, and never by anything but an error of the registry', () => {
    expectStrict(checkAnyBlockShape, block, jcs, 500)
  })

  it('[BLK-2] is any other where it holds requests, which who knows no turns takes as well', () => {
    for (const one of ledger.blocks) {
      expect(checkAnyBlockShape(one.block)).toBe(one.block)
      expect(checkBlockShape(one.block)).toBe(one.block)
      expect(turnOf(one.block)).toBeUndefined()
    }
    expect(() => checkBlockShape(block)).toThrow(bad('bad-format'))
  })

  it('[BLK-3] has the root of its entry with the effects', () => {
    const effects: [string, string][] = [['0'.repeat(32), '1'.repeat(64)]]
    expect(entriesRoot([entry], [effects])).toBe(leafHash(jcs({ ...entry, effects })))
  })
})

describe('the certificate of a turn', () => {
  const { signers } = ledger.turns()[0] as { signers: TurnSigner[] }
  const check = (certificate: (Cosignature | undefined)[], who = signers) =>
    checkTurnCertificate(ledger.contract, { ...entry, certificate } as TurnEntry, who, place)
  const { certificate } = entry
  const [first, second, third, joiner] = certificate as [Cosignature, Cosignature, Cosignature, Cosignature]
  const refused = bad('bad-signature')

  it('[EPO-9] is good with the cosignature of every member of the next epoch, the joiner’s last', () => {
    expect(certificate.map(({ party }) => party)).toEqual([...ledger.state.epoch.members, elm.party])
    expect(() => check(certificate)).not.toThrow()
  })

  it('[EPO-9] lacks nobody, has nobody twice, and keeps the order', () => {
    for (const wrong of [
      [],
      [second, third, joiner],
      [first, third, joiner],
      [first, second, third],
      [first, first, second, third, joiner],
      [first, second, third, joiner, joiner],
      [second, first, third, joiner],
      [joiner, first, second, third],
    ])
      expect(() => check(wrong)).toThrow(refused)
  })

  it('[EPO-9] holds nobody else’s, under their own name or another', () => {
    const stranger = ledger.cosignature(ledger.party('Stranger').party)
    expect(() => check([...certificate, stranger])).toThrow(refused)
    expect(() => check([first, second, third, { ...stranger, party: elm.party }])).toThrow(refused)
    expect(() => check([first, { ...first, party: second.party }, third, joiner])).toThrow(refused)
  })

  it('[EPO-9] is of checkpoints of this ledger: not of another history, epoch or time', () => {
    for (const key of ['root', 'block', 'stateRoot'] as const)
      expect(() => check([{ ...first, [key]: otherHash(first[key]) }, second, third, joiner])).toThrow(
        refused,
      )
    expect(() => check([{ ...first, epoch: 1 }, second, third, joiner])).toThrow(refused)
    expect(() => check([{ ...first, timeS: first.timeS + 1 }, second, third, joiner])).toThrow(refused)
    expect(() => check([{ ...first, signature: other(first.signature) }, second, third, joiner])).toThrow(
      refused,
    )
    const forked = new EpochLedger({ seed: 'another' })
    const genuine = forked.cosignature((forked.founders[0] as FixtureParty).party)
    expect(() => check([{ ...genuine, party: first.party }, second, third, joiner])).toThrow(refused)
  })

  it('[EPO-9] is of checkpoints at or past the block that decided the change', () => {
    for (const [index, { party }] of certificate.entries()) {
      const at = (height: number) => certificate.with(index, ledger.cosignature(party, height))
      expect(() => check(at(decidedHeight))).not.toThrow()
      expect(() => check(at(decidedHeight - 1))).toThrow(refused)
    }
  })

  it('[EPO-10] goes without those who may lack, each of them and all', () => {
    const may = (...parties: string[]) =>
      signers.map((signer) => ({ ...signer, mayLack: parties.includes(signer.party) }))
    expect(() => check([first, third, joiner], may(second.party))).not.toThrow()
    expect(() => check(certificate, may(second.party))).not.toThrow()
    expect(() => check([first, third], may(second.party))).toThrow(refused)
    expect(() => check([joiner], may(first.party, second.party, third.party))).not.toThrow()
    expect(() => check([third, first, joiner], may(first.party, second.party, third.party))).toThrow(refused)
    // One that is there is looked at all the same.
    const early = ledger.cosignature(second.party, 0)
    expect(() => check([first, early, third, joiner], may(second.party))).toThrow(refused)
  })
})
