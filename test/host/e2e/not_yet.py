"""Tests that are right and fail, with the cause in core/: a test whose cause is mended passes, which fails
it until its line here is gone."""

CAUSES = {}
