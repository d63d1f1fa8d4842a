import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EVERY, lastDueMs, minuteOfDay, nextDueMs } from './report-times.ts'

const at = (text: string): number => Date.parse(text)
const told = (ms: number): string => new Date(ms).toISOString().slice(0, 16)

describe('the times of scheduled reports', () => {
  it.each([
    ['day', '2026-03-10T06:00:00Z', '2026-03-10T06:00', '2026-03-11T06:00'],
    ['day', '2026-03-10T05:59:59Z', '2026-03-09T06:00', '2026-03-10T06:00'],
    ['day', '2026-01-01T00:00:00Z', '2025-12-31T06:00', '2026-01-01T06:00'],
    // A Sunday, and the Monday after it.
    ['week', '2026-03-15T23:00:00Z', '2026-03-09T06:00', '2026-03-16T06:00'],
    ['week', '2026-03-16T06:00:00Z', '2026-03-16T06:00', '2026-03-23T06:00'],
    ['week', '2026-03-16T05:00:00Z', '2026-03-09T06:00', '2026-03-16T06:00'],
    ['month', '2026-03-31T12:00:00Z', '2026-03-01T06:00', '2026-04-01T06:00'],
    ['month', '2024-02-29T12:00:00Z', '2024-02-01T06:00', '2024-03-01T06:00'],
    ['month', '2026-01-01T05:00:00Z', '2025-12-01T06:00', '2026-01-01T06:00'],
  ] as const)('every %s, at %s: last due %s, next %s', (every, now, last, next) => {
    expect(told(lastDueMs(every, 360, at(now)))).toBe(last)
    expect(told(nextDueMs(every, 360, at(now)))).toBe(next)
  })

  it('leave no gap: what is next is what will have been last', () => {
    const minute = fc.nat(24 * 60 - 1)
    const moment = fc.integer({ min: at('2000-01-01'), max: at('2099-12-31') })
    fc.assert(
      fc.property(fc.constantFrom(...EVERY), minute, moment, (every, time, now) => {
        const [last, next] = [lastDueMs(every, time, now), nextDueMs(every, time, now)]
        expect(last).toBeLessThanOrEqual(now)
        expect(next).toBeGreaterThan(now)
        expect(lastDueMs(every, time, next)).toBe(next)
        expect(lastDueMs(every, time, next - 1)).toBe(last)
      }),
    )
  })

  it('are read strictly', () => {
    expect(minuteOfDay('06:30')).toBe(390)
    expect(minuteOfDay('00:00')).toBe(0)
    for (const text of ['6:30', '24:00', '06:60', '06:00Z', '', 'noon'])
      expect(minuteOfDay(text)).toBeUndefined()
  })
})
