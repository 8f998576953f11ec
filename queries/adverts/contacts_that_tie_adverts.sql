/* ---
name: contacts_that_tie_adverts
title: Contacts that make one poster of several clusters of adverts, by how many they tie
owner: compliance-monitoring
schedule: "0 7 * * 3"
zone: UTC
catch_up: all
params:
  least_clusters: {type: int, default: 2, least: 1, doc: Fewest clusters that a listed contact has.}
grain: [contact_id]
outputs: [csv]
source: Portnoff et al., Backpage and Bitcoin, KDD 2017; Journal of Human Trafficking (2024), study for NIJ of indicators in online adverts
runbook:
  - The contact is masked; read it with a reason, on the page of one of its clusters.
  - A number that very many share is a call service; `ties` says whether it was taken to tie.
--- */
select
    contact_id,
    kind,
    shape,
    ad_count,
    cluster_count,
    weight,
    ties
from rm.ad_shared_contacts
where cluster_count >= $least_clusters
order by ties desc, cluster_count desc, ad_count desc, contact_id asc
