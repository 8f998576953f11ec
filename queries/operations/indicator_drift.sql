/* ---
name: indicator_drift
title: Findings per indicator against the run before
owner: model-risk
schedule: "15 6 * * *"
zone: UTC
catch_up: last
grain: [indicator_id]
outputs: [csv]
source: OCC 2011-12 / SR 11-7 (ongoing monitoring)
runbook:
  - An indicator that went quiet often lost a field; look whether it became not evaluable.
  - 'An indicator that found much more: read five findings before the list is worked.'
--- */
with counted as (
    select
        indicator_id,
        count(*) filter (state = 'found') as found,
        count(*) filter (state = 'not_evaluable') as not_evaluable
    from rm.findings
    group by indicator_id
),

before as (
    select
        indicator_id,
        count(*) filter (state = 'found') as found,
        count(*) filter (state = 'not_evaluable') as not_evaluable
    from previous.findings
    group by indicator_id
)

select
    coalesce(c.indicator_id, b.indicator_id) as indicator_id,
    coalesce(c.found, 0) as found,
    coalesce(b.found, 0) as found_before,
    coalesce(c.found, 0) - coalesce(b.found, 0) as difference,
    coalesce(c.not_evaluable, 0) as not_evaluable,
    coalesce(b.not_evaluable, 0) as not_evaluable_before
from counted as c
full outer join before as b on c.indicator_id = b.indicator_id
order by abs(coalesce(c.found, 0) - coalesce(b.found, 0)) desc, indicator_id asc
