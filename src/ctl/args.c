/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Command lines by the usage of their command. A message names the argument
 * that is wrong and is followed by the usage: two lines.
 */
#include "base/base.h"

#include <sysexits.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "ctl/args.h"
#include "ctl/ctl.h"

/* ------------------------------------------------------------- the grammar */

size_t
args_words(const char *usage, struct args_word *words)
{
	struct args_word *option = NULL; /* its value may follow */
	int brackets = 0, inside = 0;
	size_t n = 0, size;

	for (; *usage; usage += strspn(usage, " ")) {
		const char *word = usage;

		size = strcspn(word, " ");
		usage += size;
		if (*word == '[') {
			inside = ++brackets;
			word++;
			size--;
		}
		size_t bare = strcspn(word, " ].");

		if (*word == '|') {
			option = NULL;
			continue;
		}
		assert(n < ARGS_MAX);
		if (option) {
			option->value = word;
			option->value_size = bare;
			option = NULL;
		} else {
			words[n++] = (struct args_word){
				.name = word, .size = bare, .brackets = inside
			};
			option = *word == '-' ? &words[n - 1] : NULL;
		}
		words[n - 1].repeated |= size > 3 && word[size - 1] == '.';
		if (memchr(word, ']', size)) {
			inside = 0;
			option = NULL;
		}
	}
	return n;
}

static bool
is_option(const struct args_word *word)
{
	return *word->name == '-';
}

/* Whether a value is allowed: where "csv|json" is written, one of these. */
static bool
is_allowed(const char *names, size_t size, const char *value)
{
	size_t n = strlen(value), part;

	if (*names < 'a' || *names > 'z')
		return true;
	while (size > 0) {
		part = strcspn(names, "| ].");
		if (part > size)
			part = size;
		if (*names >= 'A' && *names <= 'Z')
			return true; /* failed|ID */
		if (part == n && strncmp(names, value, n) == 0)
			return true;
		part += names[part] == '|';
		names += part;
		size -= part;
	}
	return false;
}

/* ---------------------------------------------------------------- reading */

struct reading {
	struct ctl *ctl;
	struct args_word words[ARGS_MAX];
	size_t n;
	const struct args_word *given[ARGS_MAX]; /* by number of brackets */
	int operands;
};

static int
unknown_option(const struct reading *r, const char *option)
{
	const char *names[ARGS_MAX + 2] = { "--json", "--help" }, *near;
	size_t n = 2, i;

	for (i = 0; i < r->n; i++)
		if (is_option(&r->words[i]))
			names[n++] = mem_textn(
			    r->ctl->mem, r->words[i].name, r->words[i].size);
	near = suggest(option, names, n);
	return ctl_usage(r->ctl, "unknown option \"%s\"%s%s%s", option,
	    near ? "; did you mean \"" : "", near ? near : "",
	    near ? "\"?" : "");
}

/* Stores an option and, for one with a value, that. */
static void
add_option(struct ctl *ctl, const struct args_word *word, const char *value)
{
	struct ctl_option *o;

	ctl->options = mem_grow(
	    ctl->mem, ctl->options, struct ctl_option, ctl->n_options + 1);
	o = &ctl->options[ctl->n_options++];
	o->name = mem_textn(ctl->mem, word->name, word->size);
	o->value = value;
}

/* Another option of the same brackets, or this one twice. */
static int
check_given(struct reading *r, const struct args_word *word)
{
	const struct args_word **given = &r->given[word->brackets];

	if (word->brackets == 0 || word->repeated)
		return EX_OK;
	if (*given && *given != word)
		return ctl_usage(r->ctl,
		    "%.*s cannot be used together with %.*s", (int)word->size,
		    word->name, (int)(*given)->size, (*given)->name);
	*given = word;
	return EX_OK;
}

