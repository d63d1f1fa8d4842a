/** What our implementation makes of a vector: of each folder the very checks that nodes and the auditor run. */

import { isValueOfType } from '../../src/contract/outcome.ts'
import { epochUidOf, genesisState, rootUidOf, stateRoot } from '../../src/contract/state.ts'
import { base64UrlDecode, fromUtf8 } from '../../src/crypto/bytes.ts'
import { CountersignError, type ErrorCode } from '../../src/crypto/errors.ts'
import { jcs } from '../../src/crypto/jcs.ts'
import { parseJson } from '../../src/crypto/json.ts'
import { leafHash, merkleRoot, rootOfInclusion } from '../../src/crypto/log.ts'
import {
  cosignatureOf,
  NOTE_COSIGNATURE_V1,
  noteKeyId,
  parseCheckpoint,
  parseNote,
  verifyCosignature,
} from '../../src/crypto/note.ts'
import { ed25519Verify } from '../../src/crypto/provider.ts'
import { SignatureCache } from '../../src/crypto/statement.ts'
import { checkValue } from '../../src/document/types.ts'
import { cardHash, checkProvenCard, partyOf } from '../../src/identity/card.ts'
import { blockHash, type Header, type LedgerBlock, logLeaf } from '../../src/ledger/block.ts'
import {
  certificateVerifies,
  certifiedStatement,
  checkCertificateShape,
  checkStatementShape,
  statementVerifies,
} from '../../src/ledger/certificate.ts'
import {
  checkCosignatureShape,
  checkpointBody,
  checkpointOf,
  sameCheckpoint,
} from '../../src/ledger/checkpoint.ts'
import { checkEvidenceShape, evidenceHolds, evidenceId } from '../../src/ledger/evidence.ts'
import { checkFreezeShape, freezeHolds, freezeId, inOrderOfKeys } from '../../src/ledger/freeze.ts'
import { History, type Top } from '../../src/ledger/freeze-history.ts'
import { checkGenesis, contractId, type Genesis } from '../../src/ledger/genesis.ts'
import {
  checkAnyRequest,
  commitmentsOf,
  type FieldType,
  requestId,
  type SignedRequest,
} from '../../src/ledger/request.ts'
import { lineageId, nextLineage } from '../../src/ledger/resolve.ts'
import { commitmentOf, type Opening, openingShape } from '../../src/ledger/value.ts'
import { LINE_MAX_BYTES } from '../../src/verify/bundle.ts'
import { verifyEvidenceFile } from '../../src/verify/evidence-file.ts'
import { type Finding, fail, RuleBroken } from '../../src/verify/finding.ts'
import { LedgerAudit } from '../../src/verify/ledger-audit.ts'
import { checkCertificate, readCosignature } from '../../src/verify/membership.ts'
import { RequestAudit } from '../../src/verify/request-audit.ts'
import { BundleVerifier } from '../../src/verify/verifier.ts'
import type { Part } from './block-parts.ts'
import { headerOfGenesis, outputsOfLast } from './judge-chain.ts'
import { authorKeysOf, type Context, electorateOf, freezeContextOf, membershipOf } from './judge-context.ts'

/** What is computed from a valid input, or which rule and which of our error codes stand for what is wrong with it. */
export type Judgement =
  | ({ valid: true } & { readonly [output: string]: unknown })
  | { valid: false; rule?: string; code?: string; readonly [output: string]: unknown }

/** What a check by itself complained of, and what the auditor found. */
class Refusal extends Error {
  readonly judgement: Judgement

  constructor(rule: string, code: ErrorCode | undefined, more: object = {}) {
    super('refused')
    this.judgement = { valid: false, rule, ...(code !== undefined && { code }), ...more }
  }
}

/** What is missing is for the end of an audit to say: here nobody has come in later. @throws RuleBroken */
function complete(audit: LedgerAudit): LedgerAudit {
  const missing = audit.missing('')
  if (missing) throw new RuleBroken(missing)
  return audit
}

