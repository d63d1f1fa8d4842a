/** A member that hears of two committed histories before it knows that there is anything to ask (EVI-3). */
import { describe, expect, it } from 'vitest'
import { signStatements } from '../../src/crypto/statement.ts'
import { blockHash, type Header } from '../../src/ledger/block.ts'
import type { Certificate } from '../../src/ledger/certificate.ts'
import { Engines, type Member } from '../support/engines.ts'

/** A COMMIT of these members beside block 1, and the header that it is of. */
function world() {
  const engines = new Engines(3)
  const contract = engines.contract('{"a":"0"}')
  const [victim, other, liar] = engines.members as [Member, Member, Member]
  engines.disconnect(victim, other)
  engines.set(victim, contract, 'a', '1')
  engines.pass(20_000)
  victim.engine.flush()
  const [stored] = victim.store.blocks(contract, 1, 1)
  if (!stored) throw new Error('nothing was committed')
  const { view } = stored.block.header
  const header: Header = { ...stored.block.header, stateRoot: '9'.repeat(64) }
  const block = blockHash(header)
  const certificate = (kind: 'notarization' | 'finalization', signers: readonly Member[]): Certificate => {
    const type = kind === 'notarization' ? 'VOTE' : 'FINALIZE'
    const statement = { contract, lineage: 0, epoch: 0, view, type, block }
    const signatures = signers.map(({ party, keys }): Certificate['signatures'][number] => {
      const [signature] = signStatements(keys.vote.privateKey, [statement])
      if (!signature) throw new Error('nothing was signed')
      return [party, signature]
    })
    return { kind, view, block, signatures }
  }
  const tell = (signers: readonly Member[]): void => {
    const certificates = [certificate('notarization', signers), certificate('finalization', signers)]
    const proof = { type: 'PROOF', contract, fromHeight: 1, headers: [header], certificates }
    victim.engine.deliver(other.party, [proof], engines.nowMs)
  }
  return { engines, victim, other, liar, replica: victim.engine.replica(contract), tell }
}

describe('a proof that nobody asked for', () => {
  it('[EVI-3] halts who holds the other history, and names who signed both', () => {
    const { replica, tell, other, liar } = world()
    expect([replica.status, replica.chain.height]).toEqual(['accepted', 1])
    tell([other, liar])
    expect(replica.status).toBe('halted')
    expect([...replica.evidence.accused.keys()]).toEqual([liar.party])
  })

  it('[EVI-3] of a COMMIT that does not verify halts nobody, nor does one more within the second', () => {
    const { engines, replica, tell, other, liar } = world()
    tell([liar])
    expect(replica.status).toBe('accepted')
    tell([other, liar])
    expect(replica.status).toBe('accepted')
    engines.nowMs += 1000
    tell([other, liar])
    expect(replica.status).toBe('halted')
  })
})
