#!/bin/sh
# Run once by the PostgreSQL image on an empty data folder: a role that owns its own database and nothing else.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$COLOPHON_DATABASE_PASSWORD" --username postgres <<'SQL'
CREATE ROLE colophon LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
CREATE DATABASE colophon OWNER colophon TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C';
REVOKE ALL ON DATABASE colophon FROM PUBLIC;
\connect colophon
CREATE EXTENSION vector;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO colophon;
SQL
