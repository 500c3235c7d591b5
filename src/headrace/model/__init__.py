"""What a dataset version is: enumerations, ids, geometry, shapes, records and samples. No I/O."""
