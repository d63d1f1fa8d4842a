/** When reports are due: at a time of day in UTC, every day, every Monday, or on the first of every month. */

export const EVERY = ['day', 'week', 'month'] as const
export type Every = (typeof EVERY)[number]

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const TIME_OF_DAY = /^([01][0-9]|2[0-3]):([0-5][0-9])$/

/** `06:30` as minutes past midnight; undefined for anything else. */
export function minuteOfDay(text: string): number | undefined {
  const [, hours, minutes] = TIME_OF_DAY.exec(text) ?? []
  return hours === undefined ? undefined : Number(hours) * 60 + Number(minutes)
}

/** The last time it was due, up to now. */
export function lastDueMs(every: Every, minute: number, nowMs: number): number {
  const now = new Date(nowMs)
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()]
  const onDay = (date: number, ofMonth = month): number => Date.UTC(year, ofMonth, date) + minute * MINUTE_MS
  if (every === 'month') return onDay(1) <= nowMs ? onDay(1) : onDay(1, month - 1)
  // Days since the last Monday.
  const back = every === 'week' ? (now.getUTCDay() + 6) % 7 : 0
  const due = onDay(day - back)
  return due <= nowMs ? due : due - (every === 'week' ? 7 : 1) * DAY_MS
}

/** The first time it is due after a moment. */
export function nextDueMs(every: Every, minute: number, afterMs: number): number {
  // No month is longer: one of the last days is past the next due time, and no two are.
  for (let days = 1; ; days += 1) {
    const due = lastDueMs(every, minute, afterMs + days * DAY_MS)
    if (due > afterMs) return due
  }
}
