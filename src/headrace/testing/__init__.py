"""Test tools for packages that build on headrace.

``database_conformance`` and ``objects_conformance`` are the suites that every database and object store must pass;
``fault_server`` is an HTTP server that misbehaves on request.
"""
