/** What an engine is made of, and what it hands out. */
import type { Timing } from '../consensus/state.ts'
import type { Policy } from '../ledger/genesis.ts'
import type { Signer } from '../signer/signer.ts'
import type { Store } from '../store/store.ts'
import type { LogLevel, Notice } from './outbox.ts'

/** A message to a party, serialised once however many it goes to. */
export type Envelope = { to: string; text: string }

export type EngineOptions = {
  party: string
  store: Store
  signer: Signer
  timing: Timing
  /** Random bytes. */
  random: (sizeBytes: number) => Uint8Array
  /** The node's data or signer may be an old copy: recall everything before signing (AMN-2). */
  restored: boolean
  notify: (notice: Notice) => void
  log: (level: LogLevel, event: string, detail: Record<string, unknown>) => void
  /** Close former connections from this party (AMN-2). */
  closeFormer: (party: string) => void
}

/** Of a contract whose maker says nothing else. */
export const DEFAULT_POLICY: Policy = {
  quorum: 'majority',
  clockBoundMs: 30_000,
  silenceMs: null,
  admission: { invite: 'any', admit: 'every' },
}

/** Of a request whose author says nothing else. */
export const DEFAULT_LIFETIME_MS = 7 * 24 * 3600 * 1000
