/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mxmctl tune: proposes numbers of processes, the size of the cache and limits
 * of systemd and PostgreSQL from the cores and the memory of this host, and
 * explains each. --write writes those of the settings and of the units.
 */
#include "base/base.h"

#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/plan.h"
#include "base/text.h"
#include "cache/cache.h"
#include "ctl/backup/backup.h"
#include "ctl/dropin.h"
#include "db/db.h"
#include "db/query.h"
#include "db/settings.h"

#define MIB       (UINT64_C(1) << 20)
#define NAME      "50-tune.conf"
#define CORES_MAX 1024
#define HOSTS_MAX 100
#define ROWS_MAX  16

#define MEMORY_LEAST (512 * MIB)
#define IMAGE_LEAST  (256 * MIB) /* minimum of image_memory */
#define CACHE_LEAST  64          /* MiB */
#define CACHE_MOST   2048
#define WORK_LEAST   4
#define WORK_MOST    64
#define MAINTENANCE  1024

/* Connections beside the programs: training, mxmctl, backups, psql. */
#define OTHER_CONNECTIONS   17
#define DEFAULT_CONNECTIONS 100

#define OWN_CACHE "/run/mxm-cache/"

/* Where a proposal belongs. */
#define SETTINGS   "settings"
#define UNIT       "mxmd.service"
#define CACHE_UNIT "mxm-cache.service"
#define POSTGRESQL "postgresql"

#define CACHE_SIZE "MEGABYTES" /* in the environment of CACHE_UNIT */

struct proposal {
	const char *where;
	const char *name;
	const char *now; /* NULL: not known */
	const char *value;
	const char *why;
};

struct tuning {
	struct ctl *ctl;
	int cores;
	uint64_t memory; /* bytes */
	int hosts;
	bool local; /* PostgreSQL is on this host */
	struct plan plan;
	uint64_t image_memory;
	struct row server; /* server_facts */
	bool answered;     /* the server is known */
	struct proposal list[ROWS_MAX];
	size_t n;
	const char *written[3];
	size_t n_written;
};

/* ---------------------------------------------------------------- the host */

/* The numbers at the beginning of a file, at most two; how many there are. */
static int
read_numbers(const char *path, long number[2])
{
	FILE *in = fopen(path, "re");
	char line[80] = "", *from = line, *end;
	int n;

	if (in) {
		if (!fgets(line, sizeof line, in))
			line[0] = '\0';
		fclose(in);
	}
	for (n = 0; n < 2; n++) {
		number[n] = strtol(from, &end, 10);
		if (end == from)
			break;
		from = end;
	}
	return n;
}

