/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reasons. The part of each rating in a score is known exactly
 * (ranking_parts()); its share is that of the sum of the positive parts.
 */
#include "base/base.h"

#include "api/api.h"
#include "base/mem.h"
#include "i18n/msg.h"
#include "recommendations/reasons.h"

#define SHARE_LEAST 0.02 /* smaller shares are no reason */

/* A rating with a positive part in the score of a movie. */
struct reason {
	size_t rating; /* as in struct caller */
	double share;
};

struct movie_reasons {
	struct reason best[REASON_RATINGS];
	size_t n;
};

struct reasons {
	struct req *r;
	const struct choice *choice;
	struct movie_reasons *by_row;
	struct rows titles;
};

/* ---------------------------------------------------------------- finding */

static void
insert(struct movie_reasons *reasons, size_t rating, double share)
{
	size_t i;

	if (share < SHARE_LEAST)
		return;
	i = reasons->n < REASON_RATINGS ? reasons->n++ : REASON_RATINGS;
	for (; i > 0 && reasons->best[i - 1].share < share; i--) {
		if (i < REASON_RATINGS)
			reasons->best[i] = reasons->best[i - 1];
	}
	if (i < REASON_RATINGS)
		reasons->best[i] = (struct reason){ rating, share };
}

static void
find_reasons(const struct choice *c, int64_t movie, float *parts,
    struct movie_reasons *out)
{
	double positive = 0;

	if (!ranking_parts(c->ranking, movie, parts, NULL))
		return;
	for (size_t j = 0; j < c->caller.rated.n; j++)
		positive += parts[j] > 0 ? (double)parts[j] : 0;
	for (size_t j = 0; j < c->caller.rated.n && positive > 0; j++)
		insert(out, j, (double)parts[j] / positive);
}

/* The movies of all reasons, each once; returns how many. */
static size_t
movies_of(const struct reasons *b, int64_t *out)
{
	const int64_t *rated = b->choice->caller.rated.id;
	size_t n = 0, k;

	for (int i = 0; i < b->choice->rows.count; i++) {
		const struct movie_reasons *of = &b->by_row[i];

		for (size_t j = 0; j < of->n; j++) {
			int64_t movie = rated[of->best[j].rating];

			for (k = 0; k < n && out[k] != movie; k++)
				;
			if (k == n)
				out[n++] = movie;
		}
	}
	return n;
}

enum err
reasons_read(struct req *r, const struct choice *choice, struct reasons **out)
{
	struct reasons *b = mem_new(r->mem, struct reasons);
	size_t count = (size_t)choice->rows.count, n;
	int64_t *movies;
	struct row row;
	float *parts;

	b->r = r;
	b->choice = choice;
	b->by_row = mem_array(b, struct movie_reasons, count + 1);
	*out = b;
	if (!choice->ranking)
		return ERR_OK;
	parts = mem_array(b, float, choice->caller.rated.n + 1);
	for (int i = 0; i < choice->rows.count; i++) {
		rows_at(&choice->rows, i, &row);
		find_reasons(choice, row_id(&row, "id"), parts, &b->by_row[i]);
	}
	movies = mem_array(b, int64_t, count * REASON_RATINGS + 1);
	n = movies_of(b, movies);
	if (n == 0)
		return ERR_OK;
	return query_all(r->mem, r->db, &b->titles, SQL_recommend_titles,
	    arg_text(lang_code(r->lang)), arg_int_array(movies, n));
}

/* ---------------------------------------------------------------- writing */

/* Writes {"kind": …, "text": …; the caller adds keys and the end. */
void
reason_begin(struct json *j, struct req *r, const char *kind, enum msg msg,
    const char *const args[3])
{
	json_object(j);
	json_key(j, "kind");
	json_text(j, kind);
	json_key(j, "text");
	json_text(j, msg_format(r->mem, r->lang, msg, args));
}

static bool
find_title(const struct reasons *b, int64_t movie, struct row *row)
{
	for (int i = 0; i < b->titles.count; i++) {
		rows_at(&b->titles, i, row);
		if (row_id(row, "id") == movie)
			return true;
	}
	return false;
}

