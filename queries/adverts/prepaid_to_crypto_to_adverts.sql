/* ---
name: prepaid_to_crypto_to_adverts
title: Accounts that turn prepaid cards into crypto-assets and those into adverts
owner: compliance-monitoring
schedule: "15 6 * * *"
zone: UTC
catch_up: all
params:
  as_of: {type: instant, default: today, doc: End of the lookback.}
  lookback_days: {type: int, default: 90, least: 1, doc: Days before it in which findings end.}
grain: [account_id]
outputs: [csv, csv new]
source: FinCEN FIN-2020-A008, case study 2; FATF/APG, Financial Flows from Human Trafficking (2018), pp. 55-56
runbook:
  - Read the chain row by row; the times between card, purchase and advert are what speaks.
  - Ask the exchange or platform for the wallet and the account behind it, where the law allows.
--- */
select
    f.account_id,
    a.band,
    a.score,
    a.possible_role,
    count(*) filter (f.indicator_id = 'HT-ADS-10') as chain_findings,
    max(list_filter(f.values, lambda v: v.name = 'chain_count')[1].value)::bigint as most_chains,
    count(*) filter (f.indicator_id = 'CR-ADPAY-04') as before_advert_findings,
    max(list_filter(f.values, lambda v: v.name = 'purchase_count')[1].value)::bigint as most_purchases,
    min(f.window_start) as first_found_at,
    max(f.window_end) as last_found_at
from rm.findings as f
inner join rm.flagged_accounts as a on f.account_id = a.account_id
where
    f.indicator_id in ('HT-ADS-10', 'CR-ADPAY-04')
    and f.state = 'found'
    and f.window_end > $as_of - to_days($lookback_days)
    and f.window_end <= $as_of
group by f.account_id, a.band, a.score, a.possible_role
order by a.score desc, f.account_id asc
