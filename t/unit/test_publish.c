/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Models on their way through the database: what comes out is what went in;
 * versions only rise; what fails leaves nothing; what is corrupt is refused.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "db/query.h"
#include "db_world.h"
#include "recommend/publish.h"

/* Some 3 MiB, so that there are several chunks and a part of one. */
enum { ITEMS = 9000, FACTORS = 61, NEAR = 4, GENRES = 2 };

static char folder[] = "/tmp/mxm-publish-XXXXXX";
static const char *path;
static const char *why;
static int64_t genre_ids[GENRES] = { 4, 9 };

static void
set_up(void)
{
	world_open();
	talloc_free(db);
	db = db_new(mem, dbinfo, 0);
	cr_assert_not_null(mkdtemp(folder));
	path = mem_printf(mem, "%s/model", folder);
}

static void
tear_down(void)
{
	(void)unlink(path);
	(void)rmdir(folder);
	world_close();
}

TestSuite(publish, .init = set_up, .fini = tear_down);

/* Movies `first`, `first` + 2 and so on. */
static struct model *
model_any(int64_t first)
{
	struct model *m = model_new(mem, ITEMS, FACTORS);

	m->regularization = 0.05f;
	m->unobserved = 0.2f;
	m->near_scale = 1.5f;
	m->taste = (struct taste){ .stars = { -1, 0, 0, 1, 2 },
		.floor = 0.5f,
		.half = 10,
		.near_half = 5 };
	m->id = mem_array(m, int64_t, ITEMS);
	m->near.n = ITEMS * NEAR;
	m->near.index = mem_array(m, uint32_t, ITEMS * NEAR);
	m->near.weight = mem_array(m, float, ITEMS *NEAR);
	for (uint32_t i = 0; i < ITEMS; i++) {
		m->id[i] = first + 2 * (int64_t)i;
		m->near.start[i + 1] = (size_t)(i + 1) * NEAR;
		for (uint32_t k = 0; k < NEAR; k++) {
			m->near.index[i * NEAR + k] =
			    k + (i + NEAR < ITEMS ? i + 1 : 0);
			m->near.weight[i * NEAR + k] = (float)(i + k);
		}
		for (unsigned f = 0; f < FACTORS; f++)
			m->item[i * m->stride + f] = cosf((float)(i + 3 * f));
	}
	m->genre = (struct genres){ .n = GENRES,
		.id = genre_ids,
		.factor = model_floats(m, GENRES * m->stride),
		.share = mem_array(m, float, GENRES) };
	m->item_genres = mem_array(m, uint64_t, ITEMS);
	m->genre.factor[m->stride] = 7;
	model_prepare(m);
	return m;
}

static const char quality[] = "{\"NDCG@100\": {\"mean\": 0.25}}";

static struct stamp
publish(const struct model *m)
{
	struct stamp stamp;

	cr_assert_eq(publish_model(mem, db, m, quality, &stamp), ERR_OK, "%s",
	    db_error(db));
	return stamp;
}

static struct published
newest(void)
{
	struct published p;

	cr_assert_eq(publish_newest(mem, db, &p), ERR_OK);
	return p;
}

static enum err
fetch(void)
{
	struct published p = newest();

	return publish_fetch(mem, db, &p, path, &why);
}

/* What lies at `path`, or why it is refused. */
static const struct model *
in_place(struct stamp *stamp)
{
	const struct model *m;

	if (model_file_map(mem, path, &m, stamp, &why) == ERR_OK)
		return m;
	return NULL;
}

static void
expect_nothing_beside(void)
{
	cr_expect_neq(access(mem_printf(mem, "%s.part", path), F_OK), 0);
}

Test(publish, comes_out_as_it_went_in)
{
	struct model *m = model_any(3);
	struct stamp stamp = publish(m), back;
	struct published p = newest();
	const struct model *got;

	cr_expect_eq(stamp.version, 1);
	cr_expect_eq(p.stamp.version, 1);
	cr_expect_eq(p.stamp.size, stamp.size);
	cr_expect_eq(p.stamp.trained_at, stamp.trained_at);
	cr_expect_geq(p.published_at, stamp.trained_at);
	cr_expect_arr_eq(p.stamp.checksum, stamp.checksum, MODEL_CHECKSUM);
	cr_expect_float_eq(p.ndcg, 0.25, 1e-9);
	cr_expect_str_eq(p.quality, quality);
	cr_expect_eq(fetch(), ERR_OK, "%s", why);
	got = in_place(&back);
	cr_assert_not_null(got);
	cr_expect_eq(back.version, 1);
	cr_expect_eq(back.trained_at, stamp.trained_at);
	cr_expect_eq(back.size, stamp.size);
	cr_expect_arr_eq(back.checksum, stamp.checksum, MODEL_CHECKSUM);
	cr_expect_arr_eq(
	    got->item, m->item, ITEMS * m->stride * sizeof *m->item);
	cr_expect_arr_eq(got->near.weight, m->near.weight,
	    (size_t)ITEMS * NEAR * sizeof(float));
	expect_nothing_beside();
}