/* A disliked movie is a reason for one that is unlike it. */
static enum msg
rating_text(const struct reasons *b, size_t rating)
{
	bool one = b->choice->caller.stars[rating] == 1;

	if (ranking_preference(b->choice->ranking, rating) < 0)
		return one ? MSG_WHY_UNLIKE_ONE : MSG_WHY_UNLIKE;
	return one ? MSG_WHY_RATING_ONE : MSG_WHY_RATING;
}

static void
write_rating(struct json *j, const struct reasons *b, const struct reason *why)
{
	int64_t stars = b->choice->caller.stars[why->rating];
	const char *args[3] = { NULL };
	char digits[24];
	struct row row;

	if (!find_title(b, b->choice->caller.rated.id[why->rating], &row))
		return; /* it was deleted meanwhile */
	snprintf(digits, sizeof digits, "%" PRId64, stars);
	args[0] = row_text(&row, "title");
	args[1] = digits;
	reason_begin(j, b->r, "rating", rating_text(b, why->rating), args);
	json_key(j, "movie");
	json_text(j, row_text(&row, "url"));
	json_key(j, "title");
	json_text(j, args[0]);
	json_key(j, "rating");
	json_int(j, stars);
	json_key(j, "share");
	json_double(j, (double)(int)(why->share * 1000 + 0.5) / 1000);
	json_object_end(j);
}

static void
write_friends(struct json *j, const struct reasons *b, const struct row *row)
{
	const char *args[3] = { NULL };
	const char *const *names, *const *urls;
	size_t n;

	names = row_text_array(b->r->mem, row, "friends", &n);
	urls = row_text_array(b->r->mem, row, "friend_urls", &n);
	for (size_t i = 0; i < n; i++) {
		args[0] = names[i];
		reason_begin(j, b->r, "friend", MSG_WHY_FRIEND, args);
		json_key(j, "user");
		json_text(j, urls[i]);
		json_object_end(j);
	}
}

static void
write_celebrities(
    struct json *j, const struct reasons *b, const struct row *row)
{
	const char *args[3] = { NULL };
	const char *const *names, *const *urls, *const *directs;
	size_t n;

	names = row_text_array(b->r->mem, row, "celebrities", &n);
	urls = row_text_array(b->r->mem, row, "celebrity_urls", &n);
	directs = row_text_array(b->r->mem, row, "celebrity_directs", &n);
	for (size_t i = 0; i < n; i++) {
		args[0] = names[i];
		reason_begin(j, b->r, "celebrity",
		    *directs[i] == 't' ? MSG_WHY_DIRECTOR : MSG_WHY_CELEBRITY,
		    args);
		json_key(j, "person");
		json_text(j, urls[i]);
		json_object_end(j);
	}
}

static void
write_plain(
    struct json *j, const struct reasons *b, const char *kind, enum msg msg)
{
	const char *const none[3] = { NULL };

	reason_begin(j, b->r, kind, msg, none);
	json_object_end(j);
}

/* Without a ranking every rated movie was chosen by popularity. */
static bool
is_chosen_by_popularity(const struct reasons *b, const struct row *row)
{
	return !b->choice->ranking && row_bool(row, "rated") &&
	       !row_bool(row, "padded");
}

void
reasons_write(struct json *j, const struct reasons *b, int i)
{
	const struct movie_reasons *ratings = &b->by_row[i];
	struct row row;

	rows_at(&b->choice->rows, i, &row);
	json_list(j);
	for (size_t k = 0; k < ratings->n; k++)
		write_rating(j, b, &ratings->best[k]);
	write_friends(j, b, &row);
	write_celebrities(j, b, &row);
	if (row_bool(&row, "awarded"))
		write_plain(j, b, "award", MSG_WHY_AWARD);
	if (row_bool(&row, "popular") || is_chosen_by_popularity(b, &row))
		write_plain(j, b, "popular", MSG_WHY_POPULAR);
	json_list_end(j);
}