// biome-ignore lint/suspicious/noExplicitAny: inputs and contexts are what the vectors of the folder hold
type Judge = (bytes: Uint8Array, context: any) => object
// biome-ignore lint/suspicious/noExplicitAny: as above
const parse = (bytes: Uint8Array): any => parseJson(fromUtf8(bytes), { sizeBytes: LINE_MAX_BYTES })

/** Checks by the functions that give codes, then has the auditor say which rule is broken. What one refuses both refuse. */
function audited<T>(check: () => unknown, audit: () => T): T {
  const code = errorOf(check)?.code
  let result: T
  try {
    result = audit()
  } catch (error) {
    if (error instanceof RuleBroken) throw new Refusal(error.finding.rule, code)
    throw error
  }
  if (code !== undefined) throw new Error(`the auditor takes what is refused with ${code}`)
  return result
}

/** The rule that the auditor finds broken, if any. */
function ruleOf(audit: () => void): string | undefined {
  try {
    audit()
    return undefined
  } catch (error) {
    if (error instanceof RuleBroken) return error.finding.rule
    throw error
  }
}

function errorOf(check: () => unknown): CountersignError | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    if (error instanceof CountersignError) return error
    throw error
  }
}

const checkOpenings = (openings: unknown[]) => openings.map((opening) => openingShape(opening, 'opening'))

