/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file of setting model_file, as text and as JSON.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "ctl/recommend/model.h"

void
ctl_model_here(TALLOC_CTX *mem, const char *path, struct ctl_model *out)
{
	*out = (struct ctl_model){ .path = path };
	if (model_file_map(mem, path, &out->model, &out->stamp, &out->why))
		out->model = NULL;
}

void
ctl_model_json(struct json *j, const struct ctl_model *m)
{
	char text[MODEL_CHECKSUM_TEXT], iso[CLOCK_ISO_SIZE];

	json_key(j, "file");
	json_text(j, m->path);
	if (!m->model) {
		json_key(j, "version");
		json_null(j);
		json_key(j, "error");
		json_text(j, m->why);
		return;
	}
	model_file_checksum_text(&m->stamp, text);
	clock_iso(iso, m->stamp.trained_at * 1000000);
	json_key(j, "version");
	json_int(j, (int64_t)m->stamp.version);
	json_key(j, "error");
	json_null(j);
	json_key(j, "checksum");
	json_text(j, text);
	json_key(j, "trained_at");
	json_text(j, iso);
	json_key(j, "age_seconds");
	json_int(j, clock_now_us() / 1000000 - m->stamp.trained_at);
	json_key(j, "movies");
	json_int(j, m->model->items);
	json_key(j, "factors");
	json_int(j, m->model->factors);
}

void
ctl_model_print(const struct ctl_model *m)
{
	char age[CLOCK_AGE_SIZE];

	if (!m->model) {
		printf("no model (%s: %s)", m->path, m->why);
		return;
	}
	clock_age(age, clock_now_us() / 1000000 - m->stamp.trained_at);
	printf("model %" PRIu64 ", %s old, %" PRIu32 " movie%s",
	    m->stamp.version, age, m->model->items, PLURAL(m->model->items));
}
