"""A stand-in for Julia under the really installed PySR: all of PySR's own Python code runs, checks included."""
