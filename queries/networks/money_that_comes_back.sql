/* ---
name: money_that_comes_back
title: Accounts whose money goes round and ends up where it was
owner: compliance-monitoring
schedule: "0 6 * * 2"
zone: UTC
catch_up: all
params:
  as_of: {type: instant, default: today, doc: End of the lookback.}
  lookback_days: {type: int, default: 90, least: 1, doc: Days before it in which findings end.}
grain: [account_id, currency]
outputs: [csv]
source: FATF, Professional Money Laundering (2018), circular payments; AMLSim and AMLworld patterns (cycle)
runbook:
  - Draw the round with `finpat trace ACCOUNT`, and read when each payment follows the one before.
  - Families and savings clubs lend and pay back; rounds of one owner's companies are another matter.
--- */
select
    f.account_id,
    measured.unit as currency,
    a.band,
    a.score,
    a.network_id,
    count(*) as round_count,
    min(list_filter(f.values, lambda v: v.name = 'payment_count')[1].value)::bigint as shortest_round,
    sum(measured.value)::decimal(28, 8) as amount_sent,
    max(list_filter(f.values, lambda v: v.name = 'returned_share')[1].value) as highest_returned_share,
    max(f.window_end) as last_found_at
from rm.findings as f
inner join rm.flagged_accounts as a on f.account_id = a.account_id
cross join unnest(list_filter(f.values, lambda x: x.name = 'sent')) as u (measured)
where
    f.indicator_id = 'NW-CYCLE-05'
    and f.state = 'found'
    and f.window_end > $as_of - to_days($lookback_days)
    and f.window_end <= $as_of
group by f.account_id, measured.unit, a.band, a.score, a.network_id
order by a.score desc, f.account_id asc, currency asc
