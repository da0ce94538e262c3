-- Which customers the campaign is meant for, and which are of a market new to the company, by the lists of the plan.
-- Each list that asks for something must hold; of a region 江苏省 holds 江苏省-南京市 too.
-- grain: customer_id
-- seed: S0 §1.3, §6.2; F083, F084; I18, I60
with asked as (
    select
        count(distinct case when l.list = 'audience' then l.field end) as audience_fields,
        count(distinct case when l.list = 'new_market' then l.field end) as new_market_fields,
        max(case when l.list = 'audience' and l.field = 'industry' then 1 else 0 end) as audience_industry,
        max(case when l.list = 'audience' and l.field = 'region' then 1 else 0 end) as audience_region,
        max(case when l.list = 'audience' and l.field = 'company_size' then 1 else 0 end) as audience_company_size,
        max(case when l.list = 'new_market' and l.field = 'industry' then 1 else 0 end) as new_market_industry,
        max(case when l.list = 'new_market' and l.field = 'region' then 1 else 0 end) as new_market_region,
        max(case when l.list = 'new_market' and l.field = 'company_size' then 1 else 0 end) as new_market_company_size
    from plan.lists as l
),
found as (
    select
        c.customer_id,
        count(distinct case when l.list = 'audience' then l.field end) as audience_fields,
        count(distinct case when l.list = 'new_market' then l.field end) as new_market_fields
    from dwd.customers as c
    inner join plan.lists as l
        on (l.field = 'industry' and l.member = c.industry)
        or (l.field = 'region' and (l.member = c.region or c.region like l.member || '-%'))
        or (l.field = 'company_size' and l.member = c.company_size)
    group by c.customer_id
)
select
    c.customer_id,                                                      -- Customer
    case
        when a.audience_fields > 0
            and (a.audience_industry = 0 or c.industry is not null)
            and (a.audience_region = 0 or c.region is not null)
            and (a.audience_company_size = 0 or c.company_size is not null)
        then coalesce(f.audience_fields, 0) = a.audience_fields
    end as is_audience,                                                 -- Whether the campaign is meant for it; NULL where the plan names nobody, or what it asks for is not known
    case
        when a.new_market_fields > 0
            and (a.new_market_industry = 0 or c.industry is not null)
            and (a.new_market_region = 0 or c.region is not null)
            and (a.new_market_company_size = 0 or c.company_size is not null)
        then coalesce(f.new_market_fields, 0) = a.new_market_fields
    end as is_new_market                                                -- Whether it is of a market new to the company; NULL where the plan names none, or what it asks for is not known
from dwd.customers as c
cross join asked as a
left join found as f on f.customer_id = c.customer_id
