# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of suggestions, user searches and lists of friends among 200 000
users with two million friendships (t/bench/people.sql): the statements themselves,
prepared once, in a session that is set as the program sets its own. Users and
texts are random, always the same; a text is the beginning, one to six characters,
of a name. The goal is for the CPU time of the server's process, which other work on
the machine changes less than the time."""

import pathlib
import random
import time

from search import SESSION, Asking, statement

USERS = 200_000
RUNS = 300
GOAL = 10
NEWEST = 2 ** 63 - 1
STATEMENTS = ("user_suggestions", "user_search", "friend_search", "friend_list",
              "friend_list_self", "friend_request_list", "user_detail")


def questions(cluster, database):
    """(what, statement, values of each run)."""
    dice = random.Random(1)
    rows = cluster.sql("SELECT id, username, first_name, last_name FROM account"
                       " WHERE active AND id > 10"
                       f" ORDER BY hashint8(id) LIMIT {RUNS}", None, database)
    hubs = cluster.sql("SELECT id, username FROM account"
                       " WHERE active AND id <= 10", None, database)
    texts = [dice.choice(names)[:dice.randint(1, 6)] for _, *names in rows]
    other = rows[1:] + rows[:1]
    yield "suggestions", "user_suggestions", [
        (r[0], NEWEST, 6) for r in rows]
    yield "suggestions, a later page", "user_suggestions", [
        (r[0], o[0], 6) for r, o in zip(rows, other)]
    yield "suggestions, 5000 friends", "user_suggestions", [
        (h[0], NEWEST, 6) for h in hubs]
    yield "search", "user_search", [
        (r[0], t, False, 1, 15) for r, t in zip(rows, texts)]
    yield "search, all users", "user_search", [
        (r[0], None, False, 1, 15) for r in rows]
    yield "search, last page", "user_search", [
        (r[0], t, False, 1000, 15) for r, t in zip(rows, texts)]
    yield "search among own friends", "user_search", [
        (r[0], t, True, 1, 15) for r, t in zip(rows, texts)]
    yield "search among friends", "friend_search", [
        (r[0], o[1], t, 1, 15) for r, o, t in zip(rows, other, texts)]
    yield "friends", "friend_list", [
        (r[0], o[1], NEWEST, 6) for r, o in zip(rows, other)]
    yield "friends, 5000 of them", "friend_list", [
        (rows[0][0], h[1], NEWEST, 101) for h in hubs]
    yield "own friends", "friend_list_self", [(r[0], NEWEST, 6) for r in rows]
    yield "friend requests", "friend_request_list", [
        (r[0], r[1], "P", NEWEST, 6) for r in rows]
    yield "profile", "user_detail", [(r[0], o[1]) for r, o in zip(rows, other)]


def timed(asking, name, values):
    """Milliseconds of an execution: all, and of CPU."""
    cpu, began = asking.cpu(), time.monotonic()
    asking.cursor.execute(
        f"EXECUTE {name} ({', '.join(['%s'] * len(values))})", values)
    asking.cursor.fetchall()
    return (time.monotonic() - began) * 1000, asking.cpu() - cpu


def p95(times):
    return sorted(times)[len(times) * 95 // 100 - 1]


def measure(cluster, figures):
    import stack as stack_module
    print("\nj: users and friends", flush=True)
    cluster.sql("ALTER SYSTEM SET shared_buffers = '256MB'")  # as ./run demo
    cluster.stop()
    cluster.start()
    database = cluster.create(
        cluster.template("migrated", stack_module.migrate(cluster)))
    script = pathlib.Path(__file__).with_name("people.sql").read_text()
    cluster.sql(f"SET mxm.users = {USERS};" + script, None, database)
    cluster.sql("VACUUM ANALYZE", None, database)
    asking = Asking(cluster, database,
                    [statement(stack_module, name) for name in STATEMENTS])
    assert "force_generic_plan" in SESSION
    for what, name, runs in questions(cluster, database):
        for values in runs:
            timed(asking, name, values)
        times, cpu = zip(*(timed(asking, name, values) for values in runs))
        figures.add(f"j: {what}: CPU", sum(cpu) / len(cpu), "ms")
        figures.below(f"j: {what}: CPU, p95", p95(cpu), "ms", GOAL)
        figures.add(f"j: {what}: p50", sorted(times)[len(times) // 2], "ms")
        figures.add(f"j: {what}: p95", p95(times), "ms")
    cluster.drop(database)
