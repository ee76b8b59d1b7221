/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Detection of common passwords. cracklib's dictionary is used, but not its
 * FascistCheck(), which exits if the dictionary is missing, also rejects what
 * the password rules allow (for example a similarity to the name of the system
 * user), and accepts "password1234".
 *
 * A password is split into a core, from its first letter to its last, and the
 * surrounding characters. It is too common if the core is a word, forwards,
 * backwards or with digits in place of letters, and the rest is a typical
 * addition: up to four digits, any number of consecutive digits, up to two
 * signs. Passwords that consist only of runs, or of a repeated short text, are
 * too common as well. Several words are not a word.
 */
#include "base/base.h"

#include <crack.h>
#include <packer.h>
#include <unistd.h>

#include "auth/common.h"
#include "base/mem.h"
#include "base/text.h"

#define WORD_MIN       3
#define WORD_MAX       31 /* of packer.h: MAXWORDLEN with its NUL */
#define RUN_MIN        3
#define DIGITS_BESIDE  4
#define SIGNS_BESIDE   2
#define REPEATED_SHORT 4

/* Sorted. Checked even without a dictionary. */
static const char *const worst[] = {
	"administrator",
	"baseball",
	"basketball",
	"changeme",
	"charlie",
	"computer",
	"default",
	"dragon",
	"football",
	"freedom",
	"guest",
	"hello",
	"iloveyou",
	"internet",
	"letmein",
	"liverpool",
	"login",
	"master",
	"michael",
	"monkey",
	"movie",
	"movies",
	"moviesxmovies",
	"mypassword",
	"newpassword",
	"pass",
	"passwd",
	"password",
	"passwordword",
	"princess",
	"qwerty",
	"secret",
	"shadow",
	"starwars",
	"sunshine",
	"superman",
	"supersecret",
	"test",
	"testpassword",
	"testtest",
	"trustnoone",
	"user",
	"welcome",
	"whatever",
	"yourpassword",
};

/* Runs on the keyboard and in the alphabet; also checked backwards. */
static const char *const ways[] = {
	"01234567890",
	"abcdefghijklmnopqrstuvwxyz",
	"qwertyuiop",
	"qwertzuiop",
	"azertyuiop",
	"asdfghjkl",
	"qsdfghjklm",
	"zxcvbnm",
	"yxcvbnm",
	"wxcvbn",
	"1qaz2wsx3edc4rfv5tgb6yhn7ujm",
	"qazwsxedcrfvtgbyhnujm",
	"1q2w3e4r5t6y7u8i9o0p",
	"q1w2e3r4t5y6u7i8o9p0",
	"qweasdzxc",
};

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (unsigned char)c >= 0x80;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Length of the run at s, at most n bytes, in either direction. */
static size_t
way_length(const char *way, const char *s, size_t n)
{
	size_t best = 0, len = strlen(way);

	for (size_t at = 0; at < len; at++) {
		size_t up = 0, down = 0;

		while (up < n && at + up < len && way[at + up] == s[up])
			up++;
		while (down < n && down <= at && way[at - down] == s[down])
			down++;
		best = up > best ? up : best;
		best = down > best ? down : best;
	}
	return best;
}

static size_t
run_length(const char *s, size_t n)
{
	size_t best = 1;

	while (best < n && s[best] == s[0])
		best++;
	for (size_t i = 0; i < array_len(ways); i++) {
		size_t len = way_length(ways[i], s, n);

		best = len > best ? len : best;
	}
	return best;
}

/* Only runs: "qwerty12345", "aaa111". */
static bool
is_runs(const char *s, size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t len = run_length(s + done, n - done);

		if (len < RUN_MIN)
			return false;
		done += len;
	}
	return n > 0;
}

/* cracklib's dictionary, if it is open. */
struct words {
	PWDICT *dict;
	unsigned int none; /* the result of FindPW() for an unknown word */
};

const char *
common_dictionary(void)
{
	return GetDefaultCracklibDict();
}

bool
common_dictionary_is_there(const char *dictionary)
{
	static const char *const suffix[] = { ".pwd", ".pwi", ".hwm" };
	char path[4096];

	for (size_t i = 0; i < array_len(suffix); i++) {
		int n =
		    snprintf(path, sizeof path, "%s%s", dictionary, suffix[i]);

		if (n < 0 || (size_t)n >= sizeof path ||
		    access(path, R_OK) != 0)
			return false;
	}
	return true;
}

