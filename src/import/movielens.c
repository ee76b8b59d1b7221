/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The MovieLens data sets: movies.csv, ratings.csv and, for the numbers that
 * IMDb and TMDB know the movies by, links.csv. Memory grows with the movies,
 * never with the ratings. Every rating user becomes a verified account
 * ml<number> without a usable password; half stars are rounded up.
 */
#include "base/base.h"

#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "db/copy.h"
#include "db/query.h"
#include "import/cause.h"
#include "import/genre.h"
#include "import/import.h"
#include "import/table.h"
#include "import/title.h"

#define LINKS       "links.csv"
#define TITLE_MAX   255
#define SLUG_MAX    100
#define FIELD_MAX   4096
#define KEY_MAX     INT64_C(999999999999999999)
#define IMDB_MAX    99999999
#define TIME_MAX    INT64_C(253402300799) /* the end of the year 9999 */
#define BATCH_LINES 500000L

/* One line of links.csv. */
struct link {
	int64_t movie;
	int64_t tmdb;  /* 0: none, or one that an earlier movie has */
	char imdb[24]; /* "tt0114709"; "": none */
	long line;
	bool used;
};

struct movielens {
	struct import *im;
	struct link *links;
	size_t n_links;
	struct genres genres;
	/* ratings.csv */
	long last_line;
	int64_t last_user;
	int64_t last_movie;
	bool in_order; /* rows rise by user and movie: none is there twice */
};

/* A positive number of at most 18 digits. */
static bool
read_key(const char *s, int64_t *out)
{
	return text_is_digits(s) && text_to_int64(s, out) && *out > 0 &&
	       *out <= KEY_MAX;
}

/* Drops a value. */
static void
bad_value(
    struct table *t, const char *what, const char *expected, const char *value)
{
	table_drop(t, what, "\"%.40s\" is not %s", value, expected);
	table_cause(t, cause_of_value(value));
}

/* Skips a row whose first field is no number. */
static void
bad_movie_id(struct table *t)
{
	table_skip(t, "bad number", "\"%.40s\" is not a movieId", t->fields[0]);
	table_cause(t, cause_of_value(t->fields[0]));
}

/* -------------------------------------------------------------- links.csv */

static int
by_movie(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	return (x->movie > y->movie) - (x->movie < y->movie);
}

static int
by_line(const void *a, const void *b)
{
	const struct link *x = a, *y = b;
	int order = by_movie(a, b);

	return order ? order : (x->line > y->line) - (x->line < y->line);
}

static int
by_tmdb(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	if (x->tmdb != y->tmdb)
		return x->tmdb < y->tmdb ? -1 : 1;
	return by_line(a, b);
}

/* If two movies have the same TMDB id, the first one gets it. */
static void
settle_links(struct movielens *ml)
{
	const struct link *last = NULL;

	if (ml->n_links == 0)
		return;
	qsort(ml->links, ml->n_links, sizeof *ml->links, by_tmdb);
	for (size_t i = 0; i < ml->n_links; i++) {
		struct link *link = &ml->links[i];

		if (!link->tmdb || !last || link->tmdb != last->tmdb)
			last = link;
		else if (link->movie != last->movie) {
			report_drop(&ml->im->report, LINKS, link->line,
			    "link used twice",
			    "TMDB id %" PRId64 " is that of movie %" PRId64
			    " already",
			    link->tmdb, last->movie);
			link->tmdb = 0;
		}
	}
	qsort(ml->links, ml->n_links, sizeof *ml->links, by_line);
}

/* Links of no movie, and the second one of a movie. */
static void
report_unused(const struct movielens *ml)
{
	for (size_t i = 0; i < ml->n_links; i++)
		if (!ml->links[i].used)
			report_skip(&ml->im->report, LINKS, ml->links[i].line,
			    "unused link", "movie %" PRId64 " %s",
			    ml->links[i].movie,
			    i > 0 && ml->links[i - 1].movie ==
					 ml->links[i].movie ?
				"has links already" :
				"is not imported");
}

/*
 * "114709", "0114709" or "tt0114709" as "tt0114709": seven digits at least,
 * eight at most. An empty text is valid and gives "". false: invalid.
 */
static bool
read_imdb(const char *s, char *out, size_t size)
{
	int64_t number;

	out[0] = '\0';
	if (text_is_blank(s))
		return true;
	if (strncmp(s, "tt", 2) == 0)
		s += 2;
	if (!read_key(s, &number) || number > IMDB_MAX)
		return false;
	snprintf(out, size, "tt%07" PRId64, number);
	return true;
}

