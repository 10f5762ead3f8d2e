"""A web in which each site says "not for training" in one way: what docs/signals.md has in its table, as answers."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = "<!doctype html><html><head><title>A page</title>{}</head><body><p>Words and more words.</p></body></html>"
RSL_TYPE = "application/rsl+xml"
PAID = (
    '<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license><permits type="usage">ai-all</permits>'
    '<payment type="training"/></license></content></rsl>'
)

# (signal, column of the table): robots.txt, or (file, its body), or (header, value), or what stands in the head.
SAYS = {
    ("AIPREF", "robots.txt"): "User-agent: *\nContent-Usage: search=y\nContent-Usage: /page train-ai=n\n",
    ("AIPREF", "header"): ("Content-Usage", "train-ai=n, search=y"),
    (
        "Content Signals",
        "robots.txt",
    ): "User-agent: *\nContent-Signal: search=yes,ai-train=no,use=reference\nAllow: /\n",
    ("Content Signals", "header"): ("Content-Signal", "ai-train=no"),
    ("DisallowAITraining", "robots.txt"): "User-agent: *\nAllow: /\nDisallowAITraining: /page\n",
    ("DisallowAITraining", "header"): ("X-Robots-Tag", "DisallowAITraining"),
    ("DisallowAITraining", "meta"): '<meta name="robots" content="disallowaitraining">',
    ("RSL 1.0", "robots.txt"): "License: http://{host}/license.xml\n\nUser-agent: *\nAllow: /\n",
    ("RSL 1.0", "header"): ("Link", f'</license.xml>; rel="license"; type="{RSL_TYPE}"'),
    ("RSL 1.0", "link"): f'<link rel="license" type="{RSL_TYPE}" href="/license.xml">',
    ("RSL 1.0", "script"): f'<script type="{RSL_TYPE}">{PAID}</script>',
    (
        "AI crawlers shut out",
        "robots.txt",
    ): "User-agent: *\nAllow: /\n\nUser-agent: Foo\nUser-agent: gptbot\nDisallow: /\n",
    ("TDMRep", "file of its own"): ("/.well-known/tdmrep.json", '[{"location": "/", "tdm-reservation": 1}]'),
    ("TDMRep", "header"): ("TDM-Reservation", "1"),
    ("TDMRep", "meta"): '<meta name="tdm-reservation" content="1">',
    ("ai.txt", "file of its own"): ("/ai.txt", "User-Agent: *\nDisallow: *.html\n"),
    **{
        (name, place): ("X-Robots-Tag", name) if place == "header" else f'<meta name="robots" content="{name}">'
        for name in ("none", "noai", "noml", "noimageai", "noindex")
        for place in ("header", "meta")
    },
}


class SignalWeb(ThreadingHTTPServer):
    """Answers as a proxy for any host: `answers` by URL, 404 for others; notes what is asked."""

    daemon_threads = True

    def __init__(self):
        self.answers = {}  # (status, headers, body) by URL
        self.asked = []
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def put(self, url, body="", *headers, status=200):
        """Answer a URL so."""
        self.answers[url] = status, headers, body.encode()

    def site(self, host, says, place):
        """Make a site that says something in one place; gives the URL of its page."""
        url, head, headers = f"http://{host}/page", "", ()
        if place == "robots.txt":
            self.put(f"http://{host}/robots.txt", says.replace("{host}", host))
        elif place == "file of its own":
            self.put(f"http://{host}{says[0]}", says[1])
        elif place == "header":
            headers = (says,)
        else:
            head = says
        self.put(f"http://{host}/license.xml", PAID)
        self.put(url, PAGE.format(head), ("Content-Type", "text/html"), *headers)
        return url


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append(self.path)
        status, headers, body = self.server.answers.get(self.path, (404, (), b""))
        lines = [f"HTTP/1.1 {status} x", *(f"{name}: {value}" for name, value in headers)]
        self.wfile.write("\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode("latin-1") + body)

    def log_message(self, *_):
        """Keep quiet."""
