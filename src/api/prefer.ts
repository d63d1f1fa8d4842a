/** Prefer (RFC 7240): how long a write waits for its answer, and for what. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Until } from './waiting.ts'

export type Preference = { waitMs: number; until: Until; applied: string }

const WAIT_DEFAULT_S = 30
const WAIT_MAX_S = 300
const DEFAULT: Preference = { waitMs: WAIT_DEFAULT_S * 1000, until: 'final', applied: '' }

/**
 * `wait=N` (seconds, at most 300; 30 if left out), `respond-async` (do not wait), `until=final|tentative`. As the RFC has it,
 * what is not understood is left aside; `applied` says what was followed.
 */
export function readPrefer(headers: IncomingHttpHeaders): Preference {
  const { prefer } = headers
  if (prefer === undefined) return DEFAULT
  let waitS: number | undefined
  let until: Until | undefined
  for (const one of String(prefer).split(',')) {
    const [, name = '', , value = ''] = /^\s*([\w-]+)\s*(=\s*"?([\w-]+)"?)?\s*(?:;.*)?$/.exec(one) ?? []
    const key = name.toLowerCase()
    // Of a preference that stands twice, the first counts.
    if (key === 'wait' && /^\d{1,9}$/.test(value)) waitS ??= Math.min(Number(value), WAIT_MAX_S)
    else if (key === 'respond-async') waitS ??= 0
    else if (key === 'until' && (value === 'final' || value === 'tentative')) until ??= value
  }
  const applied = [
    ...(waitS === undefined ? [] : [`wait=${waitS}`]),
    ...(until === undefined ? [] : [`until=${until}`]),
  ]
  return { waitMs: (waitS ?? WAIT_DEFAULT_S) * 1000, until: until ?? 'final', applied: applied.join(', ') }
}
