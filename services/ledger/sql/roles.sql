-- Roles for a PostgreSQL that more than one person can reach. Run it once as the owner of the ledger's tables, after the
-- ledger's first start made them; then give the ledger a login that is a member of `cozum_ledger` and of nothing else:
--
--   CREATE ROLE ledger_1 LOGIN PASSWORD '…' IN ROLE cozum_ledger;
--
-- With that role the append-only rule does not rest on our code: it may add events, and may neither change nor delete one. For the one
-- statement of a hard erasure it becomes `cozum_eraser` (SET ROLE); as itself it has nothing of that role, for it does not inherit.
-- What was erased stays in dead rows, the write-ahead log and backups until those are gone: `VACUUM FULL event` and a checkpoint,
-- both for the owner, write the table anew.
CREATE ROLE cozum_ledger NOLOGIN NOINHERIT;
CREATE ROLE cozum_eraser NOLOGIN;
CREATE ROLE cozum_reader NOLOGIN;

-- The ledger: adds; moves the head, the leases and what it cosigned for others.
GRANT SELECT, INSERT ON log, event, subject, command, tile, checkpoint, cosignature TO cozum_ledger;
GRANT SELECT, INSERT, UPDATE ON head, lease, witnessed TO cozum_ledger;

-- Hard erasure nulls the personal part and its salt, and can touch nothing else.
GRANT SELECT, UPDATE (personal, personal_salt) ON event TO cozum_eraser;
GRANT cozum_eraser TO cozum_ledger;
CREATE FUNCTION personal_may_only_be_erased() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'personal may only be erased' USING ERRCODE = 'insufficient_privilege'; END $$;
CREATE TRIGGER event_erase_only BEFORE UPDATE OF personal, personal_salt ON event FOR EACH ROW
  WHEN (NEW.personal IS NOT NULL OR NEW.personal_salt IS NOT NULL) EXECUTE FUNCTION personal_may_only_be_erased();

-- Auditors and backups.
GRANT SELECT ON log, head, event, subject, command, lease, tile, checkpoint, cosignature, witnessed TO cozum_reader;
