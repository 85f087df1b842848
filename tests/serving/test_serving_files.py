"""The journals of sessions in files."""

from chaoskit import serving_files
from chaoskit.journal import Journal, RunEnded


def test_sessions_whose_names_look_alike_have_files_of_their_own(tmp_path):
    """What no file name can hold is left out of it, and long names are cut."""
    names = ["a/b", "a:b", "A-b", "ü", "\N{HIRAGANA LETTER A}", "x" * 90 + "1", "x" * 90 + "2"]
    files = serving_files.Files(tmp_path / "out.jsonl")
    for name in [*names, *names]:
        files.of(name)(RunEnded(at=0.0, reason=name))
    files.close()
    told = [
        Journal.loads(path.read_text(encoding="utf-8")).of(RunEnded)
        for path in tmp_path.glob("out.*.jsonl")
    ]
    assert sorted(event.reason for events in told for event in events) == sorted(names)


def test_files_of_many_sessions_are_not_open_at_once(tmp_path, monkeypatch):
    """A server may have more sessions than the machine lets it open files."""
    monkeypatch.setattr(serving_files, "_MOST", 3)
    files = serving_files.Files(tmp_path / "out.jsonl")
    writers = [files.of(f"s{number}") for number in range(9)]
    for turn in range(2):
        for number, write in enumerate(writers):
            write(RunEnded(at=float(turn), reason=f"s{number}"))
            assert len(files._files) == 3
    begun_anew = files.of("s4")
    writers[4](RunEnded(at=2.0, reason="late"))
    begun_anew(RunEnded(at=3.0, reason="anew"))
    files.close()
    for number in range(9):
        text = (tmp_path / f"out.s{number}.jsonl").read_text(encoding="utf-8")
        expected = [3.0] if number == 4 else [0.0, 1.0]
        assert [event.at for event in Journal.loads(text)] == expected
