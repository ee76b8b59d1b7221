# SPDX-License-Identifier: GPL-3.0-or-later
"""Cross-origin requests: the exact origin, with credentials, for origins in
the settings only, also on errors."""

import json

import pytest

import life
from life import reload

SITE = "https://site.example.org"
LISTED = ("https://app.example.org", "http://localhost:5173")
SETTINGS = {"site_origin": SITE, "cors_origins": ", ".join(LISTED),
            "body_limit": "64K"}

HEAT = "/api/movies/heat/"
ANY = "Access-Control-"
METHODS = {"DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"}
HEADERS = {"accept", "accept-language", "authorization", "cache-control",
           "content-language", "content-type", "if-match",
           "if-modified-since", "if-none-match", "if-range",
           "if-unmodified-since", "pragma", "range", "user-agent",
           "x-csrftoken", "x-request-id", "x-requested-with"}

STRANGERS = (
    "https://evil.example.org", "http://app.example.org",
    "https://app.example.org:444", "https://app.example.org.evil.org",
    "https://sub.app.example.org", "https://app.example.or",
    "https://evil.org?https://app.example.org", "https://app.example.org/",
    "HTTPS://APP.EXAMPLE.ORG", "https://app.example.org, https://evil.org",
    "https://app.example.org,http://localhost:5173", "null", "*", "localhost",
    "http://localhost:51730", ",", "https://", "https://é.example.org",
    "x" * 3000)


def words(value):
    return {w.strip() for w in value.split(",")}


def lower(value):
    return {w.strip().lower() for w in value.split(",")}


def cors_of(response):
    return {k: v for k, v in response.headers.items() if k.startswith(ANY)}


def is_allowed(response, origin):
    assert response.headers[ANY + "Allow-Origin"] == origin
    assert response.headers[ANY + "Allow-Credentials"] == "true"
    assert {"etag", "retry-after", "x-request-id"} <= lower(
        response.headers[ANY + "Expose-Headers"])
    assert "Origin" in words(response.headers["Vary"])
    return True


def is_not(response):
    assert cors_of(response) == {}
    assert "Origin" in words(response.headers["Vary"])
    return True


def asked(client, path, origin, method="PUT", **more):
    """What a browser sends before such a call."""
    return client.request("OPTIONS", path, token=None, headers={
        "Origin": origin, "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type"},
        **more)


@pytest.fixture(params=["public_origin", "site_origin", *LISTED])
def friend(stack, request):
    """An origin that is allowed."""
    if request.param in LISTED:
        return request.param
    return stack.settings()[request.param]


def test_allowed_origins(ana, friend):
    for _ in range(2):  # made, and kept
        assert is_allowed(ana.get(HEAT, headers={"Origin": friend}), friend)
    r = ana.request("HEAD", HEAT, headers={"Origin": friend})
    assert is_allowed(r, friend)
    r = ana.post(HEAT + "unseen/", headers={"Origin": friend})
    assert r.status_code == 200 and is_allowed(r, friend)
    r = ana.delete(HEAT + "unseen/", headers={"Origin": friend})
    assert r.status_code == 200 and is_allowed(r, friend)


@pytest.mark.parametrize("origin", STRANGERS)
def test_strangers_get_a_normal_answer(ana, origin):
    head = {"Origin": origin.encode()}
    for _ in range(2):
        r = ana.get(HEAT, headers=head)
        assert r.status_code == 200 and is_not(r)
    r = asked(ana, HEAT + "ratings/", origin.encode())
    assert r.status_code == 204 and is_not(r)
    assert ana.get("/api/none/", headers=head).status_code == 404


def test_no_origin(ana):
    assert is_not(ana.get(HEAT))
    r = ana.request("OPTIONS", HEAT)
    assert r.status_code == 204 and is_not(r)
    assert words(r.headers["Allow"]) == {"GET", "HEAD", "OPTIONS"}


def test_what_is_kept_is_nobodys(ana):
    """The answer of one origin is not given to another."""
    path = "/api/movies/volver/"
    assert is_allowed(ana.get(path, headers={"Origin": SITE}), SITE)
    assert is_not(ana.get(path, headers={"Origin": STRANGERS[0]}))
    for origin in LISTED:
        assert is_allowed(ana.get(path, headers={"Origin": origin}), origin)
    assert is_not(ana.get(path))


def test_304(ana):
    tag = ana.get(HEAT).headers["ETag"]
    for origin, judge in ((SITE, lambda r: is_allowed(r, SITE)),
                          (STRANGERS[0], is_not)):
        r = ana.get(HEAT, headers={"Origin": origin, "If-None-Match": tag})
        assert r.status_code == 304 and judge(r)


def errors(client):
    """One request for each status an error can have."""
    yield 400, ("POST", HEAT + "ratings/", {"data": "{"})
    yield 400, ("GET", "/api/%ff/", {})
    yield 401, ("GET", HEAT, {"token": None})
    yield 401, ("GET", HEAT, {"token": "nonsense"})
    yield 403, ("GET", HEAT, {"token": client.stack.client("nina").token})
    yield 404, ("GET", "/api/movies/none/", {})
    yield 404, ("GET", "/api/none/", {})
    yield 405, ("PUT", HEAT, {})
    yield 413, ("POST", HEAT + "ratings/", {"data": b" " * 70000})
    yield 415, ("POST", "/api/auth/login/", {
        "data": "<a/>", "headers": {"Content-Type": "text/xml"}})


