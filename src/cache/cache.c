/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The memcached client, and the generations stored there.
 *
 * Why the value of a generation is never reused, and no stale answer is valid
 * after a raise. A value is "used" if a process has read it and cached an
 * answer with it.
 *
 * - A generation is written in two ways: started by `add` with the clock if it
 * is missing, and raised by `cas` from the value of `gets` to the greater of
 * the clock and that value plus one. While the item exists, every write is
 * greater than the previous one.
 * - Concurrent raises: one `cas` succeeds, the others get EXISTS and need not
 * retry, because the item was changed, to a greater value, after their `gets`,
 * which was after their commit.
 * - `cas` has no answer; a second `gets` shows another cas number or no item.
 * An item that a server did not change (no memory for the new one) is deleted.
 * (`incr` would do with one trip, but not show such a failure.)
 * - The item is missing (evicted, flushed, restarted, or deleted between `gets`
 * and `cas`): nothing to raise. Answers with the lost value are invalid,
 * because there is no value to compare. A process that starts it does so after
 * our commit and reads the database after that.
 * - A new start is greater than all lost values: a raise exceeds the clock only
 * if there is more than one in a microsecond, so no used value is above the
 * clock. Hosts with different clocks, or a clock that was set back, could reuse
 * an old value only in exactly that microsecond, and only while an answer with
 * it is still cached.
 * - A process may start an item between our commit and our `gets`: then the
 * raise is unnecessary, but harmless.
 * - A frozen server may execute a command after its timeout. A late `cas`
 * raises or fails; a late `add` starts a value that its sender has not used; a
 * late `set` stores an answer with old values, which are no longer equal.
 *
 * Every server has its own client and breaker, so that a dead one affects only
 * its own keys. After any failure the client is replaced: late bytes belong to
 * a closed connection, and the failure handling of the library does not
 * interfere with the breaker.
 */
#include "base/base.h"

#include <libmemcached/memcached.h>
#include <sodium.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cache/cache.h"

#define TIMEOUT_MS   100
#define PAUSE_MIN_US INT64_C(1000000)
#define PAUSE_MAX_US INT64_C(8000000)
#define FORMER_US    INT64_C(30000000)
#define SECONDS_MAX  (30 * 24 * 60 * 60) /* more is an absolute time */
/* Generations raised together: 13 kB of keys and 25 kB of values fit into the
 * buffers of a socket, so that neither side waits for the other one. */
#define RAISE_BATCH 256
/* The default maximum of an item is 1 MiB, including its header. */
#define VALUE_MAX (1024 * 1024 - 512)

struct server {
	const char *path;
	memcached_st *client; /* NULL: not created yet */
	memcached_result_st result;
	int64_t away_until_us; /* steady clock; 0: the breaker is closed */
	int64_t pause_us;      /* of the last failure; 0: none */
	bool asked;            /* answers of a multi-get are pending */
};

struct cache {
	struct server *servers;
	size_t n_servers;
	char digest[33];    /* of the servers, then of the database */
	char former[33];    /* the digest before; "": none */
	int64_t changed_at; /* steady clock: when it was replaced */
	uint64_t incarnation;
};

static void
client_close(struct server *s)
{
	if (!s->client)
		return;
	memcached_result_free(&s->result);
	memcached_free(s->client);
	s->client = NULL;
}

static int
cache_close(struct cache *c)
{
	size_t i;

	for (i = 0; i < c->n_servers; i++)
		client_close(&c->servers[i]);
	return 0;
}

/* Creates the client, which connects on first use. */
static void
client_open(struct server *s)
{
	static const struct {
		memcached_behavior_t name;
		uint64_t value;
	} behaviors[] = {
		{ MEMCACHED_BEHAVIOR_VERIFY_KEY, 1 },
		{ MEMCACHED_BEHAVIOR_NO_BLOCK, 1 },
		{ MEMCACHED_BEHAVIOR_NOREPLY, 1 },
		{ MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT, TIMEOUT_MS },
		{ MEMCACHED_BEHAVIOR_POLL_TIMEOUT, TIMEOUT_MS },
		{ MEMCACHED_BEHAVIOR_SND_TIMEOUT, TIMEOUT_MS * 1000 },
		{ MEMCACHED_BEHAVIOR_RCV_TIMEOUT, TIMEOUT_MS * 1000 },
	};
	memcached_return_t rc = MEMCACHED_SUCCESS;
	size_t i;

	s->client = mem_need(memcached_create(NULL));
	for (i = 0; i < array_len(behaviors) && rc == MEMCACHED_SUCCESS; i++)
		rc = memcached_behavior_set(
		    s->client, behaviors[i].name, behaviors[i].value);
	assert(rc == MEMCACHED_SUCCESS);
	rc = memcached_server_add_unix_socket(s->client, s->path);
	assert(rc == MEMCACHED_SUCCESS);
	mem_need(memcached_result_create(s->client, &s->result));
}

