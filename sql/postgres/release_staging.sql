-- Ends our own idle sessions that hold tables of the staging schema; nobody else has business there.
-- grain: session
select pg_terminate_backend(a.pid)
from pg_stat_activity as a
where
    a.pid <> pg_backend_pid()
    and a.usename = current_user
    and a.state like 'idle%'
    and exists (
        select
        from pg_locks as l
        inner join pg_class as c on c.oid = l.relation
        inner join pg_namespace as n on n.oid = c.relnamespace
        where
            l.pid = a.pid
            and l.database = (select d.oid from pg_database as d where d.datname = current_database())
            and n.nspname = 'stage'
    )
