/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl nginx-map: which requests go to the slow pool, as the inside of a
 * `map "$request_method $uri"` of nginx, from the route table.
 */
#include "base/base.h"

#include <sysexits.h>

#include "ctl/ctl.h"
#include "http/route.h"

/* A pattern with parameters becomes a regular expression. */
static void
print_rule(const struct route *route)
{
	const char *p = route->pattern;
	size_t len = strlen(p) - 1; /* without the slash at the end */
	bool in_param = false;
	size_t i;

	if (!strchr(p, '{')) {
		printf("\"%s %.*s\" mxm_slow;\n", method_name(route->method),
		    (int)len, p);
		printf("\"%s %s\" mxm_slow;\n", method_name(route->method), p);
		return;
	}
	printf("\"~^%s ", method_name(route->method));
	for (i = 0; i < len; i++) {
		if (p[i] == '{') {
			printf("[^/]+");
			in_param = true;
		} else if (p[i] == '}') {
			in_param = false;
		} else if (!in_param) {
			putchar(p[i]);
		}
	}
	printf("/?$\" mxm_slow;\n");
}

int
ctl_nginx_map(struct ctl *ctl, int argc, char **argv)
{
	int status = ctl_plain(ctl, argc, argv), i;

	if (status != EX_OK)
		return status;
	printf(
	    "# SPDX-License-Identifier: GPL-3.0-or-later\n"
	    "# Made by \"mxmctl nginx-map\" from src/routes.def: requests for "
	    "the slow pool.\n");
	for (i = 0; i < n_routes; i++) {
		if (routes[i].pool == SLOW)
			print_rule(&routes[i]);
	}
	return EX_OK;
}
