/** A genuine bundle altered by somebody who holds no keys: each test names the rule that is broken, and where. */
import { describe, expect, it } from 'vitest'
import {
  audit,
  auditAltered,
  findingOnAltered,
  other,
  otherHash,
  type Parts,
} from '../../test/support/audit.ts'
import { storyLedger } from '../../test/support/ledger-fixture.ts'
import type { ProvenCard } from '../identity/card.ts'
import { contractId } from '../ledger/genesis.ts'

const ledger = storyLedger(10)
const ZEROS = '0'.repeat(64)
const findingOn = (alter: (parts: Parts) => void, of = ledger) => findingOnAltered(of, alter)

/** The finding on the lines of the bundle once they are altered as texts. */
function findingOnTexts(alter: (texts: string[]) => void): string {
  const texts = ledger.lines().map((line) => JSON.stringify(line))
  alter(texts)
  const report = audit(texts as never, ledger.parties)
  expect(report.finding?.message).not.toBe('')
  return `${report.verdict} ${report.finding?.rule} ${report.finding?.place}`
}

describe('what is no bundle', () => {
  it.each([
    ['an empty file', []],
    ['an empty line', ['']],
    ['no JSON', ['PK\u0003\u0004']],
    ['JSON of something else', ['{"version":1}']],
    ['a list', ['[]']],
    ['null', ['null']],
    ['a line of a bundle, not its first', ['{"type":"end","height":0}']],
    ['a version that is not known', [JSON.stringify({ ...ledger.lines()[0], version: 2 })]],
    ['a first line with an unknown key', [JSON.stringify({ ...ledger.lines()[0], more: 1 })]],
    ['a byte order mark', [`\ufeff${JSON.stringify(ledger.lines()[0])}`]],
    [
      'a first line that says the same twice',
      [JSON.stringify(ledger.lines()[0]).replace('{', '{"type":"bundle",')],
    ],
  ])('[BUN-1] %s is unreadable', (_, lines) => {
    expect(audit(lines as never, ledger.parties)).toMatchObject({
      verdict: 'unreadable',
      height: -1,
      tentativeHeights: 0,
      members: [],
      finding: { rule: 'BUN-1', place: 'line 1' },
    })
  })
})

describe('the lines', () => {
  it('[ENC-1] one that is not JSON', () => {
    expect(findingOnTexts((texts) => texts.splice(6, 1, '{'))).toBe('invalid ENC-1 line 7')
  })

  it('[ENC-1] one that names a key twice', () => {
    const twice = (texts: string[]) =>
      texts.splice(6, 1, (texts[6] as string).replace('{', '{"openings":[],'))
    expect(findingOnTexts(twice)).toBe('invalid ENC-1 line 7')
  })

  it('[BUN-1] one with a key too many', () => {
    expect(findingOn(({ lines }) => Object.assign(lines[7] as object, { note: '' }))).toBe('BUN-1 line 8')
  })

  it('[BUN-1] one with a key too few', () => {
    expect(findingOn((parts) => Reflect.deleteProperty(parts.block(1), 'openings'))).toBe('BUN-1 line 6')
  })

  it('[BUN-1] one of an unknown type', () => {
    expect(findingOn(({ lines }) => lines.splice(5, 0, { type: 'comment' } as never))).toBe('BUN-1 line 6')
  })

  it('[BUN-1] the first line a second time', () => {
    expect(findingOn(({ lines, head }) => lines.splice(1, 0, head))).toBe('BUN-1 line 2')
  })

  it('[BUN-1] the genesis a second time', () => {
    expect(findingOn(({ lines, genesis }) => lines.splice(5, 0, genesis))).toBe('BUN-1 line 6')
  })

  it('[BUN-1] no genesis', () => {
    expect(findingOn(({ lines }) => lines.splice(1, 1))).toBe('BUN-1 line 2')
  })

  it('[BUN-1] a cosignature behind a ledger block', () => {
    expect(findingOn((parts) => parts.lines.splice(7, 0, parts.cosignature(0)))).toBe('BUN-1 line 8')
  })

  it('[BUN-1] the end line cut off', () => {
    expect(findingOn(({ lines }) => lines.pop())).toBe('BUN-1 line 16')
  })

  it('[BUN-1] the tail cut off with the end line left', () => {
    expect(findingOn(({ lines }) => lines.splice(12, 3))).toBe('BUN-1 line 13')
  })

  it('[BUN-1] another height in the end line', () => {
    expect(findingOn(({ end }) => Object.assign(end, { height: 9 }))).toBe('BUN-1 line 16')
  })

  it('[BUN-1] another height in the first line', () => {
    expect(findingOn(({ head }) => Object.assign(head, { height: 9 }))).toBe('BUN-1 line 16')
  })

  it('[BUN-1] something behind the end', () => {
    expect(findingOn(({ lines, end }) => lines.push(end))).toBe('BUN-1 line 17')
    expect(findingOnTexts((texts) => texts.push(''))).toBe('invalid ENC-1 line 17')
  })

  it('[BUN-2] the tail cut off and the heights with it: the cosignatures know better', () => {
    expect(findingOn((parts) => parts.cutAfter(7))).toBe(`BUN-2 cosignature of ${ledger.parties[0]}`)
  })
})

