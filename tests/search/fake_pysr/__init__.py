"""A stand-in for PySR that behaves like it towards a caller: signature, checks, files, timing, ways to fail."""