/* argv[*i] begins with "--"; with a value it may be two arguments. */
static int
read_option(struct reading *r, char **argv, int *i)
{
	const char *option = argv[*i], *value = strchr(option, '=');
	size_t size = value ? (size_t)(value - option) : strlen(option), k;
	const struct args_word *word;

	for (k = 0; k < r->n; k++)
		if (r->words[k].size == size &&
		    strncmp(r->words[k].name, option, size) == 0)
			break;
	if (strcmp(option, "--json") == 0) {
		r->ctl->json = true;
		return EX_OK;
	}
	if (k == r->n)
		return unknown_option(r, option);
	word = &r->words[k];
	if (!word->value) {
		if (value)
			return ctl_usage(
			    r->ctl, "%.*s takes no value", (int)size, option);
		value = "";
	} else if (value) {
		value++;
	} else {
		value = argv[*i + 1];
		if (!value)
			return ctl_usage(r->ctl, "%s requires a value: %.*s",
			    option, (int)word->value_size, word->value);
		(*i)++;
	}
	if (word->value && !is_allowed(word->value, word->value_size, value))
		return ctl_usage(r->ctl, "%.*s: \"%s\" is none of %.*s",
		    (int)size, option, value, (int)word->value_size,
		    word->value);
	add_option(r->ctl, word, value);
	return check_given(r, word);
}

/* The operand of the usage that the next argument is; NULL: no more. */
static const struct args_word *
next_operand(const struct reading *r, int number)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		if (is_option(&r->words[i]))
			continue;
		if (number == 0 || r->words[i].repeated)
			return &r->words[i];
		number--;
	}
	return NULL;
}

static int
read_operand(struct reading *r, char *argument)
{
	const struct args_word *word = next_operand(r, r->operands);

	if (!word)
		return ctl_usage(
		    r->ctl, "unexpected argument \"%s\"", argument);
	if (!is_allowed(word->name, word->size, argument))
		return ctl_usage(r->ctl, "\"%s\" is none of %.*s", argument,
		    (int)word->size, word->name);
	r->operands++;
	return EX_OK;
}

/* What the usage requires and the command line does not have. */
static int
check_required(const struct reading *r)
{
	const struct args_word *word = next_operand(r, r->operands);
	size_t i;

	for (i = 0; i < r->n; i++) {
		const char *name =
		    mem_textn(r->ctl->mem, r->words[i].name, r->words[i].size);

		if (is_option(&r->words[i]) && r->words[i].brackets == 0 &&
		    !ctl_option(r->ctl, name))
			return ctl_usage(r->ctl, "missing option %s", name);
	}
	if (word && word->brackets == 0 &&
	    (!word->repeated || r->operands == 0))
		return ctl_usage(r->ctl, "missing operand: %.*s",
		    (int)word->size, word->name);
	return EX_OK;
}

int
args_read(struct ctl *ctl, int *argc, char **argv)
{
	struct reading r = { .ctl = ctl };
	bool only_operands = false;
	int i, status = EX_OK;

	r.n = args_words(ctl->usage, r.words);
	for (i = 1; i < *argc && status == EX_OK; i++) {
		if (!only_operands && strcmp(argv[i], "--") == 0) {
			only_operands = true;
		} else if (!only_operands && argv[i][0] == '-' && argv[i][1]) {
			status = read_option(&r, argv, &i);
		} else {
			status = read_operand(&r, argv[i]);
			if (status == EX_OK)
				argv[r.operands] = argv[i];
		}
	}
	if (status != EX_OK)
		return status;
	*argc = r.operands + 1;
	argv[*argc] = NULL;
	return check_required(&r);
}

const char *
ctl_option(const struct ctl *ctl, const char *name)
{
	size_t i;

	for (i = ctl->n_options; i > 0; i--)
		if (strcmp(ctl->options[i - 1].name, name) == 0)
			return ctl->options[i - 1].value;
	return NULL;
}

bool
ctl_shows_progress(const struct ctl *ctl)
{
	if (ctl_option(ctl, "--progress"))
		return true;
	return isatty(STDERR_FILENO) == 1 && !ctl_option(ctl, "--quiet");
}
