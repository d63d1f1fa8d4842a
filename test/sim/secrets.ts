/** Rules of a run with private values: each of some fields is for a few members alone, and a constraint reads two of them. */

import { hexEncode } from '../../src/crypto/bytes.ts'
import type { Behaviour } from '../../src/ledger/behaviour.ts'
import { GENESIS_ROOT } from '../../src/ledger/genesis.ts'
import type { Operation } from '../../src/ledger/request.ts'
import type { Random } from './random.ts'

export const SECRETS = ['SecretA', 'SecretB', 'SecretC'] as const

export function secretRules(parties: readonly string[], random: Random): Operation[] {
  const rules: { path: string[]; behaviour: Behaviour }[] = SECRETS.map((name) => {
    const readers = random.shuffled(parties).slice(0, random.integer(1, parties.length))
    return {
      path: [name],
      behaviour: { kind: 'access', actions: ['see'], grants: readers.map((party) => ({ party })) },
    }
  })
  // They stay: what is gone, nobody looks at any more.
  for (const name of SECRETS)
    rules.push({ path: [name], behaviour: { kind: 'access', actions: ['remove'], grants: [] } })
  // Refuses now and then, whoever sets one of the two.
  const expression = 'not(ends with(SecretA, "3") and ends with(Title, "3"))'
  rules.push({ path: [], behaviour: { kind: 'constraint', expression, message: 'both end with 3' } })
  return rules.map(({ path, behaviour }) => ({
    op: 'draft',
    uid: hexEncode(random.bytes(16)),
    action: { do: 'add', rule: { at: GENESIS_ROOT, path, behaviour } },
  }))
}
