/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Loads the model in force. A file is identified by device, inode, size and
 * time; only a new one is opened and validated. If the mapped file itself is
 * modified, there is no old version to continue with.
 */
#include "base/base.h"

#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "recommend/loader.h"

struct loader {
	const char *path;
	const struct model *model; /* NULL: none */
	struct stamp stamp;
	struct stat mapped;  /* its file */
	struct stat checked; /* the file that was last opened, valid or not */
	bool has_checked;
};

struct loader *
loader_new(TALLOC_CTX *mem, const char *path)
{
	struct loader *s = mem_new(mem, struct loader);

	s->path = path;
	return s;
}

/* false: it was replaced, and the mapped file has no name any more. */
static bool
is_mapped(const struct loader *s, const struct stat *now)
{
	return s->model && file_is_same_inode(&s->mapped, now);
}

static void
unload(struct loader *s)
{
	talloc_free((void *)(uintptr_t)s->model);
	s->model = NULL;
	s->stamp = (struct stamp){ .version = 0 };
}

static void
reload(struct loader *s)
{
	static const char without[] = "continuing without a model";
	const struct model *model;
	struct stamp stamp;
	struct stat now;
	const char *why;
	enum err e;

	if (model_is_truncated(s->model)) {
		log_event(LOG_LEVEL_ERROR, EVENT_MODEL_REFUSED,
		    "%s: model %" PRIu64
		    " was truncated while it was in force; %s",
		    s->path, s->stamp.version, without);
		unload(s);
	}
	if (stat(s->path, &now) != 0)
		return; /* the mapped file stays valid */
	if (s->has_checked && file_is_same(&now, &s->checked))
		return;
	s->checked = now;
	s->has_checked = true;
	e = model_file_map(s, s->path, &model, &stamp, &why);
	if (e == ERR_NOT_FOUND)
		return;
	if (e) {
		if (is_mapped(s, &now))
			unload(s); /* it was modified in place */
		log_event(LOG_LEVEL_ERROR, EVENT_MODEL_REFUSED, "%s: %s; %s",
		    s->path, why,
		    s->model ? "continuing with the model before it" : without);
		return;
	}
	unload(s);
	s->model = model;
	s->mapped = now;
	s->stamp = stamp;
	log_debug("model %" PRIu64 " is in force", stamp.version);
}

const struct model *
loader_model(struct loader *s)
{
	reload(s);
	return s->model;
}

const struct stamp *
loader_stamp(const struct loader *s)
{
	return &s->stamp;
}
