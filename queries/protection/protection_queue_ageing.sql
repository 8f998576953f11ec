/* ---
name: protection_queue_ageing
title: Possible victims who wait for protection and referral, the longest waiting first
owner: protection-and-referral
schedule: "0 7 * * *"
zone: UTC
catch_up: all
params:
  as_of: {type: instant, default: today, doc: The instant up to which waiting is counted.}
  late_after_days: {type: int, default: 2, least: 0, doc: Days after which a row is late.}
grain: [alert_number]
outputs: [csv]
source: FinCEN FIN-2020-A008 (a possible victim is not the subject of a report; hotlines); Palermo Protocol, Article 6
runbook:
  - Refer by the house's route for protection; do not contact, close, freeze or limit anything.
  - Where a telephone or device is shared, contact may reach who controls; plan it with a support service.
  - What is not referred within the days of the parameter is raised with the person who answers for protection.
--- */
select
    c.number as alert_number,
    c.account_id,
    c.state,
    c.assignee,
    c.band,
    date_diff('day', c.opened_at, $as_of) as days_waiting,
    date_diff('day', c.opened_at, $as_of) > $late_after_days as is_late,
    c.assignee is null as is_unassigned,
    c.opened_at,
    c.changed_at
from casework.alerts as c
where
    c.queue = 'protect'
    and c.state <> 'closed'
    and c.opened_at <= $as_of
order by days_waiting desc, alert_number asc
