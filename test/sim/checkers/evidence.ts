/** Evidence names no honest member, and nothing makes an honest node halt, distrust or refuse another. */
import type { StoreWrite } from '../../../src/store/store.ts'
import type { SimOptions } from '../options.ts'
import type { SimNode } from '../sim-node.ts'
import { type Checker, Violation, type World } from './checker.ts'

/** What a node says of itself or others that never happens where nobody lies. */
const NEVER = new Set(['evidence', 'damaged', 'halted', 'bad-cosignature', 'signer-refused'])

/**
 * Why an honest message may be refused: its time is over, this node's disk refuses, or its state is another than that a request was
 * judged on.
 */
const MAY_BE = new Set(['expired', 'disk-full', 'storage-failed', 'not-judged'])

export class Evidence implements Checker {
  readonly name = 'evidence never names an honest member'
  private readonly world: World
  private readonly events = new Map<string, number>()

  constructor(world: World) {
    this.world = world
  }

  written(node: SimNode, batch: readonly StoreWrite[]): void {
    for (const write of batch) {
      if (write.kind === 'evidence')
        throw new Violation(this.name, `${node.name} holds ${write.evidence.kind} of ${write.evidence.party}`)
      if (write.kind === 'contract-status' && write.status === 'halted')
        throw new Violation(this.name, `${node.name} has halted: ${write.reason}`)
    }
  }

  logged(node: SimNode, level: string, event: string, detail: Record<string, unknown>): void {
    if (level === 'warn' || level === 'error') {
      const code = event === 'message-refused' ? `${event} ${String(detail.code)}` : event
      this.events.set(code, (this.events.get(code) ?? 0) + 1)
    }
    if (NEVER.has(event))
      throw new Violation(this.name, `${node.name} says ${event}: ${JSON.stringify(detail)}`)
    if (
      event === 'message-refused' &&
      !MAY_BE.has(String(detail.code)) &&
      !isOfFormerKey(this.world.options, detail)
    )
      throw new Violation(this.name, `${node.name} refused an honest message: ${JSON.stringify(detail)}`)
    if (event === 'history-refused' && !this.world.options.restores)
      throw new Violation(this.name, `${node.name} refused an honest history: ${JSON.stringify(detail)}`)
  }

  counts(): Record<string, number> {
    return Object.fromEntries([...this.events].map(([event, count]) => [`said ${event}`, count]))
  }
}

/** What is on its way while its author's keys are replaced, or while it comes or goes, may not stand any more (EPO-2). */
export function isOfFormerKey({ epochs }: SimOptions, { reason }: Record<string, unknown>): boolean {
  return epochs && /names a key that is not its author’s|is not a member$/.test(String(reason))
}
