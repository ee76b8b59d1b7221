/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl check: nginx, if the site is installed in /etc/nginx or in
 * $MXM_NGINX_DIR: whether the site is enabled and nginx is running, its
 * connections, the map of slow requests, files that an upgrade left unmerged,
 * and whether it may connect to the sockets and read the pictures.
 */
#include "base/base.h"

#include <dirent.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buf.h"
#include "ctl/check.h"

/* worker_connections: the default of nginx, and the recommended value. */
#define NGINX_DEFAULT 512
#define NGINX_ENOUGH  8192
#define NGINX_FILES   20000 /* worker_rlimit_nofile: two for each, and more */

#define FILE_MAX   (1 << 20) /* bytes of a file of nginx that are read */
#define GROUPS_MAX 256

/* What every file that serves the site includes. */
#define INCLUDED "moviesxmovies/mxm-site.conf"

/* What nginx.conf sets; a setting in a file that it includes is not found. */
struct nginx {
	const char *dir;
	long connections;
	char user[64];
	char pid_file[PATH_MAX];
};

/* The value in a line "name value;", or NULL. */
static const char *
value_of(const char *line, const char *name)
{
	const char *at = line + strspn(line, " \t");
	size_t n = strlen(name);

	if (strncmp(at, name, n) != 0 || (at[n] != ' ' && at[n] != '\t'))
		return NULL;
	return at + n + strspn(at + n, " \t");
}

/* Copies the value of a line "name value;", if it is one. */
static void
take_word(const char *line, const char *name, char *to, size_t size)
{
	const char *value = value_of(line, name);

	if (value)
		snprintf(
		    to, size, "%.*s", (int)strcspn(value, " \t;\n"), value);
}

static void
read_main(TALLOC_CTX *mem, struct nginx *nginx)
{
	FILE *in = fopen(mem_printf(mem, "%s/nginx.conf", nginx->dir), "re");
	const char *value;
	char line[1024];

	while (in && fgets(line, sizeof line, in)) {
		value = value_of(line, "worker_connections");
		if (value && *value >= '0' && *value <= '9')
			nginx->connections = strtol(value, NULL, 10);
		take_word(line, "user", nginx->user, sizeof nginx->user);
		take_word(line, "pid", nginx->pid_file, sizeof nginx->pid_file);
	}
	if (in)
		fclose(in);
}

static void
check_room(struct findings *f, const struct nginx *nginx)
{
	if (nginx->connections >= NGINX_ENOUGH)
		check_found(f, "nginx", EX_OK,
		    "has enough connections for slow clients");
	else
		check_found(f, "nginx", EX_CONFIG,
		    mem_printf(check_ctl(f)->mem,
			"worker_connections is %ld in %s/nginx.conf, which a "
			"single slow client can exhaust; sed -i -e "
			"'s/worker_connections .*/worker_connections %d;/' -e "
			"'1i worker_rlimit_nofile %d;' %s/nginx.conf && "
			"systemctl reload nginx",
			nginx->connections, nginx->dir, NGINX_ENOUGH,
			NGINX_FILES, nginx->dir));
}

/* A whole file; NULL: it cannot be read. */
static const char *
contents(TALLOC_CTX *mem, const char *path)
{
	char *text = mem_array(mem, char, FILE_MAX + 1);
	FILE *in = fopen(path, "re");

	if (!in)
		return NULL;
	text[fread(text, 1, FILE_MAX, in)] = '\0';
	fclose(in);
	return text;
}

/* Whether a file in a directory of nginx includes the site. */
static bool
includes_site(TALLOC_CTX *mem, const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	bool found = false;
	const char *text;

	while (dir && !found && (entry = readdir(dir))) {
		text = contents(
		    mem, mem_printf(mem, "%s/%s", folder, entry->d_name));
		found = text && strstr(text, INCLUDED);
	}
	if (dir)
		closedir(dir);
	return found;
}

static bool
is_enabled(TALLOC_CTX *mem, const struct nginx *nginx)
{
	return includes_site(
		   mem, mem_printf(mem, "%s/sites-enabled", nginx->dir)) ||
	       includes_site(mem, mem_printf(mem, "%s/conf.d", nginx->dir));
}