static bool
server_is_away(const struct server *s)
{
	return s->away_until_us && clock_steady_us() < s->away_until_us;
}

/* false: the breaker is open. After its pause it allows one attempt. */
static bool
server_use(struct server *s)
{
	if (server_is_away(s))
		return false;
	if (!s->client)
		client_open(s);
	return true;
}

static void
server_failed(struct server *s, memcached_return_t rc)
{
	const char *why = memcached_strerror(NULL, rc);

	client_close(s);
	s->pause_us = s->pause_us ? s->pause_us * 2 : PAUSE_MIN_US;
	if (s->pause_us > PAUSE_MAX_US)
		s->pause_us = PAUSE_MAX_US;
	s->away_until_us = clock_steady_us() + s->pause_us;
	log_field("MXM_CACHE_SERVER", "%s", s->path);
	log_event(LOG_LEVEL_WARNING, EVENT_CACHE_LOST,
	    "cache %s: %s; not used for %d s", s->path, why,
	    (int)(s->pause_us / 1000000));
}

static void
server_answered(struct server *s)
{
	if (!s->pause_us)
		return;
	s->pause_us = 0;
	s->away_until_us = 0;
	log_field("MXM_CACHE_SERVER", "%s", s->path);
	log_event(LOG_LEVEL_INFO, EVENT_CACHE_BACK, "cache %s: available again",
	    s->path);
}

/* Handles the result of a command without an answer. */
static bool
server_sent(struct server *s, memcached_return_t rc)
{
	if (rc == MEMCACHED_SUCCESS)
		return true;
	server_failed(s, rc);
	return false;
}

/* Keys are digests, so any of their characters distribute them evenly. */
static struct server *
server_of(const struct cache *c, const struct cache_key *key)
{
	const char *p;
	uint32_t h = 0;

	if (c->n_servers == 1)
		return c->servers;
	for (p = key->text; *p; p++)
		h = h * 31 + (unsigned char)*p;
	return &c->servers[h % c->n_servers];
}

/* One server per path; the text is in `mem`. */
static void
servers_parse(struct cache *c, const char *servers)
{
	char *list = mem_text(c, servers), *state = NULL, *path;

	for (path = strtok_r(list, ", \t", &state); path;
	     path = strtok_r(NULL, ", \t", &state)) {
		c->servers =
		    mem_grow(c, c->servers, struct server, c->n_servers + 1);
		c->servers[c->n_servers++] = (struct server){ .path = path };
	}
}

struct cache *
cache_new(TALLOC_CTX *mem, const char *servers)
{
	struct cache *c = mem_new(mem, struct cache);
	crypto_generichash_state h;
	unsigned char digest[16];
	size_t i;

	if (sodium_init() < 0)
		abort();
	servers_parse(c, servers);
	crypto_generichash_init(&h, NULL, 0, sizeof digest);
	for (i = 0; i < c->n_servers; i++)
		crypto_generichash_update(&h,
		    (const unsigned char *)c->servers[i].path,
		    strlen(c->servers[i].path) + 1);
	crypto_generichash_final(&h, digest, sizeof digest);
	sodium_bin2hex(c->digest, sizeof c->digest, digest, 8);
	cache_set_incarnation(c, 0);
	talloc_set_destructor(c, cache_close);
	return c;
}

void
cache_set_incarnation(struct cache *c, uint64_t incarnation)
{
	if (c->digest[16] && c->incarnation == incarnation)
		return;
	if (c->incarnation)
		memcpy(c->former, c->digest, sizeof c->former);
	c->changed_at = clock_steady_us();
	c->incarnation = incarnation;
	snprintf(
	    c->digest + 16, sizeof c->digest - 16, "%016" PRIx64, incarnation);
}

