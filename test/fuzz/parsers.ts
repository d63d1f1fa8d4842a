/**
 * Every parser of foreign bytes, with genuine inputs and, where there is one, the function that writes what was read. The
 * module is given, so that the same parsers can be run as they are and as the step counter's copy.
 */
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { base64UrlEncode } from '../../src/crypto/bytes.ts'
import { signingInput } from '../../src/crypto/hash.ts'
import { jcs } from '../../src/crypto/jcs.ts'
import { parseJson } from '../../src/crypto/json.ts'
import type { KeyPair } from '../../src/crypto/keys.ts'
import { ed25519Sign } from '../../src/crypto/provider.ts'
import type { FieldType, SignedRequest } from '../../src/ledger/request.ts'
import type { FixtureParty } from '../support/ledger-parties.ts'
import { sealBy, sealed } from '../support/reports.ts'
import { type Tree, textOf, treeOf } from './json-tree.ts'
import type { Room } from './room.ts'
import * as samples from './samples.ts'
import { TEMPLATES } from './template-samples.ts'

export interface Parser {
  name: string
  /** Genuine inputs. */
  samples: readonly Uint8Array[]
  /** What the bytes stand for. @throws CountersignError alone */
  parse(bytes: Uint8Array): unknown
  /** The bytes that stand for a value; none where what is read is a verdict. */
  write?(value: never): Uint8Array
  /** Of what kind the texts are that are made to be expensive for it; none where it reads strict JSON like all others. */
  grammar?: 'json' | 'xml' | 'text'
  /** Places, as json-tree.ts names them, at and below which the parser takes anything: another one looks at that. */
  unchecked?: RegExp
  /** Where the grammar is one of JSON: a genuine input as a tree, and an altered tree as bytes. */
  tree?: { of(sample: Uint8Array): Tree; print(tree: Tree): Uint8Array }
}

const bytesOf = (text: string): Uint8Array => Buffer.from(text)
const textIn = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
const jsonBytes = (value: unknown): Uint8Array => bytesOf(JSON.stringify(value))

const asJson = {
  of: (sample: Uint8Array): Tree => treeOf(JSON.parse(textIn(sample))),
  print: (tree: Tree): Uint8Array => bytesOf(textOf(tree)),
}
/** One JSON text a line. */
const asLines = {
  of: (sample: Uint8Array): Tree => ({
    kind: 'array',
    items: textIn(sample)
      .trimEnd()
      .split('\n')
      .map((line) => treeOf(JSON.parse(line))),
  }),
  print: (tree: Tree): Uint8Array =>
    bytesOf(
      linesOf(tree)
        .map((line) => `${line}\n`)
        .join(''),
    ),
}
const linesOf = (tree: Tree): string[] => (tree.kind === 'array' ? tree.items.map(textOf) : [textOf(tree)])

const HEADING = 'countersign lock journal 1'
/**
 * A journal whose checks are right, as somebody makes them who writes to the file, for every line that is a list of objects;
 * the signer writes no other.
 */
