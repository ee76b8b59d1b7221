/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The least that can answer GET of a movie behind nginx: FastCGI, one prepared
 * statement, its columns as a JSON object. No routes, token, limits, cache,
 * validation or log. bench.py compares mxmd with it, so whatever it has in
 * common with mxmd is done the same way: as many processes, connections that
 * are kept and watched by epoll, the session settings that decide the plan.
 *
 *     bare SOCKET PROCESSES CONNINFO ORIGIN STATEMENT-FILE VALUE...
 *
 * The VALUEs are those of the parameters in their order; @path stands for the
 * last segment of the address.
 */
#include "base/base.h"

#include <fcgiapp.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define VALUES_MAX    8
#define STATEMENT_MAX (64 * 1024)
#define BODY_MAX      (256 * 1024)
#define EVENTS        64

/* Type ids of PostgreSQL whose text is JSON as it stands. */
enum { INT8 = 20, INT4 = 23, JSON = 114, JSONB = 3802 };

struct bare {
	const char *conninfo, *origin, *statement;
	int listener, epoll;
	PGconn *conn;
	int n;
	const char *values[VALUES_MAX];
	int path_at; /* which of the values is that of the address */
	size_t len;
	char body[BODY_MAX];
};

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "bare: %s: %s\n", what, why);
	exit(1);
}

/* ------------------------------------------------------------ the body */

static void
add(struct bare *b, const char *s, size_t n)
{
	if (n > BODY_MAX - b->len)
		die("the body", "too long");
	memcpy(b->body + b->len, s, n);
	b->len += n;
}

static void
add_text(struct bare *b, const char *s)
{
	char escape[8];

	add(b, "\"", 1);
	for (;;) {
		const char *p = s;

		while ((unsigned char)*p >= ' ' && *p != '"' && *p != '\\')
			p++;
		add(b, s, (size_t)(p - s));
		if (!*p)
			break;
		if (*p == '"' || *p == '\\')
			snprintf(escape, sizeof escape, "\\%c", *p);
		else
			snprintf(escape, sizeof escape, "\\u%04x",
			    (unsigned)(unsigned char)*p);
		add(b, escape, strlen(escape));
		s = p + 1;
	}
	add(b, "\"", 1);
}

static void
add_column(struct bare *b, const PGresult *res, int column)
{
	const char *value = PQgetvalue(res, 0, column);

	add(b, column > 0 ? "," : "{", 1);
	add_text(b, PQfname(res, column));
	add(b, ":", 1);
	if (PQgetisnull(res, 0, column)) {
		add(b, "null", 4);
		return;
	}
	switch (PQftype(res, column)) {
	case INT8:
	case INT4:
	case JSON:
	case JSONB:
		add(b, value, strlen(value));
		break;
	default:
		add_text(b, value);
	}
}

/* ---------------------------------------------------------- a request */

/* The last segment of the address, which is not percent-encoded here. */
static void
read_path(char *const *envp, char *out, size_t size)
{
	const char *uri = FCGX_GetParam("REQUEST_URI", (char **)envp);
	size_t n = uri ? strcspn(uri, "?") : 0, begin;

	while (n > 0 && uri[n - 1] == '/')
		n--;
	for (begin = n; begin > 0 && uri[begin - 1] != '/'; begin--)
		;
	snprintf(out, size, "%.*s", (int)(n - begin), uri ? uri + begin : "");
}

static void
answer(struct bare *b, FCGX_Request *f)
{
	char path[512], head[160];
	PGresult *res;
	int i;

	read_path(f->envp, path, sizeof path);
	if (b->path_at >= 0)
		b->values[b->path_at] = path;
	res = PQexecPrepared(b->conn, "bare", b->n, b->values, NULL, NULL, 0);
	if (PQresultStatus(res) != PGRES_TUPLES_OK || PQntuples(res) != 1)
		die("the statement", PQerrorMessage(b->conn));
	b->len = 0;
	for (i = 0; i < PQnfields(res); i++)
		add_column(b, res, i);
	add(b, "}", 1);
	PQclear(res);
	snprintf(head, sizeof head,
	    "Status: 200 OK\r\nContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    b->len);
	FCGX_PutS(head, f->out);
	FCGX_PutStr(b->body, (int)b->len, f->out);
	FCGX_Finish_r(f);
}

/* -------------------------------------------------------- connections */

static void
watch(struct bare *b, int fd, void *what, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = what };

	if (epoll_ctl(b->epoll, EPOLL_CTL_ADD, fd, &event))
		die("epoll_ctl", strerror(errno));
}

