/** A genuine bundle altered by somebody who holds no keys: each test names the rule that is broken, and where. */
import { describe, expect, it } from 'vitest'
import { audit, auditAltered, type Parts } from '../../test/support/audit.ts'
import { LedgerFixture, storyLedger } from '../../test/support/ledger-fixture.ts'
import type { ProvenCard } from '../identity/card.ts'
import { contractId } from '../ledger/genesis.ts'

const ledger = storyLedger(10)
const ZEROS = '0'.repeat(64)

/** The finding on the bundle once altered; that there is one, and that it is not believed, is checked. */
function findingOn(alter: (parts: Parts) => void, of: LedgerFixture = ledger): string {
  const report = auditAltered(of, alter)
  expect(report.verdict).toBe('invalid')
  return `${report.finding?.rule} ${report.finding?.place}`
}

/** The finding on the lines of the bundle once they are altered as texts. */
function findingOnTexts(alter: (texts: string[]) => void): string {
  const texts = ledger.lines().map((line) => JSON.stringify(line))
  alter(texts)
  const report = audit(texts as never, ledger.parties)
  expect(report.finding?.message).not.toBe('')
  return `${report.verdict} ${report.finding?.rule} ${report.finding?.place}`
}

/** Another text of the same length: its first character replaced. */
const other = (text: string) => (text.startsWith('A') ? 'B' : 'A') + text.slice(1)
const otherHash = (hash: string) => (hash.startsWith('0') ? '1' : '0') + hash.slice(1)
const idAt = (height: number, index: number) => ledger.blocks[height]?.block.entries[index]?.request as string

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

describe('the ledger blocks', () => {
  const header = (parts: Parts, height: number) => parts.block(height).block.header

  it.each([
    ['contract', otherHash, 'BLK-1'],
    ['lineage', () => 1, 'BLK-1'],
    ['epoch', () => 1, 'BLK-1'],
    ['parent', otherHash, 'BLK-4'],
    ['timeMs', (value: number) => value - 1000, 'BLK-4'],
    ['view', (value: number) => value - 1, 'BLK-4'],
    ['logRoot', otherHash, 'LOG-1'],
    ['entriesRoot', otherHash, 'BLK-2'],
    ['stateRoot', otherHash, 'STA-1'],
    // What nothing in the block itself contradicts, its certificates do.
    ['timeMs', (value: number) => value + 1, 'ORD-1'],
    ['view', (value: number) => value + 1, 'ORD-1'],
  ] as [string, (value: never) => unknown, string][])(
    '[BLK-1] [BLK-2] [BLK-4] [LOG-1] [STA-1] [ORD-1] another %s in a header (case %$)',
    (key, change, rule) => {
      const alter = (parts: Parts) => {
        const altered = header(parts, 2) as never as Record<string, never>
        Object.assign(altered, { [key]: change(altered[key] as never) })
      }
      expect(findingOn(alter)).toBe(`${rule} ledger block 2`)
    },
  )

  it('[BLK-4] another height in a header', () => {
    expect(findingOn((parts) => Object.assign(header(parts, 2), { height: 3 }))).toBe('BLK-4 ledger block 3')
  })

  it('[BLK-4] a header altered, and its certificates taken away: the next block has another parent', () => {
    const alter = (parts: Parts) => {
      const line = parts.block(2)
      line.block.header.timeMs += 1
      Reflect.deleteProperty(line, 'notarization')
      Reflect.deleteProperty(line, 'finalization')
    }
    expect(findingOn(alter)).toBe('BLK-4 ledger block 3')
  })

  it('[COS-2] the last header altered, and its certificates taken away: the cosignatures are on another root', () => {
    const alter = (parts: Parts) => {
      const line = parts.block(10)
      line.block.header.timeMs += 1
      Reflect.deleteProperty(line, 'notarization')
      Reflect.deleteProperty(line, 'finalization')
    }
    expect(findingOn(alter)).toBe('COS-2 ledger block 10')
  })

  it('[BLK-1] a header with a key too many, too few, or malformed', () => {
    expect(findingOn((parts) => Object.assign(header(parts, 4), { note: '' }))).toBe('BLK-1 ledger block 4')
    expect(findingOn((parts) => Reflect.deleteProperty(header(parts, 4), 'view'))).toBe(
      'BLK-1 ledger block 4',
    )
    expect(findingOn((parts) => Object.assign(header(parts, 4), { parent: 'A'.repeat(64) }))).toBe(
      'BLK-1 ledger block 4',
    )
    expect(findingOn((parts) => Object.assign(parts.block(4), { block: null }))).toBe('BLK-1 ledger block 4')
  })

  it('[BLK-4] two in the wrong order', () => {
    const alter = (parts: Parts) =>
      parts.lines.splice(parts.indexOf(4), 0, ...parts.lines.splice(parts.indexOf(5), 1))
    expect(findingOn(alter)).toBe('BLK-4 ledger block 5')
  })

  it('[BLK-4] one left out', () => {
    expect(findingOn((parts) => parts.lines.splice(parts.indexOf(4), 1))).toBe('BLK-4 ledger block 5')
  })

  it('[BLK-4] one twice', () => {
    expect(findingOn((parts) => parts.lines.splice(parts.indexOf(4), 0, parts.block(4)))).toBe(
      'BLK-4 ledger block 4',
    )
  })

  it('[BLK-1] one of another contract', () => {
    const elsewhere = storyLedger(3, { members: ledger.members, seed: 'another contract' })
    const alter = (parts: Parts) => {
      parts.lines[parts.indexOf(3)] = elsewhere.blockLine(3)
    }
    expect(findingOn(alter)).toBe('BLK-1 ledger block 3')
  })
})

