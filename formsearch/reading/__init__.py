"""Reading: a table of runs -> `Points`.

files.py   a file in any of the usual formats -> a data frame
cells.py   cells -> numbers, units included (`6.9B`)
names.py   column names -> quantities, targets and units
rows.py    the last step of each run, rows that repeat others
read.py    `read_points`, which does all of it
guess.py   what a table seems to mean, with reasons, for `formsearch init`
"""

from formsearch.reading.names import ALIASES, TARGETS
from formsearch.reading.read import read_points

__all__ = ["ALIASES", "TARGETS", "read_points"]
