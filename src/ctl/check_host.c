/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl check: this host: directories and their free space, pictures, sockets
 * and their processes.
 */
#include "base/base.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "api/image.h"
#include "auth/common.h"
#include "base/clock.h"
#include "base/shm.h"
#include "ctl/check.h"
#include "import/media.h"

#define MIB (UINT64_C(1) << 20)

/* Free space: less than the first is a failure, less than the second a warning.
 */
#define MEDIA_LEAST   (64 * MIB)
#define MEDIA_ENOUGH  (1024 * MIB)
#define RUN_LEAST     (8 * MIB)
#define RUN_ENOUGH    (16 * MIB)
#define FOLDER_LEAST  (16 * MIB)
#define FOLDER_ENOUGH (128 * MIB)

/* mxm-jobs runs a round every second; after so many without, it is not running.
 */
#define JOBS_SILENT 30

void
check_origin(struct findings *f)
{
	const struct conf *conf = check_ctl(f)->conf;

	if (conf_is_default(conf, CONF_ID_public_origin))
		check_warn(f, "public_origin",
		    mem_printf(check_ctl(f)->mem,
			"is not set; URLs of pictures and links begin with %s; "
			"set public_origin in %s",
			conf->public_origin, conf->file));
	else
		check_found(f, "public_origin", EX_OK, conf->public_origin);
}

/* ------------------------------------------------------------- directories */

static void
check_room(struct findings *f, const char *what, const char *path,
    uint64_t least, uint64_t enough)
{
	TALLOC_CTX *mem = check_ctl(f)->mem;
	struct statvfs fs;
	uint64_t room;

	if (statvfs(path, &fs) != 0) {
		check_found(f, what, EX_UNAVAILABLE,
		    mem_printf(mem, "%s: %s; mount it", path, strerror(errno)));
		return;
	}
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (fs.f_flag & ST_RDONLY)
		check_found(f, what, EX_UNAVAILABLE,
		    mem_printf(mem,
			"%s: the disk is mounted read-only; remount it", path));
	else if (room < least || (fs.f_files > 0 && fs.f_favail == 0))
		check_found(f, what, EX_UNAVAILABLE,
		    mem_printf(mem,
			"%s: the disk is full (%" PRIu64 " MB and %" PRIu64
			" files left); free space",
			path, room / MIB, (uint64_t)fs.f_favail));
	else if (room < enough)
		check_warn(f, what,
		    mem_printf(mem,
			"%s: only %" PRIu64 " MB are left on the disk; free "
			"space",
			path, room / MIB));
	else
		check_found(f, what, EX_OK, path);
}

void
check_folder(struct findings *f, const char *what, const char *path,
    uint64_t least, uint64_t enough)
{
	bool is_public;

	if (access(path, W_OK | X_OK) == 0) {
		struct stat st;

		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
			check_room(f, what, path, least, enough);
			return;
		}
		errno = ENOTDIR;
	}
	if (errno == EROFS) {
		check_room(f, what, path, least, enough);
		return;
	}
	is_public = strcmp(what, "media") == 0; /* nginx reads it */
	check_found(f, what, EX_NOPERM,
	    mem_printf(check_ctl(f)->mem,
		"%s: %s; create it, owned by the user of mxmd: install -d "
		"-o moviesxmovies -g %s -m %s %s",
		path, strerror(errno), is_public ? "www-data" : "moviesxmovies",
		is_public ? "2750" : "755", path));
}

void
check_media(struct findings *f)
{
	check_folder(f, "media", check_ctl(f)->conf->media_root, MEDIA_LEAST,
	    MEDIA_ENOUGH);
}

void
check_run_dir(struct findings *f)
{
	const struct ctl *ctl = check_ctl(f);
	char *folder = mem_text(ctl->mem, ctl->conf->model_file);

	check_folder(f, "run_dir", ctl->conf->run_dir, RUN_LEAST, RUN_ENOUGH);
	*strrchr(folder, '/') = '\0';
	check_folder(f, "model_file", *folder ? folder : "/", FOLDER_LEAST,
	    FOLDER_ENOUGH);
}

void
check_pictures(struct findings *f)
{
	const struct ctl *ctl = check_ctl(f);
	size_t i;

	for (i = 0; media_defaults[i]; i++) {
		const char *own = mem_printf(ctl->mem, "%s/%s",
		    ctl->conf->media_root, media_defaults[i]);
		const char *name =
		    mem_printf(ctl->mem, "media/%s", media_defaults[i]);
		const char *path = ctl_data_path(ctl->mem, name);

		if (access(own, R_OK) == 0 || access(path, R_OK) == 0)
			continue;
		check_warn(f, "pictures",
		    mem_printf(ctl->mem,
			"%s: %s; install the program again, or put a default "
			"picture there",
			path, strerror(errno)));
		return;
	}
	check_found(f, "pictures", EX_OK, "the default pictures are present");
}

