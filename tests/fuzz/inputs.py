"""Inputs: valid ones, hostile ones, and what lies between them."""

# ruff: noqa: E501  (lists of odd inputs read better by the line)

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

HOSTILE_FORMULAS = (
    "__import__('os').system('id')", "().__class__.__bases__[0].__subclasses__()", "N.__class__", "[N for N in (1,2)]",
    "lambda N: N", "9**9**9", "9**9**9**9*N", "N**9**9**9", "2**(2**(2**(2**(2**N))))", "10**-999999", "1e400*N",
    "1e308*1e308*N", "(" * 200 + "N" + ")" * 200, "-" * 500 + "N", "exp(" * 80 + "N" + ")" * 80, "E + A/N**а",  # cyrillic a
    "Ｎ + 1", "N if N else D", "N := 3", "N; import os", "f'{N}'", "'N'*9**9", "b'a'", "N[0]", "N.diff(N)", "Integral(N)",
    "Symbol('x')", "Function('f')(N)", "sympify('1')", "eval('1')", "exec('1')", "open('/etc/passwd')", "print(N)", "True",
    "None", "...", "N and D", "not N", "N < D", "N @ D", "N // D", "N % D", "N << 99999", "~N", "*N", "**N", "await N",
    "yield", "exp(exp(exp(exp(1000))))*N", "Max(*[N])", "Max(" + ",".join(["N"] * 500) + ")", "sin(1e300)*N", "0**-1*N",
    "log(0)*N", "log(-1)*N", "sqrt(-N)", "0*N/0", "N/(D-D)", "Abs(Abs(N))", "N**(1/3)**(1/3)**(1/3)", "1/N" * 200, "\x00", "",
    " ", "\n", "=", "loss =", "= N", "loss = loss = N", "score = N", "pi*N", "E**N", "I*N", "oo*N", "nan", "zoo", "S.N", "N!",
    "0x10*N", "1_000*N", "1j*N", "N**64", "N**65", "3**64*N", "(N+D)**64", "1" * 5000, "N" * 5000, "a" * 200 + "*N",
    "loss", "Min(N,", "#", "N#comment", "\\", "N\\\nD", "N\tD", "é*N", "𝑁 + 1", "∑N", "N²", "½*N", "a**b**c**d**e**f*N",
)  # fmt: skip

FORMULAS = ("E + A/N**a", "E + A/N**alpha + B/D**beta", "loss = E + (A/N)**a*log(D)", "a*exp(-b*N) + Max(N, D)")
PIECES = ("N", "D", "A", "a", "E", "1", "2", "0.5", "1e9", "+", "-", "*", "/", "**", "^", "(", ")", ",", "exp(", "log(", "Max(",
          "sqrt(", "=", ".", "[", "]", "lambda ", ":", "_", "'", "if ", " ", "\n", "9**9", "0", "e", "-1", "1e-300")  # fmt: skip


def formulas() -> st.SearchStrategy[str]:
    """Formulas: hostile, valid, glued of pieces, and any text."""
    glued = st.lists(st.sampled_from(PIECES), min_size=1, max_size=25).map("".join)
    nested = st.recursive(
        st.sampled_from(("N", "D", "A", "2", "0.5", "1e3")),
        lambda part: st.one_of(
            st.tuples(part, st.sampled_from(("+", "-", "*", "/", "**")), part).map(lambda t: f"({t[0]}{t[1]}{t[2]})"),
            st.tuples(st.sampled_from(("exp", "log", "sqrt", "Abs", "atan")), part).map(lambda t: f"{t[0]}({t[1]})"),
            st.tuples(part, part).map(lambda t: f"Max({t[0]},{t[1]})"),
        ),
        max_leaves=12,
    )
    return st.one_of(st.sampled_from(HOSTILE_FORMULAS), st.sampled_from(FORMULAS), glued, nested, st.text(max_size=60))


# -- tables ------------------------------------------------------------------------------------------------------

NAMES = ("N", "D", "params", "tokens", "loss", "val_loss", "C", "flops", "run", "step", "", " ", "=cmd|' /C calc'!A0", "<script>", "N ",
         "n", "ℕ", "loss;D", '"', "config", "__class__", "Unnamed: 0", "1e9", "nan", "group", "a" * 300)  # fmt: skip
