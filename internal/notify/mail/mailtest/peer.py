# A mail server for tests: aiosmtpd with the parts of the protocol that tests look at. It keeps what it gets in a folder,
# one JSON file a message, and answers as the recipient's local part asks:
#   rcpt.550.5.1.1@…   refused at RCPT with that code and status; without the status when there is none
#   data.451.4.7.1@…   refused after the message
#   die@…              the server ends while it is given the message
#   mute@…             the server says nothing more once it has the message
#   late@…             the server ends once it has kept the message, and has not said so
# It ends when its standard input does.
import asyncio, base64, json, os, ssl, sys, threading

from aiosmtpd.smtp import SMTP, AuthResult

o = json.loads(sys.argv[1])
count = 0
connections = 0


def reply(local, stage):
    part = local.split(".")
    if part[0] != stage or len(part) < 2:
        return None
    status = ".".join(part[2:5])
    return f"{part[1]} {status + ' ' if status else ''}{o.get('says') or 'not for ' + stage}"


class Peer(SMTP):
    """The server, with DSN (RFC 3461), which aiosmtpd does not know."""

    def _getparams(self, params):
        known = super()._getparams(params)
        if known is not None and o.get("dsn"):
            for name in ("RET", "ENVID", "NOTIFY", "ORCPT"):
                known.pop(name, None)
        return known

    async def smtp_MAIL(self, arg):
        self.said_mail = arg
        limit = o.get("messages_a_connection")
        if limit and self.carried >= limit:
            says = o.get("enough") or "421 4.7.0 enough for one connection"
            await self.push(says)
            if says.startswith("421"):
                self.transport.close()
            return
        await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg):
        self.said_rcpt = arg
        await super().smtp_RCPT(arg)

    async def smtp_EHLO(self, hostname):
        global connections
        if not hasattr(self, "carried"):
            self.carried = 0
            connections += 1
            self.number = connections
        await super().smtp_EHLO(hostname)


class Keeper:
    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        if o.get("dsn"):
            responses.insert(1, "250-DSN")
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        if o.get("mail"):
            return o["mail"]
        envelope.mail_from = address
        return "250 2.1.0 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        refuse = reply(address.split("@")[0], "rcpt")
        if refuse:
            return refuse
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        global count
        local = envelope.rcpt_tos[0].split("@")[0]
        if local == "die":
            os._exit(9)
        if local == "mute":
            await asyncio.sleep(3600)
        refuse = reply(local, "data")
        if refuse:
            return refuse
        count += 1
        server.carried += 1
        if not o.get("discard"):
            kept = {
                "mail": server.said_mail, "rcpt": server.said_rcpt, "hello": session.host_name,
                "from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": server.transport.get_extra_info("sslcontext") is not None,
                "user": str(session.auth_data.login, "utf-8") if getattr(session.auth_data, "login", None) else "",
                "mechanism": getattr(session, "mechanism", ""), "connection": server.number,
                "content": base64.b64encode(envelope.original_content).decode(),
            }
            name = os.path.join(o["folder"], f"{o['run']:03d}-{count:06d}")
            with open(name + ".part", "w") as f:
                json.dump(kept, f)
            os.rename(name + ".part", name + ".json")
        if local == "late":
            os._exit(9)
        return f"250 2.0.0 taken as {count}"


def authenticate(server, session, envelope, mechanism, auth_data):
    session.mechanism = mechanism
    good = auth_data.login.decode() == o["user"] and auth_data.password.decode() == o["password"]
    return AuthResult(success=good, handled=False, auth_data=auth_data)


async def main():
    context = None
    if o.get("cert"):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(o["cert"], o["key"])
    implicit = o["security"] == "tls"
    loop = asyncio.get_running_loop()

    def make():
        return Peer(
            Keeper(), hostname="peer.example", ident="peer", loop=loop, enable_SMTPUTF8=bool(o.get("utf8")),
            tls_context=None if implicit else context, require_starttls=o["security"] == "starttls",
            auth_required=bool(o.get("user")), auth_require_tls=o["security"] == "starttls",
            authenticator=authenticate if o.get("user") else None,
            auth_exclude_mechanism=o.get("without") or [],
            data_size_limit=o.get("size") or 10_000_000,
        )

    server = await loop.create_server(make, "127.0.0.1", o["port"], ssl=context if implicit else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def watch():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=watch, daemon=True).start()
asyncio.run(main())