const char *
cache_pool_digest(const struct cache *c)
{
	return c->digest;
}

const char *
cache_former_digest(const struct cache *c)
{
	return *c->former && clock_steady_us() - c->changed_at < FORMER_US ?
		   c->former :
		   NULL;
}

bool
cache_is_away(const struct cache *c)
{
	size_t i;

	for (i = 0; i < c->n_servers; i++)
		if (!server_is_away(&c->servers[i]))
			return false;
	return c->n_servers > 0;
}

/* State of a multi-get: its keys, and the items for their values. */
struct fetch {
	TALLOC_CTX *mem;
	struct cache *cache;
	const struct cache_key *keys;
	struct cache_item *items;
	uint64_t *cas; /* numbers of the items; NULL: not requested */
	size_t n;
	const char **texts;
	size_t *lens;
	size_t next; /* values come in the order of the keys */
};

/* Sends the command for the keys of one server. */
static void
fetch_ask(struct fetch *f, struct server *s)
{
	memcached_return_t rc;
	size_t i, n = 0;

	s->asked = false;
	for (i = 0; i < f->n; i++) {
		if (server_of(f->cache, &f->keys[i]) != s)
			continue;
		f->texts[n] = f->keys[i].text;
		f->lens[n++] = strlen(f->keys[i].text);
	}
	if (n == 0 || !server_use(s))
		return;
	if (f->cas)
		memcached_behavior_set(
		    s->client, MEMCACHED_BEHAVIOR_SUPPORT_CAS, 1);
	rc = memcached_mget(s->client, f->texts, f->lens, n);
	if (f->cas)
		memcached_behavior_set(
		    s->client, MEMCACHED_BEHAVIOR_SUPPORT_CAS, 0);
	if (rc != MEMCACHED_SUCCESS) {
		server_failed(s, rc);
		return;
	}
	s->asked = true;
}

/* Stores a value in the item of its key; false: the key was not requested. */
static bool
fetch_place(struct fetch *f, memcached_result_st *result)
{
	const char *key = memcached_result_key_value(result);
	size_t len = memcached_result_key_length(result), k;
	size_t size = memcached_result_length(result);

	for (k = 0; k < f->n; k++) {
		size_t i = (f->next + k) % f->n;

		if (f->items[i].data || strlen(f->keys[i].text) != len ||
		    memcmp(f->keys[i].text, key, len) != 0)
			continue;
		f->items[i].data =
		    mem_textn(f->mem, memcached_result_value(result), size);
		f->items[i].len = size;
		if (f->cas)
			f->cas[i] = memcached_result_cas(result);
		f->next = i + 1;
		return true;
	}
	return false;
}

/*
 * Reads the answers of a server up to END. The library returns NOTFOUND for a
 * malformed first answer if `count` is zero, and else the real error.
 */
static void
fetch_read(struct fetch *f, struct server *s)
{
	memcached_return_t rc = MEMCACHED_SUCCESS;
	size_t i;

	s->result.count = 1;
	while (memcached_fetch_result(s->client, &s->result, &rc)) {
		if (rc != MEMCACHED_SUCCESS || !fetch_place(f, &s->result)) {
			rc = MEMCACHED_UNKNOWN_READ_FAILURE;
			break;
		}
	}
	if (rc == MEMCACHED_END) {
		server_answered(s);
		return;
	}
	server_failed(s, rc);
	s->asked = false;
	for (i = 0; i < f->n; i++)
		if (server_of(f->cache, &f->keys[i]) == s)
			f->items[i] = (struct cache_item){ 0 };
}

/*
 * Reads all items in one round trip to each server; s->asked: those of server s
 * were read. false: no server answered.
 */
static bool
fetch_items(struct fetch *f)
{
	struct cache *c = f->cache;
	bool answered = false;
	size_t i;

	if (f->n > 0)
		memset(f->items, 0, f->n * sizeof *f->items);
	if (c->n_servers == 0 || f->n == 0)
		return true;
	f->texts = mem_array(f->mem, const char *, f->n);
	f->lens = mem_array(f->mem, size_t, f->n);
	for (i = 0; i < c->n_servers; i++)
		fetch_ask(f, &c->servers[i]);
	for (i = 0; i < c->n_servers; i++) {
		if (c->servers[i].asked)
			fetch_read(f, &c->servers[i]);
		answered = answered || c->servers[i].asked;
	}
	return answered;
}

