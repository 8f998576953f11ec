CREATE TABLE migrations (
    number BIGINT PRIMARY KEY NOT NULL
)

CREATE TABLE audit (
    sequence BIGINT PRIMARY KEY NOT NULL,
    at TIMESTAMP NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    details TEXT NOT NULL,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL
)

CREATE INDEX audit_object ON audit (object_kind, object_id)

CREATE INDEX audit_actor ON audit (actor)
