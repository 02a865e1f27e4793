"""A carrier's gateway for tests: takes signed messages by HTTP, checks the signature with Python's own hmac, and answers as
the path of the address says. It tells on standard output, a JSON object a line, what came in. It ends when standard
input does.

python3 gateway.py SECRET-IN-BASE64 [CERTIFICATE-AND-KEY.pem]
"""
import base64
import hashlib
import hmac
import json
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

secret = base64.b64decode(sys.argv[1])
lock = threading.Lock()
seen = set()


def note(**what):
    with lock:
        print(json.dumps(what), flush=True)


class Gateway(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        note(got=self.path, method="GET")
        self.answer(200, b"{}")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        ident, stamp = self.headers["webhook-id"], self.headers["webhook-timestamp"]
        right = base64.b64encode(hmac.digest(secret, f"{ident}.{stamp}.".encode() + body, hashlib.sha256)).decode()
        given = [s.split(",", 1) for s in self.headers["webhook-signature"].split(" ")]
        signed = any(version == "v1" and hmac.compare_digest(right, s) for version, s in given)
        with lock:
            again = ident in seen
            seen.add(ident)
        note(got=self.path, method="POST", id=ident, stamp=int(stamp), signed=signed, signatures=len(given), again=again,
             key=self.headers["Idempotency-Key"], type=self.headers["Content-Type"], body=json.loads(body))
        if not signed:
            return self.answer(401, b"whose is this?")
        if self.path == "/once" and again:
            return self.answer(409, b'{"reference": "r-' + ident.encode() + b'"}')
        if self.path == "/slow":
            time.sleep(5)
        if self.path == "/hangup":
            self.close_connection = True
            return
        status, answer, headers = {
            "/once": (202, b'{"reference": "r-' + ident.encode() + b'"}', {}),
            "/delivered": (200, b'{"reference": "x", "state": "delivered"}', {}),
            "/plain": (200, b"thanks", {}),
            "/busy": (429, b"later", {"Retry_After": "120"}),
            "/broken": (503, b"", {"Retry_After": "Wed, 25 Nov 2026 17:05:00 GMT"}),
            "/never": (422, b"no such number +15550001111", {}),
            "/elsewhere": (307, b"", {"Location": "/plain"}),
            "/long": (200, b'{"reference": "' + b"x" * 100_000 + b'"}', {}),
        }.get(self.path, (200, b"", {}))
        self.answer(status, answer, **headers)


server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
server.daemon_threads = True
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
note(port=server.server_address[1])
sys.stdin.read()
