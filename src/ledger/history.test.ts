import { describe, expect, it } from 'vitest'
import { otherHash } from '../../test/support/audit.ts'
import { EpochLedger } from '../../test/support/epoch-ledger.ts'
import { LogTree } from '../crypto/log.ts'
import { blockHash, logLeaf } from './block.ts'
import { checkpointOf } from './checkpoint.ts'
import { LedgerHistory } from './history.ts'

/** More blocks than there is room for at first. */
const BLOCKS = 70
const ledger = new EpochLedger({ members: 1 })
for (let height = 1; height < BLOCKS; height += 1) ledger.order()
const headers = ledger.blocks.map(({ block }) => block.header)

describe('the history of a ledger', () => {
  it('[LOG-1] [CHK-1] gives the checkpoint of each block as it is put in', () => {
    const history = new LedgerHistory()
    const log = new LogTree()
    for (const [height, header] of headers.entries()) {
      expect(history.size).toBe(height)
      expect(history.root).toBe(header.logRoot)
      log.append(logLeaf(blockHash(header)))
      expect(history.append(header)).toEqual(checkpointOf(header, log.root()))
    }
    expect(history.size).toBe(BLOCKS)
  })

  it('[EPO-9] [EPO-12] holds each checkpoint that it has passed, and none that differs in any line', () => {
    for (const { checkpoint } of ledger.blocks) {
      expect(ledger.history.holds(checkpoint)).toBe(true)
      for (const key of ['root', 'block', 'stateRoot'] as const)
        expect(ledger.history.holds({ ...checkpoint, [key]: otherHash(checkpoint[key]) })).toBe(false)
      expect(ledger.history.holds({ ...checkpoint, epoch: 1 })).toBe(false)
      expect(ledger.history.holds({ ...checkpoint, size: checkpoint.size + 1 })).toBe(false)
    }
  })

  it('[EPO-9] [EPO-12] holds none that is still to come, and none of no size', () => {
    const history = new LedgerHistory()
    const point = ledger.point(5)
    expect(history.holds(point)).toBe(false)
    for (const header of headers.slice(0, 5)) history.append(header)
    expect(history.holds(point)).toBe(false)
    history.append(headers[5] as (typeof headers)[0])
    expect(history.holds(point)).toBe(true)
    for (const size of [0, -1, 0.5, Number.NaN, 1e9]) expect(history.holds({ ...point, size })).toBe(false)
  })
})
