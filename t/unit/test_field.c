/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Declared input: what reaches a handler, and what is said of what does not.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <math.h>

#include "base/mem.h"
#include "http/body.h"
#include "http/field.h"
#include "http/problem.h"
#include "http_world.h"

static const char json[] = "application/json";
static const char form[] = "application/x-www-form-urlencoded";

static const struct field list_input[] = {
	{ "name", FROM_QUERY, T_TEXT, .max_length = 5 },
	{ "genres", FROM_QUERY, T_LIST, .max_length = 20 },
	{ "stars", FROM_QUERY, T_INTS, .flags = 0 },
	{ "unseen", FROM_QUERY, T_BOOL, .flags = 0 },
	{ "kind", FROM_QUERY, T_CHOICE, .choices = "P,F,R" },
	{ "page", FROM_QUERY, T_PAGE, .def = 1 },
	{ "limit", FROM_QUERY, T_LIMIT, .def = 20 },
	{ "last_id", FROM_QUERY, T_CURSOR, .flags = 0 },
	{ "share", FROM_QUERY, T_NUMBER, .min = -1, .max = 1 },
	{ "set", FROM_QUERY, T_LIST, UNORDERED, .max_length = 9 },
	{ 0 },
};

static const struct field rating_input[] = {
	{ "rating", FROM_BODY, T_INT, .flags = REQUIRED, .min = 1, .max = 5 },
	{ 0 },
};

static const struct field login_input[] = {
	{ "username", FROM_BODY, T_TEXT, REQUIRED | NOT_BLANK | NORMALIZED,
	    .max_length = 10 },
	{ "password", FROM_BODY, T_TEXT, REQUIRED | NOT_BLANK | SECRET,
	    .max_length = 100 },
	{ 0 },
};

static const struct field all_input[] = {
	{ "text", FROM_BODY, T_TEXT, .flags = NOT_BLANK, .max_length = 5 },
	{ "prose", FROM_BODY, T_PROSE, NULLABLE, .max_length = 100 },
	{ "number", FROM_BODY, T_INT, .flags = 0 },
	{ "yes", FROM_BODY, T_BOOL, .flags = 0 },
	{ "kind", FROM_BODY, T_CHOICE, .choices = "P,F,R" },
	{ "list", FROM_BODY, T_LIST, .max_length = 20 },
	{ "ints", FROM_BODY, T_INTS, .min = 1, .max = 9 },
	{ "code", FROM_BODY, T_TEXT, NULLABLE, .max_length = 6,
	    .invalid_msg = MSG_CODE_WRONG },
	{ "digits", FROM_BODY, T_TEXT, DIGITS_ONLY, .max_length = 20 },
	{ "secret", FROM_BODY, T_INT, .flags = SECRET },
	{ "file", FROM_FILE, T_FILE, .flags = 0 },
	{ 0 },
};

/* The request after its query was read. */
static struct req *
query(const char *uri, enum err expected)
{
	struct req *r = world_request("GET", uri);
	enum err e;

	world_route(r, STYLE_ERROR, list_input);
	e = field_read_query(r);
	cr_assert_eq(e, expected, "%s: %s", uri, err_slug(e));
	return r;
}

/* The request after its body was read. */
static struct req *
post(enum style style, const struct field *input, const char *type,
    const char *body, enum err expected)
{
	struct req *r = world_post(type, body);
	enum err e;

	world_route(r, style, input);
	e = field_read_query(r);
	if (!e)
		e = field_read_body(r);
	cr_assert_eq(e, expected, "%s: %s", body, err_slug(e));
	return r;
}

/* What the client reads of the failure. */
static const char *
error_body(struct req *r)
{
	problem_reply(r, r->problem->code);
	return world_body(r);
}

