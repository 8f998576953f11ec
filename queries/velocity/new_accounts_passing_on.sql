/* ---
name: new_accounts_passing_on
title: New accounts that receive more than new accounts do, and pass it on
owner: compliance-monitoring
schedule: "0 7 * * *"
zone: UTC
catch_up: all
params:
  as_of: {type: instant, default: today, doc: End of the lookback.}
  lookback_days: {type: int, default: 31, least: 1, doc: Days before it in which findings end.}
grain: [account_id]
outputs: [csv]
source: Europol and EBF, European Money Mule Action; FATF, Money Laundering through money mules (practice)
runbook:
  - Read how the account was opened, by whom it was introduced, and on which device.
  - Treat the holder as somebody who may have been recruited; what to do is a person's decision.
--- */
select
    f.account_id,
    a.currency,
    a.band,
    a.score,
    a.possible_role,
    min(date_diff('day', acc.opened_on, f.window_end::date)) as days_since_opening,
    max(list_filter(f.values, lambda v: v.name = 'new')[1].value)::decimal(28, 8) as amount_in,
    max(list_filter(f.values, lambda v: v.name = 'cycle_count')[1].value)::bigint as passed_on_count,
    acc.opened_on,
    max(f.window_end) as last_found_at
from rm.findings as f
inner join rm.flagged_accounts as a on f.account_id = a.account_id
left join rm.accounts as acc on f.account_id = acc.account_id
where
    f.indicator_id = 'VE-NEW-06'
    and f.state = 'found'
    and f.window_end > $as_of - to_days($lookback_days)
    and f.window_end <= $as_of
group by f.account_id, a.currency, a.band, a.score, a.possible_role, acc.opened_on
order by a.score desc, f.account_id asc
