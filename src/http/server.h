/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The FastCGI server of a worker: epoll over the listening socket and all
 * persistent connections of nginx to this worker; readable ones are served, one
 * request at a time.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "base/base.h"

#include "http/request.h"

struct server {
	int listen_fd; /* non-blocking, shared by the pool */
	/* receives connections of draining workers; -1: none */
	int handover_fd;
	/* sends those of this worker when it drains; -1: none */
	int handover_send_fd;
	/* signalfd or eventfd: readable means drain and return */
	int stop_fd;
	size_t body_limit; /* maximum bytes of a body; more is 413 */
	/*
	 * One connection at a time, closed after its answer: a request that
	 * waits for long holds up no other one.
	 */
	bool single;
	/*
	 * Serves a request: reads r and sets r->answer. Not called for an
	 * aborted request, whose status is then 499.
	 */
	void (*serve)(void *arg, struct req *r);
	/*
	 * Before and after each request (busy marks for the master's deadline);
	 * the answer has been sent when `end` is called. May be NULL.
	 */
	void (*begin)(void *arg);
	void (*end)(void *arg, struct req *r);
	/* Fills r->conf, r->db, r->cache, before `serve`. */
	void (*prepare)(void *arg, struct req *r);
	/*
	 * Before the first of n > 1 requests that have arrived together is
	 * served (not all of them need be served): reads what they need in one
	 * trip. `mem` is that of the last of them. May be NULL.
	 */
	void (*read_ahead)(
	    void *arg, TALLOC_CTX *mem, struct req *const *list, size_t n);
	/*
	 * Called once when draining: whether other workers receive from
	 * handover_send_fd. NULL: yes. Without peers a connection is served
	 * until its next answer, or until it has been idle for a second.
	 */
	bool (*has_peers)(void *arg);
	void *arg;
};

/*
 * Serves until stop_fd is readable, then drains: accepts no new connection,
 * hands over idle connections (or, without peers, serves them until the client
 * closes them or they have been idle for a second), and returns.
 */
void server_run(TALLOC_CTX *mem, const struct server *s);

#endif
