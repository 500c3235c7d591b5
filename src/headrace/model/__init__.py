"""The data model: enumerations, ids, geometry, shapes, records and samples. No I/O."""
