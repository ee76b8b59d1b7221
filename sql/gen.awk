# SPDX-License-Identifier: GPL-3.0-or-later
#
# Turns sql/*.sql into stmts.def: one line per named statement,
#
#	STMT(rating_get, ONE, true, 0, 2, "viewer,movie", "bigint,text", "SELECT …")
#
# name, mode, whether it only reads, milliseconds after which the server ends it
# (0: as the settings say), number, names and types of its parameters, text.
# In the files a statement follows its header and ends with a semicolon:
#
#	-- name: rating_get :one (viewer bigint, movie text)
#
# The statement says :viewer and :movie; what goes to the server has $1 and $2,
# in the order of the header. A colon right after a word or a bracket is that of
# an array slice (a[first:last]), and :: that of a type.
# "within=1s" or "within=500ms" after the mode sets the milliseconds.
# A header that is too long goes on in the next comment lines until its bracket
# closes. Text that several statements share is a fragment, from its header
# "-- fragment: movie_columns" to the next header; {{movie_columns}} inserts it,
# in any file. Other comments are left out. Whatever is wrong is reported with
# file and line, and nothing good comes out. Plain awk: mawk runs it.

function complain(where, what)
{
	print where ": " what | "cat 1>&2"
	failed = 1
}

function trim(s)
{
	sub(/^[ \t]+/, "", s)
	sub(/[ \t\r]+$/, "", s)
	return s
}

# A line without its comment; the rest must leave no quote open.
function code_of(line,    i, c, quote)
{
	quote = ""
	for (i = 1; i <= length(line); i++) {
		c = substr(line, i, 1)
		if (quote != "") {
			if (c == quote)
				quote = ""
		} else if (c == "'" || c == "\"")
			quote = c
		else if (substr(line, i, 2) == "--")
			return substr(line, 1, i - 1)
		else if (substr(line, i, 2) == "/*")
			complain(FILENAME ":" FNR, "use -- for comments")
	}
	if (quote != "")
		complain(FILENAME ":" FNR, "a quoted text does not end on its line")
	return line
}

# Ends what the lines before belong to.
function finish()
{
	if (kind == "statement") {
		text[name] = trim(body)
		if (body !~ /;[ \t\n]*$/)
			complain(place[name], name ": no semicolon at the end")
		else
			sub(/[ \t\n]*;[ \t\n]*$/, "", text[name])
		if (text[name] == "")
			complain(place[name], name ": no statement")
	} else if (kind == "fragment") {
		fragment[name] = trim(body)
		if (fragment[name] == "")
			complain(place["{" name], name ": an empty fragment")
	}
	kind = ""
	body = ""
}

# "name: rating_get :one (viewer bigint, movie text)"
function begin_statement(header, where,    n, i, part, words, names, types, \
    mode, time)
{
	kind = "statement"
	sub(/^name:[ \t]*/, "", header)
	time = 0
	if (match(header, /[ \t]within=[0-9]+m?s/)) {
		time = substr(header, RSTART + 8, RLENGTH - 8)
		time = time ~ /ms$/ ? time + 0 : time * 1000
		header = substr(header, 1, RSTART - 1) \
		    substr(header, RSTART + RLENGTH)
		if (time == 0)
			complain(where, "within what time?")
	}
	if (header !~ /^[a-z][a-z0-9_]*[ \t]+:[a-z]+([ \t]*\(.*\))?[ \t]*$/) {
		complain(where, "not a header: -- name: " header)
		name = "?"
		return
	}
	split(header, words, /[ \t(]+/)
	name = words[1]
	mode = substr(words[2], 2)
	if (mode !~ /^(one|owned|many|exec|copy|script)$/)
		complain(where, name ": no mode :" mode)
	if (name in place)
		complain(where, name ": also at " place[name])
	place[name] = where
	order[++count] = name
	modes[name] = toupper(mode)
	names = ""
	types = ""
	n = 0
	if (header ~ /\(/) {
		sub(/^[^(]*\(/, "", header)
		sub(/\)[ \t]*$/, "", header)
		if (trim(header) != "")
			n = split(header, part, ",")
	}
	for (i = 1; i <= n; i++) {
		part[i] = trim(part[i])
		if (part[i] !~ /^[a-z][a-z0-9_]*[ \t]+[a-z][a-z0-9_ ]*(\[\])?$/)
			complain(where, name ": parameter " i \
			    " is not a name and a type: " part[i])
		split(part[i], words, /[ \t]+/)
		if (index("," names ",", "," words[1] ","))
			complain(where, name ": two parameters " words[1])
		names = names (i > 1 ? "," : "") words[1]
		sub(/^[^ \t]+[ \t]+/, "", part[i])
		types = types (i > 1 ? "," : "") part[i]
	}
	takes[name] = n
	named[name] = names
	within[name] = time
	typed[name] = types
}

function begin_fragment(header, where)
{
	kind = "fragment"
	sub(/^fragment:[ \t]*/, "", header)
	name = trim(header)
	if (name !~ /^[a-z][a-z0-9_]*$/)
		complain(where, "not a fragment's name: " name)
	if (("{" name) in place)
		complain(where, name ": also at " place["{" name])
	place["{" name] = where
}

# Puts the fragments in. One may hold others, but not itself.
function expand(s, where,    round, inner, called)
{
	for (round = 0; match(s, /\{\{[^}]*\}\}/); round++) {
		inner = substr(s, RSTART, RLENGTH)
		called = trim(substr(inner, 3, length(inner) - 4))
		if (!(called in fragment)) {
			complain(where, "no fragment " called)
			return s
		}
		if (round > 50) {
			complain(where, called ": a fragment within itself")
			return s
		}
		used[called] = 1
		s = substr(s, 1, RSTART - 1) fragment[called] \
		    substr(s, RSTART + RLENGTH)
	}
	return s
}

# The text without what stands between quotes.
function bare(s)
{
	gsub(/'[^']*'/, "''", s)
	return s
}

# Numbers for the names of the parameters, outside of quotes.
function number_parameters(s, name,    out, found, n, i, part, number, used)
{
	n = split(named[name], part, ",")
	for (i = 1; i <= n; i++)
		number[part[i]] = i
	out = ""
	while (match(s, /'[^']*'|"[^"]*"|::|:[a-z][a-z0-9_]*|\$[0-9]+/)) {
		out = out substr(s, 1, RSTART - 1)
		found = substr(s, RSTART, RLENGTH)
		s = substr(s, RSTART + RLENGTH)
		if (found ~ /^\$/)
			complain(place[name], name ": " found " is written by hand")
		else if (found ~ /^:[a-z]/ && out !~ /[]A-Za-z0-9_)]$/) {
			if (!(substr(found, 2) in number))
				complain(place[name], name \
				    ": no parameter " substr(found, 2))
			used[substr(found, 2)] = 1
			found = "$" number[substr(found, 2)]
		}
		out = out found
	}
	for (i = 1; i <= n; i++)
		if (!(part[i] in used))
			complain(place[name], name ": parameter " part[i] \
			    " is not used")
	return out s
}