CELLS = ("1", "2.5", "1e9", "7B", "70B", "1.3e+9", "1,000,000", "1.000,5", "", " ", "nan", "NaN", "inf", "-inf", "-1", "0", "1e400", "1e-400",
         "9" * 400, "None", "null", "true", "=1+1", "@SUM(A1)", "'", '"', '""', "a", "3 GB", "{'a': 1}", "__import__('os')", "\u202e1",
         "１２", "1_0", "0x10", "1/2", "12:30", "2024-01-01", "-", "–1", "1 e9", "1e9 tokens", "[1, 2]", "{'a':" * 50)  # fmt: skip


def _table(draw: Any) -> str:
    columns = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6))
    rows = draw(st.lists(st.lists(st.sampled_from(CELLS), min_size=0, max_size=7), max_size=8))
    separator = draw(st.sampled_from((",", ";", "\t", "|", " ")))
    end = draw(st.sampled_from(("\n", "\r\n", "\r")))
    return end.join(separator.join(r) for r in (columns, *rows))


def tables() -> st.SearchStrategy[bytes]:
    """Bytes of delimited text, odd and odder, in several encodings, and of no text at all."""
    text = st.composite(_table)()
    good = "N,D,loss\n" + "".join(f"{n},{d},{2 + 1e3 / n}\n" for n in (1e7, 1e8, 1e9) for d in (1e9, 1e10))
    coded = st.tuples(text, st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-7"))).map(
        lambda t: t[0].encode(t[1], "replace")
    )
    return st.one_of(coded, mutated(good.encode()), st.binary(max_size=300), st.sampled_from(_special_tables()))


def _special_tables() -> tuple[bytes, ...]:
    import bz2
    import gzip
    import lzma

    bomb = b"N,D,loss\n" + b"1,1,1\n" * 20
    packed = gzip.compress(bomb, mtime=0)  # the time of packing would give the tests other names every second
    return (
        b"", b"\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\x00" * 50, b"N,D,loss", b"N,D,loss\n", packed, bz2.compress(bomb),
        lzma.compress(bomb), packed[:-9], b"\x1f\x8b" + b"a" * 40, b"PK\x03\x04" + b"\x00" * 60, b"PAR1" + b"\x00" * 40 + b"PAR1",
        b'"N,D,loss\n1,2,3', b'N,D,loss\n"1\n2",3,4\n' * 3, b"N,N,loss\n1,2,3", b"loss,loss\n1,2", b"N;D;loss\n1,5;2,5;3,5\n",
        (",".join(f"c{i}" for i in range(3000)) + "\n").encode() * 2, b"N,loss\n" + b"9" * 5000 + b",1\n", b"a" * 200_000,
        b"#" * 2000, b"# N D loss\n1 2 3\n4 5 6", b"," * 5000 + b"\n" + b"," * 5000,
    )  # fmt: skip


def json_tables() -> st.SearchStrategy[bytes]:
    """JSON and JSON lines of records, odd ones included."""
    value = st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(CELLS)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
        ),
        max_leaves=6,
    )
    record = st.dictionaries(st.sampled_from(NAMES), value, max_size=5)
    special = (b"[" * 3000, b'{"a":' * 3000, b'[{"N": 1e999}]', b'{"N": 1}\n{"N": [1,2]}', b"null", b"[]", b"{}", b"[1, 2]", b'[{"N": 1}, 3]',
               b'[{"__proto__": 1}]', b'[{"N": ' + b"9" * 5000 + b"}]")  # fmt: skip
    return st.one_of(
        st.lists(record, max_size=5).map(lambda rows: json.dumps(rows).encode()),
        st.lists(record, max_size=5).map(lambda rows: "\n".join(map(json.dumps, rows)).encode()),
        st.sampled_from(special),
        st.binary(max_size=60).map(lambda b: b'{"N": ' + b),
    )


def mutated(content: bytes) -> st.SearchStrategy[bytes]:
    """A valid file with a few bytes changed, put in, or cut out."""
    change = st.tuples(
        st.sampled_from("xic"), st.integers(0, max(len(content) - 1, 0)), st.binary(min_size=1, max_size=6)
    )

    def apply(changes: list[tuple[str, int, bytes]]) -> bytes:
        made = bytearray(content)
        for how, at, new in changes:
            at = min(at, len(made))
            if how == "x":
                made[at : at + len(new)] = new
            elif how == "i":
                made[at:at] = new
            else:
                del made[at : at + 40 * len(new)]
        return bytes(made)

    return st.lists(change, min_size=1, max_size=4).map(apply)


def glued(pieces: tuple[str, ...], most: int = 20) -> st.SearchStrategy[str]:
    """Text glued of pieces, or any text."""
    return st.one_of(st.lists(st.sampled_from(pieces), max_size=most).map("".join), st.text(max_size=80))
