/* ---
name: collecting_accounts
title: Accounts that several new payers pay within a week, by number of payers
owner: compliance-monitoring
schedule: "0 6 * * 3"
zone: UTC
catch_up: all
params:
  as_of: {type: instant, default: today, doc: End of the lookback.}
  lookback_days: {type: int, default: 90, least: 1, doc: Days before it in which findings end.}
grain: [account_id]
outputs: [csv]
source: FATF, Financial Flows from Human Trafficking (2018); public benchmark of fan-in motifs on SAML-D
runbook:
  - Read who the payers are to each other; sellers, landlords and clubs collect too.
  - See whether the money goes out again, and to how many (gathering and scattering).
--- */
select
    f.account_id,
    a.band,
    a.score,
    a.possible_role,
    count(*) filter (f.indicator_id = 'NW-FANIN-01') as fan_in_findings,
    count(*) filter (f.indicator_id = 'NW-GS-03') as gather_scatter_findings,
    max(coalesce(list_filter(f.values, lambda v: v.name = 'partner_count')[1].value, list_filter(f.values, lambda v: v.name = 'payer_count')[1].value))::bigint as most_payers,
    max(list_filter(f.values, lambda v: v.name = 'beneficiary_count')[1].value)::bigint as most_beneficiaries,
    max(f.window_end) as last_found_at
from rm.findings as f
inner join rm.flagged_accounts as a on f.account_id = a.account_id
where
    f.indicator_id in ('NW-FANIN-01', 'NW-GS-03')
    and f.state = 'found'
    and f.window_end > $as_of - to_days($lookback_days)
    and f.window_end <= $as_of
group by f.account_id, a.band, a.score, a.possible_role
order by most_payers desc, a.score desc, f.account_id asc