/* "862", or "862.0" as spreadsheets write it; as read_imdb(), 0: none. */
static bool
read_tmdb(const char *s, int64_t *out)
{
	size_t n = strlen(s);
	char whole[24];

	*out = 0;
	if (text_is_blank(s))
		return true;
	if (n > 2 && strcmp(s + n - 2, ".0") == 0)
		n -= 2;
	if (n >= sizeof whole)
		return false;
	memcpy(whole, s, n);
	whole[n] = '\0';
	if (read_key(whole, out))
		return true;
	*out = 0;
	return false;
}

static void
take_link(struct movielens *ml, struct table *t, size_t *room)
{
	struct link *link;
	int64_t movie;

	if (!read_key(t->fields[0], &movie)) {
		bad_movie_id(t);
		return;
	}
	if (ml->n_links == *room) {
		*room = *room ? 2 * *room : 1024;
		ml->links =
		    mem_grow(ml->im->mem, ml->links, struct link, *room);
	}
	link = &ml->links[ml->n_links++];
	*link = (struct link){ .movie = movie, .line = t->line };
	if (!read_imdb(t->fields[1], link->imdb, sizeof link->imdb))
		bad_value(t, "bad link", "an IMDb id", t->fields[1]);
	if (!read_tmdb(t->fields[2], &link->tmdb))
		bad_value(t, "bad link", "a TMDB id", t->fields[2]);
}

static enum err
read_links(struct movielens *ml)
{
	static const struct table_spec spec = {
		.file = LINKS,
		.columns = { "movieId", "imdbId", "tmdbId" },
	};
	struct table t;
	size_t room = 0;
	bool any;
	enum err e;

	if (access(import_path(ml->im, spec.file), F_OK) != 0 &&
	    errno == ENOENT)
		return ERR_OK;
	e = table_open(ml->im, &spec, &t);
	while (!e) {
		e = table_next(&t, &any);
		if (e || !any)
			break;
		take_link(ml, &t, &room);
	}
	settle_links(ml);
	return e;
}

/* The links of a movie, the first ones in the file. */
static const struct link *
link_of(const struct movielens *ml, int64_t movie)
{
	static const struct link none;
	const struct link key = { .movie = movie };
	struct link *found = NULL;

	if (ml->n_links > 0)
		found = bsearch(
		    &key, ml->links, ml->n_links, sizeof *ml->links, by_movie);
	if (!found)
		return &none;
	while (found > ml->links && found[-1].movie == movie)
		found--;
	found->used = true;
	return found;
}

/* ------------------------------------------------------------- movies.csv */

static char *
make_slug(
    TALLOC_CTX *mem, const char *prefix, int64_t number, const char *title)
{
	char *slug = mem_printf(mem, "%s%" PRId64 "-%s", prefix, number,
	    text_slug_unicode(mem, title));

	title_slug_cut(slug, SLUG_MAX);
	return slug;
}

/* Copies a row; invalid rows are skipped. */
static enum err
copy_movie(void *arg, struct table *t, struct copy *c, TALLOC_CTX *mem)
{
	struct movielens *ml = arg;
	struct genre_list genres;
	const struct link *link;
	struct title title;
	const char *spare, *slug, *tmdb;
	int64_t key;

	if (strlen(t->fields[1]) > FIELD_MAX ||
	    strlen(t->fields[2]) > FIELD_MAX) {
		table_skip(t, "field too long",
		    "title or genres have more than %d bytes", FIELD_MAX);
		return ERR_OK;
	}
	if (!read_key(t->fields[0], &key)) {
		bad_movie_id(t);
		return ERR_OK;
	}
	title_split(mem, t->fields[1], &title);
	if (text_is_blank(title.text) || text_length(title.text) > TITLE_MAX) {
		table_skip(t, "bad title",
		    "movie %" PRId64 " has a title of %zu characters", key,
		    text_length(title.text));
		return ERR_OK;
	}
	genre_list_init(&genres, mem, &ml->genres, t);
	if (strcmp(t->fields[2], "(no genres listed)") != 0)
		genre_list_split(&genres, t->fields[2], "|");
	link = link_of(ml, key);
	spare = make_slug(mem, "ml", key, title.text);
	slug = link->tmdb ? make_slug(mem, "", link->tmdb, title.text) : spare;
	tmdb = link->tmdb ? mem_printf(mem, "%" PRId64, link->tmdb) : NULL;
	return copy_row(c,
	    (const char *[]){ mem_printf(mem, "%ld", t->line), t->fields[0],
		title.text,
		title.year ? mem_printf(mem, "%04d-01-01", title.year) : NULL,
		slug, spare, *link->imdb ? link->imdb : NULL, tmdb,
		genre_list_text(&genres) },
	    9);
}

