/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Publishing: the file is stored in chunks, in one transaction with its row,
 * the deletion of old models and the notification; it is never in memory as a
 * whole. Movies are marked after the transaction.
 */
#include "base/base.h"

#include <sodium.h>

#include "base/log.h"
#include "base/mem.h"
#include "db/query.h"
#include "db/tx.h"
#include "recommend/publish.h"

#define CHUNK    ((size_t)1 << 20)
#define LIST_MAX 100

/* A publication in progress. */
struct publication {
	TALLOC_CTX *mem;
	struct db *db;
	const struct model *model;
	const char *quality;
	struct stamp *stamp;
	int64_t id; /* of the row; 0: not inserted yet */
	int number; /* of the next chunk */
	size_t held;
	char *chunk;
};

static enum err
insert_model(struct publication *p)
{
	char checksum[MODEL_CHECKSUM_TEXT];
	struct row row;
	enum err e;

	model_file_checksum_text(p->stamp, checksum);
	e = query_one(p->mem, p->db, &row, SQL_model_insert,
	    arg_id((int64_t)p->stamp->version), arg_text(checksum),
	    arg_id((int64_t)p->stamp->size), arg_text(p->quality),
	    arg_double((double)p->stamp->trained_at));
	if (!e)
		p->id = row_id(&row, "id");
	return e;
}

static enum err
flush(struct publication *p)
{
	size_t n = p->held;

	if (n == 0)
		return ERR_OK;
	p->held = 0;
	return query_exec(p->mem, p->db, NULL, SQL_model_chunk_insert,
	    arg_id(p->id), arg_int(p->number++), arg_bytes(p->chunk, n));
}

/* model_file_write() fills the stamp before the first piece. */
static enum err
take_piece(void *arg, const void *piece, size_t n)
{
	struct publication *p = arg;
	const char *from = piece;
	enum err e = p->id ? ERR_OK : insert_model(p);

	while (!e && n > 0) {
		size_t part = n < CHUNK - p->held ? n : CHUNK - p->held;

		memcpy(p->chunk + p->held, from, part);
		p->held += part;
		from += part;
		n -= part;
		if (p->held == CHUNK)
			e = flush(p);
	}
	return e;
}

/*
 * Marks the movies of the model in force, in batches, so that requests that
 * rate one of them do not wait long. A wrong mark does little harm, because
 * workers look the movie up in the model; the next publication corrects it.
 */
static void
mark_movies(
    TALLOC_CTX *mem, struct db *db, const struct model *m, uint64_t version)
{
	long marked = 0;
	enum err e;

	do {
		TALLOC_CTX *scratch = mem_need(talloc_new(mem));

		e = query_exec(scratch, db, &marked, SQL_model_movies,
		    arg_int_array(m->id, m->items), arg_id((int64_t)version));
		talloc_free(scratch);
	} while (!e && marked > 0);
	if (e)
		log_warn(
		    "not all movies of the model are marked: %s", db_error(db));
}

static enum err
prune(struct publication *p)
{
	enum err e = query_exec(
	    p->mem, p->db, NULL, SQL_model_prune, arg_id(PUBLISH_KEPT));

	if (e)
		return e;
	return query_exec(
	    p->mem, p->db, NULL, SQL_model_prune_withdrawn, NO_ARGS);
}

static enum err
publish(void *arg)
{
	struct publication *p = arg;
	struct row row;
	enum err e;

	p->id = 0;
	p->number = 0;
	p->held = 0;
	e = query_exec(p->mem, p->db, NULL, SQL_model_lock, NO_ARGS);
	if (!e)
		e = query_one(p->mem, p->db, &row, SQL_model_next, NO_ARGS);
	if (e)
		return e;
	*p->stamp =
	    (struct stamp){ .version = (uint64_t)row_id(&row, "version"),
		    .trained_at = row_id(&row, "now") };
	e = model_file_write(p->model, p->stamp, take_piece, p);
	if (!e)
		e = flush(p);
	if (!e)
		e = prune(p);
	if (!e)
		e = query_exec(p->mem, p->db, NULL, SQL_model_notify, NO_ARGS);
	return e;
}

