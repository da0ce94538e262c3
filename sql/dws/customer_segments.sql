-- Every customer with all it is classified as, and what to do about it: the table to read customers from.
-- Companies are named in full, people by their first character. What to do is the plan's play for the RFM class.
-- grain: customer_id
-- seed: S3 二(二), 二(四), 三(一); F125, F127, F135, F136, F137; I22, I36
with grades as (
    select distinct g.grade
    from plan.high_value_grades as g
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
    case p.high_value when 'rfm' then r.class_id = 'high_value' else g.grade is not null end
        as is_high_value,                                               -- Whether it is a high-value customer by the plan's definition
    y.strategy_zh,                                                      -- What to do, in Chinese; NULL where the plan has no play for the class
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
left join plan.playbook as y on y.segment = r.class_id
