/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The answer cache: keys, the multi-get, and the format of cached values.
 *
 * A cached account is its account generation and the packed account. A cached
 * answer is struct cached_answer, then one number per generation, the ETag, the
 * content type, the header lines and the body, as they are sent. A wrong size
 * is a miss, not an error.
 */
#include "base/base.h"

#include "api/cached.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/mem.h"
#include "base/shm.h"
#include "cache/key.h"
#include "http/field.h"
#include "http/reply.h"
#include "http/route.h"

/* How long an account is cached. */
#define ACCOUNT_SECONDS 300

#define DAY_US INT64_C(86400000000)

#define CACHED_MAGIC 0x4d584d31u /* identifies the format */

struct cached_answer {
	uint32_t magic;
	uint32_t n;
	uint32_t etag;
	uint32_t type;
	uint32_t headers;
	uint32_t body;
};

/* The key of this request's answer in language `lang`. */
static void
answer_key(struct req *r, int64_t caller, enum lang lang, struct cache_key *out)
{
	const struct cache_rule *rule = &r->route->cache;
	const char *parts[PATH_PARAMS_MAX + 7];
	struct buf input;
	size_t n = 0;
	int i;

	buf_init(&input, r->mem, 64);
	field_digest_text(r, &input);
	parts[n++] = PACKAGE_VERSION;
	parts[n++] = r->conf->public_origin;
	parts[n++] = r->route->pattern;
	parts[n++] = input.data;
	parts[n++] = rule->by_lang ? lang_code(lang) : "";
	parts[n++] =
	    rule->by_viewer ? mem_printf(r->mem, "%" PRId64, caller) : "";
	parts[n++] = rule->by_model ?
			 mem_printf(r->mem, "%" PRIu64 " %" PRId64,
			     r->model_version, clock_now_us() / DAY_US) :
			 "";
	for (i = 0; i < PATH_PARAMS_MAX && r->path_param[i]; i++)
		parts[n++] = r->path_param[i];
	key_make(r->cache, out, "answer", parts, n);
}

static void
account_keys(struct req *r, const struct claims *claims, struct cached *c)
{
	const char *parts[2];

	parts[0] = mem_printf(r->mem, "%" PRId64, claims->user_id);
	parts[1] = claims->session_id;
	key_make(r->cache, &c->account, "account", parts, 2);
	key_generation(r->cache, &c->account_generation, "account", parts[0]);
}

static void
answer_keys(struct req *r, int64_t caller, enum lang lang, struct cached *c)
{
	struct dependence on[DEPENDS_MAX];
	size_t i;

	answer_key(r, caller, lang, &c->answer);
	c->n = depends_list(r, r->route->cache.depends, caller, on);
	for (i = 0; i < c->n; i++) {
		c->kind[i] = on[i].number;
		key_generation(
		    r->cache, &c->generation[i], on[i].kind, on[i].key);
	}
}

/* Sets r->account from a cached account, if its generation is current. */
static void
take_account(struct req *r, const struct claims *claims, struct cached *c,
    const struct cache_item *item)
{
	struct account *account;
	uint64_t number;

	if (!item->data || item->len < sizeof number || !c->account_number)
		return;
	memcpy(&number, item->data, sizeof number);
	if (number != c->account_number)
		return;
	if (!account_unpack(r->mem, item->data + sizeof number,
		item->len - sizeof number, &account))
		return;
	if (account->id != claims->user_id ||
	    strcmp(account->session_id, claims->session_id) != 0 ||
	    account->epoch != claims->epoch)
		return;
	r->account = account;
}

/* Whether the sizes are consistent and the generations current. */
static bool
answer_is_valid(
    struct cached *c, const struct cache_item *item, struct cached_answer *head)
{
	const char *numbers;
	uint64_t number;
	size_t i, size;

	if (!item->data || item->len < sizeof *head)
		return false;
	memcpy(head, item->data, sizeof *head);
	numbers = item->data + sizeof *head;
	if (head->magic != CACHED_MAGIC || head->n != c->n)
		return false;
	size = sizeof *head + head->n * sizeof number;
	size += (size_t)head->etag + head->type + head->headers + head->body;
	if (size != item->len || head->etag >= sizeof((struct answer *)0)->etag)
		return false;
	for (i = 0; i < c->n; i++) {
		memcpy(&number, numbers + i * sizeof number, sizeof number);
		if (number == 0 || number != c->number[i]) {
			c->stale = 1 + c->kind[i];
			return false;
		}
	}
	return true;
}

/* Sets r->answer from a cached answer; false if it is missing or stale. */
static bool
take_answer(struct req *r, struct cached *c, const struct cache_item *item)
{
	struct answer *a = &r->answer;
	struct cached_answer head;
	const char *p;

	if (!answer_is_valid(c, item, &head))
		return false;
	p = item->data + sizeof head + head.n * sizeof(uint64_t);
	memcpy(a->etag, p, head.etag);
	a->etag[head.etag] = '\0';
	p += head.etag;
	a->type = mem_textn(r->mem, p, head.type);
	p += head.type;
	reply_ready(r, 200, p, head.headers, p + head.headers, head.body);
	return true;
}

