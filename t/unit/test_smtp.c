/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mails: what they look like, and the two ways out.
 */
#include "base/base.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <netinet/in.h>
#include <signal.h>
#include <sodium.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/message.h"
#include "net/smtp.h"

static TALLOC_CTX *mem;
static struct buf out;

static void
set_up(void)
{
	mem_init();
	mem = talloc_new(NULL);
	buf_init(&out, mem, 64);
}

static void
tear_down(void)
{
	talloc_free(mem);
}

static struct mail
a_mail(void)
{
	return (struct mail){
		.from = "Movies <movies@example.org>",
		.to = "ana@example.org",
		.subject = "Hello",
		.text = "text\n",
		.html = "<p>text</p>\n",
		.lang = "de",
	};
}

/* The value of a header with its folding, up to the CR LF; NULL: none. */
static const char *
header(const char *name)
{
	const char *end = strstr(out.data, "\r\n\r\n"), *p;
	char *start = mem_printf(mem, "\r\n%s: ", name);
	const char *all =
	    mem_printf(mem, "\r\n%.*s\r\n", (int)(end - out.data), out.data);

	p = strstr(all, start);
	if (!p)
		return NULL;
	p += strlen(start);
	for (end = p; *end; end++)
		if (end[0] == '\r' && end[2] != ' ')
			break;
	return mem_textn(mem, p, (size_t)(end - p));
}

/* Undoes RFC 2047: words of base64 one after another. */
static const char *
decoded(const char *s)
{
	static const char head[] = "=?UTF-8?B?";
	struct buf b;

	buf_init(&b, mem, 64);
	while ((s = strstr(s, head))) {
		const char *end;
		unsigned char bin[128];
		size_t n;

		s += sizeof head - 1;
		end = strstr(s, "?=");
		cr_assert(end && end - s <= 63);
		cr_assert_eq(
		    sodium_base642bin(bin, sizeof bin, s, (size_t)(end - s),
			NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL),
		    0);
		buf_add(&b, bin, n);
		s = end;
	}
	return b.data;
}

/* The body of part number i, decoded from quoted-printable. */
static const char *
part(int i)
{
	const char *p = strstr(out.data, "\r\n\r\n"), *end;
	struct buf b;

	for (; i >= 0; i--)
		p = strstr(p + 4, "\r\n\r\n");
	p += 4;
	end = strstr(p, "\r\n--=_");
	cr_assert(end);
	buf_init(&b, mem, 64);
	for (; p < end + 2; p++) {
		unsigned v;

		if (*p == '\r')
			continue;
		if (*p != '=') {
			buf_putc(&b, *p);
		} else if (p[1] == '\r') {
			p += 2;
		} else {
			cr_assert_eq(sscanf(p + 1, "%2X", &v), 1);
			buf_putc(&b, (char)v);
			p += 2;
		}
	}
	return b.data;
}

/* Every line ends with CR LF, is not too long, and begins with no dot. */
static void
check_lines(void)
{
	const char *p = out.data, *end;

	while (*p) {
		end = strstr(p, "\r\n");
		cr_assert(end, "the last line does not end");
		cr_assert_leq(end - p, 78, "%.*s", (int)(end - p), p);
		cr_assert(!memchr(p, '\n', (size_t)(end - p)));
		cr_assert(!memchr(p, '\r', (size_t)(end - p)));
		cr_assert_neq(*p, '.');
		for (; p < end; p++)
			cr_assert(*p >= 0x20 && *p < 0x7f);
		p = end + 2;
	}
}

TestSuite(smtp, .init = set_up, .fini = tear_down, .timeout = 60);

