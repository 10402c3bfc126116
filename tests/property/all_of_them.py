"""All transformations, by what they are called in the tests."""

from tests.property.dead import DEAD
from tests.property.extract import EXTRACTIONS
from tests.property.inline import inlined
from tests.property.move import MOVES
from tests.property.surface import SURFACE
from tests.property.tally import Transformation
from tests.property.wrap import WRAPPINGS

ALL: dict[str, Transformation] = {**SURFACE, **WRAPPINGS, **DEAD, **EXTRACTIONS, "inlined": inlined, **MOVES}
