/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table of errors: status and slug of each (errors.def).
 */
#include "base/base.h"

static const struct {
	int status;
	const char *slug;
} errors[ERR__MAX] = {
	[ERR_OK] = { 200, "ok" },
#define ERROR(NAME, STATUS, SLUG) [ERR_##NAME] = { STATUS, SLUG },
#include "base/errors.def"
#undef ERROR
};

int
err_status(enum err e)
{
	assert(e < ERR__MAX);
	return errors[e].status;
}

const char *
err_slug(enum err e)
{
	assert(e < ERR__MAX);
	return errors[e].slug;
}
