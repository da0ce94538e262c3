-- What every customer bought, did and said: of the last 12 months unless a column says otherwise.
-- The last 12 months end with the day and begin the day after the same day a year ago. Orders are sales; a refund takes
-- its money back and leaves the order counted.
-- grain: customer_id
-- seed: S3 二(一)1, 二(二)2; S2 §04; F079, F125, F127, F135, F144
with windows as (
    select
        cast($as_of - interval 12 month as date) as year_ago,
        cast($as_of - interval 6 month as date) as half_year_ago
),
bought as (
    select
        s.customer_id,
        min(s.ordered_on) filter (where not s.is_refund) as first_ordered_on,
        max(s.ordered_on) filter (where not s.is_refund) as last_ordered_on,
        count(*) filter (where not s.is_refund) as orders,
        count(*) filter (where not s.is_refund and s.ordered_on > w.year_ago) as orders_12m,
        count(*) filter (where s.is_refund and s.ordered_on > w.year_ago) as refunds_12m,
        sum(s.net_amount) as net_amount,
        sum(s.net_amount) filter (where s.ordered_on > w.year_ago) as net_amount_12m,
        sum(s.net_amount) filter (where s.ordered_on > w.half_year_ago) as net_amount_6m,
        sum(s.cost_amount) filter (where s.ordered_on > w.year_ago) as cost_amount_12m,
        count(*) filter (where s.ordered_on > w.year_ago and s.cost_amount is null) as uncosted_12m
    from dws.sales as s
    cross join windows as w
    group by s.customer_id
),
touched as (
    select
        t.customer_id,
        max(t.occurred_on) as last_touched_on,
        count(*) filter (where t.occurred_on > w.year_ago) as touches_12m,
        count(*) filter (where t.kind = 'visit' and t.occurred_on > w.year_ago) as visits_12m,
        count(*) filter (where t.kind = 'complaint' and t.occurred_on > w.year_ago) as complaints_12m,
        count(*) filter (where t.kind = 'login' and t.occurred_on > w.year_ago) as logins_12m
    from dws.touches as t
    cross join windows as w
    group by t.customer_id
),
answers as (
    select
        r.customer_id,
        r.kind,
        r.score,
        r.answered_on,
        row_number() over (
            partition by r.customer_id, r.kind order by r.answered_on desc nulls last, r.answer_id desc nulls last
        ) as position
    from dws.responses as r
    where r.customer_id is not null and r.score is not null and r.kind in ('csat', 'nps')
),
answered as (
    select
        a.customer_id,
        max(a.answered_on) as last_answered_on,
        max(a.score) filter (where a.kind = 'csat') as last_csat_score,
        max(a.score) filter (where a.kind = 'nps') as last_nps_score
    from answers as a
    where a.position = 1
    group by a.customer_id
)
select
    c.customer_id,                                                      -- Customer
    b.first_ordered_on,                                                 -- Day of the first order ever
    b.last_ordered_on,                                                  -- Day of the last order
    date_diff('day', b.last_ordered_on, $as_of) as recency_days,        -- Days since the last order; NULL if there is none
    coalesce(b.orders, 0) as orders,                                    -- Orders ever
    coalesce(b.orders_12m, 0) as orders_12m,                            -- Orders
    coalesce(b.refunds_12m, 0) as refunds_12m,                          -- Refunds
    cast(coalesce(b.net_amount, 0) as decimal(18, 2)) as net_amount,    -- Net spend ever, refunds taken off
    cast(coalesce(b.net_amount_12m, 0) as decimal(18, 2)) as net_amount_12m, -- Net spend
    cast(coalesce(b.net_amount_6m, 0) as decimal(18, 2)) as net_amount_6m, -- Net spend of the last 6 months
    case
        when b.uncosted_12m = 0
        then cast(coalesce(b.net_amount_12m, 0) - coalesce(b.cost_amount_12m, 0) as decimal(18, 2))
    end as margin_amount_12m,                                           -- Net spend less the cost of what was sold; NULL where the cost of any order is unknown
    p.currency,                                                         -- Currency of the amounts
    t.last_touched_on,                                                  -- Day of the last contact
    coalesce(t.touches_12m, 0) as touches_12m,                          -- Contacts of any kind
    coalesce(t.visits_12m, 0) as visits_12m,                            -- Visits paid
    coalesce(t.complaints_12m, 0) as complaints_12m,                    -- Complaints
    coalesce(t.logins_12m, 0) as logins_12m,                            -- Logins
    a.last_answered_on,                                                 -- Day of the last satisfaction or recommendation score
    a.last_csat_score,                                                  -- Last satisfaction score, on the scale of its survey
    a.last_nps_score                                                    -- Last recommendation score, 0-10
from dwd.customers as c
cross join plan.settings as p
left join bought as b on b.customer_id = c.customer_id
left join touched as t on t.customer_id = c.customer_id
left join answered as a on a.customer_id = c.customer_id
