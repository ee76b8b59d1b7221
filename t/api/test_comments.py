# SPDX-License-Identifier: GPL-3.0-or-later
"""Comments on reviews and replies to them."""

import concurrent.futures
import itertools

import pytest

REVIEW = "/api/reviews/1/"  # of bob; ana has commented
OTHER = "/api/reviews/2/"   # of fay
TEXT = {"content": "I could not agree more."}


def comments(client, review=REVIEW):
    return client.get(review + "comments/").json()["results"]


def write(client, text="x", review=REVIEW, below=None):
    path = f"comments/{below}/replies/" if below else "comments/"
    r = client.post(review + path, {"content": text})
    assert r.status_code == 201, r.text
    return r.json()


def one(comment, review=REVIEW):
    return f"{review}comments/{comment['id']}/"


def test_write_read_change_delete(stack, ana, bob):
    assert comments(bob, OTHER) == []
    made = write(ana, TEXT["content"], OTHER)
    assert list(made) == ["id", "user", "content", "spoiler", "created_at",
                          "reply_comment", "has_replies"]
    assert made["user"] == f"{stack.tls_url}/api/users/ana/"
    assert (made["content"], made["reply_comment"], made["has_replies"]) == (
        TEXT["content"], None, False)
    assert comments(bob, OTHER) == [made] == comments(ana, OTHER)
    assert bob.get(one(made, OTHER)).json() == made

    changed = ana.put(one(made, OTHER), {"content": "No."})
    assert changed.json() == {**made, "content": "No."}
    assert comments(bob, OTHER) == [changed.json()]

    r = ana.delete(one(made, OTHER))
    assert (r.status_code, r.json()) == (200, {"status": True})
    assert comments(bob, OTHER) == []
    for send in (ana.get, bob.get, ana.delete):
        assert send(one(made, OTHER)).status_code == 404
    assert ana.put(one(made, OTHER), TEXT).status_code == 404


def test_replies(stack, ana, bob):
    top = write(bob)
    reply = write(ana, "r", below=top["id"])
    assert reply["reply_comment"] == f"{stack.tls_url}{one(top)}"
    # the address works
    assert ana.get(reply["reply_comment"].removeprefix(
        stack.tls_url)).json()["has_replies"] is True
    assert bob.get(one(top)).json()["has_replies"] is True
    below = bob.get(one(top) + "replies/").json()
    assert (below["results"], below["count"]) == ([reply], 1)
    # replies are not comments on the review
    assert reply["id"] not in [c["id"] for c in comments(bob)]
    second = write(bob, below=reply["id"])
    assert ana.get(one(reply) + "replies/").json()["results"] == [second]
    assert ana.get(one(top) + "replies/").json()["count"] == 1


def test_deletion_takes_the_whole_subtree(stack, ana, bob):
    top = write(ana)
    chain = [top]
    for n in range(6):
        chain.append(write((ana, bob)[n % 2], below=chain[-1]["id"]))
    beside = write(bob, below=top["id"])
    reacted = bob.post(one(chain[4]) + "reactions/",
                       {"emoji_code": "LIKE"}).json()["id"]
    assert ana.delete(one(chain[2])).status_code == 403
    assert ana.delete(one(top)).status_code == 200
    for comment in chain + [beside]:
        assert bob.get(one(comment)).status_code == 404
    assert stack.value("SELECT deleted_at IS NOT NULL FROM reaction"
                       f" WHERE id = {reacted}")


def test_a_reply_while_its_thread_is_deleted(stack, ana, bob):
    """No reply stays below a comment that is deleted at the same time."""
    for _ in range(8):
        top = write(ana)
        leaf = write(ana, below=write(ana, below=top["id"])["id"])
        with concurrent.futures.ThreadPoolExecutor(5) as pool:
            replies = [pool.submit(bob.post, one(leaf) + "replies/", TEXT)
                       for _ in range(4)]
            gone = pool.submit(ana.delete, one(top))
            assert gone.result().status_code == 200
            assert {r.result().status_code for r in replies} <= {201, 404}
        assert stack.value(
            "SELECT count(*) FROM comment AS c JOIN comment AS above"
            " ON above.id = c.reply_comment_id WHERE c.deleted_at IS NULL"
            " AND above.deleted_at IS NOT NULL AND above.user_id IS NOT NULL"
        ) == 0


