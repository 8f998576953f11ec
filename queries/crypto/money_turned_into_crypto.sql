/* ---
name: money_turned_into_crypto
title: Accounts that turn cash or other people's money into crypto-assets at once
owner: compliance-monitoring
schedule: "30 6 * * *"
zone: UTC
catch_up: all
params:
  as_of: {type: instant, default: today, doc: End of the lookback.}
  lookback_days: {type: int, default: 31, least: 1, doc: Days before it in which findings end.}
grain: [account_id]
outputs: [csv]
source: FINTRAC-2021-OA001 (exchange on behalf of third parties); FATF, Virtual Assets Red Flag Indicators (2020)
runbook:
  - Read who paid in before each purchase; several payers and one buyer speak of buying for others.
  - Name the exchange and the wallet in the case.
--- */
select
    f.account_id,
    a.band,
    a.score,
    a.possible_role,
    string_agg(distinct f.indicator_id, ';' order by f.indicator_id) as indicators,
    max(list_filter(f.values, lambda v: v.name = 'purchase_count')[1].value)::bigint as most_purchases,
    max(list_filter(f.values, lambda v: v.name = 'payer_count')[1].value)::bigint as most_payers,
    max(f.window_end) as last_found_at
from rm.findings as f
inner join rm.flagged_accounts as a on f.account_id = a.account_id
where
    f.typology = 'crypto-assets'
    and f.state = 'found'
    and f.window_end > $as_of - to_days($lookback_days)
    and f.window_end <= $as_of
group by f.account_id, a.band, a.score, a.possible_role
order by a.score desc, f.account_id asc
