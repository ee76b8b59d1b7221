/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random numbers from the kernel.
 */
#include "base/base.h"

#include <sys/random.h>

#include "base/random.h"

void
random_bytes(void *p, size_t n)
{
	unsigned char *at = p;
	ssize_t got;

	while (n > 0) {
		got = getrandom(at, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			abort();
		at += got;
		n -= (size_t)got;
	}
}

uint32_t
random_below(uint32_t bound)
{
	uint32_t value, unfair;

	assert(bound > 0);
	/* reject the lowest 2^32 mod bound values to avoid bias */
	unfair = (uint32_t)(-bound) % bound;
	do
		random_bytes(&value, sizeof value);
	while (value < unfair);
	return value % bound;
}

void
random_hex(char *out, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	/* the bytes are in the upper half until they are overwritten by digits
	 */
	random_bytes(out + n, n);
	for (i = 0; i < n; i++) {
		unsigned char byte = (unsigned char)out[n + i];

		out[2 * i] = digits[byte >> 4];
		out[2 * i + 1] = digits[byte & 15];
	}
	out[2 * n] = '\0';
}

void
random_code(char out[7])
{
	snprintf(out, 7, "%06u", (unsigned)random_below(1000000));
}
