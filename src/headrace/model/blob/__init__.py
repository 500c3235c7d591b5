"""The stored form of an annotation's shapes, packed and unpacked by the page."""
