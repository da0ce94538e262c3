-- Every class of customers with its size, its spend, what marks it and what to do about it.
-- Every class of a scheme is listed, also one without a customer; the shares of a scheme add up to 1.
-- grain: scheme, class_id
-- seed: S3 二(四), 二(五), 三(二); F126, F127, F136, F137; I30, I31, I36
with members as (
    select
        k.scheme,
        k.class_id,
        case when k.scheme in ('rfm', 'rfm_score') then r.frequency else a.orders_12m end as orders,
        case when k.scheme in ('rfm', 'rfm_score') then r.monetary_amount else a.net_amount_12m end as spend
    from dws.customer_classes as k
    inner join dws.customer_activity as a on a.customer_id = k.customer_id
    inner join dws.customer_rfm as r on r.customer_id = k.customer_id
),
known as (
    select
        k.scheme,
        k.class_id,
        k.position,
        k.segment,
        k.label_zh,
        k.label_en,
        k.definition_zh,
        k.definition_en
    from plan.segment_classes as k
    union all
    select
        'persona' as scheme,
        o.class_id,
        o.position,
        o.class_id as segment,
        o.label_zh,
        o.label_en,
        o.sentence_zh as definition_zh,
        o.sentence_en as definition_en
    from dws.personas as o
),
classes as (
    select
        m.scheme,
        m.class_id,
        count(*) as customers,
        sum(m.orders) as orders,
        sum(m.spend) as spend
    from members as m
    group by m.scheme, m.class_id
),
totals as (
    select
        c.scheme,
        sum(c.customers) as customers,
        sum(c.spend) as spend
    from classes as c
    group by c.scheme
),
measured as (
    select
        k.scheme,
        k.class_id,
        k.position,
        k.segment,
        k.label_zh,
        k.label_en,
        k.definition_zh,
        k.definition_en,
        cast(coalesce(c.customers, 0) as bigint) as customers,
        cast(coalesce(c.orders, 0) as bigint) as orders,
        cast(coalesce(c.spend, 0) as decimal(18, 2)) as spend,
        cast(coalesce(c.customers, 0) as double) / nullif(cast(t.customers as double), 0) as customer_share,
        case when t.spend > 0 then cast(coalesce(c.spend, 0) * 100 as double) / cast(t.spend * 100 as double) end
            as spend_share,
        cast(c.orders as double) / nullif(cast(c.customers as double), 0) as mean_frequency,
        cast(
            round(cast(c.spend as double) / nullif(cast(c.orders as double), 0), 2) as decimal(18, 2)
        ) as mean_order_amount
    from known as k
    left join classes as c on c.scheme = k.scheme and c.class_id = k.class_id
    left join totals as t on t.scheme = k.scheme
)
select
    m.scheme,                                                           -- Scheme of classes
    m.class_id,                                                         -- Class
    m.position,                                                         -- Place of the class in its scheme
    m.label_zh,                                                         -- Name in Chinese
    m.label_en,                                                         -- Name in English
    m.definition_zh,                                                    -- Who belongs to it, in Chinese
    m.definition_en,                                                    -- Who belongs to it, in English
    m.customers,                                                        -- Customers in the class
    m.customer_share,                                                   -- Part of all customers, 0-1; NULL where there are none
    m.mean_order_amount,                                                -- Net spend per order; NULL where there is no order
    m.mean_frequency,                                                   -- Orders per customer; NULL where there is no customer
    m.spend as total_spend_amount,                                      -- Net spend of the class: in the plan's window for rfm and rfm_score, else of the last 12 months
    m.spend_share,                                                      -- Part of all customers' net spend, 0-1; below 0 where more came back than was bought; NULL where nothing is left to share
    p.currency,                                                         -- Currency of the amounts
    case
        when m.customers = 0 then '目前没有客户属于此类。'
        else '共 ' || count_text(m.customers) || ' 位客户，占全部客户的 ' || percent_text(m.customer_share)
            || case
                when m.orders = 0 then '；期内没有下单'
                else '；人均下单 ' || cast(cast(round(m.mean_frequency, 1) as decimal(18, 1)) as varchar) || ' 次，客单价 '
                    || money_text(m.mean_order_amount) || ' ' || p.currency_zh
            end
            || '；净消费合计 ' || money_text(m.spend) || ' ' || p.currency_zh
            || case when m.spend_share is null then '' else '，占全部的 ' || percent_text(m.spend_share) end || '。'
    end as features_zh,                                                 -- What marks the class, in Chinese, in numbers
    case
        when m.customers = 0 then 'No customer is in this class now.'
        else case when m.customers = 1 then '1 customer' else count_text(m.customers) || ' customers' end
            || ', ' || percent_text(m.customer_share) || ' of all'
            || case
                when m.orders = 0 then '; no orders in the period'
                else '; ' || cast(cast(round(m.mean_frequency, 1) as decimal(18, 1)) as varchar)
                    || ' orders each on average, ' || money_text(m.mean_order_amount) || ' ' || p.currency || ' per order'
            end
            || '; net spend ' || money_text(m.spend) || ' ' || p.currency
            || case when m.spend_share is null then '' else ', ' || percent_text(m.spend_share) || ' of all' end || '.'
    end as features_en,                                                 -- What marks the class, in English, in numbers
    y.strategy_zh,                                                      -- What to do, in Chinese; NULL where the plan has no play for the class
    y.strategy_en,                                                      -- What to do, in English
    y.resource_zh,                                                      -- With what, in Chinese
    y.resource_en,                                                      -- With what, in English
    y.owner as strategy_owner                                           -- Who does it
from measured as m
cross join plan.settings as p
left join plan.playbook as y on y.segment = m.segment
