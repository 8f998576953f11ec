/* ---
name: fields_that_are_missing
title: Fields that no export brings, and the indicators that cannot be judged without them
owner: data-quality
schedule: "0 5 * * 1"
zone: UTC
catch_up: last
grain: [missing_field]
outputs: [csv]
source: FFIEC BSA/AML Manual, data quality and completeness of monitoring; Wolfsberg Group (2021)
runbook:
  - Ask the system owner for the field that opens most indicators first; map it and load the export anew.
--- */
select
    missing_field,
    count(distinct indicator_id) as indicator_count,
    string_agg(distinct indicator_id, ';' order by indicator_id) as indicators,
    count(distinct account_id) as accounts_not_judged,
    bool_or(account_id is null) as is_missing_everywhere
from rm.findings
where state = 'not_evaluable' and missing_field is not null
group by missing_field
order by indicator_count desc, missing_field asc