const asJournal = {
  of: (sample: Uint8Array): Tree => ({
    kind: 'array',
    items: textIn(sample)
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => treeOf(JSON.parse(line.slice(33)))),
  }),
  print(tree: Tree): Uint8Array {
    let text = `${HEADING}\n`
    let check = HEADING
    for (const line of linesOf(tree)) {
      const digest = createHash('sha256').update(check + line)
      check = isListOfObjects(line) ? digest.digest('hex').slice(0, 32) : '0'.repeat(32)
      text += `${check} ${line}\n`
    }
    return bytesOf(text)
  },
}
/** An object in an envelope with a signature over it as it is, so that it gets past the check of that. */
const signedAs = (domain: 'card' | 'request', key: KeyPair): NonNullable<Parser['tree']> => ({
  of: (sample) => treeOf(JSON.parse(textIn(sample))[domain]),
  print(tree) {
    const text = textOf(tree)
    return bytesOf(`{"${domain}":${text},"signature":"${signatureOn(domain, text, key)}"}`)
  },
})
function signatureOn(domain: string, text: string, { privateKey }: KeyPair): string {
  try {
    return base64UrlEncode(ed25519Sign(privateKey, signingInput(domain, jcs(parseJson(text)))))
  } catch {
    return 'A'.repeat(86)
  }
}
/** A report in canonical form and signed as it was altered, as a reporter makes it who lies. */
const asReport = (reporter: FixtureParty): NonNullable<Parser['tree']> => ({
  of: asLines.of,
  print(tree) {
    try {
      const lines = linesOf(tree).map((line) => JSON.parse(jcs(parseJson(line))))
      return bytesOf(sealed(lines, sealBy(reporter)))
    } catch {
      return asLines.print(tree)
    }
  },
})
function isListOfObjects(line: string): boolean {
  try {
    const value: unknown = JSON.parse(line)
    return Array.isArray(value) && value.every((one) => typeof one === 'object' && one !== null)
  } catch {
    return false
  }
}
const asFrame = {
  of: (sample: Uint8Array): Tree => treeOf(JSON.parse(textIn(sample.subarray(4)))),
  print: (tree: Tree): Uint8Array => framed(asJson.print(tree)),
}
function framed(body: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(4 + body.length)
  frame.writeUInt32BE(body.length)
  frame.set(body, 4)
  return frame
}

/** Long enough for every family, short enough to be reached by one. */
export const FRAME_LIMIT_BYTES = 32 * 1024 * 1024

const EXPRESSIONS = [
  'sum(_.Lines[Share > 50 and item != "x"].Share) <= 100.5 or `Sum insured` in [1..5]',
  'every l in Lines, i in 1..3 satisfies if l.Start < date("2024-01-31") then -i ** 2 > 4 else not(l.Open)',
]
const PATTERNS = ['^(?:[A-Z]{2}-\\d+|x*?y+)$', '(a|b){1,3}[^a-c\\]]?.\\n']