def test_a_deep_chain_is_deleted(stack, ana):
    """Replies have no limit of depth; deleting them does not need one."""
    top = write(ana)
    stack.sql("DO $$ DECLARE above bigint := %s; BEGIN"
              " FOR i IN 1..9000 LOOP"
              " INSERT INTO comment (user_id, review_id, reply_comment_id,"
              "                      content) VALUES (1, 1, above, 'c')"
              " RETURNING id INTO above; END LOOP; END $$", (top["id"],))
    assert ana.delete(one(top)).status_code == 200
    assert stack.value("SELECT count(*) FROM comment"
                       f" WHERE id > {top['id']} AND deleted_at IS NULL") == 0


def test_has_replies_is_true_to_the_data(ana, bob):
    top = write(ana)
    reply = write(bob, below=top["id"])
    assert ana.get(one(top)).json()["has_replies"] is True
    assert bob.delete(one(reply)).status_code == 200
    assert ana.get(one(top)).json()["has_replies"] is False
    assert [c["has_replies"] for c in comments(ana)
            if c["id"] == top["id"]] == [False]


def test_the_path_must_fit(ana, bob):
    """A comment is not there under another review."""
    made = write(ana)
    for send, body in ((ana.get, None), (ana.put, TEXT), (ana.delete, None)):
        r = send(one(made, OTHER), *([body] if body else []))
        assert (r.status_code, r.json()["model"]) == (404, "Comment")
    for tail in ("replies/", "reactions/"):
        assert bob.get(one(made, OTHER) + tail).status_code == 404
    assert bob.post(one(made, OTHER) + "replies/", TEXT).status_code == 404
    assert ana.get(one(made)).status_code == 200
    r = ana.get(f"/api/reviews/999999/comments/{made['id']}/")
    assert (r.status_code, r.json()["model"]) == (404, "Review")


def test_only_the_author(ana, bob, carla, client, nina):
    made = write(ana)
    for who, text in ((bob, "comments"), (carla, "comentarios")):
        for send in (who.put, who.delete):
            r = send(one(made), TEXT)
            assert r.status_code == 403 and text in r.json()["error"]
    for method in ("get", "put", "delete"):
        args = () if method == "get" else (TEXT,)
        assert getattr(client, method)(one(made), *args).status_code == 401
        assert getattr(nina, method)(one(made), *args).status_code == 403
    for path in (REVIEW + "comments/", one(made) + "replies/"):
        assert client.get(path).status_code == 401
        assert client.post(path, TEXT).status_code == 401
        assert nina.get(path).status_code == 403
        assert nina.post(path, TEXT).status_code == 403
    # a wrong body comes before the owner
    assert bob.put(one(made), {}).status_code == 400
    assert ana.get(one(made)).json() == made


@pytest.mark.parametrize("body, key", [
    ({"content": ""}, "content"), ({"content": " \n\t"}, "content"),
    ({"content": None}, "content"), ({"content": 5}, "content"),
    ({"content": {"a": 1}}, "content"), ({"content": "x" * 10001}, "content"),
    ({"content": "a\0b"}, None),
    ({**TEXT, "spoiler": 1}, "spoiler"), ({**TEXT, "spoiler": None}, "spoiler"),
    ({}, None), ([], None), (7, None),
    (None, None)])
def test_what_is_refused(stack, ana, body, key):
    made = write(ana)
    before = stack.value("SELECT count(*) FROM comment")
    for r in (ana.post(REVIEW + "comments/", body),
              ana.post(one(made) + "replies/", body), ana.put(one(made), body)):
        assert r.status_code == 400 and r.json()["error"]
        if key:
            assert isinstance(r.json()[key], list)
    assert stack.value("SELECT count(*) FROM comment") == before
    assert ana.get(one(made)).json() == made


