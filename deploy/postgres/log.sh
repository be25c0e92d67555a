#!/bin/sh
# Runs once, when the cluster is made. Who makes the log's tables and who writes to them are two: the ledger's login may add
# events, and may neither change nor delete one. SQL: services/ledger/sql, in /sql unless $SQL names another folder.
set -eu
: "${POSTGRES_USER:=postgres}" "${SQL:=/sql}"
psql --username "$POSTGRES_USER" --dbname postgres -v ON_ERROR_STOP=1 -v ledger="$LEDGER_PASSWORD" <<'EOS'
CREATE ROLE ledger_owner NOLOGIN;
CREATE ROLE ledger LOGIN PASSWORD :'ledger';
CREATE DATABASE ledger OWNER ledger_owner;
REVOKE ALL ON DATABASE ledger FROM PUBLIC;
GRANT CONNECT ON DATABASE ledger TO ledger;
EOS
psql --username "$POSTGRES_USER" --dbname ledger -v ON_ERROR_STOP=1 -v sql="$SQL" <<'EOS'
SET ROLE ledger_owner;
\i :sql/postgres.sql
RESET ROLE;
\i :sql/roles.sql
GRANT cozum_ledger TO ledger;
EOS
