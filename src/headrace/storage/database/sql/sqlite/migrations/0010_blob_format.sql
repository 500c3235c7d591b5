-- Where blobs of earlier formats (model/old_blob) may still lie: the annotations of a version ("content" 0), or the content
-- of a dataset (1). A background job rewrites them in ranges; "asset" and "no" say how far it is.
create table old_blob (
    content integer not null,
    bucket integer not null,
    object integer not null,
    dataset integer not null,
    asset integer not null,
    no integer not null,
    primary key (content, bucket, object)
) without rowid, strict;
insert into old_blob select 0, v.bucket, v.no, v.dataset, 0, 0 from version v;
insert into old_blob select 1, s.bucket, s.no, s.no, 0, 0 from dataset s;
