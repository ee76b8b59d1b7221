/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Many persistent FastCGI connections, one request at a time, with libfcgi for
 * the protocol and edge-triggered epoll, so that idle connections cost nothing.
 * Requests that have arrived together are read together, so that what they all
 * need can be fetched in one trip; then they are served one after another.
 *
 * A request needs four system calls: epoll_wait, a peek, a read, a write. The
 * peek checks whether the request has arrived completely, or as much as the
 * window holds; libfcgi, which would block, is called only then. Until then
 * nothing is consumed, so the connection can be handed to another worker at any
 * time.
 *
 * After an error libfcgi closes a connection itself and waits up to two seconds
 * for the peer. This is avoided: descriptors are closed only in
 * close_connection().
 */
#include "base/base.h"

#include <fcgiapp.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/record.h"
#include "http/reply.h"
#include "http/server.h"

#define EVENTS_PER_ROUND 64

/* So many requests are read before the first of them is served. */
#define TOGETHER_MAX 16

/*
 * Size of the window that is peeked at. nginx's parameters fit in 48 KiB; a
 * body that does not fit is read as it arrives.
 */
#define WINDOW (64 * 1024)

/* Timeout of a peer that stops in the middle of a request or an answer. */
#define PEER_TIMEOUT_SECONDS 5

/* How long a draining worker waits for a last request, and for a peer worker.
 */
#define DRAIN_IDLE_MS 1000

/* How much of a too large body is read before the connection is closed. */
#define DRAIN_BYTES (64 * 1024 * 1024)

/* Status in the log of an aborted request, as in nginx. */
#define STATUS_GONE 499

struct connection {
	FCGX_Request fcgi;
	int fd;
	bool partial; /* part of a request has arrived, since since_us */
	int64_t since_us;
	struct connection *prev, *next;
};

/* A request that was read and waits for its turn. */
struct taken {
	struct connection *c;
	struct req *r;
	bool complete; /* so was its body */
	bool last;     /* the connection is closed after the answer */
};

struct loop {
	const struct server *s;
	TALLOC_CTX *mem;
	int epoll;
	bool paused; /* not accepting */
	bool stopping;
	bool closing; /* connections are closed after their next answer */
	int partial;  /* number of such connections */
	struct connection *first;
	struct taken taken[TOGETHER_MAX];
	size_t n_taken;
	TALLOC_CTX *memory[TOGETHER_MAX]; /* of those; emptied and used again */
	unsigned char window[WINDOW];
};

static void
watch(struct loop *l, int fd, void *what, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = what };
	int bad = epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &event);

	if (bad)
		log_error("epoll: cannot watch %d: %s", fd, strerror(errno));
	assert(!bad);
}

static void
unwatch(struct loop *l, int fd)
{
	int bad = epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL);

	if (bad)
		log_error("epoll: cannot unwatch %d: %s", fd, strerror(errno));
	assert(!bad);
}

static void
watch_listener(struct loop *l)
{
	watch(l, l->s->listen_fd, l, EPOLLIN | EPOLLEXCLUSIVE);
}

static void
pause_accepting(struct loop *l)
{
	unwatch(l, l->s->listen_fd);
	l->paused = true;
}

static void
resume_accepting(struct loop *l)
{
	if (!l->paused || l->stopping || (l->s->single && l->first))
		return;
	l->paused = false;
	watch_listener(l);
}

static void
set_partial(struct loop *l, struct connection *c, bool partial)
{
	if (c->partial == partial)
		return;
	c->partial = partial;
	l->partial += partial ? 1 : -1;
	c->since_us = clock_steady_us();
}

static void
close_connection(struct loop *l, struct connection *c)
{
	set_partial(l, c, false);
	if (c->prev)
		c->prev->next = c->next;
	else
		l->first = c->next;
	if (c->next)
		c->next->prev = c->prev;
	if (c->fd >= 0) {
		/* explicitly, because a handed-over one stays open in another
		 * process */
		unwatch(l, c->fd);
		close(c->fd);
	}
	talloc_free(c);
	resume_accepting(l);
}

