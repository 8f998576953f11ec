CREATE TABLE alerts (
    number BIGINT PRIMARY KEY NOT NULL,
    account_id TEXT NOT NULL,
    queue TEXT NOT NULL,
    origin TEXT NOT NULL,
    state TEXT NOT NULL,
    assignee TEXT,
    disposition TEXT,
    version BIGINT NOT NULL,
    opened_at TIMESTAMP NOT NULL,
    opened_run TEXT NOT NULL,
    changed_at TIMESTAMP NOT NULL,
    changed_by TEXT NOT NULL,
    closed_at TIMESTAMP,
    waits_until DATE,
    reopened_count BIGINT NOT NULL,
    basis_score BIGINT NOT NULL,
    basis_findings BIGINT NOT NULL,
    score BIGINT NOT NULL,
    findings BIGINT NOT NULL,
    band TEXT NOT NULL,
    possible_role TEXT NOT NULL,
    seen_run TEXT NOT NULL,
    drawn_share DOUBLE PRECISION,
    purged_at TIMESTAMP
)

CREATE INDEX alerts_account ON alerts (account_id)

CREATE INDEX alerts_state ON alerts (state, queue)

CREATE TABLE alert_groups (
    account_id TEXT NOT NULL,
    typology_group TEXT NOT NULL,
    alert BIGINT NOT NULL REFERENCES alerts (number),
    PRIMARY KEY (account_id, typology_group)
)

CREATE INDEX alert_groups_alert ON alert_groups (alert)

CREATE TABLE alert_indicators (
    alert BIGINT NOT NULL REFERENCES alerts (number),
    indicator_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    PRIMARY KEY (alert, indicator_id)
)

CREATE TABLE followed_runs (
    run_id TEXT PRIMARY KEY NOT NULL,
    at TIMESTAMP NOT NULL,
    accounts BIGINT NOT NULL,
    opened BIGINT NOT NULL,
    protect BIGINT NOT NULL,
    joined BIGINT NOT NULL,
    reopened BIGINT NOT NULL,
    suppressed BIGINT NOT NULL,
    drawn BIGINT NOT NULL
)

CREATE TABLE dispositions (
    number BIGINT PRIMARY KEY NOT NULL,
    alert BIGINT NOT NULL REFERENCES alerts (number),
    kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    decided_at TIMESTAMP NOT NULL,
    approved_by TEXT,
    reference TEXT,
    reference_on DATE
)

CREATE INDEX dispositions_alert ON dispositions (alert)

CREATE TABLE notes (
    number BIGINT PRIMARY KEY NOT NULL,
    alert BIGINT NOT NULL REFERENCES alerts (number),
    text TEXT NOT NULL,
    written_by TEXT NOT NULL,
    written_at TIMESTAMP NOT NULL
)

CREATE INDEX notes_alert ON notes (alert)

CREATE TABLE attachments (
    number BIGINT PRIMARY KEY NOT NULL,
    note BIGINT NOT NULL REFERENCES notes (number),
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    content_type TEXT NOT NULL
)

CREATE INDEX attachments_note ON attachments (note)

CREATE TABLE requests (
    number BIGINT PRIMARY KEY NOT NULL,
    action TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    details TEXT NOT NULL,
    reason TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    requested_at TIMESTAMP NOT NULL,
    state TEXT NOT NULL,
    settled_by TEXT,
    settled_at TIMESTAMP,
    settled_reason TEXT,
    usable_until TIMESTAMP,
    used_at TIMESTAMP
)

CREATE INDEX requests_state ON requests (state, action)

CREATE TABLE suppressions (
    number BIGINT PRIMARY KEY NOT NULL,
    account_id TEXT NOT NULL,
    indicator_id TEXT,
    owner TEXT NOT NULL,
    reason TEXT NOT NULL,
    made_at TIMESTAMP NOT NULL,
    expires_on DATE NOT NULL,
    approved_by TEXT,
    basis_score BIGINT NOT NULL,
    basis_findings BIGINT NOT NULL,
    ended_at TIMESTAMP,
    ended_by TEXT,
    ended_reason TEXT
)

CREATE INDEX suppressions_account ON suppressions (account_id)

CREATE TABLE judgements (
    number BIGINT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    left_id TEXT NOT NULL,
    right_id TEXT NOT NULL,
    verdict TEXT NOT NULL,
    reason TEXT NOT NULL,
    judged_by TEXT NOT NULL,
    judged_at TIMESTAMP NOT NULL,
    undone_by TEXT,
    undone_at TIMESTAMP,
    undone_reason TEXT
)

CREATE INDEX judgements_pair ON judgements (kind, left_id, right_id)

CREATE TABLE saved_views (
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    definition TEXT NOT NULL,
    saved_at TIMESTAMP NOT NULL,
    PRIMARY KEY (owner, name)
)
