/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The database of the original service (sql/original.sql). It is read first, in
 * one snapshot, and its connection is closed before anything is stored.
 */
#include "base/base.h"

#include "auth/identity.h"
#include "base/mem.h"
#include "db/pull.h"
#include "db/query.h"
#include "db/settings.h"
#include "http/route.h"
#include "import/import.h"
#include "import/media.h"

#define BATCH_PAGES 6000 /* half a million ratings */
#define NO_ADD      SQL__MAX

/*
 * The tables, in the order in which their rows are inserted, and what they are
 * in the report.
 */
static const struct part {
	const char *source;
	const char *kind;
	enum stmt add;
} parts[] = {
	{ "users_user", "accounts", SQL_original_account_add },
	{ "socialaccount_socialaccount", "sign-ins", SQL_original_sign_in_add },
	{ "persons_person", "persons", SQL_original_person_add },
	{ "genres_genre", "genres", SQL_original_genre_add },
	{ "platforms_platform", "platforms", SQL_original_platform_add },
	{ "awards_award", "awards", SQL_original_award_add },
	{ "movies_movie", "movies", SQL_original_movie_add },
	{ "persons_persontranslation", "translations",
	    SQL_original_person_translation_add },
	{ "genres_genretranslation", "translations",
	    SQL_original_genre_translation_add },
	{ "movies_movietranslation", "translations",
	    SQL_original_movie_translation_add },
	{ "movies_movie_directors", "credits", SQL_original_director_add },
	{ "movies_movie_actors", "credits", SQL_original_actor_add },
	{ "movies_movie_genres", "links", SQL_original_movie_genre_add },
	{ "movies_movie_platforms", "links", SQL_original_movie_platform_add },
	{ "movies_movie_awards", "links", SQL_original_movie_award_add },
	{ "persons_person_awards", "links", SQL_original_person_award_add },
	{ "users_user_following_person", "follows", SQL_original_follow_add },
	{ "users_user_platforms", "own platforms",
	    SQL_original_account_platform_add },
	{ "users_user_unseen_movies", "unseen", SQL_original_unseen_add },
	{ "users_friendship", "friendships", SQL_original_friendship_add },
	{ "users_friendrequest", "friend requests", SQL_original_request_add },
	{ "ratings_rating", "ratings", NO_ADD },
	{ "reviews_review", "reviews", SQL_original_review_add },
	{ "reviews_comment", "comments", SQL_original_comment_add },
	{ "reviews_reaction", "reactions", SQL_original_reaction_add },
	{ "movielists_movielist", "lists", SQL_original_list_add },
	{ "movielists_movielist_movies", "movies of lists",
	    SQL_original_list_movie_add },
};

/* Columns that are not imported (mxmctl(8)); others are reported. */
static const char *const unused[] = { "users_user.last_login",
	"users_user.is_superuser", "users_user.verification_code",
	"users_user.forgot_password_code",
	"socialaccount_socialaccount.last_login",
	"socialaccount_socialaccount.extra_data" };

static const struct part *
part_of(const char *source)
{
	for (size_t i = 0; i < array_len(parts); i++)
		if (strcmp(parts[i].source, source) == 0)
			return &parts[i];
	return NULL;
}

static struct tally *
tally_of(struct import *im, const char *source)
{
	return report_tally(&im->report, part_of(source)->kind);
}

/* ---------------------------------------------------------------- reading */

struct reading {
	struct import *im;
	int64_t before; /* rows of the tables before */
};

static void
show_rows(void *arg, int64_t rows)
{
	struct reading *r = arg;

	progress_at(&r->im->progress, r->before + rows);
}

static bool
is_unused(const char *name)
{
	for (size_t i = 0; i < array_len(unused); i++)
		if (strcmp(unused[i], name) == 0)
			return true;
	return false;
}

static void
report_notes(struct import *im, const struct pull *p)
{
	int n;
	const struct pull_note *notes = pull_notes(p, &n);

	for (int i = 0; i < n; i++) {
		const char *table = mem_text(im->mem, notes[i].table);
		const char *column = notes[i].column;

		if (notes[i].is_naive)
			report_add(&im->report,
			    &(struct report_at){
				REPORT_ADJUSTED, table, "no time zone", 0, 0 },
			    "column %s is taken as UTC", column);
		else if (!is_unused(
			     mem_printf(im->mem, "%s.%s", table, column)))
			report_drop(&im->report, table, 0, "unknown column",
			    "column %s is not imported", column);
	}
}

