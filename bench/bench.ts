/**
 * `npm run bench`: separate processes, real TLS between the nodes, fsync on; a write counts when it is final on all nodes.
 *
 *   npm run bench -- --members 4 --clients 1|32|256 --seconds 10 [--contracts 1000] [--json]
 *   npm run bench -- --joining [--clients 64]      the last member comes in while the clients of the others write
 *   npm run bench -- --elements 100000 [--clients 8]   edits in a contract of so many elements beside those in one of 100
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { NodeClient } from '../src/cli/client.ts'
import { initialise, readOwnCard } from '../src/cli/directory.ts'
import { elements, elementsLines } from './elements.ts'
import { joining, joiningLines } from './joining.ts'
import { cpuOf, here, load, type Member, nodesOf, pause, percentile, retry, wireBytes } from './measure.ts'

const { values: options } = parseArgs({
  options: {
    members: { type: 'string', default: '4' },
    clients: { type: 'string', default: '32' },
    seconds: { type: 'string', default: '10' },
    warmup: { type: 'string', default: '20' },
    contracts: { type: 'string', default: '1' },
    'value-bytes': { type: 'string', default: '256' },
    json: { type: 'boolean', default: false },
    joining: { type: 'boolean', default: false },
    elements: { type: 'string', default: '0' },
    profile: { type: 'boolean', default: false },
  },
})

const command = join(here, '..', 'bin', 'countersign.js')
const say = (text: string): void => {
  if (!options.json) process.stdout.write(`${text}\n`)
}

function number(
  name: 'members' | 'clients' | 'seconds' | 'warmup' | 'contracts' | 'value-bytes' | 'elements',
): number {
  const value = Number(options[name])
  if (!Number.isFinite(value) || value < (name === 'warmup' || name === 'elements' ? 0 : 1))
    throw new Error(`--${name} takes a number`)
  return value
}

/** One core's Ed25519 verifications a second, by the machine's OpenSSL: the yardstick of this run. */
function verifyPerSecond(): number {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const message = Buffer.alloc(256, 1)
  const signature = sign(null, message, privateKey)
  const startMs = performance.now()
  let count = 0
  while (performance.now() - startMs < 1000) {
    for (let index = 0; index < 50; index += 1) verify(null, message, publicKey, signature)
    count += 50
  }
  return Math.round(count / ((performance.now() - startMs) / 1000))
}

async function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

async function startMember(root: string, index: number): Promise<Member> {
  const directory = join(root, `member-${index}`)
  const port = await freePort()
  const apiPort = await freePort()
  const host = '127.0.0.1'
  initialise(directory, { version: 1, name: `Member ${index + 1}`, host, port, apiHost: host, apiPort })
  const { party } = readOwnCard(directory)
  const member = { directory, port, apiPort, party, process: launch(directory) }
  await isUp(member)
  return member
}

