/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan from a file: is it for this cluster, of this policy, and young enough?
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "broker/verb/verb.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define PLAN_MAX (256U << 20)
#define SKEW	 300 /* s that two machines' clocks may be apart */

struct ush_plan *ush_plan_file_read(const char *path, struct ush_error *err)
{
	USH_AUTO_BUF text = USH_BUF_MAX(PLAN_MAX);
	USH_AUTO_JSON json = NULL;

	if (ush_file_read(path, USH_FILE_ANY, USH_ERR_CONFIG, &text, NULL, err) != 0)
		return NULL;
	json = ush_json_parse(text.data, text.length, path, USH_ERR_CONFIG, err);
	return json != NULL ? ush_plan_from_json(json, path, err) : NULL;
}

int ush_plan_file_fits(const struct ush_plan *plan, const char *path, const char *server, struct ush_error *err)
{
	if (!plan->live || plan->server == NULL || plan->state_namespace == NULL)
		return ush_fail(err, USH_ERR_USAGE, "%s is a plan for the folder %s, not for a cluster", path, plan->where);
	if (strcmp(plan->server, server) != 0) {
		ush_fail(err, USH_ERR_REFUSED, "%s was made for %s, this is %s", path, plan->server, server);
		return ush_hint(err, "Name the cluster: --context NAME or --kubeconfig FILE");
	}
	return 0;
}

/* "45 s", "12 min", "3 h", "5 d": about. */
static const char *about(int64_t seconds, char *out, size_t size)
{
	static const struct {
		int64_t most, unit;
		const char *name;
	} units[] = {{120, 1, "s"}, {7200, 60, "min"}, {172800, 3600, "h"}, {INT64_MAX, 86400, "d"}};

	for (size_t i = 0; i < USH_COUNT(units); i++)
		if (seconds < units[i].most) {
			snprintf(out, size, "%" PRId64 " %s", seconds / units[i].unit, units[i].name);
			break;
		}
	return out;
}

int ush_plan_file_again(const struct ush_way *way, const struct ush_plan *plan, const char *path, struct ush_error *err)
{
	USH_AUTO_FREE char *file = ush_text_word(path), *command = ush_way_broker(way, "plan%s --out %s", plan->no_people ? " --no-people" : "", file);

	return ush_hint(err, "Plan again: %s", command);
}

int ush_plan_file_age(const struct ush_plan *plan, const char *path, const struct ush_way *way, int64_t now, int64_t most, struct ush_error *err)
{
	int64_t old = now > plan->made ? now - plan->made : 0;
	char age[32], limit[32];

	if (plan->made == 0)
		return ush_fail(err, USH_ERR_REFUSED, "%s does not say when it was made; nothing was written", path);
	if (plan->made > now + SKEW)
		return ush_fail(err, USH_ERR_REFUSED, "%s was made %s from now: a clock is wrong, here or there; nothing was written", path,
				about(plan->made - now, age, sizeof age));
	if (old < most)
		return 0;
	ush_fail(err, USH_ERR_REFUSED, "%s was made %s ago, and %s is the most; nothing was written", path, about(old, age, sizeof age),
		 about(most, limit, sizeof limit));
	return ush_plan_file_again(way, plan, path, err);
}

int ush_plan_file_look(const struct ush_way *way, const struct ush_plan *plan, struct ush_error *err)
{
	USH_AUTO_FREE char *look = ush_way_broker(way, "plan%s --out plan.json", plan->no_people ? " --no-people" : "");

	return ush_hint(err, "Look: %s. If that is right: usher-broker apply --plan plan.json --confirm %.8s%s%s", look, plan->hash, way->kubectl, way->state);
}

struct ush_policy *ush_plan_file_policy(const struct ush_plan *plan, const char *path, const char *named, const struct ush_way *way, struct ush_error *err)
{
	const char *file = named != NULL ? named : plan->policy_file;
	struct ush_error why = {0};
	USH_AUTO_POLICY policy = NULL;

	if (named == NULL && access(file, F_OK) != 0) {
		ush_fail(err, USH_ERR_CONFIG, "%s was made from the policy %s, which is not here", path, file);
		ush_hint(err, "Name it: -f POLICY. Or go by what was read then: --no-sources");
		return NULL;
	}
	policy = ush_policy_load(file, NULL, &why);
	if (policy == NULL && named != NULL)
		*err = why;
	else if (policy == NULL || strcmp(policy->digest, plan->policy_digest) != 0) {
		ush_fail(err, USH_ERR_REFUSED, "%s is not what it was when %s was made; nothing was written", file, path);
		ush_plan_file_again(way, plan, path, err);
	}
	return err->code == USH_OK ? ush_steal(&policy) : NULL;
}

int ush_plan_file_policy_stands(const struct ush_plan *plan, const char *path, const char *named, const struct ush_way *way, struct ush_error *err)
{
	USH_AUTO_POLICY policy = NULL;

	if (named == NULL && access(plan->policy_file, F_OK) != 0)
		return 0;
	policy = ush_plan_file_policy(plan, path, named, way, err);
	return policy != NULL ? 0 : -1;
}
