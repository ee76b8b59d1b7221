# SPDX-License-Identifier: GPL-3.0-or-later
"""Machine translation of biographies, reviews and comments, with a stand-in for DeepL that is slow,
refuses, answers nonsense and hangs up. Whatever it does, the answer is 200 with
the original text, soon."""

import concurrent.futures
import itertools
import json
import threading
import time

import pytest

from fake_deepl import FakeDeepl
from life import reload, status
from stack import wait_until

SETTINGS = {"slow_workers": 4, "translate_timeout": "2s"}
KEY = "279a2e9d-83b3-c416-7e2d-f721593e42a0:fx"
BUDGET = 2.5  # the timeout, and the grace
NUMBERS = itertools.count(1)

GUARD = "\u2060"


def path(user):
    return f"/api/users/{user}/translations/"


@pytest.fixture(scope="module")
def provider(stack):
    """The stand-in that the stack is configured for."""
    with FakeDeepl() as server:
        stack.configure(translate_url=server.url, translate_key=KEY)
        reload(stack)
        stack.jobs.stop()
        stack.start_jobs()
        yield server


@pytest.fixture
def deepl(stack, provider):
    """Without what an earlier test has left."""
    stack.sql("DELETE FROM job WHERE name = 'translate'")
    stack.sql("UPDATE account SET translated = 0")
    provider.answers.clear()
    provider.calls.clear()
    return provider


@pytest.fixture
def bio(stack):
    """Gives a user a biography that was never translated."""
    def write(user="bob", text=None):
        text = text or f"Biography number {next(NUMBERS)}."
        stack.sql("UPDATE account SET bio = %s WHERE username = %s",
                  [text, user])
        stack.touched()
        return text
    return write


def bio_of(client, user="bob"):
    r = client.get(path(user))
    assert r.status_code == 200, r.text
    assert set(r.json()) == {"bio"}
    return r.json()["bio"]


def test_the_call(stack, deepl, bio):
    """One call, as DeepL documents it, in each language."""
    text = bio(text="Heat – “one” of\nthe best. \U0001f3ac")
    emil = stack.client("emil")
    for code, target in (("en", "EN-US"), ("es", "ES"), ("fr", "FR"),
                         ("de", "DE")):
        emil.language(code)
        r = emil.get(path("bob"))
        assert r.json() == {"bio": f"[{target}] {text}"}
        assert r.headers["Content-Language"] == code
        called, headers, body = deepl.calls[-1]
        assert called == "/v2/translate"
        assert headers["Authorization"] == f"DeepL-Auth-Key {KEY}"
        assert headers["Content-Type"] == "application/json"
        assert body == {"text": [text], "target_lang": target}
    assert len(deepl.calls) == 4


def test_the_trace_is_passed_on(stack, deepl, bio, ana):
    trace = 16 * "4b"
    bio()
    r = ana.get(path("bob"), headers={"traceparent": f"00-{trace}-{8 * '7a'}-01"})
    line = stack.wait_log(rf"\[{r.headers['X-Request-Id']}\] GET .*")[0]
    span = line.split("span=")[1]
    assert deepl.calls[-1][1]["traceparent"] == f"00-{trace}-{span}-01"
    bio()
    bio_of(ana)
    assert "traceparent" not in deepl.calls[-1][1]


def test_stored_by_text_and_language(stack, deepl, bio, ana, fay):
    """For all readers, and all who have written the same; memcached is not
    asked, since it may forget."""
    text = bio()
    bio("carla", text)
    assert bio_of(ana) == f"[EN-US] {text}"
    stack.memcached.kill()
    try:
        assert bio_of(fay) == bio_of(ana, "carla") == f"[EN-US] {text}"
    finally:
        stack.start_memcached()
    assert len(deepl.calls) == 1
    assert stack.sql("SELECT language, source, job_id FROM translation "
                     "WHERE text = %s", [f"[EN-US] {text}"]) == [
        ("en", None, None)]


def test_a_changed_bio_is_seen_at_once(deepl, bio, ana):
    bio()
    bio_of(ana)
    text = bio()
    assert bio_of(ana) == f"[EN-US] {text}"
    assert len(deepl.calls) == 2


def test_an_answer_is_cached_and_has_a_tag(deepl, bio, ana):
    bio()
    r = ana.get(path("bob"))
    again = ana.get(path("bob"), headers={"If-None-Match": r.headers["ETag"]})
    assert again.status_code == 304 and len(deepl.calls) == 1


