/** What one honest member has and knows: the state of its `step`, its signer's locks, its disk. Plain data. */
import type { ConsensusState, KnownBlock, ViewRecord } from '../../src/consensus/state.ts'
import type { Lock } from '../../src/signer/locks.ts'

/** Signatures asked of the signer: statements by number, or a block's number for its checkpoint. */
export type Asked = { saying: number } | { checkpoint: number }

export type Local = {
  state: ConsensusState
  lock: Lock
  /** Statements it has signed, by number, ascending. */
  said: readonly number[]
  /** Ledger blocks whose checkpoints it has cosigned, in that order. */
  cosigned: readonly number[]
  /** On its disk: ledger blocks above the committed tip, and certificates. */
  blocks: readonly number[]
  certificates: readonly number[]
  /** Statements of which it has ever held a certificate that may prove who lied. */
  proofs: readonly number[]
  /** Ledger blocks whose CHECK is not answered. */
  checking: readonly number[]
  /** What the signer has not answered yet. */
  asked: readonly Asked[]
  restarts: number
  clockIsOff: boolean
  /** Why it stopped. */
  halted?: string
  /** What it did that no honest member may. */
  fault?: Fault
}

export type Fault = { property: 'innocence' | 'harmony' | 'turns'; detail: string }

export function cloneLocal(local: Local): Local {
  return { ...local, state: cloneState(local.state) }
}

export function cloneState(state: ConsensusState): ConsensusState {
  const blocks = new Map<string, KnownBlock>()
  for (const [hash, known] of state.blocks) blocks.set(hash, { ...known })
  const views = new Map<number, ViewRecord>()
  for (const [view, record] of state.views) views.set(view, cloneView(record))
  return { ...state, blocks, views, wanted: copy(state.wanted), down: new Set(state.down) }
}

function cloneView(record: ViewRecord): ViewRecord {
  return {
    ...record,
    votes: copy(record.votes),
    finalizes: copy(record.finalizes),
    skips: copy(record.skips),
    notarizations: copy(record.notarizations),
    finalizations: copy(record.finalizations),
    mine: { ...record.mine },
    locks: { ...record.locks },
  }
}

/** Most are empty, and there are very many. */
function copy<Key, Value>(map: ReadonlyMap<Key, Value>): Map<Key, Value> {
  return map.size === 0 ? new Map() : new Map(map)
}
