# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command of mxmctl, from its table: help, usage, JSON, manual, completion.
A command that is added to src/commands.def is tested here without a change."""

import os
import re
import subprocess

import pytest

from stack import BUILD, ROOT, environment, write_conf

COMMAND = re.compile(r'^COMMAND\((.*?)\)$', re.M | re.S)
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
SETTINGS = re.findall(r"^SETTING\((\w+)",
                      (ROOT / "src/settings.def").read_text(), re.M)
SECRETS = re.findall(r"^SETTING\((\w+), KEY, .*HIDDEN",
                     (ROOT / "src/settings.def").read_text(), re.M)


def table():
    """{name: usage}"""
    found = {}
    for row in COMMAND.findall((ROOT / "src/commands.def").read_text()):
        name, rest = row.split(",", 1)
        usage = re.sub(r"^[^\"]*", "", rest)
        parts = re.match(r'(?:"(?:[^"\\]|\\.)*"\s*)+', usage)[0]
        found[name.strip('"')] = "".join(STRING.findall(parts))
    return found


COMMANDS = table()
GROUPS = sorted({c.split()[0] for c in COMMANDS if " " in c})


def mxmctl(*args, stdin=subprocess.DEVNULL, **more):
    return subprocess.run([BUILD / "mxmctl", "--config", "/none", *args],
                          stdin=stdin, capture_output=True, text=True,
                          timeout=60, env=environment(), **more)


def grammar(usage):
    """Its options and operands: [(name, whether required, repeated)]"""
    words, inside, option = [], False, False
    for word in usage.split():
        inside = inside or word[0] == "["
        bare = word.strip("[].")
        if bare == "|":
            option = False
        elif option:
            option = False
        else:
            words.append((bare, not inside, word.endswith("...")))
            option = bare[0] == "-"
        if "]" in word:
            inside = option = False
    return words


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command):
    done = mxmctl(*command.split(), "--help")
    usage = f"usage: mxmctl {command} {COMMANDS[command]}".rstrip()
    assert done.returncode == 0 and not done.stderr
    assert usage in done.stdout.splitlines()


def refused(done, words, command):
    """Two lines: what is wrong, and the usage."""
    assert done.returncode == 64 and not done.stdout
    said, usage = done.stderr.splitlines()
    assert said.startswith(f"mxmctl {command}: ") and words in said
    assert usage.startswith(f"usage: mxmctl {command}")


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_option_and_one_argument_too_many(command):
    words, usage = command.split(), COMMANDS[command]
    refused(mxmctl(*words, "--nonsense"), 'unknown option "--nonsense"',
            command)
    refused(mxmctl(*words, "-x"), 'unknown option "-x"', command)
    operands = [w for w in grammar(usage) if w[0][0] != "-"]
    if any(repeated for _, _, repeated in operands):
        return
    options = [x for name, needed, _ in grammar(usage)
               if name[0] == "-" and needed for x in (name, "1")]
    full = ["all" if name[0].islower() else "x" for name, _, _ in operands]
    refused(mxmctl(*words, *options, *full, "superfluous"),
            f'{"unknown subcommand" if command in GROUPS else "unexpected argument"}'
            ' "superfluous"', command)


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_missing(command):
    needed = [name for name, required, _ in grammar(COMMANDS[command])
              if required]
    if needed:
        refused(mxmctl(*command.split()), "missing o", command)
        assert needed[0] in mxmctl(*command.split()).stderr


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_of_commands(group):
    names = [c.split()[1] for c in COMMANDS if c.startswith(f"{group} ")]
    done = mxmctl(group, "--help")
    assert done.returncode == 0
    for name in names:
        assert f"usage: mxmctl {group} {name}" in done.stdout
    refused(mxmctl(group, "nonsense"), 'unknown subcommand "nonsense"', group)
    wrong = mxmctl(group, names[0][:-1])
    assert f'did you mean "{names[0]}"?' in wrong.stderr or len(names[0]) < 4


@pytest.mark.parametrize("args, words", [
    (["user", "list", "--limit"], "--limit requires a value: N"),
    (["user", "list", "--limit=0"], '--limit: "0" is not a number'),
    (["user", "list", "--limt", "3"], 'did you mean "--limit"?'),
    (["user", "sessions", "--end-all=x", "u"], "--end-all takes no value"),
    (["user", "sessions", "--end", "1", "--end-all", "u"],
     "--end-all cannot be used together with --end"),
    (["recommend", "export", "--format", "xml"],
     '--format: "xml" is none of csv|json'),
    (["jobs", "list", "lost"],
     '"lost" is none of open|queued|running|failed|done|all'),
    (["config", "worker"], 'unknown setting "worker"'),
])
def test_what_is_wrong_with_an_option(args, words):
    done = mxmctl(*args)
    # with operands that only the command can check, settings come first
    if done.returncode != 78:
        refused(done, words, " ".join(args[:2]).removesuffix(" worker"))


@pytest.fixture(scope="module")
def nothing(tmp_path_factory):
    """Settings of a system of which nothing is there."""
    folder = tmp_path_factory.mktemp("nothing")
    write_conf(folder / "mxm.conf", {
        "signing_key": "0123456789abcdef" * 4, "run_dir": folder,
        "database": f"host={folder} dbname=x user=x",
        "media_root": folder / "none", "model_file": folder / "none/model",
        "cache_servers": folder / "cache.sock"})
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_one_message_per_fault(command, nothing):
    args = []
    for name, required, _ in grammar(COMMANDS[command]):
        if required:
            choice = name.split("|")[0]
            args += [name, nothing / "no/file"] if name[0] == "-" else \
                [choice if choice.islower() else
                 nothing / "no/file" if choice in ("FILE", "DIR") else "7"]
    done = subprocess.run(
        [BUILD / "mxmctl", "--config", nothing / "mxm.conf", *command.split(),
         *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=60, env=environment())
    if command == "check":
        assert done.returncode == 69 and not done.stderr
    elif done.returncode and command != "secrets run":  # another program
        lines = done.stderr.splitlines()
        assert len(lines) == (2 if done.returncode == 64 else 1), done.stderr
        assert lines[0].startswith(f"mxmctl {command}: "), done.stderr
        assert not done.stdout


# ------------------------------------------------------------------- output

def test_standard_output_that_takes_nothing():
    ctl = str(BUILD / "mxmctl")
    for shell, words in (
            ('"$0" routes >&-', "standard output is closed"),
            ('"$0" routes >/dev/full', "No space left"),
            ('"$0" --version >/dev/full', "No space left"),
            ('"$0" --help >/dev/full', "No space left")):
        done = subprocess.run(["bash", "-c", shell, ctl], text=True,
                              capture_output=True)
        assert done.returncode == 74, shell
        assert len(done.stderr.splitlines()) == 1 and words in done.stderr


def test_a_pipe_that_nobody_reads():
    ours, theirs = os.pipe()
    os.close(ours)  # before it starts, so that no write succeeds
    try:
        done = subprocess.run([BUILD / "mxmctl", "sql", "--json"], text=True,
                              stdout=theirs, stderr=subprocess.PIPE)
    finally:
        os.close(theirs)
    assert done.returncode == 74
    assert done.stderr == "mxmctl: standard output: Broken pipe\n"


def test_closed_standard_input_and_error():
    done = subprocess.run(
        ["bash", "-c", '"$0" --config /none config workers <&- 2>&-',
         BUILD / "mxmctl"], capture_output=True)
    assert done.returncode == 78 and not done.stdout


# ------------------------------------------------------------------- manual

def manual(command):
    text = (ROOT / "man/mxmctl.8").read_text()
    return re.search(rf"^\.It Ic {command}(?= [A-Z]| \|$|$)(.*)$", text, re.M)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_manual_describes_it(command):
    found = manual(command)
    assert found, f"man/mxmctl.8 has no .It Ic {command}"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_manual_has_its_options(command):
    text = (ROOT / "man/mxmctl.8").read_text()
    for option in re.findall(r"--([a-z-]+)", COMMANDS[command]):
        assert re.search(rf"(Fl |\| )-{option}\b", text), option


def test_the_manual_has_every_exit_status():
    text = (ROOT / "man/mxmctl.8").read_text().split(".Sh EXIT STATUS")[1]
    listed = {int(n) for line in re.findall(r"^\.It ([\d ,]+)$", text, re.M)
              for n in re.findall(r"\d+", line)}
    code = "\n".join(p.read_text() for p in (ROOT / "src").rglob("*.c")
                     if "ctl" in str(p))
    names = set(re.findall(r"\bEX_([A-Z]+)\b", code)) - {"OK"}
    sysexits = dict(re.findall(r"#define\s+EX_(\w+)\s+(\d+)",
                               open("/usr/include/sysexits.h").read()))
    assert {int(sysexits[n]) for n in names} <= listed


# --------------------------------------------------------------- completion

def completed(line, folder=None):
    """What bash offers at the end of a line."""
    done = subprocess.run(
        ["bash", "-c", """
         compopt() { :; }
         load() { . "$1"; }; load "$1"  # in a function, as bash-completion does
         read -ra COMP_WORDS <<<"$2"
         [[ $2 == *" " ]] && COMP_WORDS+=("")
         COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_WORDS[0]=$3
         _mxmctl && printf '%s\\n' "${COMPREPLY[@]}"
         complete -p mxmctl >&2
         """, "bash", BUILD / "gen/completions/mxmctl", line,
         BUILD / "mxmctl"], capture_output=True, text=True, cwd=folder)
    assert done.stderr == "complete -F _mxmctl mxmctl\n"
    return done.stdout.split()


def test_completion_of_commands():
    assert set(completed("mxmctl ")) == (
        {c.split()[0] for c in COMMANDS})
    assert completed("mxmctl stat") == ["status"]
    assert set(completed("mxmctl -")) == {"--config", "--json", "--help",
                                          "--version"}
    assert completed("mxmctl --json --config x stat") == ["status"]
    for group in GROUPS:
        assert sorted(completed(f"mxmctl {group} ")) == sorted(
            c.split()[1] for c in COMMANDS if c.startswith(f"{group} "))


@pytest.mark.parametrize("command", COMMANDS)
def test_completion_of_options(command):
    options = set(re.findall(r"--[a-z-]+", COMMANDS[command]))
    assert set(completed(f"mxmctl {command} --")) == options | {
        "--json", "--help"}


@pytest.mark.parametrize("line, found", [
    ("config work", ["workers"]),
    ("config workers smtp_t", ["smtp_tls"]),
    ("config --non-default ", SETTINGS),
    ("jobs list f", ["failed"]),
    ("jobs retry ", ["failed"]),
    ("jobs retry 7 ", ["failed"]),
    ("recommend export --format ", ["csv", "json"]),
    ("recommend export --items a --format j", ["json"]),
    ("recommend rank --train ", ["a.csv", "sub"]),
    ("recommend train --set fac", ["factors="]),
    ("recommend rank --train a.csv --set near_s", ["near_share="]),
    ("recommend train --set factors = ", []),
    ("recommend export --set factors = 64 --items a --format j", ["json"]),
    ("secrets encrypt sm", ["smtp_password"]),
    ("secrets remove --root sub ", SECRETS),
    ("import movielens ", ["sub"]),
    ("--config a", ["a.csv"]),
    ("user create --language ", ["en", "de", "es", "fr"]),
    ("user show ", []),
    ("status x", []),
    ("dance ", []),
    ("sql show incarn", ["incarnation"]),
])
def test_completion_of_values(line, found, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.csv").write_text("")
    assert sorted(completed(f"mxmctl {line}", tmp_path)) == sorted(found)