/* Decodes a picture of one pixel, with all limits of an upload. */
void
check_image(struct findings *f)
{
	static const char pixel[] =
	    "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\b\0\0\0\0:~\x9bU"
	    "\0\0\0\nIDATx\x9c"
	    "c\xf8\x0f\0\1\1\1\0\xb1"
	    "8\xf6\x14\0\0\0\0IEND\xae"
	    "B`\x82";
	const struct ctl *ctl = check_ctl(f);
	struct image image;

	if (image_convert(
		ctl->mem, ctl->conf, pixel, sizeof pixel - 1, &image) == ERR_OK)
		check_found(f, "image", EX_OK, "pictures can be decoded");
	else
		check_found(f, "image", EX_UNAVAILABLE,
		    mem_printf(ctl->mem,
			"pictures cannot be decoded; check that %s can be run",
			image_program(ctl->mem, ctl->conf)));
}

void
check_dictionary(struct findings *f)
{
	if (common_dictionary_is_there(common_dictionary()))
		check_found(
		    f, "dictionary", EX_OK, "of common passwords is present");
	else
		check_found(f, "dictionary", EX_UNAVAILABLE,
		    "of common passwords is missing; install cracklib-runtime "
		    "and run update-cracklib");
}

/* --------------------------------------------------------------- processes */

static bool
accepts_connections(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool good;

	memcpy(address.sun_path, path,
	    strlen(path) + 1); /* length checked by conf.c */
	good = fd >= 0 &&
	       connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
	if (fd >= 0)
		close(fd);
	return good;
}

/* A socket of systemd accepts connections even if mxmd is not running. */
void
check_sockets(struct findings *f)
{
	struct ctl *ctl = check_ctl(f);
	const char *const paths[] = { ctl->conf->listen_fast,
		ctl->conf->listen_slow };
	struct stat st;
	size_t i;

	for (i = 0; i < array_len(paths); i++) {
		if (accepts_connections(paths[i]))
			continue;
		check_found(f, "sockets", EX_UNAVAILABLE,
		    mem_printf(ctl->mem,
			"%s: %s; check that mxmd is running and that this user "
			"may connect: systemctl status mxmd",
			paths[i],
			errno == EAGAIN ? "the listen queue is full" :
					  strerror(errno)));
		return;
	}
	for (i = 0; i < array_len(paths); i++) {
		if (stat(paths[i], &st) != 0 || !(st.st_mode & S_IWOTH))
			continue;
		check_found(f, "sockets", EX_NOPERM,
		    mem_printf(ctl->mem,
			"%s can be used by all users of this host, and who can "
			"connect is trusted like nginx; set SocketMode=0660 by "
			"systemctl edit mxmd.socket mxmd-slow.socket, or the "
			"setting socket_mode",
			paths[i]));
		return;
	}
	if (ctl_mxmd_runs(ctl))
		check_found(f, "sockets", EX_OK, "mxmd is running");
	else
		check_found(f, "sockets", EX_UNAVAILABLE,
		    "are open, but mxmd is not running; systemctl status mxmd");
}

/* mxmd may have started just before mxm-jobs. */
static void
report_no_round(struct findings *f, const struct shm *shm)
{
	int64_t age = (clock_now_us() - shm_since_us(shm)) / 1000000;

	if (age <= JOBS_SILENT)
		check_warn(f, "jobs",
		    "the state of mxm-jobs is not known yet, because mxmd has "
		    "just been started; check again in half a minute");
	else
		check_found(f, "jobs", EX_UNAVAILABLE,
		    "mxm-jobs has not run since mxmd was started, so no mail "
		    "is sent; systemctl start mxm-jobs");
}

/* mxm-jobs stores the time of its last round in the counters of this host. */
void
check_jobs(struct findings *f)
{
	struct ctl *ctl = check_ctl(f);
	int64_t silent;
	struct shm *shm;

	if (shm_open_file(ctl->mem, ctl->conf->run_dir, false, &shm)) {
		check_warn(f, "jobs",
		    "the state of mxm-jobs is not known until mxmd is started "
		    "on this host; systemctl start mxmd");
		return;
	}
	if (shm_touch_looked(shm) == 0) {
		report_no_round(f, shm);
		return;
	}
	silent = (clock_steady_us() - shm_touch_looked(shm)) / 1000000;
	if (silent <= JOBS_SILENT)
		check_found(f, "jobs", EX_OK, "mxm-jobs is running");
	else
		check_found(f, "jobs", EX_UNAVAILABLE,
		    mem_printf(ctl->mem,
			"mxm-jobs has not run for %" PRId64 " s, so no mail is "
			"sent; systemctl restart mxm-jobs",
			silent));
}