static void
open_connection(struct loop *l, int fd)
{
	const struct timeval timeout = { .tv_sec = PEER_TIMEOUT_SECONDS };
	struct connection *c = mem_new(l->mem, struct connection);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
	FCGX_InitRequest(&c->fcgi, -1, 0);
	c->fcgi.ipcFd = fd;
	c->fcgi.keepConnection = 1; /* else the library closes it */
	c->fd = fd;
	c->next = l->first;
	if (c->next)
		c->next->prev = c;
	l->first = c;
	watch(l, fd, c, EPOLLIN | EPOLLRDHUP | EPOLLET);
}

static void
accept_connection(struct loop *l)
{
	int fd = accept4(l->s->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0) {
		open_connection(l, fd);
		if (l->s->single) {
			pause_accepting(l);
			/* its request is due */
			set_partial(l, l->first, true);
			return;
		}
		/*
		 * The kernel wakes the idle worker that has waited longest,
		 * which gave one of four workers two thirds of all connections.
		 * Watching again moves this one to the end of the queue.
		 */
		unwatch(l, l->s->listen_fd);
		watch_listener(l);
		return;
	}
	switch (errno) {
	case EAGAIN: /* another worker was faster */
	case ECONNABORTED:
	case EINTR:
		return;
	default:
		log_warn("accept: %s; pausing", strerror(errno));
		pause_accepting(l);
	}
}

/* Receives a connection of a draining worker. */
static void
receive_connection(struct loop *l)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control,
	};
	struct cmsghdr *c;
	int fd;

	if (recvmsg(l->s->handover_fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) <
	    0) {
		if (errno != EAGAIN && errno != EINTR)
			log_warn("handover: %s", strerror(errno));
		return;
	}
	c = CMSG_FIRSTHDR(&msg);
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
		log_warn("handover: a message without a connection");
		return;
	}
	memcpy(&fd, CMSG_DATA(c), sizeof fd);
	open_connection(l, fd);
}

/* Waits for space in the handover socket, up to the drain timeout. */
static bool
handover_has_room(const struct server *s)
{
	struct pollfd p = { .fd = s->handover_send_fd, .events = POLLOUT };

	return poll(&p, 1, DRAIN_IDLE_MS) == 1 && (p.revents & POLLOUT);
}

/* Sends a descriptor to any other worker; false: failed. */
static bool
send_connection(const struct server *s, int fd)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control,
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	while (sendmsg(s->handover_send_fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) <
	       0) {
		if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS) {
			log_warn("handover: %s", strerror(errno));
			return false;
		}
		if (!handover_has_room(s))
			return false;
	}
	return true;
}

/* Discards the rest of a body; false if it does not end. */
static bool
skip_body(FCGX_Stream *in)
{
	char waste[8192];
	int n = sizeof waste;
	long left = DRAIN_BYTES;

	while (n == sizeof waste && left > 0) {
		n = FCGX_GetStr(waste, sizeof waste, in);
		left -= n;
	}
	return n < (int)sizeof waste && FCGX_GetError(in) == 0;
}

/*
 * Reads the body to its end; CONTENT_LENGTH is only a hint for the allocation.
 * false: the peer aborted, or the body is too long.
 */
static bool
read_body(struct req *r, FCGX_Stream *in, size_t limit)
{
	size_t size = 1, len = 0;
	char *body;

	if (r->content_length > 0) {
		if ((uint64_t)r->content_length > limit) {
			r->body_too_large = true;
			return skip_body(in);
		}
		size = (size_t)r->content_length + 1;
	}
	body = mem_need(talloc_size(r->mem, size));
	for (;;) {
		size_t room = size - len < INT_MAX ? size - len : INT_MAX;

		len += (size_t)FCGX_GetStr(body + len, (int)room, in);
		if (len < size)
			break;
		if (len > limit) {
			talloc_free(body);
			r->body_too_large = true;
			return skip_body(in);
		}
		size = size * 2 < 8192 ? 8192 : size * 2;
		if (size > limit + 1)
			size = limit + 1;
		body = mem_need(talloc_realloc_size(r->mem, body, size));
	}
	body[len] = '\0';
	r->body = body;
	r->body_len = len;
	return FCGX_GetError(in) == 0;
}

static void
put(void *arg, const char *p, size_t n)
{
	FCGX_Stream *out = arg;

	while (n > 0) {
		int part = n < INT_MAX ? (int)n : INT_MAX;

		if (FCGX_PutStr(p, part, out) < 0)
			return; /* the stream stores the error */
		p += part;
		n -= (size_t)part;
	}
}

