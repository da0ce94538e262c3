-- The columns of a table or view as it stands, in their order: type, place in the primary key, comments, whether
-- readers and stewards may read it, NULL where the server has no stewards, and the query of a view.
-- grain: column_name
with relation as materialized (
    select
        named.oid,
        obj_description(named.oid, 'pg_class') as relation_comment,
        -- put together once, and not for each of its columns
        pg_get_viewdef(named.oid) as query
    from (select to_regclass(%s) as oid) as named
)
select
    a.attname::text as column_name,
    format_type(a.atttypid, a.atttypmod) as column_type,
    array_position(i.indkey::smallint[], a.attnum) as key_position,
    col_description(a.attrelid, a.attnum) as column_comment,
    relation.relation_comment,
    has_column_privilege('tuoke_reader', a.attrelid, a.attnum, 'select') as is_open,
    has_column_privilege(to_regrole('tuoke_steward')::oid, a.attrelid, a.attnum, 'select') as is_open_to_stewards,
    relation.query
from relation
inner join pg_attribute as a on a.attrelid = relation.oid
left join pg_index as i
    on i.indrelid = a.attrelid
    and i.indisprimary
where
    a.attnum > 0
    and not a.attisdropped
order by a.attnum
