/** Durations as people type them: 90s, 5m, 36h, 2d. */
import { CountersignError } from '../crypto/errors.ts'

const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 } as const

/** @param option as it is called where it was typed @throws CountersignError `bad-request` */
export function durationMs(text: string, option: string): number {
  const [, count, unit] = /^(\d{1,6})([dhms])$/.exec(text) ?? []
  if (count === undefined)
    throw new CountersignError(
      'bad-request',
      `${option}: expected a time such as 2d, 36h, 5m or 90s, not “${text}”`,
    )
  return Number(count) * UNITS[unit as keyof typeof UNITS]
}

export function durationText(durationMs: number): string {
  for (const [unit, unitMs] of Object.entries(UNITS))
    if (durationMs % unitMs === 0) return `${durationMs / unitMs}${unit}`
  return `${durationMs / 1000} s`
}
