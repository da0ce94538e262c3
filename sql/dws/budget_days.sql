-- Every budget line, day by day: in equal parts to the cent, so that the days of a line add up to it exactly.
-- Money of another currency is turned into the plan's by the rate of the day the line begins.
-- grain: budget_id, day
-- seed: S0 §3.2, §6; S4; F097, F102; I10, I16
with rates as (
    select
        r.currency,
        r.rate,
        r.day as valid_from,
        lead(r.day) over (partition by r.currency order by r.day nulls last) as valid_until
    from dwd.rates as r
),
lines as (
    select
        b.budget_id,
        b.starts_on,
        b.ends_on,
        b.category,
        b.channel,
        b.team_id,
        in_plan_currency(b.amount, b.currency, p.currency, x.rate) as amount,
        date_diff('day', b.starts_on, b.ends_on) + 1 as days
    from dwd.budgets as b
    cross join plan.settings as p
    left join rates as x
        on x.currency = b.currency
        and b.starts_on >= x.valid_from
        and (b.starts_on < x.valid_until or x.valid_until is null)
)
select
    l.budget_id,                                                        -- Budget line
    d.day,                                                              -- Day
    l.category,                                                         -- Kind of cost it is for
    l.channel,                                                          -- Channel it is for
    l.team_id,                                                          -- Team it is for
    cast(round(cast(l.amount as double) * (date_diff('day', l.starts_on, d.day) + 1) / l.days, 2) as decimal(18, 2))
    - cast(round(cast(l.amount as double) * date_diff('day', l.starts_on, d.day) / l.days, 2) as decimal(18, 2))
        as amount,                                                      -- The day's part of the line
    p.currency                                                          -- Currency of the amount
from lines as l
cross join plan.settings as p
inner join plan.days as d on d.day >= l.starts_on and d.day <= l.ends_on