static enum err
stage_movies(struct movielens *ml)
{
	static const struct table_spec spec = {
		.file = "movies.csv",
		.what = "movies",
		.columns = { "movieId", "title", "genres" },
	};
	struct import *im = ml->im;
	struct table t;
	enum err e;

	e = table_open(im, &spec, &t);
	if (!e)
		e = import_exec(im, SQL_ml_movie_stage, NULL);
	if (e)
		return e;
	e = table_copy(&t, SQL_ml_movie_copy, copy_movie, ml);
	if (!e)
		report_unused(ml);
	return e;
}

static enum err
store_movies(struct movielens *ml)
{
	static const enum stmt before[] = { SQL_ml_movie_analyze,
		SQL_ml_movie_know, SQL_ml_movie_match, SQL_ml_movie_same,
		SQL_ml_movie_yield };
	static const enum stmt after[] = { SQL_ml_movie_added,
		SQL_ml_source_add };
	static const struct report_at other = { .kind = REPORT_DROPPED,
		.file = "movies.csv",
		.what = "link of another movie" };
	struct import *im = ml->im;
	struct tally *movies = report_tally(&im->report, "movies");
	long twice = 0, taken = 0;
	enum err e;

	progress_begin(&im->progress, "storing movies", 0);
	e = import_skips(im, SQL_ml_movie_twice_skip, "movies.csv",
	    "duplicate movie", &twice);
	if (!e)
		e = import_exec_all(im, before, array_len(before));
	if (!e)
		e = import_skips(im, SQL_ml_movie_taken_skip, "movies.csv",
		    "address taken", &taken);
	movies->skipped += twice + taken;
	if (!e)
		e = import_exec(im, SQL_ml_movie_add, &movies->added);
	if (!e)
		e = import_exec_all(im, after, array_len(after));
	if (!e)
		e = import_faults(im, SQL_ml_imdb_other, &other, NULL);
	if (!e)
		e = import_faults(im, SQL_ml_tmdb_other, &other, NULL);
	if (!e)
		e = genres_store(&ml->genres);
	if (!e)
		e = import_exec(im, SQL_ml_movie_genre_add, NULL);
	if (!e)
		progress_end(&im->progress);
	return e;
}

/* ------------------------------------------------------------ ratings.csv */

/* "3.5" is 4: half stars are rounded up. 0: invalid. */
static int
read_rating(const char *s)
{
	int whole, half = 0;

	if (s[0] < '0' || s[0] > '5')
		return 0;
	whole = s[0] - '0';
	if (s[1] == '.') {
		if (s[2] != '0' && s[2] != '5')
			return 0;
		half = s[2] == '5';
		s += 2;
		while (s[1] == '0')
			s++;
	}
	if (s[1] != '\0' || whole + half > 5)
		return 0;
	return whole + half;
}

static void
note_order(struct movielens *ml, int64_t user, int64_t movie)
{
	if (user < ml->last_user ||
	    (user == ml->last_user && movie <= ml->last_movie))
		ml->in_order = false;
	ml->last_user = user;
	ml->last_movie = movie;
}

static enum err
copy_rating(void *arg, struct table *t, struct copy *c, TALLOC_CTX *mem)
{
	struct movielens *ml = arg;
	int64_t user, movie, when;
	char line[24], stars[2] = { 0 };
	int rating = read_rating(t->fields[2]);

	(void)mem;
	if (!read_key(t->fields[0], &user) || !read_key(t->fields[1], &movie)) {
		table_skip(t, "bad number",
		    "userId \"%.40s\" and movieId \"%.40s\" must be "
		    "numbers",
		    t->fields[0], t->fields[1]);
		table_cause(t, cause_of_value(t->fields[0]));
		table_cause(t, cause_of_value(t->fields[1]));
		return ERR_OK;
	}
	if (rating == 0) {
		table_skip(t, "bad rating",
		    "\"%.40s\" is not a rating from 0.5 to 5.0", t->fields[2]);
		if (strchr(t->fields[2], ','))
			table_cause(t, cause_of_value(t->fields[2]));
		return ERR_OK;
	}
	if (!text_is_digits(t->fields[3]) ||
	    !text_to_int64(t->fields[3], &when) || when > TIME_MAX) {
		table_skip(
		    t, "bad time", "\"%.40s\" is not a time", t->fields[3]);
		table_cause(t, cause_of_value(t->fields[3]));
		return ERR_OK;
	}
	note_order(ml, user, movie);
	ml->last_line = t->line;
	snprintf(line, sizeof line, "%ld", t->line);
	stars[0] = (char)('0' + rating);
	return copy_row(c,
	    (const char *[]){
		line, t->fields[0], t->fields[1], stars, t->fields[3] },
	    5);
}

