/** Addresses of nodes as cards write them. */
import { CountersignError } from '../../crypto/errors.ts'

export type Endpoint = { host: string; port: number }

const ENDPOINT = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9.-]{1,253})):([0-9]{1,5})$/

/** `host:port` or `[IPv6]:port`. @throws CountersignError `bad-format` */
export function parseEndpoint(text: string): Endpoint {
  const found = ENDPOINT.exec(text)
  const port = Number(found?.[3])
  if (found === null || port < 1 || port > 65_535)
    throw new CountersignError(
      'bad-format',
      `«${text.slice(0, 300)}» is not a node’s address; write it as host:port`,
    )
  return { host: (found[1] ?? found[2]) as string, port }
}
