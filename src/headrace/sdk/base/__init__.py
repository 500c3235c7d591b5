"""The base classes and helpers of all handles."""