/* Opened for each check, because it may be rebuilt and checks are rare. */
static void
words_open(struct words *w, const char *dictionary)
{
	char mode[] = "r", unknown[] = "\x7f\x7f\x7f";

	w->dict = NULL;
	if (common_dictionary_is_there(dictionary))
		w->dict = PWOpen(dictionary, mode);
	if (w->dict)
		w->none = FindPW(w->dict, unknown);
}

static void
words_close(struct words *w)
{
	if (w->dict)
		PWClose(w->dict);
}

static int
compare_worst(const void *key, const void *item)
{
	return strcmp(key, *(const char *const *)item);
}

static bool
is_word(const struct words *w, const char *s, size_t n)
{
	char word[WORD_MAX + 1];

	if (n < WORD_MIN || n > WORD_MAX)
		return false;
	memcpy(word, s, n);
	word[n] = '\0';
	if (bsearch(
		word, worst, array_len(worst), sizeof worst[0], compare_worst))
		return true;
	return w->dict && FindPW(w->dict, word) != w->none;
}

/* The letter that a digit or sign replaces; `one` for the digit 1. */
static char
meant(char c, char one)
{
	static const char from[] = "0345789@$!|+", to[] = "oeastbgasiit";
	const char *at = c ? strchr(from, c) : NULL;

	if (c == '1')
		return one;
	return at ? to[at - from] : c;
}

/* A word, forwards, backwards or with replaced letters. */
static bool
is_disguised(const struct words *w, const char *s, size_t n)
{
	char back[WORD_MAX], eye[WORD_MAX], ell[WORD_MAX];

	if (n < WORD_MIN || n > WORD_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		back[i] = s[n - 1 - i];
		eye[i] = meant(s[i], 'i');
		ell[i] = meant(s[i], 'l');
	}
	return is_word(w, s, n) || is_word(w, back, n) || is_word(w, eye, n) ||
	       is_word(w, ell, n);
}

/* The characters before and after the core. */
struct beside {
	size_t digits, signs;
};

static void
count_beside(struct beside *b, const char *s, size_t n)
{
	size_t i = 0;

	while (i < n) {
		size_t len = 0;

		while (i + len < n && is_digit(s[i + len]))
			len++;
		if (len == 0) {
			b->signs++;
			i++;
			continue;
		}
		if (!is_runs(s + i, len))
			b->digits += len;
		i += len;
	}
}

/* A word with a typical addition, or only runs. */
static bool
is_dressed_word(const struct words *w, const char *s, size_t n)
{
	struct beside beside = { 0, 0 };
	size_t first = 0, last = n;

	if (is_disguised(w, s, n) || is_runs(s, n))
		return true;
	while (first < n && !is_letter(s[first]))
		first++;
	while (last > first && !is_letter(s[last - 1]))
		last--;
	count_beside(&beside, s, first);
	count_beside(&beside, s + last, n - last);
	if (beside.digits > DIGITS_BESIDE || beside.signs > SIGNS_BESIDE)
		return false;
	return first == last || is_runs(s + first, last - first) ||
	       is_disguised(w, s + first, last - first) ||
	       is_disguised(w, s, last);
}

/* Length of the shortest text whose repetition is the whole, 0: none. */
static size_t
repeated_length(const char *s, size_t n)
{
	for (size_t unit = 1; unit <= n / 2; unit++) {
		if (n % unit == 0 && memcmp(s, s + unit, n - unit) == 0)
			return unit;
	}
	return 0;
}

static bool
is_common(const struct words *w, const char *s, size_t n)
{
	size_t unit = repeated_length(s, n);

	if (unit > 0 && (unit <= REPEATED_SHORT || is_dressed_word(w, s, unit)))
		return true;
	return is_dressed_word(w, s, n);
}

bool
common_password(TALLOC_CTX *mem, const char *dictionary, const char *password)
{
	char *s = text_lower_ascii(mem, password);
	struct words words;
	bool common;

	words_open(&words, dictionary ? dictionary : common_dictionary());
	common = *s && is_common(&words, s, strlen(s));
	words_close(&words);
	talloc_free(s);
	return common;
}