@pytest.mark.parametrize("text", [None, "", "  \n "])
def test_nothing_to_translate(stack, deepl, ana, text):
    stack.sql("UPDATE account SET bio = %s WHERE username = 'fay'", [text])
    stack.touched()
    assert ana.get(path("fay")).json() == {"bio": text}
    assert not deepl.calls


def test_markup_is_disarmed_in_translations_too(deepl, bio, ana):
    text = bio(text="Plain <b>bold</b>")
    deepl.answer(lambda texts, _: ["<script>alert(1)</script> <3"])
    assert bio_of(ana) == f"<{GUARD}script>alert(1)<{GUARD}/script> <3"
    assert deepl.calls[0][2]["text"] == [text]


def test_who_may(client, nina, ana):
    assert client.get(path("bob")).status_code == 401
    assert nina.get(path("bob")).status_code == 403
    for user in ("nobody", "gone"):
        r = ana.get(path(user))
        assert r.status_code == 404
        assert r.json()["model"] == "User"
        assert r.json()["lookup_value"] == user
    assert client.get(path("nobody")).status_code == 401


# ---------------------------------------------------------------- failures --

def translations(*texts):
    return json.dumps({"translations": [{"text": t} for t in texts]})


BROKEN = {
    "key": (403, '{"message": "Forbidden"}'),
    "too many": (429, '{"message": "Too many requests"}'),
    "quota": (456, '{"message": "Quota exceeded"}'),
    "error": (500, "<html>Internal Server Error</html>"),
    "away": (503, ""),
    "moved": (302, ""),
    "html": (200, "<html><body>Welcome to the hotel</body></html>"),
    "empty": (200, ""),
    "cut": (200, '{"translations": [{"text": "a'),
    "more behind": (200, translations("a") + "x"),
    "none": (200, translations()),
    "two": (200, translations("a", "b")),
    "number": (200, translations(7)),
    "null": (200, translations(None)),
    "not a list": (200, '{"translations": {"text": "a"}}'),
    "list": (200, "[]"),
    "nul": (200, translations("a\0b")),
    "not utf-8": (200, b'{"translations": [{"text": "\xff\xfe"}]}'),
    "long": (200, translations("x" * 100_001)),
    "huge": (200, translations("x" * 9_000_000)),
    "deep": (200, "[" * 100_000),
    "dropped": "drop",
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_a_failing_provider(stack, deepl, bio, ana, answer):
    """The original at once; a pause, then the next one is tried."""
    text = bio()
    deepl.answer(answer)
    began = time.monotonic()
    assert bio_of(ana) == text
    assert time.monotonic() - began < BUDGET + 20
    state, why = stack.sql("SELECT state, last_error FROM job "
                           "WHERE name = 'translate'")[0]
    assert state == "failed" and why
    assert text not in why and KEY not in stack.logs()
    assert stack.value("SELECT count(*) FROM translation "
                       "WHERE job_id IS NOT NULL") == 0
    # the answer was not cached, and nothing is sent for a minute
    other = bio("carla")
    assert bio_of(ana) == text and bio_of(ana, "carla") == other
    assert len(deepl.calls) == 1
    stack.sql("UPDATE job SET finished_at = finished_at - interval '1 minute' "
              "WHERE name = 'translate'")
    assert bio_of(ana) == f"[EN-US] {text}"


@pytest.mark.parametrize("code", [400, 413])
def test_a_refused_text(stack, deepl, bio, ana, code):
    """Only this text is not sent again."""
    text, other = bio(), bio("carla")
    deepl.answer((code, '{"message": "Bad request"}'))
    assert bio_of(ana) == text
    assert bio_of(ana) == text
    assert len(deepl.calls) == 1
    assert bio_of(ana, "carla") == f"[EN-US] {other}"
    stack.sql("UPDATE translation SET not_before = now() "
              "WHERE text IS NULL")
    assert bio_of(ana) == f"[EN-US] {text}"


def test_a_slow_provider(stack, deepl, bio, ana):
    text = bio()
    hold = threading.Event()
    deepl.answer(hold)
    began = time.monotonic()
    try:
        assert bio_of(ana) == text
        assert 1.9 <= time.monotonic() - began < BUDGET + 20
    finally:
        hold.set()
    assert stack.value("SELECT state FROM job WHERE name = 'translate'") == \
        "failed"


def test_a_provider_that_is_not_there(stack, deepl, bio, ana):
    text = bio()
    # a port that no process listens on
    reload_all(stack, translate_url="http://127.0.0.1:9")
    try:
        assert bio_of(ana) == text
    finally:
        reload_all(stack, translate_url=deepl.url)


def reload_all(stack, **settings):
    stack.configure(**settings)
    reload(stack)
    stack.jobs.stop()
    stack.start_jobs()


def test_without_a_key_nothing_is_sent(stack, deepl, bio, ana):
    text = bio()
    reload(stack, translate_key="")
    try:
        assert bio_of(ana) == text and not deepl.calls
        assert stack.value("SELECT count(*) FROM job "
                           "WHERE name = 'translate'") == 0
    finally:
        reload(stack, translate_key=KEY)
    assert bio_of(ana) == f"[EN-US] {text}"  # that was not cached


def test_without_mxm_jobs(stack, deepl, bio, ana):
    """Only the first request waits; the job is done later."""
    text = bio()
    stack.jobs.stop()
    try:
        assert bio_of(ana) == text
        times = []
        for _ in range(3):
            began = time.monotonic()
            assert bio_of(ana) == text
            times.append(time.monotonic() - began)
        # one that waits takes at least that long, on any machine
        assert min(times) < BUDGET
        assert stack.value("SELECT count(*) FROM job "
                           "WHERE name = 'translate'") == 1
    finally:
        stack.start_jobs()
    wait_until(lambda: bio_of(ana) == f"[EN-US] {text}",
               "the job is done", alive=stack.jobs)
    assert len(deepl.calls) == 1


# ------------------------------------------------------------- concurrency --

def serving(stack):
    return sum(w["serving"] is not None and w["pool"] == "slow"
               and "translations" in w["serving"]
               for w in status(stack)["workers"])


def test_one_call_for_all_who_ask_at_once(stack, deepl, bio, ana, fay):
    text = bio()
    hold = threading.Event()
    deepl.answer(hold)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(bio_of, who) for who in (ana, fay, ana)]
        try:
            deepl.wait_calls(1)
            wait_until(lambda: serving(stack) == 3, "three wait")
        finally:
            hold.set()
        assert [a.result() for a in answers] == [f"[EN-US] {text}"] * 3
    assert len(deepl.calls) == 1


