-- Who was in the campaign on which workday: the person-days that efficiency is measured by.
-- Workdays are Monday to Friday. People kept for comparison are not in it.
-- grain: staff_id, day
-- seed: S0 §1.1, §1.3, §2.2, §2.3; S4; F075, F076, F102, F177; I20, I60
with worked as (
    select distinct
        t.staff_id,
        t.occurred_on
    from dws.touches as t
    where t.kind in ('call', 'visit')
)
select
    s.staff_id,                                                         -- Member of staff
    d.day,                                                              -- Workday
    s.team_id,                                                          -- Team
    s.region as sales_region,                                           -- Region the person sells in
    s.role,                                                             -- Role in the campaign
    w.staff_id is not null as has_contact,                              -- Whether a call or visit of that day is on record
    coalesce(s.left_on <= $as_of, false)
    and d.day = max(d.day) over (partition by s.staff_id) as is_last_day -- Whether it is the last workday of somebody who has left
from dwd.staff as s
inner join plan.days as d
    on d.is_workday
    and (s.joined_on is null or d.day >= s.joined_on)
    and (s.left_on is null or d.day <= s.left_on)
left join worked as w
    on w.staff_id = s.staff_id
    and w.occurred_on = d.day
where not coalesce(s.is_control, false)