describe('the genesis', () => {
  it('[GEN-1] another contract id', () => {
    expect(findingOn(({ head }) => Object.assign(head, { contract: ZEROS }))).toBe('GEN-1 genesis')
  })

  it.each([
    ['name', 'Claim 4712'],
    ['timeMs', 1],
    ['operations', []],
    ['nonce', 'A'.repeat(22)],
  ])('[GEN-1] another %s', (key, value) => {
    expect(findingOn(({ genesis }) => Object.assign(genesis.genesis, { [key]: value }))).toBe('GEN-1 genesis')
  })

  it('[GEN-1] a lower quorum', () => {
    const alter = ({ genesis }: Parts) => Object.assign(genesis.genesis.policy, { quorum: 'bft' })
    expect(findingOn(alter)).toBe('GEN-1 genesis')
  })

  it('[GEN-1] members in another order', () => {
    expect(findingOn(({ genesis }) => genesis.genesis.members.reverse())).toBe('GEN-1 genesis')
  })

  it('[GEN-1] no genesis at all in its line', () => {
    for (const value of [null, 'genesis', [], { members: 'all' }])
      expect(findingOn(({ genesis }) => Object.assign(genesis, { genesis: value }))).toBe('GEN-1 genesis')
  })

  const cardOf = ({ genesis }: Parts, index: number) => genesis.genesis.members[index] as ProvenCard

  it('[CARD-1] a member’s card altered', () => {
    const alter = (parts: Parts) => Object.assign(cardOf(parts, 1).card, { name: 'Birch Shopping' })
    expect(findingOn(alter)).toBe('CARD-1 member 2')
  })

  it('[CARD-1] a card’s signature altered', () => {
    const alter = (parts: Parts) =>
      Object.assign(cardOf(parts, 2), { signature: other(cardOf(parts, 2).signature) })
    expect(findingOn(alter)).toBe('CARD-1 member 3')
  })

  it('[CARD-2] a later card that names none before it, or a first card that does', () => {
    expect(findingOn((parts) => Object.assign(cardOf(parts, 0).card, { sequence: 2 }))).toBe(
      'CARD-2 member 1',
    )
    const first = (parts: Parts) => Object.assign(cardOf(parts, 0).card, { party: ZEROS, previous: ZEROS })
    expect(findingOn(first)).toBe('CARD-2 member 1')
  })

  it('[GEN-2] an operation that is not accepted', () => {
    // Whoever invents a contract may put anything into its genesis; nobody can accept this one.
    const bad = storyLedger(0)
    const alter = (parts: Parts) => {
      const { genesis } = parts.genesis
      genesis.operations.push(genesis.operations[1] as never)
      parts.head.contract = contractId(genesis)
    }
    expect(findingOn(alter, bad)).toBe('GEN-2 genesis')
  })

  it('[VAL-2] an opening of the genesis altered, missing, or one too many', () => {
    const value = ({ genesis }: Parts) => Object.assign(genesis.openings[0] as object, { value: 'USD' })
    expect(findingOn(value)).toBe('VAL-2 genesis')
    expect(findingOn(({ genesis }) => genesis.openings.pop())).toBe('VAL-2 genesis')
    expect(findingOn((parts) => parts.genesis.openings.push(...parts.block(1).openings))).toBe(
      'VAL-2 genesis',
    )
  })
})

describe('the cosignatures', () => {
  const place = (index: number) => `cosignature of ${ledger.parties[index]}`

  it('[COS-3] a member’s is missing', () => {
    expect(findingOn(({ lines }) => lines.splice(3, 1))).toBe(`COS-3 ${place(1)}`)
    expect(auditAltered(ledger, ({ lines }) => lines.splice(3, 1)).height).toBe(-1)
  })

  it('[COS-3] all are missing', () => {
    expect(findingOn(({ lines }) => lines.splice(2, 3))).toBe(`COS-3 ${place(0)}`)
  })

  it('[CHK-2] its signature altered', () => {
    const alter = (parts: Parts) => {
      parts.cosignature(2).signature = other(parts.cosignature(2).signature)
    }
    expect(findingOn(alter)).toBe(`CHK-2 ${place(2)}`)
  })

  it.each([
    ['timeS', (value: number) => value + 1],
    ['size', (value: number) => value - 1],
    ['epoch', () => 1],
    ['root', otherHash],
    ['block', otherHash],
    ['stateRoot', otherHash],
  ] as [string, (value: never) => unknown][])('[CHK-2] its %s altered', (key, change) => {
    const alter = (parts: Parts) => {
      const cosignature = parts.cosignature(0) as never as Record<string, never>
      Object.assign(cosignature, { [key]: change(cosignature[key] as never) })
    }
    expect(findingOn(alter)).toBe(`CHK-2 ${place(0)}`)
  })

  it('[CHK-2] one of another party, under its own name and under a member’s', () => {
    const stranger = storyLedger(0, { seed: 'stranger' }).cosignature(0, ledger.checkpoint())
    const beside = ({ lines }: Parts) => lines.splice(5, 0, { type: 'cosignature', ...stranger })
    expect(findingOn(beside)).toBe(`CHK-2 cosignature of ${stranger.party}`)
    const instead = (parts: Parts) => {
      parts.lines[2] = { type: 'cosignature', ...stranger, party: ledger.parties[0] as string }
    }
    expect(findingOn(instead)).toBe(`CHK-2 ${place(0)}`)
  })

  it('[CHK-2] one of the same party from another contract', () => {
    const elsewhere = storyLedger(10, { members: ledger.members, seed: 'another contract' })
    const alter = (parts: Parts) => {
      parts.lines[4] = { type: 'cosignature', ...elsewhere.cosignature(2) }
    }
    expect(findingOn(alter)).toBe(`CHK-2 ${place(2)}`)
  })

  it('[CHK-2] one without a party', () => {
    expect(findingOn((parts) => Reflect.deleteProperty(parts.cosignature(0), 'party'))).toBe(
      'CHK-2 cosignature of nobody',
    )
  })

  it('[BUN-1] a member’s twice', () => {
    expect(findingOn((parts) => parts.lines.splice(3, 0, parts.cosignature(0)))).toBe(`BUN-1 ${place(0)}`)
  })
})
