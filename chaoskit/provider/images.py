"""How many tokens a picture is, from its size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, sqrt

__all__ = ["ImageRule", "image_rule"]

_UNREAD = 1024
"""Width and height, in pixels, that are assumed of a picture whose size could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRule:
    """One vendor's rule.

    Attributes:
        rule: `area`: pixels divided by `per`; `tiles`: `base` and `tile` for each square of 512
            pixels; `patches`: squares of `edge` pixels times `factor`.
        edge: longest edge before the picture is scaled down, or the edge of a patch, in pixels.
        most: most tokens or patches of one picture.
    """

    rule: str
    edge: int = 0
    per: int = 750
    most: int = 0
    base: int = 0
    tile: int = 0
    factor: float = 1.0

    def tokens(self, width: int, height: int) -> int:
        """Return the tokens of a picture of this size, in pixels."""
        wide, high = float(width or _UNREAD), float(height or _UNREAD)
        if self.rule == "area":
            return self._area(wide, high)
        if self.rule == "tiles":
            return self._tiles(wide, high)
        return self._patches(wide, high)

    def _area(self, width: float, height: float) -> int:
        scale = min(1.0, self.edge / max(width, height))
        return min(self.most, max(1, ceil(width * scale * height * scale / self.per)))

    def _tiles(self, width: float, height: float) -> int:
        scale = min(1.0, 2048 / max(width, height))
        scale = min(scale, 768 / min(width, height))
        tiles = ceil(width * scale / 512) * ceil(height * scale / 512)
        return self.base + self.tile * tiles

    def _patches(self, width: float, height: float) -> int:
        patches = ceil(width / self.edge) * ceil(height / self.edge)
        if patches > self.most:
            shrink = sqrt(self.most * self.edge**2 / (width * height))
            across, down = width * shrink / self.edge, height * shrink / self.edge
            shrink = min(max(1, int(across)) / across, max(1, int(down)) / down)
            patches = min(self.most, ceil(across * shrink) * ceil(down * shrink))
        return ceil(patches * self.factor)


def image_rule(table: Mapping[str, str | int | float]) -> ImageRule:
    """Return the rule that a table of `models.toml` describes."""
    return ImageRule(**table)  # type: ignore[arg-type]  # the data file is our own, and tested
