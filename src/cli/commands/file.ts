/** `file`: files as values of fields, from disk and back to it. */
import { randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, extname } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import { CountersignError } from '../../crypto/errors.ts'
import { FILE_MAX_BYTES } from '../../document/file-value.ts'
import { NodeClient } from '../client.ts'
import { bold, green, print, printJson, safe } from '../output.ts'
import { findContract } from './find.ts'
import { printStatus, type StatusView } from './status.ts'

const DATA = ['--data <dir>', 'the node’s directory', process.env.COUNTERSIGN_DATA ?? '.countersign'] as const

/** The usual ones; what is not here is `application/octet-stream`. */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.csv': 'text/csv',
  '.docx': 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  '.gz': 'application/gzip',
  '.html': 'text/html',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.json': 'application/json',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.tif': 'image/tiff',
  '.tiff': 'image/tiff',
  '.txt': 'text/plain',
  '.xlsx': 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  '.xml': 'application/xml',
  '.zip': 'application/zip',
}

export function addFileCommands(program: Command): void {
  const file = program.command('file').description('files as values of fields')
  file
    .command('put <id> <path> <file>')
    .description('set a field to a file; answers when every party has signed, the bytes follow')
    .option('--media-type <type>', 'of the file; told by its name where left out')
    .option('--wait <seconds>', 'how long to wait for that', '30')
    .option(...DATA)
    .option('--json', 'print JSON')
    .action(putFile)
  file
    .command('get <id> <path>')
    .description('write the file that a field names to disk')
    .option('-o, --output <file>', 'where to; - for the standard output; its own name, here, where left out')
    .option(...DATA)
    .action(getFile)
}

function recordPath(id: string, path: string): string {
  const parts = path.replace(/^\//, '').split('/')
  return `/records/${id}/${parts.map((part) => encodeURIComponent(part)).join('/')}`
}

async function putFile(
  text: string,
  path: string,
  file: string,
  options: { mediaType?: string; wait: string; data: string; json?: boolean },
): Promise<void> {
  const stat = statSync(file, { throwIfNoEntry: false })
  if (stat === undefined || !stat.isFile())
    throw new CountersignError('not-found', `there is no file ${file}`)
  if (stat.size > FILE_MAX_BYTES)
    throw new CountersignError(
      'too-large',
      `${file} has ${stat.size} bytes; at most ${FILE_MAX_BYTES} are taken`,
    )
  const client = new NodeClient(options.data)
  const { id } = await findContract(client, text)
  const mediaType =
    options.mediaType ?? MEDIA_TYPES[extname(file).toLowerCase()] ?? 'application/octet-stream'
  const response = await client.fetch(recordPath(id, path), {
    method: 'PUT',
    headers: {
      'content-type': mediaType,
      'content-length': String(stat.size),
      'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(basename(file))}`,
      prefer: `wait=${options.wait}`,
    },
    body: Readable.toWeb(createReadStream(file)) as ReadableStream,
    // A body that is a stream is sent while nothing is read yet.
    ...{ duplex: 'half' },
  })
  const status = (await response.json()) as StatusView
  if (options.json) printJson(status)
  else printStatus(status)
}

async function getFile(
  text: string,
  path: string,
  options: { output?: string; data: string },
): Promise<void> {
  const client = new NodeClient(options.data)
  const { id } = await findContract(client, text)
  const response = await client.fetch(`${recordPath(id, path)}/$file`)
  const source = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0])
  if (options.output === '-') {
    await pipeline(source, process.stdout, { end: false })
    return
  }
  const target = options.output ?? nameOf(response)
  if (options.output === undefined && existsSync(target)) {
    source.destroy()
    throw new CountersignError('conflict', `${target} is there already; say with --output where to write to`)
  }
  const partial = `${target}.${randomBytes(6).toString('hex')}.partial`
  try {
    await pipeline(source, createWriteStream(partial, { flags: 'wx' }))
    renameSync(partial, target)
  } catch (error) {
    rmSync(partial, { force: true })
    throw new CountersignError('storage-failed', `${target} was not written: ${(error as Error).message}`)
  }
  print(`${green('✓')} ${bold(safe(target))}  ${statSync(target).size} bytes`)
}

/** The file's own name, and no directory. */
function nameOf(response: Response): string {
  const disposition = response.headers.get('content-disposition') ?? ''
  const name = decodeURIComponent(/filename\*=UTF-8''(\S+)/.exec(disposition)?.[1] ?? '')
  return basename(name) || 'file'
}
