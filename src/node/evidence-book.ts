/**
 * Evidence held of one contract (EVI-1): kept, told to the other members, and taken from them once it is shown to hold. It
 * marks a party; by itself it stops nothing.
 */
import { CountersignError } from '../crypto/errors.ts'
import { type Evidence, evidenceId } from '../ledger/evidence.ts'
import { knownCards } from './known-cards.ts'
import type { Replica } from './replica.ts'

/** Kept of one party: a liar can make any number, and one is enough. */
const KEPT_OF_PARTY = 16

export class EvidenceBook {
  private readonly replica: Replica
  private readonly held = new Map<string, Evidence>()

  constructor(replica: Replica) {
    this.replica = replica
    for (const { id, evidence } of replica.store.evidence(replica.contract)) this.held.set(id, evidence)
  }

  get size(): number {
    return this.held.size
  }

  /** What each accused party has signed against itself, by party. */
  get accused(): Map<string, { id: string; evidence: Evidence }[]> {
    const accused = new Map<string, { id: string; evidence: Evidence }[]>()
    for (const [id, evidence] of this.held) {
      const list = accused.get(evidence.party)
      if (list) list.push({ id, evidence })
      else accused.set(evidence.party, [{ id, evidence }])
    }
    return accused
  }

  /** Keeps evidence whose signatures were checked here, and tells the others. */
  found(evidence: Evidence): void {
    if (this.keep(evidence)) this.replica.send(undefined, { type: 'EVIDENCE', evidence })
  }

  /** Evidence that another member tells. @throws CountersignError `bad-evidence` where it does not hold */
  told(evidence: Evidence): void {
    if (this.held.has(evidenceId(evidence))) return
    const { roster, store, contract, freezing } = this.replica
    if (!roster.proves(evidence, knownCards(store, contract, freezing.all, evidence.party)))
      throw new CountersignError('bad-evidence', `evidence against ${evidence.party} does not hold`)
    this.keep(evidence)
  }

  /** All of it, to a member whose connection is new. */
  tellAll(to: string): void {
    for (const evidence of this.held.values()) this.replica.send(to, { type: 'EVIDENCE', evidence })
  }

  private keep(evidence: Evidence): boolean {
    const { contract, outbox } = this.replica
    const id = evidenceId(evidence)
    const { party, kind } = evidence
    if (this.held.has(id)) return false
    let ofParty = 0
    for (const one of this.held.values()) if (one.party === party) ofParty += 1
    if (ofParty >= KEPT_OF_PARTY) return false
    this.held.set(id, evidence)
    outbox.write({ kind: 'evidence', contract, id, evidence })
    outbox.log('warn', 'evidence', { rule: 'EVI-1', contract, party, kind })
    outbox.notify({ contract, type: 'evidence', party, id })
    return true
  }
}
