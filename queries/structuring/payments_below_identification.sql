/* ---
name: payments_below_identification
title: Accounts that pay again and again just below an amount at which names are taken
owner: compliance-monitoring
schedule: "15 6 * * 1"
zone: UTC
catch_up: all
params:
  as_of: {type: instant, default: today, doc: End of the lookback.}
  lookback_days: {type: int, default: 90, least: 1, doc: Days before it in which findings end.}
grain: [account_id, indicator_id, currency, limit_amount]
outputs: [csv]
source: 31 CFR 1010.415 and 1010.410(f); FATF Recommendation 16; Regulation (EU) 2023/1113
runbook:
  - Read the findings; the limit of each is in the row, in the payment's own currency.
  - See whether the beneficiary is one and the same, and whether the person pays rent or wages in parts.
--- */
select
    f.account_id,
    f.indicator_id,
    measured.unit as currency,
    list_filter(f.values, lambda v: v.name = 'limit')[1].value::decimal(28, 8) as limit_amount,
    a.band,
    a.score,
    count(*) as finding_count,
    sum(list_filter(f.values, lambda v: v.name = 'payment_count')[1].value)::bigint as payment_count,
    sum(list_filter(f.values, lambda v: v.name = 'sum')[1].value)::decimal(28, 8) as amount,
    max(f.window_end) as last_found_at
from rm.findings as f
inner join rm.flagged_accounts as a on f.account_id = a.account_id
cross join unnest(list_filter(f.values, lambda x: x.name = 'limit')) as u (measured)
where
    f.indicator_id in ('ST-ID3K-07', 'ST-ID1K-08')
    and f.state = 'found'
    and f.window_end > $as_of - to_days($lookback_days)
    and f.window_end <= $as_of
group by f.account_id, f.indicator_id, measured.unit, limit_amount, a.band, a.score
order by a.score desc, f.account_id asc, f.indicator_id asc, currency asc, limit_amount asc
