-- Cleaners of days and moments, of the years 1900 to 2099. The year stands first: 03/05/2026 is never guessed at.

-- A moment as a workbook counts it, in days since 1899-12-30: 46000.5 is noon of 2025-12-09. Of the years 1990 to
-- 2049, so that a stray number is no day.
create macro workbook_moment(x) as
    case
        when try_cast(x as double) >= 32874 and try_cast(x as double) < 54789
        then cast(
            cast('1899-12-30 00:00:00' as timestamp) + interval (cast(round(try_cast(x as double) * 86400) as bigint)) second as varchar
        )
    end;

-- The hour of the day out of the hour of its half.
create macro hour_of_day(half, hour) as
    case
        when regexp_matches(half, '下午|晚上|[pP][mM]') and hour < 12 then hour + 12
        when regexp_matches(half, '中午') and hour < 11 then hour + 12
        when regexp_matches(half, '上午|凌晨|早上|[aA][mM]') and hour = 12 then 0
        else hour
    end;

-- A moment with its time in words, 2026年3月5日 下午3点20分 or 2026/3/5 3:20 PM.
create macro spoken_moment(x) as
    translate(regexp_extract(x, '^[0-9]{4}[-/.年][0-9]{1,2}[-/.月][0-9]{1,2}'), '/.年月', '----')
    || ' '
    || cast(
        hour_of_day(
            regexp_extract(x, '上午|下午|中午|晚上|凌晨|早上|[aApP][mM]'),
            try_cast(regexp_extract(x, '([0-9]{1,2})[:时時點点]', 1) as integer)
        ) as varchar
    )
    || ':' || coalesce(nullif(regexp_extract(x, '[:时時點点]([0-9]{1,2})', 1), ''), '00')
    || ':' || coalesce(nullif(regexp_extract(x, '[:时時點点][0-9]{1,2}[:分]([0-9]{1,2})', 1), ''), '00');

create macro is_spoken_moment(x) as
    regexp_matches(
        x,
        '^(?:19|20)[0-9]{2}(?:-[0-9]{1,2}-|/[0-9]{1,2}/|[.][0-9]{1,2}[.]|年[0-9]{1,2}月)[0-9]{1,2}[日号]? ?(?:上午|下午|中午|晚上|凌晨|早上)? ?(?:[01]?[0-9]|2[0-3])(?::[0-9]{2}(?::[0-9]{2})?(?: ?[aApP][mM])?|[时時點点](?:[0-9]{1,2}分(?:[0-9]{1,2}秒)?)?)$'
    );

-- A day or moment as engines read it, 2026-3-5 14:30:00 with its offset if it has one; NULL for anything else.
-- The fifth character tells one way to write a day from another before a pattern is tried.
create macro iso_moment(x) as
    case
        when regexp_matches(
            x,
            '^(?:19|20)[0-9]{2}-[0-9]{1,2}-[0-9]{1,2}(?:[ T](?:[01]?[0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:[.][0-9]+)?)?(?:Z|[-+][0-9]{2}(?::?[0-9]{2})?)?)?$'
        )
        then x
        when substr(x, 5, 1) = '/' and regexp_matches(
            x,
            '^(?:19|20)[0-9]{2}/[0-9]{1,2}/[0-9]{1,2}(?:[ T](?:[01]?[0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:[.][0-9]+)?)?)?$'
        )
        then replace(x, '/', '-')
        when substr(x, 5, 1) = '年' and regexp_matches(x, '^(?:19|20)[0-9]{2}年[0-9]{1,2}月[0-9]{1,2}[日号]?$')
        then replace(replace(replace(replace(x, '年', '-'), '月', '-'), '日', ''), '号', '')
        when substr(x, 5, 1) = '.' and regexp_matches(x, '^(?:19|20)[0-9]{2}[.][0-9]{1,2}[.][0-9]{1,2}$')
        then replace(x, '.', '-')
        when regexp_matches(x, '^(?:19|20)[0-9]{2}[01][0-9][0-3][0-9]$')
        then substr(x, 1, 4) || '-' || substr(x, 5, 2) || '-' || substr(x, 7, 2)
        when regexp_matches(x, '^(?:19|20)[0-9]{2}[01][0-9][0-3][0-9][0-2][0-9][0-5][0-9][0-5][0-9]$')
        then substr(x, 1, 4) || '-' || substr(x, 5, 2) || '-' || substr(x, 7, 2)
            || ' ' || substr(x, 9, 2) || ':' || substr(x, 11, 2) || ':' || substr(x, 13, 2)
        when regexp_matches(x, '^[0-9]{5}(?:[.][0-9]+)?$') then workbook_moment(x)
        when regexp_matches(
            x,
            '^(?:19|20)[0-9]{2}-[0-9]{1,2}-[0-9]{1,2}[ T](?:[01]?[0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:[.][0-9]+)?)? (?:UTC|GMT|[-+][0-9]{2}(?::?[0-9]{2})?)$'
        )
        then replace(replace(regexp_replace(x, ' (?:UTC|GMT)$', 'Z'), ' +', '+'), ' -', '-')
        when regexp_matches(
            x,
            '^(?:19|20)[0-9]{2}(?:-[0-9]{1,2}-|/[0-9]{1,2}/|[.][0-9]{1,2}[.]|年[0-9]{1,2}月)[0-9]{1,2}[日号]? ?(?:上午|下午|中午|晚上|凌晨|早上)? ?(?:[01]?[0-9]|2[0-3])(?::[0-9]{2}(?::[0-9]{2})?(?: ?[aApP][mM])?|[时時點点](?:[0-9]{1,2}分(?:[0-9]{1,2}秒)?)?)$'
        )
        then spoken_moment(x)
    end;

-- A day; of a moment with an offset the day it is then in the session's zone.
create macro clean_date(x) as
    case
        when regexp_matches(x, '^(?:19|20)[0-9]{2}-[0-9]{1,2}-[0-9]{1,2}$') then try_cast(x as date)
        when regexp_matches(x, '^(?:19|20)[0-9]{2}/[0-9]{1,2}/[0-9]{1,2}$') then try_cast(replace(x, '/', '-') as date)
        else cast(try_cast(iso_moment(x) as timestamptz) as date)
    end;

-- A moment; without an offset it is local time of the session's zone.
create macro clean_timestamp(x) as try_cast(iso_moment(x) as timestamptz);
