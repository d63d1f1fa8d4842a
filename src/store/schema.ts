/**
 * The SQLite layout. Rows refer to one another by small integers; ids, hashes and UIDs are raw bytes, signatures too;
 * whatever is read as a whole is JSON text.
 *
 *   contract ─┬─ request ── request_outcome      what a request came to; or it still is in `waiting`
 *             ├─ opening                         values, apart: the only rows that quote any
 *             ├─ block ─┬─ chain                 committed, by height
 *             │         └─ proposed              not committed yet
 *             ├─ certificate, cosignature, evidence, freeze, lineage, basis
 *             └─ element, element_version        current: the newest version; as of a height: the newest up to it
 *
 * Committing a block adds rows and rewrites none: bodies of blocks and requests, written when they arrive, stay where they
 * are. Wide rows have a rowid and an index beside them, since keys are random and a wide row in the key's own B-tree would
 * spread what one commit touches over more pages. Narrow ones are WITHOUT ROWID. Proposed blocks are deleted, so that
 * nothing refers to `block` by a foreign key: each delete would search `chain` for it.
 */

/** Marks the file as Countersign's for tools such as file(1): "CSGN". */
export const APPLICATION_ID = 0x4353474e

/** Migration i takes a database of version i to i + 1 (PRAGMA user_version). One that was released is never changed. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE contract (
    id INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    genesis TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('invited', 'accepted', 'declined', 'halted', 'leaving', 'left')),
    reason TEXT,
    received_ms INTEGER NOT NULL,
    sender BLOB NOT NULL CHECK (length(sender) = 32)
  ) STRICT;

  CREATE TABLE request (
    id INTEGER PRIMARY KEY,
    contract INTEGER NOT NULL REFERENCES contract,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    body TEXT NOT NULL,
    signature BLOB NOT NULL CHECK (length(signature) = 64),
    not_after_ms INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    local INTEGER NOT NULL CHECK (local IN (0, 1))
  ) STRICT;
  CREATE UNIQUE INDEX request_hash ON request (contract, hash);
  CREATE INDEX request_arrival ON request (contract);

  CREATE TABLE waiting (
    contract INTEGER NOT NULL REFERENCES contract,
    request INTEGER NOT NULL REFERENCES request,
    PRIMARY KEY (contract, request)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE request_outcome (
    request INTEGER PRIMARY KEY REFERENCES request,
    contract INTEGER NOT NULL REFERENCES contract,
    height INTEGER,
    place INTEGER,
    outcome TEXT NOT NULL CHECK (outcome IN ('accepted', 'conflicted', 'rejected', 'expired')),
    code TEXT,
    not_after_ms INTEGER NOT NULL,
    CHECK ((outcome = 'expired') = (height IS NULL) AND (height IS NULL) = (place IS NULL))
  ) STRICT;
  CREATE INDEX request_outcome_expiry ON request_outcome (contract, not_after_ms) WHERE height IS NOT NULL;

  CREATE TABLE opening (
    contract INTEGER NOT NULL REFERENCES contract,
    commitment BLOB NOT NULL CHECK (length(commitment) = 32),
    salt BLOB NOT NULL CHECK (length(salt) = 16),
    value TEXT NOT NULL,
    PRIMARY KEY (contract, commitment)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE block (
    id INTEGER PRIMARY KEY,
    contract INTEGER NOT NULL REFERENCES contract,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    height INTEGER NOT NULL,
    view INTEGER NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX block_hash ON block (contract, hash);

  CREATE TABLE proposed (
    contract INTEGER NOT NULL REFERENCES contract,
    view INTEGER NOT NULL,
    block INTEGER NOT NULL,
    PRIMARY KEY (contract, view, block)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE chain (
    contract INTEGER NOT NULL REFERENCES contract,
    height INTEGER NOT NULL,
    block INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    view INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    PRIMARY KEY (contract, height)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX chain_time ON chain (contract, time_ms);

  CREATE TABLE certificate (
    id INTEGER PRIMARY KEY,
    contract INTEGER NOT NULL REFERENCES contract,
    view INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('notarization', 'skip', 'finalization')),
    block BLOB NOT NULL CHECK (length(block) = CASE kind WHEN 'skip' THEN 0 ELSE 32 END),
    body TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX certificate_place ON certificate (contract, view, kind, block);

  CREATE TABLE cosignature (
    contract INTEGER NOT NULL REFERENCES contract,
    party BLOB NOT NULL CHECK (length(party) = 32),
    size INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (contract, party)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE evidence (
    id INTEGER PRIMARY KEY,
    contract INTEGER NOT NULL REFERENCES contract,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    body TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX evidence_hash ON evidence (contract, hash);

  CREATE TABLE element (
    uid BLOB NOT NULL CHECK (length(uid) = 16),
    contract INTEGER NOT NULL REFERENCES contract,
    PRIMARY KEY (uid, contract)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE element_version (
    id INTEGER PRIMARY KEY,
    contract INTEGER NOT NULL REFERENCES contract,
    uid BLOB NOT NULL CHECK (length(uid) = 16),
    height INTEGER NOT NULL,
    record TEXT
  ) STRICT;
  CREATE UNIQUE INDEX element_version_height ON element_version (contract, uid, height);

  CREATE TABLE signer (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    counter INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE card (
    party BLOB NOT NULL CHECK (length(party) = 32),
    sequence INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    body TEXT NOT NULL,
    PRIMARY KEY (party, sequence)
  ) STRICT;

  CREATE TABLE pin (
    party BLOB NOT NULL PRIMARY KEY CHECK (length(party) = 32),
    pinned_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE setting (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE freeze (
    id INTEGER PRIMARY KEY,
    contract INTEGER NOT NULL REFERENCES contract,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    body TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX freeze_hash ON freeze (contract, hash);

  CREATE TABLE lineage (
    contract INTEGER NOT NULL REFERENCES contract,
    lineage INTEGER NOT NULL CHECK (lineage > 0),
    body TEXT NOT NULL,
    PRIMARY KEY (contract, lineage)
  ) STRICT;
  `,
  `
  CREATE TABLE basis (
    contract INTEGER PRIMARY KEY REFERENCES contract,
    body TEXT NOT NULL
  ) STRICT;
  `,
  `
  CREATE INDEX element_version_file ON element_version (contract, uid) WHERE instr(record, '"type":"file"') > 0;
  `,
  `
  ALTER TABLE opening ADD COLUMN uid BLOB CHECK (length(uid) = 16);
  ALTER TABLE request ADD COLUMN judgement TEXT;
  `,
]
