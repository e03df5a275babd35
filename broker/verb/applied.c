/* SPDX-License-Identifier: Apache-2.0
 *
 * What came of a run, for people: a line on stdout, and on stderr what stayed, what waits, what is in the way and what
 * failed, ten thousand times the same as a few lines and a number.
 */
#include <stdio.h>
#include <string.h>

#include "broker/sync/plan/remarks.h"
#include "broker/verb/verb.h"
#include "broker/verb/watch.h"
#include "common/base/memory.h"

enum kind { PASSED_OVER = USH_ACTION_COUNT, WAITS, FAILED }; /* of a remark, after the actions of a plan */

/* ---- on stderr ---- */

static void print_remarks(struct ush_remarks *remarks, const struct ush_telling *telling)
{
	USH_AUTO_BUF out = {0};
	USH_AUTO_FREE char *from = ush_way_option("from", telling->folder);
	USH_AUTO_FREE char *plan = ush_way_broker(telling->way, "plan%s", from);
	USH_AUTO_FREE char *all = ush_printf("all of them: %s -o json", plan), *next = ush_printf("what is left: %s", plan);

	ush_remarks_gather(remarks);
	for (size_t i = 0; i < remarks->count; i++) {
		const struct ush_remark *remark = &remarks->items[i];
		USH_AUTO_FREE char *line = ush_remark_line(remark), *safe = ush_text_safe(line);
		USH_AUTO_FREE char *rest = ush_remark_rest(remark, remark->kind == FAILED ? next : all), *safe_rest = rest != NULL ? ush_text_safe(rest) : NULL;
		const char *what = remark->kind == FAILED ? "failed: " : "";

		ush_buf_printf(&out, "usher-broker: %s%s\n", what, safe);
		if (safe_rest != NULL)
			ush_buf_printf(&out, "usher-broker: %s%s\n", what, safe_rest);
	}
	if (ush_watch_news(telling->watch, telling->cluster, USH_SAYING_REST, out.data != NULL ? out.data : "") && out.data != NULL)
		fputs(out.data, stderr);
}

void ush_broker_tell_plan(const struct ush_plan *plan, const struct ush_telling *telling)
{
	USH_AUTO_REMARKS remarks = {0};

	ush_remarks_of_plan(&remarks, plan);
	print_remarks(&remarks, telling);
}

/* Changes that were not carried out, though none of them failed: why, as a plan would have said it. */
static void add_outcomes(struct ush_remarks *remarks, const struct ush_applied *applied, const struct ush_plan *plan, struct ush_list *texts)
{
	static const struct {
		enum kind kind;
		const char *before, *behind; /* the namespace */
	} says[] = {
		[USH_OUTCOME_PENDING] = {WAITS, "namespace ", " is not there yet"},
		[USH_OUTCOME_SKIPPED] = {PASSED_OVER, "namespace ", " is being deleted: passed over"},
		[USH_OUTCOME_HELD_BACK] = {WAITS, "takes access away, and waits: something failed in namespace ", ""},
		[USH_OUTCOME_ROLELESS] = {WAITS, "waits: its Role in namespace ", " was not written"},
		[USH_OUTCOME_FAILED] = {WAITS, NULL, NULL}, /* it has a line of its own */
	};

	for (size_t i = 0; applied->outcomes != NULL && i < plan->change_count; i++) {
		const struct ush_change *change = &plan->changes[i];
		unsigned char outcome = applied->outcomes[i];
		USH_AUTO_FREE char *text = NULL;

		if (says[outcome].before == NULL)
			continue;
		text = ush_printf("%s%s%s", says[outcome].before, change->namespace_name, says[outcome].behind);
		ush_list_add(texts, text);
		ush_remarks_add(remarks, says[outcome].kind, change, texts->items[texts->count - 1]);
	}
}

static void print_rest(const struct ush_applied *applied, const struct ush_plan *plan, const struct ush_telling *telling)
{
	USH_AUTO_REMARKS remarks = {0};
	struct ush_list texts = {0};

	ush_remarks_of_plan(&remarks, plan);
	add_outcomes(&remarks, applied, plan, &texts);
	for (size_t i = 0; i < applied->failed.count; i++)
		if (!applied->stopped || strstr(applied->failed.items[i], "a signal asked to stop") == NULL) /* the last line says it once */
			ush_remarks_add_line(&remarks, FAILED, applied->failed.items[i]);
	print_remarks(&remarks, telling);
	ush_list_free(&texts);
}

/* ---- on stdout ---- */

static const char *noted(const struct ush_plan *plan)
{
	if (plan->stones_changed)
		return "the tombstones";
	return plan->notes_ledger && !plan->state_changed ? "the ledger" : "the list of namespaces";
}

static void add_done(struct ush_buf *out, const struct ush_applied *applied, const struct ush_plan *plan)
{
	USH_AUTO_FREE char *why = ush_text_safe(applied->no_proof != NULL ? applied->no_proof : "");
	char number[2][32];

	if (applied->total == 0)
		ush_buf_printf(out, "%s%s", noted(plan), applied->failed.count == 0 ? ": noted" : ": not noted");
	else
		ush_buf_printf(out, "applied %s of %s in %lld.%lld s", ush_thousands(applied->done, number[0], sizeof number[0]),
			       ush_thousands(applied->total, number[1], sizeof number[1]), (long long)applied->took_ms / 1000,
			       (long long)applied->took_ms % 1000 / 100);
	if (applied->skipped > 0)
		ush_buf_printf(out, "; %s passed over", ush_thousands(applied->skipped, number[0], sizeof number[0]));
	if (applied->proofs > 0)
		ush_buf_printf(out, "; proof: %zu access review%s as expected", applied->proofs, applied->proofs == 1 ? "" : "s");
	if (applied->no_proof != NULL)
		ush_buf_printf(out, "; no proof: %s", why);
}

