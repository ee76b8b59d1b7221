# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the original in accounts that no other test is about, one test each
(contract, users 9), and that every sentence exists in all languages."""

import re

import pytest

from people import account, requests_of, unfriend
from test_auth import LOGIN, PASSWORD, SIGNUP, VERIFY, letters, newcomer

WORLD = "ana-and-friends"
FORGOT = "/api/auth/forgot-password/"
SELF = "/api/users/"
ONBOARDING = "/api/users/onboarding/"


def test_fault_3_verified_and_boarded_cannot_be_written(stack, nina):
    before = stack.sql("SELECT verified, boarded, staff, active, epoch FROM"
                       " account WHERE username = 'nina'")
    r = nina.put(SELF, {"verified": True, "boarded": True, "staff": True,
                        "is_staff": True, "active": True, "epoch": 7,
                        "id": 1, "bio": "x"})
    assert r.status_code == 200
    assert stack.sql("SELECT verified, boarded, staff, active, epoch FROM"
                     " account WHERE username = 'nina'") == before
    assert nina.get("/api/movies/").status_code == 403


def test_fault_12_a_get_resets_nothing(stack, client):
    """An image in a page can request this address; it can only cause a mail."""
    body = newcomer()
    assert client.post(SIGNUP, body).status_code == 200
    stack.mail(body["email"])
    query = "SELECT password, epoch, verified FROM account WHERE email = %s"
    before = stack.sql(query, (body["email"],))
    assert client.get(FORGOT, params={"email": body["email"]}
                      ).status_code == 200
    code = stack.mail(body["email"])
    for method in ("GET", "HEAD"):
        r = client.request(method, FORGOT, params={
            "email": body["email"], "forgot_password_code": code,
            "new_password": "Nautilus-shadow-38"})
        assert r.status_code == 429
    assert stack.sql(query, (body["email"],)) == before


def test_fault_12_no_query_is_logged(stack, client):
    email = f"{letters()}@example.org"
    client.get(FORGOT, params={"email": email})
    logs = [p.read_text(errors="replace")
            for folder in ("log", "nginx") for p in
            (stack.base / folder).rglob("*.log")]
    assert any(FORGOT in text for text in logs)
    for text in logs:
        assert email not in text and email.replace("@", "%40") not in text


REFUSALS = [
    ("POST", SIGNUP, {}, 400), ("POST", SIGNUP, {"username": "a"}, 400),
    ("POST", LOGIN, {}, 400), ("POST", LOGIN, {"username": "ana",
                                               "password": "x"}, 401),
    ("POST", "/api/auth/refresh/", {"refresh": "x"}, 401),
    ("POST", FORGOT, {}, 400), ("GET", FORGOT, None, 400),
    ("GET", SELF, None, 401), ("PUT", SELF, {}, 401),
    ("POST", VERIFY, {}, 401), ("POST", ONBOARDING, None, 401),
    ("POST", "/api/users/preferred-language/", {}, 401)]


@pytest.mark.parametrize("method,path,body,status", REFUSALS)
def test_fault_37_every_error_has_a_flat_sentence(client, method, path, body,
                                                  status):
    r = client.request(method, path, json=body)
    assert r.status_code == status
    told = r.json()
    assert isinstance(told["error"], str) and told["error"]
    for value in told.values():
        assert isinstance(value, (str, list))


def test_fault_38_unverified_is_403(nina):
    """A client repeats what is answered with 401."""
    for method, path in (("GET", "/api/movies/"), ("POST", ONBOARDING),
                         ("GET", "/api/users/ana/")):
        r = nina.request(method, path)
        assert r.status_code == 403
        assert r.json()["error"] == "User account is not verified"


@pytest.mark.parametrize("lang,text", [
    ("en", "is required"), ("de", "erforderlich"), ("es", "obligatorio"),
    ("fr", "obligatoire")])
def test_fault_42_required_is_translated(client, lang, text):
    r = client.post(SIGNUP, {}, params={"lang": lang})
    assert text in r.json()["username"][0]
    assert text in r.json()["error"]


PNG = (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0"
       b":~\x9bU\0\0\0\nIDATx\x9cc`\0\0\0\x02\0\x01H\xaf\xa4q\0\0\0\0IEND"
       b"\xaeB`\x82")


@pytest.mark.parametrize("name", ["x.html", "x.svg", "../../x", "x", "x\u202egnp"])
def test_faults_8_and_9_names_of_pictures_are_a_hash(stack, client, name):
    """Neither the name of the file nor that of the user is in the address."""
    body = {**newcomer(), "username": letters() + ".@+-_"}
    r = client.request("POST", SIGNUP, data=body,
                       files={"picture": (name, PNG, "text/html")})
    assert r.status_code == 200, r.text
    assert re.fullmatch(r"http\S+/media/users/[0-9a-f]{32}-1024\.jpg",
                        r.json()["picture"])
    body = {**newcomer(), "username": letters() + ".@+-_"}
    r = client.request("POST", SIGNUP, data=body, files={
        "picture": (name, b"<script>alert(1)</script>", "image/png")})
    assert r.status_code == 400 and r.json()["picture"]


def test_fault_35_a_second_request_has_a_time_with_a_zone(stack, ana):
    account(stack, "ruth")
    for act in (ana.post, ana.delete, ana.post):
        assert act(requests_of("ruth")).status_code == 200
    assert stack.value(
        "SELECT pg_typeof(created_at)::text || ' ' ||"
        " (now() - created_at BETWEEN interval '0' AND interval '1 minute')"
        " FROM friend_request WHERE to_user_id = (SELECT id FROM account"
        " WHERE username = 'ruth')") == "timestamp with time zone true"


def test_faults_39_to_41_and_43_what_is_sent_as_documented(stack, ana, nina):
    """The texts of the end of a friendship; a letter in a profile and a label in
    a request, on which the front end depends; and names that are found, but not
    shown."""
    account(stack, "rosa", first_name="Quintessa")
    assert ana.post(requests_of("rosa")).ok
    assert ana.get("/api/users/rosa/").json()["friendship"]["status"] == "P"
    rosa = stack.client("rosa")
    assert rosa.get("/api/users/friend-requests/").json()["results"][0][
        "status"] == "Pending"
    assert rosa.delete(requests_of("ana")).json() == {
        "status": "Friend request rejected"}
    assert rosa.delete(unfriend("ana")).json() == {"status": "Unfriended"}
    r = ana.get("/api/users/searching/", params={"search_query": "quintessa"})
    assert [u["username"] for u in r.json()["results"]] == ["rosa"]
    assert "Quintessa" not in r.text
    resend = "/api/auth/resend-verification-email/"
    while (r := nina.post(resend)).status_code == 200:
        pass
    assert r.status_code == 429 and int(r.headers["Retry-After"]) > 0


def test_faults_44_to_46_a_list_is_one_statement(stack, ana):
    """For any number of users: no query for each of them."""
    for n in range(12):
        name = f"many-{'abcdefghijkl'[n]}"
        account(stack, name)
        other = stack.client(name)
        other.post(requests_of("ana"))
        if n % 2:
            ana.post(requests_of(name))
    stack.cluster.sql(f"ALTER DATABASE {stack.database}"
                      " SET log_min_duration_statement = 0")
    stack.restart_mxmd()
    try:
        me = stack.client("ana")
        me.get("/api/users/preferred-language/")
        for path, name in (("friends/", "friend_list_self"),
                           ("ana/friends/", "friend_list"),
                           ("friend-requests/", "friend_request_list"),
                           ("suggested-users/", "user_suggestions"),
                           ("searching/", "user_search"),
                           ("bob/reviews/", "user_reviews")):
            for limit in (1, 6):
                before = len(stack.cluster.process.text())
                assert me.get(f"/api/users/{path}?limit={limit}").ok
                text = stack.cluster.process.text()[before:]
                ran = [s for s in re.findall(r" execute (\w+)", text)
                       if re.match("user_|friend_|account_|review_", s)]
                assert ran == [name]
    finally:
        stack.cluster.sql(f"ALTER DATABASE {stack.database}"
                          " RESET log_min_duration_statement")
        stack.restart_mxmd()


def test_fault_51_an_internal_error_is_no_400(stack, bob):
    """Onboarding that cannot be stored is 500, and logged."""
    stack.owner_sql("CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql"
                    " AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$")
    stack.owner_sql("CREATE TRIGGER broken BEFORE UPDATE OF boarded ON account"
                    " FOR EACH ROW EXECUTE FUNCTION broken()")
    try:
        since = stack.mark()
        r = bob.post(ONBOARDING, check=False)
        assert r.status_code == 500 and r.json()["error"]
        assert "status" not in r.json() or r.json()["status"] is not False
        assert "broken" in stack.log("mxmd", since)
    finally:
        stack.owner_sql("DROP TRIGGER broken ON account")
        stack.owner_sql("DROP FUNCTION broken")
    assert bob.post(ONBOARDING).status_code == 200


def test_an_address_in_place_of_a_name_in_every_spelling(stack, client):
    body = newcomer()
    assert client.post(SIGNUP, body).status_code == 200
    for name in (body["username"], body["email"], body["email"].upper(),
                 f" {body['email']}\n", body["email"].replace("@", "\uff20")):
        client.login(name, PASSWORD)
    for name in (body["username"].upper(), f"x{body['email']}",
                 body["email"] + "."):
        r = client.post(LOGIN, {"username": name, "password": PASSWORD})
        assert r.status_code == 401