static enum err
stage_ratings(struct movielens *ml)
{
	static const struct table_spec spec = {
		.file = "ratings.csv",
		.what = "ratings",
		.columns = { "userId", "movieId", "rating", "timestamp" },
	};
	struct import *im = ml->im;
	struct table t;
	enum err e;

	e = table_open(im, &spec, &t);
	if (!e)
		e = import_exec(im, SQL_ml_rating_stage, NULL);
	if (e)
		return e;
	ml->last_line = ml->last_user = ml->last_movie = 0;
	ml->in_order = true;
	return table_copy(&t, SQL_ml_rating_copy, copy_rating, ml);
}

static enum err
store_members(struct movielens *ml)
{
	static const enum stmt after[] = { SQL_ml_member_added,
		SQL_ml_member_analyze };
	struct import *im = ml->im;
	struct tally *members = report_tally(&im->report, "members");
	enum err e;

	e = import_exec(im, SQL_ml_member_stage, NULL);
	if (!e)
		e = import_exec(im, SQL_ml_member_fill, &members->read);
	if (!e)
		e = import_exec(im, SQL_ml_member_know, NULL);
	if (!e)
		e = import_skips(im, SQL_ml_member_taken_skip, "ratings.csv",
		    "user name taken", &members->skipped);
	if (!e)
		e = import_exec(im, SQL_ml_member_add, &members->added);
	if (!e)
		e = import_exec_all(im, after, array_len(after));
	return e;
}

/* In batches; see the statement. */
static enum err
add_ratings(struct movielens *ml, struct tally *ratings)
{
	struct import *im = ml->im;
	long from, added;
	enum err e;

	progress_begin(&im->progress, "storing ratings", ml->last_line);
	for (from = 1; from <= ml->last_line; from += BATCH_LINES) {
		if (import_stopped(im))
			return ERR_UNAVAILABLE;
		e = query_exec(im->mem, im->db, &added, SQL_ml_rating_add,
		    arg_id(from), arg_id(from + BATCH_LINES - 1));
		if (e)
			return import_database_failed(im, e);
		ratings->added += added;
		progress_at(&im->progress, from + BATCH_LINES);
	}
	progress_end(&im->progress);
	return ERR_OK;
}

static enum err
store_ratings(struct movielens *ml)
{
	static const enum stmt before[] = { SQL_ml_key_stage, SQL_ml_key_fill,
		SQL_ml_rating_index, SQL_ml_rating_analyze };
	struct import *im = ml->im;
	struct tally *ratings = report_tally(&im->report, "ratings");
	long unknown = 0, twice = 0, orphans = 0;
	enum err e;

	progress_begin(&im->progress, "storing members", 0);
	e = import_exec_all(im, before, array_len(before));
	if (!e)
		e = import_skips(im, SQL_ml_rating_unknown_skip, "ratings.csv",
		    "unknown movie", &unknown);
	if (!e && !ml->in_order)
		e = import_skips(im, SQL_ml_rating_twice_skip, "ratings.csv",
		    "rated twice", &twice);
	ratings->skipped += unknown + twice;
	if (!e)
		e = store_members(ml);
	if (!e && report_tally(&im->report, "members")->skipped > 0) {
		e = import_exec(im, SQL_ml_rating_orphan, &orphans);
		ratings->skipped += orphans;
	}
	if (!e)
		progress_end(&im->progress);
	if (!e)
		e = import_exec(im, SQL_ml_rating_change, &ratings->changed);
	return e ? e : add_ratings(ml, ratings);
}

/* Updates the statistics of the planner if rows have changed. */
static enum err
finish(struct movielens *ml)
{
	struct import *im = ml->im;
	struct tally *ratings = report_tally(&im->report, "ratings");
	bool movies = report_tally(&im->report, "movies")->added > 0 ||
		      report_tally(&im->report, "genres")->added > 0;

	if (ratings->added == 0 && ratings->changed == 0 && !movies)
		return ERR_OK;
	return import_exec(im, SQL_import_analyze, NULL);
}

static enum err
import_all(struct import *im)
{
	struct movielens *ml = mem_new(im->mem, struct movielens);
	enum err e;

	ml->im = im;
	ml->genres.im = im;
	e = read_links(ml);
	if (!e)
		e = stage_movies(ml);
	if (!e)
		e = store_movies(ml);
	if (!e)
		e = stage_ratings(ml);
	if (!e)
		e = store_ratings(ml);
	return e ? e : finish(ml);
}

enum err
import_movielens(struct import *im)
{
	return import_run(im, import_all);
}
