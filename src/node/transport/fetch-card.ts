/** Asking a node for its card, as anyone may (PROTOCOL NET-2): the first step of making contact. */
import { randomBytes } from 'node:crypto'
import { CountersignError, toCountersignError } from '../../crypto/errors.ts'
import { generateKeyPair } from '../../crypto/keys.ts'
import { checkProvenCard, type ProvenCard } from '../../identity/card.ts'
import { tlsOptions } from './certificate.ts'
import { dial } from './dial.ts'
import { parseEndpoint } from './endpoint.ts'
import { encodeFrame, FrameReader } from './frames.ts'
import { DEFAULT_LIMITS } from './options.ts'

/** A card with the longest X.509 chain that its format allows. */
const CARD_FRAME_BYTES = 1024 * 1024

/**
 * The card that the node at this address serves, dialled with a throw-away key so that asking tells nothing of who asks.
 *
 * The node has proved to hold the card's TLS key, and the card comes with all cards before it, back to the one whose hash is
 * the fingerprint. It proves nothing of who the party is: compare that fingerprint out of band.
 *
 * @param url `host:port` or `https://host:port`
 * @throws CountersignError `bad-format` (the address, or what came), `bad-card`, `unavailable`
 */
export async function fetchCard(
  url: string,
  timeoutMs: number,
): Promise<{ card: ProvenCard; tlsKey: string }> {
  const endpoint = parseEndpoint(url.replace(/^https:\/\//, '').replace(/\/$/, ''))
  const where = `${endpoint.host}:${endpoint.port}`
  const unavailable = (reason: string): CountersignError =>
    new CountersignError('unavailable', `no card from ${where}: ${reason}`)
  return new Promise((resolve, reject) => {
    const connection = dial({
      endpoint,
      tls: tlsOptions(generateKeyPair(randomBytes(32))),
      timeoutMs,
      keepAliveMs: DEFAULT_LIMITS.keepAliveMs,
      onSecure: (socket, tlsKey) => {
        if (tlsKey === undefined) {
          connection.destroy(new Error('what listens there is not a Countersign node'))
          return
        }
        const reader = new FrameReader(CARD_FRAME_BYTES)
        socket.on('data', (chunk: Buffer) => {
          const { messages, frames, fault } = reader.push(chunk)
          if (fault === undefined && frames === 0) return
          try {
            if (fault !== undefined) throw fault
            resolve({ card: checkAnswer(messages, tlsKey), tlsKey })
          } catch (error) {
            reject(toCountersignError(error))
          }
          connection.destroy()
        })
        socket.write(encodeFrame(['{"type":"CARD?"}']))
      },
      onClose: (error) => {
        clearTimeout(timer)
        // After an answer this changes nothing any more.
        reject(unavailable(error?.message ?? 'it closed the connection'))
      },
    })
    const timer = setTimeout(() => connection.destroy(new Error(`nothing within ${timeoutMs} ms`)), timeoutMs)
  })
}

function checkAnswer(messages: Record<string, unknown>[], tlsKey: string): ProvenCard {
  const [answer, ...others] = messages
  if (answer?.type !== 'CARD' || Object.keys(answer).length !== 2 || others.length > 0)
    throw new CountersignError('bad-format', 'the node answered with something else than its card')
  const card = checkProvenCard(answer.card)
  if (card.card.keys.tls !== tlsKey)
    throw new CountersignError(
      'bad-card',
      `the node shows the card of "${card.card.name}" but does not hold its TLS key`,
    )
  return card
}
