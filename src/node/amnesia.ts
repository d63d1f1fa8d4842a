/** A node that may have forgotten what it signed: everybody is asked before it signs again (AMN-1, AMN-2). */
import type { Signer } from '../signer/signer.ts'
import type { Engine } from './engine.ts'
import type { RecalledMessage } from './messages.ts'
import { Floors, locksOf, provenOwn } from './recall.ts'
import type { Phase, Replica } from './replica.ts'

/**
 * Setting of a node that has lost its memory (AMN-2): `asking` until every contract has been told of, in however many
 * starts; then `told`, for good, since an invitation may be to a contract that was lost with the rest.
 */
const AMNESIA_SETTING = 'amnesia'

export class Amnesia {
  private readonly engine: Engine
  private readonly signer: Signer
  /** By contract and lineage. */
  private readonly floors = new Floors()

  constructor(engine: Engine, signer: Signer) {
    this.engine = engine
    this.signer = signer
  }

  /** The phase in which contracts start. agrees: the signer and the data count the same. */
  begin(restored: boolean, agrees: boolean): Phase {
    const { store } = this.engine
    const isAsking = store.setting(AMNESIA_SETTING) === 'asking'
    if (!restored && agrees && !isAsking) return 'starting'
    // On disk before anything else: a crash from here on must not end in a start that asks nobody.
    if (!isAsking) store.write([{ kind: 'setting', key: AMNESIA_SETTING, value: 'asking' }])
    this.engine.log('warn', 'recalling', {
      rule: 'AMN-2',
      reason: restored ? 'started --restored' : 'the signer and the data do not agree',
    })
    return 'recalling'
  }

  /** A contract that only a lost past of ours could know must be asked about before anything is signed in it. */
  get phaseOfNew(): Phase {
    return this.engine.store.setting(AMNESIA_SETTING) === undefined ? 'signing' : 'recalling'
  }

  take(replica: Replica, from: string, message: RecalledMessage & { epoch?: number }, nowMs: number): void {
    if (replica.phase !== 'recalling' || message.boot !== this.engine.boot) return
    // Signatures of an epoch that has not begun here can't be checked yet: once it has caught up, it asks again.
    if ((message.epoch ?? 0) > replica.epochs.number) {
      replica.sendStatus(from)
      return
    }
    const { contract, lineage } = replica
    const { statements, cosignature, finalized, freeze } = provenOwn(replica, message)
    const floor = this.floors.raise(`${contract}/${lineage.number}`, finalized)
    this.signer.recall(contract, lineage.number, statements, cosignature, floor, freeze)
    replica.answers.add(from)
    if (!replica.others.every((party) => replica.answers.has(party))) return
    const lock = this.signer.lock(contract, lineage.number)
    replica.recalled(locksOf(this.signer, contract, lineage.number), lock?.cosign?.size ?? 0, nowMs)
    // Its own cosignature shows that this party had accepted the contract.
    if (lock?.cosign) replica.accept(nowMs)
    this.engine.log('info', 'recalled', { contract, view: lock?.view ?? 0 })
    this.check()
  }

  /** Once nothing is to be asked any more, the next start is like any other. */
  check(): void {
    const { store, replicas } = this.engine
    if (store.setting(AMNESIA_SETTING) !== 'asking') return
    for (const { phase, status } of replicas.values())
      if (phase === 'recalling' && status !== 'halted' && status !== 'left') return
    this.engine.write({ kind: 'setting', key: AMNESIA_SETTING, value: 'told' })
  }
}
