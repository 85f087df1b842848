"""Where keys stand in a TOML text."""

import pytest

from chaoskit.scenario_lines import line_of, lines, spell

TEXT = '''\
title = "a" # [not.a.table]
story = """
[neither]
key = 1 \\""" """
odd."key = 1".deep = [1, [2,
  { x = 1, "y" = [
    3] }], "]", \'\'\'
]\'\'\', 5]

[[faults]]
fault = 'x # y'
when = { calls = "2-3", u.v = 3 }
[faults.sub]
k = """a""b"""""
[[faults]]
since = 1979-05-27 07:32:00
[healthy.provider.limits]
x = 1
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 1),
        (("story",), 2),
        (("odd", "key = 1", "deep", 1), 5),
        (("odd", "key = 1", "deep", 1, 1, "x"), 6),
        (("odd", "key = 1", "deep", 1, 1, "y", 0), 7),
        (("odd", "key = 1", "deep", 3), 7),
        (("odd", "key = 1", "deep", 4), 8),
        (("faults",), 10),
        (("faults", 0, "fault"), 11),
        (("faults", 0, "when", "u", "v"), 12),
        (("faults", 0, "sub", "k"), 14),
        (("faults", 1), 15),
        (("faults", 1, "since"), 16),
        (("healthy", "provider", "limits"), 17),
        (("healthy", "provider", "limits", "x"), 18),
    ],
)
def test_every_key_has_the_line_on_which_it_is_written(path, line):
    """Strings, comments, inline tables and lists do not confuse the scanner."""
    assert line == lines(TEXT)[path]


def test_what_is_not_written_has_the_line_of_its_table():
    """A missing key is looked for where its table begins."""
    assert line_of(lines(TEXT), ("faults", 0, "retry_after")) == 10
    assert line_of(lines(TEXT), ("promises",)) == 0


def test_paths_are_spelt_as_people_write_them():
    """Positions stand in brackets, strange keys in quotes."""
    assert spell(("faults", 0, "when", "calls")) == "faults[0].when.calls"
    assert spell(("provider", "per_model", "gpt 5")) == 'provider.per_model."gpt 5"'
    assert spell(()) == ""


def test_text_that_is_not_toml_is_refused():
    """The scanner is for texts that have been checked, and does not loop on others."""
    with pytest.raises(ValueError, match="no key"):
        lines("= 3")
