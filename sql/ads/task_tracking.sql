-- The list of tasks as it is gone through every week: who, by when, how far, what stands in the way, what comes next.
-- What the next step says is still open is held against planned less done. The number is taken from its words:
-- 剩余2家, 还剩 2, "remaining 2".
-- grain: task_id
-- seed: S1 表1; S2 §05; F058, F059, F116, F117; I54
with judged as (
    select
        t.task_id,
        t.name,
        t.stage,
        t.kind,
        t.staff_id,
        t.accountable_id,
        t.consulted,
        t.informed,
        t.team_id,
        t.starts_on,
        t.due_on,
        t.done_on,
        t.planned_quantity,
        t.done_quantity,
        t.planned_quantity - t.done_quantity as open_quantity,
        t.problem,
        t.measure,
        t.next_step,
        t.departments,
        case
            when t.done_on <= t.due_on then 'on_time'
            when t.done_on is not null then 'late'
            when t.due_on < $as_of then 'overdue'
            else 'open'
        end as task_state,
        try_cast(
            nullif(
                regexp_extract(t.next_step, '(剩余|余下|还剩|尚余|remaining|Remaining)[^0-9]{0,3}([0-9]+([.][0-9]+)?)', 2), ''
            ) as double
        ) as carried_quantity
    from dwd.tasks as t
),
worded as (
    select
        j.*,
        regexp_replace(cast(j.open_quantity as varchar), '[.]0$', '') as open_text,
        regexp_replace(cast(j.carried_quantity as varchar), '[.]0$', '') as carried_text,
        j.done_on is not null or j.due_on < $as_of as is_due
    from judged as j
)
select
    j.task_id,                                                          -- Task
    j.stage as task_stage,                                              -- Stage of the campaign
    j.name as task_name,                                                -- What is to be done
    j.kind as task_kind,                                                -- Kind of task
    j.staff_id,                                                         -- Who answers for it
    j.accountable_id,                                                   -- Who signs it off
    j.consulted,                                                        -- Who is asked before it is done
    j.informed,                                                         -- Who is told once it is done
    case
        when j.staff_id is not null and j.accountable_id is not null then 'complete'
        when j.staff_id is not null then 'no_accountable'
        when j.accountable_id is not null then 'no_responsible'
        else 'nobody'
    end as duty_state,                                                  -- complete, no_accountable, no_responsible or nobody: who of the two that a task needs is named
    j.team_id,                                                          -- Team that answers for it
    j.starts_on,                                                        -- First planned day
    j.due_on,                                                           -- Day it is to be done by
    j.done_on,                                                          -- Day it was done; NULL while it is not
    j.planned_quantity,                                                 -- How much is to be done, in the unit of the task
    j.done_quantity,                                                    -- How much is done
    j.open_quantity,                                                    -- Planned less done; below 0 is more than planned
    j.problem,                                                          -- What stands in the way, as its owner wrote it
    j.measure,                                                          -- What is done about it
    j.next_step,                                                        -- What comes next
    j.departments,                                                      -- Departments that work on it together
    j.task_state,                                                       -- on_time or late if done, overdue or open if not
    case
        when j.done_on > j.due_on then date_diff('day', j.due_on, j.done_on)
        when j.task_state = 'overdue' then date_diff('day', j.due_on, $as_of)
        else 0
    end as late_days,                                                   -- Days past the due day, until it was done or until the day evaluated
    j.carried_quantity,                                                 -- What the next step says is still open; NULL where it says no number
    case
        when j.carried_quantity is null or j.open_quantity is null then 'not_told'
        when j.carried_quantity = j.open_quantity then 'agrees'
        else 'differs'
    end as carry_state,                                                 -- agrees, differs or not_told: the next step's open quantity against planned less done
    case
        when j.carried_quantity <> j.open_quantity
        then '计划减完成为 ' || j.open_text || '，下一步计划写的是 ' || j.carried_text || '。'
    end as carry_zh,                                                    -- Where they differ, both numbers, in Chinese
    case
        when j.carried_quantity <> j.open_quantity
        then 'Planned less done is ' || j.open_text || ', the next step says ' || j.carried_text || '.'
    end as carry_en,                                                    -- Where they differ, both numbers, in English
    cast(sum(case when j.is_due then 1 else 0 end) over (partition by j.stage) as bigint) as stage_due,                                                   -- Tasks of the stage that are done or past their due day
    cast(sum(case when j.task_state = 'on_time' then 1 else 0 end) over (partition by j.stage) as double)
    / nullif(cast(sum(case when j.is_due then 1 else 0 end) over (partition by j.stage) as double), 0)
        as stage_on_time_rate                                             -- Part of these done by their due day, 0-1; NULL while none is due
from worded as j
