-- The place of every customer between value to come and profit made: strategic, high potential, basic or inefficient.
-- Value is what dws.customer_value counts, profit the margin of the last 12 months, by the customer's margin rate where
-- the cost of an order is unknown. High begins at the plan's amount, else at the median of the customers of whom both
-- are known. Growth stands beside: net spend of the last 6 months against the 6 before.
-- grain: customer_id
-- seed: S2 §01; F128; I35
with measured as (
    select
        v.customer_id,
        v.clv_amount,
        v.clv_measure,
        v.clv_reason_zh,
        v.clv_reason_en,
        case
            when a.orders > 0
            then coalesce(
                a.margin_amount_12m, cast(round(v.margin_rate * cast(a.net_amount_12m as double), 2) as decimal(18, 2))
            )
        end as profit_amount,
        a.orders,
        a.net_amount_6m as recent_amount,
        a.net_amount_12m - a.net_amount_6m as earlier_amount
    from dws.customer_value as v
    inner join dws.customer_activity as a on a.customer_id = v.customer_id
),
ranked as (
    select
        m.clv_amount,
        m.profit_amount,
        row_number() over (order by m.clv_amount nulls last, m.customer_id nulls last) as clv_position,
        row_number() over (order by m.profit_amount nulls last, m.customer_id nulls last) as profit_position,
        count(*) over () as customers
    from measured as m
    where m.clv_amount is not null and m.profit_amount is not null
),
medians as (
    select
        avg(cast(r.clv_amount as double)) filter (where r.clv_position * 2 between r.customers and r.customers + 2)
            as clv_median,
        avg(cast(r.profit_amount as double)) filter (where r.profit_position * 2 between r.customers and r.customers + 2)
            as profit_median
    from ranked as r
),
drawn as (
    select
        cast(round(coalesce(x.value_from, m.clv_median), 2) as decimal(18, 2)) as clv_from,
        cast(round(coalesce(x.profit_from, m.profit_median), 2) as decimal(18, 2)) as profit_from,
        case
            when x.value_from is null and x.profit_from is null then 'median'
            when x.value_from is null or x.profit_from is null then 'plan_and_median'
            else 'plan'
        end as rule_id
    from medians as m
    cross join plan.matrix as x
),
limits as (
    select
        d.clv_from,
        d.profit_from,
        d.rule_id,
        money_text(d.clv_from) as clv_from_text,
        money_text(d.profit_from) as profit_from_text
    from drawn as d
),
placed as (
    select
        m.customer_id,
        m.clv_amount,
        m.clv_measure,
        m.clv_reason_zh,
        m.clv_reason_en,
        m.profit_amount,
        m.recent_amount,
        m.earlier_amount,
        l.clv_from,
        l.profit_from,
        l.clv_from_text,
        l.profit_from_text,
        m.clv_amount >= l.clv_from as is_valuable,
        m.profit_amount >= l.profit_from as is_profitable,
        case
            when m.orders = 0 then 'no_order'
            when m.clv_amount is null then 'value_unknown'
            when m.profit_amount is null then 'profit_unknown'
            else l.rule_id
        end as rule_id,
        case
            when m.earlier_amount > 0
            then cast((m.recent_amount - m.earlier_amount) * 100 as double) / cast(m.earlier_amount * 100 as double)
        end as growth_rate
    from measured as m
    cross join limits as l
),
classed as (
    select
        p.customer_id,
        p.clv_amount,
        p.clv_measure,
        p.clv_reason_zh,
        p.clv_reason_en,
        p.clv_from,
        p.clv_from_text,
        p.is_valuable,
        p.profit_amount,
        p.profit_from,
        p.profit_from_text,
        p.is_profitable,
        p.growth_rate,
        money_text(p.clv_amount) as clv_text,
        money_text(p.profit_amount) as profit_text,
        percent_text(abs(p.growth_rate)) as growth_text,
        p.rule_id,
        case
            when p.rule_id in ('no_order', 'value_unknown', 'profit_unknown') then 'unknown'
            when p.is_valuable and p.is_profitable then 'strategic'
            when p.is_valuable then 'high_potential'
            when p.is_profitable then 'basic'
            else 'inefficient'
        end as class_id,
        case
            when p.growth_rate > 0 then 'growing'
            when p.growth_rate < 0 then 'shrinking'
            when p.growth_rate = 0 then 'steady'
            when p.recent_amount > 0 then 'started'
            else 'none'
        end as growth_id
    from placed as p
)
select
    m.customer_id,                                                      -- Customer
    m.clv_amount,                                                       -- Value to come; NULL where it can't be told
    m.clv_measure,                                                      -- model: margin of the spend to expect in 12 months; simple: margin x order value x frequency x lifetime
    m.clv_from as clv_high_amount,                                      -- From this value on it is high; NULL where no value is known
    m.profit_amount,                                                    -- Margin of the last 12 months; NULL where it can't be told, or without an order
    m.profit_from as profit_high_amount,                                -- From this profit on it is high; NULL where no profit is known
    s.currency,                                                         -- Currency of the amounts
    m.growth_rate,                                                      -- Net spend of the last 6 months over that of the 6 before, less 1; NULL where nothing was spent before
    m.growth_id,                                                        -- growing, steady, shrinking; started: nothing spent before; none: nothing spent in 12 months
    m.class_id,                                                         -- strategic, high_potential, basic, inefficient, or unknown
    m.rule_id,                                                          -- What decided: limits of the plan, the median, plan_and_median; no_order, value_unknown or profit_unknown
    k.label_zh,                                                         -- Name of the class in Chinese
    k.label_en,                                                         -- Name of the class in English
    case m.rule_id
        when 'no_order' then '尚未下单，无法判断价值与利润。'
        when 'value_unknown' then '客户价值无法得知（' || m.clv_reason_zh || '）。'
        when 'profit_unknown' then '近 12 个月利润无法得知：部分订单没有成本，方案也没有给定毛利率。'
        else case m.clv_measure when 'model' then '预计未来 12 个月价值 ' else '生命周期价值 ' end
            || m.clv_text || ' ' || s.currency_zh
            || case when m.is_valuable then '，达到分界线 ' else '，低于分界线 ' end || m.clv_from_text
            || '；近 12 个月利润 ' || m.profit_text || ' ' || s.currency_zh
            || case when m.is_profitable then '，达到分界线 ' else '，低于分界线 ' end || m.profit_from_text
            || case m.growth_id
                when 'growing' then '；近 6 个月净消费比前 6 个月增长 ' || m.growth_text
                when 'shrinking' then '；近 6 个月净消费比前 6 个月下降 ' || m.growth_text
                when 'steady' then '；近 6 个月净消费与前 6 个月持平'
                when 'started' then '；近 6 个月有净消费，前 6 个月没有'
                else '；近 12 个月没有净消费'
            end || '，划为' || k.label_zh || '。'
    end as sentence_zh,                                                 -- Why, in Chinese, with the customer's own numbers
    case m.rule_id
        when 'no_order' then 'No order yet, so neither value nor profit can be told.'
        when 'value_unknown' then 'Value to come can''t be told (' || m.clv_reason_en || ').'
        when 'profit_unknown'
        then 'Profit of the last 12 months can''t be told: orders lack their cost, and the plan declares no margin.'
        else case m.clv_measure when 'model' then 'Value to come in 12 months ' else 'Lifetime value ' end
            || m.clv_text || ' ' || s.currency
            || case when m.is_valuable then ', at or above ' else ', below ' end || m.clv_from_text
            || '; profit of the last 12 months ' || m.profit_text || ' ' || s.currency
            || case when m.is_profitable then ', at or above ' else ', below ' end || m.profit_from_text
            || case m.growth_id
                when 'growing' then '; net spend of the last 6 months up ' || m.growth_text || ' on the 6 before'
                when 'shrinking' then '; net spend of the last 6 months down ' || m.growth_text || ' on the 6 before'
                when 'steady' then '; net spend of the last 6 months level with the 6 before'
                when 'started' then '; net spend in the last 6 months, none in the 6 before'
                else '; no net spend in the last 12 months'
            end || ': placed as "' || k.label_en || '".'
    end as sentence_en                                                  -- Why, in English, with the customer's own numbers
from classed as m
cross join plan.settings as s
inner join plan.segment_classes as k on k.scheme = 'matrix' and k.class_id = m.class_id
