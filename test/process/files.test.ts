/** Files between real nodes: the largest there may be, kills in the middle, and a disk that is full. */
import { spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, COMMAND, countersign, type ProcessNode, pause, until } from '../support/processes.ts'

const LARGEST_BYTES = 104_857_600
const MIB = 1024 * 1024

/** A file of random bytes; its SHA-256. */
function randomFile(path: string, sizeBytes: number): string {
  const hash = createHash('sha256')
  const file = openSync(path, 'w')
  for (let left = sizeBytes; left > 0; ) {
    const part = randomBytes(Math.min(left, 4 * MIB))
    hash.update(part)
    writeSync(file, part)
    left -= part.length
  }
  closeSync(file)
  return hash.digest('hex')
}

const sha256Of = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')
const folder = (node: ProcessNode): string => join(node.directory, 'data', 'files')
const heldAt = (node: ProcessNode, hash: string): string =>
  join(folder(node), hash.slice(0, 2), hash.slice(2))
const inFolder = (node: ProcessNode, name: string): string[] => readdirSync(join(folder(node), name))

/** Bytes of a process's memory, now and at most so far. */
function memoryOf(node: ProcessNode): { nowBytes: number; mostBytes: number } {
  const status = readFileSync(`/proc/${node.pid}/status`, 'utf8')
  const of = (name: string): number =>
    Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024
  return { nowBytes: of('VmRSS'), mostBytes: of('VmHWM') }
}

/** Begins an upload and leaves it running. */
function uploading(node: ProcessNode, contract: string, path: string, file: string) {
  const child = spawn(
    process.execPath,
    [COMMAND, 'file', 'put', contract, path, file, '--data', node.directory],
    { stdio: 'ignore' },
  )
  return child
}

describe('a file among four nodes', () => {
  const cluster = new Cluster(4)
  let contract = ''
  beforeAll(async () => {
    await cluster.start()
    contract = await cluster.contract('files', '{"Doc":{"Text":"x"}}')
  }, 60_000)
  afterAll(() => cluster.stop())

  it('[FIL-3] of 100 MiB comes to all, byte for byte, and takes little memory anywhere', {
    timeout: 180_000,
  }, async () => {
    const source = join(cluster.root, 'largest.bin')
    const hash = randomFile(source, LARGEST_BYTES)
    const before = cluster.nodes.map(memoryOf)
    const startedMs = Date.now()
    const put = countersign(
      'file',
      'put',
      contract,
      'Doc/Largest',
      source,
      '--data',
      cluster.node(0).directory,
    )
    expect(put.code, put.stdout + put.stderr).toBe(0)
    const putMs = Date.now() - startedMs
    for (const node of cluster.nodes)
      await until('the file has come', async () => existsSync(heldAt(node, hash)), 120_000)
    const arrivedMs = Date.now() - startedMs
    for (const [index, node] of cluster.nodes.entries()) {
      const target = join(cluster.root, `got-${index}.bin`)
      const got = countersign('file', 'get', contract, 'Doc/Largest', '-o', target, '--data', node.directory)
      expect(got.code, got.stderr).toBe(0)
      expect(sha256Of(target)).toBe(hash)
      rmSync(target)
    }
    const grown = cluster.nodes.map((node, index) =>
      Math.round((memoryOf(node).mostBytes - (before[index]?.nowBytes ?? 0)) / MIB),
    )
    console.log(
      `100 MiB: put in ${putMs} ms, everywhere in ${arrivedMs} ms; memory grew by ${grown.join(', ')} MiB at most`,
    )
    for (const mebibytes of grown) expect(mebibytes).toBeLessThan(150)
    // Nobody has waited for it.
    expect((await cluster.node(3).put(contract, 'Doc/Text', 'after', { prefer: 'wait=30' })).status).toBe(200)
  })

  it('[FIL-3] comes to who was killed in the middle of it, once it is back', {
    timeout: 120_000,
  }, async () => {
    const source = join(cluster.root, 'killed.bin')
    const hash = randomFile(source, 60 * MIB)
    const node = cluster.node(2)
    const child = uploading(cluster.node(0), contract, 'Doc/Killed', source)
    const partial = join(folder(node), 'partial', `${hash}-${60 * MIB}`)
    await until(
      'some of it has come',
      async () => (statSync(partial, { throwIfNoEntry: false })?.size ?? 0) > 2 * MIB,
    )
    await node.kill('SIGKILL')
    const came = statSync(partial).size
    expect(came).toBeLessThan(60 * MIB)
    await until('the others have it', async () =>
      [0, 1, 3].every((index) => existsSync(heldAt(cluster.node(index), hash))),
    )
    await cluster.startNode(node)
    await until('it has come', async () => existsSync(heldAt(node, hash)))
    expect(sha256Of(heldAt(node, hash))).toBe(hash)
    expect(inFolder(node, 'partial')).toEqual([])
    await new Promise<void>((done) => (child.exitCode === null ? child.once('exit', () => done()) : done()))
    expect(child.exitCode).toBe(0)
  })

  it('[FIL-1] leaves nothing of an upload in whose middle the node was killed', {
    timeout: 120_000,
  }, async () => {
    const node = cluster.node(1)
    const before = await node.client.get<{ height: number }>(`/api/contracts/${contract}`)
    const { port, bearer } = { port: node.apiPort, bearer: node.client.bearer }
    let sent = 0
    const body = new ReadableStream({
      async pull(controller) {
        sent += MIB
        await pause(20)
        controller.enqueue(new Uint8Array(MIB))
      },
    })
    const upload = fetch(`http://127.0.0.1:${port}/records/${contract}/Doc/Cut`, {
      ...{ method: 'PUT', body, duplex: 'half' },
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'image/png' },
    } as RequestInit).catch(() => undefined)
    await until(
      'some of it is on disk',
      async () => sent > 5 * MIB && inFolder(node, 'incoming').length === 1,
    )
    await node.kill('SIGKILL')
    await upload
    await cluster.startNode(node)
    expect(inFolder(node, 'incoming')).toEqual([])
    expect(await node.client.get(`/api/contracts/${contract}`)).toMatchObject({ height: before.height })
  })
})

