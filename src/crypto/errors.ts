/**
 * The one registry of errors. It lies in the lowest room so that every other room can throw from it.
 *
 * A code is a promise to clients: it is never renamed and never given another meaning. `docs/errors.md` lists
 * the same codes; a test compares the two in both directions.
 */

/** What is fixed for a code: its HTTP status, its short title, and one sentence saying what to do next. */
export interface ErrorEntry {
  readonly status: number
  readonly title: string
  readonly advice: string
}

/** Every error code, in alphabetical order. */
export const REGISTRY = {
  amnesia: {
    status: 503,
    title: 'This node may have forgotten signatures of its own',
    advice: 'Connect this node to all other members and wait until each has told it what it signed.',
  },
  'bad-card': {
    status: 422,
    title: 'The card is not valid',
    advice: 'Ask the party for its current card and compare its fingerprint with them again.',
  },
  'bad-evidence': {
    status: 422,
    title: 'The evidence does not hold',
    advice: 'Hold it for nothing against anybody; ask who sent it for both signatures as they were received.',
  },
  'bad-expression': {
    status: 422,
    title: 'The expression is not one that rules can use',
    advice:
      'Correct the expression at the position that the message names; docs/expressions.md lists what there is.',
  },
  'bad-format': {
    status: 422,
    title: 'The bytes are not in the expected format',
    advice: 'Check that the file or message is complete and of the kind and version that was asked for.',
  },
  'bad-json': {
    status: 400,
    title: 'The text is not strict JSON',
    advice: 'Correct the JSON at the place named in the message and send it again.',
  },
  'bad-name': {
    status: 422,
    title: 'The name is not allowed',
    advice: 'Choose a name with the characters and length that the message states.',
  },
  'bad-request': {
    status: 400,
    title: 'The request is not well-formed',
    advice: 'Compare the request with the API description and correct the part that the message names.',
  },
  'bad-rule': {
    status: 422,
    title: 'The rule does not work',
    advice: 'Correct the expression or path at the place that the message names.',
  },
  'bad-signature': {
    status: 422,
    title: 'The signature does not verify',
    advice: 'Sign exactly these bytes with a key that the party’s card in force lists for this use.',
  },
  'bad-template': {
    status: 422,
    title: 'The template does not work',
    advice: 'Correct the template at the place that the message names, and check it again.',
  },
  'bad-value': {
    status: 422,
    title: 'The value is not one of the field’s type',
    advice: 'Send a value written in the form of the type that the message names.',
  },
  'bad-xml': {
    status: 400,
    title: 'The text is not XML that can be taken in',
    advice: 'Correct the XML at the place named in the message and send it again.',
  },
  conflict: {
    status: 409,
    title: 'Another change or lock stands in the way',
    advice: 'Wait for the holder or the earlier change that the message names, then try again.',
  },
  conflicted: {
    status: 409,
    title: 'The value changed since the version this request had seen',
    advice: 'Read the current value, decide again, and send a new request with its version.',
  },
  'disk-full': {
    status: 507,
    title: 'The node has no room left on its disk',
    advice: 'Free or add disk space on the node, then send the same request again.',
  },
  expired: {
    status: 409,
    title: 'The time limit has passed',
    advice: 'Make a new one with a later limit; nothing of the expired one has taken effect.',
  },
  'file-not-here': {
    status: 409,
    title: 'The file’s content is not held by this node yet',
    advice: 'Wait until it has come from one of the parties that the message names, or ask their nodes.',
  },
  'fingerprint-mismatch': {
    status: 409,
    title: 'The card has another fingerprint than the one given',
    advice: 'Ask the party for its fingerprint again by another way than the network; nothing was pinned.',
  },
  forbidden: {
    status: 403,
    title: 'The caller may not do this',
    advice: 'Ask a member or an administrator with the right that the message names.',
  },
  halted: {
    status: 503,
    title: 'The contract is halted because members signed conflicting histories',
    advice:
      'Look at the evidence, freeze the contract, and wait until the other members have signed their FREEZE too.',
  },
  internal: {
    status: 500,
    title: 'The node met a fault of its own',
    advice: 'Tell the operator of the node, who finds the cause in its log.',
  },
  'invariant-broken': {
    status: 500,
    title: 'Something that must always hold does not hold',
    advice: 'Stop the node, keep its data as it is, and verify it before starting again.',
  },
  'key-missing': {
    status: 503,
    title: 'The node does not have the key that is in force here',
    advice: 'Restore the key file from your backup of keys, or have the contract take in your newest card.',
  },
  'key-reused': {
    status: 422,
    title: 'The Idempotency-Key was used for something else',
    advice: 'Send a new key with each new request, and the same key only with the same request.',
  },
  locked: {
    status: 423,
    title: 'Somebody else holds a lock on it',
    advice: 'Wait until the holder releases it or its lease ends (Retry-After), then send it again.',
  },
  'method-not-allowed': {
    status: 405,
    title: 'The path does not take this method',
    advice: 'Use one of the methods that the Allow header lists.',
  },
  'not-acceptable': {
    status: 406,
    title: 'The answer is not available in the form asked for',
    advice: 'Ask for one of the media types that the message lists.',
  },
  'not-found': {
    status: 404,
    title: 'There is nothing here',
    advice: 'Check the address or identifier.',
  },
  'not-judged': {
    status: 409,
    title: 'Who can see the private values has not judged the request',
    advice: 'Wait until the parties that the message names are connected: each has to sign what it judges.',
  },
  'not-shown': {
    status: 404,
    title: 'The value was not shown to this party',
    advice: 'Ask a member that was in when it was written.',
  },
  'order-exhausted': {
    status: 409,
    title: 'There is no place left between two elements',
    advice: 'Delete one of the two neighbours, create it again, and insert then.',
  },
  'private-value': {
    status: 403,
    title: 'The value is private and not held by this node',
    advice: 'Ask one of the parties that the message names: they alone can show it.',
  },
  'range-not-satisfiable': {
    status: 416,
    title: 'The range lies outside the file',
    advice: 'Ask for bytes within the size that Content-Range tells.',
  },
  rejected: {
    status: 422,
    title: 'The request was ordered and rejected',
    advice:
      'Correct what the outcome’s code names and send a new request; nothing of this one has taken effect.',
  },
  replayed: {
    status: 409,
    title: 'The same request is in the ledger already',
    advice: 'Read the outcome of the earlier one; for a second effect make a request with a new nonce.',
  },
  'signer-refused': {
    status: 409,
    title: 'The signer will not sign this beside what it has signed before',
    advice: 'Nothing was signed; check that no second node runs with the same keys.',
  },
  'storage-failed': {
    status: 500,
    title: 'The node could not read or write its storage',
    advice:
      'Check the node’s disk and log, restart it, and read whether the request took effect before repeating it.',
  },
  'superseded-card': {
    status: 409,
    title: 'A newer card of this party is in force',
    advice: 'Fetch the party’s newest card and use the keys that it lists.',
  },
  'too-large': {
    status: 413,
    title: 'The input is larger or deeper than the limit',
    advice: 'Split the input or reduce it below the limit that the message names.',
  },
  unauthorized: {
    status: 401,
    title: 'The caller is not signed in',
    advice: 'Sign in or send a valid token, then send the request again.',
  },
  unavailable: {
    status: 503,
    title: 'The node or a peer cannot be reached at present',
    advice: 'Wait a moment and send the same request again.',
  },
  'unknown-contract': {
    status: 404,
    title: 'This node holds no such contract',
    advice: 'Check the contract’s identifier, or ask a member for an invitation.',
  },
  'unknown-party': {
    status: 404,
    title: 'This node knows no such party',
    advice: 'Import the party’s card and compare its fingerprint with them.',
  },
  'unknown-path': {
    status: 404,
    title: 'The contract has no element at this path',
    advice: 'List the parent block to see the names it holds.',
  },
  'unsupported-media-type': {
    status: 415,
    title: 'The body is in a form this path does not take',
    advice: 'Send the body in one of the media types that the message lists.',
  },
  'wrong-contract': {
    status: 422,
    title: 'This was signed for another contract, lineage or epoch',
    advice: 'Send it to the contract, lineage and epoch that it names.',
  },
  'wrong-type': {
    status: 422,
    title: 'The types do not fit together',
    advice: 'Change the expression or element so that it has the type that the message names.',
  },
} as const satisfies Record<string, ErrorEntry>