Test(smtp, composes)
{
	struct mail m = a_mail();
	struct buf first;

	cr_assert_eq(message_compose(mem, &m, &out), ERR_OK);
	check_lines();
	cr_expect_str_eq(header("From"), "\"Movies\"\r\n <movies@example.org>");
	cr_expect_str_eq(header("To"), "<ana@example.org>");
	cr_expect_str_eq(header("Subject"), "Hello");
	cr_expect_str_eq(header("MIME-Version"), "1.0");
	cr_expect_str_eq(header("Auto-Submitted"), "auto-generated");
	cr_expect_str_eq(header("Content-Language"), "de");
	cr_expect(strstr(header("Message-ID"), "@example.org>"));
	cr_expect_eq(
	    strlen(header("Date")), strlen("Tue, 24 Nov 2026 08:16:00 +0000"));
	cr_expect(strstr(header("Date"), " +0000"));
	cr_expect_str_eq(part(0), "text\n");
	cr_expect_str_eq(part(1), "<p>text</p>\n");
	first = out;
	buf_init(&out, mem, 64);
	cr_assert_eq(message_compose(mem, &m, &out), ERR_OK);
	cr_expect_str_neq(out.data, first.data, "a Message-ID of its own");
}

Test(smtp, encodes_headers)
{
	static const char *const subjects[] = {
		"Vérification du compte MoviesXMovies de ana",
		"Ж",
		"=?UTF-8?B?SGk=?=",
		"éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"
		"éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé",
		"x🎬🎬🎬🎬🎬🎬🎬🎬🎬🎬🎬🎬🎬🎬🎬🎬🎬🎬🎬🎬🎬🎬🎬🎬🎬",
		"a long line of plain letters, with more and more and more of "
		"them until it is longer than a line may be",
	};
	struct mail m = a_mail();
	size_t i;

	m.from = "Películas, \"y\" más <movies@example.org>";
	for (i = 0; i < array_len(subjects); i++) {
		m.subject = subjects[i];
		buf_init(&out, mem, 64);
		cr_assert_eq(message_compose(mem, &m, &out), ERR_OK);
		check_lines();
		cr_expect_str_eq(decoded(header("Subject")), subjects[i]);
		cr_expect_str_eq(
		    decoded(header("From")), "Películas, \"y\" más");
	}
}

Test(smtp, quotes_names)
{
	struct mail m = a_mail();

	m.from = "A \"B\" \\ C, D <movies@example.org>";
	cr_assert_eq(message_compose(mem, &m, &out), ERR_OK);
	cr_expect_str_eq(header("From"),
	    "\"A \\\"B\\\" \\\\ C, D\"\r\n <movies@example.org>");
	m.from = "movies@example.org";
	buf_init(&out, mem, 64);
	cr_assert_eq(message_compose(mem, &m, &out), ERR_OK);
	cr_expect_str_eq(header("From"), "<movies@example.org>");
}

Test(smtp, bodies_survive)
{
	static const char *const bodies[] = {
		"",
		"no end of line",
		".\n..\n.a\n\n.",
		"trailing blank \nand tab\t\n x \n",
		"= equals =3D\n",
		"--boundary\n--=_x\n",
		"From here\n",
		"é à ü ñ 🎬\n",
		"0123456789012345678901234567890123456789012345678901234567890"
		"1234567890123456789012345678901234567890123456789.012345678\n",
		"éééééééééééééééééééééééééééééééééééééééééééééééééééééééééé\n",
	};
	struct mail m = a_mail();
	size_t i;

	for (i = 0; i < array_len(bodies); i++) {
		size_t len = strlen(bodies[i]);
		const char *got;

		m.text = bodies[i];
		buf_init(&out, mem, 64);
		cr_assert_eq(message_compose(mem, &m, &out), ERR_OK);
		check_lines();
		if (len == 0)
			continue;
		got = part(0);
		cr_expect(strncmp(got, bodies[i], len) == 0, "%s", got);
		cr_expect(
		    strcmp(got + len, "") == 0 || strcmp(got + len, "\n") == 0,
		    "%s", got);
	}
}