describe('the requests', () => {
  const requestAt = (parts: Parts, height: number, index: number) =>
    parts.block(height).requests[index] as never

  it('[REQ-1] two swapped', () => {
    expect(findingOn((parts) => parts.block(1).requests.reverse())).toBe(
      `REQ-1 request ${idAt(1, 0)} in ledger block 1`,
    )
  })

  it('[BLK-2] two swapped with their entries', () => {
    const alter = (parts: Parts) => {
      parts.block(1).requests.reverse()
      parts.block(1).block.entries.reverse()
    }
    expect(findingOn(alter)).toBe('BLK-2 ledger block 1')
  })

  it('[REQ-4] two swapped with their entries where the later had not seen the earlier', () => {
    const alter = (parts: Parts) => {
      for (const list of [parts.block(2).requests, parts.block(2).block.entries] as unknown[][])
        [list[0], list[1]] = [list[1], list[0]]
    }
    expect(findingOn(alter)).toBe(`REQ-4 request ${idAt(2, 1)} in ledger block 2`)
  })

  it('[REQ-1] one left out', () => {
    expect(findingOn((parts) => parts.block(1).requests.pop())).toBe(
      `REQ-1 request ${idAt(1, 1)} in ledger block 1`,
    )
    expect(findingOn((parts) => parts.block(1).requests.shift())).toBe(
      `REQ-1 request ${idAt(1, 0)} in ledger block 1`,
    )
  })

  it('[BLK-2] one left out with its entry', () => {
    const alter = (parts: Parts) => {
      const { block, requests, openings } = parts.block(1)
      block.entries.pop()
      requests.pop()
      openings.pop()
    }
    expect(findingOn(alter)).toBe('BLK-2 ledger block 1')
  })

  it('[BLK-2] one more than there are entries', () => {
    const alter = (parts: Parts) => parts.block(4).requests.push(requestAt(parts, 1, 0))
    expect(findingOn(alter)).toBe('BLK-2 ledger block 4')
  })

  it('[REQ-5] one of an earlier block put in again with its entry', () => {
    const alter = (parts: Parts) => {
      parts.block(4).requests.push(requestAt(parts, 1, 0))
      parts.block(4).block.entries.push(parts.block(1).block.entries[0] as never)
    }
    expect(findingOn(alter)).toBe(`REQ-5 request ${idAt(1, 0)} in ledger block 4`)
  })

  it('[REQ-1] an operation altered', () => {
    const alter = (parts: Parts) => {
      const { request } = parts.block(1).requests[0] as { request: { operations: object[] } }
      Object.assign(request.operations[0] as object, { name: 'Item 2' })
    }
    expect(findingOn(alter)).toBe(`REQ-1 request ${idAt(1, 0)} in ledger block 1`)
  })

  it.each([['author'], ['authorKey'], ['nonce'], ['notAfterMs'], ['contract']])(
    '[REQ-1] its %s altered',
    (key) => {
      const alter = (parts: Parts) => {
        const { request } = parts.block(1).requests[0] as never as {
          request: Record<string, string | number>
        }
        const value = request[key] as string | number
        request[key] = typeof value === 'number' ? value + 1 : otherHash(value)
      }
      expect(findingOn(alter)).toBe(`REQ-1 request ${idAt(1, 0)} in ledger block 1`)
    },
  )

  it('[REQ-1] something else in its place', () => {
    for (const value of [null, 'request', 7, [], {}, { request: null, signature: '' }]) {
      const alter = (parts: Parts) => {
        parts.block(1).requests[1] = value as never
      }
      expect(findingOn(alter)).toBe(`REQ-1 request ${idAt(1, 1)} in ledger block 1`)
    }
  })

  it('[SIG-1] its signature altered, or taken from another', () => {
    const altered = (parts: Parts) => {
      const signed = parts.block(1).requests[1] as { signature: string }
      signed.signature = other(signed.signature)
    }
    expect(findingOn(altered)).toBe(`SIG-1 request ${idAt(1, 1)} in ledger block 1`)
    const taken = (parts: Parts) => {
      const [first, second] = parts.block(1).requests as never as [
        { signature: string },
        { signature: string },
      ]
      second.signature = first.signature
    }
    expect(findingOn(taken)).toBe(`SIG-1 request ${idAt(1, 1)} in ledger block 1`)
  })

  it('[REQ-4] another outcome, or another code', () => {
    const outcome = (parts: Parts) => {
      parts.block(2).block.entries[1] = { kind: 'request', request: idAt(2, 1), outcome: 'accepted' }
    }
    expect(findingOn(outcome)).toBe(`REQ-4 request ${idAt(2, 1)} in ledger block 2`)
    const code = (parts: Parts) =>
      Object.assign(parts.block(3).block.entries[0] as object, { code: 'wrong-type' })
    expect(findingOn(code)).toBe(`REQ-4 request ${idAt(3, 0)} in ledger block 3`)
  })
})

