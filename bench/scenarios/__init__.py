"""The scenarios by name."""

from bench.scenario import Scenario
from bench.scenarios.files import FILES
from bench.scenarios.import_ import IMPORT
from bench.scenarios.parse import PARSE

SCENARIOS: dict[str, Scenario] = {each.name: each for each in (FILES, IMPORT, PARSE)}
