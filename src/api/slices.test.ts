import { afterEach, expect, it, vi } from 'vitest'
import { inSlices } from './slices.ts'

afterEach(() => void vi.restoreAllMocks())

it('what takes long is taken in order, and others have their turn in between', async () => {
  let nowMs = 0
  // Each look at the clock is a while after the one before.
  vi.spyOn(performance, 'now').mockImplementation(() => {
    nowMs += 6
    return nowMs
  })
  let isOver = false
  let turns = 0
  const other = (): void => {
    turns += 1
    if (!isOver) setImmediate(other)
  }
  setImmediate(other)
  const taken: number[] = []
  const all = Array.from({ length: 1000 }, (_, index) => index)
  await inSlices(all, (one) => void taken.push(one))
  isOver = true
  expect(taken).toEqual(all)
  expect(turns).toBeGreaterThan(10)
})
