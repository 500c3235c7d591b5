"""Reads size, length and rate of a video from the header of its container, without decoding it."""

from headrace.formats.io.video.parts import VideoInfo
from headrace.formats.io.video.read import read_video

__all__ = ["VideoInfo", "read_video"]
