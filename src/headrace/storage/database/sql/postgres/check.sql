-- What headrace check reads of the whole catalog, in the order of the tables, and what it mends.

-- What a version says of itself; ranges of a fork change its counts, but not its revision.

-- name: version
select v.revision, v.next_asset, v.next_annotation, v.unmarked, v.locked,
       (select cast(coalesce(sum(d.assets), 0) as bigint) from version_delta d
        where d.bucket = v.bucket and d.version = v.no),
       (select cast(coalesce(sum(d.annotations), 0) as bigint) from version_delta d
        where d.bucket = v.bucket and d.version = v.no)
from version v where v.no = :version and v.state = 'ACTIVE'

-- name: set_counts
update annotation n
set shapes_n = :shapes_n, counts = :counts, marks = :marks || array(select m from unnest(n.marks) m where m % 16 <> 0)
where bucket = :bucket and version = :version and asset = :asset and no = :no

-- name: set_numbers
update version set next_asset = greatest(next_asset, :next_asset), next_annotation = greatest(next_annotation, :next_annotation)
where no = :version

-- name: set_sequence
insert into sequence (name, last) values (:name, :least)
on conflict (name) do update set last = greatest(sequence.last, :least)

-- name: set_numbers_of_dataset
update dataset set next_label = greatest(next_label, :next_label), next_content = greatest(next_content, :next_content)
where no = :no

-- name: named
select j.value from json_texts(:names) j
where exists (select 1 from lake k cross join data d
              where d.lake_bucket = k.bucket and d.lake = k.no and d.object_name = j.value)
   or exists (select 1 from campaign g where g.instructions_object_name = j.value)
