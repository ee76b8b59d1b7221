/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Workers behind a real socket, seen from the web server's side: well-behaved,
 * slow, broken and hostile peers; draining and handing over.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "fcgi_peer.h"
#include "http/reply.h"
#include "http/server.h"
#include "http_world.h"

#define BODY_LIMIT 100000

struct worker {
	pid_t pid;
	int stop;
};

static char folder[] = "/tmp/mxm-XXXXXX";
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static int listener, handover[2];
static struct worker first;
static struct buf bytes;
static bool peers;
static size_t together; /* as many were read ahead with what is served */

/* Tells what the request was and who answers. */
static void
serve(void *arg, struct req *r)
{
	struct json *j = reply_json(r, r->body_too_large ? 413 : 200);
	enum err e;
	size_t i;

	(void)arg;
	json_object(j);
	json_key(j, "path");
	json_text(j, r->path);
	json_key(j, "length");
	json_int(j, (int64_t)r->body_len);
	json_key(j, "body");
	json_textn(j, r->body, r->body_len < 20 ? r->body_len : 20);
	json_key(j, "pid");
	json_int(j, getpid());
	json_key(j, "together");
	json_int(j, r->progress ? (int64_t)together : 0);
	if (strcmp(r->path, "/large") == 0) {
		json_key(j, "filling");
		json_list(j);
		for (i = 0; i < 100000; i++)
			json_text(j, "0123456789");
		json_list_end(j);
	}
	json_object_end(j);
	e = reply_done(r, j);
	assert(!e);
}

static void
prepare(void *arg, struct req *r)
{
	(void)arg;
	r->conf = &world_conf;
}

static void
read_ahead(void *arg, TALLOC_CTX *memory, struct req *const *list, size_t n)
{
	(void)arg;
	together = n;
	for (size_t i = 0; i < n; i++) /* a mark, never read */
		list[i]->progress = talloc_size(memory, 1);
}

static bool
has_peers(void *arg)
{
	(void)arg;
	return peers;
}

static struct worker
start_worker(void)
{
	struct worker w = { .stop = eventfd(0, EFD_CLOEXEC) };
	struct server s = {
		.listen_fd = listener,
		.handover_fd = handover[0],
		.handover_send_fd = handover[1],
		.stop_fd = w.stop,
		.body_limit = BODY_LIMIT,
		.serve = serve,
		.prepare = prepare,
		.read_ahead = read_ahead,
		.has_peers = has_peers,
	};

	fflush(NULL);
	w.pid = fork();
	if (w.pid == 0) {
		TALLOC_CTX *mem = talloc_new(NULL);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		server_run(mem, &s);
		/* a request leaves nothing behind */
		_exit(talloc_total_blocks(mem) == 1 ? 0 : 1);
	}
	return w;
}

static void
stop_worker(struct worker *w)
{
	eventfd_write(w->stop, 1);
}

/* How it ended: 0, or something else. */
static int
end_worker(struct worker *w)
{
	int status;

	waitpid(w->pid, &status, 0);
	close(w->stop);
	w->pid = 0;
	return status;
}

static void
open_world(void)
{
	int bad;

	mem_init();
	cr_assert_not_null(mkdtemp(folder));
	snprintf(address.sun_path, sizeof address.sun_path, "%s/s", folder);
	listener =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bad = bind(listener, (struct sockaddr *)&address, sizeof address);
	bad |= listen(listener, 64);
	bad |= socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, handover);
	cr_assert_eq(bad, 0);
	peers = true;
	buf_init(&bytes, NULL, 1024);
	first = start_worker();
}

static void
close_world(void)
{
	if (first.pid) {
		kill(first.pid, SIGKILL);
		end_worker(&first);
	}
	unlink(address.sun_path);
	rmdir(folder);
}

TestSuite(server, .init = open_world, .fini = close_world, .timeout = 60);

