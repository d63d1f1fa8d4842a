/** Asking for ranges of the ledger, and taking them in (SYN-1, SYN-2): between `sync`, which decides, and the replica's chain. */
import { turnOf } from '../ledger/turn.ts'
import type { LedgerMessage } from './messages.ts'
import type { Replica } from './replica.ts'
import type { Askable } from './sync.ts'
import { takeLedger } from './take-ledger.ts'

export class CatchingUp {
  private readonly replica: Replica

  constructor(replica: Replica) {
    this.replica = replica
  }

  private get askable(): Askable {
    const { up, roster, epochs } = this.replica
    const valuesFrom = (party: string): number => roster.valuesFrom(party)
    return { up, valuesFrom, isKnown: (party) => roster.isIn(party), mayLack: epochs.mayLack }
  }

  /** When to look again, ms since 1970; undefined while nobody is ahead. */
  wakeMs(nowMs: number): number | undefined {
    const { sync, chain, beginning } = this.replica
    if (beginning.voucher !== undefined) return undefined
    return sync.wakeMs(chain.height, this.askable, nowMs)
  }

  /** Asks for the next range, if it is time to. */
  ask(nowMs: number, atOnce = false): void {
    const { sync, chain, beginning } = this.replica
    // What was read before would be let go.
    if (beginning.voucher !== undefined) return
    const asked = sync.next(chain.height, this.askable, nowMs, atOnce)
    if (!asked) return
    const { party, fromHeight, toHeight } = asked
    this.replica.send(party, { type: 'SYNC', fromHeight, toHeight })
  }

  /** Takes a peer's answer. */
  take(from: string, message: LedgerMessage, nowMs: number): void {
    const { replica } = this
    const { sync, chain, finality, lineage, ownHistory } = replica
    const asked = sync.answered(from, message.fromHeight)
    if (!asked || asked.fromHeight !== chain.height + 1 || replica.beginning.voucher !== undefined) return
    const hadCosigned = finality.knownSizeOf(from) > asked.fromHeight
    const taken = takeLedger(replica, message, hadCosigned, nowMs)
    if ('refused' in taken && taken.lacksValues && replica.roster.valuesFrom(from) > asked.fromHeight) {
      // Who comes in later than this, as far as is known here, need not hold the values of before: no fault of its own.
      sync.postpone(from, nowMs)
      return
    }
    if ('refused' in taken) {
      // What was read so far, of another, may not be what this party has cosigned: what this one holds may be.
      const isOther = taken.isFork && from !== sync.source
      if (isOther && ownHistory.returnFor(from, nowMs)) return
      if (taken.isFork) sync.refuseFork(from, taken.refused, nowMs)
      else {
        // Who came in later than is known here may not hold all values.
        const isShort = taken.isShort ?? (!taken.isAway && !replica.roster.isIn(from))
        sync.refuse(from, taken.refused, isShort, nowMs)
      }
      if (taken.isAway) ownHistory.goBack()
      else if (taken.isFork) replica.disputes.raise(from, nowMs)
      replica.outbox.log('warn', 'history-refused', {
        rule: 'SYN-2',
        contract: replica.contract,
        party: from,
        reason: taken.refused,
      })
      return
    }
    sync.served(from)
    sync.source = ownHistory.isWanted ? from : undefined
    const { hashes, certificates: { notarization, finalization } = {} } = taken
    replica.commit(hashes, notarization, finalization, nowMs)
    const { hash, block } = chain.tip
    // With a block that ends an epoch ordering has begun anew on it.
    const own = block.header.lineage === lineage.number && { notarization, finalization }
    ownHistory.moved()
    if (!turnOf(block)) replica.event({ type: 'SYNCED', hash, block, ...own, nowMs })
    if (replica.phase === 'signing') replica.maySign(nowMs)
    this.ask(nowMs, true)
  }
}
