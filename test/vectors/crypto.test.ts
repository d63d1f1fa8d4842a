/**
 * The formats of crypto/ are frozen: other programs, and ledgers already signed, rely on every byte. A case that fails here
 * is a break of the protocol, to be undone; a new format gets a new domain or version and new cases.
 */
import { describe, expect, it } from 'vitest'
import { jcs } from '../../src/crypto/jcs.ts'
import { type MapProof, verifyMapProof } from '../../src/crypto/merkle-map.ts'
import { sha256Hex } from '../../src/crypto/provider.ts'
import file from './crypto.json' with { type: 'json' }
import { OUTPUT_OF } from './crypto-outputs.ts'

type Case = { kind: string; name: string; input: unknown; output: unknown }
const cases: Case[] = file.cases

/** SHA-256 of the cases' canonical JSON: to change them, even to add one, is a decision that shows here. */
const FROZEN = '806172435bcc454c6b38573c39f1181551e699d2edbdff6a5faca42163af83a8'

describe('[ENC-2] the frozen formats of crypto', () => {
  it('are the cases that were frozen, of every kind', () => {
    expect(sha256Hex(jcs(cases))).toBe(FROZEN)
    expect(new Set(cases.map(({ kind }) => kind))).toEqual(new Set(Object.keys(OUTPUT_OF)))
  })

  for (const { kind, name, input, output } of cases) {
    it(`${kind}: ${name}`, () => {
      expect(OUTPUT_OF[kind]?.(input)).toEqual(output)
    })
  }

  it('[STA-1] hold proofs that verify against the roots frozen beside them', () => {
    const rootOf = new Map(
      cases.flatMap(({ kind, input, output }) =>
        kind === 'map-root'
          ? [[jcs((input as { entries: unknown }).entries), output as string] as const]
          : [],
      ),
    )
    const proofs = cases.filter(({ kind }) => kind === 'map-proof')
    expect(proofs.length).toBeGreaterThan(0)
    for (const { input, output } of proofs) {
      const { entries, uid } = input as { entries: [string, string][]; uid: string }
      const value = entries.find(([one]) => one === uid)?.[1] ?? null
      expect(verifyMapProof(rootOf.get(jcs(entries)) ?? '', uid, value, output as MapProof)).toBe(true)
    }
  })
})