/** Runs a node in its directory. */
function launch(directory: string): ChildProcess {
  const flags = options.profile
    ? ['--cpu-prof', '--cpu-prof-dir', join(root, '..', 'countersign-profiles')]
    : []
  return spawn(process.execPath, [...flags, command, 'start', '--data', directory, '--log-level', 'error'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

/** Waits until a node answers. */
async function isUp({ apiPort, directory }: Member): Promise<void> {
  for (let tries = 0; tries < 3000; tries += 1) {
    const up = await fetch(`http://127.0.0.1:${apiPort}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (up) return
    await pause(20)
  }
  throw new Error(`the node in ${directory} did not start`)
}

/** Stops a node and starts it again; tells how long it took until it answers. */
async function restart(member: Member): Promise<number> {
  const ended = new Promise((resolve) => member.process.once('exit', resolve))
  member.process.kill('SIGTERM')
  await ended
  const startMs = performance.now()
  member.process = launch(member.directory)
  await isUp(member)
  return performance.now() - startMs
}

/** Messages between the nodes so far, by type. */
async function messagesSent(members: readonly Member[]): Promise<Map<string, number>> {
  const sums = new Map<string, number>()
  for (const member of members) {
    const text = await (await new NodeClient(member.directory).fetch('/metrics')).text()
    for (const [, type = '', count] of text.matchAll(
      /^countersign_messages_sent_total\{type="(\w+)"\} (\d+)$/gm,
    ))
      sums.set(type, (sums.get(type) ?? 0) + Number(count))
  }
  return sums
}

async function makeContracts(
  members: readonly Member[],
  count: number,
  clients: number,
): Promise<string[][]> {
  const [first, ...rest] = members as [Member, ...Member[]]
  const creator = new NodeClient(first.directory)
  const fields = Math.max(1, count === 1 ? clients : Math.ceil(clients / count))
  const document = JSON.stringify(
    Object.fromEntries(Array.from({ length: fields }, (_, index) => [`f${index}`, ''])),
  )
  const paths: string[][] = []
  for (let start = 0; start < count; start += 25) {
    const ids = await Promise.all(
      Array.from({ length: Math.min(25, count - start) }, async (_, index) => {
        const body = `{"name":"bench ${start + index}","with":${JSON.stringify(rest.map(({ party }) => party))},"document":${document}}`
        return (await creator.post<{ id: string }>('/api/contracts', body)).id
      }),
    )
    for (const member of rest) {
      const client = new NodeClient(member.directory)
      await Promise.all(ids.map((id) => retry(() => client.post(`/api/contracts/${id}/accept`))))
    }
    for (const id of ids) paths.push(Array.from({ length: fields }, (_, index) => `${id}/f${index}`))
  }
  for (const member of members)
    await retry(async () => {
      const { contracts } = await new NodeClient(member.directory).get<{
        contracts: { finalHeight: number }[]
      }>('/api/contracts')
      const ready = contracts.filter(({ finalHeight }) => finalHeight >= 0).length
      if (ready < count) throw new Error(`${ready} of ${count} contracts are ready`)
    })
  return paths
}

/** Clients write as much as they can; a write counts when it is final on all nodes. */
async function measureWrites(verifications: number): Promise<void> {
  say(`${members.length} nodes are up; making ${number('contracts')} contract(s) …`)
  const paths = await makeContracts(members, number('contracts'), number('clients'))
  say(`${number('clients')} client(s) write for ${number('seconds')} s …`)
  let cpuBefore = 0
  let wireBefore = 0
  let sentBefore = new Map<string, number>()
  const result = await load(
    {
      nodes: nodesOf(members),
      clients: number('clients'),
      paths,
      valueBytes: number('value-bytes'),
      seconds: number('seconds'),
      warmupSeconds: number('warmup'),
    },
    async () => {
      cpuBefore = cpuOf(members)
      wireBefore = await wireBytes(members)
      sentBefore = await messagesSent(members)
    },
  )
  const cpuUsed = cpuOf(members) - cpuBefore
  const wireUsed = (await wireBytes(members)) - wireBefore
  const sent = await messagesSent(members)
  const messagesPerWrite = Object.fromEntries(
    [...sent]
      .map(([type, count]): [string, number] => [type, count - (sentBefore.get(type) ?? 0)])
      .map(([type, count]) => [type, Math.round((count / Math.max(1, result.writes)) * 1000) / 1000]),
  )
  const sorted = [...result.latenciesMs].sort((a, b) => a - b)
  const report = {
    members: members.length,
    clients: number('clients'),
    contracts: number('contracts'),
    seconds: Math.round(result.seconds * 100) / 100,
    writes: result.writes,
    conflicted: result.conflicted,
    errors: result.errors,
    writesPerSecond: Math.round((result.writes / result.seconds) * 10) / 10,
    latencyMs: { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) },
    wireBytesPerWrite: Math.round(wireUsed / Math.max(1, result.writes)),
    cpuSecondsPerWrite: Math.round((cpuUsed / Math.max(1, result.writes)) * 1e6) / 1e6,
    verifyPerSecond: verifications,
    messagesPerWrite,
  }
  if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`)
  else {
    say('')
    say(
      `writes final on all ${report.members} nodes   ${report.writesPerSecond}/s  (${report.writes} in ${report.seconds} s)`,
    )
    say(`latency until final on all    p50 ${report.latencyMs.p50} ms, p99 ${report.latencyMs.p99} ms`)
    say(`between the nodes             ${report.wireBytesPerWrite} bytes a write`)
    say(`CPU of the nodes together     ${report.cpuSecondsPerWrite} s a write`)
    say(
      `one core's Ed25519 verify     ${report.verifyPerSecond}/s  (a write costs ${Math.round(report.cpuSecondsPerWrite * report.verifyPerSecond * 10) / 10} of them)`,
    )
    const kinds = Object.entries(messagesPerWrite).map(([type, count]) => `${type} ${count}`)
    say(`messages a write              ${kinds.join(', ')}`)
    if (report.errors > 0 || report.conflicted > 0)
      say(`errors ${report.errors}, conflicted ${report.conflicted}`)
  }
  if (report.errors > 0 || report.writes === 0) process.exitCode = 1
}

/** The last member comes in while clients of the others write. */
async function measureJoining(): Promise<void> {
  const report = await joining(
    members,
    {
      clients: number('clients'),
      seconds: number('seconds'),
      warmupSeconds: number('warmup'),
      valueBytes: number('value-bytes'),
    },
    say,
  )
  if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`)
  else for (const line of joiningLines(report)) say(line)
  if (report.errors > 0 || report.lost > 0 || report.writes === 0) process.exitCode = 1
}

/** Edits in a contract of many elements beside edits in one of a hundred. */
async function measureElements(): Promise<void> {
  const report = await elements(
    members,
    {
      elements: number('elements'),
      clients: number('clients'),
      seconds: number('seconds'),
      warmupSeconds: number('warmup'),
      restart,
    },
    say,
  )
  if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`)
  else for (const line of elementsLines(report)) say(line)
  if (report.few.errors + report.many.errors > 0 || report.many.edits === 0) process.exitCode = 1
}

const root = mkdtempSync(join(tmpdir(), 'countersign-bench-'))
const members: Member[] = []
try {
  const verifications = verifyPerSecond()
  say(`one core verifies ${verifications} Ed25519 signatures a second here`)
  for (let index = 0; index < number('members'); index += 1) members.push(await startMember(root, index))
  for (const member of members)
    for (const other of members)
      if (member !== other)
        await new NodeClient(member.directory).post(
          '/api/peers',
          JSON.stringify({ url: `https://127.0.0.1:${other.port}`, fingerprint: other.party }),
        )
  if (options.joining) await measureJoining()
  else if (number('elements') > 0) await measureElements()
  else await measureWrites(verifications)
} finally {
  for (const member of members) member.process.kill('SIGTERM')
  await Promise.all(members.map((member) => new Promise((resolve) => member.process.once('exit', resolve))))
  rmSync(root, { recursive: true, force: true })
}
