/* ---
name: recurring_structuring_accounts
title: Accounts with structuring findings in two or more separate weeks
owner: compliance-monitoring
schedule: "0 6 * * 1"
zone: UTC
catch_up: all
params:
  as_of: {type: instant, default: today, doc: End of the lookback.}
  lookback_days: {type: int, default: 90, least: 7, doc: Days before it.}
grain: [account_id]
outputs: [csv, csv new]
source: 31 CFR 1010.314 (structuring); FFIEC BSA/AML Manual, Appendix G
runbook:
  - Open the account and read the structuring findings with their windows; cash businesses bank daily takings too.
  - Compare the weeks with the person's declared income and occupation, and with the branches used.
  - Where several weeks stand up, open a case and refer the account for review.
--- */
select
    f.account_id,
    a.band,
    a.score,
    count(distinct date_trunc('week', f.window_end))::bigint as week_count,
    count(distinct f.indicator_id)::bigint as indicator_count,
    string_agg(distinct f.indicator_id, ';' order by f.indicator_id) as indicators,
    min(f.window_start) as first_found_at,
    max(f.window_end) as last_found_at
from rm.findings as f
inner join rm.flagged_accounts as a on f.account_id = a.account_id
where
    f.typology = 'structuring'
    and f.state = 'found'
    and f.weight <> 'weak'
    and f.window_end > $as_of - to_days($lookback_days)
    and f.window_end <= $as_of
group by f.account_id, a.band, a.score
having count(distinct date_trunc('week', f.window_end)) >= 2
order by a.score desc, f.account_id asc
