/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Clocks, and times as text.
 */
#include "base/base.h"

#include "base/clock.h"

#define US_PER_S 1000000

static int64_t frozen_us; /* 0: the real clock */

static int64_t
read_clock(clockid_t which)
{
	struct timespec ts;

	if (clock_gettime(which, &ts) != 0)
		abort();
	return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

int64_t
clock_now_us(void)
{
	return frozen_us ? frozen_us : read_clock(CLOCK_REALTIME);
}

int64_t
clock_steady_us(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

void
clock_set_for_test(int64_t us)
{
	frozen_us = us;
}

/* The parts of a time, unsigned and bounded so that the compiler knows the
 * widths.
 */
struct parts {
	unsigned year, month, day, weekday, hour, minute, second, micro;
};

static void
split(int64_t us, struct parts *out)
{
	int64_t rest = us % US_PER_S;
	time_t seconds;
	struct tm tm;

	if (rest < 0)
		rest += US_PER_S;
	seconds = (time_t)((us - rest) / US_PER_S);
	if (!gmtime_r(&seconds, &tm))
		abort();
	out->year = (unsigned)(tm.tm_year + 1900) % 10000;
	out->month = (unsigned)tm.tm_mon % 12;
	out->day = (unsigned)tm.tm_mday % 32;
	out->weekday = (unsigned)tm.tm_wday % 7;
	out->hour = (unsigned)tm.tm_hour % 24;
	out->minute = (unsigned)tm.tm_min % 60;
	out->second = (unsigned)tm.tm_sec % 61;
	out->micro = (unsigned)rest % US_PER_S;
}

void
clock_iso(char out[CLOCK_ISO_SIZE], int64_t us)
{
	struct parts p;
	int n;

	split(us, &p);
	n = snprintf(out, CLOCK_ISO_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u",
	    p.year, p.month + 1, p.day, p.hour, p.minute, p.second);
	if (p.micro > 0)
		n += snprintf(
		    out + n, CLOCK_ISO_SIZE - (size_t)n, ".%06u", p.micro);
	snprintf(out + n, CLOCK_ISO_SIZE - (size_t)n, "+00:00");
}

void
clock_http(char out[CLOCK_ISO_SIZE], int64_t us)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct parts p;

	split(us, &p);
	snprintf(out, CLOCK_ISO_SIZE, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
	    days + (size_t)3 * p.weekday, p.day, months + (size_t)3 * p.month,
	    p.year, p.hour, p.minute, p.second);
}

void
clock_age(char out[CLOCK_AGE_SIZE], int64_t seconds)
{
	static const struct {
		int64_t from; /* seconds */
		int64_t unit;
		const char *name;
	} steps[] = {
		{ 2 * 86400, 86400, "d" },
		{ 2 * 3600, 3600, "h" },
		{ 2 * 60, 60, "min" },
		{ INT64_MIN, 1, "s" },
	};
	size_t i = 0;

	if (seconds < 0)
		seconds = 0;
	while (seconds < steps[i].from)
		i++;
	snprintf(out, CLOCK_AGE_SIZE, "%" PRId64 " %s", seconds / steps[i].unit,
	    steps[i].name);
}
