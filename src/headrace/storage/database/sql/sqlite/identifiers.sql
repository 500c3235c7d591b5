-- Row numbers that are never used twice, not even after the row is deleted.

-- name: take_numbers
insert into sequence (name, last) values (:name, :count)
on conflict (name) do update set last = last + :count
returning last
