/* ---
name: networks_new_or_grown
title: Networks that are new, or have more members than in the run before
owner: compliance-monitoring
schedule: "0 7 * * 1"
zone: UTC
catch_up: last
grain: [network_id]
outputs: [csv]
source: FinCEN FIN-2020-A008 (networks behind single accounts); FATF, Financial Flows from Human Trafficking (2018)
runbook:
  - Open the network and read what ties it; a telephone number of a call centre ties strangers.
  - Look at its new members first.
--- */
select
    n.network_id,
    n.kind,
    n.score,
    n.member_count,
    p.member_count as previous_member_count,
    case when p.network_id is null then 'new' else 'grown' end as change,
    count(m.account_id) filter (m.possible_role = 'possible_controller') as possible_controllers,
    count(m.account_id) filter (m.possible_role = 'possible_victim') as to_be_protected,
    n.first_at,
    n.last_at
from rm.networks as n
left join previous.networks as p on n.network_id = p.network_id
left join rm.network_members as m on n.network_id = m.network_id
where p.network_id is null or n.member_count > p.member_count
group by n.network_id, n.kind, n.score, n.member_count, p.network_id, p.member_count, n.first_at, n.last_at
order by n.score desc nulls last, n.network_id asc
