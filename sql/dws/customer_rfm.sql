-- Recency, frequency and monetary value of every customer, and the one class they put the customer in.
-- The plan's rules are tried in their order; who meets none falls into one of the eight cells of recent or not,
-- frequent or not, large or not; who never ordered is apart. So every customer has one class, and the rule that gave it.
-- Recency looks at all history, frequency and amount at the plan's window.
-- Beside it stands a class by the scores 1 to 5 of those who ever ordered, which the plan gives by ranks or by cuts:
-- a cut is a linear quantile plus 1, and the score 1 + the number of cuts a value reaches (the R package rfm).
-- grain: customer_id
-- seed: S3 二(二)1; F125, F134; I28, I29, I31, I32, I33; U11
with bought as (
    select
        s.customer_id,
        max(s.ordered_on) filter (where not s.is_refund) as last_ordered_on,
        count(*) filter (where not s.is_refund and s.ordered_on > p.rfm_window_start) as frequency,
        sum(s.net_amount) filter (where s.ordered_on > p.rfm_window_start) as monetary_amount
    from dws.sales as s
    cross join plan.settings as p
    group by s.customer_id
),
measured as (
    select
        c.customer_id,
        b.last_ordered_on,
        date_diff('day', b.last_ordered_on, $as_of) as recency_days,
        coalesce(b.frequency, 0) as frequency,
        cast(coalesce(b.monetary_amount, 0) as decimal(18, 2)) as monetary_amount
    from dwd.customers as c
    left join bought as b on b.customer_id = c.customer_id
),
ranked as (
    select
        m.customer_id,
        m.last_ordered_on,
        m.recency_days,
        m.frequency,
        m.monetary_amount,
        percent_rank() over (order by m.last_ordered_on asc nulls last) as recency_rank,
        percent_rank() over (order by m.frequency asc nulls last) as frequency_rank,
        percent_rank() over (order by m.monetary_amount asc nulls last) as amount_rank
    from measured as m
    where m.last_ordered_on is not null
),
cuts as (
    select
        percentile_cont(0.2) within group (order by cast(m.recency_days as double)) + 1 as recency_1,
        percentile_cont(0.4) within group (order by cast(m.recency_days as double)) + 1 as recency_2,
        percentile_cont(0.6) within group (order by cast(m.recency_days as double)) + 1 as recency_3,
        percentile_cont(0.8) within group (order by cast(m.recency_days as double)) + 1 as recency_4,
        percentile_cont(0.2) within group (order by cast(m.frequency as double)) + 1 as frequency_1,
        percentile_cont(0.4) within group (order by cast(m.frequency as double)) + 1 as frequency_2,
        percentile_cont(0.6) within group (order by cast(m.frequency as double)) + 1 as frequency_3,
        percentile_cont(0.8) within group (order by cast(m.frequency as double)) + 1 as frequency_4,
        percentile_cont(0.2) within group (order by cast(m.monetary_amount as double)) + 1 as amount_1,
        percentile_cont(0.4) within group (order by cast(m.monetary_amount as double)) + 1 as amount_2,
        percentile_cont(0.6) within group (order by cast(m.monetary_amount as double)) + 1 as amount_3,
        percentile_cont(0.8) within group (order by cast(m.monetary_amount as double)) + 1 as amount_4
    from measured as m
    inner join plan.rfm_scores as s on s.method = 'cuts'
    where m.last_ordered_on is not null
),
scored as (
    select
        m.customer_id,
        m.last_ordered_on,
        m.frequency,
        m.monetary_amount,
        case s.method
            when 'cuts' then 6 - score_of(cast(m.recency_days as double), c.recency_1, c.recency_2, c.recency_3, c.recency_4)
            else fifth_of(m.recency_rank)
        end as r_score,
        case s.method
            when 'cuts' then score_of(cast(m.frequency as double), c.frequency_1, c.frequency_2, c.frequency_3, c.frequency_4)
            else fifth_of(m.frequency_rank)
        end as f_score,
        case s.method
            when 'cuts' then score_of(cast(m.monetary_amount as double), c.amount_1, c.amount_2, c.amount_3, c.amount_4)
            else fifth_of(m.amount_rank)
        end as m_score
    from ranked as m
    cross join plan.rfm_scores as s
    cross join cuts as c
),
score_cells as (
    select distinct
        m.r_score,
        m.f_score,
        m.m_score
    from scored as m
),
score_placed as (
    select
        m.r_score,
        m.f_score,
        m.m_score,
        min(k.priority) as priority
    from score_cells as m
    left join plan.rfm_score_classes as k
        on m.r_score between k.r_least and k.r_most
        and m.f_score between k.f_least and k.f_most
        and m.m_score between k.m_least and k.m_most
    group by m.r_score, m.f_score, m.m_score
),
score_classed as (
    select
        m.r_score,
        m.f_score,
        m.m_score,
        coalesce(k.class_id, 'other') as class_id
    from score_placed as m
    left join plan.rfm_score_classes as k on k.priority = m.priority
),
ruled as (
    select
        m.customer_id,
        min(r.priority) as priority
    from scored as m
    inner join plan.rfm_rules as r
        on (r.last_order_after is null or m.last_ordered_on > r.last_order_after)
        and (r.last_order_until is null or m.last_ordered_on <= r.last_order_until)
        and (r.frequency_least is null or cast(m.frequency as double) >= r.frequency_least)
        and (r.frequency_below is null or cast(m.frequency as double) < r.frequency_below)
        and (r.amount_least is null or cast(m.monetary_amount as double) >= r.amount_least)
        and (r.amount_below is null or cast(m.monetary_amount as double) < r.amount_below)
    group by m.customer_id
),
placed as (
    select
        m.customer_id,
        m.r_score,
        m.f_score,
        m.m_score,
        u.priority,
        m.last_ordered_on > g.last_order_after as is_recent,
        m.frequency >= g.frequency as is_frequent,
        cast(m.monetary_amount as double) >= g.amount as is_large
    from scored as m
    cross join plan.rfm_grid as g
    left join ruled as u on u.customer_id = m.customer_id
),
classed as (
    select
        m.customer_id,
        m.r_score,
        m.f_score,
        m.m_score,
        v.class_id as score_class_id,
        r.rule_id,
        c.grid_id
    from placed as m
    inner join plan.rfm_cells as c
        on c.is_recent = m.is_recent and c.is_frequent = m.is_frequent and c.is_large = m.is_large
    inner join score_classed as v on v.r_score = m.r_score and v.f_score = m.f_score and v.m_score = m.m_score
    left join plan.rfm_rules as r on r.priority = m.priority
),
decided as (
    select
        m.customer_id,
        m.last_ordered_on,
        m.recency_days,
        m.frequency,
        m.monetary_amount,
        money_text(m.monetary_amount) as amount_text,
        d.r_score,
        d.f_score,
        d.m_score,
        coalesce(d.score_class_id, 'no_order') as score_class_id,
        d.grid_id,
        coalesce(d.rule_id, d.grid_id, 'no_order') as class_id,
        case when d.rule_id is not null then d.rule_id when d.grid_id is not null then 'grid' else 'no_order' end as rule_id
    from measured as m
    left join classed as d on d.customer_id = m.customer_id
)
select
    m.customer_id,                                                      -- Customer
    m.last_ordered_on,                                                  -- Day of the last order of all history; NULL if there is none
    m.recency_days,                                                     -- Days since the last order; NULL if there is none
    m.frequency,                                                        -- Orders in the plan's window; a refund takes no order away
    m.monetary_amount,                                                  -- Net spend in the plan's window, refunds taken off
    p.currency,                                                         -- Currency of the amount
    m.r_score,                                                          -- 1 to 5 by fifths of the customers who ever ordered, 5 the latest; equal days score equally; NULL for who never ordered
    m.f_score,                                                          -- 1 to 5 by fifths, 5 the most orders; equal numbers score equally
    m.m_score,                                                          -- 1 to 5 by fifths, 5 the highest net spend; equal amounts score equally
    m.score_class_id,                                                   -- Class by the three scores: the first of the plan that holds, other if none does, no_order without scores
    v.label_zh as score_label_zh,                                       -- Name of the class by scores in Chinese
    v.label_en as score_label_en,                                       -- Name of the class by scores in English
    m.class_id,                                                         -- The customer's class: a rule of the plan, a cell of the grid, or no_order
    m.rule_id,                                                          -- What decided: the rule's id, grid, or no_order
    k.label_zh,                                                         -- Name of the class in Chinese
    k.label_en,                                                         -- Name of the class in English
    m.grid_id,                                                          -- Cell of the grid, whatever rule decided; NULL for who never ordered
    g.label_zh as grid_label_zh,                                        -- Name of the cell in Chinese
    g.label_en as grid_label_en,                                        -- Name of the cell in English
    case
        when m.last_ordered_on is null then '尚未下单。'
        else '最近一次下单在'
            || case when m.recency_days = 0 then '今天' else ' ' || cast(m.recency_days as varchar) || ' 天前' end
            || '，近 ' || cast(p.rfm_window_months as varchar) || ' 个月'
            || case when m.frequency = 0 then '没有下单' else '下单 ' || cast(m.frequency as varchar) || ' 次' end
            || '，净消费 ' || m.amount_text || ' ' || p.currency_zh
            || case
                when m.rule_id = 'grid' then '，不符合任何已定义的规则，按八格划分为' || k.label_zh || '。'
                else '，符合' || k.label_zh || '规则。'
            end
    end as sentence_zh,                                                 -- Why, in Chinese, with the customer's own numbers
    case
        when m.last_ordered_on is null then 'No order yet.'
        else 'Last order '
            || case
                when m.recency_days = 0 then 'today'
                when m.recency_days = 1 then '1 day ago'
                else cast(m.recency_days as varchar) || ' days ago'
            end
            || case
                when m.frequency = 0 then ', no orders'
                when m.frequency = 1 then ', 1 order'
                else ', ' || cast(m.frequency as varchar) || ' orders'
            end
            || case
                when p.rfm_window_months = 1 then ' in the last month'
                else ' in the last ' || cast(p.rfm_window_months as varchar) || ' months'
            end
            || ', net spend ' || m.amount_text || ' ' || p.currency
            || case
                when m.rule_id = 'grid' then ': meets no defined rule, placed by the eight-cell grid as "' || k.label_en || '".'
                else ': meets the rule "' || k.label_en || '".'
            end
    end as sentence_en                                                  -- Why, in English, with the customer's own numbers
from decided as m
cross join plan.settings as p
inner join plan.segment_classes as k on k.scheme = 'rfm' and k.class_id = m.class_id
inner join plan.segment_classes as v on v.scheme = 'rfm_score' and v.class_id = m.score_class_id
left join plan.segment_classes as g on g.scheme = 'rfm' and g.class_id = m.grid_id
