/**
 * A network of real packets that can be made to lose them: a Linux network namespace for each node, joined by one that routes
 * between them and drops what it is told to. Nothing of it touches what comes from this process, so that clients are not in it.
 *
 *   this process ── hub ─┬─ node 0     the hub’s interface towards a node drops, of what that node sends
 *                        └─ node 1 …   to others, the share that a classic BPF filter draws by chance
 *
 * It takes root. Latency can’t be had this way without a kernel that has netem.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const NAME = `countersign-${process.pid}`
const HUB = `${NAME}-hub`
/** Of 198.18.0.0/15, which RFC 2544 sets aside for tests. */
const SUBNET = `198.18.${process.pid % 256}`

function run(...words: string[]): string {
  const [command, ...rest] = words
  const { status, stdout, stderr, error } = spawnSync(command as string, rest, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${words.join(' ')}: ${error?.message ?? stderr}`)
  return stdout
}

const inHub = (...words: string[]): string => run('ip', 'netns', 'exec', HUB, ...words)
const interfaceOf = (node: number): string => `node${node}`

/** Four addresses for each link: the hub’s is the first one in use, the node’s the second. */
const hubAddress = (link: number): string => `${SUBNET}.${link * 4 + 1}`
const addressOf = (link: number): string => `${SUBNET}.${link * 4 + 2}`
/** The link to this process. */
const OUTSIDE = 63

export class Namespaces {
  private readonly count: number

  private constructor(count: number) {
    this.count = count
  }

  /** Why this can’t be had here, or the namespaces of `count` nodes. */
  static open(count: number): Namespaces | string {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'it takes root on Linux'
    removeLeftovers()
    const namespaces = new Namespaces(count)
    try {
      namespaces.make()
      return namespaces
    } catch (error) {
      namespaces.close()
      return `this machine does not allow it: ${(error as Error).message.trim()}`
    }
  }

  /** What a process of a node is started by, and the address it has there. */
  of(node: number): { prefix: string[]; host: string } {
    return { prefix: ['ip', 'netns', 'exec', `${NAME}-${node}`], host: addressOf(node) }
  }

  /** From now on this share of the packets from these nodes to those is dropped; and of no others, from any of these. */
  drop(from: readonly number[], to: readonly number[], share: number): void {
    for (const node of from) {
      this.clear(node)
      const others = to.filter((other) => other !== node)
      if (others.length > 0 && share > 0)
        inHub(
          'tc',
          'filter',
          'add',
          'dev',
          interfaceOf(node),
          'ingress',
          'pref',
          '1',
          'bpf',
          'direct-action',
          'bytecode',
          bytecode(others, share),
        )
    }
  }

  heal(): void {
    for (let node = 0; node < this.count; node += 1) this.clear(node)
  }

  /** How many packets from a node were dropped so far. */
  dropped(node: number): number {
    const told = inHub('tc', '-s', 'qdisc', 'show', 'dev', interfaceOf(node), 'clsact')
    return Number(/dropped (\d+)/.exec(told)?.[1])
  }

  close(): void {
    for (const name of [HUB, ...Array.from({ length: this.count }, (_, node) => `${NAME}-${node}`)])
      spawnSync('ip', ['netns', 'del', name])
  }

  private make(): void {
    run('ip', 'netns', 'add', HUB)
    inHub('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward')
    for (let node = 0; node < this.count; node += 1) {
      const name = `${NAME}-${node}`
      run('ip', 'netns', 'add', name)
      this.link(node, interfaceOf(node), name)
      run('ip', '-n', name, 'link', 'set', 'lo', 'up')
      run('ip', '-n', name, 'route', 'add', 'default', 'via', hubAddress(node))
      inHub('tc', 'qdisc', 'add', 'dev', interfaceOf(node), 'clsact')
    }
    this.link(OUTSIDE, 'outside', undefined)
    run('ip', 'route', 'add', `${SUBNET}.0/24`, 'via', hubAddress(OUTSIDE))
    // Whether the kernel has what it takes is seen by doing it.
    this.drop([0], [1], 0.5)
    this.heal()
  }

  /** Joins the hub with a namespace, or with this process’s own. */
  private link(link: number, hubEnd: string, namespace: string | undefined): void {
    const [there, end] = namespace === undefined ? [[], `cs${process.pid}`] : [['-n', namespace], 'hub']
    const peer = namespace === undefined ? [] : ['netns', namespace]
    run('ip', 'link', 'add', hubEnd, 'netns', HUB, 'type', 'veth', 'peer', 'name', end, ...peer)
    run('ip', '-n', HUB, 'addr', 'add', `${hubAddress(link)}/30`, 'dev', hubEnd)
    run('ip', '-n', HUB, 'link', 'set', hubEnd, 'up')
    run('ip', ...there, 'addr', 'add', `${addressOf(link)}/30`, 'dev', end)
    run('ip', ...there, 'link', 'set', end, 'up')
  }

  private clear(node: number): void {
    // It fails where there is no filter.
    spawnSync('ip', [
      'netns',
      'exec',
      HUB,
      'tc',
      'filter',
      'del',
      'dev',
      interfaceOf(node),
      'ingress',
      'pref',
      '1',
    ])
  }
}

/** Namespaces of a process that ended without closing them. */
function removeLeftovers(): void {
  const { stdout } = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' })
  for (const [name, pid] of (stdout ?? '').matchAll(/^countersign-(\d+)-\w+/gm))
    if (!existsSync(`/proc/${pid}`)) spawnSync('ip', ['netns', 'del', name])
}

/**
 * Classic BPF on an Ethernet frame with IPv4: drops a share of what goes to one of these nodes (linux/filter.h: 32 loads a
 * word, 21 jumps if equal, 53 jumps if at least, 6 returns; TC_ACT_SHOT is 2, -1 leaves the packet to whoever comes next).
 */
function bytecode(to: readonly number[], share: number): string {
  const DESTINATION = 30
  const RANDOM = 0xfffff038
  const addresses = to.map((node) =>
    addressOf(node)
      .split('.')
      .reduce((sum, part) => sum * 256 + Number(part), 0),
  )
  const compare = addresses.map((address, index) => `21 ${addresses.length - index} 0 ${address}`)
  const program = [
    `32 0 0 ${DESTINATION}`,
    ...compare,
    '6 0 0 4294967295',
    `32 0 0 ${RANDOM}`,
    `53 1 0 ${Math.floor(share * 0xffffffff)}`,
    '6 0 0 2',
    '6 0 0 4294967295',
  ]
  return `${program.length},${program.join(',')}`
}
