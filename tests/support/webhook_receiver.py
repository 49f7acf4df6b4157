"""A receiver of webhooks as a process that tests kill: `python webhook_receiver.py PORT FILE`.

It verifies each signature with the scheme's library and the secret in SECRET, and appends a line to
FILE before it answers. After a kill in between, a message has arrived and was not accepted.
`/receiver/NAME` records NAME. SLOW_SECONDS delays every answer.
"""

import asyncio
import os
import sys
import time
from pathlib import Path

import orjson
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

MAX_BODY_BYTES = 1024 * 1024


def application(file: Path, secret: str, slow_seconds: float) -> web.Application:
    verifier = Webhook(secret)
    opened = file.open("ab", buffering=0)

    async def receive(request: web.Request) -> web.Response:
        body = await request.read()
        try:
            message = verifier.verify(body, dict(request.headers))
        except WebhookVerificationError:
            return web.Response(status=401)
        note = {
            "receiver": request.match_info["name"],
            "id": request.headers["webhook-id"],
            "at": time.time(),
            "body": message,
        }
        opened.write(orjson.dumps(note) + b"\n")
        await asyncio.sleep(slow_seconds)
        return web.Response(status=204)

    made = web.Application(client_max_size=MAX_BODY_BYTES)
    made.router.add_post("/receiver/{name}", receive)
    return made


if __name__ == "__main__":
    web.run_app(
        application(
            Path(sys.argv[2]), os.environ["SECRET"], float(os.environ.get("SLOW_SECONDS", "0"))
        ),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        print=None,
    )
