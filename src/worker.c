/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The main function of a worker: signals are read from a descriptor, the
 * connections to PostgreSQL and memcached are opened after the fork, and
 * server_run() does the rest. Connections are opened on first use.
 */
#include "base/base.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "api/replica.h"
#include "api/serve.h"
#include "api/touch.h"
#include "auth/memo.h"
#include "base/log.h"
#include "base/mem.h"
#include "cache/cache.h"
#include "db/db.h"
#include "http/body.h"
#include "http/route.h"
#include "http/server.h"
#include "recommend/loader.h"
#include "worker.h"

/* For the other fields of a form with a picture. */

struct worker {
	struct serve serve;
	struct shm *shm;
	struct loader *loader;
	const struct prefork_role *role;
};

static void
begin(void *arg)
{
	struct worker *w = arg;

	shm_busy(w->shm);
}

static void
prepare(void *arg, struct req *r)
{
	struct worker *w = arg;

	shm_accepted(w->shm);
	serve_prepare(&w->serve, r);
}

static void
find_model(void *arg, struct req *r)
{
	struct worker *w = arg;

	r->model = loader_model(w->loader);
	r->model_version = loader_stamp(w->loader)->version;
	r->model_trained_at = loader_stamp(w->loader)->trained_at;
}

static void
read_ahead(void *arg, TALLOC_CTX *mem, struct req *const *list, size_t n)
{
	struct worker *w = arg;

	serve_ahead(&w->serve, mem, list, n);
}

static void
serve(void *arg, struct req *r)
{
	struct worker *w = arg;

	serve_request(&w->serve, r);
}

static void
end(void *arg, struct req *r)
{
	struct worker *w = arg;

	serve_account(&w->serve, r);
	shm_idle(w->shm);
}

static bool
has_peers(void *arg)
{
	struct worker *w = arg;

	return prefork_has_peers(w->shm, w->role);
}

/* A descriptor that becomes readable when the worker must drain. */
static int
stop_descriptor(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGINT, SIG_IGN); /* the master handles Ctrl-C */
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	assert(fd >= 0);
	return fd;
}

/* Die with the master: a new one may already be starting. */
static void
die_with(pid_t master)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != master)
		_exit(0);
}

static size_t
longest_body(const struct conf *conf)
{
	size_t longest = conf->upload_limit > conf->import_limit ?
			     conf->upload_limit :
			     conf->import_limit;

	longest += FORM_SPARE;
	if (longest < conf->document_limit)
		longest = conf->document_limit;
	return longest > conf->body_limit ? longest : conf->body_limit;
}

void
worker_run(
    const struct prefork_role *role, const struct conf *conf, struct shm *shm)
{
	TALLOC_CTX *mem = mem_need(talloc_named_const(NULL, 0, "worker"));
	struct worker *w = mem_new(mem, struct worker);
	struct server server = {
		.listen_fd = role->listen_fd,
		.handover_fd = role->handover_fd,
		.handover_send_fd = role->handover_send_fd,
		.stop_fd = stop_descriptor(),
		.body_limit = longest_body(conf),
		.single = role->pool == SLOW,
		.serve = serve,
		.begin = begin,
		.end = end,
		.prepare = prepare,
		.read_ahead = read_ahead,
		.has_peers = has_peers,
		.arg = w,
	};

	(void)prctl(
	    PR_SET_NAME, role->pool == SLOW ? "mxmd/slow" : "mxmd/fast");
	die_with(role->master);
	w->shm = shm;
	w->role = role;
	shm_slot_mine(shm, role->slot);
	w->serve.conf = conf;
	w->serve.shm = shm;
	w->serve.db =
	    db_new(mem, conf->database, (long)conf->statement_timeout);
	db_set_origin(w->serve.db, conf->public_origin);
	db_share(w->serve.db, shm, (long)conf->lock_timeout);
	db_on_touched(w->serve.db, touch_raise, &w->serve);
	w->serve.replica = replica_new(mem, conf);
	w->serve.cache = cache_new(mem, conf->cache_servers);
	w->serve.memo = memo_new(mem);
	w->serve.find_model = find_model;
	w->serve.arg = w;
	w->loader = loader_new(mem, conf->model_file);
	prefork_ready(shm, role);
	server_run(mem, &server);
	talloc_free(mem);
	exit(EXIT_SUCCESS);
}
