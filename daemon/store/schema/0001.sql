-- Schema 1.  Times are microseconds UTC since the epoch.  Runs within the one
-- transaction that brings a store up to date; user_version is set there.

-- What was committed to, for ever and in order: log_index is 0, 1, 2 ... and
-- recorded_at never decreases along it.  salt and bytes may one day be taken
-- out, together, to erase a person; the leaf stays, and so does the tree.
CREATE TABLE log (
    log_index   INTEGER PRIMARY KEY CHECK (log_index >= 0),
    domain      INTEGER NOT NULL CHECK (domain > 0),    -- enum leaf_domain
    recorded_at INTEGER NOT NULL,
    salt        BLOB CHECK (length(salt) = 16),
    leaf        BLOB NOT NULL CHECK (length(leaf) = 32),
    bytes       BLOB,
    CHECK ((salt IS NULL) = (bytes IS NULL))
) STRICT;

-- There are few catalogs among many events: find the last without a search.
CREATE INDEX log_catalog ON log (log_index) WHERE domain = 4;

-- Every event again, where a claim looks for it: all that is known under one
-- number lies side by side, so that one range read finds it.  Derived.
CREATE TABLE credential_index (
    association   TEXT NOT NULL,
    number_key    TEXT NOT NULL,
    credential_id BLOB NOT NULL CHECK (length(credential_id) = 16),
    log_index     INTEGER NOT NULL CHECK (log_index >= 0),
    event         BLOB NOT NULL,
    PRIMARY KEY (association, number_key, credential_id, log_index)
) STRICT, WITHOUT ROWID;

-- The last word of each association.  Derived.
CREATE TABLE source (
    association TEXT NOT NULL PRIMARY KEY,
    source_time INTEGER NOT NULL,
    received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The outcome of each upload.  request_id comes first in the key, since an
-- upload is also looked for without its association.
CREATE TABLE publication (
    id                 BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    association        TEXT NOT NULL CHECK (length(association) < 64),
    request_id         BLOB NOT NULL CHECK (length(request_id) = 16),
    content_hash       BLOB NOT NULL CHECK (length(content_hash) = 32),
    mode               INTEGER NOT NULL,
    source_time        INTEGER NOT NULL,
    recorded_at        INTEGER NOT NULL,
    count_new          INTEGER NOT NULL,
    count_changed      INTEGER NOT NULL,
    count_unchanged    INTEGER NOT NULL,
    count_rejected     INTEGER NOT NULL,
    first_log_index    INTEGER NOT NULL,
    event_count        INTEGER NOT NULL,
    manifest_log_index INTEGER NOT NULL,
    UNIQUE (request_id, association)
) STRICT, WITHOUT ROWID;

-- Each "nothing has changed as of".
CREATE TABLE declaration (
    association TEXT NOT NULL CHECK (length(association) < 64),
    request_id  BLOB NOT NULL CHECK (length(request_id) = 16),
    as_of       INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    log_index   INTEGER NOT NULL,
    PRIMARY KEY (association, request_id)
) STRICT, WITHOUT ROWID;
