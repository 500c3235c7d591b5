-- Objects in S3 whose last row was deleted, and when, in milliseconds since 1970. They stay for a while, so that a backup of
-- the database that names them finds them.
create table released_object (
    name text collate "C" primary key,
    released bigint not null
);
create index released_object_of_time on released_object (released);
