#!/bin/sh
# Runs once, when the cluster is made: the log and the keys in a database of their own each, and nobody reads both.
set -eu
psql --username "$POSTGRES_USER" -v ON_ERROR_STOP=1 -v ledger="$LEDGER_PASSWORD" -v vault="$VAULT_PASSWORD" <<'SQL'
CREATE ROLE ledger LOGIN PASSWORD :'ledger';
CREATE ROLE vault LOGIN PASSWORD :'vault';
CREATE DATABASE ledger OWNER ledger;
CREATE DATABASE vault OWNER vault;
REVOKE CONNECT ON DATABASE ledger FROM PUBLIC;
REVOKE CONNECT ON DATABASE vault FROM PUBLIC;
SQL
