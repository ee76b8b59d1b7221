/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How good lists and predicted ratings are, in words and as JSON.
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

void
recommend_calibration_json(struct json *j, const struct calibration *c)
{
	if (c->ratings == 0)
		return;
	json_key(j, "prediction");
	json_object(j);
	json_key(j, "ratings");
	json_int(j, (int64_t)c->ratings);
	json_key(j, "RMSE");
	json_double(j, c->predicted);
	json_key(j, "movie_mean");
	json_double(j, c->movie);
	json_key(j, "user_and_movie_means");
	json_double(j, c->user_movie);
	json_object_end(j);
}

void
recommend_calibration_print(const struct calibration *c)
{
	if (c->ratings == 0)
		return;
	printf("\n%zu predicted rating%s: RMSE %.4f; by the mean of the movie "
	       "%.4f, by the means of user and movie %.4f\n",
	    c->ratings, PLURAL(c->ratings), c->predicted, c->movie,
	    c->user_movie);
}