/* Writes the answer; false if the peer has closed the connection. */
static bool
answer(const struct server *s, struct req *r, FCGX_Request *f)
{
	s->serve(s->arg, r);
	reply_write(r, put, f->out);
	FCGX_FClose(f->err); /* first, so that the end is sent in one write */
	FCGX_FClose(f->out);
	if (FCGX_GetError(f->out) == 0)
		return true;
	log_debug("the web server closed the connection before the answer");
	return false;
}

/* Serves a request in its turn, and closes its connection if need be. */
static void
serve_one(struct loop *l, const struct taken *t)
{
	const struct server *s = l->s;
	FCGX_Request *f = &t->c->fcgi;
	bool good = t->complete;

	if (s->begin)
		s->begin(s->arg);
	if (t->complete || t->r->body_too_large)
		good = answer(s, t->r, f) && good;
	else
		t->r->answer.status = STATUS_GONE;
	if (s->end)
		s->end(s->arg, t->r);
	talloc_free_children(t->r->mem);
	good =
	    good && f->keepConnection && !t->last && !l->closing && !s->single;
	FCGX_Free(f, 0);
	if (!good)
		close_connection(l, t->c);
}

/* Serves what was taken. */
static void
serve_taken(struct loop *l)
{
	const struct server *s = l->s;
	struct req *list[TOGETHER_MAX];
	size_t n = l->n_taken, i;
	l->n_taken = 0;
	if (n < 2) {
		if (n == 1)
			serve_one(l, &l->taken[0]);
		return;
	}
	for (i = 0; i < n; i++)
		list[i] = l->taken[i].r;
	if (s->read_ahead)
		s->read_ahead(s->arg, list[n - 1]->mem, list, n);
	for (i = 0; i < n; i++) {
		/* the wait for the others does not count */
		list[i]->started_us = clock_steady_us();
		serve_one(l, &l->taken[i]);
	}
}

/* Reads a request, which is served soon; false if the connection is gone. */
static bool
take_request(struct loop *l, struct connection *c, bool last)
{
	const struct server *s = l->s;
	FCGX_Request *f = &c->fcgi;
	TALLOC_CTX **mem;
	struct taken *t;

	f->detached = 1; /* the library must not wait for the peer on close */
	if (FCGX_Accept_r(f) != 0) {
		c->fd = -1; /* the library has closed it */
		return false;
	}
	mem = &l->memory[l->n_taken];
	if (!*mem)
		*mem = mem_request(l);
	t = &l->taken[l->n_taken++];
	t->c = c;
	t->last = last;
	t->r = request_new_in(*mem);
	request_read(t->r, f->envp);
	if (s->begin)
		s->begin(s->arg);
	if (s->prepare)
		s->prepare(s->arg, t->r);
	t->complete = read_body(t->r, f->in, s->body_limit);
	if (l->n_taken == TOGETHER_MAX)
		serve_taken(l);
	return true;
}

/* A request whose body is still arriving: nobody else shall wait for it. */
static bool
take_slow_request(struct loop *l, struct connection *c, bool last)
{
	serve_taken(l);
	if (!take_request(l, c, last))
		return false;
	serve_taken(l);
	return true;
}

/* Consumes and answers a management record. */
static bool
serve_management(struct loop *l, struct connection *c, size_t size)
{
	unsigned char out[RECORD_ANSWER_SIZE];
	size_t n = record_answer(l->window, size, out);

	if (recv(c->fd, l->window, size, MSG_DONTWAIT) != (ssize_t)size)
		return false;
	return send(c->fd, out, n, MSG_NOSIGNAL) == (ssize_t)n;
}

/*
 * Handles received bytes; false if the connection is to be closed now. `last`:
 * the peer has closed its side.
 */
