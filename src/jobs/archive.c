/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Statements export_… to files of a ZIP archive. Records come as JSON objects
 * with the same keys in the same order, and are copied; a CSV file (RFC 4180)
 * has their keys in its first line.
 */
#include "base/base.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/query.h"
#include "jobs/archive.h"

#define BATCH       500 /* rows */
#define FILE_SIZE   4096
#define PICTURE_MAX (64 * 1024 * 1024)

static const struct table {
	const char *name;
	enum stmt statement;
} tables[] = {
	{ "profile", SQL_export_profile },
	{ "sessions", SQL_export_sessions },
	{ "codes", SQL_export_codes },
	{ "jobs", SQL_export_jobs },
	{ "imports", SQL_export_imports },
	{ "ratings", SQL_export_ratings },
	{ "reviews", SQL_export_reviews },
	{ "comments", SQL_export_comments },
	{ "reactions", SQL_export_reactions },
	{ "lists", SQL_export_lists },
	{ "list_movies", SQL_export_list_movies },
	{ "unseen", SQL_export_unseen },
	{ "changes", SQL_export_changes },
	{ "friends", SQL_export_friends },
	{ "friend_requests", SQL_export_friend_requests },
	{ "following", SQL_export_following },
	{ "platforms", SQL_export_platforms },
	{ "providers", SQL_export_providers },
	{ "translations", SQL_export_translations },
	{ "audit", SQL_export_audit },
};

struct writer {
	TALLOC_CTX *mem;
	struct db *db;
	int64_t user_id;
	zip_t *zip;
	size_t limit, written;
	char *picture;          /* its path, from the profile */
	struct progress *shown; /* NULL: none */
};

/* A spreadsheet computes a text that begins so, also in full width. */
static bool
is_formula(const char *s)
{
	static const char *const starts[] = { "=", "+", "-", "@", "\t", "\r",
		"\n", "\uff1d", "\uff0b", "\uff0d", "\uff20" };
	size_t i;

	for (i = 0; i < array_len(starts); i++) {
		if (strncmp(s, starts[i], strlen(starts[i])) == 0)
			return true;
	}
	return false;
}

/* A field, always in quotes; a formula gets an apostrophe in front. */
static void
put_field(struct buf *csv, const char *s, bool is_text)
{
	buf_putc(csv, '"');
	if (is_text && is_formula(s))
		buf_putc(csv, '\'');
	for (; *s; s++) {
		if (*s == '"')
			buf_putc(csv, '"');
		buf_putc(csv, *s);
	}
	buf_putc(csv, '"');
}

/* The keys of a record, or its values; NULL is an empty field. */
static void
put_line(struct buf *csv, struct json_object *record, bool keys)
{
	const char *separator = "";

	json_object_object_foreach(record, key, value)
	{
		buf_puts(csv, separator);
		separator = ",";
		if (keys)
			put_field(csv, key, true);
		else if (value)
			put_field(csv, json_object_get_string(value),
			    json_object_is_type(value, json_type_string));
	}
	buf_puts(csv, "\r\n");
}

static void
put_record(
    struct writer *w, const char *text, struct buf *json, struct buf *csv)
{
	struct json_object *record = json_tokener_parse(text), *picture;

	mem_need(record);
	buf_puts(json, json->len > 1 ? ",\n" : "\n");
	buf_puts(json, text);
	if (csv->len == 0)
		put_line(csv, record, true);
	put_line(csv, record, false);
	if (json_object_object_get_ex(record, "picture", &picture) && picture)
		w->picture = mem_text(w->mem, json_object_get_string(picture));
	json_object_put(record);
}

/* Reads a table in batches. */
static enum err
read_table(
    struct writer *w, enum stmt statement, struct buf *json, struct buf *csv)
{
	int64_t after = 0;
	struct rows rows;
	enum err e;

	buf_putc(json, '[');
	do {
		TALLOC_CTX *batch = mem_need(talloc_new(w->mem));

		e = query_all(batch, w->db, &rows, statement,
		    arg_id(w->user_id), arg_id(after), arg_id(BATCH));
		for (int i = 0; !e && i < rows.count; i++) {
			struct row row;

			rows_at(&rows, i, &row);
			after = row_id(&row, "key");
			put_record(w, row_text(&row, "record"), json, csv);
		}
		talloc_free(batch);
		if (!e && w->limit &&
		    w->written + json->len + csv->len > w->limit)
			e = ERR_TOO_LARGE;
	} while (!e && rows.count == BATCH);
	buf_puts(json, "\n]\n");
	w->written += json->len + csv->len;
	return e;
}

