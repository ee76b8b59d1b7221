/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A worker's whole life without a web server: all kinds of requests, on a
 * database of its own (and memcached, when MXM_TEST_CACHE names one), after
 * which the worker must hold no block more than before them.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/serve.h"
#include "auth/memo.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/mem.h"
#include "base/shm.h"
#include "cache/cache.h"
#include "db_world.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/route.h"
#include "recommend/model.h"

/*
 * Who calls, and how. SELDOM is what hashes a password; FRESH puts a name that
 * nobody has for each % of the body; KNOWN says that the client has the answer.
 */
enum { ANYBODY = 0, ANA = 1, STRANGE = 2, FRESH = 4, SELDOM = 8, KNOWN = 16 };

struct call {
	const char *method, *uri, *body; /* body NULL: none */
	int how, status;
};

#define MOVIE  "/api/movies/heat/"
#define OTHER  "/api/movies/volver/"
#define SIGNUP "/api/auth/signup/"
#define LANG   "/api/users/preferred-language/"

static const struct call calls[] = {
	{ "GET", "/healthz", NULL, ANYBODY, 200 },
	{ "GET", "/readyz", NULL, ANYBODY, 200 },
	{ "HEAD", "/healthz", NULL, ANYBODY, 200 },
	{ "OPTIONS", MOVIE, NULL, ANYBODY, 204 },
	{ "GET", "/api/nothing/here/", NULL, ANYBODY, 404 },
	{ "GET", "/api/movies/%zz/", NULL, ANYBODY, 400 },
	{ "PATCH", "/api/genres/", NULL, ANA, 405 },
	{ "GET", "/api/schema/", NULL, ANYBODY, 200 },
	{ "GET", "/api/docs/", NULL, ANYBODY, 200 },
	{ "GET", MOVIE, NULL, ANYBODY, 401 },
	{ "GET", MOVIE, NULL, STRANGE, 401 },
	{ "GET", MOVIE, NULL, ANA, 200 },
	{ "GET", MOVIE, NULL, ANA | KNOWN, 304 },
	{ "GET", MOVIE "?lang=%ff", NULL, ANA, 400 },
	{ "GET", "/api/movies/no-such-film/", NULL, ANA, 404 },
	{ "GET", "/api/movies/", NULL, ANA, 200 },
	{ "GET", "/api/movies/searching/?name=matrix", NULL, ANA, 200 },
	{ "GET", "/api/movies/searching/?genres=drama&limit=3", NULL, ANA,
	    200 },
	{ "GET", "/api/movies/searching/?limit=many", NULL, ANA, 200 },
	{ "GET", "/api/genres/", NULL, ANA, 200 },
	{ "GET", "/api/platforms/", NULL, ANA, 200 },
	{ "GET", "/api/users/", NULL, ANA, 200 },
	{ "GET", LANG, NULL, ANA, 200 },
	{ "POST", LANG, "{\"preferred_language\": \"de\"}", ANA, 200 },
	{ "POST", LANG, "{\"preferred_language\": \"en\"}", ANA, 200 },
	{ "POST", LANG, "{\"preferred_language\": 7}", ANA, 400 },
	{ "PUT", MOVIE "ratings/", "{\"rating\": 4}", ANA, 200 },
	{ "PUT", MOVIE "ratings/", "{\"rating\": 9}", ANA, 400 },
	{ "PUT", MOVIE "ratings/", "{\"rating\": ", ANA, 400 },
	{ "POST", MOVIE "ratings/", "{\"rating\": 4}", ANA, 400 },
	{ "GET", MOVIE "ratings/", NULL, ANA, 200 },
	{ "POST", OTHER "unseen/", NULL, ANA, 200 },
	{ "DELETE", OTHER "unseen/", NULL, ANA, 200 },
	{ "POST", "/api/users/onboarding/", NULL, ANA, 200 },
	{ "POST", "/api/auth/verify/", "{}", ANA, 400 },
	{ "POST", "/api/auth/verify/", "{\"verification_code\": \"000000\"}",
	    ANA, 200 },
	{ "POST", "/api/auth/resend-verification-email/", NULL, ANA, 200 },
	{ "POST", "/api/auth/refresh/", "{\"refresh\": \"a.b.c\"}", ANYBODY,
	    401 },
	{ "POST", "/api/auth/login/", "{\"username\": \"ana\"}", ANYBODY, 400 },
	{ "POST", "/api/auth/login/",
	    "{\"username\": \"ana\", \"password\": \"no\"}", SELDOM, 401 },
	{ "POST", SIGNUP, "{\"username\": \"ana\"}", ANYBODY, 400 },
	{ "POST", SIGNUP,
	    "{\"username\": \"%\", \"email\": \"%@example.org\","
	    " \"first_name\": \"A\", \"last_name\": \"B\","
	    " \"password\": \"Lantern-over-7-hills\"}",
	    SELDOM | FRESH, 200 },
};

