# SPDX-License-Identifier: GPL-3.0-or-later
#
# Generates stmts.def from sql/*.sql: one line per named statement,
#
#	STMT(rating_get, ONE, true, 0, 2, "viewer,movie", "bigint,text", "SELECT …")
#
# name, mode, whether it is read-only, its timeout in milliseconds (0: from the
# settings), number, names and types of its parameters, text.
# In the files a statement follows its header and ends with a semicolon:
#
#	-- name: rating_get :one (viewer bigint, movie text)
#
# The statement uses :viewer and :movie, which are replaced by $1 and $2 in the
# order of the header. A colon after a word or a bracket is that of an array
# slice (a[first:last]), and :: that of a type. "within=1s" or "within=500ms"
# after the mode sets the timeout. A long header continues in the next comment
# lines up to its closing bracket. Text shared by several statements is a
# fragment, from its header "-- fragment: movie_columns" to the next header;
# {{movie_columns}} inserts it, in any file. A fragment with parameters, such as
# "-- fragment: micros(t)", uses {{t}}, and is inserted by {{micros:v.created_at}}
# (arguments are separated by commas outside of brackets). Other comments are
# removed. Texts in dollar quotes are allowed in scripts only; E'' and U&''
# texts nowhere. Errors are reported with file and line, and the exit status is
# 1. POSIX awk; works with mawk.

# The functions that write, lock or notify: a statement that calls one is not
# read-only. t/lint/tables compares them with the migrations.
BEGIN {
	WRITERS = "NEXTVAL|SETVAL|SET_CONFIG|PG_NOTIFY|PG_ADVISORY_[A-Z_]*" \
	    "|PG_TRY_ADVISORY_[A-Z_]*|PG_LOGICAL_EMIT_MESSAGE" \
	    "|PG_CANCEL_BACKEND|PG_TERMINATE_BACKEND|LO_[A-Z_]*" \
	    "|TXID_CURRENT|PG_CURRENT_XACT_ID" \
	    "|ACCOUNT_SET_PLATFORMS|ANALYZE_IMPORTED|CHANGE_HEADS" \
	    "|CHANGE_START|DOCUMENT_ACT|DOCUMENT_BELOW|DOCUMENT_CHANGE" \
	    "|DOCUMENT_CHECK" \
	    "|DOCUMENT_LINK|DOCUMENT_LINKS|DOCUMENT_PART|DOCUMENT_REFERENCE" \
	    "|DOCUMENT_RESTORE|DOCUMENT_ROW|DOCUMENT_RULE|FRIEND_ASK" \
	    "|MOVIE_FIND_FILL|MOVIE_FIND_REFRESH|PERSON_FIND_FILL" \
	    "|PERSON_FIND_REFRESH|SETTLE_SEQUENCES|TOUCH_RULE|TRACK_RULE"
}

function report(where, what)
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

# A line without its comment; quotes must be closed on the line.
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
			report(FILENAME ":" FNR, "use -- for comments")
	}
	if (quote != "")
		report(FILENAME ":" FNR, "an unterminated quote")
	return line
}

# Ends the current statement or fragment.
function finish()
{
	if (kind == "statement") {
		text[name] = trim(body)
		if (body !~ /;[ \t\n]*$/)
			report(place[name], name ": missing semicolon")
		else
			sub(/[ \t\n]*;[ \t\n]*$/, "", text[name])
		if (text[name] == "")
			report(place[name], name ": missing statement")
	} else if (kind == "fragment") {
		fragment[name] = trim(body)
		if (fragment[name] == "")
			report(place["{" name], name ": an empty fragment")
		check_variables(name)
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
			report(where, "invalid within=")
	}
	if (header !~ /^[a-z][a-z0-9_]*[ \t]+:[a-z]+([ \t]*\(.*\))?[ \t]*$/) {
		report(where, "invalid header: -- name: " header)
		name = "?"
		return
	}
	split(header, words, /[ \t(]+/)
	name = words[1]
	mode = substr(words[2], 2)
	if (mode !~ /^(one|owned|many|exec|copy|script)$/)
		report(where, name ": unknown mode :" mode)
	if (name in place)
		report(where, name ": already defined at " place[name])
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
			report(where, name ": parameter " i \
			    " is not a name and a type: " part[i])
		split(part[i], words, /[ \t]+/)
		if (index("," names ",", "," words[1] ","))
			report(where, name ": duplicate parameter " words[1])
		names = names (i > 1 ? "," : "") words[1]
		sub(/^[^ \t]+[ \t]+/, "", part[i])
		types = types (i > 1 ? "," : "") part[i]
	}
	takes[name] = n
	named[name] = names
	within[name] = time
	typed[name] = types
}