static bool
read_connection(struct loop *l, struct connection *c, bool last)
{
	size_t size;
	ssize_t n;

	for (;;) {
		n = recv(c->fd, l->window, WINDOW, MSG_PEEK | MSG_DONTWAIT);
		if (n < 0)
			return (errno == EAGAIN || errno == EINTR) && !last;
		if (n == 0)
			return false;
		switch (record_look(l->window, (size_t)n, &size)) {
		case RECORD_HEAD:
			if (n < WINDOW) {
				set_partial(l, c, true);
				return !last;
			}
			set_partial(l, c, false);
			return take_slow_request(l, c, last);
		case RECORD_READY:
			set_partial(l, c, false);
			/* libfcgi would discard what follows it */
			return take_request(l, c, last || (size_t)n != size);
		case RECORD_MANAGEMENT:
			set_partial(l, c, false);
			if (!serve_management(l, c, size))
				return false;
			break;
		case RECORD_MORE:
			set_partial(l, c, true);
			return n < WINDOW && !last;
		case RECORD_BAD:
			log_info(
			    "closed a connection that does not speak FastCGI");
			return false;
		}
	}
}

/* One round: serves all ready connections once. Returns their number. */
static int
serve_round(struct loop *l, int timeout)
{
	struct epoll_event event[EVENTS_PER_ROUND];
	int n = epoll_wait(l->epoll, event, EVENTS_PER_ROUND, timeout), i;

	if (n < 0 && errno != EINTR) {
		log_error("epoll_wait: %s", strerror(errno));
		abort();
	}
	for (i = 0; i < n; i++) {
		void *what = event[i].data.ptr;
		bool last = event[i].events & (EPOLLRDHUP | EPOLLHUP);

		if (what == l) {
			accept_connection(l);
		} else if (what == &l->s->handover_fd) {
			receive_connection(l);
		} else if (what == &l->s->stop_fd) {
			l->stopping = true;
		} else if (!read_connection(l, what, last)) {
			close_connection(l, what);
		}
	}
	serve_taken(l);
	return n;
}

/* Closes connections whose peer stopped in the middle of a request. */
static void
close_overdue(struct loop *l)
{
	int64_t limit = clock_steady_us() - PEER_TIMEOUT_SECONDS * 1000000;
	struct connection *c, *next;

	for (c = l->first; c; c = next) {
		next = c->next;
		if (c->partial && c->since_us < limit) {
			log_info("timeout in the middle of a request: closed");
			close_connection(l, c);
		}
	}
}

/* Hands over all connections to the other workers, if there are any. */
static void
hand_over(struct loop *l)
{
	const struct server *s = l->s;

	if (s->handover_send_fd < 0 || (s->has_peers && !s->has_peers(s->arg)))
		return;
	while (l->first && send_connection(s, l->first->fd))
		close_connection(l, l->first);
}

/* Drains: accepts nothing new, and loses nothing that has arrived. */
static void
drain(struct loop *l)
{
	const struct server *s = l->s;

	unwatch(l, s->stop_fd);
	if (!l->paused)
		unwatch(l, s->listen_fd);
	if (s->handover_fd >= 0)
		unwatch(l, s->handover_fd);
	serve_round(l, 0);
	hand_over(l);
	l->closing = true;
	while (l->first && serve_round(l, DRAIN_IDLE_MS) > 0)
		close_overdue(l);
	while (l->first)
		close_connection(l, l->first);
}

/*
 * libfcgi installs its own handlers for these; ours must stay. A write to a
 * closed connection must be an error and not a signal.
 */
static void
init_library(void)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction term, usr1;

	sigaction(SIGTERM, NULL, &term);
	sigaction(SIGUSR1, NULL, &usr1);
	FCGX_Init();
	sigaction(SIGTERM, &term, NULL);
	sigaction(SIGUSR1, &usr1, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

void
server_run(TALLOC_CTX *mem, const struct server *s)
{
	struct loop *l = mem_new(mem, struct loop);

	init_library();
	l->s = s;
	l->mem = mem;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0)
		log_error("epoll_create1: %s", strerror(errno));
	assert(l->epoll >= 0);
	watch_listener(l);
	watch(l, s->stop_fd, (void *)&s->stop_fd, EPOLLIN);
	if (s->handover_fd >= 0)
		watch(l, s->handover_fd, (void *)&s->handover_fd,
		    EPOLLIN | EPOLLEXCLUSIVE);
	while (!l->stopping) {
		serve_round(l, l->partial || l->paused ? 1000 : -1);
		if (l->partial)
			close_overdue(l);
		resume_accepting(l);
	}
	drain(l);
	close(l->epoll);
	talloc_free(l);
}
