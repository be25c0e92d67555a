create table if not exists data_keys (
    municipality text not null,
    subject text not null,
    -- Which master key wraps it.
    epoch integer not null,
    -- Nonce and wrapped key; null once destroyed. The row stays, so that no second key is ever made.
    wrapped blob,
    destroyed_at integer,
    primary key (municipality, subject),
    check ((wrapped is null) = (destroyed_at is not null))
) strict;
create index if not exists data_keys_destroyed on data_keys (municipality, destroyed_at)
    where destroyed_at is not null;
create table if not exists attachment (
    municipality text not null,
    id blob not null,
    -- Of the sealed bytes: an event names the file by both.
    sha256 blob not null,
    subject text not null,
    sealed blob not null,
    primary key (municipality, id, sha256)
) strict;
create index if not exists attachment_by_subject on attachment (municipality, subject);
-- Those that are not destroyed.
create table if not exists master_keys (
    epoch integer primary key,
    check_value blob not null
) strict;
-- Under which of them keys are wrapped now; one row.
create table if not exists current_epoch (
    only_one integer primary key check (only_one = 1),
    epoch integer not null
) strict;