enum err
publish_model(TALLOC_CTX *mem, struct db *db, const struct model *m,
    const char *quality, struct stamp *stamp)
{
	TALLOC_CTX *scratch = mem_need(talloc_new(mem));
	struct publication p = { .mem = scratch,
		.db = db,
		.model = m,
		.quality = quality,
		.stamp = stamp,
		.chunk = mem_array(scratch, char, CHUNK) };
	enum err e = tx_run(db, publish, &p);

	if (!e)
		mark_movies(scratch, db, m, stamp->version);
	talloc_free(scratch);
	return e;
}

/* -------------------------------------------------------- published models */

/* The texts of the row are borrowed. */
static void
read_published(const struct row *row, struct published *out)
{
	const char *checksum = row_text(row, "checksum");
	size_t n;

	*out = (struct published){
		.id = row_id(row, "id"),
		.stamp = { .version = (uint64_t)row_id(row, "version"),
		    .trained_at = row_id(row, "trained_at"),
		    .size = (uint64_t)row_id(row, "size") },
		.published_at = row_id(row, "published_at"),
		.quality = row_text(row, "quality"),
		.ndcg = row_double(row, "ndcg"),
	};
	/* An invalid checksum matches no file. */
	if (sodium_hex2bin(out->stamp.checksum, MODEL_CHECKSUM, checksum,
		strlen(checksum), NULL, &n, NULL) != 0 ||
	    n != MODEL_CHECKSUM)
		memset(out->stamp.checksum, 0, MODEL_CHECKSUM);
}

enum err
publish_newest(TALLOC_CTX *mem, struct db *db, struct published *out)
{
	struct row row;
	enum err e = query_one(mem, db, &row, SQL_model_newest, NO_ARGS);

	if (!e)
		read_published(&row, out);
	return e;
}

enum err
publish_list(TALLOC_CTX *mem, struct db *db, struct published **out, size_t *n)
{
	struct rows rows;
	struct row row;
	enum err e =
	    query_all(mem, db, &rows, SQL_model_list, arg_id(LIST_MAX));

	if (e)
		return e;
	*n = (size_t)rows.count;
	*out = mem_array(mem, struct published, *n + 1);
	for (int i = 0; i < rows.count; i++) {
		rows_at(&rows, i, &row);
		read_published(&row, *out + i);
	}
	return ERR_OK;
}

/* ---------------------------------------------------------------- rollback */

struct rollback {
	TALLOC_CTX *mem;
	struct db *db;
	struct published *out;
	const char **why;
	const struct model *model; /* in force afterwards */
};

static enum err
roll_back(void *arg)
{
	struct rollback *r = arg;
	const struct model *model;
	struct rows rows;
	struct row row;
	enum err e;

	e = query_exec(r->mem, r->db, NULL, SQL_model_lock, NO_ARGS);
	if (!e)
		e = query_all(
		    r->mem, r->db, &rows, SQL_model_newest_two, NO_ARGS);
	if (e)
		return e;
	if (rows.count < 2)
		return rows.count == 0 ? ERR_NOT_FOUND : ERR_CONFLICT;
	rows_at(&rows, 1, &row);
	read_published(&row, r->out);
	e = publish_open(r->mem, r->db, r->out, &model, r->why);
	if (e)
		return e;
	rows_at(&rows, 0, &row);
	e = query_exec(r->mem, r->db, NULL, SQL_model_withdraw,
	    arg_id(row_id(&row, "id")));
	if (!e)
		e = query_exec(
		    r->mem, r->db, NULL, SQL_model_renew, arg_id(r->out->id));
	if (!e)
		e = query_exec(r->mem, r->db, NULL, SQL_model_notify, NO_ARGS);
	r->model = model;
	return e;
}

enum err
publish_rollback(
    TALLOC_CTX *mem, struct db *db, struct published *out, const char **why)
{
	struct rollback r = { .mem = mem, .db = db, .out = out, .why = why };
	enum err e;

	*why = NULL;
	e = tx_run(db, roll_back, &r);
	if (!e)
		mark_movies(mem, db, r.model, out->stamp.version);
	return e;
}
