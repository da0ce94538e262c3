-- Cleaners: text in, a value of its type out, NULL for what is blank or can't be read. Text as sent goes through
-- clean_text once; the others take what comes out of it.

-- Full-width letters, digits and marks in their ordinary form. Few texts have any, and looking is cheap.
create macro half_width(x) as
    case
        when regexp_matches(x, '[\x{3000}\x{FF01}-\x{FF5E}]')
        then translate(
            x,
            '０１２３４５６７８９ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ＠．－＋＿　',
            '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz@.-+_ '
        )
        else x
    end;

-- Text without invisible characters, full-width letters and digits in their ordinary form, trimmed; blank is NULL.
create macro clean_text(x) as
    nullif(
        trim(half_width(regexp_replace(x, '[\x{00AD}\x{200B}-\x{200F}\x{2060}\x{FEFF}\x{0001}-\x{0008}]', '', 'g'))),
        ''
    );

-- A telephone number's digits: separators dropped, the country code of a mainland mobile number dropped.
create macro clean_phone(x) as
    regexp_replace(
        regexp_replace(x, '[ ()（）-]', '', 'g'),
        '^(\+|00)?86(1[3-9][0-9]{9})$', '\2'
    );

-- 2026-11-20, 2026/11/20, 2026年11月20日, with or without a time of day.
create macro clean_date(x) as
    try_cast(try_cast(replace(replace(replace(replace(x, '/', '-'), '年', '-'), '月', '-'), '日', '') as timestamp) as date);

-- A moment; without an offset it is local time of the session's zone.
create macro clean_timestamp(x) as
    try_cast(replace(replace(replace(replace(x, '/', '-'), '年', '-'), '月', '-'), '日', '') as timestamptz);

-- A number with a point as the decimal mark and, if grouped, commas between thousands; 1.234,50 is not one.
create macro plain_number(x) as
    case
        when regexp_matches(x, '^[-+]?[¥￥]?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)([.][0-9]+)?$')
        then regexp_replace(x, '[¥￥,+]', '', 'g')
    end;

create macro clean_decimal(x) as try_cast(plain_number(x) as decimal(18, 2));

create macro clean_double(x) as try_cast(plain_number(x) as double);

create macro clean_integer(x) as
    case when regexp_matches(plain_number(x), '^[-]?[0-9]+([.]0+)?$') then try_cast(try_cast(plain_number(x) as decimal(18, 0)) as bigint) end;

create macro clean_boolean(x) as
    case
        when lower(x) in ('true', 't', 'yes', 'y', '1', '是') then true
        when lower(x) in ('false', 'f', 'no', 'n', '0', '否') then false
    end;

-- SHA-256 of a value under a key, so that personal data can be compared without being shown (S0 §4.3; I45).
create macro keyed_hash(k, x) as sha256(k || '|' || x);
