/* ---
name: hotspots_above_privacy_floor
title: Cities where findings of advert, movement or third-party money gather, no cell below the privacy floor
owner: compliance-monitoring
schedule: "0 5 1 * *"
zone: UTC
catch_up: last
params:
  as_of: {type: instant, default: today, doc: End of the lookback.}
  lookback_days: {type: int, default: 90, least: 1, doc: Days before it.}
  floor: {type: int, default: 10, least: 10, doc: Fewest persons with findings of a listed city.}
grain: [country, city]
outputs: [csv]
source: Sweeney, k-anonymity (2002); FinCEN FIN-2020-A008 (geography of activity); floor of ten persons chosen as a house rule
runbook:
  - Cells are persons, not payments, and never fewer than the floor; do not lower it by joining lists.
  - A place stands out where more is known of it; compare with the number of all persons there.
--- */
with persons as (
    select
        t.country,
        t.city,
        coalesce(acc.holder_id, t.account_id) as person_id,
        bool_or(f.finding_id is not null) as has_finding
    from rm.transactions as t
    left join rm.accounts as acc on t.account_id = acc.account_id
    left join rm.finding_evidence as e
        on t.transaction_id = e.transaction_id and t.account_id = e.account_id and t.direction = e.direction
    left join rm.findings as f
        on
            e.finding_id = f.finding_id
            and f.state = 'found'
            and f.typology in ('advert payments', 'accommodation and movement', 'third-party receipts')
    where
        t.city is not null
        and t.booked_at > $as_of - to_days($lookback_days)
        and t.booked_at <= $as_of
    group by t.country, t.city, person_id
)

select
    coalesce(country, '') as country,
    city,
    count(*) filter (has_finding) as persons_with_findings,
    count(*) as persons,
    count(*) filter (has_finding) / count(*) as share
from persons
group by country, city
having count(*) filter (has_finding) >= $floor
order by persons_with_findings desc, country asc, city asc
