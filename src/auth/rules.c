/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rules for new passwords: the four validators of the Django release that
 * the original runs on, in its order (contract, users 4.1). Text is compared in
 * code points, in lower case.
 */
#include "base/base.h"

#include <utf8proc.h>

#include "auth/common.h"
#include "auth/password.h"
#include "base/mem.h"
#include "base/text.h"

#define LENGTH_MIN      10
#define LENGTH_MIN_TEXT "10"
#define SIMILAR_RATIO   0.7

/* A text as code points in lower case. */
struct points {
	utf8proc_int32_t *at;
	size_t n;
};

static void
points_of(TALLOC_CTX *mem, const char *s, struct points *out)
{
	size_t len = strlen(s);

	out->at = mem_array(mem, utf8proc_int32_t, len + 1);
	out->n = 0;
	while (len > 0) {
		utf8proc_int32_t c;
		utf8proc_ssize_t used = utf8proc_iterate(
		    (const utf8proc_uint8_t *)s, (utf8proc_ssize_t)len, &c);

		assert(used > 0);
		out->at[out->n++] = utf8proc_tolower(c);
		s += used;
		len -= (size_t)used;
	}
}

static int
compare_points(const void *a, const void *b)
{
	utf8proc_int32_t x = *(const utf8proc_int32_t *)a;
	utf8proc_int32_t y = *(const utf8proc_int32_t *)b;

	return (x > y) - (x < y);
}

/* A sorted copy. */
static void
points_sorted(TALLOC_CTX *mem, const struct points *p, struct points *out)
{
	out->n = p->n;
	out->at = mem_array(mem, utf8proc_int32_t, p->n + 1);
	if (p->n == 0)
		return;
	memcpy(out->at, p->at, p->n * sizeof *p->at);
	qsort(out->at, out->n, sizeof *out->at, compare_points);
}

/*
 * Python's SequenceMatcher.quick_ratio(): twice the size of what both have in
 * common, whatever the order, by the length of both. Takes sorted texts.
 */
static double
quick_ratio(const struct points *a, const struct points *b)
{
	size_t i = 0, j = 0, both = 0;

	if (a->n + b->n == 0)
		return 1.0;
	while (i < a->n && j < b->n) {
		if (a->at[i] == b->at[j]) {
			both++;
			i++;
			j++;
		} else if (a->at[i] < b->at[j]) {
			i++;
		} else {
			j++;
		}
	}
	return 2.0 * (double)both / (double)(a->n + b->n);
}

/* More than ten times as long as the part, so the ratio cannot be reached. */
static bool
is_much_longer(size_t password, size_t part)
{
	return password >= 10 * part &&
	       (double)part < SIMILAR_RATIO / 2 * (double)password;
}

static bool
is_similar_part(
    TALLOC_CTX *mem, const struct points *password, const struct points *part)
{
	struct points sorted;
	bool similar;

	if (is_much_longer(password->n, part->n))
		return false;
	points_sorted(mem, part, &sorted);
	similar = quick_ratio(password, &sorted) >= SIMILAR_RATIO;
	talloc_free(sorted.at);
	return similar;
}

/* \w of a Python pattern: letters, numbers of any kind, underscore. */
static bool
is_word_point(utf8proc_int32_t c)
{
	utf8proc_category_t category = utf8proc_category(c);

	return c == '_' ||
	       (category >= UTF8PROC_CATEGORY_LU &&
		   category <= UTF8PROC_CATEGORY_LO) ||
	       (category >= UTF8PROC_CATEGORY_ND &&
		   category <= UTF8PROC_CATEGORY_NO);
}

/* Similar to the whole value or one of its words. `password` is sorted. */
static bool
is_similar(TALLOC_CTX *mem, const struct points *password, const char *value)
{
	struct points whole, part;
	bool similar;
	size_t i = 0;

	points_of(mem, value, &whole);
	similar = is_similar_part(mem, password, &whole);
	while (!similar && i < whole.n) {
		part.at = whole.at + i;
		part.n = 0;
		while (i < whole.n && is_word_point(whole.at[i])) {
			part.n++;
			i++;
		}
		similar = part.n > 0 && is_similar_part(mem, password, &part);
		i++;
	}
	talloc_free(whole.at);
	return similar;
}

/* The first attribute that the password is too similar to, or 0. */
static enum msg
similar_attribute(TALLOC_CTX *mem, const struct points *password,
    const struct password_owner *owner)
{
	const struct {
		const char *value;
		enum msg name;
	} attribute[] = {
		{ owner->username, MSG_NAME_USERNAME },
		{ owner->first_name, MSG_NAME_FIRST_NAME },
		{ owner->last_name, MSG_NAME_LAST_NAME },
		{ owner->email, MSG_NAME_EMAIL },
	};
	struct points sorted;
	enum msg found = MSG_NONE;

	points_sorted(mem, password, &sorted);
	for (size_t i = 0; i < array_len(attribute) && !found; i++) {
		const char *value = attribute[i].value;

		if (value && *value && is_similar(mem, &sorted, value))
			found = attribute[i].name;
	}
	talloc_free(sorted.at);
	return found;
}

static bool
is_numeric(const struct points *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (utf8proc_category(p->at[i]) != UTF8PROC_CATEGORY_ND)
			return false;
	}
	return p->n > 0;
}

size_t
password_faults(TALLOC_CTX *mem, const char *password,
    const struct password_owner *owner, enum lang lang,
    struct password_fault out[4])
{
	struct points points;
	enum msg name;
	size_t n = 0;

	points_of(mem, text_nfc(mem, password), &points);
	name = similar_attribute(mem, &points, owner);
	if (name)
		out[n++] = (struct password_fault){ MSG_PASSWORD_SIMILAR,
			msg_text(lang, name) };
	if (points.n < LENGTH_MIN)
		out[n++] = (struct password_fault){ MSG_PASSWORD_SHORT,
			LENGTH_MIN_TEXT };
	if (common_password(mem, NULL, password))
		out[n++] = (struct password_fault){ MSG_PASSWORD_COMMON, NULL };
	if (is_numeric(&points))
		out[n++] =
		    (struct password_fault){ MSG_PASSWORD_NUMERIC, NULL };
	talloc_free(points.at);
	return n;
}
