/* ---
name: indicator_yield
title: What each indicator found, and how often it stands alone
owner: model-risk
schedule: "30 5 * * 1"
zone: UTC
catch_up: last
grain: [indicator_id]
outputs: [csv]
source: FFIEC BSA/AML Manual, Suspicious Activity Reporting (filtering criteria); Wolfsberg Group (2021)
runbook:
  - Indicators that never stand alone can be set stricter without losing an account; those that do decide.
--- */
with per_account as (
    select account_id, indicator_id
    from rm.findings
    where state = 'found' and account_id is not null
    group by all
),

alone as (
    select account_id, min(indicator_id) as indicator_id
    from per_account
    group by account_id
    having count(*) = 1
)

select
    r.indicator_id,
    r.name,
    r.typology,
    r.weight,
    r.is_enabled,
    count(p.account_id) as accounts,
    count(a.account_id) filter (a.band in ('critical', 'high')) as accounts_in_upper_bands,
    count(o.account_id) as accounts_with_nothing_else
from ref.indicators as r
left join per_account as p on r.indicator_id = p.indicator_id
left join rm.flagged_accounts as a on p.account_id = a.account_id
left join alone as o on p.account_id = o.account_id and p.indicator_id = o.indicator_id
group by r.indicator_id, r.name, r.typology, r.weight, r.is_enabled
order by accounts desc, r.indicator_id asc
