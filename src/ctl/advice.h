/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Remedies for database errors.
 */
#ifndef CTL_ADVICE_H
#define CTL_ADVICE_H

#include "base/base.h"

#include "ctl/ctl.h"

/*
 * The remedy for an error message of db_error(), or general advice if the
 * message is not known. Allocated below ctl->mem; without a full stop.
 */
const char *advice_database(const struct ctl *ctl, const char *error);

/*
 * The last error of `db` and, unless it has one itself, a remedy. Below
 * ctl->mem.
 */
const char *advice_error(const struct ctl *ctl, struct db *db);

#endif
