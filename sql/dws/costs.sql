-- One ledger of every cost: the same rows feed the cost per customer and the comparison with the budget.
-- The channel is that of the bill, else that of the campaign activity it was for.
-- Money of another currency is turned into the plan's by the rate of the day the cost belongs to.
-- grain: cost_id
-- seed: S0 §3.2, §5.3; S1 三; F089, F101; I12
with rates as (
    select
        r.currency,
        r.rate,
        r.day as valid_from,
        lead(r.day) over (partition by r.currency order by r.day nulls last) as valid_until
    from dwd.rates as r
),
team_regions as (
    select
        s.team_id,
        min(s.region) as region
    from dwd.staff as s
    group by s.team_id
    having count(distinct s.region) = 1
)
select
    e.expense_id as cost_id,                                            -- Cost line, the number finance gave the expense
    e.spent_on,                                                         -- Day it belongs to
    in_plan_currency(e.amount, e.currency, p.currency, x.rate) as amount, -- Amount
    p.currency,                                                         -- Currency of the amount
    e.amount as original_amount,                                        -- Amount in the currency of the bill
    e.currency as original_currency,                                    -- Currency of the bill
    e.category,                                                         -- labour, media, material, event, commission or other
    e.category <> 'labour' as is_marketing,                             -- Whether it is part of the marketing scope: everything but labour
    coalesce(e.channel, c.channel) is not null or e.campaign_id is not null as is_direct, -- Whether it names what it was spent on, a channel or a campaign activity; the rest is for all of them
    coalesce(e.channel, c.channel) as channel,                          -- Channel it was spent on
    e.team_id,                                                          -- Team it was spent by
    cast(null as varchar) as staff_id,                                  -- Costs are not known by person
    cast(null as varchar) as region,                                    -- Costs are not known by the customer's region
    t.region as sales_region,                                           -- Region of the team where all of it sells in one
    cast(null as varchar) as product,                                   -- Costs are not known by product
    e.campaign_id                                                       -- Campaign activity it was for
from dwd.expenses as e
cross join plan.settings as p
left join rates as x
    on x.currency = e.currency
    and e.spent_on >= x.valid_from
    and (e.spent_on < x.valid_until or x.valid_until is null)
left join dwd.campaigns as c on c.campaign_id = e.campaign_id
left join team_regions as t on t.team_id = e.team_id
