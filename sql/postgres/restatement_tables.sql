-- What was published once and came out otherwise later: not of a day, so no publication replaces it. Rows are added,
-- and signed once; none is ever changed back. Made with the first figures.
create table if not exists ads.restatements (
    restatement_id bigint not null,
    kpi text not null,
    variant text not null,
    old_variant text not null,
    period_kind text not null,
    period text not null,
    period_start date not null,
    period_end date not null,
    dimension text not null,
    member text not null,
    label_zh text,
    label_en text,
    unit text,
    old_value double precision,
    new_value double precision,
    difference double precision,
    difference_rate double precision,
    old_state text,
    new_state text,
    old_as_of date not null,
    new_as_of date not null,
    old_run_id text not null,
    new_run_id text not null,
    is_rerun boolean not null,
    causes text not null,
    reason_zh text not null,
    reason_en text not null,
    is_expected boolean not null,
    journalled_at timestamptz not null default now(),
    signed_by text,
    signed_at timestamptz,
    note text,
    primary key (restatement_id, dimension, member)
);

create index if not exists restatements_unsigned on ads.restatements (restatement_id) where signed_at is null and not is_expected;

comment on table ads.restatements is '数据重述 · One row per published figure that came out otherwise later: the official variant, of a day run again, or of a period that was over when it was published; of figures that only went on the total alone. Kept for ever';
comment on column ads.restatements.restatement_id is '重述编号 · Number to sign it by: one KPI and period, with all members that changed';
comment on column ads.restatements.kpi is '指标 · KPI';
comment on column ads.restatements.variant is '口径 · Variant that counts now';
comment on column ads.restatements.old_variant is '原口径 · Variant that counted then';
comment on column ads.restatements.period_kind is '周期类型 · day, week, month, quarter, campaign or baseline';
comment on column ads.restatements.period is '周期 · Period';
comment on column ads.restatements.period_start is '周期开始 · First day of the period';
comment on column ads.restatements.period_end is '周期结束 · First day after the period';
comment on column ads.restatements.dimension is '维度 · Dimension';
comment on column ads.restatements.member is '维度成员 · Member of the dimension';
comment on column ads.restatements.label_zh is '指标名称 · Name in Chinese';
comment on column ads.restatements.label_en is '指标名称（英文） · Name in English';
comment on column ads.restatements.unit is '单位 · count, currency, rate, ratio, score, hours or days';
comment on column ads.restatements.old_value is '原数值 · Value published then; NULL where there was none';
comment on column ads.restatements.new_value is '新数值 · Value published now; NULL where there is none any more';
comment on column ads.restatements.difference is '差额 · New less old; NULL where one of them is missing';
comment on column ads.restatements.difference_rate is '变动率 · Difference / old; NULL where that is 0 or missing';
comment on column ads.restatements.old_state is '原数据状态 · final, provisional or withheld';
comment on column ads.restatements.new_state is '新数据状态 · final, provisional or withheld';
comment on column ads.restatements.old_as_of is '原评估日期 · Day evaluated that had the old value';
comment on column ads.restatements.new_as_of is '新评估日期 · Day evaluated that has the new value';
comment on column ads.restatements.old_run_id is '原运行编号 · Run that published the old value, in meta.publications';
comment on column ads.restatements.new_run_id is '新运行编号 · Run that published the new value, in meta.publications';
comment on column ads.restatements.is_rerun is '是否同日重跑 · Whether the same day was published again; else a later day tells otherwise of a period that was over';
comment on column ads.restatements.causes is '原因代码 · What differs between the two publications and can have changed it: late_data, corrected_rows, withdrawn_rows, changed_input, refund, merge, progress, later_day, source_added, source_withdrawn, erasure, quality, plan, code; unknown where nothing does';
comment on column ads.restatements.reason_zh is '原因 · The same in Chinese, with the rows by table';
comment on column ads.restatements.reason_en is '原因（英文） · The same in English, with the rows by table';
comment on column ads.restatements.is_expected is '是否正常进展 · Whether it only went on as such figures do, a share of leads won since say: nobody need sign it';
comment on column ads.restatements.journalled_at is '记录时间 · When the new value was published';
comment on column ads.restatements.signed_by is '签认人 · Who has taken note of it: an id or a team';
comment on column ads.restatements.signed_at is '签认时间 · When';
comment on column ads.restatements.note is '备注 · What was said about it';

revoke all on ads.restatements from public, tuoke_reader;
grant select on ads.restatements to tuoke_reader;