/* The bytes must live until the archive is closed. */
static enum err
add_file(struct writer *w, const char *name, const void *p, size_t n)
{
	zip_source_t *source = zip_source_buffer(w->zip, p, n, 0);

	if (source && zip_file_add(w->zip, name, source, ZIP_FL_ENC_UTF_8) >= 0)
		return ERR_OK;
	log_error("export: %s: %s", name, zip_strerror(w->zip));
	zip_source_free(source);
	return ERR_INTERNAL;
}

static enum err
add_table(struct writer *w, const struct table *t)
{
	struct buf json, csv;
	enum err e;

	buf_init(&json, w->mem, FILE_SIZE);
	buf_init(&csv, w->mem, FILE_SIZE);
	e = read_table(w, t->statement, &json, &csv);
	if (!e)
		e = add_file(w, mem_printf(w->mem, "json/%s.json", t->name),
		    json.data, json.len);
	if (!e)
		e = add_file(w, mem_printf(w->mem, "csv/%s.csv", t->name),
		    csv.data, csv.len);
	return e;
}

/* A picture that is missing on this host is left out. */
static enum err
add_picture(struct writer *w, const char *media_root)
{
	const char *name = strrchr(w->picture, '/');
	int fd = open(mem_printf(w->mem, "%s/%s", media_root, w->picture),
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	ssize_t n;
	char *p;

	if (fd < 0)
		return ERR_OK;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size > PICTURE_MAX) {
		close(fd);
		return ERR_OK;
	}
	p = mem_array(w->mem, char, (size_t)st.st_size + 1);
	n = read(fd, p, (size_t)st.st_size);
	close(fd);
	if (n < 0)
		return ERR_OK;
	return add_file(w,
	    mem_printf(w->mem, "picture/%s", name ? name + 1 : w->picture), p,
	    (size_t)n);
}

/* Copies the bytes of the closed archive. */
static enum err
take_bytes(TALLOC_CTX *mem, zip_source_t *source, struct archive *out)
{
	zip_stat_t st;

	if (zip_source_stat(source, &st) < 0 || !(st.valid & ZIP_STAT_SIZE) ||
	    zip_source_open(source) < 0)
		return ERR_INTERNAL;
	out->len = (size_t)st.size;
	out->data = mem_array(mem, unsigned char, out->len);
	if (zip_source_read(source, out->data, out->len) !=
	    (zip_int64_t)out->len)
		out->data = NULL;
	zip_source_close(source);
	return out->data ? ERR_OK : ERR_INTERNAL;
}

/* All files. */
static enum err
fill(struct writer *w, const char *media_root)
{
	enum err e = ERR_OK;
	size_t i;

	if (w->shown) /* compression is the last step */
		progress_begin(
		    w->shown, "making the archive", array_len(tables) + 1);
	for (i = 0; !e && i < array_len(tables); i++) {
		e = add_table(w, &tables[i]);
		if (w->shown)
			progress_at(w->shown, (int64_t)i + 1);
	}
	if (!e && w->picture)
		e = add_picture(w, media_root);
	return e;
}

enum err
archive_make(TALLOC_CTX *mem, struct db *db, int64_t user_id,
    const char *media_root, size_t limit, struct progress *shown,
    struct archive *out)
{
	zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, NULL);
	struct writer w = { mem_need(talloc_new(mem)), db, user_id, NULL, limit,
		0, NULL, shown };
	enum err e;

	mem_need(source);
	zip_source_keep(source); /* zip_close() gives up its own reference */
	w.zip = mem_need(zip_open_from_source(source, ZIP_TRUNCATE, NULL));
	e = fill(&w, media_root);
	if (!e && zip_close(w.zip) < 0) {
		log_error("export: %s", zip_strerror(w.zip));
		e = ERR_INTERNAL;
	} else if (!e) {
		w.zip = NULL;
		e = take_bytes(mem, source, out);
	}
	if (shown && e)
		progress_clear(shown);
	else if (shown)
		progress_end(shown);
	if (w.zip)
		zip_discard(w.zip);
	zip_source_free(source);
	talloc_free(w.mem);
	return e;
}
