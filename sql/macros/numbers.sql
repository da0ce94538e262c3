-- Cleaners of numbers. A point is the decimal mark; commas, if any, stand between thousands. 1.234,50 is not a number.

-- 十万 100000, 万 10000, 亿 100000000: what the unit behind a number stands for.
create macro unit_factor(unit) as
    cast(
        case unit
            when '千' then 1000
            when '万' then 10000
            when '萬' then 10000
            when '十万' then 100000
            when '十萬' then 100000
            when '百万' then 1000000
            when '百萬' then 1000000
            when '千万' then 10000000
            when '千萬' then 10000000
            when '亿' then 100000000
            when '億' then 100000000
            when '十亿' then 1000000000
            when '十億' then 1000000000
            when '百亿' then 10000000000
            when '百億' then 10000000000
            when '千亿' then 100000000000
            when '千億' then 100000000000
            else 1
        end as decimal(12, 0)
    );

-- The digits of a number, with a minus sign where it is negative: -5, 5-, (5).
create macro signed_digits(x) as
    case when regexp_matches(x, '[-(（]') then '-' else '' end
    || replace(replace(regexp_extract(x, '[0-9][0-9,，]*(?:[.][0-9]+)?|[.][0-9]+'), ',', ''), '，', '');

-- A number as engines read it, of 1,234.50 or -¥1,234.50 or (1,234.50) or 12.5万元; NULL for anything else.
create macro plain_number(x) as
    case
        when regexp_matches(x, '^-?[0-9]+(?:[.][0-9]+)?$') then x
        when regexp_matches(
            x,
            '^(?:(?:[-+] ?(?:[¥￥$]|RMB|CNY|人民币)? ?|(?:[¥￥$]|RMB|CNY|人民币)? ?[-+]? ?)(?:(?:[0-9]+|[0-9]{1,3}(?:[,，][0-9]{3})+)(?:[.][0-9]+)?|[.][0-9]+) ?(?:[十百千]?[万萬亿億]|千)? ?(?:元|圆|圓|RMB|CNY|人民币)?|(?:[¥￥$]|RMB|CNY|人民币)? ?(?:(?:[0-9]+|[0-9]{1,3}(?:[,，][0-9]{3})+)(?:[.][0-9]+)?|[.][0-9]+) ?(?:[十百千]?[万萬亿億]|千)? ?(?:元|圆|圓|RMB|CNY|人民币)?-|[(（](?:[¥￥$]|RMB|CNY|人民币)? ?(?:(?:[0-9]+|[0-9]{1,3}(?:[,，][0-9]{3})+)(?:[.][0-9]+)?|[.][0-9]+) ?(?:[十百千]?[万萬亿億]|千)? ?(?:元|圆|圓|RMB|CNY|人民币)?[)）])$'
        )
        then case
            when regexp_matches(x, '[千万萬亿億]')
            then cast(
                try_cast(signed_digits(x) as decimal(26, 8)) * unit_factor(regexp_extract(x, '[十百千]?[万萬亿億]|千')) as varchar
            )
            else signed_digits(x)
        end
    end;

create macro clean_decimal(x) as try_cast(plain_number(x) as decimal(18, 2));

create macro clean_double(x) as try_cast(plain_number(x) as double);

create macro clean_integer(x) as
    case
        when regexp_matches(x, '^-?[0-9]{1,18}$') then try_cast(x as bigint)
        when regexp_matches(plain_number(x), '^-?[0-9]+[.]?0*$') then try_cast(try_cast(plain_number(x) as decimal(18, 0)) as bigint)
    end;

-- A share of one: 0.125, or 12.5%.
create macro clean_rate(x) as
    case
        when regexp_matches(x, '[%％]$') then try_cast(plain_number(regexp_replace(x, ' ?[%％]$', '')) as double) / 100
        else clean_double(x)
    end;

create macro clean_boolean(x) as
    case
        when lower(x) in ('true', 't', 'yes', 'y', '1', '1.0', 'on', '是', '真', '对', '對', '有', '√', '✓', '✔') then true
        when lower(x) in ('false', 'f', 'no', 'n', '0', '0.0', 'off', '否', '假', '错', '錯', '无', '無', '×', '✗', '✘') then false
    end;
