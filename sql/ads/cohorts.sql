-- What became of the customers who ordered first in a month, month by month since: retention, revenue, payback.
-- The channel is that of the first order. A month that is not over has what there is so far and no retention. Money
-- given back before the first order counts in the first month. Cost is that of the cohort's month in the cost ledger, in
-- the scope of the plan's official cost per customer: of a channel what names it, so that wages are in the total alone.
-- Margin is that of orders whose cost is known; for the others the plan's rate stands in, or else the cohort's own where
-- enough is known, by the plan. The cost is paid back by margin, or by revenue where there is no margin.
-- grain: cohort, dimension, member, age_months
-- seed: S0 §3, §3.1, §5.2; S2 §03; S3; F080, F081, F096; I24; X02, X11
with sources as (
    select
        max(case when s.table_name in ('orders', 'customers') and s.state = 'withheld' then 1 else 0 end) = 1
            as is_withheld,
        max(case when s.table_name = 'expenses' and s.state = 'withheld' then 1 else 0 end) = 1 as is_cost_withheld,
        max(case when s.state <> 'final' then 1 else 0 end) = 1 as is_provisional,
        max(case when s.table_name = 'orders' and s.state <> 'final' then 'orders: ' || coalesce(s.reason, s.state) end)
            as order_reason,
        max(
            case when s.table_name = 'customers' and s.state <> 'final' then 'customers: ' || coalesce(s.reason, s.state) end
        ) as customer_reason,
        max(
            case when s.table_name = 'expenses' and s.state <> 'final' then 'expenses: ' || coalesce(s.reason, s.state) end
        ) as cost_reason,
        max(
            case when s.table_name = 'orders' and s.state <> 'final' then '订单：' || coalesce(s.reason_zh, s.state) end
        ) as order_reason_zh,
        max(
            case when s.table_name = 'customers' and s.state <> 'final' then '客户：' || coalesce(s.reason_zh, s.state) end
        ) as customer_reason_zh,
        max(
            case when s.table_name = 'expenses' and s.state <> 'final' then '费用：' || coalesce(s.reason_zh, s.state) end
        ) as cost_reason_zh
    from dq.source_states as s
    where s.table_name in ('orders', 'customers', 'expenses')
),
cohorts as (
    select
        a.cohort,
        a.cohort_start,
        a.cohort_end,
        a.month_number
    from plan.cohort_ages as a
    where a.age_months = 0
),
starts as (
    select
        s.customer_id,
        c.cohort,
        c.month_number,
        coalesce(s.channel, '(unknown)') as channel
    from dws.sales as s
    inner join cohorts as c on s.ordered_on >= c.cohort_start and s.ordered_on < c.cohort_end
    cross join sources as x
    where s.is_first_order and not coalesce(x.is_withheld, false)
),
sized as (
    select
        s.cohort,
        case when s.channel is null then 'total' else 'channel' end as dimension,
        coalesce(s.channel, '(all)') as member,
        count(*) as customers
    from starts as s
    group by grouping sets ((s.cohort), (s.cohort, s.channel))
),
visits as (
    select
        s.cohort,
        s.channel,
        s.customer_id,
        greatest(year(o.ordered_on) * 12 + month(o.ordered_on) - s.month_number, 0) as age_months,
        max(case when o.is_refund then 0 else 1 end) as is_active,
        sum(o.net_amount) as revenue,
        sum(o.margin_amount) as known_margin,
        sum(case when o.margin_amount is not null then o.net_amount end) as known_revenue,
        sum(abs(o.net_amount)) as turnover,
        sum(case when o.margin_amount is not null then abs(o.net_amount) end) as known_turnover
    from dws.sales as o
    inner join starts as s on s.customer_id = o.customer_id
    where o.ordered_on <= $as_of
    group by
        s.cohort,
        s.channel,
        s.customer_id,
        greatest(year(o.ordered_on) * 12 + month(o.ordered_on) - s.month_number, 0)
),
bought as (
    select
        v.cohort,
        case when v.channel is null then 'total' else 'channel' end as dimension,
        coalesce(v.channel, '(all)') as member,
        v.age_months,
        sum(v.is_active) as active_customers,
        sum(v.revenue) as revenue,
        sum(v.known_margin) as known_margin,
        sum(v.known_revenue) as known_revenue,
        sum(v.turnover) as turnover,
        sum(v.known_turnover) as known_turnover
    from visits as v
    group by grouping sets ((v.cohort, v.age_months), (v.cohort, v.age_months, v.channel))
),
spending as (
    select
        c.cohort,
        coalesce(e.channel, '(unknown)') as channel,
        e.amount
    from dws.costs as e
    inner join cohorts as c on e.spent_on >= c.cohort_start and e.spent_on < c.cohort_end
    cross join plan.cohort_rules as r
    cross join sources as x
    where (e.is_marketing or not r.is_marketing_only) and not coalesce(x.is_cost_withheld, false)
),
spent as (
    select
        e.cohort,
        case when e.channel is null then 'total' else 'channel' end as dimension,
        coalesce(e.channel, '(all)') as member,
        cast(sum(e.amount) as decimal(18, 2)) as cost
    from spending as e
    group by grouping sets ((e.cohort), (e.cohort, e.channel))
),
members as (
    select
        c.cohort,
        'total' as dimension,
        '(all)' as member
    from cohorts as c
    union all
    select
        s.cohort,
        s.dimension,
        s.member
    from sized as s
    where s.dimension = 'channel'
),
aged as (
    select
        a.cohort,
        a.cohort_start,
        m.dimension,
        m.member,
        a.age_months,
        a.is_complete,
        a.is_cohort_complete,
        max(a.age_months) over (partition by a.cohort, m.dimension, m.member) as oldest_months,
        case when not coalesce(x.is_withheld, false) then coalesce(s.customers, 0) end as customers,
        case when not coalesce(x.is_withheld, false) then coalesce(b.active_customers, 0) end as active_customers,
        case when not coalesce(x.is_withheld, false) then coalesce(b.revenue, 0) end as revenue,
        coalesce(b.known_margin, 0) as known_margin,
        coalesce(b.revenue, 0) - coalesce(b.known_revenue, 0) as unknown_revenue,
        cast(coalesce(sum(b.known_turnover) over (partition by a.cohort, m.dimension, m.member), 0) as double)
        / nullif(cast(sum(b.turnover) over (partition by a.cohort, m.dimension, m.member) as double), 0)
            as margin_coverage,
        cast(sum(b.known_margin) over (partition by a.cohort, m.dimension, m.member) as double)
        / nullif(cast(sum(b.known_revenue) over (partition by a.cohort, m.dimension, m.member) as double), 0)
            as own_margin_rate,
        e.cost,
        x.is_withheld,
        x.is_cost_withheld,
        x.is_provisional,
        x.order_reason,
        x.customer_reason,
        x.cost_reason,
        x.order_reason_zh,
        x.customer_reason_zh,
        x.cost_reason_zh
    from members as m
    inner join plan.cohort_ages as a on a.cohort = m.cohort
    cross join sources as x
    left join sized as s on s.cohort = m.cohort and s.dimension = m.dimension and s.member = m.member
    left join bought as b
        on b.cohort = m.cohort and b.dimension = m.dimension and b.member = m.member and b.age_months = a.age_months
    left join spent as e on e.cohort = m.cohort and e.dimension = m.dimension and e.member = m.member
),
sourced as (
    select
        g.*,
        r.cost_scope,
        r.margin_rate as plan_margin_rate,
        case
            when g.margin_coverage = 1 then 'orders'
            when g.margin_coverage is not null and r.margin_rate is not null then 'plan'
            when g.margin_coverage >= r.margin_coverage and g.own_margin_rate is not null then 'cohort'
        end as margin_source
    from aged as g
    cross join plan.cohort_rules as r
),
earned as (
    select
        u.*,
        case u.margin_source
            when 'orders' then cast(u.known_margin as decimal(18, 2))
            when 'plan'
            then cast(
                round(cast(u.known_margin as double) + cast(u.unknown_revenue as double) * u.plan_margin_rate, 2) as decimal(18, 2)
            )
            when 'cohort'
            then cast(
                round(cast(u.known_margin as double) + cast(u.unknown_revenue as double) * u.own_margin_rate, 2) as decimal(18, 2)
            )
        end as margin
    from sourced as u
),
summed as (
    select
        e.*,
        sum(e.revenue) over (
            partition by e.cohort, e.dimension, e.member order by e.age_months nulls last
            rows between unbounded preceding and current row
        ) as revenue_so_far,
        sum(e.margin) over (
            partition by e.cohort, e.dimension, e.member order by e.age_months nulls last
            rows between unbounded preceding and current row
        ) as margin_so_far
    from earned as e
),
covered as (
    select
        s.*,
        case when s.margin_source is null then 'revenue' else 'margin' end as payback_basis,
        case when s.margin_source is null then s.revenue_so_far else s.margin_so_far end as earned_so_far
    from summed as s
),
paid as (
    select
        c.*,
        min(case when c.is_cohort_complete and c.customers > 0 and c.earned_so_far >= c.cost then c.age_months end)
            over (partition by c.cohort, c.dimension, c.member) as payback_months,
        max(case when c.age_months = c.oldest_months then c.earned_so_far end)
            over (partition by c.cohort, c.dimension, c.member) as earned_by_now
    from covered as c
)
select
    p.cohort,                                                           -- Month of the first order, 2026-09
    p.cohort_start,                                                     -- First day of that month
    p.dimension,                                                        -- total or channel
    p.member,                                                           -- Channel of the first order; (all) of the total, (unknown) where none is known
    p.age_months,                                                       -- Months since: 0 is the month of the first order
    p.is_complete,                                                      -- Whether the month of that age is over; of a month that is not, figures are those so far
    cast(p.customers as bigint) as customers,                           -- Customers of the cohort
    cast(p.active_customers as bigint) as active_customers,             -- Of them, customers with an order in the month of that age
    case
        when p.is_complete then cast(p.active_customers as double) / nullif(cast(p.customers as double), 0)
    end as retention_rate,                                              -- Part of the cohort that ordered in the month, 0-1; NULL while the month is not over, and of a cohort of nobody
    cast(p.revenue as decimal(18, 2)) as revenue_amount,                -- Net revenue of the month from the cohort
    cast(p.revenue_so_far as decimal(18, 2)) as cumulative_revenue_amount, -- Net revenue from the first month up to this
    cast(round(cast(p.revenue_so_far as double) / nullif(cast(p.customers as double), 0), 2) as decimal(18, 2))
        as cumulative_revenue_per_customer_amount,                      -- The same per customer of the cohort: what one has brought so far
    p.margin as margin_amount,                                          -- Revenue less the cost of what was sold; NULL where too little of it is known
    cast(p.margin_so_far as decimal(18, 2)) as cumulative_margin_amount, -- Margin from the first month up to this
    p.margin_source,                                                    -- orders: every cost is known; plan, cohort: rate that stands in for what is not known; NULL where there is no margin
    p.margin_coverage as margin_coverage_rate,                          -- Part of the cohort's turnover whose cost is known, 0-1
    p.cost as acquisition_cost_amount,                                  -- Cost of the cohort's month, of a channel what names it; NULL where none is booked, which is not 0
    p.cost_scope,                                                       -- full, or marketing: without wages
    cast(round(cast(p.cost as double) / nullif(cast(p.customers as double), 0), 2) as decimal(18, 2))
        as cost_per_customer_amount,                                    -- Cost per customer of the cohort
    p.payback_basis,                                                    -- margin or revenue: what is held against the cost
    case when p.customers > 0 and p.cost > 0 then cast(p.earned_so_far as double) / cast(p.cost as double) end
        as cost_covered_rate,                                           -- Margin, or revenue, up to this month / cost
    p.payback_months,                                                   -- Age at which the cost was covered first; NULL with a reason
    case
        when p.payback_months is not null then null
        when p.is_withheld then '订单或客户数据不可用'
        when p.customers = 0 then '当月没有新增客户'
        when p.is_cost_withheld then '费用数据不可用'
        when p.cost is null then '当月没有记录到相应费用'
        when not p.is_cohort_complete then '当月尚未结束，客户与费用还会增加'
        else '尚未收回：截至目前' || case when p.payback_basis = 'margin' then '毛利' else '收入' end
            || case when p.cost > 0 then '为成本的 ' || percent_text(cast(p.earned_by_now as double) / cast(p.cost as double)) else '为负' end
    end as payback_reason_zh,                                           -- Why there is no payback, in Chinese
    case
        when p.payback_months is not null then null
        when p.is_withheld then 'there are no usable orders or customers'
        when p.customers = 0 then 'no customer was won in the month'
        when p.is_cost_withheld then 'there are no usable expenses'
        when p.cost is null then 'no such cost is booked in the month'
        when not p.is_cohort_complete then 'the month is not over: customers and cost will be added'
        else 'not yet: so far ' || p.payback_basis || ' is '
            || case
                when p.cost > 0 then percent_text(cast(p.earned_by_now as double) / cast(p.cost as double)) || ' of the cost'
                else 'below 0'
            end
    end as payback_reason_en,                                           -- The same in English
    s.currency,                                                         -- Currency of the amounts
    case when p.is_withheld then 'withheld' when p.is_provisional then 'provisional' else 'final' end as state, -- final, provisional or withheld, as orders, customers and expenses are; without expenses the rest is provisional
    nullif(concat_ws('; ', p.order_reason, p.customer_reason, p.cost_reason), '') as reason, -- Why it is not final; NULL where there is nothing to say
    nullif(concat_ws('；', p.order_reason_zh, p.customer_reason_zh, p.cost_reason_zh), '') as reason_zh -- The same in Chinese
from paid as p
cross join plan.settings as s