/* Goes to the end of the queue of those who wait for one, as mxmd does. */
static void
accept_one(struct bare *b)
{
	int fd = accept4(b->listener, NULL, NULL, SOCK_CLOEXEC);
	FCGX_Request *f;

	if (fd < 0)
		return;
	f = calloc(1, sizeof *f);
	if (!f || FCGX_InitRequest(f, -1, 0))
		die("a connection", "no memory");
	f->ipcFd = fd;
	f->keepConnection = 1;
	watch(b, fd, f, EPOLLIN | EPOLLRDHUP);
	epoll_ctl(b->epoll, EPOLL_CTL_DEL, b->listener, NULL);
	watch(b, b->listener, b, EPOLLIN | EPOLLEXCLUSIVE);
}

static void
serve_one(struct bare *b, FCGX_Request *f, uint32_t events)
{
	if (!(events & (EPOLLRDHUP | EPOLLHUP)) && FCGX_Accept_r(f) == 0) {
		answer(b, f);
		if (f->ipcFd >= 0)
			return;
	}
	FCGX_Free(f, 1);
	free(f);
}

/* --------------------------------------------------------------- setup */

static void
run(struct bare *b, const char *sql)
{
	PGresult *res = PQexec(b->conn, sql);

	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		die(sql, PQerrorMessage(b->conn));
	PQclear(res);
}

/* The settings of a session of mxmd that matter for the statement. */
static void
connect_database(struct bare *b)
{
	const char *values[1] = { b->origin };
	PGresult *res;

	b->conn = PQconnectdb(b->conninfo);
	if (PQstatus(b->conn) != CONNECTION_OK)
		die("the database", PQerrorMessage(b->conn));
	run(b, "SET search_path = public");
	run(b, "SET jit = off");
	run(b, "SET plan_cache_mode = force_generic_plan");
	res =
	    PQexecParams(b->conn, "SELECT set_config('mxm.origin', $1, false)",
		1, NULL, values, NULL, NULL, 0);
	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		die("mxm.origin", PQerrorMessage(b->conn));
	PQclear(res);
	res = PQprepare(b->conn, "bare", b->statement, 0, NULL);
	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		die("the statement", PQerrorMessage(b->conn));
	PQclear(res);
}

static void
serve(struct bare *b)
{
	struct epoll_event event[EVENTS];
	int i, n;

	connect_database(b);
	FCGX_Init();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	b->epoll = epoll_create1(EPOLL_CLOEXEC);
	watch(b, b->listener, b, EPOLLIN | EPOLLEXCLUSIVE);
	for (;;) {
		n = epoll_wait(b->epoll, event, EVENTS, -1);
		for (i = 0; i < n; i++) {
			if (event[i].data.ptr == b)
				accept_one(b);
			else
				serve_one(
				    b, event[i].data.ptr, event[i].events);
		}
	}
}

static int
listen_at(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) ||
	    chmod(path, 0666) || listen(fd, 511))
		die(path, strerror(errno));
	return fd;
}

static const char *
read_statement(const char *path)
{
	static char text[STATEMENT_MAX];
	FILE *in = fopen(path, "r");

	if (!in)
		die(path, strerror(errno));
	text[fread(text, 1, sizeof text - 1, in)] = '\0';
	fclose(in);
	return text;
}

int
main(int argc, char **argv)
{
	static struct bare b = { .path_at = -1 };
	pid_t master = getpid();
	int i, processes;

	if (argc < 6 || argc > 6 + VALUES_MAX)
		die("usage",
		    "bare SOCKET PROCESSES CONNINFO ORIGIN FILE VALUE...");
	processes = (int)strtol(argv[2], NULL, 10);
	b.conninfo = argv[3];
	b.origin = argv[4];
	b.statement = read_statement(argv[5]);
	b.n = argc - 6;
	for (i = 0; i < b.n; i++) {
		b.values[i] = argv[6 + i];
		if (strcmp(argv[6 + i], "@path") == 0)
			b.path_at = i;
	}
	b.listener = listen_at(argv[1]);
	for (i = 0; i < processes; i++) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() == master)
				serve(&b);
			exit(1);
		}
	}
	wait(NULL);
	die("a process", "it has ended");
	return 1;
}