static int print_applied(const struct ush_applied *applied, const struct ush_plan *plan, const struct ush_telling *telling, struct ush_error *err)
{
	USH_AUTO_BUF out = {0};
	bool news;

	if (telling->cluster != NULL)
		ush_buf_printf(&out, "cluster %s: ", telling->cluster);
	if (ush_plan_writes(plan))
		add_done(&out, applied, plan);
	else
		ush_buf_puts(&out, "nothing to do");
	ush_buf_puts(&out, "\n");
	news = ush_watch_news(telling->watch, telling->cluster, USH_SAYING_OUT, out.data);
	return news || applied->total > 0 ? ush_broker_print(out.data, err) : 0;
}

/* ---- how it ends ---- */

/* Of what was to be written. */
static size_t count_outcome(const struct ush_applied *applied, const struct ush_plan *plan, enum ush_outcome outcome)
{
	size_t count = 0;

	for (size_t i = 0; applied->outcomes != NULL && i < plan->change_count; i++)
		count += applied->outcomes[i] == outcome && plan->changes[i].action < USH_KEEP;
	return count;
}

/* What a request that nobody waited for has done is not known; the next run sees it. */
static int stopped(const struct ush_applied *applied, size_t under_way, size_t untried, struct ush_error *err)
{
	char number[4][32];

	return ush_fail(err, USH_ERR_PARTIAL, "stopped by a signal: of %s changes %s are done, %s were under way and may be, %s were not tried; the next run does the rest",
			ush_thousands(applied->total, number[0], sizeof number[0]), ush_thousands(applied->done, number[1], sizeof number[1]),
			ush_thousands(under_way, number[2], sizeof number[2]), ush_thousands(untried, number[3], sizeof number[3]));
}

static int failed(const struct ush_applied *applied, const struct ush_plan *plan, struct ush_error *err)
{
	size_t left = applied->removals_left, count = count_outcome(applied, plan, USH_OUTCOME_FAILED);
	size_t held_back = count_outcome(applied, plan, USH_OUTCOME_HELD_BACK), roleless = count_outcome(applied, plan, USH_OUTCOME_ROLELESS);
	size_t untried = count_outcome(applied, plan, USH_OUTCOME_UNTRIED) + held_back;
	char number[2][32];
	USH_AUTO_BUF out = {0};

	if (applied->stopped)
		return stopped(applied, count, untried, err);
	if (count > 0)
		ush_buf_printf(&out, "%s of %s changes failed", ush_thousands(count, number[0], sizeof number[0]),
			       ush_thousands(applied->total, number[1], sizeof number[1]));
	else
		ush_buf_printf(&out, "%s of %s changes are done, the rest waits for the next run", ush_thousands(applied->done, number[0], sizeof number[0]),
			       ush_thousands(applied->total, number[1], sizeof number[1]));
	if (untried > left)
		ush_buf_printf(&out, ", %s %s not tried", ush_thousands(untried - left, number[0], sizeof number[0]), untried - left == 1 ? "was" : "were");
	if (roleless > 0)
		ush_buf_printf(&out, ", %s wait%s for the Role", ush_thousands(roleless, number[0], sizeof number[0]), roleless == 1 ? "s" : "");
	if (left > 0)
		ush_buf_printf(&out, "; %s removal%s for the next run: nothing is taken away where something failed",
			       ush_thousands(left, number[0], sizeof number[0]), left == 1 ? " waits" : "s wait");
	return ush_fail(err, USH_ERR_PARTIAL, "%s", out.data);
}

static int wait_for_consent(const struct ush_plan *plan, const struct ush_way *way, size_t held, struct ush_error *err)
{
	ush_fail(err, USH_ERR_REFUSED, "%zu binding%s for a person's consent: a group was deleted and made anew", held, held == 1 ? " waits" : "s wait");
	return ush_plan_file_look(way, plan, err);
}

static int conclude(const struct ush_applied *applied, const struct ush_plan *plan, const struct ush_way *way, size_t held, struct ush_error *err)
{
	struct ush_error verdict = {0};
	char number[32];

	if (applied->failed.count > 0)
		return failed(applied, plan, err);
	if (ush_plan_verdict(plan, &verdict) == USH_ERR_INCOMPLETE) {
		*err = verdict;
		return -1;
	}
	if (applied->pending > 0)
		return ush_fail(err, USH_ERR_PARTIAL, "%s object%s for %s namespace; the next run tries again",
				ush_thousands(applied->pending, number, sizeof number), applied->pending == 1 ? " waits" : "s wait",
				applied->pending == 1 ? "its" : "their");
	if (held > 0)
		return wait_for_consent(plan, way, held, err);
	if (ush_plan_count(plan, USH_CONFLICT) > 0)
		return ush_fail(err, USH_ERR_REFUSED, "%zu conflict%s left alone", ush_plan_count(plan, USH_CONFLICT),
				ush_plan_count(plan, USH_CONFLICT) > 1 ? "s were" : " was");
	return 0;
}

int ush_broker_tell(const struct ush_telling *telling, const struct ush_applied *applied, const struct ush_plan *plan, size_t held, struct ush_error *err)
{
	struct ush_error printing = {0};
	int printed = print_applied(applied, plan, telling, &printing), result;

	print_rest(applied, plan, telling);
	result = conclude(applied, plan, telling->way, held, err);
	if (result == 0 && printed != 0) {
		*err = printing;
		return -1;
	}
	return result;
}
