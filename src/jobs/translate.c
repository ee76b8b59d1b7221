/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Job translate: sends the texts of a request to DeepL in one call and stores
 * the answer. If the provider fails, the texts are given up and the job fails,
 * which pauses translations for a minute; if it refuses these texts, only they
 * are not sent again for some time.
 */
#include "base/base.h"

#include <json-c/json.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "db/query.h"
#include "http/jsonscan.h"
#include "i18n/lang.h"
#include "jobs/jobs.h"
#include "net/fetch.h"

#define TEXTS_MAX  50 /* DeepL's limit, and the LIMIT of the statement */
#define ANSWER_MAX (4 * 1024 * 1024)
#define DEPTH_MAX  8
#define TEXT_MAX   100000 /* characters, as in the database */

struct task {
	struct job *job;
	int64_t id[TEXTS_MAX];
	const char *text[TEXTS_MAX]; /* the source, then the translation */
	size_t n;
	enum lang lang;
};

static enum err
read_task(struct task *t)
{
	struct job *job = t->job;
	struct rows rows;
	enum err e;

	e = query_all(job->mem, job->in->db, &rows, SQL_translation_sources,
	    arg_id(job->id));
	if (e)
		return e;
	for (int i = 0; i < rows.count; i++) {
		struct row row;

		rows_at(&rows, i, &row);
		t->id[t->n] = row_id(&row, "id");
		t->text[t->n++] = row_text(&row, "source");
		(void)lang_parse(row_text(&row, "language"), &t->lang);
	}
	return ERR_OK;
}

static const char *
make_body(const struct task *t)
{
	static const char *const targets[LANG__MAX] = {
		[LANG_EN] = "EN-US",
		[LANG_ES] = "ES",
		[LANG_FR] = "FR",
		[LANG_DE] = "DE",
	};
	struct json_object *root = mem_need(json_object_new_object());
	struct json_object *list = mem_need(json_object_new_array());
	const char *body;

	for (size_t i = 0; i < t->n; i++)
		json_object_array_add(
		    list, mem_need(json_object_new_string(t->text[i])));
	json_object_object_add(root, "text", list);
	json_object_object_add(root, "target_lang",
	    mem_need(json_object_new_string(targets[t->lang])));
	body = mem_text(t->job->mem, json_object_to_json_string(root));
	json_object_put(root);
	return body;
}

/* Keys of the free plan end in :fx and have a server of their own. */
static const char *
url_of(TALLOC_CTX *mem, const struct conf *conf)
{
	size_t n = strlen(conf->translate_key);
	bool is_free =
	    n >= 3 && strcmp(conf->translate_key + n - 3, ":fx") == 0;
	const char *server =
	    is_free ? "https://api-free.deepl.com" : "https://api.deepl.com";

	if (*conf->translate_url)
		server = conf->translate_url;
	return mem_printf(mem, "%s/v2/translate", server);
}

/* A text of the answer; NULL: it is none that can be stored. */
static const char *
take_text(TALLOC_CTX *mem, struct json_object *item)
{
	struct json_object *text;
	const char *s;
	size_t n;

	if (!json_object_is_type(item, json_type_object) ||
	    !json_object_object_get_ex(item, "text", &text) ||
	    !json_object_is_type(text, json_type_string))
		return NULL;
	s = json_object_get_string(text);
	n = (size_t)json_object_get_string_len(text);
	if (strlen(s) != n || !text_is_utf8(s, n) || text_length(s) > TEXT_MAX)
		return NULL;
	return mem_text(mem, s);
}

/* Puts the translations into the task; false: the answer is none. */
static bool
take_texts(struct task *t, struct json_object *root)
{
	struct json_object *list;

	if (!json_object_is_type(root, json_type_object) ||
	    !json_object_object_get_ex(root, "translations", &list) ||
	    !json_object_is_type(list, json_type_array) ||
	    json_object_array_length(list) != t->n)
		return false;
	for (size_t i = 0; i < t->n; i++) {
		t->text[i] =
		    take_text(t->job->mem, json_object_array_get_idx(list, i));
		if (!t->text[i])
			return false;
	}
	return true;
}

static bool
read_answer(struct task *t, const struct fetch_answer *answer)
{
	struct json_tokener *tokener = mem_need(json_tokener_new_ex(DEPTH_MAX));
	struct json_object *root;
	bool good;

	json_tokener_set_flags(tokener, json_flags());
	root = json_tokener_parse_ex(tokener, answer->body, (int)answer->len);
	good = root && json_tokener_get_parse_end(tokener) == answer->len &&
	       take_texts(t, root);
	json_object_put(root);
	json_tokener_free(tokener);
	return good;
}

/* ERR_INVALID: the provider refuses these texts. Others: it fails. */
static enum err
call(struct task *t)
{
	struct job *job = t->job;
	const struct conf *conf = job->in->conf;
	struct fetch request = {
		.url = url_of(job->mem, conf),
		.form = make_body(t),
		.body_type = "application/json",
		.header = mem_printf(job->mem,
		    "Authorization: DeepL-Auth-Key %s", conf->translate_key),
		.trace = job->trace,
		.ca_file = conf->ca_file,
		.max_bytes = ANSWER_MAX,
		.timeout_ms = (int)conf->translate_timeout,
	};
	struct fetch_answer answer;
	enum err e;

	e = fetch(job->mem, &request, &answer, &job->why);
	if (e)
		return ERR_UPSTREAM;
	job->why = mem_printf(job->mem, "the translator answered %d%s",
	    answer.status,
	    answer.status == 456 ? ": the quota of the key is used up" : "");
	if (answer.status == 400 || answer.status == 413)
		return ERR_INVALID;
	if (answer.status != 200)
		return ERR_UPSTREAM;
	job->why = "the answer of the translator is not as documented";
	return read_answer(t, &answer) ? ERR_OK : ERR_UPSTREAM;
}

enum err
translate(struct job *job)
{
	struct task t = { .job = job };
	struct db *db = job->in->db;
	enum err e, stored;

	e = read_task(&t);
	if (e || t.n == 0)
		return e;
	e = call(&t);
	if (e == ERR_OK)
		return query_exec(job->mem, db, NULL, SQL_translation_store,
		    arg_id(job->id), arg_int_array(t.id, t.n),
		    arg_text_array(t.text, t.n));
	if (e == ERR_INVALID) {
		log_warn("job %" PRId64 " translate: %s", job->id, job->why);
		return query_exec(job->mem, db, NULL, SQL_translation_refuse,
		    arg_id(job->id));
	}
	stored = query_exec(
	    job->mem, db, NULL, SQL_translation_give_up, arg_id(job->id));
	return stored ? stored : e;
}
