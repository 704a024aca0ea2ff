-- A database role that can run Colophon and cannot rewrite its audit log.
-- Run as the owner of the tables, after every migration:
--   psql "$OWNER_DATABASE_URL" -v role=colophon_app -f deploy/postgresql/least-privilege.sql
-- Then let the processes connect as that role, and keep the owner's password for migrations alone.
\set ON_ERROR_STOP on

GRANT USAGE ON SCHEMA public TO :"role";
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO :"role";
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO :"role";

-- What the log states: written once, read for ever.
REVOKE UPDATE, DELETE, TRUNCATE, TRIGGER ON
    audit_log_entry, audit_log_position, audit_log_checkpoint, audit_log_cosignature, audit_log_logkey
    FROM :"role";
-- An opening is erased for a person who asks for it, and never changed.
REVOKE UPDATE, TRUNCATE, TRIGGER ON audit_log_opening FROM :"role";
-- A waiting entry is taken by the sequencer.
REVOKE UPDATE, TRUNCATE, TRIGGER ON audit_log_pending FROM :"role";

-- An erasure has the planner take its samples of requests anew; before PostgreSQL 17 only the owner can (docs/erasure.md).
SELECT current_setting('server_version_num')::int >= 170000 AS can_grant_maintain \gset
\if :can_grant_maintain
GRANT MAINTAIN ON generation_generation TO :"role";
\endif
