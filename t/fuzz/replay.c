/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Feeds a fuzz target the files and folders it is given, or else its corpus
 * ($srcdir/t/fuzz/corpus/<name of the program>), and says so in TAP.
 */
#include "base/base.h"

#include <dirent.h>

#include "base/mem.h"
#include "fuzz.h"

#define INPUT_MAX (1 << 20)

static int tests, failures;

static void
replay_file(const char *path)
{
	uint8_t *data = mem_need(talloc_size(NULL, INPUT_MAX)), *input;
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(data, 1, INPUT_MAX, f) : 0;

	tests++;
	if (!f || ferror(f)) {
		printf("not ok %d - %s: %s\n", tests, path, strerror(errno));
		failures++;
	} else {
		/* of its own size, so that a byte too far is seen */
		input = mem_need(talloc_size(NULL, n));
		memcpy(input, data, n);
		LLVMFuzzerTestOneInput(input, n);
		talloc_free(input);
		printf("ok %d - %s\n", tests, path);
	}
	fflush(stdout);
	if (f)
		fclose(f);
	talloc_free(data);
}

static void
replay(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir) {
		replay_file(path);
		return;
	}
	while ((entry = readdir(dir))) {
		char *name = mem_printf(NULL, "%s/%s", path, entry->d_name);

		if (entry->d_name[0] != '.')
			replay_file(name);
		talloc_free(name);
	}
	closedir(dir);
}

static char *
corpus_of(const char *program)
{
	const char *slash = strrchr(program, '/'), *srcdir = getenv("srcdir");

	return mem_printf(NULL, "%s/t/fuzz/corpus/%s", srcdir ? srcdir : ".",
	    slash ? slash + 1 : program);
}

int
main(int argc, char **argv)
{
	bool given = false;
	int i;

	mem_init();
	for (i = 1; i < argc; i++) {
		if (argv[i][0] == '-') /* what criterion programs take */
			continue;
		replay(argv[i]);
		given = true;
	}
	if (!given) {
		char *corpus = corpus_of(argv[0]);

		replay(corpus);
		talloc_free(corpus);
	}
	printf("1..%d\n", tests);
	return failures > 0;
}
