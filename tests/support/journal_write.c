/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes on an audit log as a run does: its beginning, so many changes, its end.
 *   journal_write FILE CHANGES      prints the head; ends as a program of ours does, 8 when it could not
 */
#include <stdio.h>
#include <stdlib.h>

#include "broker/journal/journal.h"
#include "common/base/memory.h"
#include "common/net/real.h"

static int write_all(struct ush_journal *journal, long changes)
{
	struct ush_error kept = {0};

	if (ush_journal_add(journal, "run.begin", NULL, &kept) != 0)
		return -1;
	for (long i = 0; i < changes; i++)
		ush_journal_add(journal, "binding.created",
				json_pack("{s:s, s:s, s:I, s:[], s:[s]}", "kind", "RoleBinding", "namespace",
					  "somewhere", "number", (json_int_t)i, "before", "after", "oidc:developers"),
				&kept);
	ush_journal_add(journal, "run.end", NULL, &kept);
	return 0;
}

int main(int argc, char **argv)
{
	struct ush_world world;
	struct ush_error err = {0};
	struct ush_journal *journal;

	if (argc != 3)
		return 2;
	ush_world_real(&world);
	if (ush_journal_open(&journal, argv[1], &world, &err) == 0) {
		write_all(journal, atol(argv[2]));
		if (ush_journal_head(journal) != NULL)
			fprintf(stderr, "%s\n", ush_journal_head(journal));
		ush_journal_close(&journal, &err);
	}
	ush_world_real_free(&world);
	if (err.code != USH_OK)
		ush_error_print(stderr, "journal_write", &err);
	return ush_code_status(err.code);
}
