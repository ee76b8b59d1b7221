/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A title is a sequence of parts: the name, then other names in brackets. Each
 * part may end with its article.
 */
#include "base/base.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "import/title.h"

/*
 * The articles. Those of the second kind are also English words or letters, and
 * count only within brackets, where foreign names are.
 */
static const struct article {
	const char *text;
	bool bracketed;
} articles[] = {
	{ "The", false },
	{ "A", false },
	{ "An", false },
	{ "La", false },
	{ "Le", false },
	{ "Les", false },
	{ "L'", false },
	{ "L\xe2\x80\x99", false },
	{ "Un", false },
	{ "Une", false },
	{ "El", false },
	{ "Los", false },
	{ "Las", false },
	{ "Lo", false },
	{ "Una", false },
	{ "Il", false },
	{ "Gli", false },
	{ "Der", false },
	{ "Die", false },
	{ "Das", false },
	{ "Ein", false },
	{ "Eine", false },
	{ "Den", false },
	{ "Det", false },
	{ "De", false },
	{ "Het", false },
	{ "Da", false },
	{ "I", true },
	{ "En", true },
	{ "Ett", true },
	{ "Et", true },
	{ "O", true },
	{ "Os", true },
	{ "As", true },
	{ "Os", true },
};

static bool
is_digits(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
	}
	return true;
}

/* A hyphen or a dash, and how many bytes it has; 0: neither. */
static size_t
dash_length(const char *s)
{
	if (s[0] == '-')
		return 1;
	if (strncmp(s, "\xe2\x80\x93", 3) == 0 ||
	    strncmp(s, "\xe2\x80\x94", 3) == 0)
		return 3;
	return 0;
}

/*
 * "(1999)", "(1975-1979)", "(2009– )": the year, 0: it is none of these. *end
 * is what follows.
 */
static int
year_of(char *s, char **end)
{
	size_t dash;
	int year;

	if (strnlen(s, 6) < 6 || s[0] != '(' || !is_digits(s + 1, 4))
		return 0;
	year = (int)strtol(s + 1, NULL, 10);
	s += 5;
	dash = dash_length(s);
	s += dash;
	if (dash > 0 && strnlen(s, 4) == 4 && is_digits(s, 4))
		s += 4;
	while (dash > 0 && *s == ' ')
		s++;
	*end = s + 1;
	return *s == ')' ? year : 0;
}

/* Whether it is only text in brackets, "[HD]" or "(Director's Cut)". */
static bool
is_bracketed(const char *s)
{
	while (*s) {
		if (*s == ' ') {
			s++;
			continue;
		}
		if (*s != '[' && *s != '(')
			return false;
		s = strchr(s, *s == '[' ? ']' : ')');
		if (!s)
			return false;
		s++;
	}
	return true;
}

/*
 * Removes the year at the end of `s`, and the space before it. *rest is the
 * text in brackets after the year.
 */
static int
take_year(char *s, char **rest)
{
	char *open = s + strlen(s);

	*rest = open;
	while (open > s) {
		char *end;
		int year;

		open--;
		year = *open == '(' ? year_of(open, &end) : 0;
		if (year < 1800 || year > 2200 || !is_bracketed(end))
			continue;
		*rest = end + strspn(end, " ");
		while (open > s && open[-1] == ' ')
			open--;
		*open = '\0';
		return year;
	}
	return 0;
}

/* The article that the n bytes end in behind ", "; NULL: none. */
static const char *
article_of(const char *s, size_t n, bool bracketed)
{
	for (size_t i = 0; i < array_len(articles); i++) {
		const char *a = articles[i].text;
		size_t length = strlen(a);

		if (articles[i].bracketed && !bracketed)
			continue;
		if (n > length + 2 &&
		    strncmp(s + n - length - 2, ", ", 2) == 0 &&
		    strncmp(s + n - length, a, length) == 0)
			return a;
	}
	return NULL;
}

/* One part, with its article in front. */
static void
add_part(struct buf *out, const char *s, size_t n, bool bracketed)
{
	static const char aka[] = "a.k.a. ";
	const char *article;

	if (n > sizeof aka && strncmp(s, aka, sizeof aka - 1) == 0) {
		buf_puts(out, aka);
		s += sizeof aka - 1;
		n -= sizeof aka - 1;
	}
	article = article_of(s, n, bracketed);
	if (!article) {
		buf_add(out, s, n);
		return;
	}
	buf_puts(out, article);
	if (article[strlen(article) - 1] != '\'' &&
	    strcmp(article, "L\xe2\x80\x99") != 0)
		buf_putc(out, ' ');
	buf_add(out, s, n - strlen(article) - 2);
}

/* Length of the part that `s` begins with: up to " (" or, within, to ")". */
static size_t
part_length(const char *s, bool bracketed)
{
	const char *end = strstr(s, " (");

	if (bracketed)
		end = strchr(s, ')');
	return end ? (size_t)(end - s) : strlen(s);
}

void
title_split(TALLOC_CTX *mem, const char *raw, struct title *out)
{
	char *copy = text_trim(mem, raw), *rest;
	bool bracketed = false;
	const char *s = copy;
	struct buf b;

	out->year = take_year(copy, &rest);
	buf_init(&b, mem, strlen(raw) + 1);
	while (*s) {
		size_t n = part_length(s, bracketed);

		add_part(&b, s, n, bracketed);
		s += n;
		if (!*s)
			break;
		buf_add(&b, s, bracketed ? 1 : 2);
		s += bracketed ? 1 : 2;
		bracketed = !bracketed;
	}
	if (*rest) {
		buf_putc(&b, ' ');
		buf_puts(&b, rest);
	}
	out->text = text_trim(mem, b.data);
}

void
title_slug_cut(char *s, size_t max)
{
	size_t n = 0, characters = 0;

	while (s[n]) {
		if (((unsigned char)s[n] & 0xc0) != 0x80 && characters++ == max)
			break;
		n++;
	}
	while (n > 0 && s[n - 1] == '-')
		n--;
	s[n] = '\0';
}
