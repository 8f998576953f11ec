-- One row per loaded file. A segment without its row here is not there.
create table files (
    file_id integer primary key,
    table_name varchar not null,
    name varchar not null,
    sha256 varchar not null,
    bytes bigint not null,
    mapping_name varchar not null,
    mapping_text varchar not null,
    mapping_sha256 varchar not null,
    header varchar [] not null,
    delimiter varchar,
    source_rows bigint not null,
    loaded bigint not null,
    duplicate bigint not null,
    quarantined bigint not null,
    first_at timestamp,
    last_at timestamp,
    ingested_at timestamp not null,
    segment varchar,
    segment_sha256 varchar,
    columns varchar [] not null,
    check (source_rows = loaded + duplicate + quarantined)
);

-- One row per source row that could not be loaded; `raw` is the row as the source wrote it.
create table quarantine (
    file_id integer not null,
    source_line bigint not null,
    "column" varchar,
    reason varchar not null,
    message varchar not null,
    raw varchar,
    corrected_by integer
);

-- Rows of a file on each day and how many of them came in: what gaps and thin months are read from.
create table days (
    file_id integer not null,
    day date not null,
    row_count bigint not null,
    credit_count bigint not null
);
