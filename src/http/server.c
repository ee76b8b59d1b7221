/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Many kept FastCGI connections, one request at a time, with libfcgi for the
 * protocol and epoll to choose (edge-triggered: a connection costs nothing
 * until something new comes).
 *
 * A request costs four system calls: epoll_wait, a peek, a read, a write. The
 * peek shows whether the whole request has arrived, or as much as the window
 * holds; libfcgi, which would block, is only called when it has. Until then
 * nothing has been taken off the connection, so it can be handed to another
 * worker at any time.
 *
 * libfcgi closes a connection by itself when something failed, waiting up to
 * two seconds for the peer. It never gets to that here: a connection's
 * descriptor is closed in one place, close_connection().
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

/*
 * As much of a request is looked at. nginx's parameters fit in 48 KiB; a body
 * that does not fit is read while it comes.
 */
#define WINDOW (64 * 1024)

/* A peer that stops in the middle of a request or of an answer. */
#define PATIENCE_SECONDS 5

/* How long a draining worker waits for a last request, and for an heir. */
#define DRAIN_IDLE_MS 1000

/* Of a body that is too large as much is read before the connection goes. */
#define DRAIN_BYTES (64 * 1024 * 1024)

/* Status in the log of a request that broke off; nginx uses the same. */
#define STATUS_GONE 499

struct connection {
	FCGX_Request fcgi;
	int fd;
	bool partial; /* part of a request is there, since_us */
	int64_t since_us;
	struct connection *prev, *next;
};

struct loop {
	const struct server *s;
	TALLOC_CTX *mem;
	int epoll;
	bool resting; /* out of descriptors: the listening socket is out */
	bool stopping;
	bool closing; /* a connection ends with its next answer */
	int partial;  /* how many connections are */
	struct connection *first;
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
		log_error("epoll: cannot forget %d: %s", fd, strerror(errno));
	assert(!bad);
}

static void
watch_listener(struct loop *l)
{
	watch(l, l->s->listen_fd, l, EPOLLIN | EPOLLEXCLUSIVE);
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
		/* explicitly: one handed over stays open elsewhere */
		unwatch(l, c->fd);
		close(c->fd);
	}
	talloc_free(c);
	if (l->resting && !l->stopping) {
		l->resting = false;
		watch_listener(l);
	}
}

static void
open_connection(struct loop *l, int fd)
{
	const struct timeval patience = { .tv_sec = PATIENCE_SECONDS };
	struct connection *c = mem_new(l->mem, struct connection);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	FCGX_InitRequest(&c->fcgi, -1, 0);
	c->fcgi.ipcFd = fd;
	c->fcgi.keepConnection = 1; /* or the library closes it at once */
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
		/*
		 * The kernel wakes the first idle worker in the order of their
		 * coming, which gave one of four workers two thirds of all
		 * connections. Who has one goes to the end of the queue.
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
		log_warn("accept: %s; resting", strerror(errno));
		unwatch(l, l->s->listen_fd);
		l->resting = true;
	}
}

/* Takes a connection that a draining worker gives away. */
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

/* Waits, as long as a drain may, for room in the handover socket. */
static bool
handover_has_room(const struct server *s)
{
	struct pollfd p = { .fd = s->handover_send_fd, .events = POLLOUT };

	return poll(&p, 1, DRAIN_IDLE_MS) == 1 && (p.revents & POLLOUT);
}

/* Gives a descriptor to whichever worker takes it; false: nobody can. */
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

/* Reads and forgets the rest of a body; false when it does not end. */
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
 * Reads the body to its end, whatever CONTENT_LENGTH says (that is only a hint
 * of how much room is needed). false: the peer broke off, or went on too long.
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
			return; /* the stream remembers it */
		p += part;
		n -= (size_t)part;
	}
}

/* Answers into the connection; false when the peer is gone. */
static bool
answer(const struct server *s, struct req *r, FCGX_Request *f)
{
	s->serve(s->arg, r);
	reply_write(r, put, f->out);
	FCGX_FClose(f->err); /* first: then the end goes out in one write */
	FCGX_FClose(f->out);
	if (FCGX_GetError(f->out) == 0)
		return true;
	log_debug("the web server did not wait for the answer");
	return false;
}

