#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A secret is never text by accident: its type does not fit "%s", and what reveals it does not stand in a message.
. "${USHER_SRC:-$PWD}/tests/support/tap.sh"
cd "$USHER_SRC" || exit 99
CC=${CC:-cc}

compile() { # STATEMENT: as the tree does it, warnings for formats being errors
	{
		printf '#include <stdio.h>\n#include "common/base/error.h"\n#include "common/base/secret.h"\n'
		printf 'int try(const struct ush_secret *secret, struct ush_error *err);\n'
		printf 'int try(const struct ush_secret *secret, struct ush_error *err)\n{\n\t(void)secret; (void)err;\n\t%s\n}\n' "$1"
	} >"$T/try.c"
	$CC -std=gnu11 -Wall -Wextra -Wformat -Werror -I. -fsyntax-only "$T/try.c"
}

ok 'a use that is in order compiles' compile 'return (int)ush_secret_length(secret);'
nok 'printf("%s", secret) does not compile' compile 'return printf("%s", secret);'
nok 'ush_fail(err, ..., "%s", secret) does not compile' compile 'return ush_fail(err, USH_ERR_STORE, "%s", secret);'
nok 'ush_hint(err, "%s", secret) does not compile' compile 'return ush_hint(err, "%s", secret);'
nok 'puts(secret) does not compile' compile 'return puts(secret);'
nok 'a look inside does not compile: the type is opaque' compile 'return (int)sizeof *secret;'

# Statements, each on one line, of all shipped sources: "file: statement;"
statements() {
	find common plugin broker -name '*.c' | sort | xargs awk '
		FNR == 1 { statement = "" }
		{ sub(/^[ \t]+/, ""); statement = statement " " $0 }
		/[;{}]$/ { print FILENAME ":" FNR ":" statement; statement = "" }'
}
statements >"$T/statements"
ok 'there are statements to look at' grep -q . "$T/statements"
ok 'and some of them reveal a secret' grep -q 'ush_secret_reveal(' "$T/statements"
says='\<(printf|fprintf|dprintf|vfprintf|puts|fputs|perror|syslog|ush_fail|ush_hint|ush_error_at|ush_say|warn|warnx)\('
nok 'no statement that speaks to people reveals a secret' grep -E "$says.*ush_secret_reveal\(" "$T/statements"
nok 'no secret goes into the environment' grep -E '\<(setenv|putenv)\(.*ush_secret_reveal\(' "$T/statements"
nok 'no secret goes into an argument list' grep -E '\<(exec[lv]p?e?|posix_spawnp?)\(.*ush_secret_reveal\(' "$T/statements"
done_testing
