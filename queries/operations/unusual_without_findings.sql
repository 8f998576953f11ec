/* ---
name: unusual_without_findings
title: Accounts that look unlike their peers and match no indicator
owner: compliance-monitoring
schedule: "0 6 * * 5"
zone: UTC
catch_up: all
params:
  least_percentile: {type: int, default: 99, least: 50, doc: Least share of accounts with a lower score.}
  least_share: {type: decimal, default: 0.2, least: 0, doc: Least share of a detector's score that a named feature made.}
grain: [account_id]
outputs: [csv]
source: OCC 2011-12 / SR 11-7 (known blind spots of rules); FATF, Opportunities and Challenges of New Technologies (2021)
runbook:
  - Read what made the score (anomaly_contributions) before the payments; unusual is not wrong.
  - Where several such accounts do the same, propose an indicator.
--- */
select
    a.account_id,
    a.anomaly_percentile,
    a.band,
    a.score,
    string_agg(c.feature, ';' order by c.share desc, c.feature asc) as features
from rm.flagged_accounts as a
inner join rm.anomaly_contributions as c on a.account_id = c.account_id and c.share >= $least_share
where
    a.anomaly_percentile >= $least_percentile
    and not exists (
        select 1 from rm.findings as f where f.account_id = a.account_id and f.state = 'found'
    )
group by a.account_id, a.anomaly_percentile, a.band, a.score
order by a.anomaly_percentile desc, a.account_id asc
