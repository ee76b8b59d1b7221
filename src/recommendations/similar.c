/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Movies similar to one: those that the model finds, and by SQL new ones, or
 * all if the model does not have the movie.
 */
#include "base/base.h"

#include "api/api.h"
#include "base/mem.h"
#include "http/handlers.h"
#include "movies/movies.h"
#include "recommend/large.h"
#include "recommend/score.h"
#include "recommendations/reasons.h"

#define CANDIDATES 200 /* some of them may have been deleted */

struct similar {
	const struct model *model;
	TALLOC_CTX *mem;
	int64_t movie;
	size_t n;
	int64_t movies[CANDIDATES]; /* best first */
	double scores[CANDIDATES];
	bool found; /* the model has the movie */
};

static void
find(void *arg)
{
	struct similar *s = arg;
	const struct model *m = s->model;
	uint32_t item = model_find(m, s->movie), top[CANDIDATES];
	float *score;

	if (item == MODEL_NONE)
		return;
	score = large_array(s->mem, m->items, sizeof *score);
	score_similar(m, item, score);
	s->n = score_top(score, m->items, CANDIDATES, top);
	for (size_t i = 0; i < s->n; i++) {
		s->movies[i] = m->id[top[i]];
		s->scores[i] = (double)score[top[i]];
	}
	s->found = true;
}

static void
put_persons(struct json *j, struct req *r, const struct row *row)
{
	const char *const *names, *const *urls, *const *directs;
	size_t n;

	names = row_text_array(r->mem, row, "persons", &n);
	urls = row_text_array(r->mem, row, "person_urls", &n);
	directs = row_text_array(r->mem, row, "person_directs", &n);
	for (size_t i = 0; i < n; i++) {
		const char *args[3] = { names[i] };

		reason_begin(j, r, "person",
		    *directs[i] == 't' ? MSG_WHY_DIRECTOR : MSG_WHY_CELEBRITY,
		    args);
		json_key(j, "person");
		json_text(j, urls[i]);
		json_object_end(j);
	}
}

/* Why it is similar: key `because`. */
static void
add_reasons(struct json *j, const struct row *row, void *arg)
{
	struct req *r = arg;
	static const char *const none[3];
	const char *const *genres;
	size_t n;

	json_key(j, "because");
	json_list(j);
	if (row_bool(row, "audience")) {
		reason_begin(j, r, "audience", MSG_WHY_AUDIENCE, none);
		json_object_end(j);
	}
	put_persons(j, r, row);
	genres = row_text_array(r->mem, row, "genre_names", &n);
	for (size_t i = 0; i < n; i++) {
		const char *args[3] = { genres[i] };

		reason_begin(j, r, "genre", MSG_WHY_GENRE, args);
		json_object_end(j);
	}
	json_list_end(j);
}

/* A page, the most similar first; 404 if the movie is missing. */
enum err
movie_similar(struct req *r)
{
	struct similar *s = mem_new(r->mem, struct similar);
	struct rows rows;
	struct row row;
	enum err e;

	e = run_one(r, SQL_similar_subject, &row);
	if (e)
		return e;
	s->mem = s;
	s->model = r->model;
	s->movie = row_id(&row, "id");
	if (!s->model || !trap_run(s->model->trap, find, s))
		s->found = false;
	bind_arg(r, "subject", arg_id(s->movie));
	bind_arg(r, "movies",
	    s->found ? arg_int_array(s->movies, s->n) : arg_null());
	bind_arg(r, "scores",
	    s->found ? arg_double_array(s->scores, s->n) : arg_null());
	bind_arg(r, "size", arg_id(input_int(r, "limit")));
	e = run_all(r, SQL_similar_movies, &rows);
	return e ? e : reply_page_with(r, &rows, movie_shape, add_reasons, r);
}