const JUDGES: Readonly<Record<string, Judge>> = {
  json: (bytes) => ({ canonical: jcs(parse(bytes)) }),

  signature(bytes, { publicKey, signature }: Record<'publicKey' | 'signature', string>) {
    if (!ed25519Verify(publicKey, bytes, base64UrlDecode(signature)))
      fail('SIG-2', 'signature', 'it does not verify')
    return {}
  },

  card(bytes) {
    const { card } = checkProvenCard(parse(bytes))
    return { party: partyOf(card), hash: cardHash(card) }
  },

  opening(bytes, { type, commitment }: { type: FieldType; commitment: string }) {
    const opening = openingShape(parse(bytes), 'opening')
    if (commitmentOf(opening) !== commitment) fail('VAL-2', 'opening', 'it opens another commitment')
    checkValue(type, opening.value)
    if (!isValueOfType(type, opening.value)) fail('VAL-5', 'opening', 'execution takes it for another type')
    return {}
  },

  request(bytes, context: Context & { timeMs: number; ordered: string[] }) {
    const { request: signed, openings }: { request: SignedRequest; openings: Opening[] } = parse(bytes)
    const membership = membershipOf(context)
    const authorKeyOf = authorKeysOf(context)
    const check = () => {
      checkAnyRequest(signed, membership.contract, authorKeyOf)
      checkOpenings(openings)
    }
    const audit = () => {
      const id = requestId(signed.request ?? null)
      const audit = new RequestAudit(membership)
      const block = { header: { timeMs: context.timeMs }, entries: [{ request: id }] } as LedgerBlock
      const notAfterMs = Number.MAX_SAFE_INTEGER
      audit.ordered(
        context.ordered.map((one) => ({ id: one, request: { ...signed.request, notAfterMs } })),
        context,
      )
      const taken = audit.take(
        block,
        { type: 'ledger-block', block, requests: [signed], openings },
        'the block',
        authorKeyOf,
      )
      if (audit.firstMissing) throw new RuleBroken(audit.firstMissing)
      return taken
    }
    const [{ id, request }] = audited(check, audit).requests as [
      { id: string; request: SignedRequest['request'] },
    ]
    return { id, commitments: commitmentsOf(request.operations).sort() }
  },

  genesis(bytes) {
    const { genesis: value, openings: values }: { genesis: unknown; openings: unknown[] } = parse(bytes)
    const contract = contractId(value as never)
    const check = () => {
      checkGenesis(value)
      checkOpenings(values)
    }
    const { genesis, members, electorate } = audited(check, () =>
      complete(new LedgerAudit(contract, value, values)),
    ).membership
    const openings = new Map(checkOpenings(values).map((opening) => [commitmentOf(opening), opening]))
    const root = stateRoot(genesisState(contract, genesis, openings).state)
    const block = blockHash(headerOfGenesis(contract, genesis, root))
    return {
      contract,
      members: members.map(({ party }) => party),
      quorum: electorate.quorum,
      rootUid: rootUidOf(contract),
      epochUid: epochUidOf(contract),
      stateRoot: root,
      block,
      logRoot: merkleRoot([logLeaf(block)]),
    }
  },

  'ledger-block'(bytes, { genesis, openings, blocks }: BlockContext) {
    const contract = contractId(genesis)
    const audit = new LedgerAudit(contract, genesis, openings)
    audit.begin()
    const lines = [...blocks, parse(bytes) as Part].map((part) => ({
      type: 'ledger-block' as const,
      ...part,
    }))
    for (const line of lines) audit.block(line)
    complete(audit)
    return outputsOfLast(contract, genesis, openings, lines)
  },

  statement(bytes, context: Context) {
    const signed = checkStatementShape(parse(bytes))
    if (!statementVerifies(electorateOf(context), signed)) fail('SIG-3', 'statement', 'it is not signed so')
    const {
      statement,
      signature: { batch },
    } = signed
    const leaf = leafHash(jcs(statement))
    return {
      leaf,
      root: batch === undefined ? leaf : rootOfInclusion(leaf, batch.index, batch.size, batch.path),
    }
  },

  certificate(bytes, context: Context) {
    const certificate = checkCertificateShape(parse(bytes))
    const { kind, block: hash, view } = certificate
    // Nodes ask certificateVerifies alone, the auditor, who meets no skip, has checks before it: each must do by itself.
    const isTaken = certificateVerifies(electorateOf(context), certificate)
    const finding = ruleOf(() => {
      if (kind === 'skip' || hash === undefined) return
      checkCertificate(
        membershipOf(context),
        kind,
        certificate,
        { hash, view },
        'here',
        new SignatureCache(8),
      )
    })
    if (kind !== 'skip' && isTaken !== (finding === undefined)) throw new Error('nodes and auditor differ')
    if (!isTaken) throw new Refusal(finding ?? 'ORD-1', undefined)
    return { statement: certifiedStatement(electorateOf(context), certificate) }
  },

  checkpoint(bytes, { header, root, members }: CheckpointContext) {
    const { body, signatures } = parseNote(fromUtf8(bytes))
    audited(
      () => parseCheckpoint(body),
      () => {
        if (body !== checkpointBody(checkpointOf(header, root)))
          fail('CHK-1', 'body', 'it is another checkpoint')
      },
    )
    // As C2SP has it: lines of keys that nobody here knows are passed over.
    const cosigners = members.map(({ party, cosign = '' }) => {
      const name = `countersign/${party}`
      const keyId = noteKeyId(name, NOTE_COSIGNATURE_V1, cosign)
      const line = signatures.find((one) => one.name === name && one.keyId === keyId)
      if (line === undefined) return fail('CHK-2', name, 'it has not cosigned')
      const cosignature = cosignatureOf(line)
      if (!verifyCosignature(cosign, body, cosignature))
        fail('CHK-2', name, 'its cosignature does not verify')
      return [party, cosignature.timeSeconds]
    })
    return { cosigners }
  },

  cosignature(bytes, { header, root, members }: CheckpointContext) {
    const value = parse(bytes)
    const membership = membershipOf({ contract: header.contract, members })
    const cosignature = audited(
      () => checkCosignatureShape(value),
      () => readCosignature(membership, value),
    )
    // What the auditor does with it once it has the block.
    const here = checkpointOf(header, root)
    if (cosignature.root !== here.root) fail('COS-2', 'cosignature', 'it is on another history')
    if (!sameCheckpoint(here, cosignature))
      fail('CHK-1', 'cosignature', 'it names another epoch, block or state')
    return { body: checkpointBody(here) }
  },

  evidence(bytes, context: Context) {
    const evidence = checkEvidenceShape(parse(bytes))
    const { cosignKeys, electorate } = membershipOf(context)
    const isOfFreezes = evidence.kind === 'two-freezes' || evidence.kind === 'cosigned-past-freeze'
    const rule = evidence.kind === 'not-extended' ? 'EVI-2' : isOfFreezes ? 'EVI-4' : 'EVI-1'
    if (!evidenceHolds(evidence, electorate, cosignKeys)) fail(rule, 'evidence', 'it does not hold')
    return { id: evidenceId(evidence) }
  },

  freeze(bytes, context: FreezeContext) {
    const freeze = checkFreezeShape(parse(bytes))
    if (!freezeHolds(freeze, freezeContextOf(context))) fail('LIN-1', 'freeze', 'it does not hold')
    return { id: freezeId(freeze), tip: new History(freeze.statement.history).tip }
  },

  resolve(bytes, context: FreezeContext) {
    const known = freezeContextOf(context)
    const freezes = (parse(bytes) as unknown[]).map(checkFreezeShape)
    if (inOrderOfKeys(freezes, known).others.length > 0) fail('LIN-1', 'freeze', 'one does not hold')
    const next = nextLineage(freezes, known)
    if ('missing' in next) fail('LIN-2', 'freezes', `missing are those of ${next.missing.join()}`)
    return { id: lineageId(next.genesis), guilty: next.guilty, lineage: next.genesis }
  },

  'evidence-file'(bytes, { trusted }: { trusted: string[] }) {
    const { verdict, finding, contract, accused } = verifyEvidenceFile(fromUtf8(bytes), new Set(trusted))
    if (verdict === 'invalid' || verdict === 'unreadable') {
      const { rule, place } = finding as Finding
      throw new Refusal(rule, undefined, { verdict, place })
    }
    const named = accused.map(({ party, identified, evidence }) => ({
      party,
      identified,
      evidence: evidence.map(({ id }) => id),
    }))
    return { verdict, contract, accused: named }
  },

  bundle(bytes, { trusted, fromCheckpoint = false }: { trusted: string[]; fromCheckpoint?: boolean }) {
    const verifier = new BundleVerifier({ trusted: new Set(trusted), fromCheckpoint })
    verifier.bytes(bytes)
    const report = verifier.end()
    const { verdict, finding, contract, height, tentativeHeights, stateRoot, checkpoint, members } = report
    if (verdict === 'invalid' || verdict === 'unreadable') {
      const { rule, place } = finding as Finding
      throw new Refusal(rule, undefined, { verdict, place })
    }
    return {
      verdict,
      contract,
      height,
      tentativeHeights,
      stateRoot,
      ...(report.basisHeight !== undefined && { basisHeight: report.basisHeight }),
      ...(checkpoint !== undefined && { checkpoint }),
      ...(report.lineage !== undefined && {
        lineage: report.lineage,
        leftOut: report.leftOut?.map(({ party }) => party),
      }),
      members: members.map(({ party, cosignedSize, identified }) => ({ party, cosignedSize, identified })),
    }
  },
}

type FreezeContext = Context & { base: Top }
type CheckpointContext = { header: Header; root: string; members: Context['members'] }
type BlockContext = { genesis: Genesis; openings: Opening[]; blocks: Part[] }

/** The judgement on an input of a folder. @throws what is no error of the registry */
export function judge(folder: string, bytes: Uint8Array, context: object): Judgement {
  try {
    return { valid: true, ...(JUDGES[folder] as Judge)(bytes, context) }
  } catch (error) {
    if (error instanceof Refusal) return error.judgement
    if (error instanceof RuleBroken) return { valid: false, rule: error.finding.rule }
    if (error instanceof CountersignError) return { valid: false, code: error.code }
    throw error
  }
}