def test_errors_carry_them_too(ana, stack):
    for wanted, (method, path, more) in errors(ana):
        head = more.pop("headers", {})
        r = ana.request(method, path, headers={**head, "Origin": SITE},
                        **more)
        assert r.status_code == wanted, (path, r.text)
        assert is_allowed(r, SITE)
        r = ana.request(method, path,
                        headers={**head, "Origin": STRANGERS[0]}, **more)
        assert r.status_code == wanted and is_not(r)


def test_429_and_503_carry_them_too(ana, stack):
    head = {"headers": {"Origin": SITE}}
    reload(stack, limit_user=1)
    ana.get("/api/users/")
    r = ana.get("/api/users/", **head)
    assert r.status_code == 429 and is_allowed(r, SITE)
    reload(stack, limit_user=0)
    limit = f"ALTER DATABASE {stack.database} CONNECTION LIMIT "
    stack.cluster.sql(limit + "0")
    try:
        life.drop_connections(stack)
        r = ana.get("/api/movies/searching/?name=cors", **head)
        assert r.status_code == 503 and is_allowed(r, SITE)
    finally:
        stack.cluster.sql(limit + "-1")
        stack.wait_ready()


# What nginx refuses itself: method, path, what is sent, status. (Before it has
# read the headers, at an address too long, it knows no origin.)
BY_NGINX = [
    ("POST", HEAT + "ratings/", {"data": b" " * 7_000_000}, 413),
    ("GET", "/media/users/nobody.png", {}, 404),
    ("DELETE", "/media/users/nobody.png", {}, 405)]


def of_nginx(client, method, path, send, origin):
    return client.request(method, path, token=None, check=False,
                          headers={"Origin": origin}, **send)


@pytest.mark.parametrize("method, path, send, status", BY_NGINX)
def test_what_nginx_says_itself_carries_them_too(client, friend, method, path,
                                                 send, status):
    r = of_nginx(client, method, path, send, friend)
    assert r.status_code == status and is_allowed(r, friend)
    for origin in STRANGERS:
        r = of_nginx(client, method, path, send, origin.encode())
        assert r.status_code == status and is_not(r), origin
    r = client.request(method, path, token=None, check=False, **send)
    assert r.status_code == status and is_not(r)


def test_without_mxmd_they_are_there_as_well(stack, client):
    stack.mxmd.stop()
    try:
        for origin in (SITE, *LISTED):
            r = of_nginx(client, "GET", HEAT, {}, origin)
            assert r.status_code == 503 and is_allowed(r, origin)
        r = of_nginx(client, "GET", HEAT, {}, STRANGERS[0])
        assert r.status_code == 503 and is_not(r)
    finally:
        stack.start_mxmd()


def test_preflight(client, friend):
    r = asked(client, HEAT + "ratings/", friend)
    assert r.status_code == 204 and is_allowed(r, friend)
    assert words(r.headers[ANY + "Allow-Methods"]) == METHODS
    assert lower(r.headers[ANY + "Allow-Headers"]) == HEADERS
    assert r.headers[ANY + "Max-Age"] == "86400"
    assert not r.content and "Content-Type" not in r.headers
    # without the question it is a plain OPTIONS
    r = client.request("OPTIONS", HEAT, headers={"Origin": friend})
    assert r.status_code == 204 and is_allowed(r, friend)
    assert ANY + "Allow-Methods" not in r.headers


def test_preflight_of_a_picture(client, friend):
    """What nginx serves may be asked for with the same headers."""
    for origin, judge in ((friend, lambda r: is_allowed(r, friend)),
                          (STRANGERS[0], is_not)):
        r = asked(client, "/media/users/ana.png", origin, "GET", check=False)
        assert r.status_code == 204 and judge(r)
        assert words(r.headers["Allow"]) == {"GET", "HEAD", "OPTIONS"}
        assert r.headers["X-Content-Type-Options"] == "nosniff"
        if origin == friend:
            assert lower(r.headers[ANY + "Allow-Headers"]) == HEADERS
            assert r.headers[ANY + "Max-Age"] == "86400"


def test_preflight_of_every_route(client, stack):
    """No route asks a preflight for a token."""
    routes = json.loads(stack.ctl("--json routes").stdout)
    assert len(routes) > 20
    for route in routes:
        path = route["path"].replace("{", "").replace("}", "")
        for form in (path, path.rstrip("/")):
            r = asked(client, form, SITE, route["method"])
            assert r.status_code == 204 and is_allowed(r, SITE), form
    r = asked(client, "/api/none/", SITE)
    assert r.status_code == 404 and is_allowed(r, SITE)


def test_the_settings_decide(ana, stack):
    late = "https://late.example.org"
    assert is_not(ana.get(HEAT, headers={"Origin": late}))
    reload(stack, cors_origins=late + "/")  # as people write it
    assert is_allowed(ana.get(HEAT, headers={"Origin": late}), late)
    assert is_not(ana.get(HEAT, headers={"Origin": LISTED[0]}))
    reload(stack, cors_origins="")
    assert is_not(ana.get(HEAT, headers={"Origin": late}))
    assert is_allowed(ana.get(HEAT, headers={"Origin": SITE}), SITE)
    reload(stack, cors_origins=", ".join(LISTED))
