"""A module that breaks under load, small enough for a test: two workers, a short queue, then 503. Takes any pass.

`python fragile_stand_in.py PORT COST_MS`: the three addresses of the booking interface that visitors use.
"""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORKERS, QUEUE = 2, 12
_working = threading.Semaphore(WORKERS)
_queue = threading.Semaphore(QUEUE)


class Module(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def _answer(self, status: int, body: object, *headers: tuple[str, str]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (("Content-Type", "application/json"), ("Content-Length", str(len(text))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def _worked(self) -> bool:
        if not _queue.acquire(blocking=False):
            return False
        try:
            with _working:
                time.sleep(float(sys.argv[2]) / 1000)
        finally:
            _queue.release()
        return True

    def answer_look(self) -> None:
        if not self._worked():
            self._answer(503, {})
        elif self.path == "/api/services":
            self._answer(200, {"services": [{"id": 1, "free": 9999, "slots_url": "/api/services/1/slots"}]})
        else:
            self._answer(200, {"slots": [{"id": 7, "free": 9999}]})

    def answer_form(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if not self._worked():
            self._answer(503, {})
        else:
            self._answer(201, {"reference": "R", "slot_id": 7}, ("Ecluse-Command", "end-session"))

    do_GET = do_HEAD = answer_look
    do_POST = answer_form


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Module).serve_forever()