/* One request; false when the connection is done. */
static bool
serve_one(struct loop *l, struct connection *c)
{
	const struct server *s = l->s;
	FCGX_Request *f = &c->fcgi;
	struct req *r;
	bool good, gone = false;

	f->detached = 1; /* no waiting for the peer in the library's close */
	if (FCGX_Accept_r(f) != 0) {
		c->fd = -1; /* the library has closed it */
		return false;
	}
	r = request_new(l->mem);
	request_read(r, f->envp);
	if (s->begin)
		s->begin(s->arg);
	if (s->prepare)
		s->prepare(s->arg, r);
	good = read_body(r, f->in, s->body_limit);
	if (good || r->body_too_large)
		gone = !answer(s, r, f);
	else
		r->answer.status = STATUS_GONE;
	if (s->end)
		s->end(s->arg, r);
	talloc_free(r->mem);
	good = good && !gone && f->keepConnection;
	FCGX_Free(f, 0);
	return good;
}

/* Answers a management record and takes it off the connection. */
static bool
serve_management(struct loop *l, struct connection *c, size_t size)
{
	unsigned char out[RECORD_ANSWER_SIZE];
	size_t n = record_answer(l->window, size, out);

	if (recv(c->fd, l->window, size, MSG_DONTWAIT) != (ssize_t)size)
		return false;
	return send(c->fd, out, n, MSG_NOSIGNAL) == (ssize_t)n;
}

/* What has come on a connection; false when it is done. */
static bool
serve_connection(struct loop *l, struct connection *c)
{
	size_t size;
	ssize_t n;

	for (;;) {
		n = recv(c->fd, l->window, WINDOW, MSG_PEEK | MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (n == 0)
			return false;
		switch (record_look(l->window, (size_t)n, &size)) {
		case RECORD_HEAD:
			if (n < WINDOW) {
				set_partial(l, c, true);
				return true;
			}
			set_partial(l, c, false);
			return serve_one(l, c) && !l->closing;
		case RECORD_READY:
			set_partial(l, c, false);
			/* what stands behind it, libfcgi would swallow */
			return serve_one(l, c) && !l->closing &&
			       (size_t)n == size;
		case RECORD_MANAGEMENT:
			set_partial(l, c, false);
			if (!serve_management(l, c, size))
				return false;
			break;
		case RECORD_MORE:
			set_partial(l, c, true);
			return n < WINDOW;
		case RECORD_BAD:
			log_info("a connection that speaks no FastCGI closed");
			return false;
		}
	}
}

/* One round: whatever is ready gets one turn. Returns how many were. */
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

		if (what == l) {
			accept_connection(l);
		} else if (what == &l->s->handover_fd) {
			receive_connection(l);
		} else if (what == &l->s->stop_fd) {
			l->stopping = true;
		} else if (!serve_connection(l, what) ||
			   (event[i].events & (EPOLLRDHUP | EPOLLHUP))) {
			close_connection(l, what);
		}
	}
	return n;
}

/* Ends connections whose peer stopped in the middle of a request. */
static void
close_overdue(struct loop *l)
{
	int64_t limit = clock_steady_us() - PATIENCE_SECONDS * 1000000;
	struct connection *c, *next;

	for (c = l->first; c; c = next) {
		next = c->next;
		if (c->partial && c->since_us < limit) {
			log_info("half a request, and then nothing: closed");
			close_connection(l, c);
		}
	}
}

/* Gives all connections to the other workers, as far as there are any. */
static void
hand_over(struct loop *l)
{
	const struct server *s = l->s;

	if (s->handover_send_fd < 0 || (s->has_peers && !s->has_peers(s->arg)))
		return;
	while (l->first && send_connection(s, l->first->fd))
		close_connection(l, l->first);
}

/* The end: nothing new is taken, and nothing that came is lost. */
static void
drain(struct loop *l)
{
	const struct server *s = l->s;

	unwatch(l, s->stop_fd);
	if (!l->resting)
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
 * libfcgi installs handlers of its own for these; ours stay. A write to a peer
 * that is gone must be an error and not a signal.
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
		serve_round(l, l->partial || l->resting ? 1000 : -1);
		if (l->partial)
			close_overdue(l);
		if (l->resting && !l->stopping) {
			l->resting = false;
			watch_listener(l);
		}
	}
	drain(l);
	close(l->epoll);
	talloc_free(l);
}
