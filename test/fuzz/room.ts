/** The sources under test as one module: as they are imported, and, for the step counter, as a copy of its own. */
import * as format from '../../src/contract/feel/format.ts'
import * as parser from '../../src/contract/feel/parser.ts'
import * as pattern from '../../src/contract/feel/pattern.ts'
import * as templateCheck from '../../src/contract/template/check.ts'
import * as templateFormat from '../../src/contract/template/format.ts'
import * as bytes from '../../src/crypto/bytes.ts'
import * as errors from '../../src/crypto/errors.ts'
import * as jcs from '../../src/crypto/jcs.ts'
import * as json from '../../src/crypto/json.ts'
import * as keys from '../../src/crypto/keys.ts'
import * as log from '../../src/crypto/log.ts'
import * as merkleMap from '../../src/crypto/merkle-map.ts'
import * as note from '../../src/crypto/note.ts'
import * as statement from '../../src/crypto/statement.ts'
import * as fromJson from '../../src/document/from-json.ts'
import * as fromXml from '../../src/document/from-xml.ts'
import * as path from '../../src/document/path.ts'
import * as toJson from '../../src/document/to-json.ts'
import * as toXml from '../../src/document/to-xml.ts'
import * as types from '../../src/document/types.ts'
import * as card from '../../src/identity/card.ts'
import * as block from '../../src/ledger/block.ts'
import * as certificate from '../../src/ledger/certificate.ts'
import * as checkpoint from '../../src/ledger/checkpoint.ts'
import * as evidence from '../../src/ledger/evidence.ts'
import * as freeze from '../../src/ledger/freeze.ts'
import * as genesis from '../../src/ledger/genesis.ts'
import * as judgement from '../../src/ledger/judgement.ts'
import * as request from '../../src/ledger/request.ts'
import * as turn from '../../src/ledger/turn.ts'
import * as value from '../../src/ledger/value.ts'
import * as fileMessages from '../../src/node/files/file-messages.ts'
import * as invite from '../../src/node/invite.ts'
import * as messages from '../../src/node/messages.ts'
import * as endpoint from '../../src/node/transport/endpoint.ts'
import * as frames from '../../src/node/transport/frames.ts'
import * as entry from '../../src/signer/entry.ts'
import * as journal from '../../src/signer/journal-format.ts'
import * as bundle from '../../src/verify/bundle.ts'
import * as evidenceFile from '../../src/verify/evidence-file.ts'
import * as lines from '../../src/verify/lines.ts'
import * as reportFile from '../../src/verify/report.ts'
import * as reportVerifier from '../../src/verify/report-verifier.ts'
import * as verifier from '../../src/verify/verifier.ts'

export const imported = {
  ...format,
  ...parser,
  ...pattern,
  ...templateCheck,
  ...templateFormat,
  ...bytes,
  ...errors,
  ...jcs,
  ...json,
  ...keys,
  ...log,
  ...merkleMap,
  ...note,
  ...statement,
  ...fromJson,
  ...fromXml,
  ...path,
  ...toJson,
  ...toXml,
  ...types,
  ...card,
  ...block,
  ...certificate,
  ...checkpoint,
  ...evidence,
  ...freeze,
  ...genesis,
  ...judgement,
  ...request,
  ...turn,
  ...value,
  ...fileMessages,
  ...invite,
  ...messages,
  ...endpoint,
  ...frames,
  ...entry,
  ...journal,
  ...bundle,
  ...evidenceFile,
  ...lines,
  ...reportFile,
  ...reportVerifier,
  ...verifier,
}

export type Room = typeof imported

/** The same files for `StepCounter`. */
export const FILES: readonly string[] = [
  ...['bytes', 'errors', 'jcs', 'json', 'keys', 'log', 'merkle-map', 'note', 'statement'].map(
    (file) => `crypto/${file}`,
  ),
  ...['format', 'parser', 'pattern'].map((file) => `contract/feel/${file}`),

  ...['check', 'format'].map((file) => `contract/template/${file}`),
  ...['file-value', 'from-json', 'from-xml', 'path', 'to-json', 'to-xml', 'types'].map(
    (file) => `document/${file}`,
  ),
  'identity/card',
  ...[
    'block',
    'certificate',
    'checkpoint',
    'evidence',
    'freeze',
    'genesis',
    'judgement',
    'request',
    'turn',
    'value',
  ].map((file) => `ledger/${file}`),
  ...['files/file-messages', 'invite', 'messages', 'transport/endpoint', 'transport/frames'].map(
    (file) => `node/${file}`,
  ),
  ...['entry', 'journal-format'].map((file) => `signer/${file}`),
  ...['bundle', 'evidence-file', 'lines', 'report', 'report-verifier', 'verifier'].map(
    (file) => `verify/${file}`,
  ),
].map((file) => `src/${file}.ts`)
