"""All scenarios by name."""

from bench.scenario import Scenario
from bench.scenarios.change import CHANGE
from bench.scenarios.copy import COPY
from bench.scenarios.export import EXPORT
from bench.scenarios.files import FILES
from bench.scenarios.formats import FORMATS
from bench.scenarios.import_ import IMPORT
from bench.scenarios.journey import JOURNEY
from bench.scenarios.listing import LIST
from bench.scenarios.load import ITER, LOAD
from bench.scenarios.local import LOCAL
from bench.scenarios.parse import PARSE
from bench.scenarios.scale import SCALE
from bench.scenarios.scale_objects import SCALE_OBJECTS
from bench.scenarios.serve import SERVE
from bench.scenarios.size import SIZE
from bench.scenarios.soak import SOAK
from bench.scenarios.start import START
from bench.scenarios.transfer import TRANSFER
from bench.scenarios.transfer_many import MANY
from bench.scenarios.transfer_upload import UPLOAD

ALL = (
    *CHANGE, COPY, *EXPORT, FILES, *FORMATS, IMPORT, *ITER, JOURNEY, *LIST, LOAD, *LOCAL, PARSE,
    *SCALE, *SCALE_OBJECTS, *SERVE, *SIZE, *SOAK, START, *TRANSFER, *MANY, UPLOAD,
)  # fmt: skip
SCENARIOS: dict[str, Scenario] = {each.name: each for each in ALL}


def find(name: str) -> list[Scenario]:
    """Return the scenario with a name, or all of a group: `formats` means every `formats/…`."""
    return [each for key, each in SCENARIOS.items() if name and f"{key}/".startswith(f"{name}/")]