Test(field, reads_a_query)
{
	struct req *r = query("/?name=caf%C3%A9&unseen=true&kind=F&name=heat"
			      "&unknown=1&last_id=7",
	    ERR_OK);

	cr_assert_str_eq(input_text(r, "name"), "heat"); /* the last counts */
	cr_assert(input_given(r, "name"));
	cr_assert(input_bool(r, "unseen"));
	cr_assert_str_eq(input_text(r, "kind"), "F");
	cr_assert_eq(input_int(r, "last_id"), 7);
	r = query("/?unseen=True", ERR_OK);
	cr_assert_not(input_bool(r, "unseen"));
	cr_assert(input_given(r, "unseen"));
	cr_assert_null(input_text(r, "name"));
	cr_assert_not(input_given(r, "name"));
	cr_assert_not(input_given(r, "last_id"));
}

Test(field, asks_for_declared_names, .signal = 6)
{
	input_text(query("/", ERR_OK), "title");
}

Test(field, merges_lists)
{
	struct req *r = query("/?genres%5B%5D=a&genres=b&genres[]=&x=y"
			      "&genres[]=c&stars=1&stars[]=-2",
	    ERR_OK);
	const struct field_value *v = input_of(r, "genres");

	cr_assert_eq(v->count, 3);
	cr_assert_str_eq(v->texts[0], "a");
	cr_assert_str_eq(v->texts[1], "b");
	cr_assert_str_eq(v->texts[2], "c");
	v = input_of(r, "stars");
	cr_assert_eq(v->count, 2);
	cr_assert_eq(v->numbers[1], -2);
	cr_assert_not(input_given(query("/?genres=", ERR_OK), "genres"));
	cr_assert_not(input_given(query("/?genresx=a", ERR_OK), "genres"));
	cr_assert_not(input_given(query("/?name[]=a", ERR_OK), "name"));
}

Test(field, clamps_pages)
{
	static const struct {
		const char *text;
		int64_t page, limit, last;
	} rows[] = {
		{ "", 1, 20, 0 }, { "3", 3, 3, 3 }, { "007", 7, 7, 7 },
		{ "100", 100, 100, 100 }, { "101", 101, 100, 101 },
		{ "0", 1000000000, 20, 0 }, /* page 0 is the last one */
		{ "99999999999999999999999999", 1000000000, 100, INT64_MAX },
		{ "-1", 1, 20, 0 }, { "NaN", 1, 20, 0 }, { "1.5", 1, 20, 0 },
		{ "%2B1", 1, 20, 0 }, { "+1", 1, 20, 0 }, { "1e3", 1, 20, 0 },
		{ "%D9%A1", 1, 20, 0 }, /* a digit, but not one of ours */
	};
	struct req *r;
	size_t i;

	for (i = 0; i < array_len(rows); i++) {
		const char *t = rows[i].text;

		r = query(
		    mem_printf(NULL, "/?page=%s&limit=%s&last_id=%s", t, t, t),
		    ERR_OK);
		cr_assert_eq(input_int(r, "page"), rows[i].page, "%s", t);
		cr_assert_eq(input_int(r, "limit"), rows[i].limit, "%s", t);
		cr_assert_eq(input_int(r, "last_id"), rows[i].last, "%s", t);
	}
	r = query("/", ERR_OK);
	cr_assert_eq(input_int(r, "page"), 1);
	cr_assert_eq(input_int(r, "limit"), 20);
}

Test(field, reports_errors_of_a_query)
{
	cr_assert_str_eq(error_body(query("/?name=%zz", ERR_INVALID)),
	    "{\"error\":\"The query string is not valid: check its "
	    "percent-encoding, and that it has at most 256 parameters.\"}");
	cr_assert_str_eq(
	    error_body(query("/?stars=x&name=toolong&kind=X", ERR_INVALID)),
	    "{\"name\":[\"Ensure this value has at most 5 characters (it has "
	    "7).\"],\"stars\":[\"“x” value must be an integer.\"],"
	    "\"kind\":[\"Value 'X' is not a valid choice.\"],"
	    "\"error\":\"Ensure this value has at most 5 characters (it has "
	    "7).\"}");
	query("/?stars=99999999999999999999", ERR_INVALID);
	query("/?stars=1&stars=true", ERR_INVALID);
}