static enum err
read_tables(struct import *im, struct pull *p)
{
	struct reading r = { im, 0 };
	int64_t rows;
	enum err e = ERR_OK;

	report_notes(im, p);
	progress_begin(&im->progress, "reading the original", pull_estimate(p));
	for (int i = 0; !e && i < pull_tables(p); i++) {
		const char *name = pull_table(p, i);

		if (import_stopped(im))
			return ERR_UNAVAILABLE;
		e = pull_copy(p, i, show_rows, &r, &rows, &im->why);
		r.before += rows;
		if (!e && part_of(name))
			tally_of(im, name)->read += (long)rows;
	}
	progress_end(&im->progress);
	return e;
}

static enum err
read_original(struct import *im)
{
	struct db *source = db_new(im->mem, im->dir, 0);
	struct pull *p = NULL;
	enum err e;

	db_interrupt(source, im->stop);
	e = import_exec(im, SQL_original_stage, NULL);
	if (!e)
		e = pull_begin(im->mem, source, im->db, &p, &im->why);
	if (e == ERR_INVALID)
		im->why = mem_printf(im->mem,
		    "this is not the database of the original: %s", im->why);
	if (!e)
		e = read_tables(im, p);
	if (p)
		pull_end(p);
	talloc_free(source);
	return e && import_stopped(im) ? ERR_UNAVAILABLE : e;
}

/* --------------------------------------------------------------- checking */

/* The form of the domains that the program stores and compares. */
static enum err
convert_addresses(struct import *im)
{
	struct rows rows;
	struct row row;
	const char **addresses;
	int64_t *ids;
	enum err e;

	e = query_all(im->mem, im->db, &rows, SQL_original_addresses, NO_ARGS);
	if (e || rows.count == 0)
		return e ? import_database_failed(im, e) : ERR_OK;
	ids = mem_array(im->mem, int64_t, rows.count);
	addresses = mem_array(im->mem, const char *, rows.count);
	for (int i = 0; i < rows.count; i++) {
		rows_at(&rows, i, &row);
		ids[i] = row_id(&row, "id");
		addresses[i] = identity_email(im->mem, row_text(&row, "email"));
	}
	e = query_exec(im->mem, im->db, NULL, SQL_original_address_set,
	    arg_int_array(ids, (size_t)rows.count),
	    arg_text_array(addresses, (size_t)rows.count));
	return e ? import_database_failed(im, e) : ERR_OK;
}

static enum err
fill_words(struct import *im)
{
	size_t n;
	const char **words = route_reserved(im->mem, &n);
	enum err e = import_exec(im, SQL_original_word_stage, NULL);

	if (e)
		return e;
	e = query_exec(im->mem, im->db, NULL, SQL_original_word_fill,
	    arg_text_array(words, n));
	return e ? import_database_failed(im, e) : ERR_OK;
}

/* A row of a fault; `more` of its sort are only counted. */
static void
report_fault(struct import *im, const struct row *row, long more)
{
	const char *source = part_of(row_text(row, "source"))->source;
	const char *sort = mem_text(im->mem, row_text(row, "sort"));
	bool dropped = row_bool(row, "dropped");
	struct report_at at = {
		.kind = dropped ? REPORT_SKIPPED : REPORT_ADJUSTED,
		.file = source,
		.what = sort,
		.line = (long)row_id(row, "id"),
	};

	report_add(&im->report, &at, "%s", row_text(row, "why"));
	at.last = (long)row_id(row, "last");
	if (more > 0)
		report_count(&im->report, &at, more);
	if (dropped)
		tally_of(im, source)->skipped += 1 + more;
}

static enum err
read_faults(struct import *im)
{
	struct rows rows;
	struct row row;
	enum err e;

	e = query_all(im->mem, im->db, &rows, SQL_original_faults, NO_ARGS);
	if (e)
		return import_database_failed(im, e);
	for (int i = 0; i < rows.count; i++) {
		rows_at(&rows, i, &row);
		report_fault(im, &row, (long)row_id(&row, "more"));
	}
	return ERR_OK;
}

static enum err
check_rows(struct import *im)
{
	enum err e;

	progress_begin(&im->progress, "checking", 0);
	e = import_exec(im, SQL_original_fault_stage, NULL);
	if (!e)
		e = import_exec(im, SQL_original_mutual_stage, NULL);
	if (!e)
		e = fill_words(im);
	if (!e)
		e = convert_addresses(im);
	if (!e)
		e = import_exec(im, SQL_original_check, NULL);
	if (!e)
		e = read_faults(im);
	progress_end(&im->progress);
	return e;
}

/* --------------------------------------------------------------- pictures */

struct pictures {
	struct import *im;
	struct rows rows;
	struct tally *tally;
};