bool
cache_get_many(TALLOC_CTX *mem, struct cache *c, const struct cache_key *keys,
    struct cache_item *items, size_t n)
{
	struct fetch f = {
		.mem = mem, .cache = c, .keys = keys, .items = items, .n = n
	};

	return fetch_items(&f);
}

bool
cache_set(struct cache *c, const struct cache_key *key, const void *p, size_t n,
    int seconds)
{
	memcached_return_t rc;
	struct server *s;

	assert(seconds > 0 && seconds <= SECONDS_MAX);
	if (c->n_servers == 0 || n > VALUE_MAX)
		return true;
	s = server_of(c, key);
	if (!server_use(s))
		return false;
	rc = memcached_set(
	    s->client, key->text, strlen(key->text), p, n, (time_t)seconds, 0);
	return server_sent(s, rc);
}

uint64_t
generation_parse(const struct cache_item *item)
{
	uint64_t v = 0;
	size_t i;

	if (!item->data || item->len == 0 || item->data[0] == '0')
		return 0;
	for (i = 0; i < item->len; i++) {
		unsigned digit = (unsigned char)item->data[i] - (unsigned)'0';

		if (digit > 9 || v > (UINT64_MAX - digit) / 10)
			return 0;
		v = v * 10 + digit;
	}
	return v;
}

uint64_t
generation_get(struct cache *c, const struct cache_key *key)
{
	memcached_return_t rc;
	struct cache_item item = { 0 };
	struct server *s;
	TALLOC_CTX *mem;
	uint64_t v;
	char text[24];
	int n;

	if (c->n_servers == 0)
		return 0;
	s = server_of(c, key);
	if (!server_use(s))
		return 0;
	n = snprintf(text, sizeof text, "%" PRIu64, (uint64_t)clock_now_us());
	rc = memcached_add(
	    s->client, key->text, strlen(key->text), text, (size_t)n, 0, 0);
	if (!server_sent(s, rc))
		return 0;
	mem = mem_need(talloc_new(c));
	(void)cache_get_many(mem, c, key, &item, 1);
	v = generation_parse(&item);
	talloc_free(mem);
	return v;
}

enum raise { RAISE_PENDING, RAISE_DONE, RAISE_FAILED };

/*
 * Sends a greater value. A value that cannot be raised, or that the server did
 * not replace, is deleted; missing is equivalent to raised.
 */
static bool
raise_send(const struct fetch *f, size_t i, bool replace)
{
	struct server *s = server_of(f->cache, &f->keys[i]);
	uint64_t old = generation_parse(&f->items[i]), now;
	const char *key = f->keys[i].text;
	char text[24];
	int n;

	if (!server_use(s))
		return false;
	if (!replace || old == 0 || old == UINT64_MAX)
		return server_sent(
		    s, memcached_delete(s->client, key, strlen(key), 0));
	now = (uint64_t)clock_now_us();
	n = snprintf(text, sizeof text, "%" PRIu64, now > old ? now : old + 1);
	return server_sent(s, memcached_cas(s->client, key, strlen(key), text,
				  (size_t)n, 0, 0, f->cas[i]));
}

/* Sends all pending ones, then checks them; the number of those still pending.
 */
static size_t
raise_round(
    const struct fetch *before, struct fetch *now, enum raise *r, bool replace)
{
	size_t sent = 0, i;

	for (i = 0; i < now->n; i++) {
		if (r[i] != RAISE_PENDING)
			continue;
		if (raise_send(before, i, replace))
			sent++;
		else
			r[i] = RAISE_FAILED;
	}
	if (sent == 0)
		return 0;
	(void)fetch_items(now);
	for (i = 0; i < now->n; i++) {
		if (r[i] != RAISE_PENDING)
			continue;
		if (!server_of(now->cache, &now->keys[i])->asked)
			r[i] = RAISE_FAILED;
		else if (!now->items[i].data || now->cas[i] != before->cas[i])
			r[i] = RAISE_DONE;
		sent -= r[i] != RAISE_PENDING;
	}
	return sent;
}

