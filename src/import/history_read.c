/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The files of an import: one CSV or JSON file, or those in a ZIP file that
 * have a name of which something is known.
 */
#include "base/base.h"

#include <stdarg.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "import/history_lines.h"
#include "import/unzip.h"

enum err
history_fail(
    struct history_import *h, const char *failure, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	h->why = mem_need(talloc_vasprintf(h->mem, fmt, ap));
	va_end(ap);
	h->failure = failure;
	return ERR_INVALID;
}

enum err
history_add(struct history_lines *l, long line, long last, const char *doc,
    const char *why)
{
	char first[24], end[24];
	const char *fields[] = { l->file, first, end,
		l->format ? l->format : "", l->part, doc, why };

	if (l->h->stop && *l->h->stop)
		return ERR_UNAVAILABLE;
	if (++l->n > HISTORY_LINES_MAX)
		return history_fail(l->h, "too_large",
		    "the files have more than %d records", HISTORY_LINES_MAX);
	l->bytes += doc ? strlen(doc) : 0;
	if (l->bytes > 2 * HISTORY_BYTES_MAX)
		return history_fail(l->h, "too_large",
		    "the records have more than %zu MiB",
		    2 * HISTORY_BYTES_MAX / 1024 / 1024);
	if (l->h->progress)
		l->h->progress(l->h, (int)(l->before + l->share * l->done));
	snprintf(first, sizeof first, "%ld", line);
	snprintf(end, sizeof end, "%ld", last);
	return copy_row(l->copy, fields, (int)array_len(fields));
}

enum err
history_ignore(struct history_lines *l, long n, const char *why)
{
	if (l->alone)
		return history_fail(l->h, "format", "%s: %s", l->file, why);
	return history_add(l, 0, n, NULL, why);
}

enum err
history_bad_file(struct history_lines *l, long line, const char *why)
{
	if (l->alone)
		return history_fail(l->h, "format", "%s: %s", l->file, why);
	return history_add(l, line, line, NULL, why);
}

/* Whether the path ends in this suffix, in any case. */
static bool
has_suffix(const char *path, const char *suffix)
{
	size_t n = strlen(path), m = strlen(suffix);

	return n > m && strcasecmp(path + n - m, suffix) == 0;
}

/* The name of a file without path and suffix, in lower case. */
static char *
part_of(TALLOC_CTX *mem, const char *path)
{
	const char *name = strrchr(path, '/');
	char *part = text_lower_ascii(mem, name ? name + 1 : path);
	char *dot = strrchr(part, '.');

	if (dot && dot > part)
		*dot = '\0';
	return part;
}

/* Of Letterboxd: what was deleted there, or is of another user. */
static bool
is_ignored(const char *path)
{
	return strncasecmp(path, "deleted/", 8) == 0 ||
	       strncasecmp(path, "orphaned/", 9) == 0 ||
	       strncasecmp(path, "likes/", 6) == 0;
}

/* Copies of others, and what is neither CSV nor JSON. */
static bool
is_unknown(const char *path)
{
	return strncmp(path, "__MACOSX/", 9) == 0 ||
	       strncmp(path, "csv/", 4) == 0 ||
	       (!has_suffix(path, ".csv") && !has_suffix(path, ".json"));
}

/*
 * The length of the folder that all files are in, "letterboxd-name-2024/": 0:
 * there is none, or it is one of the export itself.
 */
static size_t
common_folder(TALLOC_CTX *mem, const struct unzip *u)
{
	static const char *const known[] = { "json/", "lists/", "deleted/",
		"orphaned/", "likes/" };
	char *first = NULL;
	size_t n = 0;

	for (int64_t i = 0; i < unzip_count(u); i++) {
		char *name = unzip_name(mem, u, i);

		if (strncmp(name, "__MACOSX/", 9) == 0)
			continue;
		if (!first) {
			first = name;
			n = strcspn(name, "/") + 1;
		}
		if (!strchr(name, '/') || strncmp(name, first, n) != 0)
			return 0;
	}
	for (size_t i = 0; i < array_len(known); i++) {
		if (first && strncasecmp(first, known[i], n) == 0)
			return 0;
	}
	return first ? n : 0;
}

