/* ---
name: recruitment_fee_fan_in
title: Payees of fees for jobs, visas or training, by number of payers and amount
owner: compliance-monitoring
schedule: "0 6 * * 2"
zone: UTC
catch_up: all
params:
  as_of: {type: instant, default: today, doc: End of the lookback.}
  lookback_days: {type: int, default: 180, least: 1, doc: Days before it in which findings end.}
grain: [account_id, currency]
outputs: [csv, csv new]
source: FinCEN FIN-2020-A008, typology 2 (recruitment fees); ILO, General principles for fair recruitment (no fees to workers)
runbook:
  - Licensed agencies are listed by the labour authority; look the payee up there.
  - See where the money goes next, and whether payers then receive wages from one employer.
--- */
with payers as (
    select
        f.account_id,
        t.currency,
        count(distinct t.counterparty_id) filter (t.direction = 'credit') as payer_count,
        count(*) filter (t.direction = 'credit') as payment_count,
        coalesce(sum(t.amount) filter (t.direction = 'credit'), 0)::decimal(28, 8) as amount_in,
        string_agg(distinct f.indicator_id, ';' order by f.indicator_id) as indicators,
        min(t.booked_at) as first_paid_at,
        max(t.booked_at) as last_paid_at
    from rm.findings as f
    inner join rm.finding_evidence as e on f.finding_id = e.finding_id and f.account_id = e.account_id
    inner join rm.transactions as t
        on e.transaction_id = t.transaction_id and e.account_id = t.account_id and e.direction = t.direction
    where
        f.indicator_id in ('HT-LAB-05', 'HT-LAB-06')
        and f.state = 'found'
        and f.window_end > $as_of - to_days($lookback_days)
    and f.window_end <= $as_of
    group by f.account_id, t.currency
)

select p.*, a.band, a.score, a.possible_role
from payers as p
inner join rm.flagged_accounts as a on p.account_id = a.account_id
order by p.payer_count desc, p.amount_in desc, p.account_id asc, p.currency asc
