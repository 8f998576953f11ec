/* ---
name: structuring_by_legal_window
title: Accounts with cash split over pieces, by the legal rule and window that it is held against
owner: compliance-monitoring
schedule: "0 6 * * 1"
zone: UTC
catch_up: all
params:
  as_of: {type: instant, default: today, doc: End of the lookback.}
  lookback_days: {type: int, default: 90, least: 1, doc: Days before it in which findings end.}
grain: [account_id, rule, currency]
outputs: [csv, csv new]
source: 31 CFR 1010.311 to 1010.314; FINTRAC 24-hour rule; the source of each rule is in the row
runbook:
  - Look at the rows of the findings and at the rule; the window of the rule says which of them are summed.
  - Compare with the person's trade; shops bank daily takings below a threshold too.
  - Where the pieces make one sum, check whether a report by threshold is due as well (cash_reports_due).
--- */
with pieces as (
    select
        f.finding_id,
        f.account_id,
        f.indicator_id,
        f.window_end,
        t.currency,
        count(*) as piece_count,
        sum(t.amount)::decimal(28, 8) as piece_sum
    from rm.findings as f
    inner join rm.finding_evidence as e on f.finding_id = e.finding_id
    inner join rm.transactions as t
        on e.transaction_id = t.transaction_id and e.account_id = t.account_id and e.direction = t.direction
    where
        f.typology = 'structuring'
        and f.state = 'found'
        and f.weight <> 'weak'
        and t.channel in ('cash', 'atm')
        and f.window_end > $as_of - to_days($lookback_days)
    and f.window_end <= $as_of
    group by all
),

held as (
    -- The rule that was in force for this currency at the end of the window, the preferred one first.
    select p.*, r.rule, r.legal_window, r.amount as threshold, r.source as legal_source
    from pieces as p
    inner join ref.thresholds as r
        on
            p.currency = r.currency
            and r.use = 'cash_report'
            and r.preference is not null
            and p.window_end >= r.valid_from
            and (r.valid_to is null or p.window_end < r.valid_to)
    qualify row_number() over (partition by p.finding_id, p.currency order by r.preference) = 1
)

select
    h.account_id,
    h.rule,
    h.legal_window,
    h.currency,
    h.threshold,
    a.band,
    a.score,
    count(*) as finding_count,
    max(h.piece_count) as most_pieces,
    max(h.piece_sum) as largest_sum,
    string_agg(distinct h.indicator_id, ';' order by h.indicator_id) as indicators,
    max(h.window_end) as last_found_at,
    any_value(h.legal_source) as legal_source
from held as h
inner join rm.flagged_accounts as a on h.account_id = a.account_id
group by h.account_id, h.rule, h.legal_window, h.currency, h.threshold, a.band, a.score
order by a.score desc, h.account_id asc, h.rule asc, h.currency asc
