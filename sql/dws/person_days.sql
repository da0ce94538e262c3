-- Days every member of staff was on the roster in a campaign, baseline, quarter or month: what results of people are
-- divided by.
-- Calendar days from the day joined to the day left, both included, up to the day evaluated. The team is the one the
-- roster names on the day evaluated: it keeps no history of moves. Those kept for comparison are in it, weekends too:
-- whom efficiency is measured by, on which workdays, is dws.people_days.
-- grain: period_kind, period, staff_id
-- seed: S0 §1.1, §1.3; F013, F075; I20; U19
with rosters as (
    select
        s.staff_id,
        s.team_id,
        s.team_name,
        s.region,
        s.is_control,
        s.joined_on,
        coalesce(cast(s.left_on + interval 1 day as date), p.period_end) as gone_on,
        p.period_kind,
        p.period,
        p.period_start,
        p.period_end
    from dwd.staff as s
    inner join plan.periods as p
        on s.joined_on < p.period_end
        and (s.left_on is null or s.left_on >= p.period_start)
    where p.period_kind in ('campaign', 'baseline', 'quarter', 'month')
)
select
    r.period_kind,                                                      -- campaign, baseline, quarter or month
    r.period,                                                           -- Period: 2026-11, 2026-Q4, campaign or baseline
    r.period_start,                                                     -- First day of the period
    r.period_end,                                                       -- The day after its last one; a running period ends with the day
    r.staff_id,                                                         -- Member of staff
    r.team_id,                                                          -- Team
    r.team_name,                                                        -- Name of the team
    r.region as sales_region,                                           -- Region sold in
    coalesce(r.is_control, false) as is_control,                        -- Whether kept out of the campaign to compare with
    date_diff(
        'day',
        case when r.joined_on > r.period_start then r.joined_on else r.period_start end,
        case when r.gone_on < r.period_end then r.gone_on else r.period_end end
    ) as roster_days                                                    -- Days on the roster within the period, at least 1
from rosters as r
