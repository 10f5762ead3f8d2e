"""A Reddit on loopback: listings by pages, searches, tokens, and whatever trouble a test asks for."""

import base64

import pytest

pytest.importorskip("praw")

DAY = 86_400
POSTS = 250


def thing(number, *, subreddit="books", score=None, created=None):
    data = {
        "id": f"p{number}",
        "name": f"t3_p{number}",
        "url": f"http://a.org/{number}",
        "score": number % 7 if score is None else score,
        "ups": number % 7,
        "created_utc": 1_500_000_000.0 + number if created is None else created,
        "subreddit": subreddit,
        "author": "[deleted]" if number % 5 == 0 else "someone",
        "domain": "a.org",
        "is_self": number % 10 == 0,
        "over_18": False,
        "title": f"Title {number}",
        "selftext": "",
        "permalink": f"/r/{subreddit}/comments/p{number}/t/",
        "num_comments": 0,
        "preview": {"images": []},
    }
    return {"kind": "t3", "data": data}


class FakeReddit:
    """What the server knows and does; each path's troubles are used up one a request."""

    def __init__(self):
        self.requests = []
        self.troubles = {}
        self.things = {"books": [thing(number) for number in range(POSTS)]}
        self.tokens = 0

    def respond(self, path, query, headers, body):
        if path == "/api/v1/access_token":
            return self.give_token(headers, body)
        self.requests.append((path, query, headers.get("User-Agent", "")))
        if headers.get("Authorization") != f"bearer token{self.tokens}":
            return 401, {}, {"message": "Unauthorized", "error": 401}
        if self.troubles.get(path):
            return self.troubles[path].pop(0)
        if path == "/api/info":
            wanted = set(query["id"][0].split(","))
            found = [each for listed in self.things.values() for each in listed if each["data"]["name"] in wanted]
            return 200, {}, listing(found, None)
        return self.give_listing(path, query)

    def give_token(self, headers, body):
        credentials = base64.b64decode(headers["Authorization"].split()[1]).decode()
        if credentials != "id:secret" or b"grant_type=client_credentials" not in body:
            return 401, {}, {"message": "Unauthorized", "error": 401}
        self.tokens += 1
        return (
            200,
            {},
            {"access_token": f"token{self.tokens}", "expires_in": 3600, "scope": "*", "token_type": "bearer"},
        )

    def give_listing(self, path, query):
        name = path.split("/")[2]
        if name == "private":
            return 403, {}, {"reason": "private", "message": "Forbidden", "error": 403}
        if name == "quarantined":
            return 403, {}, {"reason": "quarantined", "message": "Forbidden", "error": 403}
        if name == "banned":
            return 404, {}, {"reason": "banned", "message": "Not Found", "error": 404}
        if name == "blocked":
            return 403, {"content-type": "text/html"}, "<html>blocked"
        if name == "nosuch":
            return 302, {"location": "/subreddits/search?q=nosuch"}, ""
        things = self.things.get(name, [])
        names = [each["data"]["name"] for each in things]
        start = names.index(query["after"][0]) + 1 if "after" in query else 0
        size = min(100, int(query.get("limit", ["25"])[0]))
        page = things[start : start + size]
        after = page[-1]["data"]["name"] if page and start + size < len(things) else None
        return 200, {}, listing(page, after)


def listing(things, after):
    return {"kind": "Listing", "data": {"children": things, "after": after, "before": None, "dist": len(things)}}
