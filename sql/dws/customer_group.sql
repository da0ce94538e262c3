-- The group of every customer by age and spend: the first rule of the plan that holds, with what is done for the group.
-- Age is told as a band of ten years and counts years since the year of birth, which itself is not kept here.
-- Spend is compared within a kind: companies spend more than persons do. Who meets no rule is in no group, and why.
-- grain: customer_id
-- seed: S0 §2.3; F130
with measured as (
    select
        c.customer_id,
        coalesce(c.kind, 'person') as kind,
        year($as_of) - c.birth_year as age,
        a.net_amount_12m as spend_amount
    from dwd.customers as c
    inner join dws.customer_activity as a on a.customer_id = c.customer_id
),
buyers as (
    select
        m.customer_id,
        cume_dist() over (partition by m.kind order by m.spend_amount asc nulls last) as spend_percentile
    from measured as m
    where m.spend_amount > 0
),
compared as (
    select
        m.customer_id,
        m.kind,
        m.age,
        m.spend_amount,
        coalesce(b.spend_percentile, cast(0 as double)) as spend_percentile
    from measured as m
    left join buyers as b on b.customer_id = m.customer_id
),
ruled as (
    select
        m.customer_id,
        min(r.priority) as priority
    from compared as m
    inner join plan.group_rules as r
        on (r.kind is null or m.kind = r.kind)
        and (r.age_least is null or cast(m.age as double) >= r.age_least)
        and (r.age_below is null or cast(m.age as double) < r.age_below)
        and (r.amount_least is null or cast(m.spend_amount as double) >= r.amount_least)
        and (r.amount_below is null or cast(m.spend_amount as double) < r.amount_below)
        and (r.spend_percentile_least is null or m.spend_percentile >= r.spend_percentile_least)
        and (r.spend_percentile_below is null or m.spend_percentile < r.spend_percentile_below)
    group by m.customer_id
),
decided as (
    select
        m.customer_id,
        m.kind,
        decade(m.age) as decade,
        m.spend_amount,
        m.spend_percentile,
        money_text(m.spend_amount) as amount_text,
        coalesce(r.rule_id, 'no_group') as class_id,
        case
            when r.rule_id is not null then r.rule_id
            when m.kind = 'company' then 'company'
            when not is_given(m.age) then 'birth_year_unknown'
            else 'no_rule'
        end as rule_id,
        r.strategy_zh,
        r.strategy_en,
        r.effect_zh,
        r.effect_en
    from compared as m
    left join ruled as u on u.customer_id = m.customer_id
    left join plan.group_rules as r on r.priority = u.priority
),
told as (
    select
        m.*,
        cast(m.decade as varchar) || '–' || cast(m.decade + 9 as varchar) as age_band
    from decided as m
)
select
    m.customer_id,                                                      -- Customer
    m.age_band,                                                         -- Age in bands of ten years, as 30–39; NULL where the year of birth is not known
    m.spend_amount,                                                     -- Net spend of the last 12 months, refunds taken off
    p.currency,                                                         -- Currency of the amount
    m.spend_percentile,                                                 -- Share of the buyers of the same kind who spent as much or less, 0-1; 0 for who spent nothing
    m.class_id,                                                         -- Group, or no_group
    m.rule_id,                                                          -- What decided: the group's rule; of no_group the reason: company, birth_year_unknown or no_rule
    k.label_zh,                                                         -- Name of the group in Chinese
    k.label_en,                                                         -- Name of the group in English
    m.strategy_zh,                                                      -- How the group is approached, in Chinese; NULL in no group
    m.strategy_en,                                                      -- How the group is approached, in English
    m.effect_zh,                                                        -- What that is expected to bring, in Chinese
    m.effect_en,                                                        -- What that is expected to bring, in English
    case m.rule_id
        when 'company' then '企业客户，没有适用的分组规则。'
        when 'birth_year_unknown' then '出生年份未知，无法判断属于哪一组。'
        else coalesce(m.age_band || ' 岁，', '')
            || '近 12 个月净消费 ' || m.amount_text || ' ' || p.currency_zh
            || case
                when m.spend_percentile > 0
                then '，不低于 ' || percent_text(m.spend_percentile) || ' 的'
                    || case m.kind when 'company' then '企业买家' else '个人买家' end
                else ''
            end
            || case m.rule_id when 'no_rule' then '，不符合任何分组规则。' else '，属于“' || k.label_zh || '”。' end
    end as sentence_zh,                                                 -- Why, in Chinese, with the customer's own numbers
    case m.rule_id
        when 'company' then 'A company, and no rule is for it.'
        when 'birth_year_unknown' then 'The year of birth is not known, so no group can be told.'
        else coalesce('Aged ' || m.age_band || ', net', 'Net')
            || ' spend ' || m.amount_text || ' ' || p.currency || ' in the last 12 months'
            || case
                when m.spend_percentile > 0
                then ', as much as or more than ' || percent_text(m.spend_percentile) || ' of the '
                    || case m.kind when 'company' then 'companies' else 'persons' end || ' who bought'
                else ''
            end
            || case m.rule_id when 'no_rule' then ': meets no rule of a group.' else ': in the group "' || k.label_en || '".' end
    end as sentence_en                                                  -- Why, in English, with the customer's own numbers
from told as m
cross join plan.settings as p
inner join plan.segment_classes as k on k.scheme = 'group' and k.class_id = m.class_id
