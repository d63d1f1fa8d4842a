/** Real nodes that reach one another over a network that can be made to fail. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Random } from '../sim/random.ts'
import { MomentCluster } from './moments.ts'
import type { ProcessNode } from './processes.ts'
import { Network } from './proxy.ts'

/**
 * Loaded into a node’s process: when it dials another’s endpoint it comes to the port of its own route there. All nodes hold
 * the same cards, so the way can’t be told by the endpoint.
 */
const ROUTER = `
  import { Socket } from 'node:net'
  const routes = new Map(ROUTES)
  const { connect } = Socket.prototype
  Socket.prototype.connect = function (...given) {
    const [first] = given
    const options = Array.isArray(first) ? first[0] : first
    const port = routes.get(Number(options?.port))
    if (port !== undefined && Array.isArray(first)) first[0] = { ...options, port }
    else if (port !== undefined) given[0] = { ...options, port }
    return connect.apply(this, given)
  }
`

export class FaultyCluster extends MomentCluster {
  readonly network = new Network(new Random(20261121))

  override async start(): Promise<void> {
    for (const node of this.nodes) await node.initialise()
    await this.network.open(this.nodes.map(({ port }) => port))
    for (const [from, node] of this.nodes.entries()) {
      const routes = [...this.nodes.entries()]
        .filter(([to]) => to !== from)
        .map(([to, { port }]) => [port, this.network.port(from, to)])
      writeFileSync(this.router(node), ROUTER.replace('ROUTES', JSON.stringify(routes)))
    }
    await Promise.all(this.nodes.map((node) => this.startNode(node)))
    await this.pin()
  }

  protected override preloads(node: ProcessNode): string[] {
    return [...super.preloads(node), this.router(node)]
  }

  private router(node: ProcessNode): string {
    return join(this.root, `router-${this.nodes.indexOf(node)}.mjs`)
  }

  override heal(): void {
    super.heal()
    this.network.heal()
  }

  override async stop(): Promise<void> {
    await this.network.close()
    await super.stop()
  }
}
