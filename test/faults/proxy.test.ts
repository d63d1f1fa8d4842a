/** The network that is made to fail fails as it is told to, and counts it. */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Random } from '../sim/random.ts'
import { until } from '../support/processes.ts'
import { Network } from '../support/proxy.ts'

const NODES = 3

let network: Network
/** Every node: what it was sent, by connection, and the connections to it. */
let nodes: { server: Server; heard: string[]; sockets: Socket[] }[]
const dialled: Socket[] = []

beforeEach(async () => {
  network = new Network(new Random(1))
  nodes = await Promise.all(
    Array.from({ length: NODES }, async () => {
      const heard: string[] = []
      const sockets: Socket[] = []
      const server = createServer((socket) => {
        const index = sockets.push(socket) - 1
        heard[index] = ''
        socket.on('error', () => undefined)
        socket.on('data', (bytes) => {
          heard[index] += bytes.toString()
          socket.write(`heard ${bytes.toString()}`)
        })
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      return { server, heard, sockets }
    }),
  )
  await network.open(nodes.map(({ server }) => (server.address() as { port: number }).port))
})
afterEach(async () => {
  for (const socket of dialled.splice(0)) socket.destroy()
  await network.close()
  for (const { server, sockets } of nodes) {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
})

/** A connection from one node to another, with what came back on it. */
function dial(from: number, to: number): { socket: Socket; answers: () => string; isOpen: () => boolean } {
  let answers = ''
  let isOpen = true
  const socket = connect(network.port(from, to), '127.0.0.1')
  dialled.push(socket)
  socket.on('data', (bytes) => {
    answers += bytes.toString()
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    isOpen = false
  })
  return { socket, answers: () => answers, isOpen: () => isOpen }
}

const heardBy = (node: number): string => nodes[node]?.heard.join('|') ?? ''

it('hands on what is sent, both ways, to whom it is for', async () => {
  const { socket, answers } = dial(0, 1)
  socket.write('one')
  await until('the answer', async () => answers() === 'heard one')
  expect([heardBy(0), heardBy(1), heardBy(2)]).toEqual(['', 'one', ''])
  expect(network.way(0, 1).counts.passedBytes).toBe(3)
  expect(network.way(1, 0).counts.passedBytes).toBe(9)
  socket.end()
  await until('the end', async () => nodes[1]?.sockets[0]?.destroyed === true)
  expect(network.ways.every(({ flows }) => flows.size === 0)).toBe(true)
})

it('blocks one way: what is sent is held, comes when the block ends, and the other way is open', async () => {
  const there = dial(0, 1)
  const back = dial(1, 0)
  there.socket.write('first ')
  await until('the first', async () => heardBy(1) === 'first ')
  network.set(network.from([0], [1]), { isBlocked: true })
  there.socket.write('second')
  back.socket.write('question')
  await until('both', async () => network.way(0, 1).counts.heldBytes === 'secondheard question'.length)
  expect(heardBy(1)).toBe('first ')
  expect(heardBy(0)).toBe('question')
  expect(back.answers()).toBe('')
  expect(there.isOpen() && back.isOpen()).toBe(true)
  network.heal()
  await until('the rest', async () => heardBy(1) === 'first second' && back.answers() === 'heard question')
})

it('lets nobody connect over a blocked way, either way, before it is open; who gave up is not heard of', async () => {
  network.set(network.from([0], [1]), { isBlocked: true })
  const there = dial(0, 1)
  const back = dial(1, 0)
  const gone = dial(0, 1)
  for (const { socket } of [there, back, gone]) socket.write('hello')
  await until(
    'all are held',
    async () => network.way(0, 1).counts.heldAttempts === 2 && network.way(1, 0).counts.heldAttempts === 1,
  )
  gone.socket.destroy()
  const aside = dial(2, 1)
  aside.socket.write('aside')
  await until('who takes another way', async () => heardBy(1) === 'aside')
  network.heal()
  await until('the others', async () => there.answers() === 'heard hello' && back.answers() === 'heard hello')
  expect(nodes[1]?.heard).toEqual(['aside', 'hello'])
})

it('cuts: connections are reset and refused until it is mended', async () => {
  const { isOpen } = dial(0, 1)
  const other = dial(0, 2)
  await until('the connections', async () => nodes[1]?.sockets.length === 1 && nodes[2]?.sockets.length === 1)
  network.set(network.between([0], [1]), { isCut: true })
  await until('the cut', async () => !isOpen() && nodes[1]?.sockets[0]?.destroyed === true)
  const { resets } = network.way(0, 1).counts
  expect(resets).toBe(1)
  const refused = dial(1, 0)
  await until('the refusal', async () => !refused.isOpen())
  expect(network.way(1, 0).counts.refusals).toBe(1)
  expect(other.isOpen()).toBe(true)
  network.heal()
  const again = dial(0, 1)
  again.socket.write('again')
  await until('the answer', async () => again.answers() === 'heard again')
})

it('delays what is sent, each way and the connection itself, by no less than it was told', async () => {
  network.set(network.between([0], [1]), { latencyMs: 200, jitterMs: 50 })
  const startedMs = performance.now()
  const { socket, answers } = dial(0, 1)
  socket.write('one')
  await until('the answer', async () => answers() === 'heard one')
  // Two ways for the handshake, one for the question, one for the answer.
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(4 * 200)
  expect(network.way(0, 1).counts.delayedBytes).toBe('one'.length)
  expect(network.way(1, 0).counts.delayedBytes).toBe('heard one'.length)
})

it('limits bytes a second, and loses nothing of what has to wait', async () => {
  network.set(network.from([0], [1]), { bytesPerSecond: 800_000 })
  const startedMs = performance.now()
  const { socket } = dial(0, 1)
  const text = 'x'.repeat(800_000)
  socket.write(text)
  await until('all of it', async () => nodes[1]?.heard[0] === text)
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(1000)
  expect(network.way(0, 1).counts.delayedBytes).toBe(text.length)
})

it('loses packets, which come later and in order, and resets connections', async () => {
  network.set(network.from([0], [1]), { loss: 0.5 })
  const { socket, answers } = dial(0, 1)
  for (const letter of 'abcdef') {
    socket.write(letter)
    await until('its answer', async () => answers().endsWith(letter))
  }
  expect(heardBy(1)).toBe('abcdef')
  expect(network.way(0, 1).counts.lostPackets).toBeGreaterThan(0)
  network.set(network.from([0], [1]), { resets: 1 })
  const cut = dial(0, 1)
  cut.socket.write('g')
  await until('the reset', async () => !cut.isOpen())
  expect(network.way(0, 1).counts.resets).toBe(1)
  expect(heardBy(1)).not.toContain('g')
})
