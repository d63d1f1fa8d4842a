import { describe, expect, it } from 'vitest'
import { wantsColors } from './output.ts'

describe('colours', () => {
  it('are for terminals, and never for a pipe that happens to be in a continuous build', () => {
    expect(wantsColors({ TERM: 'xterm' }, true)).toBe(true)
    expect(wantsColors({ TERM: 'dumb' }, true)).toBe(false)
    expect(wantsColors({}, false)).toBe(false)
    expect(wantsColors({ CI: 'true' }, false)).toBe(false)
  })

  it('obey NO_COLOR before FORCE_COLOR before the terminal', () => {
    expect(wantsColors({ NO_COLOR: '1', FORCE_COLOR: '1' }, true)).toBe(false)
    expect(wantsColors({ FORCE_COLOR: '1' }, false)).toBe(true)
    expect(wantsColors({ FORCE_COLOR: '0' }, true)).toBe(false)
  })
})
