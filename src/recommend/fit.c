/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fitting a model.
 */
#include "base/base.h"

#include <limits.h>
#include <math.h>

#include "base/mem.h"
#include "recommend/fit.h"
#include "recommend/large.h"
#include "recommend/parallel.h"
#include "recommend/score.h"
#include "recommend/vector.h"

#define SCALE_USERS 500 /* users by whom the scales are compared */

/* --------------------------------------------------------------- settings */

enum kind { COUNT, NUMBER, STARS };

static const struct setting {
	const char *name;
	enum kind kind;
	size_t at; /* in struct fit_options */
	double least;
	double most;
} settings[] = {
#define AT(member) offsetof(struct fit_options, member)
	{ "common", NUMBER, AT(taste.common), 0, 1000 },
	{ "factors", COUNT, AT(als.factors), 1, ALS_FACTORS_MAX },
	{ "first_fade", NUMBER, AT(taste.first_fade), 0.1, 1e6 },
	{ "genre", NUMBER, AT(taste.genre), 0, 1000 },
	{ "genre_first", NUMBER, AT(taste.genre_first), 0, 1000 },
	{ "iterations", COUNT, AT(als.iterations), 1, 1000 },
	{ "near_damping", NUMBER, AT(near.damping), 0, 1e6 },
	{ "near_fade", NUMBER, AT(near.fade), 0.1, 1e6 },
	{ "near_half", NUMBER, AT(taste.near_half), 0.1, 1e6 },
	{ "near_keep", COUNT, AT(near.keep), 0, 10000 },
	{ "near_reach", COUNT, AT(near.reach), 1, 10000 },
	{ "near_share", NUMBER, AT(near_share), 0, 1000 },
	{ "regularization", NUMBER, AT(als.regularization), 0, 1e6 },
	{ "seed", COUNT, AT(als.seed), 0, UINT_MAX },
	{ "stars", STARS, AT(taste.stars), -10, 10 },
	{ "taste_floor", NUMBER, AT(taste.floor), 0, 1 },
	{ "taste_half", NUMBER, AT(taste.half), 0.1, 1e6 },
	{ "threads", COUNT, AT(als.threads), 1, PARALLEL_MAX },
	{ "unobserved", NUMBER, AT(als.unobserved), 0, 1e6 },
#undef AT
};

void
fit_defaults(struct fit_options *o)
{
	*o = (struct fit_options){
		.als = { .factors = 64,
		    .iterations = 12,
		    .regularization = 0.01f,
		    .unobserved = 0.1f,
		    .seed = 42 },
		.near = { .keep = 300, .reach = 80, .fade = 20, .damping = 5 },
		.taste = { .stars = { -0.2f, 0.1f, 0.4f, 0.8f, 1.2f },
		    .floor = 0.3f,
		    .half = 10,
		    .near_half = 5,
		    .genre = 0.4f,
		    .genre_first = 0.9f,
		    .common = 0.6f,
		    .first_fade = 12 },
		.near_share = 1,
	};
	o->als.threads = o->near.threads = parallel_processors();
}

/* One number, up to a comma or the end. */
static bool
take_number(const struct setting *s, const char **text, double *out)
{
	char *end;

	*out = strtod(*text, &end);
	if (end == *text || (*end && *end != ',') || !(*out >= s->least) ||
	    !(*out <= s->most))
		return false;
	*text = *end ? end + 1 : end;
	return true;
}

static bool
take_value(const struct setting *s, struct fit_options *o, const char *text)
{
	char *place = (char *)o + s->at;
	size_t n = s->kind == STARS ? TASTE_STARS : 1;
	double value;

	for (size_t i = 0; i < n; i++) {
		if (!take_number(s, &text, &value))
			return false;
		if (s->kind != COUNT)
			((float *)(void *)place)[i] = (float)value;
		else if (value != floor(value))
			return false;
		else
			*(unsigned *)(void *)place = (unsigned)value;
	}
	return !*text;
}

const char *
fit_set(TALLOC_CTX *mem, struct fit_options *o, const char *text)
{
	const char *equal = strchr(text, '=');
	size_t length = equal ? (size_t)(equal - text) : strlen(text);

	for (size_t i = 0; i < array_len(settings); i++) {
		const struct setting *s = &settings[i];

		if (strlen(s->name) != length ||
		    memcmp(s->name, text, length) != 0)
			continue;
		if (!equal || !take_value(s, o, equal + 1))
			return mem_printf(mem, "%s must be %s from %g to %g",
			    s->name,
			    s->kind == STARS ?
				"five comma-separated numbers, each" :
			    s->kind == COUNT ? "a whole number" :
					       "a number",
			    s->least, s->most);
		o->near.threads = o->als.threads;
		return NULL;
	}
	return mem_printf(mem, "unknown setting \"%.*s\"", (int)length, text);
}

