/** Cosignatures of one contract: those of others taken in, our own made (COS-1 to COS-4). */
import { departingFrom } from '../contract/epoch.ts'
import { turnsAt } from '../contract/turn.ts'
import { CountersignError } from '../crypto/errors.ts'
import { type Cosignature, checkCosignatureShape, checkpointOf } from '../ledger/checkpoint.ts'
import type { StoreWrite } from '../store/store.ts'
import type { Replica } from './replica.ts'

/** One by each party, of another history than is held here: who has forgotten is told of it (AMN-2), and a FREEZE shows it. */
const besideSetting = (contract: string, lineage: number, party: string): string =>
  `beside/${contract}/${lineage}/${party}`

export function besideWrite({ contract, lineage }: Replica, cosignature: Cosignature): StoreWrite {
  const key = besideSetting(contract, lineage.number, cosignature.party)
  return { kind: 'setting', key, value: JSON.stringify(cosignature) }
}

function readBeside(contract: string, party: string, text: string): Cosignature {
  try {
    const cosignature = checkCosignatureShape(JSON.parse(text))
    if (cosignature.party === party) return cosignature
  } catch {
    // Said below, whatever it is.
  }
  const what = `what is kept of the cosignatures of ${party} in another history was altered`
  throw new CountersignError('invariant-broken', `contract ${contract}: ${what}`)
}

export class Cosigning {
  private readonly replica: Replica
  /** Of the largest ledger our signer has cosigned. */
  size: number
  /** The signer has been asked for one and has not answered: the next is asked for the tip as it is then. */
  isPending = false

  constructor(replica: Replica, cosignedSize: number) {
    this.replica = replica
    this.size = cosignedSize
  }

  /** Those of another history, as they were kept. @throws CountersignError `invariant-broken` where the disk has others */
  restore(): void {
    const { contract, lineage, roster, store, finality } = this.replica
    for (const party of roster.everMembers) {
      const kept = store.setting(besideSetting(contract, lineage.number, party))
      if (kept !== undefined) finality.keepBeside(readBeside(contract, party, kept))
    }
  }

  /** Of the largest ledger that this party has cosigned by its data as well: its signer may have been put back. */
  get knownSize(): number {
    const { finality, self } = this.replica
    return Math.max(this.size, finality.sizeOf(self))
  }

  /** Our signer has cosigned a ledger of this size. */
  hasCosigned(size: number): void {
    this.size = Math.max(this.size, size)
  }

  take(cosignature: Cosignature, nowMs: number, isOwn = false): void {
    const { replica } = this
    const { contract, outbox, finality } = replica
    const taken = finality.take(cosignature, replica.chain, nowMs, isOwn)
    const { party, size } = cosignature
    if (taken.evidence) replica.evidence.found(taken.evidence)
    if (taken.result === 'astray') this.strayed(cosignature, nowMs)
    else if (taken.result === 'arriving') replica.poke(nowMs)
    else if (taken.result === 'bad') outbox.log('warn', 'bad-cosignature', { contract, party })
    else if (taken.result === 'new') {
      outbox.write({ kind: 'cosignature', contract, cosignature })
      if (party !== replica.self) replica.sync.told(party, size - 1)
      if (size === 1) outbox.notify({ contract, type: 'accepted', party })
      replica.poke(nowMs)
    }
  }

  /** A member has cosigned another history. Our own signer's word is not to be questioned: then our data is what is wrong. */
  strayed(cosignature: Cosignature, nowMs: number): void {
    const { self, disputes, ownHistory, finality, outbox, chain } = this.replica
    const { party, size, root } = cosignature
    if (party !== self) {
      const isForeign = size <= chain.height + 1 && chain.log.root(size) !== root
      if (isForeign && finality.keepBeside(cosignature)) outbox.write(besideWrite(this.replica, cosignature))
      disputes.raise(party, nowMs)
    } else if (ownHistory.due === undefined && !ownHistory.goBack(cosignature))
      this.replica.halt('this party has cosigned another history than its data holds')
  }

  takeOwn(cosignature: Cosignature, nowMs: number): void {
    this.hasCosigned(cosignature.size)
    this.take(cosignature, nowMs, true)
    this.replica.send(undefined, { type: 'COSIGN', cosignature })
  }

  /** COS-1: cosign the committed tip, once nothing is being signed for it already. */
  tryTip(nowMs: number): void {
    const { phase, status, chain, finality, lineage, roster, self } = this.replica
    if (phase !== 'signing' || status !== 'accepted' || this.replica.ownHistory.due) return
    // EPO-12, of a LEAVE that this node has forgotten.
    if (departingFrom(chain.tip.state.epoch).has(self)) return
    const size = chain.height + 1
    if (this.isPending || size < this.size || size < lineage.base.size) return
    // By the key of the block's epoch: who has come in with the tip has not cosigned it, and who replaced its card did by the
    // one before.
    const { epoch } = chain.tip.block.header
    const cosignKey = roster.isMember(self) ? roster.cosignKeyOf(self, epoch) : undefined
    if (cosignKey !== undefined && finality.knownSizeOf(self) < size) this.ask(cosignKey, size, nowMs)
    else if (epoch === roster.current) this.tryTurn(size, nowMs)
  }

  /**
   * EPO-9: by the key that this party will have after a turn, once. Who comes in signs last: its cosignature joins it to what
   * all others have cosigned.
   */
  private tryTurn(size: number, nowMs: number): void {
    const { roster, finality, lineage, self } = this.replica
    const own = roster.arriving.get(self)
    if (own === undefined || size < own.minSize) return
    const { cosignKey, minSize } = own
    if (finality.certifying(self, cosignKey, minSize)) return
    const isIn = roster.isIn(self)
    // Who may lack, the clock says: in a contract that rests no block does.
    const { state, block } = this.replica.chain.tip
    const turn = turnsAt(state, Math.max(nowMs, block.header.timeMs), lineage.leftOut).find(({ signers }) =>
      signers.some((one) => one.party === self && one.cosignKey === cosignKey),
    )
    const isLast = (turn?.signers ?? []).every(
      (one) =>
        one.party === self || one.mayLack || finality.certifying(one.party, one.cosignKey, one.minSize),
    )
    if (turn && (isIn || isLast)) this.ask(cosignKey, size, nowMs)
  }

  private ask(cosignKey: string, size: number, nowMs: number): void {
    const { contract, chain, lineage, outbox } = this.replica
    const { frontier, block } = chain.tip
    const checkpoint = checkpointOf(block.header, chain.log.root(frontier.size), lineage.number)
    const consistency = this.size === 0 ? [] : chain.log.consistencyProof(this.size, size)
    const timeS = Math.floor(nowMs / 1000)
    this.isPending = outbox.sign(contract, { kind: 'checkpoint', checkpoint, cosignKey, consistency, timeS })
  }
}
