-- Who was in the campaign on which workday: the person-days that efficiency is measured by.
-- Workdays are Monday to Friday. People kept for comparison are not in it.
-- grain: staff_id, day
-- seed: S0 §1.1, §1.3, §2.2, §2.3; F075, F076; I20, I60
select
    s.staff_id,                                                         -- Member of staff
    d.day,                                                              -- Workday
    s.team_id,                                                          -- Team
    s.region as sales_region,                                           -- Region the person sells in
    s.role                                                              -- Role in the campaign
from dwd.staff as s
inner join plan.days as d
    on d.is_workday
    and (s.joined_on is null or d.day >= s.joined_on)
    and (s.left_on is null or d.day <= s.left_on)
where not coalesce(s.is_control, false)