const char *
fit_set_all(TALLOC_CTX *mem, struct fit_options *o, const char *text)
{
	const char *why = NULL;
	size_t n;

	for (; !why && *text; text += n) {
		n = strcspn(text, " \t");
		if (n > 0)
			why = fit_set(mem, o, mem_textn(mem, text, n));
		else
			n = 1;
	}
	return why;
}

bool
fit_sets_order(const char *text)
{
	static const char *const names[] = {
		"near_half=", "near_share=", "taste_floor=", "taste_half="
	};

	for (size_t i = 0; i < array_len(names); i++) {
		if (strstr(text, names[i]))
			return true;
	}
	return false;
}

/* A setting as fit_set() reads it. */
static const char *
setting_text(
    TALLOC_CTX *mem, const struct setting *s, const struct fit_options *o)
{
	const void *place = (const char *)o + s->at;
	const float *number = place;
	const unsigned *count = place;
	char *text = mem_printf(mem, "%s=", s->name);

	if (s->kind == COUNT)
		return mem_printf(mem, "%s%u", text, *count);
	for (int n = 0; n < (s->kind == STARS ? TASTE_STARS : 1); n++)
		text = mem_printf(
		    mem, "%s%s%g", text, n ? "," : "", (double)number[n]);
	return text;
}

static bool
is_of_machine(const struct setting *s)
{
	return strcmp(s->name, "threads") == 0;
}

const char *
fit_changed(TALLOC_CTX *mem, const struct fit_options *o)
{
	struct fit_options standard;
	const char *all = "", *text;

	fit_defaults(&standard);
	for (size_t i = 0; i < array_len(settings); i++) {
		const struct setting *s = &settings[i];

		text = setting_text(mem, s, o);
		if (!is_of_machine(s) &&
		    strcmp(text, setting_text(mem, s, &standard)) != 0)
			all = mem_printf(
			    mem, "%s%s%s", all, *all ? " " : "", text);
	}
	return all;
}

void
fit_print(const struct fit_options *o, FILE *to)
{
	TALLOC_CTX *mem = mem_need(talloc_new(NULL));

	for (size_t i = 0; i < array_len(settings); i++) {
		if (!is_of_machine(&settings[i]))
			fprintf(to, "%s\n", setting_text(mem, &settings[i], o));
	}
	talloc_free(mem);
}

/* --------------------------------------------------------------- the scale */

struct moments {
	double n;
	double sum;
	double square;
};

static void
observe(struct moments *m, const float *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		m->sum += (double)values[i];
		m->square += (double)values[i] * (double)values[i];
	}
	m->n += (double)n;
}

static double
deviation(const struct moments *m)
{
	double mean = m->n > 0 ? m->sum / m->n : 0;
	double variance = m->n > 0 ? m->square / m->n - mean * mean : 0;

	return variance > 0 ? sqrt(variance) : 0;
}

static struct history
history_of(const struct sparse *m, uint32_t user)
{
	return (struct history){ .n = matrix_row_size(m, user),
		.item = m->index + m->start[user],
		.preference = m->value + m->start[user] };
}

/*
 * Scores by factors and by neighbours have different scales; they are made
 * comparable by their standard deviations over users and items. The mean
 * factors come from the same users.
 */
static void
find_scale(struct model *model, const struct sparse *by_user, float share)
{
	TALLOC_CTX *mem = mem_need(talloc_new(NULL));
	struct fold *fold = fold_new(mem, model);
	float *scores = large_array(mem, model->items, sizeof *scores);
	struct moments factors = { 0 }, near = { 0 };
	uint32_t step = by_user->rows / SCALE_USERS + 1;
	uint32_t users = (by_user->rows + step - 1) / step;
	float each = 1 / (float)users;
	float *mean = model_floats(mem, model->stride);
	double spread;

	model->near_scale = 1;
	for (uint32_t u = 0; u < by_user->rows; u += step) {
		struct history h = history_of(by_user, u);

		fold_run(fold, &h);
		vector_add(mean, each, fold->x, model->stride);
		score_factors(fold, scores);
		observe(&factors, scores, model->items);
		memset(scores, 0, model->items * sizeof *scores);
		score_near(fold, &h, scores);
		observe(&near, scores, model->items);
	}
	memcpy(model->mean, mean, model->stride * sizeof *mean);
	spread = deviation(&near);
	if (!(deviation(&factors) > 0))
		model->near_scale = share;
	else
		model->near_scale =
		    spread > 0 ? (float)(share * deviation(&factors) / spread) :
				 0;
	talloc_free(mem);
}

/* ----------------------------------------------------------------- the fit */

static struct model *
model_of(TALLOC_CTX *mem, const struct als *als, const struct fit_options *o)
{
	struct model *m = model_new(mem, als->items, als->factors);

	m->regularization = o->als.regularization;
	m->unobserved = o->als.unobserved;
	m->taste = o->taste;
	for (uint32_t i = 0; i < als->items; i++)
		memcpy(m->item + i * m->stride,
		    als->item + (size_t)i * als->factors,
		    als->factors * sizeof *m->item);
	model_prepare(m);
	return m;
}

