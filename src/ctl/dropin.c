/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Drop-ins.
 */
#include "base/base.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "ctl/dropin.h"

const char *
dropin_conf_d(const struct ctl *ctl)
{
	const char *slash = strrchr(ctl->config, '/');

	return mem_printf(ctl->mem, "%.*sconf.d",
	    slash ? (int)(slash - ctl->config) + 1 : 0, ctl->config);
}

/* With the owner and the permissions of its parent. */
static bool
make_folder(TALLOC_CTX *mem, const char *folder)
{
	const char *parent = mem_printf(mem, "%s/..", folder);
	struct stat st;
	int why;

	if (mkdir(folder, 0700) != 0)
		return errno == EEXIST;
	if (stat(parent, &st) == 0 &&
	    chown(folder, st.st_uid, st.st_gid) == 0 &&
	    chmod(folder, st.st_mode & 0777) == 0)
		return true;
	why = errno;
	(void)rmdir(folder); /* an unreadable folder stops every program */
	errno = why;
	return false;
}

const char *
dropin_write(const struct ctl *ctl, const char *folder, const char *name,
    const char *text, const char *like)
{
	char *path = mem_printf(ctl->mem, "%s/%s", folder, name);
	struct file *file;
	struct stat st;

	if (stat(like, &st) != 0 || !make_folder(ctl->mem, folder))
		return NULL;
	file = file_new(ctl->mem, path, 0600);
	if (!file)
		return NULL;
	fputs(text, file->to);
	if (fchown(fileno(file->to), st.st_uid, st.st_gid) == 0 &&
	    fchmod(fileno(file->to), st.st_mode & 0666) == 0)
		return file_finish(file) ? path : NULL;
	talloc_free(file);
	return NULL;
}
