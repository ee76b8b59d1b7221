/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bodies by content type, and how strictly JSON is read.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <json-c/json.h>

#include "base/mem.h"
#include "http/body.h"
#include "http/jsonscan.h"
#include "http_world.h"

static const char json[] = "application/json";

static enum err
parse(const char *text, size_t n, struct body *out)
{
	struct req *r = world_post(json, text);

	r->body_len = n;
	return body_json(r, out);
}

Test(body, reads_json)
{
	static const char *const good[] = {
		"{}",
		" \t\r\n{ } \n",
		"{\"a\": 1}",
		"{\"a\":[1,-2,0,-0,1.5,-1.5e-3,1E+2,true,false,null,\"x\"]}",
		"{\"a\": {\"a\": {\"a\": 1}}, \"b\": [{\"a\": 1}, {\"a\": 2}]}",
		"{\"\": 1}",
		"{\"a\": 9223372036854775807, \"b\": -9223372036854775808}",
		"{\"a\": 1e308, \"b\": 1e-400}",
		"{\"a\": \"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\ud83c\\udf89\"}",
		"{\"caf\xc3\xa9\": \"\xf0\x9f\x8e\x89\"}",
		"{\"a\": 0.1000000000000000055511151231257827021181583404541}",
	};
	struct body b;
	size_t i;

	for (i = 0; i < array_len(good); i++) {
		cr_assert_eq(parse(good[i], strlen(good[i]), &b), ERR_OK,
		    "%s: %s", good[i], msg_text(LANG_EN, b.fault));
		cr_assert(json_object_is_type(b.json, json_type_object));
		cr_assert_eq(b.fault, MSG_NONE);
	}
}

Test(body, refuses_bad_json)
{
	static const char *const bad[] = {
		"",
		" ",
		"{",
		"}",
		"[]",
		"3",
		"\"x\"",
		"null",
		"true",
		"{\"a\": 1} x",
		"{\"a\": 1}{}",
		"{\"a\": 1},",
		"{'a': 1}",
		"{a: 1}",
		"{\"a\": 1,}",
		"{,}",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\" 1}",
		"{\"a\": 1 \"b\": 2}",
		"{\"a\": [1,]}",
		"{\"a\": [1 2]}",
		"{\"a\": NaN}",
		"{\"a\": Infinity}",
		"{\"a\": -}",
		"{\"a\": +1}",
		"{\"a\": 01}",
		"{\"a\": 1.}",
		"{\"a\": .5}",
		"{\"a\": 1e}",
		"{\"a\": 0x10}",
		"{\"a\": True}",
		"{\"a\": tru}",
		"{\"a\": \"x}",
		"{\"a\": \"\\x\"}",
		"{\"a\": \"\\u12\"}",
		"{\"a\": \"\\u00g0\"}",
		"{\"a\": \"\t\"}",
		"{\"a\": \"\n\"}",
		"{\"a\": \"\\u0000\"}",
		"{\"\\u0000\": 1}",
		"{\"a\": \"\\ud800\"}",
		"{\"a\": \"\\ud800x\"}",
		"{\"a\": \"\\udc00\"}",
		"{\"a\": \"\\ud800\\u0041\"}",
		"{\"a\": 1} // x",
		"{\"a\": 1 /* x */}",
		"\xef\xbb\xbf{}",
		"{\"a\": \"\xff\"}",
		"{\"a\": \"\xc0\xaf\"}",
		"{\"a\": \"\xed\xa0\x80\"}",
		"{\"a\": \"\xf4\x90\x80\x80\"}",
		"{\"a\": 9223372036854775808}",
		"{\"a\": -9223372036854775809}",
		"{\"a\": 123456789012345678901234567890}",
		"{\"a\": 1e400}",
		"{\"a\": -1e400}",
	};
	struct body b;
	size_t i;

	for (i = 0; i < array_len(bad); i++) {
		cr_assert_eq(parse(bad[i], strlen(bad[i]), &b), ERR_BAD_JSON,
		    "%s", bad[i]);
		cr_assert_neq(b.fault, MSG_NONE);
	}
	cr_assert_eq(parse("{\"a\": 1}\0", 9, &b), ERR_BAD_JSON);
	cr_assert_eq(parse("{\"a\": \"x\0y\"}", 12, &b), ERR_BAD_JSON);
}

Test(body, refuses_duplicate_keys)
{
	static const char *const bad[] = {
		"{\"a\": 1, \"a\": 1}",
		"{\"a\": 1, \"b\": 2, \"\\u0061\": 3}",
		"{\"x\": {\"a\": 1, \"a\": 2}}",
		"{\"x\": [{}, {\"a\": 1, \"a\": 2}]}",
		"{\"x\": {\"a\": 1}, \"x\": {\"b\": 2, \"c\": 3}}",
		"{\"\": 1, \"\": 2}",
		"{\"\\/\": 1, \"/\": 2}",
	};
	struct body b;
	size_t i;

	for (i = 0; i < array_len(bad); i++) {
		cr_assert_eq(parse(bad[i], strlen(bad[i]), &b), ERR_BAD_JSON,
		    "%s", bad[i]);
		cr_assert_eq(b.fault, MSG_JSON_TWICE);
	}
}

