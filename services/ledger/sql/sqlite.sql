-- One file per log.
CREATE TABLE IF NOT EXISTS log (
  one         INTEGER PRIMARY KEY CHECK (one = 1),
  log         TEXT    NOT NULL,
  command_key BLOB    NOT NULL CHECK (length(command_key) = 32),
  created_us  INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS head (
  one         INTEGER PRIMARY KEY CHECK (one = 1),
  position    INTEGER NOT NULL,
  recorded_us INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS event (
  position       INTEGER PRIMARY KEY CHECK (position > 0),
  event_id       BLOB    NOT NULL,
  stream         TEXT    NOT NULL,
  version        INTEGER NOT NULL CHECK (version > 0),
  type           TEXT    NOT NULL,
  schema_version INTEGER NOT NULL,
  recorded_us    INTEGER NOT NULL,
  occurred_us    INTEGER NOT NULL,
  correlation_id BLOB    NOT NULL,
  causation_id   BLOB,
  command_id     BLOB    NOT NULL,
  actor          TEXT    NOT NULL,
  traceparent    TEXT    NOT NULL,
  -- One a line.
  subjects       TEXT    NOT NULL,
  facts          BLOB    NOT NULL,
  -- The only two columns that erasure may null.
  personal       BLOB,
  personal_salt  BLOB,
  personal_hash  BLOB    CHECK (length(personal_hash) = 32),
  salt           BLOB    NOT NULL CHECK (length(salt) = 16),
  commitment     BLOB    NOT NULL CHECK (length(commitment) = 32),
  UNIQUE (stream, version),
  CHECK ((personal IS NULL) = (personal_salt IS NULL)),
  CHECK (personal IS NULL OR personal_hash IS NOT NULL)
) STRICT;

CREATE TABLE IF NOT EXISTS subject (
  subject  TEXT    NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (subject, position)
) STRICT, WITHOUT ROWID;

-- The fingerprint is an HMAC under the log's key: a bare hash of what a citizen asked could be guessed.
CREATE TABLE IF NOT EXISTS command (
  command_id     BLOB    PRIMARY KEY,
  fingerprint    BLOB    NOT NULL,
  first_position INTEGER NOT NULL,
  last_position  INTEGER NOT NULL,
  recorded_us    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS lease (
  name       TEXT    PRIMARY KEY,
  holder     TEXT    NOT NULL,
  epoch      INTEGER NOT NULL,
  until_us   INTEGER NOT NULL,
  checkpoint INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The full tiles of the log's Merkle tree; partial ones are made of what is below them when somebody asks.
CREATE TABLE IF NOT EXISTS tile (
  level      INTEGER NOT NULL,
  tile_index INTEGER NOT NULL,
  -- The root over its hashes: what stands for it in the tile above.
  root       BLOB    NOT NULL CHECK (length(root) = 32),
  hashes     BLOB    NOT NULL CHECK (length(hashes) = 8192),
  PRIMARY KEY (level, tile_index)
) STRICT;

-- What was signed, as it was published.
CREATE TABLE IF NOT EXISTS checkpoint (
  size      INTEGER PRIMARY KEY CHECK (size > 0),
  note      TEXT    NOT NULL,
  signed_us INTEGER NOT NULL
) STRICT;

-- What witnesses said of it: lines that stand below the note.
CREATE TABLE IF NOT EXISTS cosignature (
  size        INTEGER NOT NULL CHECK (size > 0),
  witness     TEXT    NOT NULL,
  line        TEXT    NOT NULL,
  cosigned_us INTEGER NOT NULL,
  PRIMARY KEY (size, witness)
) STRICT, WITHOUT ROWID;

-- What this log's municipality, as a witness, cosigned last of each log of others. Nothing else keeps it from cosigning a fork.
CREATE TABLE IF NOT EXISTS witnessed (
  origin_hash BLOB    PRIMARY KEY CHECK (length(origin_hash) = 32),
  size        INTEGER NOT NULL,
  note        TEXT    NOT NULL,
  cosigned_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A file has no roles; triggers keep it append-only.
CREATE TRIGGER IF NOT EXISTS event_no_delete BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'event is append-only'); END;

CREATE TRIGGER IF NOT EXISTS event_no_update BEFORE UPDATE OF position, event_id, stream, version, type, schema_version,
  recorded_us, occurred_us, correlation_id, causation_id, command_id, actor, traceparent, subjects, facts, personal_hash,
  salt, commitment ON event
BEGIN SELECT RAISE(ABORT, 'event is append-only'); END;

CREATE TRIGGER IF NOT EXISTS event_erase_only BEFORE UPDATE OF personal, personal_salt ON event
WHEN NEW.personal IS NOT NULL OR NEW.personal_salt IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'personal may only be erased'); END;

CREATE TRIGGER IF NOT EXISTS subject_no_delete BEFORE DELETE ON subject
BEGIN SELECT RAISE(ABORT, 'subject is append-only'); END;

CREATE TRIGGER IF NOT EXISTS subject_no_update BEFORE UPDATE ON subject
BEGIN SELECT RAISE(ABORT, 'subject is append-only'); END;

CREATE TRIGGER IF NOT EXISTS head_only_rises BEFORE UPDATE ON head
WHEN NEW.position <= OLD.position OR NEW.recorded_us <= OLD.recorded_us
BEGIN SELECT RAISE(ABORT, 'the head only rises'); END;

CREATE TRIGGER IF NOT EXISTS tile_no_delete BEFORE DELETE ON tile
BEGIN SELECT RAISE(ABORT, 'tile is append-only'); END;

CREATE TRIGGER IF NOT EXISTS tile_no_update BEFORE UPDATE ON tile
BEGIN SELECT RAISE(ABORT, 'tile is append-only'); END;

CREATE TRIGGER IF NOT EXISTS checkpoint_no_delete BEFORE DELETE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'checkpoint is append-only'); END;

CREATE TRIGGER IF NOT EXISTS checkpoint_no_update BEFORE UPDATE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'checkpoint is append-only'); END;

CREATE TRIGGER IF NOT EXISTS cosignature_no_delete BEFORE DELETE ON cosignature
BEGIN SELECT RAISE(ABORT, 'cosignature is append-only'); END;

CREATE TRIGGER IF NOT EXISTS cosignature_no_update BEFORE UPDATE ON cosignature
BEGIN SELECT RAISE(ABORT, 'cosignature is append-only'); END;

CREATE TRIGGER IF NOT EXISTS witnessed_no_delete BEFORE DELETE ON witnessed
BEGIN SELECT RAISE(ABORT, 'what was cosigned is not forgotten'); END;

CREATE TRIGGER IF NOT EXISTS witnessed_only_grows BEFORE UPDATE ON witnessed
WHEN NEW.size < OLD.size OR NEW.origin_hash <> OLD.origin_hash
BEGIN SELECT RAISE(ABORT, 'what was cosigned only grows'); END;
