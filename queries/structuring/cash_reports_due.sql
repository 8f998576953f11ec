/* ---
name: cash_reports_due
title: Persons whose cash reaches the reporting threshold of its jurisdiction on a day
owner: compliance-monitoring
schedule: "30 5 * * *"
zone: UTC
catch_up: all
params:
  as_of: {type: instant, default: today, doc: Last instant that is looked at.}
  lookback_days: {type: int, default: 8, least: 1, doc: Days that are listed.}
  zone: {type: text, default: UTC, doc: IANA zone in which a day begins and ends.}
grain: [person_id, day, direction, currency]
outputs: [csv new, csv]
source: 31 CFR 1010.311 and 1010.313; PCMLTFR s. 126 to 129; AML/CTF Act 2006 (AU) s. 43; the source of each rule is in the row
runbook:
  - Compare the list with the reports that were filed for the day; what is missing is filed or explained.
  - The day is that of the zone parameter; where an institution's business day ends earlier, set its zone or move rows by hand.
  - A person exempt from reporting stays in the list; note the exemption once, and with whom it was registered.
--- */
with cash as (
    select
        coalesce(a.holder_id, t.account_id) as person_id,
        t.account_id,
        t.direction,
        t.currency,
        t.amount,
        t.booked_at,
        (t.booked_at at time zone 'UTC' at time zone $zone)::date as day
    from rm.transactions as t
    left join rm.accounts as a on t.account_id = a.account_id
    where
        t.channel in ('cash', 'atm')
        and coalesce(t.status, 'booked') = 'booked'
        and t.booked_at <= $as_of
        -- A year more than is listed, for rules that sum over twelve months.
        and t.booked_at > $as_of - to_days($lookback_days + 366)
),

summed as (
    select
        *,
        sum(amount) over (
            partition by person_id, direction, currency
            order by booked_at
            range between interval 86399999999 microseconds preceding and current row
        ) as sum_24h,
        sum(amount) over (
            partition by person_id, direction, currency, date_trunc('month', day)
            order by booked_at
            range between unbounded preceding and current row
        ) as sum_month,
        sum(amount) over (
            partition by person_id, direction, currency
            order by booked_at
            range between interval 12 months preceding and current row
        ) as sum_year
    from cash
),

daily as (
    select
        person_id,
        direction,
        currency,
        day,
        min(account_id) as account_id,
        count(distinct account_id) as account_count,
        count(*) as transaction_count,
        sum(amount) as day_sum,
        max(amount) as largest,
        max(sum_24h) as sum_24h,
        max(sum_month) as sum_month,
        max(sum_year) as sum_year
    from summed
    group by all
),

held as (
    select
        d.*,
        r.rule,
        r.legal_window,
        r.operator,
        r.amount as threshold,
        r.source as legal_source,
        case r.legal_window
            when 'single' then d.largest
            when 'business_day' then d.day_sum
            when 'calendar_month' then d.sum_month
            when '12_month' then d.sum_year
            else d.sum_24h
        end as held_sum
    from daily as d
    inner join ref.thresholds as r
        on
            d.currency = r.currency
            and r.use = 'cash_report'
            and r.preference is not null
            and d.day >= r.valid_from
            and (r.valid_to is null or d.day < r.valid_to)
    qualify row_number() over (partition by d.person_id, d.direction, d.currency, d.day order by r.preference) = 1
)

select
    person_id,
    day,
    direction,
    currency,
    rule,
    legal_window,
    threshold,
    held_sum::decimal(28, 8) as held_sum,
    transaction_count,
    account_count,
    account_id,
    legal_source
from held
where
    (held_sum > threshold or (operator = '>=' and held_sum = threshold))
    and day > ($as_of - to_days($lookback_days))::date
order by day desc, held_sum desc, person_id asc, direction asc, currency asc
