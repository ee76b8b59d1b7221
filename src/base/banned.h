/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Makes unsafe and locale-dependent functions of the C library compile errors.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

/* unbounded writes: use talloc_asprintf(), snprintf(), struct buf */
#pragma GCC poison strcpy strcat sprintf vsprintf gets stpcpy
/* pad or truncate silently */
#pragma GCC poison strncpy strncat
/* no error detection: use text_to_int64() */
#pragma GCC poison atoi atol atoll atof
/* static state: use strtok_r(), gmtime_r() etc. */
#pragma GCC poison strtok gmtime localtime ctime asctime
/* not random: use base/random.h (`random` itself is a member in <sodium.h>) */
#pragma GCC poison rand srand srandom drand48
/* run a shell */
#pragma GCC poison system popen

#endif
