/* ---
name: funnel_accounts
title: Accounts that take cash in several cities and are drawn in another one
owner: compliance-monitoring
schedule: "0 6 * * *"
zone: UTC
catch_up: all
params:
  as_of: {type: instant, default: today, doc: End of the lookback.}
  lookback_days: {type: int, default: 31, least: 1, doc: Days before it in which findings end.}
grain: [account_id, currency]
outputs: [csv, csv new]
source: FinCEN FIN-2020-A008, typology 3; FIN-2014-A005 (funnel accounts)
runbook:
  - Open the findings with their rows; name the cities of the deposits and that of the withdrawals.
  - Look for who pays in (conductor, machine) and whether the holder lives in none of the cities.
  - Trace the account; others that are drawn at the same place belong to the same look.
--- */
with found as (
    select f.finding_id, f.account_id, f.indicator_id, f.window_end
    from rm.findings as f
    where
        f.indicator_id = 'VE-FUNNEL-07'
        and f.state = 'found'
        and f.window_end > $as_of - to_days($lookback_days)
    and f.window_end <= $as_of
),

legs as (
    -- A row that two findings show is one payment.
    select distinct f.account_id, t.transaction_id, t.direction, t.currency, t.amount, t.city
    from found as f
    inner join rm.finding_evidence as e on f.finding_id = e.finding_id and f.account_id = e.account_id
    inner join rm.transactions as t
        on e.transaction_id = t.transaction_id and e.account_id = t.account_id and e.direction = t.direction
),

findings as (
    select account_id, count(*) as finding_count, max(window_end) as last_found_at
    from found
    group by account_id
),

cities as (
    select
        l.account_id,
        l.currency,
        count(distinct l.city) filter (l.direction = 'credit') as deposit_cities,
        string_agg(distinct l.city, ';' order by l.city) filter (l.direction = 'debit') as drawn_in,
        coalesce(sum(l.amount) filter (l.direction = 'credit'), 0)::decimal(28, 8) as amount_in,
        coalesce(sum(l.amount) filter (l.direction = 'debit'), 0)::decimal(28, 8) as amount_drawn
    from legs as l
    group by l.account_id, l.currency
)

select
    c.account_id,
    c.currency,
    a.band,
    a.score,
    a.possible_role,
    c.deposit_cities,
    c.amount_in,
    c.drawn_in,
    c.amount_drawn,
    f.finding_count,
    f.last_found_at
from cities as c
inner join findings as f on c.account_id = f.account_id
inner join rm.flagged_accounts as a on c.account_id = a.account_id
order by a.score desc, c.account_id asc, c.currency asc
