/* ---
name: stays_and_far_spending
title: Accounts with short stays in many cities, or deposits that are spent far away soon after
owner: compliance-monitoring
schedule: "0 6 * * 3"
zone: UTC
catch_up: all
params:
  as_of: {type: instant, default: today, doc: End of the lookback.}
  lookback_days: {type: int, default: 90, least: 1, doc: Days before it in which findings end.}
  least_indicators: {type: int, default: 2, least: 1, doc: 'Fewest different indicators; a stay alone says little.'}
grain: [account_id]
outputs: [csv]
source: FINTRAC-2016-OA003 (Project Protect), accommodations and patterns; FinCEN FIN-2020-A008, financial indicator 1
runbook:
  - Couriers, musicians and nurses travel; look for adverts, cash and receipts from persons beside the stays.
  - Where somebody else pays the rooms, that is who to look at.
--- */
select
    f.account_id,
    a.band,
    a.score,
    a.possible_role,
    string_agg(distinct f.indicator_id, ';' order by f.indicator_id) as indicators,
    max(list_filter(f.values, lambda v: v.name = 'city_count')[1].value)::bigint as most_cities,
    max(list_filter(f.values, lambda v: v.name = 'event_count')[1].value)::bigint as most_far_spendings,
    max(f.window_end) as last_found_at
from rm.findings as f
inner join rm.flagged_accounts as a on f.account_id = a.account_id
where
    f.indicator_id in ('HT-MOV-01', 'HT-MOV-03', 'HT-MOV-09', 'HT-MOV-12')
    and f.state = 'found'
    and f.window_end > $as_of - to_days($lookback_days)
    and f.window_end <= $as_of
group by f.account_id, a.band, a.score, a.possible_role
having count(distinct f.indicator_id) >= $least_indicators
order by a.score desc, f.account_id asc
