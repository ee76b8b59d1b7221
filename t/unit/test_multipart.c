/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * multipart/form-data, well-formed and not.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "base/buf.h"
#include "base/mem.h"
#include "http/multipart.h"

#define DISPOSITION "Content-Disposition: form-data; "

static const char type[] = "multipart/form-data; boundary=XX";

static enum err
parse_as(const char *content_type, const char *text, struct body *out)
{
	memset(out, 0, sizeof *out);
	return multipart_parse(NULL, content_type, text, strlen(text), out);
}

static enum err
parse(const char *text, struct body *out)
{
	return parse_as(type, text, out);
}

/* As a whole body with one part of that Content-Disposition. */
static const char *
filename_of(const char *parameters)
{
	struct body b;
	const char *text = mem_printf(NULL,
	    "--XX\r\n" DISPOSITION "name=\"f\"; %s\r\n\r\nx\r\n--XX--",
	    parameters);

	cr_assert_eq(multipart_parse(NULL, "multipart/form-data; boundary=XX",
			 text, strlen(text), &b),
	    ERR_OK, "%s", parameters);
	cr_assert_not_null(b.parts[0].file, "%s", parameters);
	return b.parts[0].file->filename;
}

Test(multipart, reads_extended_file_names)
{
	cr_assert_str_eq(
	    filename_of("filename*=utf-8''%C3%84lg.png"), "Älg.png");
	cr_assert_str_eq(
	    filename_of("filename*=UTF-8'sv'%C3%84lg.png"), "Älg.png");
	cr_assert_str_eq(
	    filename_of("filename=\"a.png\"; filename*=utf-8''b.png"), "b.png");
	cr_assert_str_eq(
	    filename_of("filename*=utf-8''b.png; filename=\"a.png\""), "b.png");
	cr_assert_str_eq(
	    filename_of("filename*=iso-8859-1''%C4lg.png"), "%C4lg.png");
	cr_assert_str_eq(filename_of("filename*=utf-8''%zz"), "%zz");
	cr_assert_str_eq(filename_of("filename*=plain"), "plain");
	cr_assert_str_eq(filename_of("FileName*=utf-8''%00"), "%00");
}

Test(multipart, reads_fields_and_files)
{
	struct body b;
	enum err e =
	    parse("--XX\r\n" DISPOSITION "name=\"a\"\r\n\r\n"
		  "one\r\ntwo\r\n"
		  "--XX\r\n" DISPOSITION "name=\"f\"; filename=\"x.png\"\r\n"
		  "Content-Type: image/png\r\n\r\n"
		  "\r\n--X\r\n--\r\n\r\n"
		  "--XX--\r\n",
		&b);

	cr_assert_eq(e, ERR_OK, "%s", msg_text(LANG_EN, b.fault));
	cr_assert_eq(b.n, 2);
	cr_assert_str_eq(b.parts[0].name, "a");
	cr_assert_str_eq(b.parts[0].text, "one\r\ntwo");
	cr_assert_null(b.parts[0].file);
	cr_assert_str_eq(b.parts[1].name, "f");
	cr_assert_null(b.parts[1].text);
	cr_assert_str_eq(b.parts[1].file->filename, "x.png");
	cr_assert_str_eq(b.parts[1].file->type, "image/png");
	cr_assert_eq(b.parts[1].file->len, 11);
	cr_assert_eq(memcmp(b.parts[1].file->data, "\r\n--X\r\n--\r\n", 11), 0);
}

Test(multipart, reads_empty_values)
{
	struct body b;

	cr_assert_eq(
	    parse("--XX\r\n" DISPOSITION "name=a\r\n\r\n\r\n--XX--", &b),
	    ERR_OK);
	cr_assert_str_eq(b.parts[0].text, "");
	/* no body at all: the line end belongs to the delimiter */
	cr_assert_eq(
	    parse("--XX\r\n" DISPOSITION "name=a\r\n\r\n--XX--", &b), ERR_OK);
	cr_assert_str_eq(b.parts[0].text, "");
	cr_assert_eq(parse("--XX\r\n" DISPOSITION
			   "name=a; filename=\"\"\r\n\r\n\r\n--XX--",
			 &b),
	    ERR_OK);
	cr_assert_str_eq(b.parts[0].file->filename, "");
	cr_assert_eq(b.parts[0].file->len, 0);
	cr_assert_eq(parse("--XX--", &b), ERR_OK);
	cr_assert_eq(b.n, 0);
}

