"""Compiled kernels never outlive the sources they were made from."""

from pathlib import Path

from formsearch.core.cache import SOURCES, STAMP, drop_stale


def test_only_kernels_of_other_sources_are_dropped(tmp_path: Path) -> None:
    for name in ("kernels.fit_jobs-1.py311.nbi", "dense.qr_update-2.py311.nbi", "other.thing-3.py311.nbi"):
        (tmp_path / name).write_bytes(b"index")
    (tmp_path / STAMP).write_text("of other sources")
    assert drop_stale(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {"other.thing-3.py311.nbi", STAMP}
    (tmp_path / "kernels.fit_jobs-1.py311.nbi").write_bytes(b"index of these sources")
    assert not drop_stale(tmp_path)
    assert (tmp_path / "kernels.fit_jobs-1.py311.nbi").exists()


def test_a_missing_folder_is_no_error(tmp_path: Path) -> None:
    assert not drop_stale(None)
    assert not drop_stale(tmp_path / "nowhere")


def test_every_module_of_the_kernels_is_listed() -> None:
    core = Path(__file__).parents[2] / "formsearch" / "core"
    compiled = {p.stem for p in core.glob("*.py") if "@njit" in p.read_text(encoding="utf-8")}
    assert compiled <= set(SOURCES)
