/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Passwords from standard input. On a terminal they are not shown; a signal
 * restores its settings before it ends the program.
 */
#include "base/base.h"

#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"
#include "ctl/user.h"
#include "http/field.h"

#define BYTES_MAX (4 * LENGTH_PASSWORD)

static struct termios before;
static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static void
restore_and_end(int number)
{
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

/* One line without its end; NULL: too long, no UTF-8 text, or no line. */
static char *
read_line(TALLOC_CTX *mem)
{
	char *line = mem_array(mem, char, BYTES_MAX + 2);
	size_t n;

	if (!fgets(line, BYTES_MAX + 2, stdin))
		return NULL;
	n = strcspn(line, "\r\n");
	if (n > BYTES_MAX || (line[n] == '\0' && !feof(stdin)))
		return NULL;
	line[n] = '\0';
	return line;
}

static char *
ask(struct ctl *ctl, const char *prompt)
{
	struct termios quiet;
	char *line;
	size_t i;

	fputs(prompt, stderr);
	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return NULL;
	for (i = 0; i < array_len(ending); i++)
		(void)signal(ending[i], restore_and_end);
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	line = read_line(ctl->mem);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	for (i = 0; i < array_len(ending); i++)
		(void)signal(ending[i], SIG_DFL);
	fputc('\n', stderr);
	return line;
}

char *
ctl_password(struct ctl *ctl)
{
	char *first, *second;

	if (!isatty(STDIN_FILENO)) {
		first = read_line(ctl->mem);
		if (!first)
			ctl_error(ctl,
			    "no password on standard input, or a "
			    "line of more than %d bytes\n",
			    BYTES_MAX);
		return first;
	}
	first = ask(ctl, "Password: ");
	second = first ? ask(ctl, "Password again: ") : NULL;
	if (first && second && strcmp(first, second) == 0)
		return first;
	ctl_error(ctl, "%s\n",
	    first && second ? "the passwords differ" : "no password");
	return NULL;
}

char *
ctl_input(struct ctl *ctl, const char *file, size_t max, size_t *n)
{
	char *text = mem_array(ctl->mem, char, max + 1);

	*n = fread(text, 1, max + 1, stdin);
	if (!file || strcmp(file, "-") == 0)
		file = "standard input";
	if (ferror(stdin)) {
		ctl_error(ctl, "%s: %s\n", file, strerror(errno));
		return NULL;
	}
	if (*n > max) {
		ctl_error(ctl, "%s has more than %zu bytes\n", file, max);
		return NULL;
	}
	text[*n] = '\0';
	return text;
}