/** A stable code of the registry. */
export type ErrorCode = keyof typeof REGISTRY

/**
 * An RFC 9457 problem document. `type` is a relative reference that the node's API answers; `detail` is the
 * message of this occurrence; `code`, `advice` and `context` are extension members.
 */
export interface Problem {
  type: string
  title: string
  status: number
  detail: string
  code: ErrorCode
  advice: string
  context?: Readonly<Record<string, unknown>>
}

/**
 * The only error that a room lets out.
 *
 * `code` names a row of the registry, `message` says what is wrong here and what to do about it, `detail`
 * carries facts for programs (JSON values only, since it is shown to the caller: no keys, no private values).
 */
export class CountersignError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly title: string
  readonly detail: Readonly<Record<string, unknown>> | undefined

  constructor(
    code: ErrorCode,
    message: string,
    detail?: Readonly<Record<string, unknown>>,
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.name = 'CountersignError'
    this.code = code
    this.status = REGISTRY[code].status
    this.title = REGISTRY[code].title
    this.detail = detail
  }

  /** The error as an RFC 9457 problem document; never the stack, never the cause. */
  toProblem(): Problem {
    const problem: Problem = {
      type: `/errors/${this.code}`,
      title: this.title,
      status: this.status,
      detail: this.message,
      code: this.code,
      advice: REGISTRY[this.code].advice,
    }
    if (this.detail !== undefined) problem.context = this.detail
    return problem
  }
}

/**
 * Anything thrown, as a CountersignError. What is none already becomes `internal` with a message that gives
 * nothing away; the original stays in `cause` for the log.
 */
export function toCountersignError(thrown: unknown): CountersignError {
  if (thrown instanceof CountersignError) return thrown
  return new CountersignError('internal', 'The node failed in a way that it does not know.', undefined, {
    cause: thrown,
  })
}
