"""A processing that tags the images with many shapes."""

from headrace.processing import Context


async def tag_crowded(context: Context) -> None:
    """Tag every asset whose annotations have at least ``shapes`` shapes together."""
    least = context.parameters["shapes"]
    crowded = await context.version.list_assets(q=f"annotations.shapes >= {least}")
    if crowded:
        await crowded.add_tags(await context.version.get_or_create_asset_tag("crowded"))
    print(f"{len(crowded)} images have {least} shapes or more")