INVISIBLE = ["\u200b", "\u3164", "\u115f", "\u00ad", "\ufeff", "\u202e",
             "\u2800", "\U000e0041\U000e007f", "\ufe0f", "\U000e0100", "\u034f",
             "\u200d", "\u2060", "\u180e", "\u0007", "\uffa0", "\u2028"]
SPACES = ("\t\n\v\f\r \u0085\u00a0\u1680\u2000\u200a\u2028\u2029\u202f\u205f"
          "\u3000")


@pytest.mark.parametrize("text", INVISIBLE + [SPACES, "".join(INVISIBLE)])
def test_a_text_of_invisible_characters_is_blank(ana, bob, fay, text):
    """Comments, replies, reviews, names of lists; in a description it is one."""
    made = write(ana)
    blank = ["This field cannot be blank."]
    body = {"title": "t", "content": "c", "is_positive": True}
    mine = {"name": "n", "description": text, "privacity": "R"}
    for who, send, path, good, key in (
            (ana, "post", REVIEW + "comments/", TEXT, "content"),
            (ana, "post", one(made) + "replies/", TEXT, "content"),
            (ana, "put", one(made), TEXT, "content"),
            (fay, "post", "/api/movies/heat/reviews/", body, "title"),
            (fay, "post", "/api/movies/heat/reviews/", body, "content"),
            (fay, "put", OTHER, body, "title"),
            (fay, "put", OTHER, body, "content"),
            (fay, "post", "/api/movies-lists/", mine, "name")):
        r = getattr(who, send)(path, {**good, key: f" {text}\n"})
        assert (r.status_code, r.json()[key]) == (400, blank)
    assert ana.get(one(made)).json() == made
    r = bob.post("/api/movies-lists/", {**mine, "name": f"n{text}"})
    assert r.status_code == 201 and r.json()["name"] == f"n{text}"
    assert r.json()["description"] == text
    assert bob.delete(f"/api/movies-lists/bob/{r.json()['slug']}/"
                      ).status_code == 200


@pytest.mark.parametrize("number", ["x", "-1", "0", "9223372036854775808"])
def test_no_number_is_no_comment(ana, number):
    path = f"{REVIEW}comments/{number}/"
    for r in (ana.get(path), ana.put(path, TEXT), ana.delete(path),
              ana.get(path + "replies/"), ana.post(path + "replies/", TEXT)):
        assert (r.status_code, r.json()["model"]) == (404, "Comment")


AS_WRITTEN = [
    "I <3 this", "a<b>c", "&lt;b&gt;", "👨‍👩‍👧‍👦", "<script>alert(1)</script>",
    "a\u2060b", " x ", "line\nline", "\u200b\u00ada\u202e\ufe0f\u2800",
    "\u0639\u0644\u06cc\u200c\u0631"]


@pytest.mark.parametrize("text", AS_WRITTEN)
def test_five_edits_through_the_front_end(stack, ana, text):
    """What the answer shows is sent back; the text does not change."""
    made = write(ana, text)
    for _ in range(5):
        r = ana.put(one(made), {"content": made["content"]})
        assert r.json() == made
    stored = stack.value(f"SELECT content FROM comment WHERE id = {made['id']}")
    assert stored == text


@pytest.mark.parametrize("text", AS_WRITTEN)
def test_five_edits_of_other_texts(stack, emil, text):
    """Reviews, lists and biographies."""
    review = emil.post("/api/movies/volver/reviews/", {
        "title": text, "content": text, "is_positive": True}).json()
    made = emil.post("/api/movies-lists/", {
        "name": text, "description": text, "privacity": "P"}).json()
    assert emil.put("/api/users/", {"bio": text}).status_code == 200
    bio = emil.get("/api/users/").json()["bio"]
    try:
        for _ in range(5):
            again = emil.put(f"/api/reviews/{review['id']}/", review).json()
            assert again == review
            again = emil.put(f"/api/movies-lists/emil/{made['slug']}/", made)
            made = {**made, "slug": again.json()["slug"]}
            assert {**again.json(), "updated_at": made["updated_at"]} == made
            assert emil.put("/api/users/", {"bio": bio}).status_code == 200
            assert emil.get("/api/users/").json()["bio"] == bio
        assert stack.sql("SELECT v.title, v.content, l.name, l.description, a.bio"
                         "  FROM review AS v, movielist AS l, account AS a"
                         " WHERE v.id = %s AND l.id = %s AND a.id = v.user_id",
                         [review["id"], made["id"]]) == [(text,) * 5]
    finally:
        assert emil.delete(f"/api/reviews/{review['id']}/").status_code == 200
        assert emil.delete(f"/api/movies-lists/emil/{made['slug']}/"
                           ).status_code == 200