/* The memory of the machine, or the limit of the container. */
static uint64_t
host_memory(void)
{
	uint64_t all =
	    (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	long most[2];

	if (read_numbers("/sys/fs/cgroup/memory.max", most) > 0 &&
	    most[0] > 0 && (uint64_t)most[0] < all)
		return (uint64_t)most[0];
	return all;
}

static int
host_cores(void)
{
	long of[2]; /* microseconds, in a period of so many */
	int all = plan_cores();

	if (read_numbers("/sys/fs/cgroup/cpu.max", of) == 2 && of[0] > 0 &&
	    of[1] > 0 && (of[0] + of[1] - 1) / of[1] < all)
		return (int)((of[0] + of[1] - 1) / of[1]);
	return all;
}

/* A number from 1 to `max`; false: an error was printed. */
static bool
read_number(struct ctl *ctl, const char *option, int max, int *out)
{
	const char *text = ctl_option(ctl, option);
	int64_t n = *out;

	if (text && (!text_to_int64(text, &n) || n < 1 || n > max)) {
		(void)ctl_usage(ctl, "%s: \"%s\" is not a number from 1 to %d",
		    option, text, max);
		return false;
	}
	*out = (int)n;
	return true;
}

static bool
read_size(struct ctl *ctl, uint64_t *out)
{
	static const char units[] = "KMGT";
	const char *text = ctl_option(ctl, "--memory"), *unit;
	unsigned long long n;
	char *end;

	if (!text)
		return true;
	n = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (*text >= '0' && *text <= '9' && n <= 1 << 20 && unit && !end[1]) {
		*out = (uint64_t)n << (10 * (unit - units + 1));
		if (*out >= MEMORY_LEAST)
			return true;
	}
	(void)ctl_usage(ctl,
	    "--memory: \"%s\" is not a size of at least 512M, for example 16G",
	    text);
	return false;
}

/* A Unix socket is local, unless it is that of a pooler to another host. */
static bool
is_local(struct ctl *ctl)
{
	const char *given = ctl_option(ctl, "--database");
	const char *host =
	    settings_conninfo(ctl->mem, ctl->conf->database, "host");

	if (given)
		return *given == 'l';
	return !host || *host == '/' || strcmp(host, "localhost") == 0 ||
	       strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0;
}

/* ------------------------------------------------------------ the proposals */

static const char *
number(struct tuning *t, uint64_t n, const char *unit)
{
	return mem_printf(t->ctl->mem, "%" PRIu64 "%s", n, unit);
}

static void
propose(struct tuning *t, struct proposal one)
{
	assert(t->n < ROWS_MAX);
	t->list[t->n++] = one;
}

static int
between(int least, uint64_t n, int most)
{
	return n < (uint64_t)least ? least : n > (uint64_t)most ? most : (int)n;
}

/*
 * Two processes per core; fewer, and less memory for a picture, if they could
 * need more than their part of the memory.
 */
static void
choose_plan(struct tuning *t)
{
	uint64_t budget = t->local ? t->memory / 2 : t->memory / 4 * 3;
	struct plan *p = &t->plan;
	struct conf defaults = { 0 };

	plan_make(&defaults, t->cores, p);
	t->image_memory = t->ctl->conf->image_memory;
	while (plan_memory(p, t->image_memory) > budget) {
		bool large = t->image_memory > IMAGE_LEAST;

		if (p->slow > (large ? PLAN_SLOW_MIN : 2))
			p->slow--;
		else if (large)
			t->image_memory = IMAGE_LEAST;
		else if (p->fast > 2)
			p->fast--;
		else
			break;
	}
}

static void
propose_settings(struct tuning *t)
{
	const struct conf *conf = t->ctl->conf;
	struct plan now;

	plan_make(conf, plan_cores(), &now);
	propose(t, (struct proposal){ SETTINGS, "workers",
		       number(t, (uint64_t)now.fast, ""),
		       number(t, (uint64_t)t->plan.fast, ""),
		       "two per core: one computes while the other waits for "
		       "PostgreSQL" });
	propose(t, (struct proposal){ SETTINGS, "slow_workers",
		       number(t, (uint64_t)now.slow, ""),
		       number(t, (uint64_t)t->plan.slow, ""),
		       "two per core, at least 4, as far as each can decode a "
		       "picture in memory" });
	propose(
	    t, (struct proposal){ SETTINGS, "hash_places",
		   number(t, (uint64_t)now.hashing, ""),
		   number(t, (uint64_t)t->plan.hashing, ""),
		   "one per core: a password occupies a core, and 19 MiB" });
	propose(t, (struct proposal){ SETTINGS, "image_memory",
		       number(t, conf->image_memory / MIB, "M"),
		       number(t, t->image_memory / MIB, "M"),
		       "for each slow worker at the same time" });
}

static void
propose_limits(struct tuning *t)
{
	uint64_t need = plan_memory(&t->plan, (size_t)t->image_memory);
	uint64_t most = t->memory / 4 * 3;

	propose(t,
	    (struct proposal){ UNIT, "MemoryMax", NULL,
		number(t, (need < most ? need : most) / MIB, "M"),
		need < most ?
		    "256M, 64M per worker, 19M per hash_places, image_memory "
		    "per slow worker" :
		    "three quarters of the memory: less than several large "
		    "pictures at the same time can need" });
	propose(t, (struct proposal){ UNIT, "TasksMax", NULL,
		       number(t, (uint64_t)plan_tasks(&t->plan), ""),
		       "16, one per fast worker, three per slow worker" });
}

static void
take_limit(void *arg, const char *name, const char *value)
{
	if (strcmp(name, "limit_maxbytes") == 0)
		(void)text_to_int64(value, arg);
}

/*
 * A share of the memory for each host; nothing without a cache. The limit of
 * the unit has room for the table of keys and the buffers of connections.
 */
static void
propose_cache(struct tuning *t)
{
	const char *servers = t->ctl->conf->cache_servers;
	bool own = strstr(servers, OWN_CACHE) != NULL;
	struct cache *cache = cache_new(t->ctl->mem, servers);
	int64_t limit = 0;
	int size = between(CACHE_LEAST, t->memory / MIB / 16, CACHE_MOST);

	if (cache_servers(cache) == 0)
		return;
	(void)cache_stats(cache, 0, take_limit, &limit);
	propose(
	    t, (struct proposal){ own ? CACHE_UNIT : "memcached",
		   own ? CACHE_SIZE : "-m",
		   limit ? number(t, (uint64_t)limit / MIB, "") : NULL,
		   number(t, (uint64_t)size, ""),
		   "a sixteenth of the memory; more only if \"cache stats\" "
		   "shows evictions" });
	if (own)
		propose(
		    t, (struct proposal){ CACHE_UNIT, "MemoryMax", NULL,
			   number(t, (uint64_t)size + (uint64_t)size / 4 + 64,
			       "M"),
			   "64M and one and a quarter of MEGABYTES" });
}

static const char *
now_of(const struct tuning *t, const char *name)
{
	return t->answered ? row_text(&t->server, name) : NULL;
}

static void
propose_postgresql(struct tuning *t)
{
	int connections = plan_connections(&t->plan) * t->hosts;
	uint64_t mib = t->memory / MIB;
	int workers = t->plan.fast + t->plan.slow;

	connections = (connections + OTHER_CONNECTIONS + 3 + 9) / 10 * 10;
	if (connections < DEFAULT_CONNECTIONS)
		connections = DEFAULT_CONNECTIONS;
	propose(t,
	    (struct proposal){ POSTGRESQL, "max_connections",
		now_of(t, "connections"), number(t, (uint64_t)connections, ""),
		"twice the processes of each host, for a reload, and 20 for "
		"training, backups and administration" });
	if (!t->local)
		return;
	propose(t, (struct proposal){ POSTGRESQL, "shared_buffers",
		       now_of(t, "shared_buffers"), number(t, mib / 4, "MB"),
		       "a quarter of the memory" });
	propose(
	    t, (struct proposal){ POSTGRESQL, "effective_cache_size",
		   now_of(t, "effective_cache_size"), number(t, mib / 2, "MB"),
		   "half of the memory: what the planner may expect to be "
		   "cached" });
	propose(
	    t, (struct proposal){ POSTGRESQL, "work_mem", now_of(t, "work_mem"),
		   number(t,
		       (uint64_t)between(
			   WORK_LEAST, mib / 16 / (uint64_t)workers, WORK_MOST),
		       "MB"),
		   "a sixteenth of the memory, if all workers sort" });
	propose(t,
	    (struct proposal){ POSTGRESQL, "maintenance_work_mem",
		now_of(t, "maintenance_work_mem"),
		number(t, (uint64_t)between(64, mib / 16, MAINTENANCE), "MB"),
		"a sixteenth of the memory, for indexes and VACUUM" });
}

/* ----------------------------------------------------------------- writing */

/* The lines "name = value" of a place, with the reason as a comment. */
static const char *
lines_of(const struct tuning *t, const char *where)
{
	const char *text =
	    "# Written by \"mxmctl tune --write\", which overwrites it.\n";
	size_t i;

	if (strcmp(where, SETTINGS) != 0)
		text = mem_printf(t->ctl->mem, "%s[Service]\n", text);
	for (i = 0; i < t->n; i++) {
		const struct proposal *p = &t->list[i];

		if (strcmp(p->where, where) == 0)
			text = mem_printf(t->ctl->mem, "%s# %s\n%s%s%s%s\n",
			    text, p->why,
			    strcmp(p->name, CACHE_SIZE) == 0 ? "Environment=" :
							       "",
			    p->name, strcmp(where, SETTINGS) == 0 ? " = " : "=",
			    p->value);
	}
	return text;
}

static bool
write_one(
    struct tuning *t, const char *folder, const char *text, const char *like)
{
	const char *path = dropin_write(t->ctl, folder, NAME, text, like);
	int why = errno;

	if (!path) {
		ctl_error(t->ctl, "%s/%s: %s; run it as root\n", folder, NAME,
		    strerror(why));
		errno = why;
		return false;
	}
	t->written[t->n_written++] = path;
	return true;
}

static int
write_all(struct tuning *t)
{
	const char *root = ctl_option(t->ctl, "--root");
	const char *units =
	    mem_printf(t->ctl->mem, "%s/etc/systemd/system", root ? root : "");
	bool own = strstr(t->ctl->conf->cache_servers, OWN_CACHE) != NULL;

	if (write_one(t, dropin_conf_d(t->ctl), lines_of(t, SETTINGS),
		t->ctl->config) &&
	    write_one(t, mem_printf(t->ctl->mem, "%s/" UNIT ".d", units),
		lines_of(t, UNIT), units) &&
	    (!own || write_one(t,
			 mem_printf(t->ctl->mem, "%s/" CACHE_UNIT ".d", units),
			 lines_of(t, CACHE_UNIT), units)))
		return EX_OK;
	return errno == EACCES || errno == EPERM ? EX_NOPERM : EX_CANTCREAT;
}

/* A later file or the environment may override a setting. */
static void
check_in_force(struct tuning *t)
{
	struct conf_errors errors = { NULL, 0 };
	struct conf *conf;
	size_t i, id;

	/* what is wrong with them is for mxmctl check to report */
	(void)settings_load(t->ctl->mem, t->ctl->config, &conf, &errors);
	for (i = 0; i < t->n; i++)
		for (id = 0; id < CONF__MAX; id++)
			if (strcmp(t->list[i].where, SETTINGS) == 0 &&
			    strcmp(conf_settings[id].name, t->list[i].name) ==
				0 &&
			    strcmp(conf->text[id], t->list[i].value) != 0)
				ctl_error(t->ctl,
				    "%s also sets %s and overrides it\n",
				    conf_place(conf, (enum conf_id)id),
				    t->list[i].name);
}

/* ------------------------------------------------------------------ output */

static void
put_proposal(struct json *j, const struct proposal *p)
{
	json_object(j);
	json_key(j, "where");
	json_text(j, p->where);
	json_key(j, "name");
	json_text(j, p->name);
	json_key(j, "now");
	json_text(j, p->now);
	json_key(j, "proposed");
	json_text(j, p->value);
	json_key(j, "why");
	json_text(j, p->why);
	json_object_end(j);
}

static int
print_json(const struct tuning *t)
{
	struct json *j = ctl_json(t->ctl);
	size_t i;

	json_object(j);
	json_key(j, "cores");
	json_int(j, t->cores);
	json_key(j, "memory_mib");
	json_int(j, (int64_t)(t->memory / MIB));
	json_key(j, "hosts");
	json_int(j, t->hosts);
	json_key(j, "database");
	json_text(j, t->local ? "local" : "remote");
	json_key(j, "proposals");
	json_list(j);
	for (i = 0; i < t->n; i++)
		put_proposal(j, &t->list[i]);
	json_list_end(j);
	json_key(j, "written");
	json_list(j);
	for (i = 0; i < t->n_written; i++)
		json_text(j, t->written[i]);
	json_list_end(j);
	json_object_end(j);
	return ctl_json_done(j, EX_OK);
}

static bool
differs(const struct proposal *p, const char *where)
{
	return strcmp(p->where, where) == 0 &&
	       (!p->now || strcmp(p->now, p->value) != 0);
}

/* What only the superuser of PostgreSQL and root can do. */
static void
print_commands(const struct tuning *t)
{
	bool any = false;
	size_t i;

	for (i = 0; i < t->n; i++) {
		if (!differs(&t->list[i], POSTGRESQL))
			continue;
		if (!any)
			printf("\nTo change PostgreSQL%s:\n"
			       "runuser -u postgres -- psql",
			    t->local ? "" : ", on its host");
		printf(" \\\n    -c \"ALTER SYSTEM SET %s = '%s'\"",
		    t->list[i].name, t->list[i].value);
		any = true;
	}
	if (any)
		printf("\nsystemctl restart postgresql\n");
	if (t->n_written == 0)
		return;
	printf("\nWritten:\n");
	for (i = 0; i < t->n_written; i++)
		printf("%s\n", t->written[i]);
	printf("To use it:\nsystemctl daemon-reload && systemctl restart%s "
	       "mxmd\n",
	    t->n_written == array_len(t->written) ? " mxm-cache" : "");
}

static int
print_text(const struct tuning *t)
{
	const char *where = "";
	size_t i;

	printf("%d core%s, %" PRIu64 " MiB of memory, PostgreSQL %s\n",
	    t->cores, PLURAL(t->cores), t->memory / MIB,
	    t->local ? "on this host" : "on another host");
	for (i = 0; i < t->n; i++) {
		const struct proposal *p = &t->list[i];

		if (strcmp(where, p->where) != 0)
			printf(
			    "\n%-24s %9s %9s\n", p->where, "proposed", "now");
		where = p->where;
		printf("  %-22s %9s %9s  %s\n", p->name, p->value,
		    p->now ? p->now : "-", p->why);
	}
	print_commands(t);
	return EX_OK;
}

int
ctl_tune(struct ctl *ctl, int argc, char **argv)
{
	struct tuning t = { .ctl = ctl,
		.cores = host_cores(),
		.memory = host_memory(),
		.hosts = 1,
		.local = is_local(ctl) };
	struct db *db = ctl_database(ctl);
	int status;

	(void)argc;
	(void)argv;
	if (!read_number(ctl, "--cores", CORES_MAX, &t.cores) ||
	    !read_number(ctl, "--hosts", HOSTS_MAX, &t.hosts) ||
	    !read_size(ctl, &t.memory))
		return EX_USAGE;
	/* without it, what the server has is not known */
	(void)program_db(db, program_user(ctl, ctl->conf->database));
	t.answered = query_one(ctl->mem, db, &t.server, SQL_server_facts,
			 NO_ARGS) == ERR_OK;
	choose_plan(&t);
	propose_settings(&t);
	propose_limits(&t);
	propose_cache(&t);
	propose_postgresql(&t);
	if (ctl_option(ctl, "--write")) {
		status = write_all(&t);
		if (status != EX_OK)
			return status;
		check_in_force(&t);
	}
	return ctl->json ? print_json(&t) : print_text(&t);
}
