/** Figures for the operator, in the Prometheus text format. */
import { Counter, Gauge, Registry } from 'prom-client'
import type { App } from './app.ts'
import type { Context } from './context.ts'

const PREFIX = 'countersign_'

export function metricsRoute(app: App, context: Context): void {
  const registry = new Registry()
  const stop = followRequests(registry, context)
  describeLedgers(registry, context)
  describeTransport(registry, context)
  describeNode(registry, context)
  app.addHook('onClose', async () => stop())
  app.get(
    '/metrics',
    { schema: { summary: 'Figures for Prometheus', tags: ['node'], produces: ['text/plain'] } },
    async (_request, reply) => {
      reply.type(registry.contentType)
      return registry.metrics() as never
    },
  )
}

/** A counter whose value is kept elsewhere, by label. */
function counted(
  registry: Registry,
  name: string,
  help: string,
  labelNames: string[],
  collect: () => Iterable<readonly [labels: Record<string, string>, value: number]>,
): void {
  new Counter({
    name: `${PREFIX}${name}`,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset()
      for (const [labels, value] of collect()) this.inc(labels, value)
    },
  })
}

function measured(
  registry: Registry,
  name: string,
  help: string,
  labelNames: string[],
  collect: () => Iterable<readonly [labels: Record<string, string>, value: number]>,
): void {
  new Gauge({
    name: `${PREFIX}${name}`,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset()
      for (const [labels, value] of collect()) this.set(labels, value)
    },
  })
}

function followRequests(registry: Registry, { node }: Context): () => void {
  const stages = { received: 0, tentative: 0, final: 0, expired: 0 }
  counted(registry, 'requests_total', 'Requests that reached a stage since the start', ['stage'], () =>
    Object.entries(stages).map(([stage, count]) => [{ stage }, count] as const),
  )
  return node.subscribe((notice) => {
    if (notice.type === 'received' || notice.type === 'expired') stages[notice.type] += 1
    else if (notice.type === 'tentative' || notice.type === 'final')
      stages[notice.type] += notice.requests.length
  })
}

function describeLedgers(registry: Registry, { node, states }: Context): void {
  const { engine } = node
  const each = (value: (contract: string) => number) => () =>
    [...engine.replicas.keys()].map((contract) => [{ contract }, value(contract)] as const)
  const height = (contract: string): number => states.tentative(contract).height
  measured(registry, 'ledger_height', 'Height of the last ledger block', ['contract'], each(height))
  measured(
    registry,
    'final_height',
    'Height of the last ledger block that is final',
    ['contract'],
    each((contract) => states.finalHeight(contract)),
  )
  measured(
    registry,
    'waiting_requests',
    'Requests that are not ordered yet',
    ['contract'],
    each((contract) => engine.replicas.get(contract)?.chain.pool.size ?? 0),
  )
  measured(registry, 'contracts', 'Contracts by status', ['status'], () => {
    const counts = new Map<string, number>([['damaged', engine.damaged.size]])
    for (const { status } of engine.replicas.values()) counts.set(status, (counts.get(status) ?? 0) + 1)
    return [...counts].map(([status, count]) => [{ status }, count] as const)
  })
}

function describeTransport(registry: Registry, { node }: Context): void {
  const only = (value: number | undefined) => [[{}, value ?? 0] as const]
  const stats = () => node.transportStats()
  counted(registry, 'wire_bytes_sent_total', 'Bytes sent to other nodes, TLS included', [], () =>
    only(stats()?.bytesSent),
  )
  counted(registry, 'wire_bytes_received_total', 'Bytes received from other nodes, TLS included', [], () =>
    only(stats()?.bytesReceived),
  )
  counted(registry, 'frames_sent_total', 'Frames sent to other nodes', [], () => only(stats()?.framesSent))
  counted(registry, 'frames_received_total', 'Frames received from other nodes', [], () =>
    only(stats()?.framesReceived),
  )
  counted(registry, 'connections_refused_total', 'Connections and frames turned away', ['reason'], () =>
    Object.entries(stats()?.refused ?? {}).map(([reason, count]) => [{ reason }, count] as const),
  )
  counted(registry, 'messages_refused_total', 'Messages of members that were refused', ['code'], () =>
    [...node.engine.refused].map(([code, count]) => [{ code }, count] as const),
  )
  counted(registry, 'messages_sent_total', 'Messages of contracts sent to other nodes', ['type'], () =>
    [...node.engine.sent].map(([type, { messages }]) => [{ type }, messages] as const),
  )
  counted(registry, 'message_characters_sent_total', 'Their length', ['type'], () =>
    [...node.engine.sent].map(([type, { characters }]) => [{ type }, characters] as const),
  )
  measured(registry, 'connections', 'Open connections', ['direction'], () =>
    Object.entries(stats()?.connections ?? {}).map(([direction, count]) => [{ direction }, count] as const),
  )
  measured(registry, 'peer_up', 'Whether our node reaches a pinned party’s', ['party', 'name'], () =>
    node.store
      .peers()
      .filter(({ pinned, party }) => pinned && party !== node.party)
      .map(({ party, card }) => [{ party, name: card.card.name }, node.engine.isUp(party) ? 1 : 0] as const),
  )
}

function describeNode(registry: Registry, { node }: Context): void {
  const only = (value: number) => [[{}, value] as const]
  counted(registry, 'turns_total', 'Turns of write, sign, send', [], () => only(node.turns))
  counted(registry, 'transactions_total', 'Transactions of the store', [], () =>
    only(node.engine.writes.transactions),
  )
  counted(registry, 'written_total', 'Steps that they held', [], () => only(node.engine.writes.written))
  measured(registry, 'storage_ok', '0 while the disk refuses writes', [], () =>
    only(node.engine.storageError ? 0 : 1),
  )
  measured(registry, 'resident_memory_bytes', 'Memory in use', [], () => only(process.memoryUsage.rss()))
  counted(registry, 'cpu_seconds_total', 'Processor time used', [], () => {
    const { user, system } = process.cpuUsage()
    return only((user + system) / 1e6)
  })
}
