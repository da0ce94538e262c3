-- Every word that describes a customer, with the evidence for it in the customer's own numbers.
-- Base tags are what the CRM says; behaviour tags what orders and contacts show; need tags what it looks for and how
-- often it buys. Thresholds are the plan's (segments.tags). Price-sensitive takes several of four signs: orders worth
-- little against their categories, worth less and less, soon after campaign contacts, leads lost for the price.
-- Brand-loyal is who has bought for long, lately too, and mostly one product. Novelty-seeking takes several of three
-- signs: most orders of products not bought before, products bought while they were new, trials. A product or category
-- is preferred that makes up most orders. A cycle is an even rhythm that still goes on.
-- grain: customer_id, tag_id
-- seed: S2 §01; S3 二(二)2, 三(一), 四(二); F131, F135, F141
with signs as (
    select
        h.*,
        h.compared_orders >= p.price_orders as is_price_known,
        h.compared_orders >= p.price_orders and h.price_level <= p.cheap_ratio as is_cheap,
        h.compared_orders >= p.price_orders and h.price_trend <= p.trend_ratio as is_falling,
        h.recent_orders >= p.price_orders as is_timing_known,
        h.recent_orders >= p.price_orders
            and cast(h.campaign_orders as double) >= p.campaign_share * cast(h.recent_orders as double) as is_timed,
        h.price_leads > 0 as is_lost_for_price,
        h.product_orders >= p.novelty_orders as is_variety_known,
        h.product_orders >= p.novelty_orders and h.first_time_share >= p.first_time_share as is_exploring,
        h.launched_products > 0 as is_early,
        h.trials >= p.trials as is_trying
    from dws.customer_habits as h
    cross join plan.tag_settings as p
),
counted as (
    select
        s.*,
        case when coalesce(s.is_cheap, false) then 1 else 0 end
        + case when coalesce(s.is_falling, false) then 1 else 0 end
        + case when s.is_timed then 1 else 0 end
        + case when s.is_lost_for_price then 1 else 0 end as price_signs,
        case when s.is_price_known then 2 else 0 end
        + case when s.is_timing_known then 1 else 0 end
        + case when s.lost_leads > 0 then 1 else 0 end as known_price_signs,
        case when coalesce(s.is_exploring, false) then 1 else 0 end
        + case when s.is_early then 1 else 0 end
        + case when s.is_trying then 1 else 0 end as novelty_signs
    from signs as s
),
base as (
    select
        c.customer_id,
        'kind:' || c.kind as tag_id,
        case c.kind when 'company' then '企业客户' else '个人客户' end as label_zh,
        case c.kind when 'company' then 'Company' else 'Person' end as label_en,
        '客户档案中的客户类型。' as evidence_zh,
        'Kind of customer in its record.' as evidence_en
    from dwd.customers as c
    where c.kind is not null
    union all
    select
        c.customer_id,
        'industry:' || c.industry as tag_id,
        c.industry as label_zh,
        'Industry: ' || c.industry as label_en,
        '客户档案中的行业。' as evidence_zh,
        'Industry in its record.' as evidence_en
    from dwd.customers as c
    where c.industry is not null
    union all
    select
        c.customer_id,
        'size:' || c.company_size as tag_id,
        c.company_size as label_zh,
        'Size: ' || c.company_size as label_en,
        '客户档案中的企业规模。' as evidence_zh,
        'Company size in its record.' as evidence_en
    from dwd.customers as c
    where c.company_size is not null
    union all
    select
        c.customer_id,
        'role:' || c.decision_role as tag_id,
        '决策角色：' || c.decision_role as label_zh,
        'Role in the purchase: ' || c.decision_role as label_en,
        '客户档案中的决策角色。' as evidence_zh,
        'Decision role in its record.' as evidence_en
    from dwd.customers as c
    where c.decision_role is not null
    union all
    select
        c.customer_id,
        'region:' || c.region as tag_id,
        c.region as label_zh,
        'Region: ' || c.region as label_en,
        '客户档案中的区域。' as evidence_zh,
        'Region in its record.' as evidence_en
    from dwd.customers as c
    where c.region is not null
    union all
    select
        c.customer_id,
        'area:' || a.area_id as tag_id,
        a.label_zh,
        a.label_en,
        '区域为' || c.region || '。' as evidence_zh,
        'Its region is ' || c.region || '.' as evidence_en
    from dwd.customers as c
    inner join plan.tag_areas as a on substr(c.region, 1, length(a.province)) = a.province
),
behaviour as (
    select
        h.customer_id,
        'frequent_buyer' as tag_id,
        '高频购买' as label_zh,
        'Buys often' as label_en,
        p.window_zh || '下单 ' || count_text(h.recent_orders) || ' 次。' as evidence_zh,
        count_text(h.recent_orders) || case when h.recent_orders = 1 then ' order ' else ' orders ' end
            || p.window_en || '.' as evidence_en,
        cast(null as double) as strength
    from counted as h
    cross join plan.tag_settings as p
    where h.recent_orders >= p.frequent_orders
    union all
    select
        h.customer_id,
        'price_sensitive' as tag_id,
        '价格敏感' as label_zh,
        'Price-sensitive' as label_en,
        p.window_zh || '：' || substr(
            case
                when h.is_cheap
                then '；' || count_text(h.compared_orders) || ' 单合计为同类订单平均金额的 ' || percent_text(h.price_level)
                else ''
            end
            || case
                when h.is_falling
                then '；后半段订单为同类平均的 ' || percent_text(h.later_price_level) || '，前半段为 '
                    || percent_text(h.earlier_price_level)
                else ''
            end
            || case
                when h.is_timed
                then '；' || count_text(h.recent_orders) || ' 单中 ' || count_text(h.campaign_orders) || ' 单在活动触达后 '
                    || cast(p.campaign_days as varchar) || ' 天内'
                else ''
            end
            || case
                when h.is_lost_for_price then '；' || count_text(h.price_leads) || ' 条线索因价格原因流失'
                else ''
            end,
            2
        ) || '。' as evidence_zh,
        'Signs ' || p.window_en || ': ' || substr(
            case
                when h.is_cheap
                then '; ' || count_text(h.compared_orders) || ' orders worth ' || percent_text(h.price_level)
                    || ' of ordinary ones of their categories'
                else ''
            end
            || case
                when h.is_falling
                then '; the later half of its orders at ' || percent_text(h.later_price_level)
                    || ' of ordinary ones, the earlier at ' || percent_text(h.earlier_price_level)
                else ''
            end
            || case
                when h.is_timed
                then '; ' || count_text(h.campaign_orders) || ' of ' || count_text(h.recent_orders)
                    || ' orders within ' || cast(p.campaign_days as varchar) || ' days of a campaign contact'
                else ''
            end
            || case
                when h.is_lost_for_price
                then '; ' || count_text(h.price_leads) || case when h.price_leads = 1 then ' lead' else ' leads' end
                    || ' lost for the price'
                else ''
            end,
            3
        ) || '.' as evidence_en,
        cast(h.price_signs as double) / cast(h.known_price_signs as double) as strength
    from counted as h
    cross join plan.tag_settings as p
    where h.price_signs >= p.price_signs
    union all
    select
        h.customer_id,
        'brand_loyal' as tag_id,
        '品牌忠诚' as label_zh,
        'Brand-loyal' as label_en,
        count_text(h.ordering_days) || ' 天内下单 ' || count_text(h.orders) || ' 次，最近一次在 '
            || count_text(h.recency_days) || ' 天前；已知产品的 ' || count_text(h.product_orders) || ' 单中 '
            || percent_text(h.favourite_share) || ' 为“' || h.favourite_product || '”。' as evidence_zh,
        count_text(h.orders) || ' orders over ' || count_text(h.ordering_days) || ' days, the last '
            || count_text(h.recency_days) || case when h.recency_days = 1 then ' day' else ' days' end || ' ago; '
            || percent_text(h.favourite_share) || ' of ' || count_text(h.product_orders)
            || ' with a known product were ' || h.favourite_product || '.' as evidence_en,
        h.favourite_share as strength
    from counted as h
    cross join plan.tag_settings as p
    where h.product_orders >= p.loyal_orders
        and h.ordering_days >= p.loyal_days
        and h.recent_orders > 0
        and h.favourite_share >= p.loyal_share
    union all
    select
        h.customer_id,
        'novelty_seeking' as tag_id,
        '新品偏好' as label_zh,
        'Novelty-seeking' as label_en,
        substr(
            case
                when h.is_exploring
                then '；' || count_text(h.product_orders) || ' 单买过 ' || count_text(h.products) || ' 种产品，首单之后 '
                    || percent_text(h.first_time_share) || ' 是从未买过的产品'
                else ''
            end
            || case
                when h.is_early then '；在上市初期买过 ' || count_text(h.launched_products) || ' 种新品'
                else ''
            end
            || case
                when h.is_trying then '；' || p.window_zh || '参加试用 ' || count_text(h.trials) || ' 次'
                else ''
            end,
            2
        ) || '。' as evidence_zh,
        'Signs: ' || substr(
            case
                when h.is_exploring
                then '; ' || count_text(h.products) || ' products in ' || count_text(h.product_orders) || ' orders, '
                    || percent_text(h.first_time_share) || ' of those after the first of one not bought before'
                else ''
            end
            || case
                when h.is_early
                then '; ' || count_text(h.launched_products)
                    || case when h.launched_products = 1 then ' product' else ' products' end || ' bought while new'
                else ''
            end
            || case
                when h.is_trying
                then '; ' || count_text(h.trials) || case when h.trials = 1 then ' trial ' else ' trials ' end
                    || p.window_en
                else ''
            end,
            3
        ) || '.' as evidence_en,
        cast(h.novelty_signs as double) / 3 as strength
    from counted as h
    cross join plan.tag_settings as p
    where h.novelty_signs >= p.novelty_signs
    union all
    select
        h.customer_id,
        'active_contact' as tag_id,
        '互动活跃' as label_zh,
        'Active in contact' as label_en,
        p.window_zh || '主动咨询、参加活动或访问 ' || count_text(h.own_contacts) || ' 次。' as evidence_zh,
        'Made or came to ' || count_text(h.own_contacts)
            || case when h.own_contacts = 1 then ' contact ' else ' contacts ' end || p.window_en || '.' as evidence_en,
        cast(null as double) as strength
    from counted as h
    cross join plan.tag_settings as p
    where h.own_contacts >= p.active_contacts
    union all
    select
        h.customer_id,
        'prefers_product:' || h.preferred_product as tag_id,
        '偏好产品：' || h.preferred_product as label_zh,
        'Prefers ' || h.preferred_product as label_en,
        p.window_zh || '购买“' || h.preferred_product || '”' || count_text(h.preferred_product_orders) || ' 单，占已知产品订单的 '
            || percent_text(h.preferred_product_share) || '。' as evidence_zh,
        count_text(h.preferred_product_orders) || ' orders of ' || h.preferred_product || ' ' || p.window_en || ', '
            || percent_text(h.preferred_product_share) || ' of those whose product is known.' as evidence_en,
        h.preferred_product_share as strength
    from counted as h
    cross join plan.tag_settings as p
    where h.preferred_product_orders >= p.preferred_orders and h.preferred_product_share >= p.preferred_share
    union all
    select
        h.customer_id,
        'prefers_category:' || h.preferred_category as tag_id,
        '偏好品类：' || h.preferred_category as label_zh,
        'Prefers the category ' || h.preferred_category as label_en,
        p.window_zh || '购买“' || h.preferred_category || '”' || count_text(h.preferred_category_orders)
            || ' 单，占已知品类订单的 ' || percent_text(h.preferred_category_share) || '。' as evidence_zh,
        count_text(h.preferred_category_orders) || ' orders of ' || h.preferred_category || ' ' || p.window_en || ', '
            || percent_text(h.preferred_category_share) || ' of those whose category is known.' as evidence_en,
        h.preferred_category_share as strength
    from counted as h
    cross join plan.tag_settings as p
    where h.preferred_category_orders >= p.preferred_orders and h.preferred_category_share >= p.preferred_share
),
need as (
    select
        c.customer_id,
        'demand:' || c.demand_tag as tag_id,
        '需求：' || c.demand_tag as label_zh,
        'Looks for ' || c.demand_tag as label_en,
        '客户档案中的需求标签。' as evidence_zh,
        'Demand tag in its record.' as evidence_en,
        cast(null as double) as strength
    from dwd.customers as c
    where c.demand_tag is not null
    union all
    select
        h.customer_id,
        'cycle:' || y.cycle_id as tag_id,
        y.label_zh,
        y.label_en,
        count_text(h.order_days) || ' 个下单日，平均间隔 ' || count_text(cast(round(h.pause_days) as bigint))
            || ' 天，最近一次在 ' || count_text(h.recency_days) || ' 天前。' as evidence_zh,
        'Ordered on ' || count_text(h.order_days) || ' days, ' || count_text(cast(round(h.pause_days) as bigint))
            || ' days apart on average, the last ' || count_text(h.recency_days)
            || case when h.recency_days = 1 then ' day' else ' days' end || ' ago.' as evidence_en,
        greatest(1 - h.pause_variation, 0) as strength
    from counted as h
    cross join plan.tag_settings as p
    inner join plan.tag_cycles as y
        on h.pause_days >= cast(y.days_from as double)
        and h.pause_days < cast(y.days_below as double)
        and h.recency_days < y.days_below
    where h.order_days >= p.cycle_orders and h.pause_variation <= p.cycle_variation
    union all
    select
        h.customer_id,
        'service_need' as tag_id,
        '售后服务需求' as label_zh,
        'Needs service' as label_en,
        p.window_zh || '服务请求 ' || count_text(h.service_requests) || ' 次，投诉 ' || count_text(h.complaints) || ' 次。'
            as evidence_zh,
        'Requests for service ' || p.window_en || ': ' || count_text(h.service_requests) || '; complaints: '
            || count_text(h.complaints) || '.' as evidence_en,
        cast(null as double) as strength
    from counted as h
    cross join plan.tag_settings as p
    where h.service_requests + h.complaints >= p.service_requests
),
tagged as (
    select
        b.customer_id,
        'base' as family,
        b.tag_id,
        b.label_zh,
        b.label_en,
        b.evidence_zh,
        b.evidence_en,
        cast(null as double) as strength
    from base as b
    union all
    select
        b.customer_id,
        'behaviour' as family,
        b.tag_id,
        b.label_zh,
        b.label_en,
        b.evidence_zh,
        b.evidence_en,
        b.strength
    from behaviour as b
    union all
    select
        n.customer_id,
        'need' as family,
        n.tag_id,
        n.label_zh,
        n.label_en,
        n.evidence_zh,
        n.evidence_en,
        n.strength
    from need as n
)
select
    t.customer_id,                                                      -- Customer
    t.tag_id,                                                           -- Tag: a word, and behind a colon what it is about
    t.family,                                                           -- base, behaviour or need
    t.label_zh,                                                         -- Name of the tag in Chinese; what sources say stands as they say it
    t.label_en,                                                         -- Name of the tag in English; what sources say stands as they say it
    t.evidence_zh,                                                      -- Why, in Chinese, with the customer's own numbers
    t.evidence_en,                                                      -- Why, in English, with the customer's own numbers
    t.strength                                                          -- 0-1: share of the signs that could be told, of the orders, or how even the rhythm is; NULL where a tag holds or does not
from tagged as t