describe('a full disk', () => {
  const mountPoint = mkdtempSync(join(tmpdir(), 'countersign-small-disk-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', mountPoint]).status === 0
  const cluster = new Cluster(2, mountPoint)
  const elsewhere = mkdtempSync(join(tmpdir(), 'countersign-elsewhere-'))
  afterAll(async () => {
    await cluster.stop().catch(() => undefined)
    if (mounted) spawnSync('umount', ['-l', mountPoint])
    for (const path of [mountPoint, elsewhere]) rmSync(path, { recursive: true, force: true })
  })

  it('[FIL-1] refuses a file that does not fit, keeps nothing of it, and takes the next', {
    timeout: 120_000,
  }, async (context) => {
    if (!mounted) return context.skip('this user may not mount a small file system to fill')
    await cluster.start()
    const contract = await cluster.contract('small disk', '{"Doc":{}}')
    const [one, other] = [cluster.node(0), cluster.node(1)]
    const large = join(elsewhere, 'large.bin')
    randomFile(large, 60 * MIB)
    const refused = countersign('file', 'put', contract, 'Doc/Large', large, '--data', one.directory)
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toMatch(/room|disk/)
    expect(inFolder(one, 'incoming')).toEqual([])
    const small = join(elsewhere, 'small.bin')
    const hash = randomFile(small, 8 * MIB)
    // It fits once, and not at the other node, which has it when there is room again.
    const filler = join(mountPoint, 'filler')
    writeFileSync(filler, Buffer.alloc(22 * MIB))
    const put = countersign('file', 'put', contract, 'Doc/Small', small, '--data', one.directory)
    expect(put.code, put.stderr).toBe(0)
    await pause(1000)
    rmSync(filler)
    await until('it has come', async () => existsSync(heldAt(other, hash)))
    expect(sha256Of(heldAt(other, hash))).toBe(hash)
  })
})
