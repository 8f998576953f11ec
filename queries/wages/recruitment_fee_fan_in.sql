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
with found as (
    select f.finding_id, f.account_id, f.indicator_id
    from rm.findings as f
    where
        f.indicator_id in ('HT-LAB-05', 'HT-LAB-06')
        and f.state = 'found'
        and f.window_end > $as_of - to_days($lookback_days)
    and f.window_end <= $as_of
),

legs as (
    -- A row that two findings show is one payment.
    select distinct f.account_id, t.transaction_id, t.counterparty_id, t.currency, t.amount, t.booked_at
    from found as f
    inner join rm.finding_evidence as e on f.finding_id = e.finding_id and f.account_id = e.account_id
    inner join rm.transactions as t
        on e.transaction_id = t.transaction_id and e.account_id = t.account_id and e.direction = t.direction
    where t.direction = 'credit'
),

payers as (
    select
        account_id,
        currency,
        count(distinct counterparty_id) as payer_count,
        count(*) as payment_count,
        sum(amount)::decimal(28, 8) as amount_in,
        min(booked_at) as first_paid_at,
        max(booked_at) as last_paid_at
    from legs
    group by account_id, currency
),

findings as (
    select account_id, string_agg(distinct indicator_id, ';' order by indicator_id) as indicators
    from found
    group by account_id
)

select p.*, f.indicators, a.band, a.score, a.possible_role
from payers as p
inner join findings as f on p.account_id = f.account_id
inner join rm.flagged_accounts as a on p.account_id = a.account_id
order by p.payer_count desc, p.amount_in desc, p.account_id asc, p.currency asc
