"""A mail server for tests: takes every mail, and prints it as a line of JSON.

The first line that it prints is its port.
"""

import argparse
import asyncio
import json
import ssl

from aiosmtpd.smtp import SMTP, AuthResult

arguments = argparse.ArgumentParser()
arguments.add_argument("--protection", choices=["tls", "starttls", "none"], required=True)
arguments.add_argument("--certificate")
arguments.add_argument("--key")
arguments.add_argument("--login", help="user:password that every client must have")
arguments.add_argument("--without", action="append", default=[], help="an AUTH mechanism")
options = arguments.parse_args()


class Printer:
    async def handle_DATA(self, server, session, envelope):
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "options": envelope.mail_options,
            "user": session.auth_data,
            "hello": session.host_name,
            "encrypted": session.ssl is not None or options.protection == "tls",
            "content": envelope.content.decode("utf-8"),
        }
        print(json.dumps(mail), flush=True)
        return "250 2.0.0 queued"


def authenticate(server, session, envelope, mechanism, data):
    given = f"{data.login.decode()}:{data.password.decode()}"
    if given == options.login:
        return AuthResult(success=True, auth_data=data.login.decode())
    return AuthResult(success=False, handled=False)


async def main():
    tls = None
    if options.protection != "none":
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(options.certificate, options.key)
    starttls = options.protection == "starttls"

    def connection():
        return SMTP(
            Printer(),
            hostname="localhost",
            enable_SMTPUTF8=True,
            tls_context=tls if starttls else None,
            require_starttls=starttls,
            auth_require_tls=starttls,
            auth_required=options.login is not None,
            auth_exclude_mechanism=options.without,
            authenticator=authenticate,
        )

    loop = asyncio.get_running_loop()
    implicit = tls if options.protection == "tls" else None
    server = await loop.create_server(connection, "127.0.0.1", 0, ssl=implicit)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