# "fragment: micros(t)"
function begin_fragment(header, where,    names)
{
	kind = "fragment"
	sub(/^fragment:[ \t]*/, "", header)
	name = trim(header)
	names = ""
	if (name ~ /^[a-z][a-z0-9_]*\([a-z0-9_, ]+\)$/) {
		names = name
		sub(/^[^(]*\(/, "", names)
		gsub(/[ )]/, "", names)
		sub(/\(.*/, "", name)
	}
	if (name !~ /^[a-z][a-z0-9_]*$/)
		report(where, "invalid fragment name: " name)
	variables[name] = names
	if (("{" name) in place)
		report(where, name ": already defined at " place["{" name])
	place["{" name] = where
}

# The arguments between commas outside of brackets; their number.
function split_arguments(s, out,    n, i, c, depth, from)
{
	n = depth = 0
	from = 1
	for (i = 1; i <= length(s) + 1; i++) {
		c = substr(s, i, 1)
		depth += (c == "(") - (c == ")")
		if (i > length(s) || (c == "," && depth == 0)) {
			out[++n] = trim(substr(s, from, i - from))
			from = i + 1
		}
	}
	return n
}

# Replaces {{name}}. Not by gsub(), for which & and \ are special.
function replace_variable(s, name, value,    out)
{
	out = ""
	while (match(s, "[{][{][ \t]*" name "[ \t]*[}][}]")) {
		out = out substr(s, 1, RSTART - 1) value
		s = substr(s, RSTART + RLENGTH)
	}
	return out s
}

function check_variables(name,    n, i, part)
{
	n = split(variables[name], part, ",")
	for (i = 1; i <= n; i++)
		if (replace_variable(fragment[name], part[i], "") == \
		    fragment[name])
			report(place["{" name], name ": parameter " part[i] \
			    " is not used")
}

# A fragment with its arguments.
function fill(called, given, where,    n, i, body, part, args)
{
	body = fragment[called]
	n = given == "" ? 0 : split_arguments(given, args)
	if (n != split(variables[called], part, ",")) {
		report(where, called ": wrong number of arguments: " given)
		return ""
	}
	for (i = 1; i <= n; i++) {
		if (args[i] == "")
			report(where, called ": an empty argument: " given)
		body = replace_variable(body, part[i], args[i])
	}
	return body
}

# Inserts fragments, which may contain others, but not themselves.
function expand(s, where,    round, called, given, at)
{
	for (round = 0; match(s, /\{\{[^}]*\}\}/); round++) {
		called = trim(substr(s, RSTART + 2, RLENGTH - 4))
		given = ""
		at = index(called, ":")
		if (at > 0) {
			given = trim(substr(called, at + 1))
			called = trim(substr(called, 1, at - 1))
		}
		if (!(called in fragment)) {
			report(where, "unknown fragment " called)
			return s
		}
		if (round > 200) {
			report(where, called ": a recursive fragment")
			return s
		}
		used[called] = 1
		at = RSTART + RLENGTH
		s = substr(s, 1, RSTART - 1) fill(called, given, where) \
		    substr(s, at)
	}
	return s
}

# The text without quoted parts.
function bare(s)
{
	gsub(/'[^']*'/, "''", s)
	return s
}

# Replaces parameter names by numbers, outside of quotes.
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
			report(place[name], name ": " found " must be a named parameter")
		else if (found ~ /^:[a-z]/ && out !~ /[]A-Za-z0-9_)]$/) {
			if (!(substr(found, 2) in number))
				report(place[name], name \
				    ": unknown parameter " substr(found, 2))
			used[substr(found, 2)] = 1
			found = "$" number[substr(found, 2)]
		}
		out = out found
	}
	for (i = 1; i <= n; i++)
		if (!(part[i] in used))
			report(place[name], name ": parameter " part[i] \
			    " is not used")
	return out s
}

