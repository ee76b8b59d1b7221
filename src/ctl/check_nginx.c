/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl check: nginx, if the site is installed in /etc/nginx or in
 * $MXM_NGINX_DIR: its connections, the map of slow requests, files that an
 * upgrade left unmerged, and whether it may connect to the sockets.
 */
#include "base/base.h"

#include <dirent.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buf.h"
#include "ctl/check.h"

/* worker_connections: the default of nginx, and the recommended value. */
#define NGINX_DEFAULT 512
#define NGINX_ENOUGH  8192

#define FILE_MAX   (1 << 20) /* bytes of a file of nginx that are read */
#define GROUPS_MAX 256

/* What nginx.conf sets; a setting in a file that it includes is not found. */
struct nginx {
	const char *dir;
	long connections;
	char user[64];
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
		value = value_of(line, "user");
		if (value)
			snprintf(nginx->user, sizeof nginx->user, "%.*s",
			    (int)strcspn(value, " \t;\n"), value);
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
			"single slow client can exhaust; set %d",
			nginx->connections, nginx->dir, NGINX_ENOUGH));
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

/* Whether a user can connect to a socket: write access by its mode. */
static bool
may_connect(const struct passwd *user, const struct stat *socket)
{
	gid_t groups[GROUPS_MAX];
	int n = GROUPS_MAX, i;

	if (user->pw_uid == 0)
		return true;
	if (user->pw_uid == socket->st_uid)
		return socket->st_mode & S_IWUSR;
	if (getgrouplist(user->pw_name, user->pw_gid, groups, &n) < 0)
		return true; /* in too many groups to say */
	for (i = 0; i < n; i++)
		if (groups[i] == socket->st_gid)
			return socket->st_mode & S_IWGRP;
	return socket->st_mode & S_IWOTH;
}

static void
check_user(struct findings *f, const struct nginx *nginx)
{
	struct ctl *ctl = check_ctl(f);
	const struct passwd *user = getpwnam(nginx->user);
	const struct group *group;
	struct stat st;

	if (!user || stat(ctl->conf->listen_fast, &st) != 0)
		return; /* a missing socket is reported by check_sockets() */
	group = getgrgid(st.st_gid);
	if (!may_connect(user, &st))
		check_found(f, "nginx_user", EX_NOPERM,
		    mem_printf(ctl->mem,
			"%s, the user of nginx, cannot connect to %s (mode "
			"%04o, group %s); set SocketGroup=%s by systemctl edit "
			"mxmd.socket mxmd-slow.socket, or the setting "
			"socket_group",
			nginx->user, ctl->conf->listen_fast,
			(unsigned)st.st_mode & 07777,
			group ? group->gr_name : "?", nginx->user));
}

void
check_nginx(struct findings *f)
{
	TALLOC_CTX *mem = check_ctl(f)->mem;
	const char *dir = getenv("MXM_NGINX_DIR");
	struct nginx nginx = { dir ? dir : "/etc/nginx", NGINX_DEFAULT, "" };
	const char *folder = mem_printf(mem, "%s/moviesxmovies", nginx.dir);

	if (access(folder, F_OK) != 0)
		return;
	read_main(mem, &nginx);
	check_room(f, &nginx);
	check_map(f, &nginx);
	check_upstream(f, &nginx);
	check_user(f, &nginx);
	check_left_over(f, folder);
}
