-- The partitions of a table.
-- grain: partition_name
select i.inhrelid::regclass::text as partition_name
from pg_inherits as i
where i.inhparent = to_regclass(%s)
