/* ---
name: alert_ageing
title: 'Open alerts by queue, state and band: how many, how old, how many late'
owner: compliance-monitoring
schedule: "0 7 * * 1-5"
zone: UTC
catch_up: all
params:
  as_of: {type: instant, default: today, doc: The instant up to which days are counted.}
  late_after_days: {type: int, default: 30, least: 0, doc: Days after which an alert is late.}
grain: [queue, state, band]
outputs: [csv]
source: 31 CFR 1020.320(b)(3) (report within 30 days of detection, 60 where no suspect is known)
runbook:
  - Late alerts come first; what is late with a report due is raised with the reporting officer the same day.
--- */
select
    queue,
    state,
    band,
    count(*) as alert_count,
    count(*) filter (assignee is null) as unassigned,
    max(date_diff('day', opened_at, $as_of)) as oldest_days,
    median(date_diff('day', opened_at, $as_of)) as median_days,
    count(*) filter (date_diff('day', opened_at, $as_of) > $late_after_days) as late_count
from casework.alerts
where
    state <> 'closed'
    and opened_at <= $as_of
group by queue, state, band
order by late_count desc, oldest_days desc, queue asc, state asc, band asc
