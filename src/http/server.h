/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The FastCGI side of one worker: epoll over the listening socket and every
 * connection nginx keeps open to this worker; whichever is readable is served,
 * one request at a time.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "base/base.h"

#include "http/request.h"

struct server {
	int listen_fd; /* non-blocking, shared by the pool */
	/* receives connections of draining workers; -1: none */
	int handover_fd;
	/* where this worker gives its own when it drains; -1: none */
	int handover_send_fd;
	/* signalfd or eventfd: readable means drain and end */
	int stop_fd;
	size_t body_limit; /* bytes read of any body; more is 413 */
	/*
	 * Answers one request: r has the FastCGI side filled, and afterwards
	 * r->answer is complete. Not called for a request that breaks off; its
	 * status is then 499.
	 */
	void (*serve)(void *arg, struct req *r);
	/*
	 * Before and after each request (busy marks for the master's deadline);
	 * the answer has gone out when `end` is called. May be NULL.
	 */
	void (*begin)(void *arg);
	void (*end)(void *arg, struct req *r);
	/* Fills r->conf, r->db, r->cache, before `serve`. */
	void (*prepare)(void *arg, struct req *r);
	/*
	 * Asked once, when draining: are there workers who take what is sent to
	 * handover_send_fd? NULL means yes. Without heirs a connection is
	 * served until its next answer, or until it has been idle for a second.
	 */
	bool (*has_peers)(void *arg);
	void *arg;
};

/*
 * Serves until stop_fd is readable, then drains: takes no new connection,
 * hands idle kept connections over (or, with nobody to take them, serves on
 * them until the peer closes or one second has passed idle), and returns.
 */
void server_run(TALLOC_CTX *mem, const struct server *s);

#endif
