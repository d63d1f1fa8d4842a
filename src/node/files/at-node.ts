/** The file exchange of a node, over its transport. */
import type { Node } from '../node.ts'
import type { Transport } from '../transport/transport.ts'
import type { FilesOptions } from './context.ts'
import { Files } from './files.ts'

/** @param directory a folder of its own; undefined where this node keeps no files */
export function filesAt(
  node: Node,
  transport: Transport,
  log: FilesOptions['log'],
  directory: string | undefined,
): Files | undefined {
  if (directory === undefined) return undefined
  const { party: self, store, engine } = node
  return new Files({
    ...{ directory, self, store, log },
    subscribe: (listener) => node.subscribe(listener),
    replicas: engine.replicas,
    isUp: (peer) => engine.isUp(peer),
    send: (peer, text) => transport.send(peer, text),
    bufferedBytes: (peer) => transport.bufferedBytes(peer),
  })
}
