/** Real nodes that die by SIGKILL at a moment with a name, or whose disk is slow on any machine (moments.mjs). */
import { existsSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Cluster, type ProcessNode, until } from './processes.ts'

const PRELOAD = resolve('test/support/moments.mjs')

/**
 * What a node does in a turn: it commits what its signatures rest on, locks them in the signer's journal, and sends. Each with
 * the moment before it and the one after; `lock written` is not synced yet.
 */
export const MOMENTS = [
  'committing',
  'committed',
  'locking',
  'lock written',
  'locked',
  'sending',
  'sent',
] as const

export type Moment = (typeof MOMENTS)[number]

/**
 * Which moments count: holding: at which what is committed (SQL with the texts it is given), locked or sent holds this; since: at
 * or after the first of any kind that held that.
 */
export type Texts = { holding?: string; since?: string }

const controlOf = (node: ProcessNode): string => `${node.directory}.moments`

export class MomentCluster extends Cluster {
  override startNode(node: ProcessNode): Promise<void> {
    return node.start({ nodeFlags: this.preloads(node).flatMap((path) => ['--import', path]) })
  }

  /** What is loaded into a node's process before its program. */
  protected preloads(_: ProcessNode): string[] {
    return [PRELOAD]
  }

  /** Its process, running or to be started, kills itself at such a moment, `after` so many that it lives through. */
  dieAt(node: ProcessNode, moment: Moment, after = 0, texts: Texts = {}): void {
    // Put there as a whole: the process reads it at any time.
    writeFileSync(`${controlOf(node)}.new`, JSON.stringify({ kill: moment, after, ...texts }))
    renameSync(`${controlOf(node)}.new`, controlOf(node))
  }

  /** Waits until it has done so. */
  async dead(node: ProcessNode): Promise<void> {
    await until(`${node.name} has killed itself`, async () => !node.isRunning)
    if (existsSync(controlOf(node)) || node.endedBy !== 'SIGKILL')
      throw new Error(`${node.name} has ended otherwise:\n${node.log.slice(-3000)}`)
  }

  /** Starts a node that dies at that moment; resolves when it has. */
  async startToDieAt(node: ProcessNode, moment: Moment, after = 0, texts: Texts = {}): Promise<void> {
    this.dieAt(node, moment, after, texts)
    // It may be dead before its API answers.
    await this.startNode(node).catch(() => undefined)
    await this.dead(node)
  }

  /** From now on what a node brings to its disk takes so long each time. */
  slowDown(node: ProcessNode, syncMs: number): void {
    writeFileSync(controlOf(node), JSON.stringify({ syncMs }))
  }

  /** How often that happened. */
  slowSyncs(node: ProcessNode): number {
    const met = `${controlOf(node)}.met`
    return existsSync(met) ? statSync(met).size : 0
  }

  /** All disks are as they were, and nobody dies any more. */
  heal(): void {
    for (const node of this.nodes) rmSync(controlOf(node), { force: true })
  }
}