static void
report_missing(void *arg, size_t i, int why)
{
	struct pictures *p = arg;
	struct row row;

	rows_at(&p->rows, (int)i, &row);
	p->tally->skipped++;
	report_skip(&p->im->report, part_of(row_text(&row, "source"))->source,
	    (long)row_id(&row, "id"), "picture missing", "%s: %s",
	    row_text(&row, "path"),
	    why == ENOENT || why == EACCES ?
		strerror(why) :
		"no regular file; links are not followed");
}

/* Before their rows are committed: a picture without a row is harmless. */
static enum err
copy_pictures(struct import *im)
{
	struct pictures p = { .im = im };
	struct media_copy copy = { .from = im->media,
		.to = im->media_root,
		.stop = im->stop,
		.progress = &im->progress };
	const char **paths;
	struct row row;
	enum err e;

	if (!im->media)
		return ERR_OK;
	e = query_all(im->mem, im->db, &p.rows, SQL_original_pictures, NO_ARGS);
	if (e)
		return import_database_failed(im, e);
	paths = mem_array(im->mem, const char *, p.rows.count);
	for (int i = 0; i < p.rows.count; i++) {
		rows_at(&p.rows, i, &row);
		paths[i] = row_text(&row, "path");
	}
	p.tally = report_tally(&im->report, "pictures");
	p.tally->read = p.rows.count;
	if (!media_copy_list(im->mem, &copy,
		&(struct media_list){ .paths = paths,
		    .n = (size_t)p.rows.count,
		    .dry_run = im->dry_run,
		    .missing = report_missing,
		    .arg = &p }))
		return import_fail(im, ERR_FORBIDDEN, "pictures: %s", copy.why);
	p.tally->added = copy.copied;
	return ERR_OK;
}

/* ---------------------------------------------------------------- storing */

static enum err
add_ratings(struct import *im)
{
	struct tally *tally = report_tally(&im->report, "ratings");
	long pages, added;
	struct row row;
	enum err e;

	e = query_one(
	    im->mem, im->db, &row, SQL_original_rating_pages, NO_ARGS);
	pages = e ? 0 : (long)row_id(&row, "pages");
	for (long from = 0; !e && from < pages; from += BATCH_PAGES) {
		if (import_stopped(im))
			return ERR_UNAVAILABLE;
		e = query_exec(im->mem, im->db, &added, SQL_original_rating_add,
		    arg_id(from), arg_id(from + BATCH_PAGES));
		if (!e)
			tally->added += added;
	}
	return e ? import_database_failed(im, e) : ERR_OK;
}

static enum err
add_rows(struct import *im)
{
	enum err e = ERR_OK;
	long added = 0;

	progress_begin(&im->progress, "storing", (int64_t)array_len(parts));
	for (size_t i = 0; !e && i < array_len(parts); i++) {
		if (parts[i].add == NO_ADD)
			e = add_ratings(im);
		else
			e = import_exec(im, parts[i].add, &added);
		if (!e && parts[i].add != NO_ADD)
			tally_of(im, parts[i].source)->added += added;
		progress_at(&im->progress, (int64_t)i + 1);
	}
	progress_end(&im->progress);
	return e;
}

/* Sequences are not rolled back. */
static enum err
finish(struct import *im)
{
	long added = 0, friends;
	enum err e = ERR_OK;

	for (int i = 0; i < im->report.n_tallies; i++)
		added += im->report.tallies[i].added;
	if (added > 0 && !im->dry_run)
		e = import_exec(im, SQL_import_settle, NULL);
	if (!e)
		e = import_exec(im, SQL_original_mutual_add, &friends);
	if (!e) {
		report_tally(&im->report, "friendships")->read += friends;
		report_tally(&im->report, "friendships")->added += friends;
	}
	if (!e && added > 0)
		e = import_exec(im, SQL_import_analyze, NULL);
	return e;
}

static enum err
import_all(struct import *im)
{
	enum err e = read_original(im);

	if (!e)
		e = check_rows(im);
	if (!e)
		e = copy_pictures(im);
	if (!e)
		e = import_exec(im, SQL_original_there, NULL);
	if (!e)
		e = add_rows(im);
	if (!e)
		e = finish(im);
	if (e == ERR_CONFLICT && *db_constraint(im->db))
		return import_fail(im, e,
		    "the site has other rows with the same ids or names (%s); "
		    "import into an empty site",
		    db_constraint(im->db));
	return e;
}

enum err
import_original(struct import *im)
{
	if (settings_conninfo(im->mem, im->dir, "password"))
		return import_fail(im, ERR_INVALID,
		    "a password on the command line can be read by others; "
		    "write it to ~/.pgpass or a service (libpq, The Password "
		    "File)");
	im->is_database = true;
	return import_run(im, import_all);
}
