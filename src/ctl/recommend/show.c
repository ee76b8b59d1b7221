/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl recommend show and rollback: the stored models, which one is in force,
 * and which one this host serves from.
 */
#include "base/base.h"

#include <sysexits.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/json.h"
#include "base/mem.h"
#include "ctl/recommend/model.h"
#include "ctl/recommend/recommend.h"

/* -------------------------------------------------------------------- show */

struct shown {
	struct published *list; /* newest first */
	size_t n;
	const struct published *in_force; /* NULL: none */
	struct ctl_model here;
};

static const char *
state_of(const struct shown *s, const struct published *p)
{
	if (p == s->in_force)
		return "in force";
	return p->published_at ? "superseded" : "withdrawn";
}

static bool
is_here(const struct shown *s, const struct published *p)
{
	return s->here.model && publish_is(p, &s->here.stamp);
}

static void
json_published(struct json *j, const struct shown *s, const struct published *p)
{
	char checksum[MODEL_CHECKSUM_TEXT], iso[CLOCK_ISO_SIZE];

	model_file_checksum_text(&p->stamp, checksum);
	clock_iso(iso, p->stamp.trained_at * 1000000);
	json_object(j);
	json_key(j, "version");
	json_int(j, (int64_t)p->stamp.version);
	json_key(j, "trained_at");
	json_text(j, iso);
	json_key(j, "age_seconds");
	json_int(j, clock_now_us() / 1000000 - p->stamp.trained_at);
	json_key(j, "size");
	json_int(j, (int64_t)p->stamp.size);
	json_key(j, "checksum");
	json_text(j, checksum);
	json_key(j, "state");
	json_text(j, state_of(s, p));
	json_key(j, "here");
	json_bool(j, is_here(s, p));
	json_key(j, "quality");
	json_raw(j, p->quality);
	json_object_end(j);
}

static int
show_json(struct task *t, const struct shown *s)
{
	struct json *j = ctl_json(t->ctl);

	json_object(j);
	json_key(j, "in_force");
	if (s->in_force)
		json_int(j, (int64_t)s->in_force->stamp.version);
	else
		json_null(j);
	json_key(j, "models");
	json_list(j);
	for (size_t i = 0; i < s->n; i++)
		json_published(j, s, &s->list[i]);
	json_list_end(j);
	json_key(j, "here");
	json_object(j);
	ctl_model_json(j, &s->here);
	json_object_end(j);
	json_object_end(j);
	return ctl_json_done(j, EX_OK);
}

static void
print_published(const struct shown *s, const struct published *p)
{
	char iso[CLOCK_ISO_SIZE], age[CLOCK_AGE_SIZE], quality[16] = "-";

	clock_iso(iso, p->stamp.trained_at * 1000000);
	clock_age(age, clock_now_us() / 1000000 - p->stamp.trained_at);
	if (p->ndcg >= 0)
		snprintf(quality, sizeof quality, "%.4f", p->ndcg);
	printf("%7" PRIu64 "  %-19.19s  %7s  %9.1f MiB  %8s  %s%s\n",
	    p->stamp.version, iso, age, (double)p->stamp.size / (1 << 20),
	    quality, state_of(s, p), is_here(s, p) ? ", served here" : "");
}

static int
show_text(const struct shown *s)
{
	if (s->n == 0)
		printf("no model has been published\n");
	else
		printf("%7s  %-19s  %7s  %13s  %8s  state\n", "version",
		    "trained at (UTC)", "age", "size", "NDCG@100");
	for (size_t i = 0; i < s->n; i++)
		print_published(s, &s->list[i]);
	printf("\nthis host serves from ");
	ctl_model_print(&s->here);
	if (s->in_force && !is_here(s, s->in_force))
		printf("; mxm-jobs has not fetched model %" PRIu64 " yet",
		    s->in_force->stamp.version);
	putchar('\n');
	return EX_OK;
}

int
recommend_show(struct task *t)
{
	struct shown s = { 0 };

	if (publish_list(t->mem, t->db, &s.list, &s.n))
		return recommend_db_error(t);
	for (size_t i = 0; i < s.n && !s.in_force; i++) {
		if (s.list[i].published_at)
			s.in_force = &s.list[i];
	}
	ctl_model_here(t->mem, t->ctl->conf->model_file, &s.here);
	return t->ctl->json ? show_json(t, &s) : show_text(&s);
}

/* ---------------------------------------------------------------- rollback */

static int
rolled_back(struct task *t, const struct published *p)
{
	struct json *j;

	if (!t->ctl->json) {
		printf("model %" PRIu64 " is in force\n", p->stamp.version);
		return EX_OK;
	}
	j = ctl_json(t->ctl);
	json_object(j);
	json_key(j, "in_force");
	json_int(j, (int64_t)p->stamp.version);
	json_object_end(j);
	return ctl_json_done(j, EX_OK);
}

int
recommend_rollback(struct task *t)
{
	struct published p;
	const char *why;

	switch (publish_rollback(t->mem, t->db, &p, &why)) {
	case ERR_OK:
		return rolled_back(t, &p);
	case ERR_NOT_FOUND:
		why = "no model has been published";
		break;
	case ERR_CONFLICT:
		why = "there is no model before the one in force, which stays";
		break;
	case ERR_INVALID:
		ctl_error(t->ctl, "%s; the one after it stays in force\n", why);
		return EX_DATAERR;
	default:
		if (!why || ctl_stop)
			return recommend_db_error(t);
		break;
	}
	ctl_error(t->ctl, "%s\n", why);
	return EX_UNAVAILABLE;
}