static int
connect_peer(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_eq(
	    connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

/* Sends what `bytes` holds, and empties it. */
static void
send_bytes(int fd)
{
	size_t done = 0;
	ssize_t n;

	while (done < bytes.len) {
		n = send(fd, bytes.data + done, bytes.len - done, MSG_NOSIGNAL);
		cr_assert_gt(n, 0);
		done += (size_t)n;
	}
	buf_cut(&bytes, 0);
}

/* The answer on a connection; NULL: it ended. */
static const char *
receive(int fd)
{
	struct buf out;

	buf_init(&out, NULL, 1024);
	return peer_answer(fd, &out) ? out.data : NULL;
}

static const char *
ask(int fd, const char *method, const char *uri, const char *body, size_t n)
{
	peer_request(&bytes, true, method, uri, body, n);
	send_bytes(fd);
	return receive(fd);
}

static const char *
get(int fd, const char *uri)
{
	return ask(fd, "GET", uri, "", 0);
}

/* Has the other side closed? Waits for it. */
static bool
is_closed(int fd)
{
	char c;

	return recv(fd, &c, 1, 0) <= 0;
}

/* Sends a request on a new connection, to check that the server is alive. */
static void
expect_life(void)
{
	int fd = connect_peer();
	const char *answer = get(fd, "/life");

	cr_assert_not_null(answer);
	cr_assert_not_null(strstr(answer, "\"path\":\"/life\""));
	close(fd);
}

static void
expect_clean_end(void)
{
	stop_worker(&first);
	cr_assert_eq(end_worker(&first), 0);
}

static pid_t
pid_in(const char *answer)
{
	const char *s = strstr(answer, "\"pid\":");

	return s ? (pid_t)strtol(s + 6, NULL, 10) : 0;
}

Test(server, answers_on_kept_connections)
{
	int fd = connect_peer(), i;
	const char *answer;

	for (i = 0; i < 20; i++) {
		answer = get(fd, "/a%20b?x");
		cr_assert_not_null(answer);
		cr_assert_not_null(strstr(answer, "Status: 200 OK\r\n"));
		cr_assert_not_null(strstr(answer, "{\"path\":\"/a b\","));
	}
	close(fd);
	expect_clean_end();
}

Test(server, answers_many_at_once)
{
	int fd[100], i;

	for (i = 0; i < 100; i++) {
		fd[i] = connect_peer();
		peer_request(&bytes, true, "GET", "/x", "", 0);
		send_bytes(fd[i]);
	}
	for (i = 99; i >= 0; i--)
		cr_assert_not_null(receive(fd[i]));
	for (i = 0; i < 100; i++) {
		cr_assert_not_null(get(fd[i], "/y"));
		close(fd[i]);
	}
	expect_clean_end();
}

Test(server, reads_what_arrives_together_before_it_serves)
{
	const size_t sizes[] = { 16, 4 }; /* in batches of 16 */
	int fd[20], i, status;
	const char *answer;

	for (i = 0; i < 20; i++) {
		fd[i] = connect_peer();
		answer = get(fd[i], "/alone");
		cr_assert_not_null(strstr(answer, "\"together\":0"));
	}
	kill(first.pid, SIGSTOP);
	cr_assert_eq(waitpid(first.pid, &status, WUNTRACED), first.pid);
	for (i = 0; i < 20; i++) {
		char uri[16];

		snprintf(uri, sizeof uri, "/at%d", i);
		peer_request(&bytes, true, "GET", uri, "", 0);
		send_bytes(fd[i]);
	}
	kill(first.pid, SIGCONT);
	for (i = 0; i < 20; i++) {
		answer = receive(fd[i]);
		cr_assert_not_null(answer);
		cr_assert_not_null(
		    strstr(answer, mem_printf(NULL, "\"path\":\"/at%d\"", i)));
		cr_assert_not_null(strstr(answer,
		    mem_printf(NULL, "\"together\":%zu", sizes[i / 16])));
		cr_assert_not_null(get(fd[i], "/alone"));
		close(fd[i]);
	}
	expect_clean_end();
}

Test(server, closes_when_it_is_told_to)
{
	int fd = connect_peer();

	peer_request(&bytes, false, "GET", "/", "", 0);
	send_bytes(fd);
	cr_assert_not_null(receive(fd));
	cr_assert(is_closed(fd));
	expect_clean_end();
}

Test(server, writes_large_answers)
{
	int fd = connect_peer();
	const char *answer = get(fd, "/large");

	cr_assert_gt(strlen(answer), 1300000);
	cr_assert_eq(strcmp(answer + strlen(answer) - 2, "]}"), 0);
	cr_assert_not_null(get(fd, "/"));
	expect_clean_end();
}

Test(server, reads_bodies)
{
	char *body = mem_need(talloc_zero_size(NULL, BODY_LIMIT + 1));
	int fd = connect_peer();
	const char *answer;

	memset(body, 'x', BODY_LIMIT + 1);
	answer = ask(fd, "POST", "/", "{\"a\": 1}", 8);
	cr_assert_not_null(
	    strstr(answer, "\"length\":8,\"body\":\"{\\\"a\\\": 1}\""));
	answer = ask(fd, "POST", "/", body, BODY_LIMIT);
	cr_assert_not_null(strstr(answer, "\"length\":100000,"));
	answer = ask(fd, "POST", "/", body, BODY_LIMIT + 1);
	cr_assert_not_null(strstr(answer, "Status: 413"));
	cr_assert_not_null(strstr(answer, "\"length\":0,"));
	cr_assert_not_null(get(fd, "/")); /* the rest of it is gone */
	expect_clean_end();
}

/* A request whose CONTENT_LENGTH is `length` and whose body has n bytes. */
static const char *
ask_with_length(int fd, const char *length, size_t n)
{
	char *body = mem_need(talloc_zero_size(NULL, n + 1));

	memset(body, 'x', n);
	peer_begin(&bytes, 1, true);
	peer_param(&bytes, 1, "REQUEST_METHOD", "POST");
	peer_param(&bytes, 1, "REQUEST_URI", "/");
	if (length)
		peer_param(&bytes, 1, "CONTENT_LENGTH", length);
	peer_record(&bytes, 4, 1, "", 0);
	if (n > 0)
		peer_record(&bytes, 5, 1, body, n);
	peer_record(&bytes, 5, 1, "", 0);
	send_bytes(fd);
	return receive(fd);
}

Test(server, does_not_believe_lengths)
{
	static const char *const lengths[] = { NULL, "", "0", "3", "100",
		"50000", "-1", "x", "99999999999999999999" };
	int fd = connect_peer();
	const char *answer;
	size_t i;

	for (i = 0; i < array_len(lengths); i++) {
		answer = ask_with_length(fd, lengths[i], 20000);
		cr_assert_not_null(
		    strstr(answer, "\"length\":20000,"), "%s", lengths[i]);
		answer = ask_with_length(fd, lengths[i], 0);
		cr_assert_not_null(strstr(answer, "\"length\":0,"));
	}
	/* one that says too much is refused by its word */
	answer = ask_with_length(fd, "100001", 10);
	cr_assert_not_null(strstr(answer, "Status: 413"));
	expect_clean_end();
}

/* Half a head must not hold up anybody, and is answered when it is whole. */
Test(server, serves_others_while_one_is_slow)
{
	struct buf all;
	int slow = connect_peer(), fd = connect_peer();
	size_t i;

	buf_init(&all, NULL, 256);
	peer_request(&all, true, "GET", "/slow", "", 0);
	for (i = 0; i < all.len; i++) {
		cr_assert_eq(send(slow, all.data + i, 1, 0), 1);
		if (i < 40 || i > all.len - 20)
			cr_assert_not_null(get(fd, "/quick"));
	}
	cr_assert_not_null(strstr(receive(slow), "/slow"));
	cr_assert_not_null(get(slow, "/again"));
	expect_clean_end();
}

/* Invalid FastCGI closes only its own connection. */
Test(server, survives_garbage)
{
	static const struct {
		const char *s;
		size_t n;
	} garbage[] = {
		{ "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27 },
		{ "\0", 1 },
		{ "\2\1\0\1\0\10\0\0", 8 },
		{ "\1\5\0\1\0\0\0\0", 8 },
		{ "\1\4\0\1\0\0\0\0", 8 },
		{ "\1\1\0\1\0\10\0\0\0\2\1\0\0\0\0\0", 16 },
		{ "\1\1\0\1\0\10\0\0\0\1\1\0\0\0\0\0\1\4\0\1\0\10\0\0"
		  "\xff\xff\xff\xff\xff\xff\xff\xff\1\4\0\1\0\0\0\0",
		    40 },
	};
	size_t i;
	int fd;

	for (i = 0; i < array_len(garbage); i++) {
		fd = connect_peer();
		buf_add(&bytes, garbage[i].s, garbage[i].n);
		send_bytes(fd);
		cr_assert(is_closed(fd), "%zu", i);
		close(fd);
		expect_life();
	}
	expect_clean_end();
}

Test(server, answers_management_records)
{
	struct buf content;
	unsigned char answer[16];
	int fd = connect_peer(), i;

	peer_record(&bytes, 99, 0, "12345678", 8);
	send_bytes(fd);
	cr_assert_eq(recv(fd, answer, 16, MSG_WAITALL), 16);
	cr_assert_eq(answer[1], 11);
	cr_assert_not_null(get(fd, "/"));
	buf_init(&content, NULL, 64);
	for (i = 0; i < 1000; i++)
		buf_add(&content, "\x0e\0FCGI_MAX_CONNS", 16);
	peer_record(&bytes, 9, 0, content.data, content.len);
	send_bytes(fd);
	cr_assert_eq(recv(fd, answer, 16, MSG_WAITALL), 16);
	cr_assert_eq(answer[1], 10);
	close(fd);
	expect_life();
	expect_clean_end();
}

/* A peer that goes before its answer, or in the middle of its request. */
Test(server, survives_peers_that_go)
{
	struct buf all;
	size_t n;
	int fd;

	buf_init(&all, NULL, 1024);
	peer_request(&all, true, "POST", "/large", "0123456789", 10);
	for (n = 1; n <= all.len; n += 3) {
		fd = connect_peer();
		buf_add(&bytes, all.data, n);
		send_bytes(fd);
		close(fd);
	}
	fd = connect_peer();
	buf_add(&bytes, all.data, all.len);
	send_bytes(fd);
	close(fd);
	expect_life();
	expect_clean_end();
}

/* An incomplete request has a timeout of 5 s and does not block others. */
Test(server, ends_peers_that_stop)
{
	int fd = connect_peer();

	peer_request(&bytes, true, "GET", "/", "", 0);
	bytes.len -= 8;
	send_bytes(fd);
	expect_life();
	cr_assert(is_closed(fd));
	expect_clean_end();
}

/* The same with a body that is too long to be there before it is read. */
Test(server, ends_bodies_that_stop)
{
	char *body = mem_need(talloc_zero_size(NULL, BODY_LIMIT));
	int fd = connect_peer();

	peer_request(&bytes, true, "POST", "/", body, BODY_LIMIT);
	bytes.len -= 16;
	send_bytes(fd);
	cr_assert(is_closed(fd));
	expect_life();
	expect_clean_end();
}

/* Two requests at once are more than FastCGI allows; one is answered. */
Test(server, takes_one_request_at_a_time)
{
	int fd = connect_peer();

	peer_request(&bytes, true, "GET", "/one", "", 0);
	peer_request(&bytes, true, "GET", "/two", "", 0);
	send_bytes(fd);
	cr_assert_not_null(strstr(receive(fd), "/one"));
	cr_assert(is_closed(fd));
	expect_life();
	expect_clean_end();
}

/* The peer has said all it wants to, but still listens. */
Test(server, answers_a_peer_that_closed_its_half)
{
	int fd = connect_peer();

	peer_request(&bytes, true, "GET", "/", "", 0);
	send_bytes(fd);
	shutdown(fd, SHUT_WR);
	cr_assert_not_null(receive(fd));
	cr_assert(is_closed(fd));
	expect_clean_end();
}

Test(server, hands_connections_over)
{
	int fd[30], i;
	pid_t old = first.pid;
	struct worker second;
	const char *answer;

	for (i = 0; i < 30; i++) {
		fd[i] = connect_peer();
		cr_assert_eq(pid_in(get(fd[i], "/")), old);
	}
	second = start_worker();
	stop_worker(&first);
	cr_assert_eq(end_worker(&first), 0);
	for (i = 0; i < 30; i++) {
		answer = get(fd[i], "/");
		cr_assert_not_null(answer);
		cr_assert_eq(pid_in(answer), second.pid);
	}
	stop_worker(&second);
	peers = false;
	end_worker(&second);
}

/* Requests that arrive while the old worker drains are answered. */
Test(server, loses_nothing_in_a_handover)
{
	struct worker second;
	int fd[30], i, round;

	for (i = 0; i < 30; i++)
		fd[i] = connect_peer();
	for (round = 0; round < 10; round++) {
		for (i = 0; i < 30; i++) {
			peer_request(&bytes, true, "GET", "/x", "", 0);
			if (i % 3 == 0) /* half of it before, half after */
				bytes.len -= 60;
			send_bytes(fd[i]);
		}
		second = start_worker();
		stop_worker(&first);
		for (i = 0; i < 30; i++) {
			if (i % 3 == 0) {
				peer_request(&bytes, true, "GET", "/x", "", 0);
				memmove(bytes.data, bytes.data + bytes.len - 60,
				    60);
				bytes.len = 60;
				send_bytes(fd[i]);
			}
			cr_assert_not_null(receive(fd[i]), "%d", i);
		}
		cr_assert_eq(end_worker(&first), 0);
		first = second;
	}
}

Test(server, serves_a_last_time_without_peers)
{
	int idle, busy;

	kill(first.pid, SIGKILL);
	end_worker(&first);
	peers = false;
	first = start_worker();
	idle = connect_peer();
	busy = connect_peer();
	cr_assert_not_null(get(idle, "/"));
	cr_assert_not_null(get(busy, "/"));
	stop_worker(&first);
	cr_assert_not_null(get(busy, "/"));
	cr_assert(is_closed(busy));
	cr_assert(is_closed(idle));
	cr_assert_eq(end_worker(&first), 0);
}
