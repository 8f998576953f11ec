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
with found as (
    select f.finding_id, f.account_id, f.indicator_id, f.window_end
    from rm.findings as f
    where
        f.indicator_id in ('HT-LAB-02', 'HT-CTL-04', 'HT-P2P-04')
        and f.state = 'found'
        and f.window_end > $as_of - to_days($lookback_days)
    and f.window_end <= $as_of
),

legs as (
    -- A row that two findings show is one payment.
    select
        f.account_id,
        t.transaction_id,
        t.counterparty_id as payee_account_id,
        t.currency,
        t.amount,
        list(f.indicator_id) as indicators,
        max(f.window_end) as last_found_at
    from found as f
    inner join rm.finding_evidence as e on f.finding_id = e.finding_id and f.account_id = e.account_id
    inner join rm.transactions as t
        on e.transaction_id = t.transaction_id and e.account_id = t.account_id and e.direction = t.direction
    where
        t.direction = 'debit'
        and t.counterparty_id is not null
        and t.counterparty_id <> 'CASH'
    group by f.account_id, t.transaction_id, t.counterparty_id, t.currency, t.amount
),

swept as (
    select
        payee_account_id,
        currency,
        count(distinct account_id) as swept_accounts,
        count(*) as payment_count,
        sum(amount)::decimal(28, 8) as amount,
        array_to_string(list_sort(list_distinct(flatten(list(indicators)))), ';') as indicators,
        max(last_found_at) as last_found_at
    from legs
    group by payee_account_id, currency
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
