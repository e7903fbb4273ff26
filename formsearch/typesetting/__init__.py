"""Formulas and numbers for readers: one set of printers for law pages, documentation and reports.

maths     a formula string or SymPy object -> LaTeX, MathML and text (`Formula`), in the house rules of `printers`
written   a law's form in the order its author wrote, long repeated parts named
numbers   significant digits, powers of ten, sizes with a suffix, values with an interval
escape    plain text inside LaTeX and Markdown
"""
