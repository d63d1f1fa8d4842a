/**
 * Says again what anybody has ever said: as it was, and in other places: another contract, lineage, epoch, under its own name.
 */
import type { Message } from '../../../src/node/messages.ts'
import type { SimNode } from '../sim-node.ts'
import { Adversary, type Outlook } from './adversary.ts'
import { sign } from './forge.ts'

const KEPT = 400
const AT_ONCE = 4
const PLACES = [
  'as it was',
  'another contract',
  'another lineage',
  'another epoch',
  'with a lineage',
  'under its name',
] as const

export class Replayer extends Adversary {
  readonly name = 'replayer'
  readonly kinds = PLACES
  private readonly heard: Message[] = []
  private readonly sent = new Map<string, string>()
  private made = 0

  override incoming(_at: SimNode, _from: SimNode, message: Message): void {
    this.remember(message)
  }

  override outgoing(_from: SimNode, _to: SimNode, message: Message): unknown[] {
    this.remember(message)
    return [message]
  }

  /** The first ones are kept, and of the others some: what is oldest is worth most. */
  private remember(message: Message): void {
    if (message.type === 'INVITE') return
    if (this.heard.length < KEPT) this.heard.push(message)
    else if (this.random.chance(0.2)) this.heard[this.random.integer(KEPT / 2, KEPT - 1)] = message
  }

  override turn(): void {
    if (this.heard.length === 0) return
    for (let count = 0; count < AT_ONCE; count += 1) {
      const liar = this.random.pick(this.liars)
      const to = this.random.pick(this.honest)
      const place = PLACES[this.made % PLACES.length] as string
      this.made += 1
      const message = this.moved(place, liar, this.random.pick(this.heard))
      if (!message) continue
      this.sent.set(JSON.stringify(message), place)
      this.stage.send(liar, to, [message])
    }
  }

  private moved(place: string, liar: SimNode, message: Message): object | undefined {
    const { contract } = message
    switch (place) {
      case 'another contract': {
        const other = this.contracts.find((one) => one !== contract)
        return other === undefined ? undefined : { ...message, contract: other }
      }
      case 'another lineage':
      case 'another epoch':
        return inPlace(place === 'another lineage' ? { lineage: 1 } : { epoch: 1 }, liar, message)
      case 'with a lineage':
        return { ...message, lineage: 1 }
      case 'under its name':
        return named(liar, message)
      default:
        return message
    }
  }

  override arrived(_at: SimNode, _from: SimNode, message: Message): void {
    this.arrivedShapeless(message)
  }

  override arrivedShapeless(message: unknown): void {
    const place = this.sent.get(JSON.stringify(message))
    if (place !== undefined) this.count(place)
  }

  outlook(): Outlook {
    return 'final'
  }
}

/** What was signed, moved to another lineage or epoch; a liar's own statement is even well signed there. */
function inPlace(
  at: { lineage: number } | { epoch: number },
  liar: SimNode,
  message: Message,
): object | undefined {
  if (message.type === 'STATEMENT') {
    const statement = { ...message.signed.statement, ...at }
    const isOwn = message.signed.party === liar.party.id
    return { ...message, signed: isOwn ? sign(liar, statement) : { ...message.signed, statement } }
  }
  if (message.type === 'PROPOSE') {
    const header = { ...message.block.header, ...at }
    return { ...message, block: { ...message.block, header } }
  }
  if (message.type === 'COSIGN' && 'epoch' in at)
    return { ...message, cosignature: { ...message.cosignature, ...at } }
  return undefined
}

/** Another's words as the liar's own. */
function named(liar: SimNode, message: Message): object | undefined {
  const party = liar.party.id
  if (message.type === 'STATEMENT') return { ...message, signed: { ...message.signed, party } }
  if (message.type === 'COSIGN') return { ...message, cosignature: { ...message.cosignature, party } }
  if (message.type === 'CERTIFICATE') {
    const { certificate } = message
    const signatures = certificate.signatures.map(([, signature]) => [party, signature])
    return { ...message, certificate: { ...certificate, signatures } }
  }
  return undefined
}
