CREATE TABLE users (
    name TEXT PRIMARY KEY NOT NULL,
    role TEXT NOT NULL,
    password_hash TEXT,
    one_time_until TIMESTAMP,
    subject TEXT UNIQUE,
    disabled_at TIMESTAMP,
    added_at TIMESTAMP NOT NULL,
    added_by TEXT NOT NULL,
    signed_in_at TIMESTAMP
)

CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY NOT NULL,
    user_name TEXT NOT NULL REFERENCES users (name),
    started_at TIMESTAMP NOT NULL,
    seen_at TIMESTAMP NOT NULL,
    ends_at TIMESTAMP NOT NULL,
    address TEXT NOT NULL
)

CREATE INDEX sessions_user ON sessions (user_name)

CREATE TABLE refusals (
    of_what TEXT PRIMARY KEY NOT NULL,
    attempts BIGINT NOT NULL,
    last_at TIMESTAMP NOT NULL,
    wait_until TIMESTAMP
)

CREATE TABLE reveals (
    number BIGINT PRIMARY KEY NOT NULL,
    token_hash TEXT NOT NULL REFERENCES sessions (token_hash) ON DELETE CASCADE,
    object_kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    until TIMESTAMP NOT NULL
)

CREATE INDEX reveals_session ON reveals (token_hash)
