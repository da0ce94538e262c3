-- What belongs to the published table beside it: the moves between the classes of any two published days.
-- A customer who is on one of the days only comes from (new) or goes to (gone). Safe to repeat.
create or replace function dws.segment_transitions_between(from_day date, to_day date)
returns table (scheme text, from_class_id text, to_class_id text, customers bigint)
language sql
stable
as $$
    with classes as (
        select
            s.as_of,
            s.customer_id,
            c.scheme,
            c.class_id
        from dws.customer_segments as s
        cross join lateral (values
            ('rfm', s.rfm_class_id),
            ('rfm_score', s.rfm_score_class_id),
            ('abc', s.abc_class_id),
            ('group', s.group_class_id),
            ('matrix', s.matrix_class_id),
            ('tier', s.tier_class_id),
            ('lifecycle', s.lifecycle_class_id),
            ('churn', s.churn_class_id),
            ('persona', s.persona_class_id)
        ) as c (scheme, class_id)
        where s.as_of in (from_day, to_day)
    ),
    sides as (
        select
            c.scheme,
            c.customer_id,
            max(c.class_id) filter (where c.as_of = from_day) as from_class_id,
            max(c.class_id) filter (where c.as_of = to_day) as to_class_id
        from classes as c
        where c.class_id is not null
        group by c.scheme, c.customer_id
    )
    select
        s.scheme,
        coalesce(s.from_class_id, '(new)'),
        coalesce(s.to_class_id, '(gone)'),
        count(*)
    from sides as s
    group by 1, 2, 3
    order by 1, 2, 3
$$;

comment on function dws.segment_transitions_between(date, date) is
    '任意两个已发布日期之间的分层变动 · Customers by class on one published day and on another, per scheme; (new) and (gone) where they are on one of them only';
