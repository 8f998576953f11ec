/* ---
name: coverage_gaps
title: Days between loaded days on which a table has no row
owner: data-quality
schedule: "0 5 * * *"
zone: UTC
catch_up: all
params:
  least_days: {type: int, default: 3, least: 1, doc: Missing days from which a gap is listed.}
grain: [table_name, gap_from]
outputs: [csv]
source: FFIEC BSA/AML Manual, Monitoring systems (completeness of the data fed); NYDFS 23 NYCRR 504.3(b)
runbook:
  - A gap of weekends is how some banks book; a gap of weeks is an export that was not delivered.
  - Ask for the export of the missing days and load it; what was there already is not loaded twice.
--- */
with days as (
    select table_name, day, sum(row_count)::bigint as row_count
    from store.days
    group by table_name, day
),

neighbours as (
    select
        table_name,
        day,
        row_count,
        lead(day) over (partition by table_name order by day) as next_day
    from days
)

select
    table_name,
    day + 1 as gap_from,
    next_day - 1 as gap_to,
    date_diff('day', day, next_day) - 1 as missing_days
from neighbours
where date_diff('day', day, next_day) > $least_days
order by missing_days desc, table_name asc, gap_from asc
