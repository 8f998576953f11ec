/* ---
name: threshold_sensitivity
title: How many findings would remain were a bound stricter by a step, or by two
owner: model-risk
schedule: "0 5 1 * *"
zone: UTC
catch_up: last
params:
  step_percent: {type: int, default: 10, least: 1, doc: 'How much stricter a step is, in per cent of the bound.'}
grain: [indicator_id, value_name, unit, operator]
outputs: [csv]
source: OCC 2011-12 / SR 11-7 (sensitivity analysis); Wolfsberg Group, Demonstrating Effectiveness (2021)
runbook:
  - Findings just above a bound show that the bound decides; sample them before it is moved.
  - What lies below a bound is not here; run with a looser setting to see it.
--- */
with numbers as (
    select
        f.indicator_id,
        measured.name as value_name,
        measured.unit,
        measured.operator,
        case
            when measured.operator in ('>=', '>') then measured.value / measured.threshold
            else measured.threshold / measured.value
        end as ratio
    from rm.findings as f
    cross join unnest(f.values) as u (measured)
    where
        f.state = 'found'
        and measured.operator <> ''
        and measured.threshold > 0
        and measured.value > 0
)

select
    indicator_id,
    value_name,
    unit,
    operator,
    count(*) as found,
    count(*) filter (ratio >= 1 + $step_percent / 100.0) as left_at_one_step,
    count(*) filter (ratio >= 1 + 2 * $step_percent / 100.0) as left_at_two_steps,
    min(ratio) as least_ratio,
    median(ratio) as median_ratio
from numbers
group by indicator_id, value_name, unit, operator
order by indicator_id asc, value_name asc, unit asc, operator asc