# A SELECT that neither writes nor locks may be retried.
function only_reads(s)
{
	s = toupper(s)
	gsub(/[^A-Z_(]+/, " ", s)
	s = " " s " "
	if (s !~ /^[ (]+(SELECT|WITH|VALUES|TABLE)[ (]/)
		return "false"
	if (s ~ /[ (](INSERT|UPDATE|DELETE|MERGE|TRUNCATE)[ (]/)
		return "false"
	if (s ~ ("[ (](" WRITERS ") ?[(]"))
		return "false"
	return s ~ / FOR (KEY )?SHARE / ? "false" : "true"
}

# The position of the bracket that closes the one at position i.
function closing(s, i,    depth, c)
{
	for (depth = 0; i <= length(s); i++) {
		c = substr(s, i, 1)
		depth += (c == "(") - (c == ")")
		if (depth == 0)
			break
	}
	return i
}

# Whether the text reads one of the tables a|b|c. A LEFT JOIN does not count: it
# reads nothing where the table has no row, and continues.
function reads_from(s, tables)
{
	gsub(/(LEFT|FULL)( OUTER)? JOIN/, "", s)
	return s ~ ("[ (](FROM|USING|JOIN) (" tables ")([ ),]|$)")
}

# The expression of column outcome: owned_outcome(...), alone or in a CASE.
function has_owned_outcome(s,    at)
{
	while ((at = index(s, "owned_outcome(")) > 0) {
		s = substr(s, at + 13)
		s = substr(s, closing(s, 1) + 1)
		if (s ~ /^( END)? AS outcome(,| |$)/)
			return 1
	}
	return 0
}

# Whether is_owner, where the text computes it, compares with :viewer;
# path_owner does the same.
function compares_viewer(name, s,    n, i, part, number, computed)
{
	n = split(named[name], part, ",")
	for (i = 1; i <= n; i++)
		if (part[i] == "viewer")
			number = i
	if (!number)
		return 0
	computed = gsub(/ AS is_owner/, "&", s)
	return computed > 0 && computed == gsub( \
	    "(,|SELECT) (([a-z]+[.])?user_id|a[.]id) = [$]" number \
	    "(::bigint)? AS is_owner", "&", s)
}

# An :owned statement. What changes rows are CTEs which read `owned`, or another
# CTE that does; so nothing is changed unless the caller is the owner.
function check_owned(name, s,    rest, safe, cte, part, start, changes, fault)
{
	if (text[name] !~ /\{\{[ \t]*owned_[a-z_]+[ \t]*(:[^}]*)?\}\}/)
		report(place[name], name ": an :owned statement needs a" \
		    " fragment {{owned_...}}")
	gsub(/[ \t\n]+/, " ", s)
	rest = s
	safe = ""
	while (match(rest, /[a-z_][a-z0-9_]* AS ((NOT )?MATERIALIZED )?\(/)) {
		cte = substr(rest, RSTART, RLENGTH)
		sub(/ .*/, "", cte)
		start = RSTART + RLENGTH - 1
		part = substr(rest, start, closing(rest, start) - start)
		rest = substr(rest, start + length(part) + 1)
		if (cte == "owned") {
			safe = cte
			if (part !~ (" WHERE (.* AND )?([a-z]+[.])?is_owner" \
			    "( AND |[ )]*$)"))
				report(place[name], name ": the CTE owned does" \
				    " not check is_owner")
		} else if (safe != "" && reads_from(part, safe))
			safe = safe "|" cte
		else if (fault == "" && part ~ /^\( ?(INSERT|UPDATE|DELETE|MERGE) /)
			fault = cte
		if (part ~ /^\( ?(INSERT|UPDATE|DELETE|MERGE) /)
			changes++
	}
	if (safe == "")
		report(place[name], name ": an :owned statement needs the CTE owned")
	else if (fault != "")
		report(place[name], name ": " fault " changes rows and does not" \
		    " read the CTE owned")
	else if (!changes || rest ~ /^[ ,]*(INSERT|UPDATE|DELETE|MERGE) /)
		report(place[name], name ": the changes of an :owned statement" \
		    " are CTEs")
	if (!compares_viewer(name, s))
		report(place[name], name ": is_owner must be" \
		    " user_id = :viewer AS is_owner")
	if (!has_owned_outcome(s))
		report(place[name], name ": an :owned statement needs" \
		    " owned_outcome(...) AS outcome")
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
	if (plain ~ /\$[A-Za-z_]*\$/ && modes[name] != "SCRIPT")
		report(place[name], name ": a text in dollar quotes")
	if (plain ~ /(^|[^A-Za-z0-9_])([Ee]|[Uu]&)''/)
		report(place[name], name ": an E'' or U&'' text")
	if (plain ~ /;/ && modes[name] != "SCRIPT")
		report(place[name], name ": more than one statement")
	if (modes[name] ~ /^(COPY|SCRIPT)$/ && takes[name] > 0)
		report(place[name], name ": takes no parameters")
	if (modes[name] == "OWNED")
		check_owned(name, plain)
	reads = modes[name] ~ /^(ONE|OWNED|MANY)$/ ? only_reads(plain) : "false"
	if (within[name] > 0 && reads != "true")
		report(place[name], name ": within= is only for read-only statements")
	printf "STMT(%s, %s, %s, %d, %d, \"%s\", \"%s\", %s)\n", name,
	    modes[name], reads, within[name], takes[name], named[name],
	    typed[name], c_text(s)
}

FNR == 1 {
	finish()
	if (pending != "")
		report(pending_place, "a header without its closing bracket")
	pending = ""
}

pending != "" {
	if ($0 !~ /^--/)
		report(pending_place, "a header without its closing bracket")
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
		report(FILENAME ":" FNR, "a statement without a header")
		kind = "stray"
	}
	body = body (body == "" ? "" : "\n") line
}

END {
	finish()
	if (pending != "")
		report(pending_place, "a header without its closing bracket")
	print "/* Made by sql/gen.awk; do not edit. */"
	for (i = 1; i <= count; i++)
		emit(order[i])
	for (name in fragment)
		if (!(name in used))
			report(place["{" name], name ": an unused fragment")
	close("cat 1>&2")
	exit failed
}
