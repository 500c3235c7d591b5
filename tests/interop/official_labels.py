"""Labels as a user of the official client writes them. Prints what it saw as one JSON object.

In a process of its own: importing that client takes a second and rewrites the root logger.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from picsellia import Client
from picsellia.exceptions import BadRequestError, ResourceNotFoundError
from picsellia.types.enums import InferenceType


def main(host: str, token: str, folder: Path) -> dict[str, object]:
    client = Client(api_token=token, host=host)
    lake = client.get_datalake()
    version = client.create_dataset("people").create_version("v1", type=InferenceType.KEYPOINT)
    version.add_data(lake.upload_data(filepaths=[str(p) for p in sorted(folder.glob("*.png"))]))
    seen: dict[str, object] = {}
    seen["imported"] = list(
        version.import_annotations_coco_file(str(folder / "keypoints.json")).values()
    )
    person = version.get_label("person")
    seen["skeleton"] = person.get_skeleton()
    person.set_skeleton(["a", "b"], [[1, 2]])
    seen["skeletons"] = list(version.get_skeletons().values())
    group = person.get_group()
    assert group is not None
    seen["groups"] = [group.name, group.get_parent().name]
    built = version.build_coco_file_locally()
    seen["built"] = [category.keypoints for category in built.categories]
    kinds = {"age": {"display_name": None, "required": True, "input_type": "INTEGER", "min": 0}}
    person.set_attributes(kinds)
    seen["attributes"] = (person.get_attributes() or {})["age"]["min"]
    try:
        person.set_attributes({"age": {**kinds["age"], "input_type": "BOOLEAN"}})
    except BadRequestError as error:
        seen["refused"] = "age" in str(error)
    person.set_attributes(None)
    seen["cleared"] = person.get_attributes() is None
    version.set_attributes(kinds)
    seen["of_version"] = list(version.get_attributes() or ())
    group.delete()
    person.sync()
    seen["ungrouped"] = person.group_id is None
    person.delete()
    seen["stats"] = version.retrieve_stats().nb_objects
    try:
        version.get_label("person")
    except ResourceNotFoundError:
        seen["gone"] = True
    return seen


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])), default=str))
