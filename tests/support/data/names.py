"""Names that lead out of a folder, or that some system cannot bear, as a dataset or a server may hold them."""

from __future__ import annotations

HOSTILE = [
    "", ".", "..", "/", "\\", "/etc/passwd", "//host/share/x", "\\\\host\\share\\x", "\\\\?\\C:\\x",
    "\\\\.\\pipe\\x", "C:", "C:x", "C:\\x", "c:/x", "x/C:/y", "../x", "..\\x", "a/../b", "a\\..\\b",
    "a/..", "a/../..", "..a/../../x", "....//x", "a//b", "a\\\\b", "./a", "a/./b", "a/", "a\\",
    "a\0b", "a\nb", "a\rb", "\x1b[31mred", "\x7f", "a.", "a ", "a/b. ", "a./b", "a /b", "...", " ",
    "x:stream", "x::$DATA", "CON", "con", "Con.txt", "a/PRN", "aux.tar.gz", "NUL", "nul .txt",
    "COM1", "com9.png", "COM¹", "LPT1", "lpt0.x", "CONIN$", "conout$.txt", "CLOCK$",
    "é" * 128, "x" * 256, "a/" * 513, "\ud800", "a/\udcff.png",
]  # fmt: skip
