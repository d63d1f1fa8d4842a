import { describe, expect, it } from 'vitest'
import { Meter } from './meter.ts'

describe('the log', () => {
  it('takes ten lines of one event in ten seconds and then says how many it left out', () => {
    const lines: [string, Record<string, unknown>][] = []
    let nowMs = 0
    const meter = new Meter(
      () => nowMs,
      (_, event, detail) => lines.push([event, detail]),
    )
    for (let index = 0; index < 25; index += 1) meter.refuse('stranger', { index })
    meter.log('info', 'other', {})
    expect(lines.length).toBe(11)
    nowMs = 9_999
    meter.refuse('stranger', { index: 25 })
    expect(lines.length).toBe(11)
    nowMs = 10_000
    meter.refuse('stranger', { index: 26 })
    meter.refuse('stranger', { index: 27 })
    expect(lines.slice(11)).toEqual([
      ['refused-stranger', { index: 26, suppressed: 16 }],
      ['refused-stranger', { index: 27 }],
    ])
    // Counted are all.
    expect(meter.stats({ inbound: 0, outbound: 0, strangers: 0 }).refused).toEqual({ stranger: 28 })
  })
})
