/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is taken for a request before libfcgi sees it.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "base/buf.h"
#include "fcgi_peer.h"
#include "http/record.h"

static struct buf bytes;

static void
start(void)
{
	buf_init(&bytes, NULL, 256);
}

static enum record_verdict
look(void)
{
	size_t size;

	return record_look((const unsigned char *)bytes.data, bytes.len, &size);
}

TestSuite(record, .init = start);

Test(record, waits_for_all_of_it)
{
	size_t head, whole, size;

	peer_begin(&bytes, 1, true);
	peer_param(&bytes, 1, "REQUEST_METHOD", "GET");
	peer_record(&bytes, 4, 1, "", 0);
	head = bytes.len;
	peer_record(&bytes, 5, 1, "body", 4);
	peer_record(&bytes, 5, 1, "", 0);
	whole = bytes.len;
	for (bytes.len = 0; bytes.len < head; bytes.len++)
		cr_assert_eq(look(), RECORD_MORE, "%zu", bytes.len);
	for (; bytes.len < whole; bytes.len++)
		cr_assert_eq(look(), RECORD_HEAD, "%zu", bytes.len);
	cr_assert_eq(look(), RECORD_READY);
	peer_begin(&bytes, 1, true); /* the next one's */
	cr_assert_eq(
	    record_look((const unsigned char *)bytes.data, bytes.len, &size),
	    RECORD_READY);
	cr_assert_eq(size, whole);
}

/* Names and values may be split over records anywhere, lengths included. */
Test(record, follows_pairs_across_records)
{
	char value[300], params[400];
	size_t n = 0, i;

	memset(value, 'v', sizeof value);
	params[n++] = 1;
	params[n++] = (char)0x80;
	params[n++] = 0;
	params[n++] = 1;
	params[n++] = 44; /* 300 */
	params[n++] = 'N';
	memcpy(params + n, value, sizeof value);
	n += sizeof value;
	for (i = 1; i < n; i++) {
		start();
		peer_begin(&bytes, 1, true);
		peer_record(&bytes, 4, 1, params, i);
		peer_record(&bytes, 4, 1, params + i, n - i);
		peer_record(&bytes, 4, 1, "", 0);
		cr_assert_eq(look(), RECORD_HEAD, "%zu", i);
	}
}

Test(record, refuses_pairs_that_do_not_end)
{
	static const struct {
		const char *s;
		size_t n;
	} bad[] = {
		{ "\x01", 1 },
		{ "\x01\x01", 2 },
		{ "\x01\x01N", 3 },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff", 8 },
		{ "\x80", 1 },
		{ "\x01\x80\0", 3 },
	};
	size_t i;

	for (i = 0; i < array_len(bad); i++) {
		start();
		peer_begin(&bytes, 1, true);
		peer_record(&bytes, 4, 1, bad[i].s, bad[i].n);
		peer_record(&bytes, 4, 1, "", 0);
		cr_assert_eq(look(), RECORD_BAD, "%zu", i);
	}
}

Test(record, refuses_other_beginnings)
{
	static const unsigned types[] = { 2, 3, 4, 5, 6, 7, 8, 99 };
	size_t i;

	for (i = 0; i < array_len(types); i++) {
		start();
		peer_record(&bytes, types[i], 1, "12345678", 8);
		cr_assert_eq(look(), RECORD_BAD, "%u", types[i]);
	}
	start();
	buf_puts(&bytes, "GET / HTTP/1.1\r\n\r\n");
	cr_assert_eq(look(), RECORD_BAD);
	start();
	peer_record(&bytes, 1, 1, "\0\1\1\0\0\0\0", 7); /* too short */
	cr_assert_eq(look(), RECORD_BAD);
	start();
	peer_record(&bytes, 1, 1, "\0\2\1\0\0\0\0\0", 8); /* authorizer */
	cr_assert_eq(look(), RECORD_BAD);
}

Test(record, refuses_strangers_among_the_parameters)
{
	peer_begin(&bytes, 1, true);
	peer_record(&bytes, 4, 2, "", 0);
	cr_assert_eq(look(), RECORD_BAD);
	start();
	peer_begin(&bytes, 1, true);
	peer_record(&bytes, 9, 0, "", 0);
	cr_assert_eq(look(), RECORD_BAD);
	start();
	peer_begin(&bytes, 1, true);
	peer_begin(&bytes, 1, true);
	cr_assert_eq(look(), RECORD_BAD);
}

Test(record, refuses_strangers_in_the_body)
{
	size_t head;

	peer_begin(&bytes, 1, true);
	peer_record(&bytes, 4, 1, "", 0);
	head = bytes.len;
	peer_record(&bytes, 5, 1, "body", 4);
	peer_record(&bytes, 9, 0, "", 0);
	cr_assert_eq(look(), RECORD_BAD);
	buf_cut(&bytes, head);
	peer_record(&bytes, 2, 1, "", 0); /* abort */
	cr_assert_eq(look(), RECORD_BAD);
	buf_cut(&bytes, head);
	peer_record(&bytes, 5, 2, "", 0);
	cr_assert_eq(look(), RECORD_BAD);
}

Test(record, answers_management_records)
{
	unsigned char out[RECORD_ANSWER_SIZE];
	size_t size, n;

	buf_puts(&bytes, "");
	peer_record(&bytes, 9, 0,
	    "\x0f\0FCGI_MPXS_CONNS\x0e\0FCGI_MAX_CONNS\1\1ab", 37);
	cr_assert_eq(
	    record_look((const unsigned char *)bytes.data, bytes.len, &size),
	    RECORD_MANAGEMENT);
	cr_assert_eq(size, bytes.len);
	n = record_answer((const unsigned char *)bytes.data, size, out);
	cr_assert_eq(out[1], 10);
	cr_assert_eq(n, 8 + 2 + 14 + 4 + 2 + 15 + 1);
	cr_assert_eq(out[5], n - 8);
	cr_assert_eq(memcmp(out + 8,
			 "\x0e\x04"
			 "FCGI_MAX_CONNS1024",
			 20),
	    0);
	start();
	peer_record(&bytes, 77, 0, "x", 1);
	cr_assert_eq(look(), RECORD_MANAGEMENT);
	n = record_answer((const unsigned char *)bytes.data, bytes.len, out);
	cr_assert_eq(n, 16);
	cr_assert_eq(out[1], 11);
	cr_assert_eq(out[8], 77);
}

/* Each value once, however often it is asked for: the answer has a size. */
Test(record, answers_a_repeated_question_once)
{
	unsigned char out[RECORD_ANSWER_SIZE];
	struct buf content;
	int i;

	buf_init(&content, NULL, 64);
	for (i = 0; i < 100; i++)
		buf_add(&content, "\x0e\0FCGI_MAX_CONNS", 16);
	peer_record(&bytes, 9, 0, content.data, content.len);
	cr_assert_eq(look(), RECORD_MANAGEMENT);
	cr_assert_eq(
	    record_answer((const unsigned char *)bytes.data, bytes.len, out),
	    8 + 2 + 14 + 4);
}
