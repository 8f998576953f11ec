/* ---
name: shared_devices_and_contacts
title: Accounts that share a device, number or address with holders who are not shown to be related
owner: compliance-monitoring
schedule: "0 6 * * 4"
zone: UTC
catch_up: all
params:
  as_of: {type: instant, default: today, doc: End of the lookback.}
  lookback_days: {type: int, default: 180, least: 1, doc: Days before it in which findings end.}
grain: [account_id]
outputs: [csv]
source: FinCEN FIN-2020-A008 (device and contact data in reports); FINTRAC-2016-OA003 (common address)
runbook:
  - Ask whether it is a household, a library, a shelter or an agent's office before anything else.
  - Never call or write to a shared number; who holds it may be who controls.
--- */
select
    f.account_id,
    a.band,
    a.score,
    a.possible_role,
    a.network_id,
    max(list_filter(f.values, lambda v: v.name = 'holder_count')[1].value)::bigint as most_holders,
    string_agg(distinct f.indicator_id, ';' order by f.indicator_id) as indicators,
    max(f.window_end) as last_found_at
from rm.findings as f
inner join rm.flagged_accounts as a on f.account_id = a.account_id
where
    f.indicator_id in ('HT-CTL-01', 'HT-CTL-02', 'HT-CTL-03', 'HT-CTL-08')
    and f.state = 'found'
    -- What accounts share is no event: such findings may have no window.
    and (f.window_end is null or (f.window_end > $as_of - to_days($lookback_days) and f.window_end <= $as_of))
group by f.account_id, a.band, a.score, a.possible_role, a.network_id
order by most_holders desc, a.score desc, f.account_id asc