@pytest.fixture
def thread(stack, ana):
    """A path with exactly twenty comments: the replies to one."""
    top = write(ana)
    stack.sql("INSERT INTO comment (user_id, review_id, reply_comment_id,"
              " content) SELECT 1, 1, %s, i::text FROM generate_series(1, 20)"
              " AS i", (top["id"],))
    stack.touched()
    return one(top) + "replies/"


def test_twenty_end_after_two_stretches_of_ten(ana, thread):
    first = ana.get(thread + "?limit=10").json()
    second = ana.get(
        f"{thread}?limit=10&last_id={first['next_last_id']}").json()
    assert [len(first["results"]), len(second["results"])] == [10, 10]
    assert second["next_last_id"] is None
    assert first["count"] == second["count"] == 20
    # twenty is the default here
    assert ana.get(thread).json()["next_last_id"] is None


def test_a_cursor_survives_changes(ana, thread):
    whole = [c["content"] for c in ana.get(thread + "?limit=100").json()[
        "results"]]
    first = ana.get(thread + "?limit=7").json()
    write(ana, "new", below=thread.split("/")[-3])
    assert ana.delete(
        f"{REVIEW}comments/{first['next_last_id']}/").status_code == 200
    rest = ana.get(
        f"{thread}?limit=100&last_id={first['next_last_id']}").json()
    assert [c["content"] for c in rest["results"]] == whole[7:]


@pytest.mark.parametrize("query", ["limit=x", "limit=0", "limit=-3",
                                   "last_id=x", "last_id=", "last_id=-1"])
def test_odd_queries_mean_the_default(ana, thread, query):
    assert ana.get(f"{thread}?{query}").json() == ana.get(thread).json()


def test_everyone_sees_a_change_at_once(stack, ana, bob, fay):
    """Comments, replies and has_replies, by each way of reading them."""
    top = write(bob)
    paths = [REVIEW + "comments/", one(top), one(top) + "replies/"]

    def texts():
        seen = [[who.get(path).text for path in paths]
                for who, _ in itertools.product((ana, bob, fay), range(2))]
        assert all(one == seen[0] for one in seen)
        return seen[0]

    states = [texts()]
    reply = write(fay, below=top["id"])
    states.append(texts())
    assert fay.put(one(reply), {"content": "other"}).status_code == 200
    states.append(texts())
    assert bob.put(one(top), {"content": "other"}).status_code == 200
    states.append(texts())
    assert fay.delete(one(reply)).status_code == 200
    states.append(texts())
    assert len({str(s) for s in states}) == len(states)


def test_a_deleted_review_has_no_comments(ana, brief_review):
    made = write(ana, review=brief_review.path)
    brief_review.delete()
    for path in ("comments/", f"comments/{made['id']}/",
                 f"comments/{made['id']}/replies/", "reactions/"):
        r = ana.get(brief_review.path + path)
        assert (r.status_code, r.json()["model"]) == (404, "Review")
    assert ana.post(brief_review.path + "comments/", TEXT).status_code == 404


@pytest.fixture
def brief_review(fay):
    """A review of fay that may be deleted."""
    class Made:
        path = "/api/reviews/{}/".format(fay.post(
            "/api/movies/wall-e/reviews/",
            {"title": "t", "content": "c", "is_positive": True}).json()["id"])

        def delete(self):
            assert fay.delete(self.path).status_code == 200
    return Made()