Test(field, tells_queries_apart)
{
	static const char *const other[] = { "/", "/?name=", "/?name=ab",
		"/?genres=a&genres=b", "/?genres=a1:b", "/?genres=ab",
		"/?stars=1&stars=2", "/?stars=12", "/?page=2", "/?limit=2",
		"/?last_id=2", "/?unseen=true", "/?unseen=false",
		"/?name=1:a%3B" };
	struct buf a, b;
	size_t i, k;

	for (i = 0; i < array_len(other); i++) {
		for (k = 0; k < array_len(other); k++) {
			buf_init(&a, NULL, 64);
			buf_init(&b, NULL, 64);
			field_digest_text(query(other[i], ERR_OK), &a);
			field_digest_text(query(other[k], ERR_OK), &b);
			cr_assert_eq(strcmp(a.data, b.data) == 0, i == k,
			    "%s %s", other[i], other[k]);
		}
	}
	buf_init(&a, NULL, 64);
	buf_init(&b, NULL, 64);
	field_digest_text(query("/?page=x&limit=500&z=1", ERR_OK), &a);
	field_digest_text(query("/?limit=100", ERR_OK), &b);
	cr_assert_str_eq(a.data, b.data);
}

static const char *
digest(const char *uri)
{
	struct buf text;

	buf_init(&text, NULL, 64);
	field_digest_text(query(uri, ERR_OK), &text);
	return text.data;
}

Test(field, takes_numbers)
{
	static const struct {
		const char *text;
		double value;
	} good[] = { { "0", 0 }, { "-0.0", 0 }, { "1", 1 }, { "-1", -1 },
		{ "%2B.5", 0.5 }, { "5e-1", 0.5 }, { "1e-999", 0 },
		{ "0.50000", 0.5 } };
	static const char *const bad[] = { "nan", "-nan", "inf", "-INF",
		"1e999", "-1e999", "0x1", "0x.8p0", "1,0", "0.5 ", "%200.5",
		"1e", "e", "--1", "1.0001", "-1.0001", "1e18", "٠", "%00" };

	for (size_t i = 0; i < array_len(good); i++) {
		struct req *r =
		    query(mem_printf(NULL, "/?share=%s", good[i].text), ERR_OK);

		cr_expect(input_given(r, "share"));
		cr_expect_float_eq(
		    input_of(r, "share")->fraction, good[i].value, 1e-12);
		cr_expect_not(signbit(input_of(r, "share")->fraction) &&
			      good[i].value >= 0);
	}
	for (size_t i = 0; i < array_len(bad); i++)
		(void)query(
		    mem_printf(NULL, "/?share=%s", bad[i]), ERR_INVALID);
	cr_expect_str_eq(error_body(query("/?share=nan", ERR_INVALID)),
	    "{\"share\":[\"“nan” value must be a number.\"],"
	    "\"error\":\"“nan” value must be a number.\"}");
	cr_expect_str_eq(digest("/?share=.50"), digest("/?share=5e-1"));
	cr_expect_str_eq(digest("/?share=-0"), digest("/?share=0"));
	cr_expect_str_neq(digest("/?share=0.1"), digest("/?share=0.2"));
	cr_expect_not(input_given(query("/?share=", ERR_OK), "share"));
}

Test(field, takes_a_list_as_a_set)
{
	struct req *r = query("/?set=b&set[]=a&set=b&set=c&set=a", ERR_OK);
	const struct field_value *set = input_of(r, "set");

	cr_assert_eq(set->count, 3);
	for (size_t i = 0; i < 3; i++)
		cr_expect_str_eq(
		    set->texts[i], ((const char *[]){ "a", "b", "c" })[i]);
	cr_expect_str_eq(digest("/?set[]=b&set[]=a"), digest("/?set=a&set=b"));
	cr_expect_str_neq(digest("/?set=b"), digest("/?set=a&set=b"));
}

