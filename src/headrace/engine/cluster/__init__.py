"""Work on shards: one protocol for the processes of this machine, for a Dask cluster, and for this process itself.

A shard is a part of a large piece of work, described by a small msgspec struct. Workers run functions that they have
themselves, by name (``calls``); no code is sent to them. A shard runs again when its worker dies, so its function must have
the same effect a second time.
"""
