/* ---
name: advert_payers_by_advertised_persons
title: Accounts that pay for adverts, by the number of advertised persons that the adverts seem to be of
owner: compliance-monitoring
schedule: "0 6 * * *"
zone: UTC
catch_up: all
params:
  least_persons: {type: int, default: 1, least: 1, doc: Fewest advertised persons of a listed account.}
grain: [account_id]
outputs: [csv, csv new]
source: FinCEN FIN-2020-A008, financial indicators; Portnoff et al., Backpage and Bitcoin, KDD 2017
runbook:
  - An account that pays for several advertised persons may control them; one that pays for one may be that person.
  - Read for each cluster how often payments coincide, and how often chance alone would (ad_payment_links).
  - Texts and contacts of adverts are shown for a reason only, one cluster at a time.
--- */
with paid as (
    select l.account_id, l.cluster_id, l.k as coincidences, l.p_value, false as is_stated
    from rm.ad_payment_links as l
    union all
    select m.account_id, c.cluster_id, count(*) as coincidences, null as p_value, true as is_stated
    from rm.ad_payment_matches as m
    inner join rm.ad_cluster_members as c on m.ad_id = c.ad_id
    where m.is_stated and m.account_id is not null
    group by m.account_id, c.cluster_id
)

select
    p.account_id,
    a.band,
    a.score,
    a.possible_role,
    count(distinct p.cluster_id) as advertised_persons,
    sum(c.ad_count)::bigint as ad_count,
    max(c.city_count) as most_cities,
    count(distinct p.cluster_id) filter (p.is_stated) as stated_by_platform,
    max(p.p_value) as highest_p_value,
    max(c.last_posted_at) as last_posted_at
from (
    select account_id, cluster_id, bool_or(is_stated) as is_stated, min(p_value) as p_value
    from paid
    group by account_id, cluster_id
) as p
inner join rm.ad_clusters as c on p.cluster_id = c.cluster_id
inner join rm.flagged_accounts as a on p.account_id = a.account_id
group by p.account_id, a.band, a.score, a.possible_role
having count(distinct p.cluster_id) >= $least_persons
order by advertised_persons desc, a.score desc, p.account_id asc
