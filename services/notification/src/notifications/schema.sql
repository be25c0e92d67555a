-- Requests whose citizen can be told, by pseudonym.
create table citizen (
  number text primary key,
  person text not null,
  language integer not null
) strict, without rowid;

create table unit (
  code text primary key,
  name_tr text not null,
  name_en text not null
) strict, without rowid;

create table notification (
  id text primary key,
  number text not null,
  kind integer not null,
  language integer not null,
  planned_for text not null,
  institution text not null,
  sub_result integer not null,
  source_event blob not null,
  correlation blob not null,
  traceparent text not null,
  position integer not null,
  version integer not null,
  newest_event blob not null,
  state integer not null,
  attempts integer not null,
  message_id text not null,
  provider_code text not null,
  -- Null where nothing more is tried.
  due_at integer
) strict;
create index notification_number on notification (number, position);
create index notification_due on notification (due_at, position) where due_at is not null;
