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

#endif
