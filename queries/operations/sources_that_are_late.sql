/* ---
name: sources_that_are_late
title: Tables whose newest row is older than it should be
owner: data-quality
schedule: "0 8 * * *"
zone: UTC
catch_up: all
params:
  as_of: {type: instant, default: today, doc: The instant up to which days are counted.}
  late_after_days: {type: int, default: 2, least: 0, doc: Days after which a table is late.}
grain: [table_name]
outputs: [csv]
source: NYDFS 23 NYCRR 504.3(b) (timely and complete flow of data); FFIEC BSA/AML Manual, Monitoring systems
runbook:
  - Find the export that did not come; monitoring is blind from the day of the newest row on.
--- */
select
    table_name,
    count(*) as file_count,
    sum(loaded)::bigint as loaded_rows,
    max(last_at) as newest_row_at,
    max(loaded_at) as last_loaded_at,
    date_diff('day', max(last_at), $as_of) as days_behind
from store.files
where loaded_at <= $as_of and last_at is not null
group by table_name
having date_diff('day', max(last_at), $as_of) > $late_after_days
order by days_behind desc, table_name asc
