-- Schema 3: the head of the log, written with its entries.

-- How long the log is, the root over all its leaves, and what it takes to go
-- on from there (the roots of the full subtrees, the largest first).  One row;
-- none until it is made from the entries, at the open.
CREATE TABLE log_head (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    size     INTEGER NOT NULL CHECK (size >= 0),
    root     BLOB NOT NULL CHECK (length(root) = 32),
    frontier BLOB NOT NULL CHECK (length(frontier) <= 2048)
) STRICT;
