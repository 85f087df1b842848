"""What a journal says of an exception."""

from chaoskit import failure


def test_a_chain_holds_causes_contexts_notes_and_every_member_of_a_group():
    """Python itself would print fifteen members."""
    try:
        try:
            raise KeyError("the context")
        except KeyError:
            raise ExceptionGroup("many", [ValueError(f"number {n};") for n in range(40)]) from None
    except ExceptionGroup as group:
        try:
            raise RuntimeError("the top") from group
        except RuntimeError as error:
            error.add_note("the note")
            text = failure.chain_of(error)
    assert all(f"number {n};" in text for n in range(40))
    assert all(words in text for words in ("the top", "the note", "many"))
    assert "the context" not in text


def test_an_exception_that_cannot_be_told_is_told_as_that():
    """Its own mistake is no bug of the harness."""

    class Mute(Exception):
        def __str__(self):
            raise LookupError("no words")

    assert failure.text_of(Mute()) == "<its __str__ raised LookupError>"
    assert "Mute" in failure.chain_of(Mute())


def test_the_heart_of_a_group_is_its_only_member():
    """Task groups wrap whatever goes wrong in them; what is told is what went wrong."""
    lost = ConnectionError("lost")
    assert failure.heart_of(ExceptionGroup("a", [ExceptionGroup("b", [lost])])) is lost
    two = ExceptionGroup("two", [lost, ValueError("wrong")])
    assert failure.heart_of(ExceptionGroup("a", [two])) is two
    assert failure.heart_of(lost) is lost
