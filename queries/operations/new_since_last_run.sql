/* ---
name: new_since_last_run
title: Accounts that entered the watched bands, or rose in band, since the run before
owner: compliance-monitoring
schedule: "0 6 * * *"
zone: UTC
catch_up: last
grain: [account_id]
outputs: [csv, xlsx]
source: FFIEC BSA/AML Manual, Suspicious Activity Reporting (timely review of new alerts)
runbook:
  - Work the list from the top; an account that rose has new findings, which its page shows first.
--- */
with ranks as (
    select band, place
    from (values ('low', 0), ('medium', 1), ('high', 2), ('critical', 3)) as r (band, place)
)

select
    a.account_id,
    a.band,
    p.band as previous_band,
    a.score,
    p.score as previous_score,
    case when p.account_id is null or pr.place = 0 then 'entered' else 'rose' end as change,
    a.possible_role,
    a.indicators,
    a.reason
from rm.flagged_accounts as a
inner join ranks as r on a.band = r.band
left join previous.flagged_accounts as p on a.account_id = p.account_id
left join ranks as pr on p.band = pr.band
where r.place > coalesce(pr.place, 0)
order by r.place desc, a.score desc, a.account_id asc