describe('the openings', () => {
  it('[VAL-2] a value altered', () => {
    const alter = (parts: Parts) => Object.assign(parts.block(1).openings[1] as object, { value: 'EUR 2' })
    expect(findingOn(alter)).toBe('VAL-2 ledger block 1')
  })

  it('[VAL-2] a salt altered', () => {
    const alter = (parts: Parts) => {
      const opening = parts.block(1).openings[0] as { salt: string }
      opening.salt = other(opening.salt)
    }
    expect(findingOn(alter)).toBe('VAL-2 ledger block 1')
  })

  it('[VAL-2] one missing', () => {
    expect(findingOn((parts) => parts.block(2).openings.shift())).toBe('VAL-2 ledger block 2')
  })

  it('[VAL-2] one that nothing commits to', () => {
    const alter = (parts: Parts) => parts.block(4).openings.push(...parts.block(1).openings)
    expect(findingOn(alter)).toBe('VAL-2 ledger block 4')
  })

  it('[VAL-2] one twice', () => {
    const alter = (parts: Parts) => parts.block(1).openings.push(parts.block(1).openings[0] as never)
    expect(findingOn(alter)).toBe('VAL-2 ledger block 1')
  })

  it('[VAL-1] one malformed', () => {
    for (const opening of [null, {}, { salt: '', value: 'x' }, { salt: 'A'.repeat(22), value: 12 }]) {
      const alter = (parts: Parts) => {
        parts.block(1).openings[0] = opening as never
      }
      expect(findingOn(alter)).toBe('VAL-1 ledger block 1')
    }
  })
})

describe('the certificates', () => {
  const certificate = (parts: Parts, kind: 'notarization' | 'finalization') =>
    parts.block(5)[kind] as never as Record<string, unknown>
  const two = 'ORD-1 ledger block 5'

  for (const kind of ['notarization', 'finalization'] as const) {
    it(`[ORD-1] a ${kind} of too few`, () => {
      const alter = (parts: Parts) => (certificate(parts, kind).signatures as unknown[]).splice(1)
      expect(findingOn(alter)).toBe(two)
    })

    it(`[ORD-1] a ${kind} that counts one member twice`, () => {
      const alter = (parts: Parts) => {
        const signatures = certificate(parts, kind).signatures as unknown[]
        signatures.splice(1, 2, signatures[0])
      }
      expect(findingOn(alter)).toBe(two)
    })

    it(`[ORD-1] a ${kind} with one bad signature, though the others are enough`, () => {
      const alter = (parts: Parts) => {
        const signatures = certificate(parts, kind).signatures as [string, { signature: string }][]
        const last = signatures[2]?.[1] as { signature: string }
        last.signature = other(last.signature)
      }
      expect(findingOn(alter)).toBe(two)
    })

    it(`[ORD-1] a ${kind} of another view`, () => {
      expect(findingOn((parts) => Object.assign(certificate(parts, kind), { view: 6 }))).toBe(two)
    })

    it(`[ORD-1] a ${kind} of another block`, () => {
      expect(findingOn((parts) => Object.assign(parts.block(5), { [kind]: parts.block(4)[kind] }))).toBe(two)
    })
  }

  it('[ORD-1] a notarization in the place of the finalization', () => {
    const alter = (parts: Parts) =>
      Object.assign(parts.block(5), { finalization: certificate(parts, 'notarization') })
    expect(findingOn(alter)).toBe(two)
  })

  it('[ORD-1] votes called finalizes', () => {
    const alter = (parts: Parts) =>
      Object.assign(parts.block(5), {
        finalization: { ...certificate(parts, 'notarization'), kind: 'finalization' },
      })
    expect(findingOn(alter)).toBe(two)
  })

  it('[ORD-1] one by parties that are not members', () => {
    const strangers = new LedgerFixture({ seed: 'strangers' })
    const forged = strangers.certificate('finalization', ledger.blocks[5]?.block.header as never)
    expect(findingOn((parts) => Object.assign(parts.block(5), { finalization: forged }))).toBe(two)
    // Under the members' names their keys don't verify.
    const signatures = forged.signatures.map(([, signature], index) => [ledger.parties[index], signature])
    expect(
      findingOn((parts) => Object.assign(parts.block(5), { finalization: { ...forged, signatures } })),
    ).toBe(two)
  })

  it('[ORD-1] a malformed one', () => {
    for (const value of [null, [], {}, { kind: 'skip', view: 5, signatures: [] }])
      expect(findingOn((parts) => Object.assign(parts.block(5), { notarization: value }))).toBe(two)
  })
})
