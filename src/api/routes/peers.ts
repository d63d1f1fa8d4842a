/** The parties this node knows: their cards shown, compared, pinned. */
import { CountersignError } from '../../crypto/errors.ts'
import { checkOfferedCard, type ProvenCard, parseFingerprint, partyOf } from '../../identity/card.ts'
import type { App } from '../app.ts'
import type { Context } from '../context.ts'
import { newPeer, peerList, peerOffer } from '../schemas.ts'
import { peerView } from '../views.ts'

const BODY_BYTES = 1024 * 1024

export function peerRoutes(app: App, context: Context): void {
  const { node } = context
  app.get(
    '/api/peers',
    { schema: { summary: 'The parties this node knows', tags: ['peers'], response: { 200: peerList } } },
    async () => {
      const peers = node.store.peers().filter(({ party }) => party !== node.party)
      return { peers: peers.map((peer) => peerView(context, peer)) }
    },
  )
  app.post(
    '/api/peers',
    {
      bodyLimit: BODY_BYTES,
      schema: {
        summary: 'Fetch and show a party’s card; with its fingerprint, pin it. Of a pinned party, take it',
        tags: ['peers'],
        body: newPeer,
        response: { 200: peerOffer },
      },
    },
    async (request) => {
      const { url, card: given, fingerprint } = request.body
      if ((url === undefined) === (given === undefined))
        throw new CountersignError('bad-request', 'body: give either `url` or `card`')
      const expected = fingerprint === undefined ? undefined : parseFingerprint(fingerprint)
      const card = url === undefined ? checkOfferedCard(given) : (await node.fetchCard(url)).card
      const party = partyOf(card.card)
      if (expected !== undefined && expected !== party)
        throw new CountersignError(
          'fingerprint-mismatch',
          `the card of “${card.card.name}” has the fingerprint ${party}, not ${expected}`,
          { expected, found: party },
        )
      // A newer card of a pinned party is proved by the one that is held: there is nothing to compare.
      const pins = expected !== undefined || node.store.peer(party)?.pinned === true
      if (pins) node.pin(card)
      else requireProof(context, card, party)
      const peer = node.store.peer(party) ?? { party, card, pinned: false }
      return { pinned: pins, peer: peerView(context, peer) }
    },
  )
}

/** A later card proves its party only by those before it: unless they are held, its fingerprint is but a claim. */
function requireProof({ node }: Context, { card, earlier }: ProvenCard, party: string): void {
  if (card.sequence !== 1 && earlier === undefined && !node.store.peer(party))
    throw new CountersignError(
      'bad-card',
      'a later card proves nothing alone; ask the party for all its cards',
    )
}