/* {"x": [[…]]} with `lists` lists: the object counts as a level. */
static enum err
parse_deep(int lists)
{
	struct buf text;
	struct body b;
	int i;

	buf_init(&text, NULL, 64);
	buf_puts(&text, "{\"x\": ");
	for (i = 0; i < lists; i++)
		buf_putc(&text, '[');
	for (i = 0; i < lists; i++)
		buf_putc(&text, ']');
	buf_putc(&text, '}');
	return parse(text.data, text.len, &b);
}

Test(body, bounds_the_depth)
{
	cr_assert_eq(parse_deep(JSON_DEPTH_MAX - 1), ERR_OK);
	cr_assert_eq(parse_deep(JSON_DEPTH_MAX), ERR_BAD_JSON);
	cr_assert_eq(parse_deep(100000), ERR_BAD_JSON);
}

/* The last value that is let pass; the object is one itself. */
Test(body, counts_values)
{
	struct buf text;
	struct body b;
	int i;

	buf_init(&text, NULL, 1 << 20);
	buf_putc(&text, '{');
	for (i = 0; i < JSON_VALUES_MAX - 2; i++)
		buf_printf(&text, "\"k%d\":0,", i);
	buf_puts(&text, "\"z\":0}");
	cr_assert_eq(parse(text.data, text.len, &b), ERR_OK);
	cr_assert_eq(json_object_object_length(b.json), JSON_VALUES_MAX - 1);
	text.data[text.len - 1] = ',';
	buf_puts(&text, "\"y\":0}");
	cr_assert_eq(parse(text.data, text.len, &b), ERR_BAD_JSON);
	cr_assert_eq(b.fault, MSG_JSON_MANY);
}

/* What is said in that language of a JSON body. */
static const char *
said(enum lang lang, const char *text)
{
	struct req *r = world_post(json, text);
	struct body b;

	r->lang = lang;
	cr_assert_eq(body_json(r, &b), ERR_BAD_JSON);
	return body_fault(r, &b);
}

Test(body, says_where)
{
	cr_assert_str_eq(said(LANG_EN, "{\n\"a\": x}"),
	    "Expecting value: line 2 column 6 (char 7)");
	cr_assert_str_eq(
	    said(LANG_EN, "{} x"), "Extra data: line 1 column 4 (char 3)");
	cr_assert_str_eq(said(LANG_ES, "{} x"),
	    "datos sobrantes (línea 1, columna 4, posición 3)");
	cr_assert_str_eq(said(LANG_FR, "{} x"),
	    "données superflues (ligne 1, colonne 4, position 3)");
	cr_assert_str_eq(said(LANG_DE, "[]"), "Objekt erwartet");
}

static enum body_kind
kind(const char *type)
{
	return body_kind_of(world_post(type, "x"));
}

Test(body, knows_content_types)
{
	cr_assert_eq(kind("application/json"), BODY_JSON);
	cr_assert_eq(kind("Application/JSON; charset=utf-8"), BODY_JSON);
	cr_assert_eq(kind("application/json ;x"), BODY_JSON);
	cr_assert_eq(kind("application/x-www-form-urlencoded"), BODY_FORM);
	cr_assert_eq(kind("multipart/form-data; boundary=x"), BODY_MULTIPART);
	cr_assert_eq(kind("application/jsonx"), BODY_UNKNOWN);
	cr_assert_eq(kind("application/jso"), BODY_UNKNOWN);
	cr_assert_eq(kind("text/plain"), BODY_UNKNOWN);
	cr_assert_eq(kind(""), BODY_UNKNOWN);
	cr_assert_eq(body_kind_of(world_post("text/plain", "")), BODY_EMPTY);
}

Test(body, parses_by_content_type)
{
	struct body b;

	cr_assert_eq(body_any(world_post(json, "{\"a\": 1}"), &b), ERR_OK);
	cr_assert_not_null(b.json);
	cr_assert_eq(body_any(world_post(json, "{"), &b), ERR_BAD_JSON);
	cr_assert_eq(
	    body_any(world_post("text/plain", "x"), &b), ERR_MEDIA_TYPE);
	cr_assert_eq(body_any(world_post("text/plain", ""), &b), ERR_OK);
	cr_assert_eq(b.kind, BODY_EMPTY);
	cr_assert_eq(body_any(world_post("application/x-www-form-urlencoded",
				  "a=1&b=x+y&a=%C3%A9"),
			 &b),
	    ERR_OK);
	cr_assert_eq(b.n, 3);
	cr_assert_str_eq(b.parts[1].text, "x y");
	cr_assert_str_eq(b.parts[2].text, "\xc3\xa9");
	cr_assert_eq(
	    body_any(
		world_post("application/x-www-form-urlencoded", "a=%zz"), &b),
	    ERR_INVALID);
	cr_assert_neq(b.fault, MSG_NONE);
}
