-- Every official tier a customer had, from the day it was given to the day it was left: no gaps and no overlaps.
-- It begins with the first re-rating after the first order; who was never rated has no row.
-- grain: customer_id, valid_from
-- seed: S4 客户分级; F132, F133; I37, I38
with moved as (
    select
        d.customer_id,
        d.rated_on as valid_from,
        lead(d.rated_on) over (partition by d.customer_id order by d.rated_on nulls last) as valid_until,
        d.class_id,
        d.previous_class_id,
        d.rule_id,
        d.score,
        d.annual_amount,
        d.previous_annual_amount,
        d.change_rate,
        money_text(d.annual_amount) as amount_text,
        money_text(d.previous_annual_amount) as before_text
    from dws.tier_decisions as d
    where d.is_official and d.is_change
)
select
    m.customer_id,                                                      -- Customer
    m.valid_from,                                                       -- First day of the tier
    m.valid_until,                                                      -- First day of the next tier; NULL while it lasts
    m.class_id,                                                         -- Tier: vip, potential, base
    m.previous_class_id,                                                -- Tier before; unrated where it was the first
    m.rule_id,                                                          -- What decided: entry, upgrade or downgrade
    k.label_zh,                                                         -- Name of the tier in Chinese
    k.label_en,                                                         -- Name of the tier in English
    m.score,                                                            -- Score that day, 0-100; NULL where no part of it could be told
    m.annual_amount,                                                    -- Net spend of the 12 months before, as it was on record then
    m.previous_annual_amount,                                           -- Net spend of the 12 months before those
    m.change_rate as annual_change_rate,                                -- Rise of the one against the other; NULL where there was nothing before
    p.currency,                                                         -- Currency of the amounts
    score_zh(m.score) || '，' || yearly_zh(m.amount_text, m.before_text, m.change_rate, p.currency_zh)
        || '，' || tier_verdict_zh(m.rule_id, k.label_zh, b.label_zh, t.upgrade, t.downgrade) || '。'
        as sentence_zh,                                                 -- Why, in Chinese, with the customer's own numbers
    'Rated with ' || score_en(m.score) || ', ' || yearly_en(m.amount_text, m.before_text, m.change_rate, p.currency)
        || ': ' || tier_verdict_en(m.rule_id, k.label_en, b.label_en, t.upgrade, t.downgrade) || '.'
        as sentence_en                                                  -- Why, in English, with the customer's own numbers
from moved as m
cross join plan.settings as p
cross join plan.tiers as t
inner join plan.segment_classes as k on k.scheme = 'tier' and k.class_id = m.class_id
inner join plan.segment_classes as b on b.scheme = 'tier' and b.class_id = m.previous_class_id