static bool
is_running(TALLOC_CTX *mem, const struct nginx *nginx)
{
	const char *text = contents(mem, nginx->pid_file);
	long pid = text ? strtol(text, NULL, 10) : 0;

	return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

/* Where nginx.conf has no pid, whether it is running is not known. */
static void
check_site(struct findings *f, const struct nginx *nginx)
{
	TALLOC_CTX *mem = check_ctl(f)->mem;

	if (!is_enabled(mem, nginx))
		check_warn(f, "nginx_site",
		    mem_printf(mem,
			"is not enabled, so nginx does not serve it; ln -s "
			"../sites-available/moviesxmovies %s/sites-enabled/ && "
			"systemctl reload nginx",
			nginx->dir));
	else if (*nginx->pid_file && !is_running(mem, nginx))
		check_found(f, "nginx_site", EX_UNAVAILABLE,
		    "nginx is not running; nginx -t && systemctl start nginx");
	else
		check_found(f, "nginx_site", EX_OK, "is enabled");
}

/* The map decides which requests may block a worker. */
static void
check_map(struct findings *f, const struct nginx *nginx)
{
	struct ctl *ctl = check_ctl(f);
	const char *path =
	    mem_printf(ctl->mem, "%s/moviesxmovies/mxm-map.conf", nginx->dir);
	const char *map = contents(ctl->mem, path);

	if (map && strcmp(map, ctl_nginx_map_text(ctl)) == 0)
		check_found(f, "nginx_map", EX_OK, "is that of this program");
	else
		check_warn(f, "nginx_map",
		    mem_printf(ctl->mem,
			"%s %s, so slow requests can block the fast pool; "
			"mxmctl nginx-map >%s && systemctl reload nginx",
			path, map ? "is of another release" : "is missing",
			path));
}

/* Whether the site passes requests to the sockets of the settings. */
static void
check_upstream(struct findings *f, const struct nginx *nginx)
{
	struct ctl *ctl = check_ctl(f);
	const char *path =
	    mem_printf(ctl->mem, "%s/moviesxmovies/mxm-http.conf", nginx->dir);
	const char *text = contents(ctl->mem, path);
	const char *const sockets[] = { ctl->conf->listen_fast,
		ctl->conf->listen_slow };
	size_t i;

	for (i = 0; text && i < array_len(sockets); i++)
		if (!strstr(text, mem_printf(ctl->mem, "unix:%s ", sockets[i])))
			check_warn(f, "nginx_socket",
			    mem_printf(ctl->mem,
				"%s does not name %s; correct the upstreams "
				"there, or the settings run_dir, listen_fast "
				"and listen_slow",
				path, sockets[i]));
}

/* What dpkg and ucf leave beside a file that was changed by hand. */
static bool
is_left_over(const char *name)
{
	static const char *const ends[] = { ".dpkg-dist", ".dpkg-new",
		".ucf-dist", ".ucf-new" };
	size_t n = strlen(name), end, i;

	for (i = 0; i < array_len(ends); i++) {
		end = strlen(ends[i]);
		if (n > end && strcmp(name + n - end, ends[i]) == 0)
			return true;
	}
	return false;
}

static void
check_left_over(struct findings *f, const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	const char *name;

	while (dir && (entry = readdir(dir))) {
		name = entry->d_name;
		if (is_left_over(name))
			check_warn(f, "unmerged",
			    mem_printf(check_ctl(f)->mem,
				"%s/%s is the file of the newer release, beside "
				"the one that was changed here; merge and "
				"remove it: diff -u %s/%.*s %s/%s",
				folder, name, folder,
				(int)(strrchr(name, '.') - name), name, folder,
				name));
	}
	if (dir)
		closedir(dir);
}

/* Whether the mode of a file gives a user S_IROTH, S_IWOTH or S_IXOTH. */
static bool
is_granted(const struct passwd *user, const struct stat *file, mode_t what)
{
	gid_t groups[GROUPS_MAX];
	int n = GROUPS_MAX, i;

	if (user->pw_uid == 0)
		return true;
	if (user->pw_uid == file->st_uid)
		return file->st_mode & (what << 6);
	if (getgrouplist(user->pw_name, user->pw_gid, groups, &n) < 0)
		return true; /* in too many groups to say */
	for (i = 0; i < n; i++)
		if (groups[i] == file->st_gid)
			return file->st_mode & (what << 3);
	return file->st_mode & what;
}

/* "(mode 0660, group www-data)" */
static const char *
mode_of(TALLOC_CTX *mem, const struct stat *file)
{
	const struct group *group = getgrgid(file->st_gid);

	return mem_printf(mem, "(mode %04o, group %s)",
	    (unsigned)file->st_mode & 07777, group ? group->gr_name : "?");
}

/* A missing file is reported by check_sockets() or check_media(). */
static void
check_user(struct findings *f, const struct nginx *nginx)
{
	const struct conf *conf = check_ctl(f)->conf;
	const struct passwd *user = getpwnam(nginx->user);
	TALLOC_CTX *mem = check_ctl(f)->mem;
	struct stat st;

	if (!user)
		return;
	if (stat(conf->listen_fast, &st) == 0 &&
	    !is_granted(user, &st, S_IWOTH))
		check_found(f, "nginx_user", EX_NOPERM,
		    mem_printf(mem,
			"%s, the user of nginx, cannot connect to %s %s; set "
			"SocketGroup=%s by systemctl edit mxmd.socket "
			"mxmd-slow.socket, or the setting socket_group",
			nginx->user, conf->listen_fast, mode_of(mem, &st),
			nginx->user));
	if (stat(conf->media_root, &st) == 0 && !is_granted(user, &st, S_IXOTH))
		check_found(f, "nginx_user", EX_NOPERM,
		    mem_printf(mem,
			"%s, the user of nginx, cannot read the pictures in %s "
			"%s; chgrp %s %s && chmod 2750 %s",
			nginx->user, conf->media_root, mode_of(mem, &st),
			nginx->user, conf->media_root, conf->media_root));
}

void
check_nginx(struct findings *f)
{
	TALLOC_CTX *mem = check_ctl(f)->mem;
	const char *dir = getenv("MXM_NGINX_DIR");
	struct nginx nginx = { .dir = dir ? dir : "/etc/nginx",
		.connections = NGINX_DEFAULT };
	const char *folder = mem_printf(mem, "%s/moviesxmovies", nginx.dir);

	if (access(folder, F_OK) != 0) {
		if (is_enabled(mem, &nginx))
			check_found(f, "nginx_site", EX_CONFIG,
			    mem_printf(mem,
				"is enabled, but %s is missing; apt-get install "
				"--reinstall -o Dpkg::Options::=--force-confmiss "
				"moviesxmovies",
				folder));
		return;
	}
	read_main(mem, &nginx);
	check_site(f, &nginx);
	check_room(f, &nginx);
	check_map(f, &nginx);
	check_upstream(f, &nginx);
	check_user(f, &nginx);
	check_left_over(f, folder);
}