Test(multipart, passes_by_what_surrounds_the_parts)
{
	struct body b;

	cr_assert_eq(parse("preamble --XX\r\n\r\n--XX \t\r\n" DISPOSITION
			   "name=a\r\n\r\n1\r\n--XX--\r\nepilogue\r\n--XX\r\n",
			 &b),
	    ERR_OK, "%s", msg_text(LANG_EN, b.fault));
	cr_assert_eq(b.n, 1);
	cr_assert_str_eq(b.parts[0].text, "1");
}

Test(multipart, reads_parameters)
{
	struct body b;
	enum err e = parse("--XX\r\nCONTENT-disposition:Form-Data ;NAME = x; "
			   "name=\"a\\\"b\\c;d\" ; filename=\"C:\\x\\\"y\"\r\n"
			   "X-Other: 1\r\nContent-Transfer-Encoding: binary\r\n"
			   "\r\n1\r\n--XX--",
	    &b);

	cr_assert_eq(e, ERR_INVALID); /* no space around the equals sign */
	e = parse("--XX\r\nCONTENT-disposition:Form-Data;  "
		  "NAME=\"a\\\"b\\c;d\" ; filename=\"C:\\x\\\"y\"\r\n"
		  "X-Other: 1\r\nContent-Transfer-Encoding: binary\r\n"
		  "\r\n1\r\n--XX--",
	    &b);
	cr_assert_eq(e, ERR_OK, "%s", msg_text(LANG_EN, b.fault));
	cr_assert_str_eq(b.parts[0].name, "a\"b\\c;d");
	cr_assert_str_eq(b.parts[0].file->filename, "C:\\x\"y");
}

Test(multipart, finds_the_boundary)
{
	struct body b;
	const char *body =
	    "--a b:c\r\n" DISPOSITION "name=a\r\n\r\n1\r\n--a b:c--";

	cr_assert_eq(parse_as("multipart/form-data; charset=utf-8; "
			      "Boundary=\"a b:c\"",
			 body, &b),
	    ERR_OK);
	cr_assert_eq(parse_as("multipart/form-data; boundary=a b:c", body, &b),
	    ERR_INVALID);
	cr_assert_eq(parse_as("multipart/form-data", body, &b), ERR_INVALID);
	cr_assert_eq(
	    parse_as("multipart/form-data; boundary=", body, &b), ERR_INVALID);
	cr_assert_eq(parse_as("multipart/form-data; boundary=\"\"", body, &b),
	    ERR_INVALID);
	cr_assert_eq(parse_as("multipart/form-data; boundary=\"x", body, &b),
	    ERR_INVALID);
	cr_assert_eq(parse_as("multipart/form-data; boundary=\"x \"", body, &b),
	    ERR_INVALID);
	cr_assert_eq(
	    parse_as("multipart/form-data; boundary="
		     "01234567890123456789012345678901234567890123456789012345"
		     "678901234567890",
		body, &b),
	    ERR_INVALID);
}

