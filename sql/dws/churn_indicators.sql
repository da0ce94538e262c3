-- The risk each indicator of churn sees in a customer: 0 where it is calm, 1 where it is alarming, as the plan draws the
-- two limits, and in proportion between them. Customers of whom nothing at all can be told are not here.
-- grain: customer_id, indicator
-- seed: S4 流失预警干预; S2 §04; F144; I39
with known as (
    select distinct v.customer_id
    from dws.churn_values as v
)
select
    k.customer_id,                                                      -- Customer
    i.indicator,                                                        -- Indicator of the plan
    v.value is not null as is_told,                                     -- Whether it can be told of the customer
    v.value,                                                            -- What it comes to, as plan.churn_indicators defines it; NULL if it can't be told
    v.observed,                                                         -- The number of the customer behind it, as of late
    v.compared_with,                                                    -- The number it is compared with; NULL where there is none
    cast(round(risk_of(v.value, i.calm, i.alarm), 6) as decimal(9, 6)) as risk, -- 0-1; NULL if it can't be told
    cast(round(i.weight, 6) as decimal(12, 6)) as weight                -- Its weight in the score
from known as k
cross join plan.churn_indicators as i
left join dws.churn_values as v on v.customer_id = k.customer_id and v.indicator = i.indicator
