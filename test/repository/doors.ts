/** The one-way doors between the rooms of src/: which room may import what. */
import { builtinModules } from 'node:module'
import { posix } from 'node:path'
import ts from 'typescript'
import { isTest, placeOf, type Source, walk } from './sources.ts'

interface Room {
  /** The rooms that it may import, besides itself. */
  rooms: readonly string[]
  /** The npm packages that it may import. */
  libraries: readonly string[]
  /** Whether it may import modules built into Node. */
  builtins: boolean
}

const paper = [
  'crypto',
  'identity',
  'ledger',
  'document',
  'contract',
  'consensus',
  'stream',
  'anchor',
  'verify',
]
const machine = ['signer', 'store', 'node']

const room = (rooms: readonly string[], libraries: readonly string[] = []): Room => ({
  rooms,
  libraries,
  builtins: false,
})
const ioRoom = (rooms: readonly string[], libraries: readonly string[] = []): Room => ({
  rooms,
  libraries,
  builtins: true,
})

/** One row for each room; a room is added here and in ARCHITECTURE.md together. */
export const ROOMS: Readonly<Record<string, Room>> = {
  crypto: room([]),
  identity: room(['crypto'], []),
  ledger: room(['crypto', 'identity']),
  document: room(['crypto'], ['saxes']),
  contract: room(['crypto', 'ledger', 'document']),
  consensus: room(['crypto', 'ledger']),
  stream: room(['crypto', 'identity', 'ledger']),
  anchor: room(['crypto', 'identity', 'ledger']),
  verify: room(['crypto', 'identity', 'ledger', 'document', 'contract', 'stream', 'anchor']),

  signer: ioRoom(['crypto', 'identity', 'ledger'], ['@photostructure/sqlite']),
  store: ioRoom(['crypto', 'ledger'], ['@photostructure/sqlite']),
  node: ioRoom([...paper, 'signer', 'store'], ['pino', 'prom-client']),

  api: ioRoom(
    [...paper, ...machine],
    ['@fastify/swagger', 'fastify', 'fastify-type-provider-zod', 'pino', 'prom-client', 'zod'],
  ),
  client: room(paper),
  device: ioRoom(paper),
  console: room([...paper, 'client']),
  cli: ioRoom(
    [...paper, ...machine, 'api', 'client', 'device', 'console'],
    ['@photostructure/sqlite', 'commander', 'picocolors', 'pino'],
  ),
}

/** The rooms without I/O, clock, randomness and globals. */
export const PURE_ROOMS: readonly string[] = paper

/** The one file of the pure rooms that may use node:crypto. */
const PROVIDER = 'src/crypto/provider.ts'

const TEST_LIBRARIES = ['fast-check', 'vitest']

/** Each import of `source` that its room's row does not allow, as `path:line message`. */
export function doorFaults(source: Source, rooms: Readonly<Record<string, Room>> = ROOMS): string[] {
  const home = roomOf(source.path)
  const row = home === undefined || !Object.hasOwn(rooms, home) ? undefined : rooms[home]
  if (home === undefined || row === undefined) return [`${source.path} lies in no room of the table`]
  const faults: string[] = []
  for (const { node, name } of importsOf(source)) {
    const fault = faultOf(source.path, home, row, name)
    if (fault !== undefined) faults.push(`${placeOf(source, node)} ${fault}`)
  }
  return faults
}

function faultOf(path: string, home: string, row: Room, name: string | undefined): string | undefined {
  if (name === undefined) return 'imports a computed name, which no check can follow'
  if (name.startsWith('.')) {
    const target = posix.join(posix.dirname(path), name)
    if (target.startsWith('test/') && isTest(path)) return undefined
    if (target === 'package.json' && home === 'cli') return undefined
    const other = roomOf(target)
    if (other === home || (other !== undefined && row.rooms.includes(other))) return undefined
    return `(${home}) must not import ${other ?? 'a file outside the rooms'}: ${name}`
  }
  if (name.startsWith('node:')) {
    if (row.builtins || isTest(path) || (path === PROVIDER && name === 'node:crypto')) return undefined
    return `(${home}) must not import ${name}`
  }
  if (builtinModules.includes(name)) return `imports ${name} without the prefix node:`
  const library = name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/')
  if (row.libraries.includes(library) || (isTest(path) && TEST_LIBRARIES.includes(library))) return undefined
  return `(${home}) must not import the library ${library}`
}

/** The room that a path lies in: the folder below src/. */
function roomOf(path: string): string | undefined {
  return /^src\/([^/]+)\/./.exec(path)?.[1]
}

/** Every way to name another module: import, export from, import(), import types, require. */
function importsOf(source: Source): { node: ts.Node; name: string | undefined }[] {
  const found: { node: ts.Node; name: string | undefined }[] = []
  const add = (node: ts.Node, name: ts.Node | undefined) => {
    found.push({ node, name: name !== undefined && ts.isStringLiteralLike(name) ? name.text : undefined })
  }
  walk(source.tree, (node) => {
    if (ts.isImportDeclaration(node)) add(node, node.moduleSpecifier)
    else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined)
      add(node, node.moduleSpecifier)
    else if (ts.isExternalModuleReference(node)) add(node, node.expression)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      add(node, node.argument.literal)
    else if (ts.isCallExpression(node) && isImportCall(node)) add(node, node.arguments[0])
    return undefined
  })
  return found
}

function isImportCall(call: ts.CallExpression): boolean {
  const { expression } = call
  return (
    expression.kind === ts.SyntaxKind.ImportKeyword ||
    (ts.isIdentifier(expression) && expression.text === 'require')
  )
}