Test(field, takes_integers)
{
	static const struct {
		const char *body;
		const char *error_body; /* NULL: it is 3 */
	} rows[] = {
		{ "{\"rating\": 3}", NULL },
		{ "{\"rating\": \"3\"}", NULL },
		{ "{\"rating\": 3.0}", NULL },
		{ "{\"rating\": 3, \"other\": [{}]}", NULL },
		{ "{\"rating\": 3.5}", "“3.5” value must be an integer." },
		{ "{\"rating\": true}", "“true” value must be an integer." },
		{ "{\"rating\": \"x\"}", "“x” value must be an integer." },
		{ "{\"rating\": \"\"}", "“” value must be an integer." },
		{ "{\"rating\": \"3.0\"}", "“3.0” value must be an integer." },
		{ "{\"rating\": [3]}", "“[…]” value must be an integer." },
		{ "{\"rating\": {}}", "“{…}” value must be an integer." },
		{ "{\"rating\": null}", "This field cannot be null." },
		{ "{\"rating\": 0}", "Ensure this value is greater than or "
				     "equal to 1." },
		{ "{\"rating\": -9223372036854775808}",
		    "Ensure this value is greater than or equal to 1." },
		{ "{\"rating\": 6}", "Ensure this value is less than or equal "
				     "to 5." },
	};
	const char *text;
	struct req *r;
	size_t i;

	for (i = 0; i < array_len(rows); i++) {
		text = rows[i].error_body;
		r = post(STYLE_ERROR, rating_input, "text/plain", rows[i].body,
		    text ? ERR_INVALID : ERR_OK);
		if (!text) {
			cr_assert_eq(input_int(r, "rating"), 3);
			continue;
		}
		cr_assert_str_eq(error_body(r),
		    mem_printf(r->mem, "{\"rating\":[\"%s\"],\"error\":\"%s\"}",
			text, text));
	}
}

Test(field, words_errors_as_the_original)
{
	cr_assert_str_eq(error_body(post(STYLE_ERROR, rating_input, json, "{",
			     ERR_BAD_JSON)),
	    "{\"detail\":\"JSON parse error - Expecting property name "
	    "enclosed in double quotes: line 1 column 2 (char 1)\","
	    "\"error\":\"Invalid JSON body\"}");
	cr_assert_str_eq(
	    error_body(post(STYLE_ERROR, rating_input, json, "", ERR_BAD_JSON)),
	    "{\"detail\":\"JSON parse error - Expecting value: line 1 "
	    "column 1 (char 0)\",\"error\":\"Invalid JSON body\"}");
	cr_assert_str_eq(error_body(post(STYLE_ERROR, rating_input, json, "{}",
			     ERR_INVALID)),
	    "{\"error\":\"Missing required fields\"}");
	cr_assert_str_eq(error_body(post(STYLE_STATUS, rating_input, json, "{}",
			     ERR_INVALID)),
	    "{\"status\":\"Missing required fields\","
	    "\"error\":\"Missing required fields\"}");
}

Test(field, words_errors_as_the_framework)
{
	cr_assert_str_eq(error_body(post(STYLE_FRAMEWORK, login_input, json,
			     "{\"password\": \" \"}", ERR_INVALID)),
	    "{\"username\":[\"This field is required.\"],"
	    "\"password\":[\"This field may not be blank.\"],"
	    "\"error\":\"This field is required.\"}");
	cr_assert_str_eq(error_body(post(STYLE_FRAMEWORK, login_input, form, "",
			     ERR_INVALID)),
	    "{\"username\":[\"This field is required.\"],"
	    "\"password\":[\"This field is required.\"],"
	    "\"error\":\"This field is required.\"}");
	cr_assert_str_eq(
	    error_body(post(STYLE_FRAMEWORK, login_input, json,
		"{\"username\": null, \"password\": [1]}", ERR_INVALID)),
	    "{\"username\":[\"This field may not be null.\"],"
	    "\"password\":[\"This value must be text.\"],"
	    "\"error\":\"This field may not be null.\"}");
	cr_assert_str_eq(error_body(post(STYLE_FRAMEWORK, login_input, json,
			     "[1]", ERR_BAD_JSON)),
	    "{\"detail\":\"JSON parse error - Expecting an object\","
	    "\"error\":\"JSON parse error - Expecting an object\"}");
	cr_assert_str_eq(error_body(post(STYLE_FRAMEWORK, login_input,
			     "text/x\xff", "x", ERR_MEDIA_TYPE)),
	    "{\"detail\":\"Unsupported media type \\\"…\\\" in request.\","
	    "\"error\":\"Unsupported media type \\\"…\\\" in request.\"}");
}

