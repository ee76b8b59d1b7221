/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which model is in force. A file is known again by device, inode, size and
 * time; only another one is opened and checked.
 */
#include "base/base.h"

#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "recommend/shelf.h"

#define LOOK_US INT64_C(250000)

struct shelf {
	const char *path;
	const struct model *model; /* NULL: none yet */
	struct stamp stamp;
	struct stat seen; /* of the file that was last opened, good or bad */
	bool looked;
	int64_t look_at;
};

struct shelf *
shelf_new(TALLOC_CTX *mem, const char *path)
{
	struct shelf *s = mem_new(mem, struct shelf);

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

static void
look(struct shelf *s)
{
	const struct model *model;
	struct stamp stamp;
	struct stat now;
	const char *why;
	enum err e;

	if (stat(s->path, &now) != 0)
		return; /* what is mapped stays good */
	if (s->looked && is_same_file(&now, &s->seen))
		return;
	s->seen = now;
	s->looked = true;
	e = file_map(s, s->path, &model, &stamp, &why);
	if (e == ERR_NOT_FOUND)
		return;
	if (e) {
		log_error("%s: %s; %s", s->path, why,
		    s->model ? "going on with the model before it" :
			       "there is no model to go on with");
		return;
	}
	talloc_free((void *)(uintptr_t)s->model);
	s->model = model;
	s->stamp = stamp;
	log_debug("model %" PRIu64 " is in force", stamp.version);
}

const struct model *
shelf_model(struct shelf *s, int64_t now)
{
	if (!s->looked || now >= s->look_at) {
		s->look_at = now + LOOK_US;
		look(s);
	}
	return s->model;
}

const struct stamp *
shelf_stamp(const struct shelf *s)
{
	return &s->stamp;
}
