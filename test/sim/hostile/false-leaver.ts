/** Leaves at a checkpoint that the ledger never had; then in earnest, and goes on cosigning after its LEAVE (EPO-12). */
import { departingFrom } from '../../../src/contract/epoch.ts'
import { CountersignError } from '../../../src/crypto/errors.ts'
import { checkpointOf } from '../../../src/ledger/checkpoint.ts'
import { epochOperationOf } from '../../../src/ledger/request.ts'
import type { Message } from '../../../src/node/messages.ts'
import type { SimNode } from '../sim-node.ts'
import { Adversary, type Outlook } from './adversary.ts'
import { anyHash, cosigned, epochRequest } from './forge.ts'

const EVERY_MS = 2000
/** False ones before the one in earnest. */
const FALSE_ONES = 3

export class FalseLeaver extends Adversary {
  readonly name = 'false leaver'
  readonly kinds = ['LEAVE at a checkpoint of no ledger', 'cosigned after its LEAVE']
  private nextMs = 0
  private sent = 0
  private readonly fakes = new Set<string>()
  private readonly late = new Set<string>()

  override turn(): void {
    for (const liar of this.liars) for (const contract of this.contracts) this.cosignLate(liar, contract)
    const nowMs = this.stage.world.nowMs()
    if (nowMs < this.nextMs) return
    this.nextMs = nowMs + EVERY_MS
    const contract = this.random.pick(this.contracts)
    const liar = this.random.pick(this.liars)
    const replica = liar.engine?.replicas.get(contract)
    if (replica?.epochs.part !== 'member') return
    this.sent += 1
    if (this.sent > FALSE_ONES) {
      liar.act((engine) => {
        try {
          engine.leave(contract, liar.nowMs)
        } catch (error) {
          if (!(error instanceof CountersignError)) throw error
        }
      })
      return
    }
    const { tip, log } = replica.chain
    const { epoch, size, block, stateRoot } = checkpointOf(tip.block.header, log.root(log.size))
    const checkpoint = { epoch, size, block, stateRoot, root: anyHash(this.random) }
    const message = epochRequest(liar, replica, this.random, { op: 'leave', checkpoint })
    this.fakes.add(checkpoint.root)
    for (const to of this.honest) this.stage.send(liar, to, [message])
  }

  /** While it is leaving, it cosigns whatever comes. */
  private cosignLate(liar: SimNode, contract: string): void {
    const replica = liar.engine?.replicas.get(contract)
    if (!replica || !departingFrom(replica.chain.tip.state.epoch).has(liar.party.id)) return
    const { tip, log } = replica.chain
    const timeS = Math.floor(liar.nowMs / 1000)
    const cosignature = cosigned(liar, contract, {
      ...checkpointOf(tip.block.header, log.root(log.size)),
      timeS,
    })
    this.late.add(cosignature.signature)
    const epoch = replica.epochs.number
    for (const to of this.honest)
      this.stage.send(liar, to, [{ type: 'COSIGN', contract, ...(epoch > 0 && { epoch }), cosignature }])
  }

  override arrived(_at: SimNode, _from: SimNode, message: Message): void {
    if (message.type === 'COSIGN' && this.late.has(message.cosignature.signature))
      this.count('cosigned after its LEAVE')
    if (message.type !== 'REQUEST') return
    const { request } = message.request as { request: Parameters<typeof epochOperationOf>[0] }
    const operation = epochOperationOf(request)
    if (operation?.op === 'leave' && this.fakes.has(operation.checkpoint.root))
      this.count('LEAVE at a checkpoint of no ledger')
  }

  outlook(): Outlook {
    return 'final'
  }
}
