-- The columns of a table or view as it stands, in their order: type, place in the primary key, comments, and whether
-- readers may read it.
-- grain: column_name
select
    a.attname::text as column_name,
    format_type(a.atttypid, a.atttypmod) as column_type,
    array_position(i.indkey::smallint[], a.attnum) as key_position,
    col_description(a.attrelid, a.attnum) as column_comment,
    obj_description(a.attrelid, 'pg_class') as relation_comment,
    has_table_privilege('tuoke_reader', a.attrelid, 'select') as is_readable
from pg_attribute as a
left join pg_index as i
    on i.indrelid = a.attrelid
    and i.indisprimary
where
    a.attrelid = to_regclass(%s)
    and a.attnum > 0
    and not a.attisdropped
order by a.attnum
