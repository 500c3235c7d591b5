-- The catalog, first migration, in SQLite's words.
--
-- Rows are keyed by integers; ids on the wire are computed from them (model/ids.py), so no table stores an id.
-- "bucket" is always 0 here; it is in every key because PostgreSQL partitions by it.
-- Times are milliseconds since 1970 (UTC). WITHOUT ROWID keeps a version's rows together in key order.

create table sequence (
    name text primary key,
    last integer not null
) without rowid, strict;

create table organization (
    no integer primary key,
    name text not null unique,
    created integer not null
) strict;

create table account (
    no integer primary key,
    username text not null unique,
    created integer not null
) strict;

create table membership (
    organization integer not null references organization,
    account integer not null references account,
    role text not null,
    primary key (organization, account)
) without rowid, strict;

create table token (
    no integer primary key,
    account integer not null references account,
    organization integer references organization,
    name text not null,
    digest blob not null unique,
    created integer not null,
    expires integer,
    revoked integer
) strict;

create table signing_key (
    no integer primary key,
    secret blob not null,
    created integer not null
) strict;

create table connector (
    no integer primary key,
    organization integer not null references organization,
    name text not null,
    kind text not null,
    created integer not null,
    unique (organization, name)
) strict;

create table lake (
    no integer primary key,
    bucket integer not null,
    organization integer not null references organization,
    connector integer not null references connector,
    name text not null,
    created integer not null,
    is_default integer not null,
    unique (organization, name)
) strict;

create table source (
    no integer primary key,
    organization integer not null references organization,
    name text not null,
    created integer not null,
    unique (organization, name)
) strict;

create table data (
    lake_bucket integer not null,
    no integer not null,
    lake integer not null,
    object_name text not null,
    filename text not null,
    kind text not null,
    content_type text not null,
    status text not null,
    width integer,
    height integer,
    size integer,
    sha256 blob,
    source integer,
    created integer not null,
    metadata text,
    custom_metadata text,
    primary key (lake_bucket, no)
) without rowid, strict;
create unique index data_object_name on data (lake_bucket, lake, object_name);
create index data_filename on data (lake_bucket, lake, filename);

-- Tags of every target. "scope" is the lake of DATA tags, the version of ASSET tags, else the organization; "key"
-- counts inside the scope, for ASSET tags inside the dataset, so that a fork copies tags without a mapping.
create table tag (
    family integer not null,
    scope integer not null,
    key integer not null,
    target text not null,
    name text not null,
    created integer not null,
    primary key (family, scope, key)
) without rowid, strict;
create unique index tag_name on tag (family, scope, target, name);

create table data_tag (
    lake_bucket integer not null,
    lake integer not null,
    tag integer not null,
    data integer not null,
    primary key (lake_bucket, lake, tag, data)
) without rowid, strict;
create index data_tag_data on data_tag (lake_bucket, data);

-- "state" as in "version": a dataset in state DELETING waits for the last of its versions to go.
create table dataset (
    no integer primary key,
    organization integer not null references organization,
    bucket integer not null,
    name text not null,
    description text not null,
    state text not null,
    created integer not null,
    next_label integer not null,
    next_asset_tag integer not null,
    next_content integer not null
) strict;
create unique index dataset_name on dataset (organization, name) where state = 'ACTIVE';

-- "state": ACTIVE, or DELETING while its rows go in ranges. "revision" moves with every change below the version.
create table version (
    no integer primary key,
    bucket integer not null,
    dataset integer not null references dataset,
    name text not null,
    description text not null,
    type text not null,
    state text not null,
    locked integer not null,
    created integer not null,
    revision integer not null,
    next_asset integer not null,
    next_annotation integer not null
) strict;
create unique index version_name on version (dataset, name) where state = 'ACTIVE';

-- What DATASET and DATASET_VERSION tags are attached to ("object" is the dataset's or version's number).
create table object_tag (
    organization integer not null,
    tag integer not null,
    object integer not null,
    primary key (organization, tag, object)
) without rowid, strict;
create index object_tag_object on object_tag (object);

create table asset (
    bucket integer not null,
    version integer not null,
    seq integer not null,
    lake_bucket integer not null,
    data integer not null,
    filename text not null,
    primary key (bucket, version, seq)
) without rowid, strict;
create index asset_filename on asset (bucket, version, filename);
create unique index asset_data on asset (bucket, version, lake_bucket, data);
create index asset_of_data on asset (lake_bucket, data);

create table asset_tag (
    bucket integer not null,
    version integer not null,
    tag integer not null,
    asset integer not null,
    primary key (bucket, version, tag, asset)
) without rowid, strict;
create index asset_tag_asset on asset_tag (bucket, version, asset);

-- "key" is unique inside the dataset: blobs name labels by it, so that a fork shares blobs without a mapping.
create table label (
    version integer not null,
    key integer not null,
    name text not null,
    grp integer,
    position integer not null,
    created integer not null,
    primary key (version, key)
) without rowid, strict;
create unique index label_name on label (version, name);

create table label_group (
    version integer not null,
    key integer not null,
    name text not null,
    parent integer,
    created integer not null,
    primary key (version, key)
) without rowid, strict;
create unique index label_group_name on label_group (version, name);

-- One row holds all shapes of an annotation as a compact blob (model/blob/layout.py): in the row itself up to 512 B,
-- above that in "content", which is immutable and shared by forks. "counts" are shapes per label, packed.
create table annotation (
    bucket integer not null,
    version integer not null,
    asset integer not null,
    no integer not null,
    account integer not null,
    status text not null,
    created integer not null,
    duration real not null,
    shapes_n integer not null,
    counts blob not null,
    shapes blob,
    content integer,
    attributes text,
    primary key (bucket, version, asset, no)
) without rowid, strict;
create unique index annotation_no on annotation (bucket, version, no);

create table content (
    dataset_bucket integer not null,
    dataset integer not null,
    no integer not null,
    shapes blob not null,
    primary key (dataset_bucket, dataset, no)
) without rowid, strict;

-- Append-only counters: summed on read, folded into one row a label now and then. No row is ever hot.
create table label_delta (
    bucket integer not null,
    version integer not null,
    label integer not null,
    shapes integer not null,
    annotations integer not null
) strict;
create index label_delta_version on label_delta (bucket, version);

create table version_delta (
    bucket integer not null,
    version integer not null,
    assets integer not null,
    annotations integer not null
) strict;
create index version_delta_version on version_delta (bucket, version);

-- "wire": 1 or 2, the kind of job that the API shows. A shard row is a ledger entry: it is written in the very
-- transaction that does the shard's work, so a rerun knows what is in.
create table job (
    no integer primary key,
    organization integer not null references organization,
    wire integer not null,
    kind text not null,
    subject integer,
    spec text not null,
    state text not null,
    cancel integer not null,
    total integer,
    done integer not null,
    error text,
    created integer not null,
    updated integer not null
) strict;
create index job_subject on job (kind, subject, state);

create table shard (
    job integer not null references job,
    no integer not null,
    state text not null,
    attempts integer not null,
    cursor text,
    result text,
    primary key (job, no)
) without rowid, strict;