# A lone SELECT without anything that writes or locks may be run twice.
function only_reads(s)
{
	s = " " toupper(s) " "
	gsub(/[^A-Z_]+/, " ", s)
	if (s !~ /^ (SELECT|WITH|VALUES|TABLE) /)
		return "false"
	if (s ~ / (INSERT|UPDATE|DELETE|MERGE|TRUNCATE|NEXTVAL|SETVAL) /)
		return "false"
	return s ~ / (PG_NOTIFY|FOR SHARE|FOR KEY SHARE) / ? "false" : "true"
}

# Doubles the backslashes. Not by gsub(): how many it takes in a replacement is
# another number in every awk.
function double_backslashes(s,    out, i)
{
	out = ""
	while ((i = index(s, "\\")) > 0) {
		out = out substr(s, 1, i) "\\"
		s = substr(s, i + 1)
	}
	return out s
}

function c_text(s)
{
	s = double_backslashes(s)
	gsub(/"/, "\\\"", s)
	gsub(/\?/, "\\?", s)
	gsub(/\n/, "\\n", s)
	return "\"" s "\""
}

function emit(name,    s, plain, reads)
{
	s = number_parameters(expand(text[name], place[name]), name)
	plain = bare(s)
	if (plain ~ /;/ && modes[name] != "SCRIPT")
		complain(place[name], name ": more than one statement")
	if (modes[name] ~ /^(COPY|SCRIPT)$/ && takes[name] > 0)
		complain(place[name], name ": takes no parameters")
	reads = modes[name] ~ /^(ONE|OWNED|MANY)$/ ? only_reads(plain) : "false"
	if (within[name] > 0 && reads != "true")
		complain(place[name], name ": only what reads has a time of its own")
	printf "STMT(%s, %s, %s, %d, %d, \"%s\", \"%s\", %s)\n", name,
	    modes[name], reads, within[name], takes[name], named[name],
	    typed[name], c_text(s)
}

FNR == 1 {
	finish()
	if (pending != "")
		complain(pending_place, "a header without its closing bracket")
	pending = ""
}

pending != "" {
	if ($0 !~ /^--/)
		complain(pending_place, "a header without its closing bracket")
	else {
		line = $0
		sub(/^--[ \t]*/, "", line)
		pending = pending " " trim(line)
	}
	if (pending ~ /\)$/ || $0 !~ /^--/) {
		begin_statement(pending, pending_place)
		pending = ""
	}
	next
}

/^--[ \t]*name:/ {
	finish()
	line = $0
	sub(/^--[ \t]*/, "", line)
	line = trim(line)
	if (line ~ /\(/ && line !~ /\)$/) {
		pending = line
		pending_place = FILENAME ":" FNR
	} else
		begin_statement(line, FILENAME ":" FNR)
	next
}

/^--[ \t]*fragment:/ {
	finish()
	line = $0
	sub(/^--[ \t]*/, "", line)
	begin_fragment(line, FILENAME ":" FNR)
	next
}

{
	line = trim(code_of($0))
	if (line == "")
		next
	if (kind == "") {
		complain(FILENAME ":" FNR, "a statement without a header")
		kind = "stray"
	}
	body = body (body == "" ? "" : "\n") line
}

END {
	finish()
	if (pending != "")
		complain(pending_place, "a header without its closing bracket")
	print "/* Made by sql/gen.awk; do not edit. */"
	for (i = 1; i <= count; i++)
		emit(order[i])
	for (name in fragment)
		if (!(name in used))
			complain(place["{" name], name ": a fragment nobody uses")
	close("cat 1>&2")
	exit failed
}
