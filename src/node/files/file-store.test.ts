import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FILE_MAX_BYTES } from '../../document/file-value.ts'
import { FileStore } from './file-store.ts'

let root: string
let disk: FileStore
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'countersign-files-'))
  disk = new FileStore(root)
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const bytes = randomBytes(200_000)
const hash = createHash('sha256').update(bytes).digest('hex')
const id = { hash, sizeBytes: bytes.length }
const of = (...chunks: Uint8Array[]) => Readable.from(chunks)
const incoming = () => readdirSync(join(root, 'incoming'))
const partial = () => readdirSync(join(root, 'partial'))

describe('a file that is received', () => {
  it('[FIL-1] is known by its hash and size, and read whole and in parts', async () => {
    expect(await disk.receive(of(bytes.subarray(0, 7), bytes.subarray(7)))).toEqual(id)
    expect([disk.sizeOf(hash), disk.has(id), disk.has({ hash, sizeBytes: 1 })]).toEqual([
      200_000,
      true,
      false,
    ])
    expect(Buffer.concat(await disk.stream(hash).toArray()).equals(bytes)).toBe(true)
    expect(Buffer.concat(await disk.stream(hash, 5, 9).toArray()).equals(bytes.subarray(5, 9))).toBe(true)
    expect((await disk.part(hash, 199_990, 65_536)).equals(bytes.subarray(199_990))).toBe(true)
    expect(existsSync(join(root, hash.slice(0, 2), hash.slice(2)))).toBe(true)
    expect(incoming()).toEqual([])
    expect(await disk.receive(of(bytes))).toEqual(id)
    expect(new FileStore(root).has(id)).toBe(true)
  })

  it('[FIL-1] leaves nothing behind where its source fails, or is too large', async () => {
    const failing = new Readable({
      read() {
        this.push(Buffer.alloc(1000))
        setImmediate(() => this.destroy(new Error('gone')))
      },
    })
    await expect(disk.receive(failing)).rejects.toMatchObject({ code: 'bad-request' })
    let isRead = 0
    const endless = new Readable({
      read() {
        isRead += 8_000_000
        this.push(Buffer.alloc(8_000_000))
      },
    })
    await expect(disk.receive(endless)).rejects.toMatchObject({ code: 'too-large' })
    expect(isRead).toBeLessThan(FILE_MAX_BYTES + 40_000_000)
    expect(incoming()).toEqual([])
    expect(readdirSync(root).sort()).toEqual(['incoming', 'partial'])
  })

  it('is removed at start where it did not come whole', () => {
    writeFileSync(join(root, 'incoming', 'rest'), 'x')
    new FileStore(root)
    expect(incoming()).toEqual([])
  })
})

describe('a file on its way from peers', () => {
  it('[FIL-3] goes on where it stopped, and [FIL-5] counts once its hash is right', async () => {
    const first = await disk.partial(id)
    await first.append(bytes.subarray(0, 150_000))
    await first.close()
    const second = await new FileStore(root).partial(id)
    expect(second.filledBytes).toBe(150_000)
    await second.append(bytes.subarray(150_000))
    expect(disk.has(id)).toBe(false)
    expect(await second.finish()).toBe(true)
    await second.close()
    expect([disk.has(id), partial()]).toEqual([true, []])
  })

  it('[FIL-5] is begun anew where it is another, and is never given a place', async () => {
    const other = await disk.partial(id)
    await other.append(Buffer.alloc(bytes.length))
    expect(await other.finish()).toBe(false)
    expect([other.filledBytes, disk.has(id)]).toEqual([0, false])
    await other.append(bytes)
    expect(await other.finish()).toBe(true)
    await other.close()
    expect(disk.has(id)).toBe(true)
  })

  it('takes no more of what is on disk than it has bytes, and is dropped where nothing names it', async () => {
    writeFileSync(join(root, 'partial', `${hash}-10`), Buffer.alloc(20))
    const short = await disk.partial({ hash, sizeBytes: 10 })
    expect(short.filledBytes).toBe(10)
    expect(await short.finish()).toBe(false)
    await short.close()
    disk.dropPartials(({ hash: one, sizeBytes }) => one === hash && sizeBytes === 10)
    expect(partial()).toHaveLength(1)
    disk.dropPartials(() => false)
    expect(partial()).toEqual([])
  })
})
