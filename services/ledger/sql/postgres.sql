-- Plain SQL that Citus, YugabyteDB and CockroachDB know too: no sequence, trigger, function, advisory lock, LISTEN or
-- foreign key; the log (the municipality) comes first in every key, so it is the shard key.
CREATE TABLE IF NOT EXISTS log (
  log         text   PRIMARY KEY,
  command_key bytea  NOT NULL CHECK (octet_length(command_key) = 32),
  created_us  bigint NOT NULL
);

-- One row per log. Its lock, taken before the first insert and held to commit, makes commit order = position order.
CREATE TABLE IF NOT EXISTS head (
  log         text   PRIMARY KEY,
  position    bigint NOT NULL,
  recorded_us bigint NOT NULL
) WITH (fillfactor = 10);

CREATE TABLE IF NOT EXISTS event (
  log            text   NOT NULL,
  position       bigint NOT NULL CHECK (position > 0),
  event_id       bytea  NOT NULL,
  stream         text   NOT NULL,
  version        bigint NOT NULL CHECK (version > 0),
  type           text   NOT NULL,
  schema_version bigint NOT NULL,
  recorded_us    bigint NOT NULL,
  occurred_us    bigint NOT NULL,
  correlation_id bytea  NOT NULL,
  causation_id   bytea,
  command_id     bytea  NOT NULL,
  actor          text   NOT NULL,
  traceparent    text   NOT NULL,
  -- One a line.
  subjects       text   NOT NULL,
  facts          bytea  NOT NULL,
  -- The only two columns that erasure may null.
  personal       bytea,
  personal_salt  bytea,
  personal_hash  bytea  CHECK (octet_length(personal_hash) = 32),
  salt           bytea  NOT NULL CHECK (octet_length(salt) = 16),
  commitment     bytea  NOT NULL CHECK (octet_length(commitment) = 32),
  PRIMARY KEY (log, position),
  -- The second guard behind the head row.
  UNIQUE (log, stream, version),
  CHECK ((personal IS NULL) = (personal_salt IS NULL)),
  CHECK (personal IS NULL OR personal_hash IS NOT NULL)
);

CREATE TABLE IF NOT EXISTS subject (
  log      text   NOT NULL,
  subject  text   NOT NULL,
  position bigint NOT NULL,
  PRIMARY KEY (log, subject, position)
);

-- The fingerprint is an HMAC under the log's key: a bare hash of what a citizen asked could be guessed.
CREATE TABLE IF NOT EXISTS command (
  log            text   NOT NULL,
  command_id     bytea  NOT NULL,
  fingerprint    bytea  NOT NULL,
  first_position bigint NOT NULL,
  last_position  bigint NOT NULL,
  recorded_us    bigint NOT NULL,
  PRIMARY KEY (log, command_id)
);

CREATE TABLE IF NOT EXISTS lease (
  log        text   NOT NULL,
  name       text   NOT NULL,
  holder     text   NOT NULL,
  epoch      bigint NOT NULL,
  until_us   bigint NOT NULL,
  checkpoint bigint NOT NULL,
  PRIMARY KEY (log, name)
) WITH (fillfactor = 10);

-- The full tiles of the log's Merkle tree; partial ones are made of what is below them when somebody asks.
CREATE TABLE IF NOT EXISTS tile (
  log        text   NOT NULL,
  level      bigint NOT NULL,
  tile_index bigint NOT NULL,
  -- The root over its hashes: what stands for it in the tile above.
  root       bytea  NOT NULL CHECK (octet_length(root) = 32),
  hashes     bytea  NOT NULL CHECK (octet_length(hashes) = 8192),
  PRIMARY KEY (log, level, tile_index)
);

-- What was signed, as it was published.
CREATE TABLE IF NOT EXISTS checkpoint (
  log       text   NOT NULL,
  size      bigint NOT NULL CHECK (size > 0),
  note      text   NOT NULL,
  signed_us bigint NOT NULL,
  PRIMARY KEY (log, size)
);

-- What witnesses said of it: lines that stand below the note.
CREATE TABLE IF NOT EXISTS cosignature (
  log         text   NOT NULL,
  size        bigint NOT NULL CHECK (size > 0),
  witness     text   NOT NULL,
  line        text   NOT NULL,
  cosigned_us bigint NOT NULL,
  PRIMARY KEY (log, size, witness)
);

-- What this log's municipality, as a witness, cosigned last of each log of others. Nothing else keeps it from cosigning a fork.
CREATE TABLE IF NOT EXISTS witnessed (
  log         text   NOT NULL,
  origin_hash bytea  NOT NULL CHECK (octet_length(origin_hash) = 32),
  size        bigint NOT NULL,
  note        text   NOT NULL,
  cosigned_us bigint NOT NULL,
  PRIMARY KEY (log, origin_hash)
);
