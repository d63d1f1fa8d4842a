/**
 * What is accepted by lapse: all others have cosigned it, and its block time is the agreed silence past the last that the silent
 * ones cosigned (PROTOCOL COS-6). It is never final, and two sides of a partition can come to conflicting ones; a late
 * cosignature makes it final.
 */
import type { Replica } from './replica.ts'

/** height: of the last ledger block accepted by lapse; without: the members that were silent. */
export type Lapse = { height: number; without: string[] }

/** Undefined where the policy knows no lapse, or nothing past what is final is accepted by it. */
export function lapseOf(replica: Replica): Lapse | undefined {
  const { roster, finality, chain, finalSize, status } = replica
  const { policy, members } = roster.electorate
  const { silenceMs } = policy
  if (silenceMs === null || status === 'leaving' || status === 'left') return undefined
  const sizes = members.map((party) => Math.min(finality.sizeOf(party), chain.height + 1))
  // Between two sizes the same members are silent: the last block of each stretch has the latest time.
  for (const size of [...new Set(sizes)].sort((first, second) => second - first)) {
    if (size <= finalSize) break
    const timeMs = chain.headerAt(size - 1)?.timeMs ?? 0
    const without = members.filter((_, index) => (sizes[index] as number) < size)
    const isSilent = without.every((party) => {
      const last = chain.headerAt(Math.max(0, finality.sizeOf(party) - 1))?.timeMs ?? 0
      return timeMs >= last + silenceMs
    })
    if (isSilent && without.length > 0) return { height: size - 1, without }
  }
  return undefined
}
