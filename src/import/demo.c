/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The demonstration files (demo/README): every line is validated and copied to
 * a temporary table as a JSON document, from which rows are inserted.
 */
#include "base/base.h"

#include <json-c/json.h>

#include "auth/password.h"
#include "base/mem.h"
#include "base/text.h"
#include "db/copy.h"
#include "db/query.h"
#include "http/route.h"
#include "import/cause.h"
#include "import/import.h"
#include "import/media.h"
#include "import/record.h"
#include "import/table.h"

#define LANGUAGES  "|en|es|fr|de|"
#define CATEGORIES "|BP|BA|BD|IF|MA|WA|SA|SX|DR|DD|"
#define EMOJIS                                                              \
	"|LIKE|LOVE|LAUGH|SAD|FIRE|EYES|POOP|SKULL|CLOWN|MIND_BLOWN|PARTY|" \
	"THINKING|POPCORN|STAR|TOP|TRASH|"

static const struct record_field genre_fields[] = {
	{ "slug", R_SLUG, true, 32, NULL },
	{ "name", R_NAME, true, 32, NULL },
	{ "translations", R_TEXTS, false, 32, NULL },
	{ 0 },
};

static const struct record_field platform_fields[] = {
	{ "slug", R_SLUG, true, 32, NULL },
	{ "name", R_NAME, true, 32, NULL },
	{ "url", R_TEXT, false, 200, NULL },
	{ "image", R_TEXT, false, 255, NULL },
	{ 0 },
};

static const struct record_field person_fields[] = {
	{ "slug", R_SLUG, true, 128, NULL },
	{ "name", R_NAME, true, 128, NULL },
	{ "gender", R_INT, false, 3, NULL },
	{ "birthday", R_DATE, false, 0, NULL },
	{ "deathday", R_DATE, false, 0, NULL },
	{ "biography", R_TEXT, false, 0, NULL },
	{ "image", R_TEXT, false, 255, NULL },
	{ "translations", R_TEXTS, false, 0, NULL },
	{ 0 },
};

static const struct record_field movie_fields[] = {
	{ "slug", R_SLUG, true, 255, NULL },
	{ "title", R_NAME, true, 255, NULL },
	{ "release_date", R_DATE, false, 0, NULL },
	{ "synopsis", R_TEXT, false, 0, NULL },
	{ "cover", R_TEXT, false, 255, NULL },
	{ "popularity", R_NUMBER, false, 0, NULL },
	{ "directors", R_SLUGS, false, 0, NULL },
	{ "actors", R_SLUGS, false, 0, NULL },
	{ "genres", R_SLUGS, false, 0, NULL },
	{ "platforms", R_SLUGS, false, 0, NULL },
	{ "translations", R_TITLES, false, 255, NULL },
	{ 0 },
};

static const struct record_field award_fields[] = {
	{ "slug", R_SLUG, true, 32, NULL },
	{ "name", R_NAME, true, 32, NULL },
	{ "category", R_CHOICE, false, 0, CATEGORIES },
	{ "date", R_DATE, false, 0, NULL },
	{ "icon", R_TEXT, false, 255, NULL },
	{ "movies", R_SLUGS, false, 0, NULL },
	{ "persons", R_SLUGS, false, 0, NULL },
	{ 0 },
};

static const struct record_field member_fields[] = {
	{ "username", R_USERNAME, true, 150, NULL },
	{ "email", R_EMAIL, true, 254, NULL },
	{ "first_name", R_TEXT, false, 150, NULL },
	{ "last_name", R_TEXT, false, 150, NULL },
	{ "language", R_CHOICE, false, 0, LANGUAGES },
	{ "bio", R_TEXT, false, 0, NULL },
	{ "picture", R_TEXT, false, 255, NULL },
	{ "joined", R_TIME, true, 0, NULL },
	{ "platforms", R_SLUGS, false, 0, NULL },
	{ "follows", R_SLUGS, false, 0, NULL },
	{ "password", R_NAME, false, 128, NULL },
	{ 0 },
};

static const struct record_field friendship_fields[] = {
	{ "user", R_USERNAME, true, 0, NULL },
	{ "friend", R_USERNAME, true, 0, NULL },
	{ "created_at", R_TIME, true, 0, NULL },
	{ 0 },
};

static const struct record_field request_fields[] = {
	{ "from", R_USERNAME, true, 0, NULL },
	{ "to", R_USERNAME, true, 0, NULL },
	{ "created_at", R_TIME, true, 0, NULL },
	{ 0 },
};

