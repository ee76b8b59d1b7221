/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files that commands write into directories of drop-ins: conf.d beside the
 * settings, and those of systemd.
 */
#ifndef CTL_DROPIN_H
#define CTL_DROPIN_H

#include "base/base.h"

#include "ctl/ctl.h"

/*
 * Writes <folder>/<name> atomically. The folder is created if it is missing,
 * with the owner and the permissions of its parent; the file gets those of
 * `like`. NULL: errno is the reason; else the path, below ctl->mem.
 */
const char *dropin_write(const struct ctl *ctl, const char *folder,
    const char *name, const char *text, const char *like);

/* The directory conf.d beside the settings. */
const char *dropin_conf_d(const struct ctl *ctl);

#endif
