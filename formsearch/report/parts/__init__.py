"""The sections of a report, one module each; every one takes the `Builder` and gives blocks."""
