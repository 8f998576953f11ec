/* ---
name: indicator_productivity
title: What became of the alerts that each indicator took part in
owner: model-risk
schedule: "0 5 1 * *"
zone: UTC
catch_up: last
params:
  as_of: {type: instant, default: today, doc: End of the lookback.}
  lookback_days: {type: int, default: 365, least: 1, doc: Days before it in which alerts were opened.}
grain: [indicator_id]
outputs: [csv]
source: FFIEC BSA/AML Manual, Suspicious Activity Reporting (filtering criteria reviewed); Wolfsberg Group (2021)
runbook:
  - 'An indicator with many decided alerts and hardly a productive one: read why, then set it stricter or off.'
  - Few decided alerts say nothing; the count stands beside the share.
--- */
select
    i.indicator_id,
    any_value(r.name) as name,
    count(*) as alert_count,
    count(*) filter (c.state <> 'closed') as open_count,
    count(*) filter (c.disposition in ('suspicious', 'reported', 'confirmed', 'referred')) as productive_count,
    count(*) filter (c.disposition = 'not_suspicious') as unproductive_count,
    count(*) filter (c.disposition in ('suspicious', 'reported', 'confirmed', 'referred'))
    / nullif(
        count(*) filter (
            c.disposition in ('suspicious', 'reported', 'confirmed', 'referred', 'not_suspicious')
        ), 0
    ) as productive_share
from casework.alert_indicators as i
inner join casework.alerts as c on i.alert = c.number
left join ref.indicators as r on i.indicator_id = r.indicator_id
where c.opened_at > $as_of - to_days($lookback_days) and c.opened_at <= $as_of
group by i.indicator_id
order by productive_share desc nulls last, alert_count desc, i.indicator_id asc
