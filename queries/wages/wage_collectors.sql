/* ---
name: wage_collectors
title: Holders with whom the wages, or parts of the wages, of several employees arrive
owner: compliance-monitoring
schedule: "0 6 * * 1"
zone: UTC
catch_up: all
params:
  as_of: {type: instant, default: today, doc: End of the lookback.}
  lookback_days: {type: int, default: 365, least: 1, doc: Days before it in which findings end.}
grain: [account_id, indicator_id]
outputs: [csv, csv new]
source: FinCEN FIN-2020-A008, typology 2 (salaries of several employees in one account; fees withheld from wages)
runbook:
  - Read employer and employees; couples and families may share an account for good reasons.
  - Compare with the number of persons at the holder's address, and with rent that is taken from wages.
--- */
select
    f.account_id,
    f.indicator_id,
    a.band,
    a.score,
    a.possible_role,
    max(coalesce(list_filter(f.values, lambda v: v.name = 'employee_count')[1].value, list_filter(f.values, lambda v: v.name = 'worker_count')[1].value))::bigint as most_workers,
    max(list_filter(f.values, lambda v: v.name = 'month_count')[1].value)::bigint as most_months,
    count(*) as finding_count,
    max(f.window_end) as last_found_at
from rm.findings as f
inner join rm.flagged_accounts as a on f.account_id = a.account_id
where
    f.indicator_id in ('HT-LAB-01', 'HT-LAB-03', 'HT-LAB-04')
    and f.state = 'found'
    and f.window_end > $as_of - to_days($lookback_days)
    and f.window_end <= $as_of
group by f.account_id, f.indicator_id, a.band, a.score, a.possible_role
order by a.score desc, f.account_id asc, f.indicator_id asc
