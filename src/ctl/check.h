/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The checks of mxmctl check. Each runs in its own process with a time limit of
 * CHECK_SECONDS, so that a hanging one does not block the others. None changes
 * anything.
 */
#ifndef CTL_CHECK_H
#define CTL_CHECK_H

#include "base/base.h"

#include "base/conf.h"
#include "base/mem.h"
#include "ctl/ctl.h"

#define CHECK_SECONDS 12
#define CHECK_DB_MS   5000

struct findings;

/*
 * Adds a result. `status` is EX_OK or the sysexits.h status of the failure;
 * `text` is one line: the state, or the fault and, after a semicolon, the
 * remedy. It is allocated below `ctl->mem` or static.
 */
void check_found(
    struct findings *f, const char *what, int status, const char *text);

/* Adds a warning: the service works, but is degraded or at risk. */
void check_warn(struct findings *f, const char *what, const char *text);

struct ctl *check_ctl(const struct findings *f);

/* A connection to the database, for statements of at most CHECK_DB_MS. */
struct db *check_db(const struct findings *f);

/* Where a setting is set, for a remedy: the file and line, or its name. */
const char *check_place(const struct findings *f, enum conf_id id);

typedef void check_function(struct findings *f);

/* check_data.c: the database and the cache. */
check_function check_database, check_replica, check_cache, check_queue,
    check_model;
/* check_server.c: the database server and the clock. */
check_function check_server;
/* check_role.c: the privileges of the database role. */
check_function check_role;
/* check_mail.c */
check_function check_mail, check_sender;
/* check_provider.c */
check_function check_providers;
/* check_key.c: the signing key, and the files of the other secrets. */
check_function check_key, check_secrets;
/* check_nginx.c */
check_function check_nginx;
/* check_host.c: files and processes of this host. */
check_function check_origin, check_media, check_pictures, check_image,
    check_run_dir, check_dictionary, check_sockets, check_jobs;

/*
 * Checks that a directory is writable: it fails with less than `least` bytes
 * free and warns with less than `enough`.
 */
void check_folder(struct findings *f, const char *what, const char *path,
    uint64_t least, uint64_t enough);

#endif