Test(publish, quality_that_says_little)
{
	struct stamp stamp;
	const struct model *m = model_any(3);
	const char *const qualities[] = { "{}", "{\"NDCG@100\": 0.3}",
		"{\"NDCG@100\": {\"mean\": \"good\"}}", "[1]", "null" };

	for (size_t i = 0; i < array_len(qualities); i++) {
		cr_assert_eq(
		    publish_model(mem, db, m, qualities[i], &stamp), ERR_OK);
		cr_expect_float_eq(newest().ndcg, -1, 1e-9, "%s", qualities[i]);
	}
	cr_expect_eq(publish_model(mem, db, m, "{", &stamp), ERR_INTERNAL,
	    "a bug of the program");
}

Test(publish, in_chunks)
{
	struct stamp stamp = publish(model_any(3));

	cr_expect_str_eq(
	    sql_value("SELECT count(*) = 3 AND max(length(payload)) = 1048576"
		      "       AND max(number) = count(*) - 1 FROM model_chunk"),
	    "t");
	cr_expect_str_eq(sql_value("SELECT sum(length(payload))"
				   "  FROM model_chunk"),
	    mem_printf(mem, "%" PRIu64, stamp.size));
}

Test(publish, newest_three_are_kept)
{
	const struct model *m = model_any(3);

	cr_expect_eq(
	    publish_newest(mem, db, &(struct published){ 0 }), ERR_NOT_FOUND);
	for (uint64_t i = 1; i <= 5; i++)
		cr_expect_eq(publish(m).version, i);
	cr_expect_str_eq(sql_value("SELECT string_agg(version::text, ' '"
				   "           ORDER BY version) FROM model"),
	    "3 4 5");
	cr_expect_str_eq(
	    sql_value("SELECT count(DISTINCT model_id) FROM model_chunk"), "3");
}

Test(publish, clock_set_back)
{
	const struct model *m = model_any(3);

	publish(m);
	sql("UPDATE model SET created_at = now() + interval '1 year',"
	    "                 published_at = now() + interval '1 year'");
	cr_expect_eq(publish(m).version, 2);
	cr_expect_eq(newest().stamp.version, 2);
}

Test(publish, rollback_and_again)
{
	const struct model *m = model_any(3);
	struct published p;

	cr_expect_eq(publish_rollback(mem, db, &p, &why), ERR_NOT_FOUND);
	publish(m);
	cr_expect_eq(publish_rollback(mem, db, &p, &why), ERR_CONFLICT);
	cr_expect_eq(newest().stamp.version, 1);
	for (uint64_t version = 2; version <= 6; version++) {
		cr_expect_eq(publish(m).version, version, "only rises");
		cr_expect_eq(publish_rollback(mem, db, &p, &why), ERR_OK);
		cr_expect_eq(p.stamp.version, 1);
		cr_expect_eq(newest().stamp.version, 1);
	}
	cr_expect_eq(publish(m).version, 7);
	cr_expect_str_eq(sql_value("SELECT count(*) FROM model_chunk AS c"
				   "  JOIN model AS m ON m.id = c.model_id"
				   " WHERE published_at IS NULL"),
	    "0", "of what was taken back no chunk is left");
	publish(m);
	publish(m);
	cr_expect_str_eq(sql_value("SELECT string_agg(version::text, ' '"
				   "           ORDER BY version) FROM model"),
	    "7 8 9", "what was taken back goes when it is older than all");
}

Test(publish, rollback_to_what_is_corrupt)
{
	const struct model *m = model_any(3);
	struct published p;

	publish(m);
	sql("DELETE FROM model_chunk WHERE number = 1");
	publish(m);
	cr_expect_eq(publish_rollback(mem, db, &p, &why), ERR_INVALID);
	cr_expect_not_null(strstr(why, "a chunk is missing"), "%s", why);
	cr_expect_eq(newest().stamp.version, 2);
}

static const char known[] =
    "SELECT coalesce(string_agg(id::text, ' ' ORDER BY id), '')"
    "  FROM movie WHERE modelled";

