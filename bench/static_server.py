"""Serve a folder over HTTP where nginx is not installed: `static_server.py FOLDER PORT`."""

import sys

from aiohttp import web

if __name__ == "__main__":
    app = web.Application()
    app.router.add_static("/", sys.argv[1], show_index=True)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[2]), print=None)
