/* ---
name: swept_wages
title: Payees to whom wages or receipts of several unrelated holders are swept
owner: compliance-monitoring
schedule: "0 6 * * *"
zone: UTC
catch_up: all
params:
  as_of: {type: instant, default: today, doc: End of the lookback.}
  lookback_days: {type: int, default: 90, least: 1, doc: Days before it in which findings end.}
  least_accounts: {type: int, default: 2, least: 1, doc: Fewest accounts that a listed payee is paid from.}
grain: [payee_account_id, currency]
outputs: [csv, csv new]
source: FinCEN FIN-2020-A008, typology 2 (wages moved on at once; several salaries to one account)
runbook:
  - The payee is who to look at; those who are swept stand apart, protect and refer them.
  - Rule out payroll bureaus, landlords, savings clubs and family before anything else.
--- */
with swept as (
    select
        t.counterparty_id as payee_account_id,
        t.currency,
        count(distinct f.account_id) as swept_accounts,
        count(distinct (t.transaction_id, t.direction)) as payment_count,
        sum(t.amount)::decimal(28, 8) as amount,
        string_agg(distinct f.indicator_id, ';' order by f.indicator_id) as indicators,
        max(f.window_end) as last_found_at
    from rm.findings as f
    inner join rm.finding_evidence as e on f.finding_id = e.finding_id and f.account_id = e.account_id
    inner join rm.transactions as t
        on e.transaction_id = t.transaction_id and e.account_id = t.account_id and e.direction = t.direction
    where
        f.indicator_id in ('HT-LAB-02', 'HT-CTL-04', 'HT-P2P-04')
        and f.state = 'found'
        and t.direction = 'debit'
        and t.counterparty_id is not null
        and t.counterparty_id <> 'CASH'
        and f.window_end > $as_of - to_days($lookback_days)
    and f.window_end <= $as_of
    group by t.counterparty_id, t.currency
)

select
    s.payee_account_id,
    s.currency,
    s.swept_accounts,
    s.payment_count,
    s.amount,
    s.indicators,
    a.band,
    a.score,
    a.possible_role,
    s.last_found_at
from swept as s
left join rm.flagged_accounts as a on s.payee_account_id = a.account_id
where s.swept_accounts >= $least_accounts
order by s.swept_accounts desc, s.amount desc, s.payee_account_id asc, s.currency asc