static enum err
read_content(
    struct history_lines *l, TALLOC_CTX *mem, const char *data, size_t n)
{
	l->part = part_of(mem, l->file);
	l->format = NULL;
	if (has_suffix(l->file, ".json"))
		return history_json(l, mem, data, n);
	return history_csv(l, mem, data, n, is_ignored(l->file));
}

/* The error of unzip_read(). */
static enum err
fail_entry(struct history_lines *l, enum err e, const char *why)
{
	if (e == ERR_FORBIDDEN)
		return history_fail(
		    l->h, "encrypted", "%s is encrypted", l->file);
	if (e == ERR_TOO_LARGE)
		return history_fail(l->h, "too_large",
		    "the files have more than %zu MiB",
		    HISTORY_BYTES_MAX / 1024 / 1024);
	return history_fail(l->h, "broken", "%s: %s", l->file, why);
}

/* One entry; *left is how many bytes all of them may still have. */
static enum err
read_entry(struct history_lines *l, TALLOC_CTX *mem, struct unzip *u, int64_t i,
    size_t folder, size_t *left)
{
	const char *name = unzip_name(mem, u, i), *why = NULL;
	struct buf content;
	enum err e;

	if (has_suffix(name, "/") || !*name)
		return ERR_OK;
	if (strncmp(name, "__MACOSX/", 9) != 0)
		name += folder;
	l->file = name;
	l->part = part_of(mem, name);
	if (is_unknown(name))
		return history_ignore(l, 0, "unknown file");
	e = unzip_read(mem, u, i, *left, &content, &why);
	if (e)
		return fail_entry(l, e, why);
	*left -= content.len;
	return read_content(l, mem, content.data, content.len);
}

static enum err
read_zip(struct history_lines *l)
{
	TALLOC_CTX *mem = mem_need(talloc_new(l->h->mem));
	size_t left = HISTORY_BYTES_MAX, folder;
	const char *why = NULL;
	struct unzip *u;
	enum err e;

	e = unzip_open(mem, l->h->data, l->h->len, &u, &why);
	if (e)
		return history_fail(l->h, "broken",
		    "%s is not a valid ZIP file: %s", l->h->name, why);
	if (unzip_count(u) > HISTORY_FILES_MAX)
		return history_fail(l->h, "too_large",
		    "%s has more than %d files", l->h->name, HISTORY_FILES_MAX);
	folder = common_folder(mem, u);
	for (int64_t i = 0; !e && i < unzip_count(u); i++) {
		TALLOC_CTX *one = mem_need(talloc_new(mem));

		l->share = (double)HISTORY_READ / (double)unzip_count(u);
		l->before = l->share * (double)i;
		l->done = 0;
		e = read_entry(l, one, u, i, folder, &left);
		talloc_free(one);
	}
	talloc_free(mem);
	return e;
}

enum err
history_read(struct history_lines *l)
{
	struct history_import *h = l->h;
	const char *data = h->data;
	const char *name = strrchr(h->name, '/');
	size_t at = 0;

	if (h->len >= 4 && memcmp(data, "PK\3\4", 4) == 0)
		return read_zip(l);
	if (h->len >= 4 && memcmp(data, "PK\5\6", 4) == 0)
		return history_fail(
		    h, "format", "%s is an empty ZIP file", h->name);
	l->alone = true;
	l->share = HISTORY_READ;
	l->file = name ? name + 1 : h->name;
	l->part = part_of(h->mem, l->file);
	while (at < h->len && strchr("\xef\xbb\xbf \t\r\n", data[at]))
		at++;
	if (at == h->len)
		return history_fail(h, "format", "%s is empty", h->name);
	if (data[at] == '[' || data[at] == '{')
		return history_json(l, h->mem, data, h->len);
	return history_csv(l, h->mem, data, h->len, false);
}