Test(field, words_errors_as_a_form)
{
	static const char *const first[] = { "{}", "{\"username\": null}",
		"{\"username\": \"\"}", "{\"username\": \" \"}",
		"{\"password\": \"x\"}" };
	size_t i;

	for (i = 0; i < array_len(first); i++)
		cr_assert_str_eq(error_body(post(STYLE_FORM, login_input, json,
				     first[i], ERR_INVALID)),
		    "{\"username\":[\"username is required\"],"
		    "\"error\":\"username is required\"}");
	cr_assert_str_eq(error_body(post(STYLE_FORM, login_input, form,
			     "username=a&password=", ERR_INVALID)),
	    "{\"password\":[\"password is required\"],"
	    "\"error\":\"password is required\"}");
	cr_assert_str_eq(
	    error_body(post(STYLE_FORM, login_input, json, "{", ERR_BAD_JSON)),
	    "{\"detail\":\"JSON parse error - Expecting property name enclosed "
	    "in double quotes: line 1 column 2 (char 1)\",\"error\":\"JSON "
	    "parse error - Expecting property name enclosed in double quotes: "
	    "line 1 column 2 (char 1)\"}");
	post(STYLE_FORM, login_input, form, "username=a&password=%zz",
	    ERR_INVALID);
	post(STYLE_FORM, login_input, "multipart/form-data", "x", ERR_INVALID);
	post(STYLE_FORM, login_input, form, "username=a&password=b", ERR_OK);
}

Test(field, fills_every_type)
{
	struct req *r = post(STYLE_ERROR, all_input, json,
	    "{\"text\": \"caf\xc3\xa9!\", \"prose\": \"a < \xc3\xa9\", "
	    "\"number\": -5, \"yes\": true, \"kind\": \"R\", "
	    "\"list\": [\"a\", \"\"], \"ints\": [1, \"2\", 3.0], "
	    "\"code\": null, \"digits\": \"007\", \"file\": null}",
	    ERR_OK);

	cr_assert_str_eq(input_text(r, "text"), "caf\xc3\xa9!");
	cr_assert_eq(input_int(r, "number"), -5);
	cr_assert(input_bool(r, "yes"));
	cr_assert_str_eq(input_text(r, "kind"), "R");
	cr_assert_eq(input_of(r, "list")->count, 2);
	cr_assert_str_eq(input_of(r, "list")->texts[1], "");
	cr_assert_eq(input_of(r, "ints")->count, 3);
	cr_assert_eq(input_of(r, "ints")->numbers[2], 3);
	cr_assert(input_of(r, "code")->is_null);
	cr_assert_not(input_given(r, "code"));
	cr_assert_null(input_text(r, "code"));
	cr_assert_str_eq(input_text(r, "digits"), "007");
	cr_assert_null(input_of(r, "file")->file);
	r = post(STYLE_ERROR, all_input, json,
	    "{\"yes\": false, \"list\": \"one\", \"ints\": []}", ERR_OK);
	cr_assert(input_given(r, "yes"));
	cr_assert_not(input_bool(r, "yes"));
	cr_assert_eq(input_of(r, "list")->count, 1);
	cr_assert_eq(input_of(r, "ints")->count, 0);
	cr_assert(input_given(r, "ints"));
	cr_assert_not(input_given(r, "text"));
}

Test(field, undoes_the_markup_guard)
{
	struct req *r = post(STYLE_ERROR, all_input, json,
	    "{\"text\": \"<\xe2\x81\xa0p\", \"prose\": \"<\xe2\x81\xa0p>\"}",
	    ERR_OK);

	cr_assert_str_eq(input_text(r, "prose"), "<p>");
	cr_assert_str_eq(input_text(r, "text"), "<\xe2\x81\xa0p");
}

