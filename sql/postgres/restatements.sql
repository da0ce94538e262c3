-- What was restated, the latest publication first, a KPI and period a row: the total, or how many members changed. What
-- only went on as such figures do waits for nobody's signature.
-- grain: restatement_id
select
    r.restatement_id,
    min(r.label_zh) as label_zh,
    min(r.label_en) as label_en,
    min(r.period) as period,
    min(r.old_as_of) as old_as_of,
    min(r.new_as_of) as new_as_of,
    min(r.unit) as unit,
    bool_or(r.dimension = 'total') as has_total,
    min(r.old_value) filter (where r.dimension = 'total') as old_value,
    min(r.new_value) filter (where r.dimension = 'total') as new_value,
    count(*) filter (where r.dimension <> 'total') as members,
    coalesce(min(r.reason_zh) filter (where r.dimension = 'total'), min(r.reason_zh)) as reason_zh,
    coalesce(min(r.reason_en) filter (where r.dimension = 'total'), min(r.reason_en)) as reason_en,
    bool_and(r.is_expected) as is_expected,
    min(r.signed_by) as signed_by,
    min(r.note) as note
from ads.restatements as r
group by r.restatement_id
having %(everything)s or min(r.signed_at) is null and not bool_and(r.is_expected)
order by min(r.new_as_of) desc, min(r.journalled_at) desc, r.restatement_id
