-- What labels and versions say of their shapes: skeletons of keypoints and kinds of attributes, as JSON.
alter table label add column skeleton text;
alter table label add column attributes text;
alter table version add column attributes text;

-- Keys of labels that were deleted: the same name made again gets another key, because no id is given twice.
create table label_gone (
    version integer not null,
    key integer not null,
    primary key (version, key)
) without rowid, strict;