Test(field, reads_forms)
{
	struct req *r = post(STYLE_FORM, all_input, form,
	    "text=a&text=b&number=4&yes=false&list=x&list[]=y&unknown=1",
	    ERR_OK);

	cr_assert_str_eq(input_text(r, "text"), "b");
	cr_assert_eq(input_int(r, "number"), 4);
	cr_assert(input_given(r, "yes"));
	cr_assert_eq(input_of(r, "list")->count, 2);
}

Test(field, reads_files)
{
	static const char body[] =
	    "--X\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n"
	    "hi\r\n--X\r\nContent-Disposition: form-data; name=\"file\"; "
	    "filename=\"%s\"\r\n\r\n%s\r\n--X--\r\n";
	const char *type = "multipart/form-data; boundary=X";
	struct req *r = post(STYLE_ERROR, all_input, type,
	    mem_printf(NULL, body, "a.png", "PNG"), ERR_OK);

	cr_assert_str_eq(input_text(r, "text"), "hi");
	cr_assert_str_eq(input_of(r, "file")->file->filename, "a.png");
	cr_assert_eq(input_of(r, "file")->file->len, 3);
	/* what a browser sends for an empty file input */
	r = post(STYLE_ERROR, all_input, type, mem_printf(NULL, body, "", ""),
	    ERR_OK);
	cr_assert_null(input_of(r, "file")->file);
	cr_assert_not(input_given(r, "file"));
	cr_assert_str_eq(error_body(post(STYLE_ERROR, all_input, json,
			     "{\"file\": \"x\"}", ERR_INVALID)),
	    "{\"file\":[\"Upload a JPEG, PNG, WebP or GIF picture of at most "
	    "4 KiB and 40 megapixels.\"],\"error\":\"Upload a JPEG, PNG, WebP "
	    "or GIF picture of at most 4 KiB and 40 megapixels.\"}");
}

Test(field, collects_all_errors)
{
	struct req *r = post(STYLE_ERROR, all_input, json,
	    "{\"text\": \" \", \"prose\": 1, \"number\": \"x\", \"yes\": "
	    "\"yes\", \"kind\": \"X\", \"list\": [1], \"ints\": [10], "
	    "\"digits\": \"x\", \"secret\": \"hush\"}",
	    ERR_INVALID);
	const char *text = error_body(r);

	cr_assert_eq(r->problem->n, 9);
	cr_assert_not_null(
	    strstr(text, "\"text\":[\"This field cannot be blank.\"]"));
	cr_assert_not_null(strstr(text, "\"prose\":[\"This value must be"));
	cr_assert_not_null(strstr(text, "\"yes\":[\"“yes” value must be"));
	cr_assert_not_null(strstr(text, "\"ints\":[\"Ensure this value is"));
	cr_assert_null(strstr(text, "hush"));
}

/* The language is often known only after the query was read. */
Test(field, words_errors_in_the_language_of_the_reply)
{
	static const struct field required[] = {
		{ "email", FROM_QUERY, T_TEXT, REQUIRED, .max_length = 9 },
		{ 0 },
	};
	struct req *r = query("/?kind=X", ERR_INVALID);

	r->lang = LANG_DE;
	cr_assert_str_eq(error_body(r),
	    "{\"kind\":[\"Der Wert „X“ ist keine gültige Option.\"],"
	    "\"error\":\"Der Wert „X“ ist keine gültige Option.\"}");
	r = world_request("GET", "/");
	world_route(r, STYLE_FORM, required);
	cr_assert_eq(field_read_query(r), ERR_INVALID);
	r->lang = LANG_DE;
	cr_assert_str_eq(error_body(r),
	    "{\"email\":[\"Das Feld „E-Mail-Adresse“ ist erforderlich\"],"
	    "\"error\":\"Das Feld „E-Mail-Adresse“ ist erforderlich\"}");
	r->lang = LANG_EN;
	cr_assert_str_eq(error_body(r), "{\"email\":[\"email is required\"],"
					"\"error\":\"email is required\"}");
}

/* A text of the field's own is about the whole request. */
Test(field, has_texts_of_its_own)
{
	cr_assert_str_eq(error_body(post(STYLE_ERROR, all_input, json,
			     "{\"code\": 123456}", ERR_INVALID)),
	    "{\"error\":\"Verification code is incorrect\"}");
}