/* One batch: two round trips to each server; one if nothing is there. */
static void
raise_batch(TALLOC_CTX *mem, struct cache *c, const struct cache_key *keys,
    bool *raised, size_t n)
{
	struct fetch before = { .mem = mem,
		.cache = c,
		.keys = keys,
		.items = mem_array(mem, struct cache_item, n),
		.cas = mem_array(mem, uint64_t, n),
		.n = n };
	struct fetch now = before;
	enum raise *r = mem_array(mem, enum raise, n);
	size_t i;

	now.items = mem_array(mem, struct cache_item, n);
	now.cas = mem_array(mem, uint64_t, n);
	(void)fetch_items(&before);
	for (i = 0; i < n; i++) {
		if (!server_of(c, &keys[i])->asked)
			r[i] = RAISE_FAILED;
		else
			r[i] =
			    before.items[i].data ? RAISE_PENDING : RAISE_DONE;
	}
	if (raise_round(&before, &now, r, true) > 0)
		(void)raise_round(&before, &now, r, false);
	for (i = 0; i < n; i++)
		raised[i] = r[i] == RAISE_DONE;
}

bool
generation_raise_many(
    struct cache *c, const struct cache_key *keys, bool *raised, size_t n)
{
	size_t from, i;
	bool all = true;

	for (from = 0; from < n; from += RAISE_BATCH) {
		TALLOC_CTX *mem = mem_need(talloc_new(c));
		size_t some = n - from < RAISE_BATCH ? n - from : RAISE_BATCH;

		if (c->n_servers > 0)
			raise_batch(mem, c, keys + from, raised + from, some);
		for (i = from; i < from + some; i++) {
			raised[i] = c->n_servers == 0 || raised[i];
			all = all && raised[i];
		}
		talloc_free(mem);
	}
	return all;
}

bool
generation_raise(struct cache *c, const struct cache_key *key)
{
	bool raised;

	return generation_raise_many(c, key, &raised, 1);
}

/* ------------------------------------------------------------ statistics */

#define STAT_MAX 256 /* longest name or value that is passed on */

struct stats {
	cache_stat *take;
	void *arg;
	bool any;
};

static memcached_return_t
stat_take(const memcached_instance_st *server, const char *key, size_t key_len,
    const char *value, size_t value_len, void *context)
{
	struct stats *s = context;
	char name[STAT_MAX], text[STAT_MAX];

	(void)server;
	if (key_len < sizeof name && value_len < sizeof text) {
		memcpy(name, key, key_len);
		memcpy(text, value, value_len);
		name[key_len] = text[value_len] = '\0';
		s->take(s->arg, name, text);
		s->any = true;
	}
	return MEMCACHED_SUCCESS;
}

size_t
cache_servers(const struct cache *c)
{
	return c->n_servers;
}

const char *
cache_server_path(const struct cache *c, size_t server)
{
	assert(server < c->n_servers);
	return c->servers[server].path;
}

bool
cache_stats(struct cache *c, size_t server, cache_stat *take, void *arg)
{
	struct stats stats = { take, arg, false };
	memcached_return_t rc;
	struct server *s;

	assert(server < c->n_servers);
	s = &c->servers[server];
	if (!server_use(s))
		return false;
	/*
	 * The library also succeeds without an answer: with NOREPLY, and after
	 * a timeout.
	 */
	memcached_behavior_set(s->client, MEMCACHED_BEHAVIOR_NOREPLY, 0);
	rc = memcached_stat_execute(s->client, NULL, stat_take, &stats);
	memcached_behavior_set(s->client, MEMCACHED_BEHAVIOR_NOREPLY, 1);
	if (rc == MEMCACHED_SUCCESS && !stats.any)
		rc = MEMCACHED_TIMEOUT;
	if (!server_sent(s, rc))
		return false;
	server_answered(s);
	return true;
}

bool
cache_flush(struct cache *c, size_t server)
{
	struct server *s = &c->servers[server];
	memcached_return_t rc;

	assert(server < c->n_servers);
	if (!server_use(s))
		return false;
	memcached_behavior_set(s->client, MEMCACHED_BEHAVIOR_NOREPLY, 0);
	rc = memcached_flush(s->client, 0);
	memcached_behavior_set(s->client, MEMCACHED_BEHAVIOR_NOREPLY, 1);
	if (!server_sent(s, rc))
		return false;
	server_answered(s);
	return true;
}
