-- Every customer with all it is classified as, and what to do about it: the table to read customers from.
-- Companies are named in full, people by their first character. Each scheme has columns of its own name and none is
-- read by that of another: a "potential" by RFM may be any tier. What to do is the plan's play for the first scheme the
-- plan goes by of which the customer's class has one.
-- grain: customer_id
-- seed: S3 二(二), 二(四), 三(一); S2 §01; S4; F125, F127, F128, F132, F135, F136, F137, F142, F144; I22, I36
with grades as (
    select distinct g.grade
    from plan.high_value_grades as g
),
tagged as (
    select
        t.customer_id,
        array_to_string(list_sort(array_agg(t.label_zh)), '、') as tags_zh,
        array_to_string(list_sort(array_agg(t.label_en)), ', ') as tags_en
    from dws.customer_tags as t
    group by t.customer_id
),
plays as (
    select
        k.customer_id,
        k.scheme,
        y.strategy_zh,
        y.strategy_en,
        y.resource_zh,
        y.resource_en,
        y.owner,
        row_number() over (partition by k.customer_id order by s.position nulls last) as place
    from dws.customer_classes as k
    inner join plan.strategy_schemes as s on s.scheme = k.scheme
    inner join plan.playbook as y on y.segment = k.segment
)
select
    c.customer_id,                                                      -- Customer
    masked_name(c.name, c.kind) as display_name,                        -- Name of a company; of a person, or where that is not known, the first character
    c.kind,                                                             -- company or person
    c.region,                                                           -- Region, 省-市
    c.industry,                                                         -- Industry
    c.company_size,                                                     -- Size class
    c.demand_tag,                                                       -- What the customer is looking for
    c.source_channel as channel,                                        -- Channel the customer came through
    c.grade,                                                            -- The CRM's own grade
    c.owner_id,                                                         -- Member of staff who looks after the customer
    s.team_id,                                                          -- Team of the owner
    s.region as sales_region,                                           -- Region the owner sells in
    c.created_on,                                                       -- Day the customer was entered
    a.first_ordered_on,                                                 -- Day of the first order
    a.last_ordered_on,                                                  -- Day of the last order
    a.orders_12m,                                                       -- Orders of the last 12 months
    a.net_amount_12m,                                                   -- Net spend of the last 12 months, refunds taken off
    a.net_amount_6m,                                                    -- Net spend of the last 6 months, refunds taken off
    p.currency,                                                         -- Currency of the amounts
    r.recency_days as rfm_recency_days,                                 -- Days since the last order; NULL if there is none
    r.frequency as rfm_frequency,                                       -- Orders in the plan's window
    r.monetary_amount as rfm_monetary_amount,                           -- Net spend in the plan's window
    r.r_score as rfm_r_score,                                           -- Recency, 1 to 5, 5 the latest
    r.f_score as rfm_f_score,                                           -- Frequency, 1 to 5, 5 the most orders
    r.m_score as rfm_m_score,                                           -- Monetary value, 1 to 5, 5 the highest spend
    r.class_id as rfm_class_id,                                         -- RFM class
    r.rule_id as rfm_rule_id,                                           -- Rule that gave the RFM class
    r.label_zh as rfm_label_zh,                                         -- RFM class in Chinese
    r.label_en as rfm_label_en,                                         -- RFM class in English
    r.grid_id as rfm_grid_id,                                           -- Cell of the eight-cell grid
    r.sentence_zh as rfm_sentence_zh,                                   -- Why this RFM class, in Chinese
    r.sentence_en as rfm_sentence_en,                                   -- Why this RFM class, in English
    b.class_id as abc_class_id,                                         -- ABC class by spend of the last 12 months
    b.spend_rank as abc_spend_rank,                                     -- Place by spend, 1 the highest
    b.spend_share as abc_spend_share,                                   -- Part of all customers' spend, 0-1
    of_high_value(p.high_value, r.class_id, g.grade is not null, c.kind, a.net_amount_12m, p.high_value_spend, h.class_id)
        as is_high_value,                                               -- Whether it is a high-value customer by the plan's definition
    r.score_class_id as rfm_score_class_id,                             -- Class by the RFM scores
    r.score_label_zh as rfm_score_label_zh,                             -- Class by the RFM scores in Chinese
    r.score_label_en as rfm_score_label_en,                             -- Class by the RFM scores in English
    v.ltv_simple_amount as value_ltv_simple_amount,                     -- Margin rate x order amount x orders a year x years; NULL where it can't be told
    v.clv_amount as value_clv_amount,                                   -- Value to come by the plan's measure; NULL where it can't be told
    v.clv_lower_amount as value_clv_lower_amount,                       -- Lower end of how sure the models are of it
    v.clv_upper_amount as value_clv_upper_amount,                       -- Upper end of how sure the models are of it
    v.alive_probability as value_alive_probability,                     -- Probability that the customer still buys, 0-1
    v.expected_purchases_12m as value_expected_purchases_12m,           -- Days of purchase to expect in the next 12 months
    v.expected_spend_3m_amount as value_expected_spend_3m_amount,       -- Net spend to expect in the next 3 months
    v.expected_spend_6m_amount as value_expected_spend_6m_amount,       -- Net spend to expect in the next 6 months
    v.expected_spend_12m_amount as value_expected_spend_12m_amount,     -- Net spend to expect in the next 12 months
    v.expected_spend_12m_lower_amount as value_expected_spend_12m_lower_amount, -- Lower end of how sure the models are of that mean
    v.expected_spend_12m_upper_amount as value_expected_spend_12m_upper_amount, -- Upper end of how sure the models are of that mean
    m.class_id as matrix_class_id,                                      -- Class by value to come and profit made
    m.label_zh as matrix_label_zh,                                      -- That class in Chinese
    m.label_en as matrix_label_en,                                      -- That class in English
    m.growth_id as matrix_growth_id,                                    -- growing, steady, shrinking, started or none
    m.growth_rate as matrix_growth_rate,                                -- Net spend of the last 6 months over that of the 6 before, less 1
    m.sentence_zh as matrix_sentence_zh,                                -- Why this class, in Chinese
    m.sentence_en as matrix_sentence_en,                                -- Why this class, in English
    h.class_id as tier_class_id,                                        -- Official tier, frozen since the last re-rating
    h.label_zh as tier_label_zh,                                        -- Official tier in Chinese
    h.label_en as tier_label_en,                                        -- Official tier in English
    h.valid_from as tier_valid_from,                                    -- Day the tier was given; NULL before the first re-rating
    h.score as tier_score,                                              -- Score at the latest re-rating, 0-100
    h.provisional_class_id as tier_provisional_class_id,                -- Tier a re-rating with today's data would give
    h.provisional_label_zh as tier_provisional_label_zh,                -- That tier in Chinese
    h.provisional_label_en as tier_provisional_label_en,                -- That tier in English
    h.provisional_score as tier_provisional_score,                      -- Score of the day, 0-100
    h.is_downgrade_warned as tier_is_downgrade_warned,                  -- Whether the tier is about to be lost
    h.sentence_zh as tier_sentence_zh,                                  -- Why the official tier, in Chinese
    h.sentence_en as tier_sentence_en,                                  -- Why the official tier, in English
    l.class_id as lifecycle_class_id,                                   -- Stage of life
    l.label_zh as lifecycle_label_zh,                                   -- Stage of life in Chinese
    l.label_en as lifecycle_label_en,                                   -- Stage of life in English
    l.sentence_zh as lifecycle_sentence_zh,                             -- Why this stage, in Chinese
    l.sentence_en as lifecycle_sentence_en,                             -- Why this stage, in English
    x.class_id as churn_class_id,                                       -- Class of the early warning
    x.label_zh as churn_label_zh,                                       -- Class of the early warning in Chinese
    x.label_en as churn_label_en,                                       -- Class of the early warning in English
    x.churn_score,                                                      -- 0 to 100, 100 the likeliest to leave; NULL with too little known
    x.is_warned as churn_is_warned,                                     -- Whether the customer is warned of
    x.reason_1_zh as churn_reason_1_zh,                                 -- What adds most to the score, in Chinese
    x.reason_1_en as churn_reason_1_en,                                 -- What adds most to the score, in English
    x.reason_2_zh as churn_reason_2_zh,                                 -- What adds second most, in Chinese
    x.reason_2_en as churn_reason_2_en,                                 -- What adds second most, in English
    x.reason_3_zh as churn_reason_3_zh,                                 -- What adds third most, in Chinese
    x.reason_3_en as churn_reason_3_en,                                 -- What adds third most, in English
    o.class_id as persona_class_id,                                     -- Persona
    o.label_zh as persona_label_zh,                                     -- Persona in Chinese
    o.label_en as persona_label_en,                                     -- Persona in English
    o.sentence_zh as persona_sentence_zh,                               -- Why this persona, in Chinese
    o.sentence_en as persona_sentence_en,                               -- Why this persona, in English
    u.class_id as group_class_id,                                       -- Group by age and spend
    u.label_zh as group_label_zh,                                       -- Group in Chinese
    u.label_en as group_label_en,                                       -- Group in English
    u.sentence_zh as group_sentence_zh,                                 -- Why this group, in Chinese
    u.sentence_en as group_sentence_en,                                 -- Why this group, in English
    t.tags_zh,                                                          -- Tags in Chinese, side by side
    t.tags_en,                                                          -- Tags in English, side by side
    y.scheme as strategy_scheme,                                        -- Scheme whose class says what to do; NULL where the plan has no play for the customer
    y.strategy_zh,                                                      -- What to do, in Chinese; NULL where the plan has no play for the customer
    y.strategy_en,                                                      -- What to do, in English
    y.resource_zh,                                                      -- With what, in Chinese
    y.resource_en,                                                      -- With what, in English
    y.owner as strategy_owner                                           -- Who does it
from dwd.customers as c
cross join plan.settings as p
inner join dws.customer_activity as a on a.customer_id = c.customer_id
inner join dws.customer_rfm as r on r.customer_id = c.customer_id
inner join dws.customer_abc as b on b.customer_id = c.customer_id
left join dwd.staff as s on s.staff_id = c.owner_id
left join grades as g on g.grade = c.grade
inner join dws.customer_value as v on v.customer_id = c.customer_id
inner join dws.customer_matrix as m on m.customer_id = c.customer_id
inner join dws.customer_tier as h on h.customer_id = c.customer_id
inner join dws.customer_lifecycle as l on l.customer_id = c.customer_id
inner join dws.customer_churn as x on x.customer_id = c.customer_id
inner join dws.customer_persona as o on o.customer_id = c.customer_id
inner join dws.customer_group as u on u.customer_id = c.customer_id
left join tagged as t on t.customer_id = c.customer_id
left join plays as y on y.customer_id = c.customer_id and y.place = 1