enum err
fit_model(TALLOC_CTX *mem, struct sparse *by_user, const struct fit_options *o,
    struct model **out, double *loss)
{
	TALLOC_CTX *scratch = mem_need(talloc_new(NULL));
	struct sparse *by_item;
	struct als als;
	enum err e;

	for (size_t i = 0; i < matrix_size(by_user); i++)
		by_user->value[i] =
		    taste_preference(&o->taste, by_user->value[i]);
	by_item = matrix_transpose(scratch, by_user);
	e = als_fit(scratch, by_user, by_item, &o->als, &als);
	if (!e) {
		*out = model_of(mem, &als, o);
		e = near_fit(*out, by_user, by_item, &o->near, &(*out)->near);
	}
	if (!e)
		find_scale(*out, by_user, o->near_share);
	if (!e && loss)
		*loss = als.loss;
	talloc_free(scratch);
	return e;
}

/* ------------------------------------------------------------------ genres */

/* The pairs of one genre: its mean, its share and its bit. */
static void
fit_genre(struct model *m, const uint32_t *ratings,
    const struct fit_genre *pairs, size_t n)
{
	uint32_t g = m->genre.n++;
	float *mean = m->genre.factor + g * m->stride;

	m->genre.id[g] = pairs[0].genre;
	for (size_t i = 0; i < n; i++) {
		uint32_t item = pairs[i].item;

		vector_add(
		    mean, 1 / (float)n, m->item + item * m->stride, m->stride);
		m->genre.share[g] += ratings ? (float)ratings[item] : 1;
		if (g < MODEL_GENRES)
			m->item_genres[item] |= UINT64_C(1) << g;
	}
}

void
fit_genres(struct model *m, const uint32_t *ratings,
    const struct fit_genre *pairs, size_t n)
{
	size_t genres = 0, of;
	float all = 0;

	for (size_t i = 0; i < n; i++)
		genres += i == 0 || pairs[i].genre != pairs[i - 1].genre;
	m->genre = (struct genres){ .n = 0,
		.id = large_array(m, genres, sizeof(int64_t)),
		.factor = model_floats(m, genres * m->stride),
		.share = large_array(m, genres, sizeof(float)) };
	m->item_genres = large_array(m, m->items, sizeof *m->item_genres);
	for (size_t from = 0; from < n; from += of) {
		for (of = 1; from + of < n &&
			     pairs[from + of].genre == pairs[from].genre;)
			of++;
		fit_genre(m, ratings, pairs + from, of);
	}
	for (uint32_t i = 0; i < m->items; i++)
		all += ratings ? (float)ratings[i] : 1;
	for (uint32_t g = 0; g < m->genre.n && all > 0; g++)
		m->genre.share[g] /= all;
}

/* ------------------------------------------------------------------ memory */

size_t
fit_memory(
    size_t ratings, uint32_t users, uint32_t items, const struct fit_options *o)
{
	size_t ids = ((size_t)users + items) * 48; /* names, maps, starts */
	size_t model = (size_t)items * model_stride(o->als.factors) * 4;

	return matrix_memory(ratings) + ids + model +
	       als_memory(users, items, &o->als) +
	       near_memory(0, items, &o->near);
}

/* The number after a name in a file of the kernel; "": at its start. */
static size_t
number_in(const char *path, const char *name, size_t unit)
{
	FILE *file = fopen(path, "re");
	char line[256];
	size_t found = SIZE_MAX, length = strlen(name);
	uintmax_t n;
	char *end;

	if (!file)
		return SIZE_MAX;
	while (fgets(line, sizeof line, file)) {
		if (strncmp(line, name, length) != 0)
			continue;
		n = strtoumax(line + length, &end, 10);
		if (end != line + length && n < SIZE_MAX / unit)
			found = (size_t)n * unit;
		break;
	}
	fclose(file);
	return found;
}

static size_t
lesser(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Bytes that a control group has left. */
static size_t
left_in(const char *group)
{
	TALLOC_CTX *mem = mem_need(talloc_new(NULL));
	const char *folder = mem_printf(mem, "/sys/fs/cgroup%s", group);
	size_t most =
	    number_in(mem_printf(mem, "%s/memory.max", folder), "", 1);
	size_t used =
	    number_in(mem_printf(mem, "%s/memory.current", folder), "", 1);

	talloc_free(mem);
	if (most == SIZE_MAX || used == SIZE_MAX)
		return SIZE_MAX;
	return most > used ? most - used : 0;
}

/* The least that our control group or one of its parents has left. */
static size_t
left_in_groups(void)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	size_t left = left_in("");
	char line[4096];

	while (file && fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::/", 4) != 0)
			continue;
		for (char *end = strchr(line, '\0'); end > line + 4;
		     end = strrchr(line, '/')) {
			*end = '\0';
			left = lesser(left, left_in(line + 3));
		}
	}
	if (file)
		fclose(file);
	return left;
}

size_t
fit_memory_there(void)
{
	return lesser(number_in("/proc/meminfo", "MemAvailable:", 1024),
	    left_in_groups());
}
