/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fuzzes what stands on a FastCGI connection before libfcgi reads it.
 */
#include "base/base.h"

#include "fuzz.h"
#include "http/record.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char answer[RECORD_ANSWER_SIZE];
	enum record_verdict verdict, shorter;
	size_t whole, n, i;

	verdict = record_look(data, size, &whole);
	if (verdict == RECORD_READY || verdict == RECORD_MANAGEMENT)
		assert(whole > 0 && whole <= size);
	if (verdict == RECORD_MANAGEMENT) {
		n = record_answer(data, whole, answer);
		assert(n >= 8 && n <= sizeof answer);
		assert(n == 8 + (size_t)answer[5]);
	}
	/* what is good was good, and not whole, at every byte before */
	for (i = 0; verdict == RECORD_READY && i < whole; i++) {
		shorter = record_look(data, i, &n);
		assert(shorter == RECORD_MORE || shorter == RECORD_HEAD);
	}
	return 0;
}
