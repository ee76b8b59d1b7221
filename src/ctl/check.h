/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The looks of mxmctl check. Each is run in a process of its own and given up
 * after CHECK_SECONDS, so that none can hang the others; none changes anything.
 */
#ifndef CTL_CHECK_H
#define CTL_CHECK_H

#include "base/base.h"

#include "base/conf.h"
#include "base/mem.h"
#include "ctl/ctl.h"

#define CHECK_SECONDS 12

struct findings;

/*
 * One thing that was looked at. `status` is EX_OK, or that of sysexits.h for
 * what is wrong; `text` is one line: how it is, or what is wrong and, after a
 * semicolon, what to do. It may be a part of `ctl->mem` or static.
 */
void check_found(
    struct findings *f, const char *what, int status, const char *text);

/* As check_found(): the service works, but not as one would wish. */
void check_warn(struct findings *f, const char *what, const char *text);

struct ctl *check_ctl(const struct findings *f);

/* "systemctl restart mxmd" and so on are remedies; this one names a setting. */
const char *check_place(const struct findings *f, enum conf_id id);

typedef void check_look(struct findings *f);

/* check_data.c: what lies in the database and in the cache. */
check_look check_database, check_cache, check_queue, check_model;
/* check_role.c: what our role may do in the database. */
check_look check_role;
/* check_mail.c */
check_look check_mail, check_sender;
/* check_host.c: files and processes of this host. */
check_look check_origin, check_key, check_media, check_pictures, check_run_dir,
    check_dictionary, check_sockets, check_jobs, check_nginx;

/* A folder we must be able to write into, with so many bytes of room. */
void check_folder(struct findings *f, const char *what, const char *path,
    uint64_t least, uint64_t enough);

#endif