Test(smtp, takes_crlf_and_lf_alike)
{
	struct mail m = a_mail();

	m.text = "one\r\ntwo\nthree\r\n";
	cr_assert_eq(message_compose(mem, &m, &out), ERR_OK);
	check_lines();
	cr_expect_str_eq(part(0), "one\ntwo\nthree\n");
}

Test(smtp, refuses_what_would_make_headers)
{
	static const char *const bad[] = {
		"",
		"nobody",
		"ana@example.org\r\nBcc: eve@example.org",
		"ana@example.org\nBcc: eve@example.org",
		"ana@example.org, eve@example.org",
		"ana@example.org> <eve@example.org",
		"Ana <ana@example.org> x",
		"ana@example.org\t",
		"<ana@example.org",
	};
	struct mail m;
	size_t i;

	for (i = 0; i < array_len(bad); i++) {
		m = a_mail();
		m.to = bad[i];
		cr_expect_eq(
		    message_compose(mem, &m, &out), ERR_INVALID, "%s", bad[i]);
		m = a_mail();
		m.from = bad[i];
		cr_expect_eq(
		    message_compose(mem, &m, &out), ERR_INVALID, "%s", bad[i]);
	}
	m = a_mail();
	m.to = "ana@example.org RCPT TO:<eve@example.org>";
	cr_expect_eq(message_compose(mem, &m, &out), ERR_INVALID);
	m.to = "Ana <ana@example.org>";
	cr_expect_eq(message_compose(mem, &m, &out), ERR_INVALID);
	m = a_mail();
	m.subject = "Hello\r\nBcc: eve@example.org";
	cr_expect_eq(message_compose(mem, &m, &out), ERR_INVALID);
	m.subject = "Hello\x7f";
	cr_expect_eq(message_compose(mem, &m, &out), ERR_INVALID);
	m = a_mail();
	m.from = "Eve\r\nBcc: eve@example.org <movies@example.org>";
	cr_expect_eq(message_compose(mem, &m, &out), ERR_INVALID);
	cr_expect_eq(out.len, 0);
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
not_dot(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

Test(smtp, drops_whole_files_in_order)
{
	char folder[] = "/tmp/mxmm-XXXXXX";
	struct dirent **entry;
	struct mail m = a_mail();
	const char *why;
	struct stat st;
	int i, n;

	cr_assert(mkdtemp(folder));
	umask(077);
	for (i = 0; i < 20; i++) {
		m.subject = mem_printf(mem, "number %02d", i);
		cr_assert_eq(smtp_drop(mem, folder, &m, &why), ERR_OK);
	}
	n = scandir(folder, &entry, not_dot, by_name);
	cr_assert_eq(n, 20);
	for (i = 0; i < n; i++) {
		char *path = mem_printf(mem, "%s/%s", folder, entry[i]->d_name);
		char text[4096] = "";
		FILE *f = fopen(path, "r");

		cr_assert(f && fread(text, 1, sizeof text - 1, f) > 0);
		fclose(f);
		cr_expect(strstr(
		    text, mem_printf(mem, "Subject: number %02d\r\n", i)));
		cr_assert_eq(stat(path, &st), 0);
		cr_expect_eq(st.st_mode & 0777, 0640);
		cr_expect(strstr(path, ".eml"));
		unlink(path);
		free(entry[i]);
	}
	free(entry);
	cr_expect_eq(rmdir(folder), 0);
	cr_expect_eq(smtp_drop(mem, folder, &m, &why), ERR_UPSTREAM);
	cr_expect(strstr(why, "No such file"), "%s", why);
	cr_expect(!strstr(why, "ana@"));
}

static int
listen_somewhere(int *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t size = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &size), 0);
	cr_assert_eq(listen(fd, 4), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

/* A server without TLS that takes one mail and exits with 7 when it has it. */
static void
serve(int listening, const char *to_rcpt)
{
	int fd = accept(listening, NULL, NULL);
	FILE *in = fdopen(fd, "r+");
	char line[1024];
	bool data = false;

	if (!in)
		_exit(1);
	setvbuf(in, NULL, _IONBF, 0);
	dprintf(fd, "220 here\r\n");
	while (fgets(line, sizeof line, in)) {
		if (data && strcmp(line, ".\r\n") == 0) {
			dprintf(fd, "250 taken\r\n");
			_exit(7);
		}
		if (data)
			continue;
		if (strncmp(line, "EHLO", 4) == 0)
			dprintf(fd, "250-here\r\n250 8BITMIME\r\n");
		else if (strncmp(line, "RCPT", 4) == 0)
			dprintf(fd, "%s\r\n", to_rcpt);
		else if (strncmp(line, "DATA", 4) == 0)
			dprintf(fd, "354 go\r\n");
		else
			dprintf(fd, "250 ok\r\n");
		data = strncmp(line, "DATA", 4) == 0;
	}
	_exit(0);
}

static int
send_to(const char *to_rcpt, bool needs_tls, enum err *e, const char **why)
{
	struct mail m = a_mail();
	int port, fd = listen_somewhere(&port), status;
	struct smtp server = {
		.url = mem_printf(mem, "smtp://127.0.0.1:%d", port),
		.needs_tls = needs_tls,
	};
	pid_t pid = fork();

	cr_assert(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(fd, to_rcpt);
	}
	close(fd);
	*e = smtp_send(mem, &server, &m, why);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

Test(smtp, sends)
{
	const char *why;
	enum err e;

	cr_expect_eq(send_to("250 ok", false, &e, &why), 7);
	cr_expect_eq(e, ERR_OK, "%s", why);
}

Test(smtp, says_why_it_was_refused)
{
	const char *why;
	enum err e;

	cr_expect_eq(send_to("550 nobody here", false, &e, &why), 0);
	cr_expect_eq(e, ERR_UPSTREAM);
	cr_expect(strstr(why, "550"), "%s", why);
	cr_expect(!strstr(why, "ana"));
}

Test(smtp, sends_nothing_without_the_tls_it_needs)
{
	const char *why;
	enum err e;

	cr_expect_eq(send_to("250 ok", true, &e, &why), 0);
	cr_expect_eq(e, ERR_UPSTREAM);
}

Test(smtp, sends_no_password_without_tls)
{
	struct mail m = a_mail();
	int port, fd = listen_somewhere(&port), status;
	struct smtp server = {
		.url = mem_printf(mem, "smtp://127.0.0.1:%d", port),
		.user = "movies",
		.password = "secret",
	};
	const char *why;
	pid_t pid = fork();

	cr_assert(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(fd, "250 ok");
	}
	close(fd);
	cr_expect_eq(smtp_send(mem, &server, &m, &why), ERR_UPSTREAM);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(WEXITSTATUS(status), 0);
}

Test(smtp, a_server_that_is_away_is_an_error)
{
	struct mail m = a_mail();
	int port, fd = listen_somewhere(&port);
	struct smtp server = {
		.url = mem_printf(mem, "smtp://127.0.0.1:%d", port),
	};
	const char *why;

	close(fd);
	cr_expect_eq(smtp_send(mem, &server, &m, &why), ERR_UPSTREAM);
	cr_expect(*why);
	server.url = "http://127.0.0.1/";
	cr_expect_eq(smtp_send(mem, &server, &m, &why), ERR_UPSTREAM);
}

Test(smtp, what_cannot_be_sent_is_told_apart)
{
	struct mail m = a_mail();
	struct smtp server = { .url = "smtp://127.0.0.1:1" };
	const char *why;

	m.to = "nobody";
	cr_expect_eq(smtp_send(mem, &server, &m, &why), ERR_INVALID);
	cr_expect_eq(smtp_drop(mem, "/tmp", &m, &why), ERR_INVALID);
}
