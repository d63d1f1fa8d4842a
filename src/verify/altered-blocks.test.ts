/** The ledger blocks of a genuine bundle altered by somebody who holds no keys: the rule that is broken, and where. */
import { describe, expect, it } from 'vitest'
import { findingOnAltered, other, otherHash, type Parts } from '../../test/support/audit.ts'
import { LedgerFixture, storyLedger } from '../../test/support/ledger-fixture.ts'

const ledger = storyLedger(10)
const findingOn = (alter: (parts: Parts) => void) => findingOnAltered(ledger, alter)
const idAt = (height: number, index: number) => ledger.blocks[height]?.block.entries[index]?.request as string

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