def test_log_ins_are_served_while_translations_wait(stack, deepl, bio, ana):
    """The last process of the slow pool does not wait for a translation: it
    answers with the original."""
    reload_all(stack, slow_workers=2, translate_timeout="20s")
    try:
        text, other = bio(), bio("carla")
        hold = threading.Event()
        deepl.answer(hold)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(bio_of, ana)
            try:
                deepl.wait_calls(1)
                assert bio_of(ana, "carla") == other
                assert stack.client("fay").token
                assert not waiting.done(), waiting.result()
            finally:
                hold.set()
            assert waiting.result() == f"[EN-US] {text}"
        wait_until(lambda: bio_of(ana, "carla") == f"[EN-US] {other}",
                   "the other one is there later")
    finally:
        reload_all(stack, slow_workers=4, translate_timeout="2s")


# ------------------------------------------------------------------- quota --

def test_a_quota_for_each_user_and_day(stack, deepl, bio, ana, fay):
    text, other = bio(text="a" * 60), bio("carla", "b" * 60)
    reload(stack, translate_quota=100)
    try:
        assert bio_of(ana) == f"[EN-US] {text}"
        assert bio_of(ana, "carla") == other  # 120 characters
        assert bio_of(ana) == f"[EN-US] {text}"  # costs nothing
        assert len(deepl.calls) == 1
        assert bio_of(fay, "carla") == f"[EN-US] {other}"
        third = bio("dora", "c" * 60)
        assert bio_of(ana, "dora") == third
        stack.sql("UPDATE account SET translated_on = translated_on - 1 "
                  "WHERE username = 'ana'")
        assert bio_of(ana, "dora") == f"[EN-US] {third}"
        assert stack.value("SELECT translated FROM account "
                           "WHERE username = 'ana'") == 60
    finally:
        reload(stack, translate_quota=50000)


