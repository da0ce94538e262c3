-- Every campaign activity with those who took part, as far as it has begun: customers or leads that were there, each once.
-- grain: campaign_id
-- seed: S0 §1.2, §2; S1 三; S3 三(三); F074, F077; I20, I21
with took_part as (
    select
        t.campaign_id,
        count(distinct coalesce(t.customer_id, t.lead_id)) as participants,
        count(*) as attendances
    from dws.touches as t
    where t.campaign_id is not null and t.is_attendance
    group by t.campaign_id
)
select
    c.campaign_id,                                                      -- Campaign activity
    c.kind,                                                             -- Kind of activity
    c.channel,                                                          -- Channel it runs on
    s.team_id,                                                          -- Team of whoever runs it
    c.owner_id as staff_id,                                             -- Member of staff who runs it
    s.region as sales_region,                                           -- Region that person sells in
    c.starts_on,                                                        -- First day
    c.ends_on,                                                          -- Last day
    c.expected_participants,                                            -- Planned number of participants
    case when c.expected_participants > 0 then coalesce(a.participants, 0) end as planned_participants, -- Different participants, where a number was planned
    coalesce(a.participants, 0) as participants,                        -- Different participants so far
    coalesce(a.attendances, 0) as attendances                           -- Times any of them took part
from dwd.campaigns as c
left join took_part as a on a.campaign_id = c.campaign_id
left join dwd.staff as s on s.staff_id = c.owner_id
where c.starts_on <= $as_of
