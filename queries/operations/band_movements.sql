/* ---
name: band_movements
title: How many accounts moved from band to band since the run before
owner: model-risk
schedule: "0 6 * * *"
zone: UTC
catch_up: last
grain: [previous_band, band]
outputs: [csv]
source: OCC 2011-12 / SR 11-7, Supervisory Guidance on Model Risk Management (outcomes analysis)
runbook:
  - A jump that follows new settings or a new export is explained by that; one without a cause is looked into.
--- */
select
    coalesce(p.band, 'not there') as previous_band,
    coalesce(a.band, 'not there') as band,
    count(*) as account_count
from rm.flagged_accounts as a
full outer join previous.flagged_accounts as p on a.account_id = p.account_id
group by all
order by account_count desc, previous_band asc, band asc