def test_the_quota_holds_for_requests_at_once(stack, deepl, bio, ana):
    users = ("bob", "carla", "dora", "emil")
    for n, user in enumerate(users):
        bio(user, str(n) * 60)
    reload(stack, translate_quota=100)
    try:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            got = list(pool.map(lambda user: bio_of(ana, user), users))
        assert sum(text.startswith("[EN-US] ") for text in got) <= 1
        assert len(deepl.calls) == 1
    finally:
        reload(stack, translate_quota=50000)


# ------------------------------------------------------------------ storage --

def test_old_translations_are_deleted(stack, deepl, bio, ana):
    text = bio()
    bio_of(ana)
    stack.sql("UPDATE translation SET created_at = now() - interval '181 days' "
              "WHERE text = %s", [f"[EN-US] {text}"])
    kept = stack.value("SELECT count(*) FROM translation")
    job = stack.value("INSERT INTO job (name) VALUES ('prune') RETURNING id")
    wait_until(lambda: stack.value("SELECT state = 'done' FROM job "
                                   "WHERE id = %s", [job]), "prune has run",
               alive=stack.jobs)
    assert stack.value("SELECT count(*) FROM translation") == kept - 1


def test_what_was_translated_is_deleted_with_its_author(stack, deepl, ana):
    stack.sql("INSERT INTO account (username, email, verified, bio) "
              "VALUES ('leaver', 'leaver@example.org', true, 'My secrets.')")
    assert bio_of(ana, "leaver") == "[EN-US] My secrets."
    stack.sql("DELETE FROM account WHERE username = 'leaver'")
    assert stack.value("SELECT count(*) FROM translation "
                       "WHERE text LIKE '%%secrets%%'") == 0


def test_neither_text_nor_key_is_logged(stack, deepl, bio, ana):
    text = bio()
    bio_of(ana)
    logs = stack.mxmd.text() + stack.jobs.text()
    assert text not in logs and KEY not in logs
    assert stack.value("SELECT count(*) FROM job WHERE payload::text LIKE "
                       "'%%' || %s || '%%'", [text]) == 0
    shown = stack.ctl("config").stdout
    assert "translate_key" in shown and KEY not in shown


REVIEW, COMMENT = "/api/reviews/1/", "/api/reviews/1/comments/1/"


def test_a_review_in_one_call(stack, deepl, ana, bob):
    """Title and text together; a change is translated anew."""
    for n in range(2):
        texts = {"title": f"An offer {next(NUMBERS)}",
                 "content": f"I <b>could</b> not {n}."}
        assert bob.put(REVIEW, {**texts, "is_positive": True}
                       ).status_code == 200
        deepl.calls.clear()
        mark = stack.mark()
        for _ in range(2):
            r = ana.get(REVIEW + "translations/")
            assert list(r.json()) == ["title", "content"]
            assert r.json()["title"] == f"[EN-US] {texts['title']}"
            assert r.json()["content"] == \
                f"[EN-US] I <{GUARD}b>could<{GUARD}/b> not {n}."
        stack.wait_log(r"translations/ 200 .* cache=hit ", since=mark)
        assert len(deepl.calls) == 1
        assert sorted(deepl.calls[0][2]["text"]) == sorted(texts.values())


def test_a_comment(stack, deepl, ana, bob):
    text = f"Nor could I {next(NUMBERS)}"
    assert ana.put(COMMENT, {"content": text}).status_code == 200
    r = bob.get(COMMENT + "translations/")
    assert r.json() == {"content": f"[EN-US] {text}"}
    # after a failure of the provider the original text
    deepl.answer(*[(500, "{}")] * 9)
    text = f"Nor could we {next(NUMBERS)}"
    assert ana.put(COMMENT, {"content": text}).status_code == 200
    assert bob.get(COMMENT + "translations/").json() == {"content": text}


def test_missing_reviews_and_comments(ana, client, nina):
    for place, model in (("/api/reviews/999/", "Review"),
                         ("/api/reviews/1/comments/999/", "Comment"),
                         ("/api/reviews/999/comments/1/", "Review"),
                         ("/api/reviews/2/comments/1/", "Comment")):
        r = ana.get(place + "translations/")
        assert (r.status_code, r.json()["model"]) == (404, model)
    for place in (REVIEW, COMMENT):
        assert client.get(place + "translations/").status_code == 401
        assert nina.get(place + "translations/").status_code == 403
