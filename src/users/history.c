/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The import of what the caller has stored at another site: uploaded here, done
 * by mxm-jobs (jobs/history.c, import/history.h).
 */
#include "base/base.h"

#include "api/api.h"
#include "base/conf.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/body.h"
#include "http/handlers.h"
#include "i18n/msg.h"

#define NAME_MAX_CHARS 255
#define RETRY          "2" /* seconds */

const struct field history_input[] = {
	{ "file", FROM_FILE, T_FILE, REQUIRED | HISTORY },
	{ "dry_run", FROM_BODY, T_BOOL, NULLABLE },
	{ "replace", FROM_BODY, T_BOOL, NULLABLE },
	{ 0 },
};

static const struct column shape[] = {
	{ "state", C_TEXT, NULL },
	{ "progress", C_INT, NULL },
	{ "name", C_TEXT, NULL },
	{ "dry_run", C_BOOL, NULL },
	{ "replace", C_BOOL, NULL },
	{ "requested_at", C_TIME, NULL },
	{ "finished_at", C_TIME, NULL },
	{ "failure", C_TEXT, NULL },
	{ "detail", C_TEXT, NULL },
	{ "report", C_JSON, NULL },
	{ NULL, C_NULL, NULL },
};

/* The texts of the words in column failure and of the reasons in a report. */
static const struct word {
	const char *word;
	enum msg msg;
} failures[] = {
	{ "format", MSG_HISTORY_FORMAT },
	{ "encrypted", MSG_HISTORY_ENCRYPTED },
	{ "broken", MSG_HISTORY_BROKEN },
	{ "too_large", MSG_HISTORY_TOO_LARGE },
	{ "internal", MSG_HISTORY_INTERNAL },
}, reasons[] = {
	{ "ambiguous", MSG_HISTORY_AMBIGUOUS },
	{ "bad_rating", MSG_HISTORY_BAD_RATING },
	{ "bad_record", MSG_HISTORY_BAD_RECORD },
	{ "list_not_private", MSG_HISTORY_LIST_NOT_PRIVATE },
	{ "no_rating", MSG_HISTORY_NO_RATING },
	{ "no_title", MSG_HISTORY_NO_TITLE },
	{ "no_year", MSG_HISTORY_NO_YEAR },
	{ "not_a_film", MSG_HISTORY_NOT_A_FILM },
	{ "not_found", MSG_HISTORY_NOT_FOUND },
	{ "removed", MSG_HISTORY_REMOVED },
	{ "too_long", MSG_HISTORY_TOO_LONG },
};

/* The name of the file without its path; "": none that can be stored. */
static const char *
file_name(const struct upload *file)
{
	const char *name = file->filename, *slash;

	while ((slash = strpbrk(name, "/\\")) != NULL)
		name = slash + 1;
	if (!text_is_utf8(name, strlen(name)) ||
	    text_length(name) > NAME_MAX_CHARS)
		return "";
	return name;
}

/* Queues the import of a file. */
enum err
history_start(struct req *r)
{
	const struct upload *file = input_of(r, "file")->file;
	const char *args[3] = { NULL };
	struct row row;
	enum err e;

	if (!file || file->len == 0 || file->len > r->conf->import_limit) {
		args[0] = msg_size(r->mem, r->lang, r->conf->import_limit);
		add_error(r, ERR_INVALID, "file", MSG_HISTORY_FILE, args);
		return ERR_INVALID;
	}
	bind_arg(r, "name", arg_text(file_name(file)));
	bind_arg(r, "file", arg_bytes(file->data, file->len));
	bind_arg(r, "dry_run", arg_bool(input_bool(r, "dry_run")));
	bind_arg(r, "replace", arg_bool(input_bool(r, "replace")));
	e = run_one(r, SQL_history_start, &row);
	if (e)
		return e;
	reply_header(r, "Retry-After", RETRY);
	return reply_text(
	    r, 202, "status", msg_text(r->lang, MSG_HISTORY_PENDING));
}

/* The texts of all reasons, in the language of the caller. */
static void
put_reasons(struct req *r, struct json *j)
{
	json_key(j, "reasons");
	json_object(j);
	for (size_t i = 0; i < array_len(reasons); i++) {
		json_key(j, reasons[i].word);
		json_text(j, msg_text(r->lang, reasons[i].msg));
	}
	json_object_end(j);
}

static const char *
failure_text(struct req *r, const char *failure)
{
	for (size_t i = 0; failure && i < array_len(failures); i++) {
		if (strcmp(failures[i].word, failure) == 0)
			return msg_text(r->lang, failures[i].msg);
	}
	return NULL;
}

/* The state of the last import, and its report. */
enum err
history_get(struct req *r)
{
	struct json *j;
	struct row row;
	enum err e;

	e = run_one(r, SQL_history_get, &row);
	if (e)
		return e;
	j = reply_json(r, 200);
	json_object(j);
	shape_columns(r, j, &row, shape);
	json_key(j, "message");
	json_text(j, failure_text(r, row_text(&row, "failure")));
	put_reasons(r, j);
	json_object_end(j);
	return reply_done(r, j);
}
