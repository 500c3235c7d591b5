-- Processings: programs that the lake's owner registered. "program" is a command's words or the name of a callable, as
-- JSON; "parameters" are declared ones with their defaults, "version_types" the types of versions it is for, as JSON.
create table processing (
    no integer primary key,
    organization integer not null references organization,
    name text not null,
    target text not null,
    type text,
    description text not null,
    program text not null,
    folder text not null,
    parameters text not null,
    version_types text not null,
    cpu integer not null,
    gpu integer not null,
    created integer not null,
    unique (organization, name)
) strict;
