import { describe, expect, it } from 'vitest'
import { readPrefer } from './prefer.ts'

describe('Prefer', () => {
  it.each([
    [undefined, 30_000, 'final', ''],
    ['wait=5', 5000, 'final', 'wait=5'],
    ['wait=5, until=tentative', 5000, 'tentative', 'wait=5, until=tentative'],
    ['until="tentative";x=y , WAIT = 7', 7000, 'tentative', 'wait=7, until=tentative'],
    ['respond-async', 0, 'final', 'wait=0'],
    ['wait=0', 0, 'final', 'wait=0'],
    ['wait=1,wait=2', 1000, 'final', 'wait=1'],
    ['wait=999999', 300_000, 'final', 'wait=300'],
    ['wait=-1, until=never, handling=lenient, ,=', 30_000, 'final', ''],
  ])('%s', (prefer, waitMs, until, applied) => {
    expect(readPrefer(prefer === undefined ? {} : { prefer })).toEqual({ waitMs, until, applied })
  })
})
