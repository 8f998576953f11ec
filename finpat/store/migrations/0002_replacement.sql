-- place: a file's position among the loaded ones, which decides whose statement is the latest; a replacement takes
-- that of the load whose place it takes. path: where the file lay, to know it again after it was corrected.
alter table files add column place integer;
alter table files add column path varchar;
update files set place = file_id;

-- Rows of a file that count as known, or as contradicting, because of a row of another one; null: not counted.
create table judged_by (
    file_id integer not null,
    of_file_id integer not null,
    row_count bigint
);

-- Files loaded before this was kept: wherever their periods leave it possible.
insert into judged_by
select later.file_id, earlier.file_id, null
from files later
join files earlier
    on earlier.table_name = later.table_name
    and earlier.file_id < later.file_id
    and earlier.loaded > 0
where
    coalesce(earlier.last_at >= later.first_at - interval 1 day, true)
    and coalesce(earlier.first_at <= later.last_at + interval 1 day, true);

-- Loads whose rows another load of the same file has taken the place of.
create table retired (
    file_id integer primary key,
    table_name varchar not null,
    name varchar not null,
    sha256 varchar not null,
    mapping_name varchar not null,
    mapping_text varchar not null,
    source_rows bigint not null,
    loaded bigint not null,
    ingested_at timestamp not null,
    replaced_by integer not null,
    retired_at timestamp not null
);
