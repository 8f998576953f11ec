/* ---
name: networks_with_persons_to_protect
title: Networks that hold possible victims and a possible controller, without naming accounts
owner: protection-and-referral
schedule: "30 7 * * *"
zone: UTC
catch_up: all
grain: [network_id]
outputs: [csv]
source: FinCEN FIN-2020-A008; FATF, Financial Flows from Human Trafficking (2018)
runbook:
  - Plan for all who are to be protected before anybody is asked anything; one contact warns the whole network.
  - Open the network with the reason written down.
--- */
select
    m.network_id,
    n.kind,
    n.score,
    count(*) filter (a.possible_role = 'possible_victim') as to_be_protected,
    count(*) filter (a.possible_role = 'possible_controller') as possible_controllers,
    count(*) as member_count,
    n.last_at
from rm.network_members as m
inner join rm.networks as n on m.network_id = n.network_id
inner join rm.flagged_accounts as a on m.account_id = a.account_id
group by m.network_id, n.kind, n.score, n.last_at
having
    count(*) filter (a.possible_role = 'possible_victim') > 0
    and count(*) filter (a.possible_role = 'possible_controller') > 0
order by to_be_protected desc, n.score desc nulls last, m.network_id asc
