-- Numbers that are never given twice, not even after the last row went.

-- name: take_numbers
insert into sequence (name, last) values (:name, :count)
on conflict (name) do update set last = last + :count
returning last
