/** Never cosigns any more, nor passes on what other liars have cosigned; otherwise it does all that is asked of it. */
import type { Message } from '../../../src/node/messages.ts'
import type { SimNode } from '../sim-node.ts'
import { Adversary, type Outlook } from './adversary.ts'

export class Withholder extends Adversary {
  readonly name = 'withholder'
  readonly kinds = ['cosignature withheld']

  override outgoing(_from: SimNode, _to: SimNode, message: Message): unknown[] {
    if (message.type === 'COSIGN' && this.isLiar(message.cosignature.party)) {
      this.count('cosignature withheld')
      return []
    }
    if (message.type === 'STATUS')
      return [{ ...message, cosignatures: message.cosignatures.filter(({ party }) => !this.isLiar(party)) }]
    return [message]
  }

  outlook(): Outlook {
    return 'tentative'
  }
}