static const struct record_field rating_fields[] = {
	{ "user", R_USERNAME, true, 0, NULL },
	{ "movie", R_SLUG, true, 0, NULL },
	{ "rating", R_CHOICE, true, 0, "|1|2|3|4|5|" },
	{ "created_at", R_TIME, true, 0, NULL },
	{ 0 },
};

static const struct record_field unseen_fields[] = {
	{ "user", R_USERNAME, true, 0, NULL },
	{ "movie", R_SLUG, true, 0, NULL },
	{ "created_at", R_TIME, true, 0, NULL },
	{ 0 },
};

static const struct record_field review_fields[] = {
	{ "user", R_USERNAME, true, 0, NULL },
	{ "movie", R_SLUG, true, 0, NULL },
	{ "is_positive", R_BOOL, true, 0, NULL },
	{ "title", R_NAME, true, 128, NULL },
	{ "content", R_NAME, true, 0, NULL },
	{ "created_at", R_TIME, true, 0, NULL },
	{ 0 },
};

static const struct record_field comment_fields[] = {
	{ "key", R_SLUG, true, 0, NULL },
	{ "user", R_USERNAME, true, 0, NULL },
	{ "author", R_USERNAME, true, 0, NULL },
	{ "movie", R_SLUG, true, 0, NULL },
	{ "reply_to", R_SLUG, false, 0, NULL },
	{ "content", R_NAME, true, 0, NULL },
	{ "created_at", R_TIME, true, 0, NULL },
	{ 0 },
};

static const struct record_field reaction_fields[] = {
	{ "user", R_USERNAME, true, 0, NULL },
	{ "emoji", R_CHOICE, true, 0, EMOJIS },
	{ "author", R_USERNAME, true, 0, NULL },
	{ "movie", R_SLUG, true, 0, NULL },
	{ "comment", R_SLUG, false, 0, NULL },
	{ "created_at", R_TIME, true, 0, NULL },
	{ 0 },
};

static const struct record_field list_fields[] = {
	{ "user", R_USERNAME, true, 0, NULL },
	{ "name", R_NAME, true, 128, NULL },
	{ "description", R_TEXT, false, 0, NULL },
	{ "privacity", R_CHOICE, false, 0, "|P|F|R|" },
	{ "movies", R_SLUGS, false, 0, NULL },
	{ "created_at", R_TIME, true, 0, NULL },
	{ 0 },
};

/*
 * All kinds of records, in the order of the files. `key` are the members that
 * identify a record; a pair has no order.
 */
static const struct kind {
	const char *name;
	const char *file;
	const struct record_field *fields;
	const char *key[5];
	bool pair;
	bool member; /* belongs to users */
} kinds[] = {
	{ "genres", "genres.jsonl", genre_fields, { "slug" }, false, false },
	{ "platforms", "platforms.jsonl", platform_fields, { "slug" }, false,
	    false },
	{ "persons", "persons.jsonl", person_fields, { "slug" }, false, false },
	{ "movies", "movies.jsonl", movie_fields, { "slug" }, false, false },
	{ "awards", "awards.jsonl", award_fields, { "slug" }, false, false },
	{ "members", "members.jsonl", member_fields, { "username" }, false,
	    true },
	{ "friendships", "friendships.csv", friendship_fields,
	    { "user", "friend" }, true, true },
	{ "friend requests", "friend-requests.csv", request_fields,
	    { "from", "to" }, true, true },
	{ "ratings", "ratings.csv", rating_fields, { "user", "movie" }, false,
	    true },
	{ "unseen", "unseen.csv", unseen_fields, { "user", "movie" }, false,
	    true },
	{ "reviews", "reviews.jsonl", review_fields, { "user", "movie" }, false,
	    true },
	{ "comments", "comments.jsonl", comment_fields, { "key" }, false,
	    true },
	{ "reactions", "reactions.csv", reaction_fields,
	    { "user", "author", "movie", "emoji", "comment" }, false, true },
	{ "lists", "lists.jsonl", list_fields, { "user", "slug" }, false,
	    true },
};

/* ---------------------------------------------------------------- reading */

struct reader {
	struct import *im;
	struct copy *copy;
	const struct kind *kind;
	struct tally *tally;
};

static void
add_text(struct json_object *record, const char *name, const char *text)
{
	json_object_object_add(record, name, json_object_new_string(text));
}

