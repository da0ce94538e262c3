-- What publishing needs before its first table: schemas, the log of publications, the roles that read. Safe to repeat.
-- several processes may come to an empty database at once
select pg_advisory_xact_lock(hashtext('tuoke set_up'));

do $$
declare
    room record;
begin
    for room in
        select *
        from (values
            ('dws', 'Per customer, per lead, per touch'),
            ('ads', 'The answer: indicators, scores, effects, alerts'),
            ('dq', 'Quality: scorecard, results, quarantine, ledger'),
            ('meta', 'Publications, dictionaries, the plan'),
            ('stage', 'Tables on their way to publication; not for readers')
        ) as rooms (name, purpose)
    loop
        -- a schema that is there may belong to somebody else: its comment stays
        if to_regnamespace(room.name) is null then
            execute format('create schema %I', room.name);
            execute format('comment on schema %I is %L', room.name, room.purpose);
        end if;
    end loop;
end
$$;

create table if not exists meta.publications (
    run_id text not null,
    as_of date not null,
    plan_hash text not null,
    code_version text not null,
    inputs jsonb not null,
    row_counts jsonb not null,
    published_at timestamptz not null default now(),
    primary key (run_id, as_of)
);

-- an earlier release made it without; to ask first spares readers the wait for a lock
do $$
begin
    if not exists (
        select from pg_attribute where attrelid = 'meta.publications'::regclass and attname = 'is_closing'
    ) then
        alter table meta.publications add column is_closing boolean not null default false;
        comment on column meta.publications.is_closing is
            '是否结项快照 · Whether it is the closing snapshot of a campaign: kept for ever, and replaced only on demand';
    end if;
end
$$;

comment on table meta.publications is '发布记录 · One row per run and day that was published';
comment on column meta.publications.run_id is '运行编号 · Run that published';
comment on column meta.publications.as_of is '评估日期 · Day evaluated';
comment on column meta.publications.plan_hash is '方案指纹 · Hash of the plan the day was evaluated by';
comment on column meta.publications.code_version is '程序版本 · Version of Tuoke';
comment on column meta.publications.inputs is '输入摘要 · SHA-256 of each input, by its name';
comment on column meta.publications.row_counts is '各表行数 · Rows published, by table';
comment on column meta.publications.published_at is '发布时间 · When the publication was committed';

-- every published row carries the hash of its plan: this is what the plan said
create table if not exists meta.plan (
    plan_hash text primary key,
    plan jsonb not null,
    first_published_at timestamptz not null default now()
);

comment on table meta.plan is '评估方案 · One row per plan that figures were published by';
comment on column meta.plan.plan_hash is '方案指纹 · Hash of the plan, as on every published row';
comment on column meta.plan.plan is '方案内容 · What it says, with every default written out';
comment on column meta.plan.first_published_at is '首次发布时间 · When figures were first published by it';

do $$
begin
    if to_regrole('tuoke_reader') is null then
        create role tuoke_reader login;
        alter role tuoke_reader set default_transaction_read_only = on;
        alter role tuoke_reader set statement_timeout = '5min';
        -- a forgotten transaction holds its tables, and so the next publication
        alter role tuoke_reader set idle_in_transaction_session_timeout = '5min';
    end if;
exception
    -- roles belong to the server: another of its databases may be set up at this moment
    when duplicate_object or unique_violation then null;
end
$$;

-- who answers for the data reads what is kept from readers, too; logs in once an administrator says how
do $$
begin
    if to_regrole('tuoke_steward') is null then
        create role tuoke_steward login;
        grant tuoke_reader to tuoke_steward;
        alter role tuoke_steward set default_transaction_read_only = on;
        alter role tuoke_steward set statement_timeout = '5min';
        alter role tuoke_steward set idle_in_transaction_session_timeout = '5min';
    end if;
exception
    when duplicate_object or unique_violation then null;
    -- whoever owns a database may publish without it: only an administrator makes roles
    when insufficient_privilege then null;
end
$$;

do $$
begin
    execute format('grant connect on database %I to tuoke_reader', current_database());
end
$$;

grant usage on schema dws, ads, dq, meta to tuoke_reader;
grant select on meta.publications, meta.plan to tuoke_reader;
