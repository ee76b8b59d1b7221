/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Steps of mxmctl recommend: progress, and how a step ends.
 */
#include "base/base.h"

#include <stdarg.h>
#include <sysexits.h>

#include "ctl/advice.h"
#include "ctl/recommend/recommend.h"
#include "db/query.h"

int
recommend_interrupted(struct task *t)
{
	progress_clear(&t->step.progress);
	ctl_error(t->ctl, "interrupted; nothing was written\n");
	return 128 + ctl_stop;
}

int
recommend_db_error(struct task *t)
{
	if (ctl_stop)
		return recommend_interrupted(t);
	progress_clear(&t->step.progress);
	ctl_error(t->ctl, "%s\n", advice_error(t->ctl, t->db));
	return EX_UNAVAILABLE;
}

bool
recommend_ended(struct task *t, enum err e, int *status)
{
	*status = EX_OK;
	if (!e)
		progress_end(&t->step.progress);
	else if (ctl_stop)
		*status = recommend_interrupted(t);
	else
		progress_clear(&t->step.progress);
	return !e || ctl_stop;
}

void
recommend_step(struct task *t, int64_t total, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->step.text, sizeof t->step.text, fmt, ap);
	va_end(ap);
	progress_begin(&t->step.progress, t->step.text, total);
}