static char folder[] = "/tmp/mxms-XXXXXX";
static TALLOC_CTX *worker;
static struct serve serve;
static char *token; /* ana's */

static void
read_settings(void)
{
	const char *cache = getenv("MXM_TEST_CACHE");
	char *file = mem_printf(mem, "%s/mxm.conf", folder);
	char *text = mem_printf(mem,
	    "run_dir = %s\ndatabase = %s\ncache_servers = %s\n"
	    "signing_key = 0123456789abcdef0123456789abcdef\n"
	    "media_root = %s\nlimit_public = 0\nlimit_login = 0\n"
	    "limit_name = 0\n"
	    "limit_code = 0\nlimit_search = 0\nlimit_write = 0\n",
	    folder, dbinfo, cache ? cache : "", folder);
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct conf_errors errors = { 0 };
	struct conf *conf;

	cr_assert(fd >= 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	cr_assert_eq(conf_load(mem, file, &conf, &errors), ERR_OK, "%s",
	    errors.n > 0 ? errors.list[0] : "");
	serve.conf = conf;
}

/* What t/lib/world.py calls the world "catalogue". */
static void
fill(const char *name)
{
	const char *source = getenv("srcdir");
	char *path =
	    mem_printf(mem, "%s/t/fixtures/%s", source ? source : ".", name);
	FILE *f = fopen(path, "re");
	struct buf text;
	char part[4096];
	size_t n;

	cr_assert_not_null(f, "%s", path);
	buf_init(&text, mem, sizeof part);
	while ((n = fread(part, 1, sizeof part, f)) > 0)
		buf_add(&text, part, n);
	fclose(f);
	sql(text.data);
}

static void
begin(void)
{
	const char *names[SHM_ROUTES];
	const char *why;

	world_open();
	cr_assert_not_null(mkdtemp(folder));
	read_settings();
	fill("people.sql");
	fill("catalogue.sql");
	for (int i = 0; i < n_routes; i++)
		names[i] = routes[i].name;
	worker = talloc_named_const(NULL, 0, "worker");
	cr_assert_eq(
	    shm_create(worker, folder, names, n_routes, &serve.shm, &why),
	    ERR_OK);
	shm_slot_mine(serve.shm, shm_slot_take(serve.shm, 0, 1));
	serve.db = db_new(worker, dbinfo, 5000);
	serve.cache = cache_new(worker, serve.conf->cache_servers);
	serve.memo = memo_new(worker);
}

static void
end(void)
{
	talloc_free(worker);
	(void)unlink(mem_printf(mem, "%s/mxm.conf", folder));
	(void)unlink(mem_printf(mem, "%s/mxm.shm", folder));
	cr_expect_eq(rmdir(folder), 0, "something was left in %s", folder);
	world_close();
}

TestSuite(serve, .init = begin, .fini = end, .timeout = 300);

static void
count_bytes(void *arg, const char *p, size_t n)
{
	size_t *sum = arg;

	(void)p;
	*sum += n;
}

static const char *
header_line(struct req *r, const char *name, const char *value)
{
	return mem_printf(r->mem, "%s=%s", name, value);
}

/* A new request, described as nginx would. */
static struct req *
request_of(const struct call *c)
{
	struct req *r = request_new(worker);
	const char *query = strchr(c->uri, '?');
	const char *auth = "";
	const char *envp[9];
	size_t n = 0;

	if (c->how & ANA)
		auth = mem_printf(r->mem, "Bearer %s", token);
	else if (c->how & STRANGE)
		auth = "Bearer a.b.c";
	envp[n++] = header_line(r, "REQUEST_METHOD", c->method);
	envp[n++] = header_line(r, "REQUEST_URI", c->uri);
	envp[n++] = header_line(r, "QUERY_STRING", query ? query + 1 : "");
	envp[n++] = header_line(r, "REMOTE_ADDR", "192.0.2.1");
	envp[n++] = header_line(r, "HTTP_AUTHORIZATION", auth);
	if (c->how & KNOWN)
		envp[n++] = header_line(r, "HTTP_IF_NONE_MATCH", "*");
	if (c->body)
		envp[n++] = header_line(r, "CONTENT_TYPE", "application/json");
	envp[n] = NULL;
	request_read(r, (char *const *)envp);
	return r;
}

static void
put_body(struct req *r, const struct call *c)
{
	static int count;
	struct buf name, body;
	const char *s;

	buf_init(&name, r->mem, 16);
	buf_printf(&name, "new%d", ++count);
	buf_init(&body, r->mem, 256);
	for (s = c->body; *s; s++) {
		if (c->how & FRESH && *s == '%')
			buf_add(&body, name.data, name.len);
		else
			buf_putc(&body, *s);
	}
	r->body = body.data;
	r->body_len = body.len;
}

/* As struct server does it; the request is the caller's to free. */
static struct req *
ask(const struct call *c)
{
	struct req *r = request_of(c);
	size_t sent = 0;

	if (c->body)
		put_body(r, c);
	shm_busy(serve.shm);
	serve_prepare(&serve, r);
	serve_request(&serve, r);
	reply_write(r, count_bytes, &sent);
	serve_account(&serve, r);
	shm_idle(serve.shm);
	cr_expect(sent > 0);
	cr_expect_eq(r->answer.status, c->status, "%s %s %s: %d %.300s",
	    c->method, c->uri, c->body ? c->body : "", r->answer.status,
	    r->answer.body.data);
	return r;
}

static void
log_in(void)
{
	static const struct call login = { "POST", "/api/auth/login/",
		"{\"username\": \"ana\", \"password\": \"Popcorn-at-nine-42\"}",
		ANYBODY, 200 };
	struct req *r = ask(&login);
	const char *s = strstr(r->answer.body.data, "\"access\":\"");

	cr_assert_not_null(s);
	s += strlen("\"access\":\"");
	token = mem_textn(mem, s, strcspn(s, "\""));
	talloc_free(r->mem);
}

/* Every call once; how many there were. */
static int
round_of_calls(bool seldom)
{
	int n = 0;

	for (size_t i = 0; i < array_len(calls); i++) {
		if (calls[i].how & SELDOM && !seldom)
			continue;
		talloc_free(ask(&calls[i])->mem);
		n++;
	}
	return n;
}

Test(serve, a_thousand_requests_leave_nothing)
{
	static const struct call rate = { "POST", MOVIE "ratings/",
		"{\"rating\": 3}", ANA, 201 };
	size_t blocks, bytes;
	int n = 0;

	log_in();
	talloc_free(ask(&rate)->mem);
	round_of_calls(true);
	round_of_calls(false);
	blocks = talloc_total_blocks(worker);
	bytes = talloc_total_size(worker);
	for (int i = 0; n < 1000; i++)
		n += round_of_calls(i % 8 == 0);
	cr_expect_eq(talloc_total_blocks(worker), blocks);
	cr_expect_eq(talloc_total_size(worker), bytes);
}

/* Serves calls that have arrived together, with one read of the cache. */
static void
ask_together(const struct call *const *list, size_t n)
{
	struct req *r[16];

	for (size_t i = 0; i < n; i++) {
		r[i] = request_of(list[i]);
		if (list[i]->body)
			put_body(r[i], list[i]);
		serve_prepare(&serve, r[i]);
	}
	serve_ahead(&serve, r[n - 1]->mem, r, n);
	for (size_t i = 0; i < n; i++) {
		const struct call *c = list[i];
		size_t sent = 0;

		shm_busy(serve.shm);
		serve_request(&serve, r[i]);
		reply_write(r[i], count_bytes, &sent);
		serve_account(&serve, r[i]);
		shm_idle(serve.shm);
		cr_expect(sent > 0);
		cr_expect_eq(r[i]->answer.status, c->status,
		    "%s %s %s: %d %.300s", c->method, c->uri,
		    c->body ? c->body : "", r[i]->answer.status,
		    r[i]->answer.body.data);
	}
	for (size_t i = 0; i < n; i++)
		talloc_free(r[i]->mem);
}

/* The same answers as one by one, and as little left. */
Test(serve, requests_that_arrive_together)
{
	static const struct call rate = { "POST", MOVIE "ratings/",
		"{\"rating\": 3}", ANA, 201 };
	const struct call *list[16];
	size_t blocks = 0, n = 0;

	log_in();
	shm_touch_clear(serve.shm, clock_steady_us());
	talloc_free(ask(&rate)->mem);
	round_of_calls(false);
	for (int i = 0; i < 12; i++) {
		for (size_t k = 0; k < array_len(calls); k++) {
			if (calls[k].how & SELDOM)
				continue;
			list[n++] = &calls[k];
			if (n < 2 + (size_t)i)
				continue;
			ask_together(list, n);
			n = 0;
		}
		if (i == 1)
			blocks = talloc_total_blocks(worker);
	}
	cr_expect_eq(talloc_total_blocks(worker), blocks);
}

/* Nor does a connection that breaks and is made anew. */
Test(serve, lost_connections_leave_nothing)
{
	static const struct call self = { "GET",
		"/api/movies/searching/?name=h", NULL, ANA, 200 };
	size_t blocks;

	log_in();
	talloc_free(ask(&self)->mem);
	blocks = talloc_total_blocks(worker);
	for (int i = 0; i < 5; i++) {
		sql("SELECT pg_terminate_backend(pid, 10000)"
		    "  FROM pg_stat_activity"
		    " WHERE datname = current_database()"
		    "   AND pid <> pg_backend_pid()");
		sql("INSERT INTO touch (kind, key) VALUES ('catalogue', '')");
		talloc_free(ask(&self)->mem);
	}
	cr_expect_eq(talloc_total_blocks(worker), blocks);
}

/* A model whose file was cut off a moment ago, in the same request. */
static void
find_lost(void *arg, struct req *r)
{
	static struct trap truncated = { .truncated = true };
	static struct model lost = { .items = 3, .trap = &truncated };

	(void)arg;
	r->model = &lost;
	r->model_version = 7;
}

/* One that is in force no more once the answer is made, nor the next one. */
static void
find_other(void *arg, struct req *r)
{
	static uint64_t version = 10;

	(void)arg;
	r->model_version = 10 + version++ % 2;
}

static void
find_none(void *arg, struct req *r)
{
	(void)arg;
	(void)r;
}

/* What the cache did for a request; asked again while the cache is away. */
static const char *
cache_word(const char *uri)
{
	const struct call call = { "GET", uri, NULL, ANA, 200 };
	const char *word;
	struct req *r;

	do {
		r = ask(&call);
		word = r->cache_word;
		talloc_free(r->mem);
	} while (strcmp(word, "off") == 0 && getenv("MXM_TEST_CACHE"));
	return word;
}

static void
expect_miss(void)
{
	if (getenv("MXM_TEST_CACHE"))
		cr_expect_str_eq(cache_word("/api/movies/"), "miss");
}

/* An answer that a busy machine does not store in time is stored by the next.
 */
static void
expect_hit_soon(void)
{
	int tries = 0;

	if (!getenv("MXM_TEST_CACHE"))
		return;
	while (strcmp(cache_word("/api/genres/"), "hit") != 0)
		cr_assert_lt(++tries, 50);
}

Test(serve, what_a_model_lost_meanwhile_answers_is_not_kept)
{
	log_in();
	shm_touch_clear(serve.shm, clock_steady_us());
	serve.find_model = find_lost;
	expect_miss();
	expect_miss();
	serve.find_model = find_other;
	expect_miss();
	expect_miss();
	/* the order by all ratings is not cached either */
	serve.find_model = find_none;
	expect_miss();
	expect_miss();
	expect_hit_soon();
}
