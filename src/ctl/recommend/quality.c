/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How good lists are, in words and as JSON.
 */
#include "base/base.h"

#include "base/json.h"
#include "ctl/recommend/recommend.h"

void
recommend_quality_json(struct json *j, const struct quality *q)
{
	for (int m = 0; m < METRIC__MAX; m++) {
		json_key(j, metric_name((enum metric)m));
		json_object(j);
		json_key(j, "mean");
		json_double(j, q->mean[m]);
		json_key(j, "error");
		json_double(j, q->error[m]);
		json_object_end(j);
	}
	json_key(j, "Coverage");
	json_double(j, q->coverage);
}

static void
print_quality(const char *name, const struct quality *q)
{
	printf("%-12s", name);
	for (int m = 0; m < METRIC__MAX; m++)
		printf("  %.4f +-%.4f", q->mean[m], q->error[m]);
	printf("  %.4f\n", q->coverage);
}

void
recommend_quality_print(
    const struct quality *ours, const struct quality *popular)
{
	printf("%-12s", "");
	for (int m = 0; m < METRIC__MAX; m++)
		printf("  %-14s", metric_name((enum metric)m));
	printf("  Coverage\n");
	print_quality("recommended", ours);
	print_quality("most popular", popular);
}
