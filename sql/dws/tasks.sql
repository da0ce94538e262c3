-- Every task of the campaign: whether it is done, in time, how well, and by how many departments together.
-- The team is that of the task, else that of whoever answers for it.
-- grain: task_id
-- seed: S0 §3, §5.2; S1 表1; F059, F073, F116, F117, F123
with visit_kinds as (
    select l.member as kind
    from plan.lists as l
    where l.list = 'visit_task'
)
select
    t.task_id,                                                          -- Task
    t.stage,                                                            -- Stage of the campaign it belongs to
    t.kind,                                                             -- Kind of task
    coalesce(t.team_id, s.team_id) as team_id,                          -- Team that answers for it
    t.staff_id,                                                         -- Member of staff who answers for it
    s.region as sales_region,                                           -- Region that person sells in
    t.starts_on,                                                        -- First planned day
    t.due_on,                                                           -- Day it is to be done by
    t.done_on,                                                          -- Day it was done; NULL while it is not
    coalesce(t.done_on <= $as_of, false) as is_done,                    -- Whether it is done
    coalesce(t.done_on <= $as_of and t.done_on <= t.due_on, false) as is_on_time, -- Whether it was done by the day it was due
    t.due_on <= $as_of as is_due,                                       -- Whether its day has come
    v.kind is not null as is_visit,                                     -- Whether it is a visit to a customer, by the kinds the plan names
    t.planned_quantity,                                                 -- How much is to be done, in the unit of the task
    t.done_quantity,                                                    -- How much is done
    case
        when t.departments is null then 0
        else length(t.departments) - length(replace(replace(replace(t.departments, ',', ''), '，', ''), '、', '')) + 1
    end as departments,                                                 -- Departments that work on it together
    t.reworks                                                           -- How often it was sent back; NULL where nobody says
from dwd.tasks as t
left join dwd.staff as s on s.staff_id = t.staff_id
left join visit_kinds as v on v.kind = lower(t.kind)
