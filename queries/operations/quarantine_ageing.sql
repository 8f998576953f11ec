/* ---
name: quarantine_ageing
title: Rows that could not be loaded and were not brought since, by file and reason
owner: data-quality
schedule: "0 8 * * 1-5"
zone: UTC
catch_up: all
params:
  as_of: {type: instant, default: today, doc: The instant up to which days are counted.}
  late_after_days: {type: int, default: 5, least: 0, doc: Days after which open rows are late.}
grain: [file_id, reason, column_name]
outputs: [csv]
source: NYDFS 23 NYCRR 504.3(b) (data integrity); FFIEC BSA/AML Manual, Monitoring systems
runbook:
  - '`finpat quarantine export` writes the rows with what is wrong; correct them and load the file.'
  - One reason over a whole file is a mapping that does not fit, not many bad rows.
--- */
select
    q.file_id,
    f.file,
    f.table_name,
    q.reason,
    coalesce(q.column_name, '') as column_name,
    count(*) as open_rows,
    min(q.source_line) as first_line,
    date_diff('day', f.loaded_at, $as_of) as days_open,
    date_diff('day', f.loaded_at, $as_of) > $late_after_days as is_late
from store.quarantine as q
inner join store.files as f on q.file_id = f.file_id
where q.state = 'open' and f.loaded_at <= $as_of
group by q.file_id, f.file, f.table_name, q.reason, q.column_name, f.loaded_at
order by days_open desc, open_rows desc, q.file_id asc, q.reason asc, column_name asc
