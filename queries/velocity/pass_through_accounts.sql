/* ---
name: pass_through_accounts
title: Accounts where money leaves soon after it came in, by how much and how fast
owner: compliance-monitoring
schedule: "0 6 * * 1"
zone: UTC
catch_up: all
params:
  as_of: {type: instant, default: today, doc: End of the lookback.}
  lookback_days: {type: int, default: 90, least: 1, doc: Days before it in which findings end.}
grain: [account_id]
outputs: [csv, csv new]
source: FINTRAC ML/TF indicators for financial entities (pass-through); FinCEN FIN-2020-A008
runbook:
  - Check what the account is for; payroll bureaus, agents and savings clubs pass money through by design.
  - Follow the receivers; one receiver of many such accounts is worth more than many accounts of one.
--- */
select
    f.account_id,
    a.currency,
    a.band,
    a.score,
    a.possible_role,
    count(distinct f.indicator_id) as indicator_count,
    string_agg(distinct f.indicator_id, ';' order by f.indicator_id) as indicators,
    max(list_filter(f.values, lambda v: v.name = 'cycle_count')[1].value)::bigint as most_cycles,
    max(list_filter(f.values, lambda v: v.name = 'ratio')[1].value) as highest_out_share,
    min(list_filter(f.values, lambda v: v.name = 'dwell_hours')[1].value) as shortest_dwell_hours,
    a.amount_in,
    a.amount_out,
    max(f.window_end) as last_found_at
from rm.findings as f
inner join rm.flagged_accounts as a on f.account_id = a.account_id
where
    f.indicator_id in ('VE-PASS-01', 'VE-LAT-02', 'VE-MIRROR-08', 'VE-DEPSEND-11')
    and f.state = 'found'
    and f.window_end > $as_of - to_days($lookback_days)
    and f.window_end <= $as_of
group by
    f.account_id, a.currency, a.band, a.score, a.possible_role, a.amount_in, a.amount_out
order by a.score desc, f.account_id asc
