/* ---
name: dormant_then_active
title: Accounts that slept for months and then moved a lot
owner: compliance-monitoring
schedule: "30 6 * * 1"
zone: UTC
catch_up: all
params:
  as_of: {type: instant, default: today, doc: End of the lookback.}
  lookback_days: {type: int, default: 90, least: 1, doc: Days before it in which findings end.}
grain: [account_id]
outputs: [csv, csv new]
source: FINTRAC ML/TF indicators for financial entities (inactive account begins to see activity)
runbook:
  - See who paid in first after the sleep, and whether address, device or telephone changed before it.
  - Ask whether an inheritance, a sale or a return from abroad explains it.
--- */
select
    f.account_id,
    a.currency,
    a.band,
    a.score,
    max(list_filter(f.values, lambda v: v.name = 'slept_days')[1].value) as slept_days,
    max(list_filter(f.values, lambda v: v.name = 'row_count')[1].value)::bigint as payment_count,
    max(list_filter(f.values, lambda v: v.name = 'sum')[1].value)::decimal(28, 8) as amount,
    acc.opened_on,
    max(f.window_start) as woke_at,
    max(f.window_end) as last_found_at
from rm.findings as f
inner join rm.flagged_accounts as a on f.account_id = a.account_id
left join rm.accounts as acc on f.account_id = acc.account_id
where
    f.indicator_id = 'VE-DORM-05'
    and f.state = 'found'
    and f.window_end > $as_of - to_days($lookback_days)
    and f.window_end <= $as_of
group by f.account_id, a.currency, a.band, a.score, acc.opened_on
order by amount desc, f.account_id asc