export function parsersOf(room: Room): Parser[] {
  const text = (bytes: Uint8Array) => room.fromUtf8(bytes)
  const json = (bytes: Uint8Array) => room.parseJson(text(bytes))
  /** A JSON structure: its check gets what the strict JSON parser made of the bytes. */
  const structure = (
    name: string,
    genuine: readonly unknown[],
    check: (value: unknown) => unknown,
  ): Parser => ({
    name,
    samples: genuine.map(jsonBytes),
    parse: (bytes) => check(json(bytes)),
    write: (value) => room.jcsBytes(value),
    tree: asJson,
  })
  const written = <Value>(
    name: string,
    genuine: readonly string[],
    parse: (text: string) => Value,
    write: (value: Value) => string,
  ): Parser => ({
    name,
    grammar: 'text',
    samples: genuine.map(bytesOf),
    parse: (bytes) => parse(text(bytes)),
    write: (value) => bytesOf(write(value)),
  })
  const typed = (type: FieldType) =>
    written(`a value of type ${type}`, [VALUES[type]], (value) => room.parseTyped(type, value), String)
  const { electorate } = samples.ledger
  const [alder] = samples.ledger.members as [FixtureParty]
  const checkRequest = (value: unknown) => {
    const { request, signature } = room.checkRequest(value, samples.contract, (party) =>
      samples.authorKeys.get(party),
    )
    return { request, signature }
  }
  return [
    {
      name: 'an expression',
      grammar: 'text',
      samples: EXPRESSIONS.map(bytesOf),
      parse: (bytes) => room.format(room.parse(text(bytes))),
    },
    {
      name: 'a pattern',
      grammar: 'text',
      samples: PATTERNS.map(bytesOf),
      parse: (bytes) => room.compilePattern(text(bytes)).isIn('aaaaaaaaab'),
    },
    structure('a template', TEMPLATES, (value) => {
      const template = room.templateOf(value)
      room.checkTemplate(template)
      return template
    }),
    structure('a proven card', samples.cards, room.checkProvenCard),
    structure('an offered card', [...samples.cards, samples.laterCard], room.checkOfferedCard),
    structure('a genesis', [samples.ledger.genesis, samples.genesis], room.checkGenesis),
    structure('an epoch record', [samples.epoch], (value) => room.epochShape(value, 'epoch')),
    structure('an invitation', [samples.messages[0]], (value) => {
      const message = room.checkMessage(value)
      if (message.type !== 'INVITE') return message
      const [from, self] = samples.ledger.parties as [string, string]
      room.checkInvitation(message, from, self)
      return message
    }),
    structure('a request', samples.requests, checkRequest),
    {
      ...structure('a card signed as it was altered', samples.cards.slice(0, 1), room.checkProvenCard),
      tree: signedAs('card', alder.keys.root),
    },
    {
      ...structure('a request signed as it was altered', samples.requests, checkRequest),
      // Of the first request: all others are refused for the wrong key, which is as good.
      tree: signedAs('request', authorOf(samples.requests[0] as SignedRequest)),
    },
    structure('an opening', samples.openings, (value) => {
      const opening = room.openingShape(value, 'opening')
      room.commitmentOf(opening)
      return opening
    }),
    structure('a ledger block', [...samples.blocks, ...samples.judgedBlocks], (value) => {
      const block = room.checkBlockShape(value)
      room.entriesRoot(block.entries, [])
      room.blockHash(block.header)
      return block
    }),
    structure('a ledger block that is a turn or a TICK', samples.anyBlocks, (value) => {
      const block = room.checkAnyBlockShape(value)
      room.blockHash(block.header)
      room.requestIdsOf(block)
      return block
    }),
    structure('a request on the epoch', samples.epochRequests, (value) => {
      const { request, signature } = room.checkAnyRequest(
        value,
        samples.clubContract,
        ({ authorKey }) => authorKey,
      )
      return { request, signature }
    }),
    structure('a request with private values', samples.privateRequests, (value) => {
      const { request, signature } = room.checkAnyRequest(
        value,
        samples.dealContract,
        ({ authorKey }) => authorKey,
      )
      return { request, signature }
    }),
    structure('a JUDGEMENT', samples.judgements, room.checkJudgement),
    structure('a FREEZE', samples.freezes, (value) => {
      const freeze = room.checkFreezeShape(value)
      const base = { size: 1, block: '0'.repeat(64) }
      const members = [...electorate.voteKeys.keys()]
      room.freezeHolds(freeze, { epochs: [{ electorate, members, cosignKeys: samples.cosignKeys }], base })
      return freeze
    }),
    {
      name: 'a file of evidence',
      grammar: 'json',
      samples: [jsonBytes(samples.evidenceFile)],
      parse(bytes) {
        const report = room.verifyEvidenceFile(text(bytes), new Set(samples.ledger.parties))
        if (report.verdict !== 'valid')
          throw new room.CountersignError('bad-format', report.finding?.message ?? '')
        return report
      },
      tree: asJson,
    },
    structure('a certificate', samples.certificates, (value) => {
      const certificate = room.checkCertificateShape(value)
      room.certificateVerifies(electorate, certificate)
      return certificate
    }),
    structure('a signed statement', samples.statements, (value) => {
      const signed = room.checkStatementShape(value)
      room.statementVerifies(electorate, signed)
      return signed
    }),
    structure('a cosignature', samples.cosignatures, (value) => {
      const cosignature = room.checkCosignatureShape(value)
      for (const key of samples.cosignKeys.values())
        room.cosignatureVerifies(key, samples.contract, 0, cosignature)
      return cosignature
    }),
    structure('evidence', samples.evidence, (value) => {
      const evidence = room.checkEvidenceShape(value)
      room.evidenceHolds(evidence, electorate, samples.cosignKeys)
      room.evidenceId(evidence)
      return evidence
    }),
    structure('a proof of the map', samples.mapProofs, (value) => {
      const proof = room.checkMapProofShape(value)
      for (const hash of [null, '1'.repeat(64)])
        room.verifyMapProof('0'.repeat(64), '0'.repeat(32), hash, proof)
      return proof
    }),
    {
      ...structure('a message', samples.messages, room.checkMessage),
      // The list in a FETCH is one of ids, and has nothing in it.
      unchecked: /^\/\*\/("genesis"|"request"|"requests"\/\*)/,
    },
    {
      ...structure('a message that asks, or answers', samples.askingMessages, room.checkMessage),
      unchecked: /^\/\*\/("request"|"cards"|"records"\/\*\/\*)/,
    },
    structure('a message about files', FILE_MESSAGES, room.checkFileMessage),
    structure('a record of the lock journal', samples.lockRecords.slice(0, 1), (value) => {
      room.foldRecords([value as object])
      return value
    }),
    {
      name: 'a line of a bundle',
      grammar: 'json',
      samples: samples.ledger.lines().map(jsonBytes),
      parse(bytes) {
        const line = room.parseLine(text(bytes))
        if (line.type === 'cosignature') room.checkCosignatureShape(line.cosignature)
        return line
      },
      unchecked: /"(genesis|block|notarization|finalization|requests|openings)"/,
      write: (line: { type: string; cosignature: object }) =>
        room.jcsBytes(line.type === 'cosignature' ? { type: line.type, ...line.cosignature } : line),
      tree: asJson,
    },
    {
      name: 'a bundle',
      grammar: 'text',
      samples: [
        bytesOf(
          samples.ledger
            .lines()
            .map((line) => `${JSON.stringify(line)}\n`)
            .join(''),
        ),
      ],
      parse(bytes) {
        const verifier = new room.BundleVerifier({ trusted: new Set(samples.ledger.parties) })
        verifier.bytes(bytes)
        const report = verifier.end()
        const { message = '', place = '' } = report.finding ?? {}
        // What the verifier says of errors that it does not know.
        if (message === 'it can’t be processed') throw new Error(`${place}: ${message}`)
        if (report.verdict !== 'valid') throw new room.CountersignError('bad-format', message)
        return report
      },
      tree: asLines,
    },
    {
      name: 'a signed report',
      grammar: 'text',
      samples: samples.reports.map(bytesOf),
      parse(bytes) {
        const verifier = new room.ReportVerifier(new Set(samples.ledger.parties))
        verifier.bytes(bytes)
        const audit = verifier.end()
        const { message = '', place = '' } = audit.finding ?? {}
        if (message === 'it can’t be processed') throw new Error(`${place}: ${message}`)
        if (audit.verdict !== 'valid') throw new room.CountersignError('bad-format', message)
        return audit
      },
      tree: asReport(alder),
    },
    {
      name: 'a frame',
      grammar: 'json',
      samples: [framed(jsonBytes(samples.messages.slice(1, 4))), framed(jsonBytes([{ type: 'CARD?' }]))],
      parse(bytes) {
        const { messages, fault } = new room.FrameReader(FRAME_LIMIT_BYTES).push(Buffer.from(bytes))
        if (fault !== undefined) throw fault
        return messages
      },
      tree: asFrame,
    },
    {
      name: 'a lock journal',
      grammar: 'text',
      samples: [
        asJournal.print({ kind: 'array', items: samples.lockRecords.map((record) => treeOf([record])) }),
      ],
      parse(bytes) {
        const { records } = room.parseJournal(Buffer.from(bytes), 'the file')
        const { counter, entries } = room.foldRecords(records)
        return { counter, entries: [...entries] }
      },
      tree: asJournal,
    },
    {
      name: 'strict JSON',
      grammar: 'json',
      samples: [samples.messages[2], samples.requests[0]].map(jsonBytes),
      parse: json,
      write: (value) => room.jcsBytes(value),
      tree: asJson,
    },
    {
      name: 'strict JSON with numbers as written',
      grammar: 'json',
      samples: samples.JSON_DOCUMENTS.map(bytesOf),
      parse: (bytes) => room.parseJson(text(bytes), { numbers: 'literal' }),
      tree: asJson,
    },
    {
      name: 'a JSON document',
      grammar: 'json',
      samples: samples.JSON_DOCUMENTS.map(bytesOf),
      parse: (bytes) => room.fromJson(bytes),
      write: (tree) => bytesOf(room.toJson(tree)),
      tree: asJson,
    },
    {
      name: 'an XML document',
      grammar: 'xml',
      samples: samples.XML_DOCUMENTS.map(bytesOf),
      parse: (bytes) => room.fromXml(bytes),
      write: (tree) => bytesOf(room.toXml(tree)),
    },
    written('a note', samples.notes, room.parseNote, ({ body, signatures }) =>
      room.formatNote(body, signatures),
    ),
    written('a checkpoint', samples.checkpointTexts, room.parseCheckpoint, room.formatCheckpoint),
    {
      name: 'a cosignature line',
      grammar: 'text',
      samples: samples.notes.map((note) => bytesOf(note.trimEnd().split('\n').at(-1) as string)),
      parse(bytes) {
        const cosignature = room.parseCosignatureLine(text(bytes))
        for (const body of samples.checkpointTexts)
          room.verifyCosignature(samples.pair.publicKey, body, cosignature)
        return cosignature
      },
    },
    written(
      'a verifier key',
      [room.formatVerifierKey('example.com/witness', 4, samples.pair.publicKey)],
      room.parseVerifierKey,
      ({ name, algorithm, publicKey }) => room.formatVerifierKey(name, algorithm, publicKey),
    ),
    written('a path', samples.PATHS, room.parsePath, room.formatPath),
    written(
      'a fingerprint',
      [room.formatFingerprint(samples.contract)],
      room.parseFingerprint,
      room.formatFingerprint,
    ),
    written(
      'an address',
      ['node.example:4040', '[::1]:1', '127.0.0.1:65535'],
      room.parseEndpoint,
      ({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`),
    ),
    written('a private key', [samples.privatePem], room.fromPem, ({ privateKey }) => room.toPem(privateKey)),
    written(
      'a public key',
      [samples.publicPem],
      (pem) => room.publicKeyFromPem(pem),
      (key) => room.publicKeyToPem(key),
    ),
    ...(['text', 'decimal', 'date-time', 'money', 'choice', 'file'] as const).map((type) => typed(type)),
    ...(['integer', 'boolean', 'date', 'party', 'null'] as const).map((type) => ({
      ...typed(type),
      grammar: undefined,
    })),
  ]
}

function authorOf({ request }: SignedRequest): KeyPair {
  const author = samples.ledger.members.find(({ party }) => party === request.author) as FixtureParty
  return author.keys.author
}

const FILE = { contract: '5e'.repeat(32), hash: 'ab'.repeat(32) }
const NONCE = Buffer.alloc(32, 7).toString('base64url')
const FILE_MESSAGES = [
  { type: 'FILE-ASK', contract: FILE.contract, hashes: [FILE.hash, 'cd'.repeat(32)] },
  { type: 'FILE-HELD', contract: FILE.contract, hashes: [] },
  { type: 'FILE-GET', ...FILE, sizeBytes: 70_000, from: 65_536, length: 4464 },
  { type: 'FILE-PART', ...FILE, from: 0, bytes: 'AAECAw' },
  { type: 'FILE-NONE', ...FILE },
  { type: 'FILE-PROVE', ...FILE, sizeBytes: 70_000, nonce: NONCE },
  { type: 'FILE-PROOF', ...FILE, nonce: NONCE, proof: 'ef'.repeat(32) },
]

const VALUES = {
  text: 'any text',
  decimal: '-10.50e-3',
  integer: '-42',
  boolean: 'true',
  date: '2024-02-29',
  'date-time': '2024-02-29T23:59:59.123+01:00',
  money: '-1250.00 EUR',
  choice: 'CIF – Rotterdam',
  party: '0123456789abcdef'.repeat(4),
  file: `${'0123456789abcdef'.repeat(4)} 1048576 application/pdf Bill of lading (1).pdf`,
  null: 'null',
}