/* "ana|alien-1979", from the members that are the key. */
static const char *
make_key(TALLOC_CTX *mem, const struct kind *kind, struct json_object *record)
{
	const char *a = record_text(record, kind->key[0]);
	const char *b = kind->key[1] ? record_text(record, kind->key[1]) : NULL;
	char *key;

	if (kind->pair && b && strcmp(a, b) > 0)
		return mem_printf(mem, "%s|%s", b, a);
	key = mem_text(mem, a);
	for (size_t i = 1; i < array_len(kind->key) && kind->key[i]; i++) {
		const char *part = record_text(record, kind->key[i]);

		key = mem_printf(mem, "%s|%s", key, part ? part : "");
	}
	return key;
}

/*
 * Members that follow from others: the hash of a password, the address of a
 * list, the review that a comment or reaction belongs to. NULL, or what is
 * wrong with them or with a slug.
 */
static const char *
complete(TALLOC_CTX *mem, const struct kind *kind, struct json_object *record)
{
	const char *text;

	text = record_text(record, "password");
	if (text) {
		add_text(record, "hash", password_hash(mem, text));
		json_object_object_del(record, "password");
	}
	if (kind->fields == list_fields) {
		text = text_slug(mem, record_text(record, "name"));
		if (!*text)
			return "the name gives no slug";
		add_text(record, "slug", text);
	}
	if (kind->fields == movie_fields &&
	    route_is_reserved(record_text(record, "slug")))
		return "the slug is a path of the API";
	if (record_text(record, "author"))
		add_text(record, "review",
		    mem_printf(mem, "%s|%s", record_text(record, "author"),
			record_text(record, "movie")));
	if (kind->pair && strcmp(record_text(record, kind->key[0]),
			      record_text(record, kind->key[1])) == 0)
		return "a user cannot be their own friend";
	return NULL;
}

/* Copies a record, or reports it if it is invalid. */
static enum err
take_record(
    struct reader *r, TALLOC_CTX *mem, long line, struct json_object *record)
{
	const struct kind *kind = r->kind;
	const char *why = record_check(mem, record, kind->fields);

	if (!why)
		why = complete(mem, kind, record);
	if (why) {
		r->tally->skipped++;
		report_skip(
		    &r->im->report, kind->file, line, "bad record", "%s", why);
		return ERR_OK;
	}
	return copy_row(r->copy,
	    (const char *[]){ kind->name, kind->file,
		mem_printf(mem, "%ld", line), make_key(mem, kind, record),
		json_object_to_json_string_ext(
		    record, JSON_C_TO_STRING_PLAIN) },
	    5);
}

static enum err
take_line(struct reader *r, enum csv_event event, const struct csv_row *row)
{
	TALLOC_CTX *mem = mem_need(talloc_new(r->im->mem));
	struct json_object *record = NULL;
	const char *why = row->why;
	enum err e = ERR_OK;

	if (event == CSV_ROW && text_is_blank(row->fields[0])) {
		talloc_free(mem);
		return ERR_OK;
	}
	r->tally->read++;
	if (event == CSV_ROW) {
		const char *text = text_trim(mem, row->fields[0]);

		record = record_parse(mem, text, strlen(text), &why);
	}
	if (record)
		e = take_record(r, mem, row->line, record);
	else {
		r->tally->skipped++;
		report_skip(&r->im->report, r->kind->file, row->line,
		    "bad line", "%s", why);
	}
	if (event == CSV_BAD)
		report_cause(&r->im->report, r->kind->file, row->line,
		    cause_of_row(row));
	talloc_free(mem);
	return e;
}

