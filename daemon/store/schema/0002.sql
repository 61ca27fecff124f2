-- Schema 2: what stands on file now, so that it can be walked by type and
-- counted, and the outcome of snapshots.

-- Every event again, where a claim looks for it, as in schema 1, but found by
-- a number: a third less work than by texts.  id is what sqlite_place() makes of
-- association and number_key, and counts from there; what has the same id but
-- for that is told apart by the texts.  Derived, and empty until it is.
DROP TABLE credential_index;
CREATE TABLE credential_index (
    id            INTEGER PRIMARY KEY,
    association   TEXT NOT NULL,
    number_key    TEXT NOT NULL,
    credential_id BLOB NOT NULL CHECK (length(credential_id) = 16),
    log_index     INTEGER NOT NULL CHECK (log_index >= 0),
    event         BLOB NOT NULL
) STRICT;

-- Each credential once, named by the log index of its first event.  Derived.
CREATE TABLE credential (
    association     TEXT NOT NULL,
    credential_type TEXT NOT NULL,
    number_key      TEXT NOT NULL,
    first_index     INTEGER NOT NULL CHECK (first_index >= 0),
    last_index      INTEGER NOT NULL CHECK (last_index >= first_index),
    ends_on         INTEGER NOT NULL,   -- day number; 2147483647: no end
    traits          INTEGER NOT NULL,   -- as the service has them
    PRIMARY KEY (association, credential_type, number_key, first_index)
) STRICT, WITHOUT ROWID;

-- How many credentials of an association have the same traits.  Derived.
CREATE TABLE tally (
    association TEXT NOT NULL,
    traits      INTEGER NOT NULL,
    n           INTEGER NOT NULL CHECK (n > 0),
    PRIMARY KEY (association, traits)
) STRICT, WITHOUT ROWID;

-- The last word on each credential type, and its last snapshot.  Derived.
CREATE TABLE listing (
    association     TEXT NOT NULL,
    credential_type TEXT NOT NULL,
    source_time     INTEGER NOT NULL,
    snapshot_time   INTEGER,
    snapshot_hash   BLOB CHECK (length(snapshot_hash) = 32),
    PRIMARY KEY (association, credential_type),
    CHECK ((snapshot_time IS NULL) = (snapshot_hash IS NULL))
) STRICT, WITHOUT ROWID;

-- Which form of all that is derived the store holds; 0: it is to be derived
-- anew.  Set in the transaction that does so.
CREATE TABLE derived (
    version INTEGER NOT NULL
) STRICT;
INSERT INTO derived (version) VALUES (0);

ALTER TABLE publication ADD COLUMN count_not_listed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE publication ADD COLUMN ending_withheld INTEGER NOT NULL DEFAULT 0;
-- Between the ids stands one blank.
ALTER TABLE publication ADD COLUMN snapshot_types TEXT NOT NULL DEFAULT '';

-- Publications, the newest first: of one association, and of all.
CREATE INDEX publication_recorded
    ON publication (association, recorded_at, manifest_log_index);
CREATE INDEX publication_recorded_all
    ON publication (recorded_at, manifest_log_index);

-- Where the next events of an association are.  Most uploads of a quiet day
-- have none, and are not to be walked over.
CREATE INDEX publication_events
    ON publication (association, manifest_log_index) WHERE event_count > 0;
