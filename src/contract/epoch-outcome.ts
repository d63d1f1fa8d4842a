/**
 * Why an operation on the epoch is not accepted, and what the outcome of its request is then. The codes stand in ledger blocks:
 * they never change. docs/outcomes.md says when each is given.
 */
export const EPOCH_OUTCOME_CODES = {
  'already-in': 'conflicted',
  'bad-expiry': 'rejected',
  'card-forked': 'rejected',
  'card-outdated': 'conflicted',
  'change-decided': 'conflicted',
  'change-gone': 'conflicted',
  'epoch-full': 'conflicted',
  'evidence-fails': 'rejected',
  'key-in-use': 'rejected',
  'last-member': 'conflicted',
  leaving: 'conflicted',
  'may-not-invite': 'rejected',
  'not-in': 'conflicted',
  'not-invited': 'rejected',
  'other-history': 'rejected',
  'policy-open': 'conflicted',
  'too-many-changes': 'conflicted',
} as const satisfies Record<string, 'conflicted' | 'rejected'>

/** A code of a request on the epoch that is not accepted. */
export type EpochOutcomeCode = keyof typeof EPOCH_OUTCOME_CODES
