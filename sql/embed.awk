# SPDX-License-Identifier: GPL-3.0-or-later
#
# Generates migrations.def from sql/migrations/NNNN_name.sql, given in order, so
# that the program contains its schema:
#
#	MIGRATION(1, "core", "CREATE …")
#
# The text is that of the file, so that its checksum is that of sha256sum.

# Doubles backslashes. gsub() would need different numbers of backslashes in
# different awks.
function double_backslashes(s,    out, i)
{
	out = ""
	while ((i = index(s, "\\")) > 0) {
		out = out substr(s, 1, i) "\\"
		s = substr(s, i + 1)
	}
	return out s
}

function report(what)
{
	print FILENAME ": " what | "cat 1>&2"
	failed = 1
}

function finish()
{
	if (open)
		print ")"
	open = 0
}

FNR == 1 {
	finish()
	file = FILENAME
	sub(/.*\//, "", file)
	if (file !~ /^[0-9][0-9][0-9][0-9]_[a-z][a-z0-9_]*\.sql$/)
		report("not named NNNN_name.sql")
	number = substr(file, 1, 4) + 0
	if (number != last + 1)
		report("number " number " after " last)
	last = number
	name = substr(file, 6, length(file) - 9)
	if (!started)
		print "/* Made by sql/embed.awk; do not edit. */"
	started = 1
	printf "MIGRATION(%d, \"%s\",\n", number, name
	open = 1
}

{
	$0 = double_backslashes($0)
	gsub(/"/, "\\\"")
	gsub(/\?/, "\\?")
	print "\t\"" $0 "\\n\""
}

END {
	finish()
	close("cat 1>&2")
	exit failed
}
