/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an administrator does about a database that mxmctl cannot use.
 */
#ifndef CTL_ADVICE_H
#define CTL_ADVICE_H

#include "base/base.h"

#include "ctl/ctl.h"

/*
 * The command that mends what the complaint of db_complaint() says, or where to
 * look when it is none we know. Below ctl->mem; no full stop.
 */
const char *advice_database(const struct ctl *ctl, const char *complaint);

#endif
