-- The publication the day's is compared with: the day's own last one, else that of the latest day before it. A day that
-- is published for the first time after a later one restates nothing: nobody has read it as the latest.
select
    p.as_of,
    p.run_id,
    p.plan_hash,
    s.plan,
    p.code_version,
    p.inputs
from meta.publications as p
left join meta.plan as s on s.plan_hash = p.plan_hash
where
    jsonb_exists(p.row_counts, %(table)s)
    and (
        p.as_of = %(as_of)s
        or p.as_of < %(as_of)s
        and not exists (
            select
            from meta.publications as q
            where q.as_of >= %(as_of)s and jsonb_exists(q.row_counts, %(table)s)
        )
    )
order by p.as_of desc, p.published_at desc
limit 1
