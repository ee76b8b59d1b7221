/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Titles as they stand in movies.csv, the odd ones.
 */
#include "base/base.h"

#include <criterion/criterion.h>

#include "import/title.h"

static const struct row {
	const char *raw;
	const char *text;
	int year;
} rows[] = {
	{ "Toy Story (1995)", "Toy Story", 1995 },
	{ "Matrix, The (1999)", "The Matrix", 1999 },
	{ "American President, The (1995)", "The American President", 1995 },
	{ "Bug's Life, A (1998)", "A Bug's Life", 1998 },
	{ "American in Paris, An (1951)", "An American in Paris", 1951 },
	{ "Lord of the Rings: The Fellowship of the Ring, The (2001)",
	    "The Lord of the Rings: The Fellowship of the Ring", 2001 },
	{ "City of Lost Children, The (Cité des enfants perdus, La) (1995)",
	    "The City of Lost Children (La Cité des enfants perdus)", 1995 },
	{ "Amelie (Fabuleux destin d'Amélie Poulain, Le) (2001)",
	    "Amelie (Le Fabuleux destin d'Amélie Poulain)", 2001 },
	{ "Postman, The (Postino, Il) (1994)", "The Postman (Il Postino)",
	    1994 },
	{ "Avventura, L' (Adventure, The) (1960)",
	    "L'Avventura (The Adventure)", 1960 },
	{ "Good, the Bad and the Ugly, The "
	  "(Buono, il brutto, il cattivo, Il) (1966)",
	    "The Good, the Bad and the Ugly "
	    "(Il Buono, il brutto, il cattivo)",
	    1966 },
	{ "Wings of Desire (Himmel über Berlin, Der) (1987)",
	    "Wings of Desire (Der Himmel über Berlin)", 1987 },
	{ "Boot, Das (Boat, The) (1981)", "Das Boot (The Boat)", 1981 },
	{ "Children Are Watching Us, The (Bambini ci guardano, I) (1944)",
	    "The Children Are Watching Us (I Bambini ci guardano)", 1944 },
	{ "Woman Is a Woman, A (femme est une femme, Une) (1961)",
	    "A Woman Is a Woman (Une femme est une femme)", 1961 },
	{ "Passion of Anna, The (Passion, En) (1969)",
	    "The Passion of Anna (En Passion)", 1969 },
	{ "Seven (a.k.a. Se7en) (1995)", "Seven (a.k.a. Se7en)", 1995 },
	{ "City of the Living Dead (a.k.a. Gates of Hell, The) "
	  "(Paura nella città dei morti viventi) (1980)",
	    "City of the Living Dead (a.k.a. The Gates of Hell) "
	    "(Paura nella città dei morti viventi)",
	    1980 },
	{ "Léon: The Professional (a.k.a. The Professional) (Léon) (1994)",
	    "Léon: The Professional (a.k.a. The Professional) (Léon)", 1994 },
	{ "Trou, Le (Hole, The) (Night Watch, The) (1960)",
	    "Le Trou (The Hole) (The Night Watch)", 1960 },
	/* no article, though it looks like one */
	{ "I, Robot (2004)", "I, Robot", 2004 },
	{ "Paris, Texas (1984)", "Paris, Texas", 1984 },
	{ "Monsters, Inc. (2001)", "Monsters, Inc.", 2001 },
	{ "Good Morning, Vietnam (1987)", "Good Morning, Vietnam", 1987 },
	{ "One, Two, Three (1961)", "One, Two, Three", 1961 },
	{ "Lust, Caution (Se, jie) (2007)", "Lust, Caution (Se, jie)", 2007 },
	{ "Tale of Two Sisters, A (Janghwa, Hongryeon) (2003)",
	    "A Tale of Two Sisters (Janghwa, Hongryeon)", 2003 },
	/* years */
	{ "2001: A Space Odyssey (1968)", "2001: A Space Odyssey", 1968 },
	{ "1984 (Nineteen Eighty-Four) (1984)", "1984 (Nineteen Eighty-Four)",
	    1984 },
	{ "Babylon 5", "Babylon 5", 0 },
	{ "Moonlight", "Moonlight", 0 },
	{ "Maria Bamford: Old Baby", "Maria Bamford: Old Baby", 0 },
	{ "Runaway Brain (1995) ", "Runaway Brain", 1995 },
	{ "3 dev adam (Three Giant Men) (1973) ",
	    "3 dev adam (Three Giant Men)", 1973 },
	{ "Death Note: Desu nôto (2006–2007)", "Death Note: Desu nôto", 2006 },
	{ "Big Bang Theory, The (2007-)", "The Big Bang Theory", 2007 },
	{ "Fawlty Towers (1975-1979)", "Fawlty Towers", 1975 },
	{ "Diplomatic Immunity (2009– )", "Diplomatic Immunity", 2009 },
	{ "(500) Days of Summer (2009)", "(500) Days of Summer", 2009 },
	{ "11'09\"01 - September 11 (2002)", "11'09\"01 - September 11", 2002 },
	{ "8 ½ Women (a.k.a. 8 1/2 Women) (1999)",
	    "8 ½ Women (a.k.a. 8 1/2 Women)", 1999 },
	{ "Alien³ (a.k.a. Alien 3) (1992)", "Alien³ (a.k.a. Alien 3)", 1992 },
	{ "Ring, The (2002)[HD]", "The Ring [HD]", 2002 },
	{ "Alien (1979) (Director's Cut)", "Alien (Director's Cut)", 1979 },
	{ "Solaris (1972) [4K] [HD]", "Solaris [4K] [HD]", 1972 },
	{ "Solaris (1972) Part 2", "Solaris (1972) Part 2", 0 },
	{ "Twice (1990) (2001)", "Twice (1990)", 2001 },
	{ "Wide (２００２)", "Wide (２００２)", 0 },
	{ "Old (0000)", "Old (0000)", 0 },
	{ "Half (1994–)", "Half", 1994 },
	/* nothing sensible, and no crash */
	{ "", "", 0 },
	{ "(1999)", "", 1999 },
	{ ", The (1999)", ", The", 1999 },
	{ "The (2000)", "The", 2000 },
	{ "Open (Bracket (2001)", "Open (Bracket", 2001 },
	{ "Odd (12345)", "Odd (12345)", 0 },
	{ "Future (9999)", "Future (9999)", 0 },
};

Test(import_title, table)
{
	TALLOC_CTX *mem = talloc_new(NULL);

	for (size_t i = 0; i < array_len(rows); i++) {
		struct title title;

		title_split(mem, rows[i].raw, &title);
		cr_expect_str_eq(title.text, rows[i].text, "%s: \"%s\"",
		    rows[i].raw, title.text);
		cr_expect_eq(title.year, rows[i].year, "%s: %d", rows[i].raw,
		    title.year);
	}
	talloc_free(mem);
}
