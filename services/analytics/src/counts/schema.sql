-- Both tables lie in the order of time, so that a report reads a span of days in one sweep. Times are microseconds since
-- 1970; days are cut when a report is asked for, in the municipality's time zone.
create table contact (
  occurred_at integer not null,
  position integer not null,
  channel integer not null,
  primary key (occurred_at, position)
) strict, without rowid;

create table request (
  occurred_at integer not null,
  -- The number without its hyphens: thirteen digits.
  number integer not null,
  channel integer not null,
  topic text not null,
  -- The unit in charge; empty until the request is routed.
  unit text not null,
  district text not null,
  state integer not null,
  -- 0 where the request is not concluded.
  sub_result integer not null,
  imported integer not null,
  source_agency text not null,
  source_status text not null,
  -- When its service standard wants it done, where one does.
  due_at integer,
  -- Where it is concluded.
  concluded_at integer,
  -- The standard that a request of our own came under, and since when its clock waits for the citizen.
  days integer not null default 0,
  working_days integer not null default 0,
  waiting_since integer,
  primary key (occurred_at, number)
) strict, without rowid;
create unique index request_number on request (number);

-- What the codes of topics and units are called now.
create table topic (
  code text primary key,
  name_tr text not null,
  name_en text not null,
  -- Its service standard; 0 of both where none is posted.
  days integer not null default 0,
  working_days integer not null default 0
) strict, without rowid;

create table unit (
  code text primary key,
  name_tr text not null,
  name_en text not null
) strict, without rowid;