Test(publish, movies_know_whether_the_model_knows_them)
{
	struct published p;

	sql("INSERT INTO movie (id, slug, title, release_date)"
	    "SELECT i, 'm' || i, 'M', '2001-01-01'"
	    "  FROM generate_series(1, 6) AS i");
	publish(model_any(3));
	cr_expect_str_eq(sql_value(known), "3 5");
	publish(model_any(4));
	cr_expect_str_eq(sql_value(known), "4 6");
	cr_expect_eq(publish_rollback(mem, db, &p, &why), ERR_OK);
	cr_expect_str_eq(sql_value(known), "3 5");
}

Test(publish, is_told)
{
	PGnotify *notify;

	sql("LISTEN model");
	publish(model_any(3));
	sql("SELECT 1");
	notify = PQnotifies(other);
	cr_assert_not_null(notify);
	cr_expect_str_eq(notify->relname, "model");
	PQfreemem(notify);
}

/* ------------------------------------------------------------- bad endings */

Test(publish, what_is_no_number_is_not_published)
{
	struct model *m = model_any(3);
	struct stamp stamp;

	publish(m);
	m->item[70] = NAN;
	cr_expect_eq(publish_model(mem, db, m, quality, &stamp), ERR_INVALID);
	cr_expect_eq(newest().stamp.version, 1);
	cr_expect_str_eq(sql_value("SELECT count(*) FROM model"), "1");
}

Test(publish, disk_full)
{
	struct stamp stamp;

	publish(model_any(3));
	sql("CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$"
	    "BEGIN RAISE 'no space left' USING ERRCODE = '53100'; END $$;"
	    "CREATE TRIGGER full_disk BEFORE INSERT ON model_chunk"
	    "   FOR EACH ROW WHEN (NEW.number = 2)"
	    "   EXECUTE FUNCTION full_disk()");
	cr_expect_eq(publish_model(mem, db, model_any(4), quality, &stamp),
	    ERR_UNAVAILABLE);
	cr_expect_not_null(strstr(db_error(db), "no space left"));
	cr_expect_eq(newest().stamp.version, 1);
	cr_expect_str_eq(
	    sql_value("SELECT count(DISTINCT model_id) FROM model_chunk"), "1");
	sql("DROP TRIGGER full_disk ON model_chunk");
	cr_expect_eq(publish(model_any(4)).version, 2);
}

/* Another process that publishes on a connection of its own. */
static pid_t
publish_elsewhere(const struct model *m)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct db *mine = db_new(mem, dbinfo, 0);
		struct stamp stamp;

		_exit(publish_model(mem, mine, m, quality, &stamp) != ERR_OK);
	}
	return pid;
}

Test(publish, killed)
{
	int status;
	pid_t pid;

	/* It waits for this in the midst of its chunks. */
	sql("CREATE FUNCTION wait_here() RETURNS trigger LANGUAGE plpgsql AS $$"
	    "BEGIN PERFORM pg_advisory_xact_lock(77); RETURN NEW; END $$;"
	    "CREATE TRIGGER wait_here BEFORE INSERT ON model_chunk"
	    "   FOR EACH ROW WHEN (NEW.number = 2)"
	    "   EXECUTE FUNCTION wait_here();"
	    "SELECT pg_advisory_lock(77)");
	pid = publish_elsewhere(model_any(3));
	sql_until("SELECT EXISTS (SELECT FROM pg_locks"
		  "  WHERE locktype = 'advisory' AND NOT granted)");
	cr_assert_eq(kill(pid, SIGKILL), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	sql("SELECT pg_advisory_unlock(77); DROP TRIGGER wait_here"
	    "   ON model_chunk");
	cr_expect_str_eq(sql_value("SELECT count(*) FROM model"), "0");
	cr_expect_eq(publish(model_any(3)).version, 1);
}

Test(publish, two_at_once)
{
	pid_t pids[2];
	int status;

	sql("BEGIN; LOCK TABLE model IN SHARE ROW EXCLUSIVE MODE");
	pids[0] = publish_elsewhere(model_any(3));
	pids[1] = publish_elsewhere(model_any(4));
	sql_until("SELECT count(*) = 2 FROM pg_locks"
		  " WHERE relation = 'model'::regclass AND NOT granted");
	sql("COMMIT");
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(waitpid(pids[i], &status, 0), pids[i]);
		cr_expect_eq(status, 0);
	}
	cr_expect_str_eq(sql_value("SELECT string_agg(version::text, ' '"
				   "           ORDER BY version) FROM model"),
	    "1 2");
	cr_expect_eq(newest().stamp.version, 2);
	cr_expect_eq(fetch(), ERR_OK, "%s", why);
}

/* ---------------------------------------------------------------- fetching */

