#!/bin/sh
# Runs once, when the cluster is made: the keys to personal data, and the login that intake has.
set -eu
: "${POSTGRES_USER:=postgres}"
psql --username "$POSTGRES_USER" --dbname postgres -v ON_ERROR_STOP=1 -v vault="$VAULT_PASSWORD" <<'EOS'
CREATE ROLE vault LOGIN PASSWORD :'vault';
CREATE DATABASE vault OWNER vault;
REVOKE ALL ON DATABASE vault FROM PUBLIC;
EOS
