create table if not exists data_keys (
    municipality text not null,
    subject text not null,
    -- Which master key wraps it.
    epoch bigint not null,
    -- Nonce and wrapped key; null once destroyed. The row stays, so that no second key is ever made.
    wrapped bytea,
    destroyed_at bigint,
    primary key (municipality, subject),
    check ((wrapped is null) = (destroyed_at is not null))
);
create table if not exists master_keys (
    epoch bigint primary key,
    check_value bytea not null
);