static const char *const damages[][2] = {
	{ "UPDATE model_chunk SET payload = overlay(payload placing '\\x55'"
	  "    from 500) WHERE number = 1",
	    "its checksum does not match" },
	{ "UPDATE model_chunk SET payload = overlay(payload placing '\\x55'"
	  "    from 1) WHERE number = 0",
	    "it is not a model" },
	{ "UPDATE model_chunk SET payload = substr(payload, 1, 100)"
	  " WHERE number = 0",
	    "a chunk is missing" },
	{ "UPDATE model_chunk SET payload = payload || '\\x00'"
	  " WHERE number = 0",
	    "it is too long" },
	{ "UPDATE model_chunk SET payload = '' WHERE number = 0",
	    "a chunk is missing" },
	{ "DELETE FROM model_chunk", "a chunk is missing" },
	{ "UPDATE model SET checksum = repeat('0', 64)",
	    "its checksum does not match" },
	{ "UPDATE model SET checksum = 'none at all'",
	    "its checksum does not match" },
	{ "UPDATE model SET version = 99 WHERE published_at ="
	  " (SELECT max(published_at) FROM model)",
	    "its checksum does not match" },
	{ "UPDATE model SET size = size - 100", "it is too long" },
	{ "UPDATE model SET size = 4095; UPDATE model_chunk SET payload ="
	  "    substr(payload, 1, 4095) WHERE number = 0",
	    "truncated" },
};

Test(publish, corrupt_in_the_database)
{
	struct stamp stamp;

	publish(model_any(3));
	cr_assert_eq(fetch(), ERR_OK, "%s", why);
	for (size_t i = 0; i < array_len(damages); i++) {
		publish(model_any(4));
		sql(damages[i][0]);
		cr_expect_eq(fetch(), ERR_INVALID, "%s", damages[i][0]);
		cr_expect_not_null(
		    strstr(why, damages[i][1]), "%s: %s", damages[i][0], why);
		cr_expect_not_null(in_place(&stamp));
		cr_expect_eq(stamp.version, 1, "the last good one stays");
		expect_nothing_beside();
	}
}

Test(publish, gone_while_it_is_fetched)
{
	struct published old;

	publish(model_any(3));
	publish(model_any(3));
	old = newest();
	cr_expect_eq(
	    publish_rollback(mem, db, &(struct published){ 0 }, &why), ERR_OK);
	cr_expect_eq(publish_fetch(mem, db, &old, path, &why), ERR_NOT_FOUND);
	cr_expect_neq(access(path, F_OK), 0);
	expect_nothing_beside();
}

Test(publish, no_room_for_the_file)
{
	struct rlimit limit = { 2000000, RLIM_INFINITY };
	struct stamp stamp;

	signal(SIGXFSZ, SIG_IGN);
	publish(model_any(3));
	cr_assert_eq(fetch(), ERR_OK, "%s", why);
	publish(model_any(4));
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_expect_eq(fetch(), ERR_UNAVAILABLE);
	cr_expect_not_null(strstr(why, "File too large"), "%s", why);
	cr_expect_not_null(in_place(&stamp));
	cr_expect_eq(stamp.version, 1);
	expect_nothing_beside();
	limit.rlim_cur = RLIM_INFINITY;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_expect_eq(fetch(), ERR_OK, "%s", why);
	cr_expect_not_null(in_place(&stamp));
	cr_expect_eq(stamp.version, 2);
}

Test(publish, two_who_fetch_do_not_mix)
{
	const char *part = mem_printf(mem, "%s.part", path);
	FILE *theirs = fopen(part, "w");

	publish(model_any(3));
	cr_assert_not_null(theirs);
	cr_assert_eq(flock(fileno(theirs), LOCK_EX), 0);
	cr_expect_eq(fetch(), ERR_UNAVAILABLE);
	cr_expect_not_null(strstr(why, "another process"), "%s", why);
	cr_expect_eq(access(part, F_OK), 0, "theirs is left alone");
	fputs("half", theirs);
	fclose(theirs); /* as if killed: the half is there */
	cr_expect_eq(fetch(), ERR_OK, "%s", why);
	expect_nothing_beside();
}

Test(publish, a_folder_that_is_not_there)
{
	publish(model_any(3));
	path = mem_printf(mem, "%s/none/model", folder);
	cr_expect_eq(fetch(), ERR_UNAVAILABLE);
	cr_expect_not_null(strstr(why, "No such file"), "%s", why);
}

Test(publish, open_leaves_no_file)
{
	struct published p;
	const struct model *m;

	setenv("TMPDIR", folder, 1);
	publish(model_any(3));
	p = newest();
	cr_expect_eq(publish_open(mem, db, &p, &m, &why), ERR_OK, "%s", why);
	cr_expect_eq(m->items, ITEMS);
	cr_expect_eq(m->id[1], 5);
	cr_expect_eq(rmdir(folder), 0);
}
