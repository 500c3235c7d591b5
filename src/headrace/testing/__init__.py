"""Test tools for packages that build on headrace.

``formats``, ``database_conformance`` and ``objects_conformance`` are the suites that every annotation format, database
and object store must pass;
``fault_server`` is an HTTP server that misbehaves on request.
"""
