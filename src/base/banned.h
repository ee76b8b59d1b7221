/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names of the C library that are unsafe, or that depend on the locale, become
 * compile errors. The reason stands beside each.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

/* no bound on what they write: talloc_asprintf(), snprintf(), struct buf */
#pragma GCC poison strcpy strcat sprintf vsprintf gets stpcpy
/* pad or cut silently */
#pragma GCC poison strncpy strncat
/* no way to see a bad number: text_to_int64() */
#pragma GCC poison atoi atol atoll atof
/* hidden state: strtok_r(), gmtime_r() and friends */
#pragma GCC poison strtok gmtime localtime ctime asctime
/* not random: base/random.h (`random` itself is a member in <sodium.h>) */
#pragma GCC poison rand srand srandom drand48
/* a shell in between */
#pragma GCC poison system popen

#endif