Test(field, repeats_no_more_than_a_little)
{
	struct buf body;
	struct req *r;
	int i;

	buf_init(&body, NULL, 64);
	buf_puts(&body, "{\"number\": \"");
	for (i = 0; i < 400; i++)
		buf_puts(&body, "\xc3\xa9");
	buf_puts(&body, "\"}");
	r = post(STYLE_ERROR, all_input, json, body.data, ERR_INVALID);
	cr_assert_lt(strlen(problem_text(r, &r->problem->list[0])), 260);
}

Test(field, counts_code_points)
{
	post(STYLE_ERROR, all_input, json,
	    "{\"text\": \"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"}", ERR_OK);
	post(STYLE_ERROR, all_input, json, "{\"text\": \"abcdef\"}",
	    ERR_INVALID);
}

/* Normal forms are measured, and a text that is far too long is not made one.
 */
Test(field, normalises_before_it_counts)
{
	struct req *r = post(STYLE_FRAMEWORK, login_input, json,
	    "{\"username\": \"e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301\","
	    " \"password\": \"x\"}",
	    ERR_OK);

	cr_assert_str_eq(input_text(r, "username"), "éééééé");
	r = post(STYLE_FRAMEWORK, login_input, json,
	    "{\"username\": \"ﬃﬃﬃﬃ\", \"password\": \"x\"}", ERR_INVALID);
	cr_assert_str_eq(error_body(r),
	    "{\"username\":[\"Ensure this value has at most 10 characters "
	    "(it has 12).\"],\"error\":\"Ensure this value has at most 10 "
	    "characters (it has 12).\"}");
	r = post(STYLE_FRAMEWORK, login_input, json,
	    mem_printf(
		NULL, "{\"username\": \"%041d\", \"password\": \"x\"}", 1),
	    ERR_INVALID);
	cr_assert_not_null(strstr(error_body(r), "at most 10"));
}

Test(field, counts_the_items_of_a_list)
{
	struct buf text;

	buf_init(&text, NULL, 1024);
	buf_puts(&text, "/?");
	for (int i = 0; i < FIELD_LIST_MAX; i++)
		buf_puts(&text, "genres[]=drama&");
	query(text.data, ERR_OK);
	buf_puts(&text, "genres=drama");
	cr_assert_str_eq(error_body(query(text.data, ERR_INVALID)),
	    "{\"genres\":[\"Ensure this list has at most 50 items (it has "
	    "51).\"],\"error\":\"Ensure this list has at most 50 items (it has "
	    "51).\"}");
}

Test(field, has_a_limit_of_length)
{
	struct req *r = world_post(json, "");

	world_route(r, STYLE_ERROR, rating_input);
	r->body_too_large = true;
	cr_assert_eq(field_read_query(r), ERR_OK);
	cr_assert_eq(field_read_body(r), ERR_TOO_LARGE);
	cr_assert_str_eq(error_body(r),
	    "{\"error\":\"The request body is too large; at most 1 KiB "
	    "is accepted.\"}");
	r = world_post("multipart/form-data; boundary=X", "");
	world_route(r, STYLE_FORM, all_input);
	r->body_too_large = true;
	cr_assert_eq(field_read_query(r), ERR_OK);
	cr_assert_eq(field_read_body(r), ERR_TOO_LARGE);
	cr_assert_not_null(strstr(error_body(r), "at most 4 KiB"));
	r = post(STYLE_ERROR, rating_input, json,
	    mem_printf(NULL, "{\"rating\": 3, \"x\": \"%01024d\"}", 1),
	    ERR_TOO_LARGE);
	cr_assert_eq(err_status(r->problem->code), 413);
}

/* POSTs of the front end without a body say urlencoded. */
Test(field, leaves_bodies_alone_that_nobody_wants)
{
	post(STYLE_ERROR, no_input, form, "", ERR_OK);
	post(STYLE_ERROR, no_input, "text/plain", "{", ERR_OK);
	post(STYLE_ERROR, all_input, form, "", ERR_OK); /* none is required */
}