Test(multipart, refuses_what_is_broken)
{
	static const char *const bad[] = {
		"",
		"x",
		"--XX",
		"--XX\r\n",
		"--XX\r",
		"--XXY\r\n" DISPOSITION "name=a\r\n\r\n1\r\n--XX--",
		"--XX\n" DISPOSITION "name=a\n\n1\n--XX--",
		"--XX\r\n" DISPOSITION "name=a\r\n\r\n1",
		"--XX\r\n" DISPOSITION "name=a\r\n\r\n1\r\n--XX",
		"--XX\r\n" DISPOSITION "name=a\r\n\r\n1\r\n--XX-",
		"--XX\r\n" DISPOSITION "name=a\r\n",
		"--XX\r\n" DISPOSITION "name=a",
		"--XX\r\n\r\n1\r\n--XX--",
		"--XX\r\nContent-Type: text/plain\r\n\r\n1\r\n--XX--",
		"--XX\r\n" DISPOSITION "\r\n\r\n1\r\n--XX--",
		"--XX\r\n" DISPOSITION "name=\r\n\r\n1\r\n--XX--",
		"--XX\r\n" DISPOSITION "name=\"\"\r\n\r\n1\r\n--XX--",
		"--XX\r\n" DISPOSITION "name=\"a\r\n\r\n1\r\n--XX--",
		"--XX\r\n" DISPOSITION "name=\"a\"x\r\n\r\n1\r\n--XX--",
		"--XX\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n"
		"--XX--",
		"--XX\r\nno colon\r\n\r\n1\r\n--XX--",
		"--XX\r\n: x\r\n\r\n1\r\n--XX--",
		"--XX\r\n" DISPOSITION "name=\"\xff\"\r\n\r\n1\r\n--XX--",
		"--XX\r\n" DISPOSITION "name=a\r\n"
		"Content-Transfer-Encoding: base64\r\n\r\nMQ==\r\n--XX--",
	};
	struct body b;
	size_t i;

	for (i = 0; i < array_len(bad); i++) {
		cr_assert_eq(parse(bad[i], &b), ERR_INVALID, "%s", bad[i]);
		cr_assert_neq(b.fault, MSG_NONE, "%s", bad[i]);
		cr_assert_eq(b.n, 0);
	}
}

Test(multipart, marks_values_that_are_no_text)
{
	static const char text[] =
	    "--XX\r\n" DISPOSITION "name=a\r\n\r\nx\0y\r\n--XX\r\n" DISPOSITION
	    "name=b\r\n\r\n\xff\r\n--XX--";
	struct body b;

	memset(&b, 0, sizeof b);
	cr_assert_eq(
	    multipart_parse(NULL, type, text, sizeof text - 1, &b), ERR_OK);
	cr_assert_eq(b.n, 2);
	cr_assert(b.parts[0].bad && !b.parts[0].text && !b.parts[0].file);
	cr_assert(b.parts[1].bad);
}

static enum err
parse_parts(int n, struct body *out)
{
	struct buf text;
	int i;

	buf_init(&text, NULL, 64);
	for (i = 0; i < n; i++)
		buf_printf(
		    &text, "--XX\r\n" DISPOSITION "name=a%d\r\n\r\n1\r\n", i);
	buf_puts(&text, "--XX--");
	return parse(text.data, out);
}

static enum err
parse_name(size_t n, size_t header, struct body *out)
{
	struct buf text;

	buf_init(&text, NULL, 64);
	buf_puts(&text, "--XX\r\n" DISPOSITION "name=");
	while (n-- > 0)
		buf_putc(&text, 'n');
	buf_puts(&text, "\r\nX: ");
	while (header-- > 0)
		buf_putc(&text, 'x');
	buf_puts(&text, "\r\n\r\n1\r\n--XX--");
	return parse(text.data, out);
}

Test(multipart, has_limits)
{
	struct body b;

	cr_assert_eq(parse_parts(MULTIPART_PARTS_MAX, &b), ERR_OK);
	cr_assert_eq(b.n, MULTIPART_PARTS_MAX);
	cr_assert_eq(parse_parts(MULTIPART_PARTS_MAX + 1, &b), ERR_INVALID);
	cr_assert_eq(parse_name(MULTIPART_NAME_MAX, 1, &b), ERR_OK);
	cr_assert_eq(parse_name(MULTIPART_NAME_MAX + 1, 1, &b), ERR_INVALID);
	cr_assert_eq(parse_name(1, 8000, &b), ERR_OK);
	cr_assert_eq(parse_name(1, MULTIPART_HEADER_MAX, &b), ERR_INVALID);
}
