-- The tier of every customer: the official one, frozen from one re-rating to the next, and beside it what a re-rating
-- with today's data would decide. Both go by one score out of contribution, strategic value and growth; a part that
-- can't be told is left out and the rest is brought to 100 %. Who never ordered is not rated.
-- grain: customer_id
-- seed: S4 客户分级; F132, F133; I37, I38
with moved as (
    select
        d.customer_id,
        max(d.rated_on) as valid_from
    from dws.tier_decisions as d
    where d.is_official and d.is_change
    group by d.customer_id
),
written as (
    select
        d.*,
        money_text(d.annual_amount) as amount_text,
        money_text(d.previous_annual_amount) as before_text
    from dws.tier_decisions as d
    where d.is_latest or not d.is_official
),
official as (
    select
        d.customer_id,
        d.rated_on,
        d.class_id,
        d.previous_class_id,
        d.rule_id,
        d.score,
        m.valid_from,
        score_zh(d.score) || '，' || yearly_zh(d.amount_text, d.before_text, d.change_rate, p.currency_zh) as measured_zh,
        score_en(d.score) || ', ' || yearly_en(d.amount_text, d.before_text, d.change_rate, p.currency) as measured_en
    from written as d
    cross join plan.settings as p
    inner join moved as m on m.customer_id = d.customer_id
    where d.is_official
),
trial as (
    select
        d.customer_id,
        d.class_id,
        d.previous_class_id,
        d.rule_id,
        d.score,
        d.contribution_score,
        d.strategic_score,
        d.growth_score,
        d.annual_amount,
        d.previous_annual_amount,
        d.change_rate,
        score_zh(d.score) || '，' || yearly_zh(d.amount_text, d.before_text, d.change_rate, p.currency_zh) as measured_zh,
        score_en(d.score) || ', ' || yearly_en(d.amount_text, d.before_text, d.change_rate, p.currency) as measured_en
    from written as d
    cross join plan.settings as p
    where not d.is_official
),
placed as (
    select
        c.customer_id,
        coalesce(o.class_id, 'unrated') as class_id,
        coalesce(o.rule_id, case when q.customer_id is null then 'no_order' else 'not_rated' end) as rule_id,
        coalesce(o.previous_class_id, 'unrated') as previous_class_id,
        o.rated_on,
        o.valid_from,
        o.score,
        o.measured_zh,
        o.measured_en,
        coalesce(q.class_id, 'unrated') as provisional_class_id,
        coalesce(q.rule_id, 'no_order') as provisional_rule_id,
        coalesce(q.previous_class_id, 'unrated') as provisional_from_id,
        q.score as provisional_score,
        q.contribution_score,
        q.strategic_score,
        q.growth_score,
        q.customer_id is not null and q.strategic_score is null as lacks_strategic,
        q.customer_id is not null and q.growth_score is null as lacks_growth,
        q.annual_amount,
        q.previous_annual_amount,
        q.change_rate,
        q.measured_zh as provisional_measured_zh,
        q.measured_en as provisional_measured_en
    from dwd.customers as c
    left join official as o on o.customer_id = c.customer_id
    left join trial as q on q.customer_id = c.customer_id
)
select
    m.customer_id,                                                      -- Customer
    m.class_id,                                                         -- Official tier: vip, potential, base; unrated before the first re-rating
    m.rule_id,                                                          -- What the latest re-rating decided by: entry, upgrade, downgrade, warned, or one that starts with kept; not_rated, no_order
    k.label_zh,                                                         -- Name of the tier in Chinese
    k.label_en,                                                         -- Name of the tier in English
    m.valid_from,                                                       -- Day the tier was given; NULL before the first re-rating
    m.rated_on,                                                         -- Day of the latest re-rating; NULL before the first
    t.next_rating_on,                                                   -- Day of the next re-rating
    m.score,                                                            -- Score at the latest re-rating, 0-100
    m.provisional_class_id,                                             -- Tier a re-rating with today's data would give
    m.provisional_rule_id,                                              -- What it would decide by
    q.label_zh as provisional_label_zh,                                 -- Name of that tier in Chinese
    q.label_en as provisional_label_en,                                 -- Name of that tier in English
    m.provisional_score,                                                -- Score of the day, 0-100; NULL for who never ordered
    m.contribution_score,                                               -- 100 x share of the year's buyers who spent as much or less
    m.strategic_score,                                                  -- 100 where the plan's definition of strategic holds, else 0; NULL where it can't be told
    m.growth_score,                                                     -- 100 x share of the later half in the spend of both halves; NULL where it can't be told
    nullif(concat_ws(', ', case when m.lacks_strategic then 'strategic' end, case when m.lacks_growth then 'growth' end), '')
        as missing_parts,                                               -- Parts that can't be told, and so are no part of the score of the day; NULL where none is missing
    m.annual_amount,                                                    -- Net spend of the last 12 months, refunds taken off; NULL for who never ordered
    m.previous_annual_amount,                                           -- Net spend of the 12 months before
    m.change_rate as annual_change_rate,                                -- Rise of the one against the other; NULL where there was nothing before
    p.currency,                                                         -- Currency of the amounts
    m.provisional_rule_id in ('warned', 'downgrade') as is_downgrade_warned, -- Whether the tier is about to be lost: time for a retention offer
    case m.rule_id
        when 'no_order' then '尚未下单，不参与定级。'
        when 'not_rated' then '上一个定级日还没有订单记录，将于 ' || cast(t.next_rating_on as varchar) || ' 首次定级。'
        else cast(m.rated_on as varchar) || ' 定级：' || m.measured_zh || '，'
            || tier_verdict_zh(m.rule_id, k.label_zh, f.label_zh, t.upgrade, t.downgrade) || '。'
    end as sentence_zh,                                                 -- Why the official tier, in Chinese, with the customer's own numbers
    case m.rule_id
        when 'no_order' then 'No order yet, so not rated.'
        when 'not_rated' then 'No order was on record at the last re-rating; first rated on ' || cast(t.next_rating_on as varchar) || '.'
        else 'Rated on ' || cast(m.rated_on as varchar) || ' with ' || m.measured_en || ': '
            || tier_verdict_en(m.rule_id, k.label_en, f.label_en, t.upgrade, t.downgrade) || '.'
    end as sentence_en,                                                 -- Why the official tier, in English, with the customer's own numbers
    case
        when m.provisional_rule_id = 'no_order' then '尚未下单，不参与定级。'
        else '按今天的数据：' || m.provisional_measured_zh || '，'
            || case when m.lacks_strategic then '战略价值无法判断，' else '' end
            || case when m.lacks_growth then '成长潜力无法判断，' else '' end
            || case when m.lacks_strategic or m.lacks_growth then '按其余部分计分，' else '' end
            || tier_verdict_zh(m.provisional_rule_id, q.label_zh, g.label_zh, t.upgrade, t.downgrade) || '。'
    end as provisional_sentence_zh,                                     -- What a re-rating today would decide, in Chinese
    case
        when m.provisional_rule_id = 'no_order' then 'No order yet, so not rated.'
        else 'With today''s data: ' || m.provisional_measured_en
            || case
                when m.lacks_strategic and m.lacks_growth then '; strategic value and growth can''t be told and are left out'
                when m.lacks_strategic then '; strategic value can''t be told and is left out'
                when m.lacks_growth then '; growth can''t be told and is left out'
                else ''
            end
            || ': ' || tier_verdict_en(m.provisional_rule_id, q.label_en, g.label_en, t.upgrade, t.downgrade) || '.'
    end as provisional_sentence_en                                      -- What a re-rating today would decide, in English
from placed as m
cross join plan.settings as p
cross join plan.tiers as t
inner join plan.segment_classes as k on k.scheme = 'tier' and k.class_id = m.class_id
inner join plan.segment_classes as f on f.scheme = 'tier' and f.class_id = m.previous_class_id
inner join plan.segment_classes as q on q.scheme = 'tier' and q.class_id = m.provisional_class_id
inner join plan.segment_classes as g on g.scheme = 'tier' and g.class_id = m.provisional_from_id
