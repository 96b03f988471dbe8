"""Stripe, played by localstripe.

Prints its port, and then each request: method, path and the headers that
Stripe reads. Serves until it is killed.
"""

import json
import socket

from aiohttp import web
from localstripe import resources, server

READ = ["authorization", "idempotency-key", "stripe-version"]


def given_back(intent):
    """What of a charge was not captured: localstripe gives it back by a refund
    of the charge itself."""
    charge = intent.latest_charge
    refunds = charge.refunds._list if charge is not None else []
    return sum(refund.amount for refund in refunds if refund.payment_intent is None)


def amount(status):
    def of(intent):
        return intent.amount - given_back(intent) if intent.status == status else 0

    return property(of)


# What Stripe says of every intent, and localstripe leaves out.
resources.PaymentIntent.amount_received = amount("succeeded")
resources.PaymentIntent.amount_capturable = amount("requires_capture")

# It would keep its state in a file that all processes share.
resources.Store.dump_to_disk = lambda self: None


@web.middleware
async def tell(request, handler):
    headers = {name: request.headers.get(name) for name in READ}
    line = {"method": request.method, "path": request.path, **headers}
    print(json.dumps(line), flush=True)
    return await handler(request)


server.app.middlewares.insert(0, tell)
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
web.run_app(server.app, sock=listener, print=None, handle_signals=False)