/* The language that the answer will most likely be in. */
static enum lang
language_of(const struct claims *claims)
{
	return claims && claims->has_lang ? claims->lang : LANG_EN;
}

size_t
cached_keys(struct req *r, const struct claims *claims, struct cached *c,
    struct cache_key keys[CACHED_KEYS_MAX])
{
	size_t n = 0, i;

	memset(c, 0, sizeof *c);
	c->cacheable = r->route->cache.seconds > 0 && r->conf->answer_cache;
	if (r->shm && shm_cache_bypass(r->shm))
		return 0;
	if (claims) {
		account_keys(r, claims, c);
		keys[n++] = c->account;
		keys[n++] = c->account_generation;
	}
	if (c->cacheable) {
		answer_keys(
		    r, claims ? claims->user_id : 0, language_of(claims), c);
		keys[n++] = c->answer;
		for (i = 0; i < c->n; i++)
			keys[n++] = c->generation[i];
	}
	return n;
}

bool
cached_take(struct req *r, const struct claims *claims, struct cached *c,
    const struct cache_item *items)
{
	size_t i;

	c->asked = true;
	if (claims) {
		c->account_number = generation_parse(&items[1]);
		take_account(r, claims, c, &items[0]);
		items += 2;
	}
	if (!c->cacheable)
		return false;
	for (i = 0; i < c->n; i++)
		c->number[i] = generation_parse(&items[1 + i]);
	if (claims &&
	    (!r->account || (r->account->lang != language_of(claims) &&
				r->route->cache.by_lang)))
		return false;
	return take_answer(r, c, &items[0]);
}

bool
cached_read(struct req *r, const struct claims *claims, struct cached *c)
{
	struct cache_key keys[CACHED_KEYS_MAX];
	struct cache_item items[CACHED_KEYS_MAX];
	size_t n = cached_keys(r, claims, c, keys);

	if (n == 0 || !cache_get_many(r->mem, r->cache, keys, items, n))
		return false;
	return cached_take(r, claims, c, items);
}

bool
cached_read_again(struct req *r, struct cached *c)
{
	struct cache_item item;

	if (!c->asked || !c->cacheable)
		return false;
	answer_key(r, r->account->id, r->account->lang, &c->answer);
	if (!cache_get_many(r->mem, r->cache, &c->answer, &item, 1))
		return false;
	return take_answer(r, c, &item);
}

void
cached_prepare_account(struct req *r, struct cached *c)
{
	if (c->asked && c->account_number == 0)
		c->account_number =
		    generation_get(r->cache, &c->account_generation);
}

void
cached_prepare_answer(struct req *r, struct cached *c)
{
	size_t i;

	if (!c->asked || !c->cacheable)
		return;
	for (i = 0; i < c->n; i++) {
		if (c->number[i] == 0)
			c->number[i] =
			    generation_get(r->cache, &c->generation[i]);
	}
}

void
cached_store_account(struct req *r, struct cached *c)
{
	struct buf out;

	if (!c->asked || c->account_number == 0)
		return;
	if (r->account->renamed)
		return;
	buf_init(&out, r->mem, 256);
	buf_add(&out, &c->account_number, sizeof c->account_number);
	account_pack(r->account, &out);
	(void)cache_set(
	    r->cache, &c->account, out.data, out.len, ACCOUNT_SECONDS);
}

void
cached_store_answer(struct req *r, struct cached *c)
{
	const struct answer *a = &r->answer;
	struct cached_answer head = { .magic = CACHED_MAGIC,
		.n = (uint32_t)c->n };
	struct buf out;
	size_t i;

	if (c->stale && r->shm)
		shm_count_stale(r->shm, c->stale - 1);
	if (!c->asked || !c->cacheable || a->status != 200 || a->no_store)
		return;
	for (i = 0; i < c->n; i++) {
		if (c->number[i] == 0)
			return;
	}
	head.etag = (uint32_t)strlen(a->etag);
	head.type = (uint32_t)strlen(a->type);
	head.headers = (uint32_t)a->headers.len;
	head.body = (uint32_t)a->body.len;
	buf_init(
	    &out, r->mem, sizeof head + 256 + a->headers.len + a->body.len);
	buf_add(&out, &head, sizeof head);
	buf_add(&out, c->number, c->n * sizeof c->number[0]);
	buf_add(&out, a->etag, head.etag);
	buf_add(&out, a->type, head.type);
	buf_add(&out, a->headers.data, a->headers.len);
	buf_add(&out, a->body.data, a->body.len);
	(void)cache_set(
	    r->cache, &c->answer, out.data, out.len, r->route->cache.seconds);
}
