"""Type hints, their exported schema and the reference implementation of JSON Schema agree."""

from typing import Annotated, Any, Literal

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st

from chaoskit_guards.errors import ArgError
from chaoskit_guards.vet import Arg, ArgSpec, Vet

HINTS = st.recursive(
    st.sampled_from(
        [
            str,
            int,
            float,
            bool,
            None,
            Any,
            Literal["a", "b"],
            Literal[1, "a"] | None,
            Annotated[int, Arg(ge=-1, lt=3)],
            Annotated[float, Arg(gt=0, le=2)],
            Annotated[str, Arg(min_length=1, max_length=2)],
        ]
    ),
    lambda inner: st.one_of(
        inner.map(lambda hint: list[hint]),
        inner.map(lambda hint: dict[str, hint]),
        st.tuples(inner, inner).map(
            lambda pair: pair[0] | pair[1] if None not in pair else list[pair[1]]
        ),
        inner.map(lambda hint: Annotated[list[hint], Arg(min_length=1)]),
    ),
    max_leaves=4,
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 4)
    | st.floats(-3, 3, allow_nan=False)
    | st.sampled_from(["", "a", "b", "abc"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["a", "b", "x"]), inner, max_size=2)
    ),
    max_leaves=5,
)


def admitted(tool, arguments):
    """Whether a guarded tool runs."""
    try:
        tool(**arguments)
    except ArgError:
        return False
    return True


@given(st.dictionaries(st.sampled_from(["a", "b"]), HINTS, min_size=1), st.data())
@settings(deadline=None, max_examples=300)
def test_hints_schema_and_reference_agree(hints, data):
    """On whether the arguments are good."""
    spec = type("Spec", (ArgSpec,), {"__annotations__": hints, "__module__": __name__})
    arguments = data.draw(st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUES, max_size=3))
    from_hints = Vet().guard(schema=spec)(lambda **given: given)
    from_schema = Vet().guard(schema=spec.schema())(lambda **given: given)
    valid = jsonschema.Draft202012Validator(spec.schema()).is_valid(arguments)
    assert admitted(from_hints, arguments) == valid
    assert admitted(from_schema, arguments) == valid


@given(HINTS, VALUES)
@settings(deadline=None)
def test_what_passes_strictly_passes_unchanged_with_repairs(hint, value):
    """Repairs touch only what would have been refused."""

    def tool(a):
        return a

    tool.__annotations__ = {"a": hint}
    strict, repairing = Vet().guard()(tool), Vet(repair=True).guard()(tool)
    try:
        expected = strict(a=value)
    except ArgError:
        return
    assert repairing(a=value) == expected
