/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which model is in force. A file is known again by device, inode, size and
 * time; only another one is opened and checked. Where somebody writes into the
 * very file that is mapped, there is nothing to go on with but what it has now.
 */
#include "base/base.h"

#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "recommend/loader.h"

struct loader {
	const char *path;
	const struct model *model; /* NULL: none yet */
	struct stamp stamp;
	struct stat held; /* of its file */
	struct stat seen; /* of the file that was last opened, good or bad */
	bool looked;
};

struct loader *
loader_new(TALLOC_CTX *mem, const char *path)
{
	struct loader *s = mem_new(mem, struct loader);

	s->path = path;
	return s;
}

static bool
is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* false: it has been replaced, and what is held lives on without a name. */
static bool
is_held(const struct loader *s, const struct stat *now)
{
	return s->model && s->held.st_dev == now->st_dev &&
	       s->held.st_ino == now->st_ino;
}

static void
let_go(struct loader *s)
{
	talloc_free((void *)(uintptr_t)s->model);
	s->model = NULL;
	s->stamp = (struct stamp){ .version = 0 };
}

static void
look(struct loader *s)
{
	static const char without[] = "continuing without a model";
	const struct model *model;
	struct stamp stamp;
	struct stat now;
	const char *why;
	enum err e;

	if (model_is_lost(s->model)) {
		log_error("%s: model %" PRIu64
			  " was truncated while it was in force; %s",
		    s->path, s->stamp.version, without);
		let_go(s);
	}
	if (stat(s->path, &now) != 0)
		return; /* what is mapped stays good */
	if (s->looked && is_same_file(&now, &s->seen))
		return;
	s->seen = now;
	s->looked = true;
	e = model_file_map(s, s->path, &model, &stamp, &why);
	if (e == ERR_NOT_FOUND)
		return;
	if (e) {
		if (is_held(s, &now))
			let_go(s); /* it was written into */
		log_error("%s: %s; %s", s->path, why,
		    s->model ? "continuing with the model before it" : without);
		return;
	}
	let_go(s);
	s->model = model;
	s->held = now;
	s->stamp = stamp;
	log_debug("model %" PRIu64 " is in force", stamp.version);
}

const struct model *
loader_model(struct loader *s)
{
	look(s);
	return s->model;
}

const struct stamp *
loader_stamp(const struct loader *s)
{
	return &s->stamp;
}
