/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * COPY … FROM STDIN and COPY … TO STDOUT.
 */
#include "base/base.h"

#include <libpq-fe.h>

#include "base/buf.h"
#include "base/mem.h"
#include "db/conn.h"
#include "db/copy.h"
#include "db/sqlstate.h"

#define CHUNK ((size_t)64 * 1024)

/* ---------------------------------------------------------------- loading */

struct copy {
	struct db *db;
	const char *name;
	struct buf out;
};

static void
abandon(struct copy *c, const char *why)
{
	struct db *db = c->db;

	if (!db->in_copy)
		return;
	db->in_copy = false;
	if (db->conn && PQputCopyEnd(db->conn, why) == 1)
		PQclear(conn_wait(db));
	else
		conn_drop(db);
}

static int
copy_destroy(struct copy *c)
{
	abandon(c, "given up");
	return 0;
}

/* Sends the statement, in both directions. */
static enum err
begin(struct db *db, enum stmt s)
{
	const struct stmt_info *info = stmt_info(s);
	enum err e;

	assert(info->mode == STMT_COPY && !db->in_copy);
	if (db->in_tx && !db->conn)
		return ERR_UNAVAILABLE;
	e = db_ready(db);
	if (!e)
		e = conn_command(db, info->name, info->text, NULL);
	db->in_copy = !e;
	return e;
}

enum err
copy_begin(TALLOC_CTX *mem, struct db *db, enum stmt s, struct copy **out)
{
	struct copy *c;
	enum err e = begin(db, s);

	if (e)
		return e;
	c = mem_new(mem, struct copy);
	c->db = db;
	c->name = stmt_info(s)->name;
	buf_init(&c->out, c, CHUNK + 1024);
	talloc_set_destructor(c, copy_destroy);
	*out = c;
	return ERR_OK;
}

/* Errors of the server are reported at the end; here only a lost connection. */
static enum err
send_chunk(struct copy *c)
{
	int sent;

	if (!c->db->conn)
		return ERR_UNAVAILABLE;
	if (c->out.len == 0)
		return ERR_OK;
	sent = PQputCopyData(c->db->conn, c->out.data, (int)c->out.len);
	buf_cut(&c->out, 0);
	if (sent == 1)
		return ERR_OK;
	c->db->in_copy = false;
	return conn_check(c->db, c->name, NULL);
}

static enum err
send_full(struct copy *c)
{
	return c->out.len >= CHUNK ? send_chunk(c) : ERR_OK;
}

/* A field of many megabytes is sent in pieces. */
static enum err
add_field(struct copy *c, const char *s)
{
	struct buf *b = &c->out;
	size_t n, part;
	enum err e = ERR_OK;

	if (!s)
		buf_puts(b, "\\N");
	while (!e && s && *s) {
		for (n = strcspn(s, "\\\t\n\r"); !e && n > 0; n -= part) {
			part = n < CHUNK ? n : CHUNK;
			buf_add(b, s, part);
			s += part;
			e = send_full(c);
		}
		if (e || !*s)
			break;
		buf_putc(b, '\\');
		buf_putc(b, *s == '\t' ? 't' :
			    *s == '\n' ? 'n' :
			    *s == '\r' ? 'r' :
					 '\\');
		s++;
	}
	return e;
}

enum err
copy_row(struct copy *c, const char *const *fields, int n)
{
	enum err e = ERR_OK;

	assert(n > 0);
	for (int i = 0; !e && i < n; i++) {
		if (i > 0)
			buf_putc(&c->out, '\t');
		e = add_field(c, fields[i]);
	}
	if (e)
		return e;
	buf_putc(&c->out, '\n');
	return send_full(c);
}

enum err
copy_end(struct copy *c, long *rows)
{
	struct db *db = c->db;
	PGresult *res = NULL;
	enum err e;

	e = send_chunk(c);
	if (!e) {
		if (PQputCopyEnd(db->conn, NULL) == 1)
			res = conn_wait(db);
		e = conn_check(db, c->name, res);
		if (!e && rows)
			*rows = strtol(PQcmdTuples(res), NULL, 10);
		PQclear(res);
	}
	db->in_copy = false;
	talloc_free(c);
	return e;
}

void
copy_abort(struct copy *c, const char *why)
{
	abandon(c, why);
	talloc_free(c);
}

/* ---------------------------------------------------------------- reading */

struct copy_reader {
	struct db *db;
	const char *name;
	char *text; /* of copy_read_text() */
};

/* Discards remaining rows; the connection stays usable. */
static int
reader_destroy(struct copy_reader *r)
{
	struct db *db = r->db;
	char *row;

	PQfreemem(r->text);
	if (!db->in_copy)
		return 0;
	db->in_copy = false;
	conn_cancel(db);
	while (db->conn && conn_copied(db, &row))
		PQfreemem(row);
	if (db->conn)
		PQclear(conn_wait(db));
	return 0;
}

enum err
copy_read_begin(
    TALLOC_CTX *mem, struct db *db, enum stmt s, struct copy_reader **out)
{
	struct copy_reader *r;
	enum err e = begin(db, s);

	if (e)
		return e;
	r = mem_new(mem, struct copy_reader);
	r->db = db;
	r->name = stmt_info(s)->name;
	talloc_set_destructor(r, reader_destroy);
	*out = r;
	return ERR_OK;
}

/* Checks the result after the last row. */
static enum err
read_end(struct copy_reader *r)
{
	struct db *db = r->db;
	PGresult *res = db->conn ? conn_wait(db) : NULL;
	enum err e = conn_check(db, r->name, res);

	PQclear(res);
	db->in_copy = false;
	talloc_free(r);
	return e ? e : ERR_NOT_FOUND;
}

/* One field up to its tab or line feed; advances past it. */
static bool
take_number(const char **s, int64_t *out)
{
	char *end;

	if (**s != '-' && (**s < '0' || **s > '9'))
		return false;
	errno = 0;
	*out = strtoll(*s, &end, 10);
	if (errno != 0 || (*end != '\t' && *end != '\n'))
		return false;
	*s = end + 1;
	return true;
}

enum err
copy_read_row(struct copy_reader *r, int64_t *numbers, int n)
{
	const char *s;
	char *row;
	int i = 0;

	assert(n > 0);
	if (!conn_copied(r->db, &row))
		return read_end(r);
	for (s = row; i < n && take_number(&s, &numbers[i]);)
		i++;
	if (i == n && !*s) {
		PQfreemem(row);
		return ERR_OK;
	}
	conn_set_error(r->db, "%s: \"%.*s\" is not %d whole numbers", r->name,
	    (int)strcspn(row, "\n"), row, n);
	PQfreemem(row);
	talloc_free(r);
	return ERR_INVALID;
}

/* Of what the server escapes, JSON contains only backslashes. */
enum err
copy_read_text(struct copy_reader *r, const char **text, size_t *n)
{
	char *to;

	PQfreemem(r->text);
	r->text = NULL;
	if (!conn_copied(r->db, &r->text)) {
		r->text = NULL;
		return read_end(r);
	}
	to = r->text;
	for (const char *s = to; *s; s++) {
		*to++ = *s;
		s += *s == '\\' && s[1] == '\\';
	}
	*to = '\0';
	*text = r->text;
	*n = (size_t)(to - r->text);
	return ERR_OK;
}