static enum err
read_lines(struct reader *r)
{
	const char *path = import_path(r->im, r->kind->file);
	struct csv *csv = csv_open(r->im->mem, path, CSV_LINES);
	enum csv_event event;
	struct csv_row row;
	enum err e = ERR_OK;

	if (!csv)
		return import_fail(
		    r->im, ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
	csv_interrupt(csv, r->im->stop);
	r->tally = report_tally(&r->im->report, r->kind->name);
	do {
		event = csv_next(csv, &row);
		if (import_stopped(r->im))
			e = ERR_UNAVAILABLE;
		else if (event == CSV_FAIL)
			e = import_fail(r->im, ERR_INVALID, "%s:%ld: %s", path,
			    row.line, row.why);
		else if (event != CSV_END)
			e = take_line(r, event, &row);
	} while (!e && event != CSV_END);
	talloc_free(csv);
	return e;
}

/* Converts a row to a record: all its members are texts. */
static enum err
take_row(struct reader *r, const struct table *t)
{
	TALLOC_CTX *mem = mem_need(talloc_new(r->im->mem));
	struct json_object *record = json_object_new_object();
	enum err e;

	for (int i = 0; i < t->n; i++)
		add_text(record, r->kind->fields[i].name, t->fields[i]);
	e = take_record(r, mem, t->line, record);
	json_object_put(record);
	talloc_free(mem);
	return e;
}

static enum err
read_table(struct reader *r)
{
	struct table_spec spec = { .file = r->kind->file,
		.what = r->kind->name };
	struct table t;
	bool any;
	enum err e;

	for (int n = 0; r->kind->fields[n].name; n++)
		spec.columns[n] = r->kind->fields[n].name;
	e = table_open(r->im, &spec, &t);
	if (e)
		return e;
	r->tally = t.tally;
	for (;;) {
		e = table_next(&t, &any);
		if (e || !any)
			return e;
		e = take_row(r, &t);
		if (e)
			return e;
	}
}

static enum err
read_all(struct import *im)
{
	struct reader r = { .im = im };
	enum err e;

	e = copy_begin(im->mem, im->db, SQL_demo_line_copy, &r.copy);
	if (e)
		return import_database_failed(im, e);
	for (size_t i = 0; i < array_len(kinds) && !e; i++) {
		r.kind = &kinds[i];
		if (r.kind->member && im->no_members)
			continue;
		e = strstr(r.kind->file, ".csv") ? read_table(&r) :
						   read_lines(&r);
	}
	if (e)
		copy_abort(r.copy, "reading failed");
	else
		e = copy_end(r.copy, NULL);
	return e ? import_database_failed(im, e) : ERR_OK;
}

/* ---------------------------------------------------------------- storing */

/*
 * Reports what a statement skips. `whole`: the whole line, which is counted;
 * else only a reference in it.
 */
static enum err
skips(struct import *im, enum stmt s, const char *sort, bool whole, long *count)
{
	struct report_at at = { .what = sort };
	struct rows rows;
	struct row row;
	enum err e;

	e = query_all(im->mem, im->db, &rows, s, NO_ARGS);
	if (e)
		return import_database_failed(im, e);
	at.kind = whole ? REPORT_SKIPPED : REPORT_DROPPED;
	for (int i = 0; i < rows.count; i++) {
		rows_at(&rows, i, &row);
		at.file = row_text(&row, "file");
		at.line = (long)row_id(&row, "line");
		report_add(&im->report, &at, "%s", row_text(&row, "why"));
		if (whole)
			report_tally(&im->report, row_text(&row, "kind"))
			    ->skipped++;
	}
	if (count)
		*count = rows.count;
	return ERR_OK;
}

/* Removes lines and links with missing targets. */
static enum err
settle_links(struct import *im)
{
	long gone = 1;
	enum err e;

	e = skips(im, SQL_demo_twice_skip, "there twice", true, NULL);
	if (!e)
		e = import_exec(im, SQL_demo_link_fill, NULL);
	if (!e)
		e = import_exec(im, SQL_demo_link_once, NULL);
	while (!e && gone > 0) {
		e = skips(im, SQL_demo_line_unknown_skip, "unknown name", true,
		    &gone);
		if (!e)
			e = import_exec(im, SQL_demo_link_prune, NULL);
	}
	if (!e)
		e = skips(im, SQL_demo_link_unknown_skip, "unknown name", false,
		    NULL);
	return e;
}

/*
 * The steps of inserting rows, in order. A step finds existing rows (know),
 * reserves ids for missing ones in the sequence of the table (reserve), or
 * inserts rows, which are counted if there is a tally.
 */
static const struct step {
	enum { KNOW, RESERVE, RESERVE_FRESH, ADD } what;
	const char *kind;
	enum stmt statement;
	const char *relation;
} steps[] = {
	{ KNOW, NULL, SQL_demo_genre_know, NULL },
	{ RESERVE, "genres", 0, "genre" },
	{ ADD, "genres", SQL_demo_genre_add, NULL },
	{ ADD, NULL, SQL_demo_genre_translation_add, NULL },
	{ KNOW, NULL, SQL_demo_platform_know, NULL },
	{ RESERVE, "platforms", 0, "platform" },
	{ ADD, "platforms", SQL_demo_platform_add, NULL },
	{ KNOW, NULL, SQL_demo_person_know, NULL },
	{ RESERVE, "persons", 0, "person" },
	{ ADD, "persons", SQL_demo_person_add, NULL },
	{ ADD, NULL, SQL_demo_person_translation_add, NULL },
	{ KNOW, NULL, SQL_demo_movie_know, NULL },
	{ RESERVE, "movies", 0, "movie" },
	{ ADD, "movies", SQL_demo_movie_add, NULL },
	{ ADD, NULL, SQL_demo_movie_translation_add, NULL },
	{ KNOW, NULL, SQL_demo_award_know, NULL },
	{ RESERVE, "awards", 0, "award" },
	{ ADD, "awards", SQL_demo_award_add, NULL },
	{ KNOW, NULL, SQL_demo_member_know, NULL },
	{ RESERVE, "members", 0, "account" },
	{ ADD, "members", SQL_demo_member_add, NULL },
	{ KNOW, NULL, SQL_demo_link_resolve, NULL },
	{ ADD, NULL, SQL_demo_movie_director_add, NULL },
	{ ADD, NULL, SQL_demo_movie_actor_add, NULL },
	{ ADD, NULL, SQL_demo_movie_genre_add, NULL },
	{ ADD, NULL, SQL_demo_movie_platform_add, NULL },
	{ ADD, NULL, SQL_demo_movie_award_add, NULL },
	{ ADD, NULL, SQL_demo_person_award_add, NULL },
	{ ADD, NULL, SQL_demo_account_platform_add, NULL },
	{ ADD, NULL, SQL_demo_follow_add, NULL },
	{ KNOW, NULL, SQL_demo_fresh, NULL },
	{ ADD, "friendships", SQL_demo_friendship_add, NULL },
	{ ADD, "friend requests", SQL_demo_request_add, NULL },
	{ ADD, "ratings", SQL_demo_rating_add, NULL },
	{ ADD, "unseen", SQL_demo_unseen_add, NULL },
	{ KNOW, NULL, SQL_demo_review_know, NULL },
	{ RESERVE_FRESH, "reviews", 0, "review" },
	{ ADD, "reviews", SQL_demo_review_add, NULL },
	{ RESERVE_FRESH, "comments", 0, "comment" },
	{ RESERVE_FRESH, "lists", 0, "movielist" },
	{ KNOW, NULL, SQL_demo_link_resolve, NULL },
	{ ADD, "comments", SQL_demo_comment_add, NULL },
	{ ADD, "reactions", SQL_demo_reaction_add, NULL },
	{ ADD, "lists", SQL_demo_list_add, NULL },
	{ ADD, NULL, SQL_demo_list_movie_add, NULL },
};

/* Adds the number of inserted rows to *added. */
static enum err
run_step(struct import *im, const struct step *step, long *added)
{
	long n = 0;
	enum err e;

	if (import_stopped(im))
		return ERR_UNAVAILABLE;
	if (step->what == KNOW || step->what == ADD) {
		e = import_exec(im, step->statement, &n);
		if (e || step->what == KNOW)
			return e;
		*added += n;
		if (step->kind && n > 0)
			report_tally(&im->report, step->kind)->added += n;
		return ERR_OK;
	}
	e = query_exec(im->mem, im->db, NULL,
	    step->what == RESERVE ? SQL_demo_reserve : SQL_demo_reserve_fresh,
	    arg_text(step->kind), arg_text(step->relation));
	return e ? import_database_failed(im, e) : ERR_OK;
}

static enum err
store_all(struct import *im)
{
	long added = 0;
	enum err e = ERR_OK;

	progress_begin(&im->progress, "storing", array_len(steps));
	for (size_t i = 0; i < array_len(steps) && !e; i++) {
		e = run_step(im, &steps[i], &added);
		progress_at(&im->progress, (int64_t)i + 1);
	}
	if (!e)
		progress_end(&im->progress);
	if (e || added == 0)
		return e;
	return import_exec(im, SQL_import_analyze, NULL);
}

static enum err
import_all(struct import *im)
{
	enum err e;

	e = import_exec(im, SQL_demo_line_stage, NULL);
	if (!e)
		e = import_exec(im, SQL_demo_link_stage, NULL);
	if (!e)
		e = read_all(im);
	if (!e)
		e = settle_links(im);
	return e ? e : store_all(im);
}

/* Pictures are copied before their rows: an unused one is harmless. */
enum err
import_demo(struct import *im)
{
	struct media_copy pictures = { .from = import_path(im, "media"),
		.to = im->media_root,
		.stop = im->stop,
		.progress = &im->progress };
	struct tally *tally;
	enum err e;

	if (im->media_root && !im->dry_run && !media_copy(im->mem, &pictures))
		return import_fail(
		    im, ERR_FORBIDDEN, "pictures: %s", pictures.why);
	e = import_run(im, import_all);
	if (e)
		return e;
	tally = report_tally(&im->report, "pictures");
	tally->read = pictures.copied + pictures.there;
	tally->added = pictures.copied;
	return ERR_OK;
}
