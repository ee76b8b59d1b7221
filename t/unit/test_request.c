/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What becomes of the web server's variables.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <signal.h>

#include "base/mem.h"
#include "http_world.h"

static struct req *
read_all(char *const *envp)
{
	struct req *r = request_new(NULL);

	request_read(r, envp);
	return r;
}

Test(request, reads_variables)
{
	char *const envp[] = {
		(char[]){ "FCGI_ROLE=RESPONDER" },
		(char[]){ "REQUEST_METHOD=POST" },
		(char[]){ "REQUEST_URI=/api/movies/caf%C3%A9/?a=%41" },
		(char[]){ "QUERY_STRING=a=%41" },
		(char[]){ "CONTENT_TYPE=text/plain" },
		(char[]){ "CONTENT_LENGTH=12" },
		(char[]){ "REMOTE_ADDR=192.0.2.1" },
		(char[]){ "REQUEST_ID=0123456789abcdef" },
		(char[]){ "HTTP_ACCEPT=*/*" },
		(char[]){ "HTTP_ACCEPT_LANGUAGE=fr" },
		(char[]){ "HTTP_AUTHORIZATION=Bearer x=y" },
		(char[]){ "HTTP_IF_NONE_MATCH=W/\"1\"" },
		(char[]){ "HTTP_ORIGIN=https://a.test" },
		(char[]){ "HTTP_ACCESS_CONTROL_REQUEST_METHOD=PUT" },
		(char[]){ "HTTP_PROXY=http://evil.test" },
		(char[]){ "no equals sign" },
		NULL,
	};
	struct req *r = read_all(envp);

	cr_assert_eq(r->method, METHOD_POST);
	cr_assert_str_eq(r->method_text, "POST");
	cr_assert_str_eq(r->path, "/api/movies/caf\xc3\xa9/");
	cr_assert_not(r->bad_path);
	cr_assert_str_eq(r->query, "a=%41");
	cr_assert_str_eq(r->content_type, "text/plain");
	cr_assert_eq(r->content_length, 12);
	cr_assert_str_eq(r->address, "192.0.2.1");
	cr_assert_str_eq(r->id, "0123456789abcdef");
	cr_assert_str_eq(r->accept, "*/*");
	cr_assert_str_eq(r->accept_language, "fr");
	cr_assert_str_eq(r->authorization, "Bearer x=y");
	cr_assert_str_eq(r->if_none_match, "W/\"1\"");
	cr_assert_str_eq(r->origin, "https://a.test");
	cr_assert_str_eq(r->cors_method, "PUT");
}

Test(request, has_no_null_texts)
{
	char *const envp[] = { NULL };
	struct req *r = read_all(envp);

	cr_assert_eq(r->method, METHOD_OTHER);
	cr_assert_str_eq(r->query, "");
	cr_assert_str_eq(r->accept, "");
	cr_assert_str_eq(r->body, "");
	cr_assert_eq(r->content_length, -1);
	cr_assert(r->bad_path);
	cr_assert_eq(strlen(r->id), 32);
}

static struct req *
request_to(const char *uri)
{
	return world_request("GET", uri);
}

Test(request, decodes_the_path)
{
	cr_assert_str_eq(request_to("/a%20b/c")->path, "/a b/c");
	cr_assert_str_eq(request_to("/a+b")->path, "/a+b");
	cr_assert_str_eq(request_to("/a?b/%zz")->path, "/a");
	cr_assert_str_eq(request_to("/%2e%2E/a")->path, "/../a");
	cr_assert_str_eq(
	    request_to("/a%2Fb/%2f")->path, "/a" PATH_SLASH "b/" PATH_SLASH);
	cr_assert_str_eq(request_to("/a%252Fb")->path, "/a%2Fb");
}

Test(request, knows_a_bad_path)
{
	static const char *const bad[] = { "", "a", "*", "/%", "/%4", "/%zz",
		"/%00", "/%ff", "/%c0%af", "/\xff", "/" PATH_SLASH,
		"/%ef%b7%90", "/a%2Fb%ef%b7%90" };
	size_t i;

	for (i = 0; i < array_len(bad); i++)
		cr_assert(request_to(bad[i])->bad_path, "%s", bad[i]);
	cr_assert_not(request_to("/")->bad_path);
}

Test(request, falls_back_to_a_decoded_path)
{
	char *const good[] = { (char[]){ "DOCUMENT_URI=/a%b" }, NULL };
	char *const bad[] = { (char[]){ "DOCUMENT_URI=/\xff" }, NULL };

	cr_assert_str_eq(read_all(good)->path, "/a%b");
	cr_assert_not(read_all(good)->bad_path);
	cr_assert(read_all(bad)->bad_path);
}

Test(request, knows_lengths_that_are_none)
{
	static const char *const bad[] = { "", "-1", "+1", "1 ", "0x10",
		"99999999999999999999", "1.5", "one" };
	size_t i;

	for (i = 0; i < array_len(bad); i++) {
		char *const envp[] = {
			mem_printf(NULL, "CONTENT_LENGTH=%s", bad[i]), NULL
		};

		cr_assert_eq(read_all(envp)->content_length, -1, "%s", bad[i]);
	}
}

/* An id goes into headers and the log, so it must be harmless. */
Test(request, makes_ids_of_its_own)
{
	static const char *const bad[] = { "", "a b", "a\r\nb", "\xc3\xa9",
		"0123456789012345678901234567890123456789012345678901234567890"
		"1234" };
	size_t i;

	for (i = 0; i < array_len(bad); i++) {
		char *const envp[] = {
			mem_printf(NULL, "REQUEST_ID=%s", bad[i]), NULL
		};
		struct req *r = read_all(envp);

		cr_assert_eq(strlen(r->id), 32, "%s", bad[i]);
		cr_assert_eq(strspn(r->id, "0123456789abcdef"), 32);
	}
}

Test(request, finds_methods)
{
	cr_assert_eq(world_request("GET", "/")->method, METHOD_GET);
	cr_assert_eq(world_request("OPTIONS", "/")->method, METHOD_OPTIONS);
	cr_assert_eq(world_request("get", "/")->method, METHOD_OTHER);
	cr_assert_eq(world_request("TRACE", "/")->method, METHOD_OTHER);
	cr_assert_eq(world_request("", "/")->method, METHOD_OTHER);
}
