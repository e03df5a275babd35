/* SPDX-License-Identifier: Apache-2.0
 *
 * The proof: the API server is asked, as its own authorizer would be, whether each group of a binding may do the first
 * thing that its role allows, and whether a group that was given nothing there may do the same. RBAC is read through a
 * cache, so a no is asked again until the time for it is over.
 */
#include <string.h>

#include "broker/lifecycle/onboard/onboard.h"
#include "broker/policy/naming.h"
#include "broker/sync/apply/question.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/data/json.h"
#include "common/kube/batch.h"

#define AGAIN_MS      50
#define AUTHENTICATED "system:authenticated"
#define NOBODY	      "usher-broker:nobody" /* no provider has such a group */

struct binding {
	size_t space, role;
	const char *name;
	struct ush_list subjects;
	bool people; /* subjects are users */
	char *other; /* the group that was given nothing there */
	size_t may;
	bool asked_nobody, other_may, nobody_may, answered; /* the last three: what came of the other */
};

struct ask {
	struct binding *binding;
	size_t subject; /* SIZE_MAX: the other */
	int64_t due_ms;
	struct ask *next;
};

struct proving {
	struct ush_onboard *onboard;
	const struct ush_sync *sync;
	struct ush_question *questions; /* one a role of the policy */
	bool *known;
	struct binding *bindings;
	size_t count;
	struct ask *waiting;
	int64_t until_ms;
};

/* ---- who is asked about what ---- */

static void no_proof(struct ush_onboard *onboard, const char *why)
{
	if (onboard->no_proof == NULL)
		onboard->no_proof = ush_strdup(why);
}

/* look: the command that shows more; or NULL. */
static void disproved(struct ush_onboard *onboard, const char *line, const char *look)
{
	ush_list_add(&onboard->disproofs, line);
	if (onboard->disproofs.count == 1 && look != NULL)
		onboard->to_mend = ush_printf("What stands there: %s", look);
}

/* False when it cannot be read. */
static bool read_cluster_role(struct proving *p, const char *name, json_t **object)
{
	USH_AUTO_FREE char *path = ush_rbac_path(USH_CLUSTER_ROLE, NULL, name);
	struct ush_error err = {0};
	int status;

	if (ush_kube_get(p->onboard->kube, path, &status, object, &err) == 0)
		return true;
	no_proof(p->onboard, err.what);
	return false;
}

/* A ClusterRole that is put together from others (view, edit) may have no rules yet, in a cluster that is young. */
static bool read_rules(struct proving *p, const struct ush_policy_role *role, struct ush_question *question)
{
	const struct ush_world *world = p->onboard->kube->world;

	for (;;) {
		USH_AUTO_JSON object = role->cluster_role == NULL ? ush_role_json(p->sync->policy, role, "") : NULL;

		if (role->cluster_role != NULL && !read_cluster_role(p, role->cluster_role, &object))
			return true;
		if (ush_question_read(question, ush_json_array(object, "rules")))
			return true;
		if (role->cluster_role == NULL || ush_boot_ms(world) >= p->until_ms || ush_sleep_ms(world, AGAIN_MS) != 0)
			return false;
	}
}

static void read_question(struct proving *p, size_t number)
{
	const struct ush_policy_role *role = &p->sync->policy->roles[number];
	USH_AUTO_FREE char *line = NULL, *look = NULL, *name = NULL;

	if (p->known[number])
		return;
	p->known[number] = true;
	if (read_rules(p, role, &p->questions[number]))
		return;
	line = ush_printf("role %s%s%s allows nothing: whoever is bound to it may do nothing by it", role->name, role->cluster_role != NULL ? ", ClusterRole " : "",
			  role->cluster_role != NULL ? role->cluster_role : "");
	name = role->cluster_role != NULL ? ush_text_word(role->cluster_role) : NULL;
	if (name != NULL)
		look = ush_way_kubectl(p->onboard->way, "get clusterrole -o yaml -- %s", name);
	disproved(p->onboard, line, look);
}

/* It stands as it was meant: written by now, or before. */
static bool stands(const struct ush_onboard *onboard, size_t space, const char *name)
{
	for (size_t i = 0; i < onboard->role_count; i++) {
		const struct ush_onboard_role *row = &onboard->roles[i];

		if (row->space == space && row->kind == USH_ROLE_BINDING && strcmp(row->name, name) == 0)
			return row->thing.outcome == USH_ONBOARD_CREATED || row->thing.outcome == USH_ONBOARD_UNCHANGED;
	}
	return true;
}

static bool has_group(const struct proving *p, size_t from, const char *text)
{
	for (size_t i = from; i < p->count; i++)
		if (ush_list_has(&p->bindings[i].subjects, text))
			return true;
	return false;
}

/* A group of which nothing is bound in the namespace whose bindings begin at `from`: of those that the template's roles could
 * mean, else any. NULL: there is none. The caller frees. */
static char *find_other(const struct proving *p, size_t from)
{
	const struct ush_desired *desired = p->sync->desired;

	for (size_t i = 0; i < p->onboard->template->role_count; i++) {
		size_t grant = p->onboard->template->roles[i].grant;

		for (uint32_t k = desired->first[grant]; k < desired->first[grant + 1]; k++)
			if (desired->resolved[k].fate == USH_FATE_PRESENT && !has_group(p, from, desired->resolved[k].text))
				return ush_strdup(desired->resolved[k].text);
	}
	for (size_t i = 0; i < p->sync->policy->source_count; i++)
		for (size_t k = 0; k < p->sync->groups[i].count; k++) {
			const struct ush_group *group = &p->sync->groups[i].items[k];
			USH_AUTO_FREE char *text = ush_name_group(p->sync->policy, group->id, group->name, group->path);

			if (!has_group(p, from, text))
				return ush_steal(&text);
		}
	return NULL;
}

static void add_binding(struct proving *p, size_t space, const struct ush_shape *shape)
{
	struct binding binding = {.space = space, .role = shape->role, .name = shape->name, .people = p->sync->policy->layout == USH_LAYOUT_USERS};

	if (!stands(p->onboard, space, shape->name))
		return;
	if (binding.people)
		ush_shape_people(p->sync->desired, shape, &binding.subjects);
	for (uint32_t i = 0; i < shape->resolved_count && !binding.people; i++)
		ush_list_add(&binding.subjects, p->sync->desired->resolved[shape->resolved[i]].text);
	USH_PUSH(p->bindings, p->count, binding);
}

static void add_space(struct proving *p, size_t number)
{
	const struct ush_onboard_space *space = &p->onboard->spaces[number];
	const struct ush_desired *desired = p->sync->desired;
	size_t place = ush_places_find(desired->places, space->name, strlen(space->name)), from = p->count;
	USH_AUTO_FREE char *other = NULL;

	for (size_t i = place != SIZE_MAX ? desired->start[place] : 0; place != SIZE_MAX && i < desired->start[place + 1]; i++)
		if (ush_wanted_shape(desired, i)->kind == USH_ROLE_BINDING)
			add_binding(p, number, ush_wanted_shape(desired, i));
	if (p->count > from && !p->bindings[from].people) /* a group, of which nothing is bound as such, would be their own */
		other = find_other(p, from);
	for (size_t i = from; i < p->count; i++)
		p->bindings[i].other = ush_strdup(other);
}

static void push(struct proving *p, struct binding *binding, size_t subject, int64_t due_ms)
{
	struct ask *ask = ush_new(struct ask);

	*ask = (struct ask){binding, subject, due_ms, p->waiting};
	p->waiting = ask;
}

static void begin(struct proving *p)
{
	for (size_t i = 0; i < p->onboard->space_count; i++)
		add_space(p, i);
	for (size_t i = p->count; i-- > 0;) {
		struct binding *binding = &p->bindings[i];

		read_question(p, binding->role);
		if (p->questions[binding->role].verb == NULL)
			continue;
		push(p, binding, SIZE_MAX, 0);
		for (size_t k = binding->subjects.count; k-- > 0;)
			push(p, binding, k, 0);
	}
}

/* ---- asking ---- */

static struct ask *due(struct proving *p, int64_t *wait_ms)
{
	int64_t now = ush_boot_ms(p->onboard->kube->world);

	for (struct ask **at = &p->waiting; *at != NULL; at = &(*at)->next) {
		struct ask *ask = *at;

		if (ask->due_ms <= now) {
			*at = ask->next;
			return ask;
		}
		*wait_ms = *wait_ms < 0 || ask->due_ms - now < *wait_ms ? ask->due_ms - now : *wait_ms;
	}
	return NULL;
}

static json_t *review_of(const struct proving *p, const struct ask *ask)
{
	const struct binding *b = ask->binding;
	const char *subject = ask->subject != SIZE_MAX ? b->subjects.items[ask->subject] : b->other != NULL && !b->asked_nobody ? b->other : NOBODY;
	const char *const person[] = {NULL}, *const group[] = {subject, NULL}, *const other[] = {subject, AUTHENTICATED, NULL};
	bool is_person = b->people && ask->subject != SIZE_MAX;

	return ush_question_review(&p->questions[b->role], is_person ? subject : USH_QUESTION_USER, is_person ? person : ask->subject == SIZE_MAX ? other : group,
				   p->onboard->spaces[b->space].name);
}

static bool next(void *context, struct ush_kube_task *task, int64_t *wait_ms)
{
	struct proving *p = context;
	struct ask *ask = p->onboard->no_proof == NULL ? due(p, wait_ms) : NULL;
	USH_AUTO_JSON review = ask != NULL ? review_of(p, ask) : NULL;
	USH_AUTO_FREE char *text = review != NULL ? json_dumps(review, JSON_COMPACT) : NULL;

	if (ask == NULL)
		return false;
	task->verb = USH_KUBE_REVIEW;
	task->path = ush_strdup(USH_KUBE_REVIEWS);
	ush_buf_puts(&task->body, text);
	task->item = ask;
	return true;
}

/* ---- answers ---- */

static char *what_of(const struct proving *p, const struct binding *b)
{
	const struct ush_question *q = &p->questions[b->role];

	return ush_printf("%s %s%s%s", q->verb, q->resource, q->subresource != NULL ? "/" : "", q->subresource != NULL ? q->subresource : "");
}

static void may_not(struct proving *p, const struct ask *ask)
{
	const struct binding *b = ask->binding;
	USH_AUTO_FREE char *what = what_of(p, b), *line = NULL, *look = NULL, *name = NULL;
	const char *space = p->onboard->spaces[b->space].name;
	int64_t now = ush_boot_ms(p->onboard->kube->world);

	if (now < p->until_ms) {
		push(p, ask->binding, ask->subject, now + AGAIN_MS);
		return;
	}
	line = ush_printf("%s may not %s in %s, though RoleBinding %s says so", b->subjects.items[ask->subject], what, space, b->name);
	name = ush_text_word(b->name);
	look = ush_way_kubectl(p->onboard->way, "get rolebinding -n %s -o yaml -- %s", space, name);
	disproved(p->onboard, line, look);
}

/* A group that was given nothing here may have it from elsewhere; one that nobody has, only when everybody has. */
static void other_answered(struct proving *p, const struct ask *ask, bool may)
{
	struct binding *b = ask->binding;
	bool nobody = b->asked_nobody || b->other == NULL;
	const char *space = p->onboard->spaces[b->space].name;
	USH_AUTO_FREE char *what = NULL, *line = NULL, *look = NULL;

	b->answered = true;
	b->other_may |= may && !nobody;
	b->nobody_may |= may && nobody;
	p->onboard->proved += !may;
	if (may && !nobody) {
		b->asked_nobody = true;
		push(p, b, SIZE_MAX, 0);
	}
	if (!b->nobody_may)
		return;
	what = what_of(p, b);
	line = ush_printf("everybody who is signed in may %s in %s: another binding of the cluster allows it", what, space);
	look = ush_way_kubectl(p->onboard->way, "get clusterrolebindings,rolebindings -n %s -o wide", space);
	disproved(p->onboard, line, look);
}

static void done(void *context, const struct ush_kube_task *task, const struct ush_kube_result *result)
{
	struct proving *p = context;
	struct ask *ask = task->item;
	bool may = result->end == USH_KUBE_DONE && ush_question_allowed(result->answer);

	if (result->end != USH_KUBE_DONE)
		no_proof(p->onboard, result->err.what);
	else if (ask->subject == SIZE_MAX)
		other_answered(p, ask, may);
	else if (!may)
		may_not(p, ask);
	else {
		ask->binding->may++;
		p->onboard->proved++;
	}
	free(ask);
}

/* ---- what it came to ---- */

static void tell(struct proving *p, const struct binding *b)
{
	USH_AUTO_FREE char *what = NULL;
	USH_AUTO_BUF line = {0};

	if (b->may < b->subjects.count || !b->answered || b->nobody_may)
		return;
	what = what_of(p, b);
	for (size_t i = 0; i < b->subjects.count; i++)
		ush_buf_printf(&line, "%s%s", i > 0 ? ", " : "", b->subjects.items[i]);
	ush_buf_printf(&line, " may %s", what);
	if (b->other != NULL)
		ush_buf_printf(&line, "; %s %s", b->other, b->other_may ? "may too, by somebody else's binding" : "may not");
	if (p->onboard->space_count > 1)
		ush_buf_printf(&line, " (%s)", p->onboard->spaces[b->space].name);
	ush_list_add(&p->onboard->proofs, line.data);
}

static void proving_free(struct proving *p)
{
	for (struct ask *ask; (ask = p->waiting) != NULL;) {
		p->waiting = ask->next;
		free(ask);
	}
	for (size_t i = 0; i < p->count; i++) {
		ush_list_free(&p->bindings[i].subjects);
		free(p->bindings[i].other);
	}
	for (size_t i = 0; i < p->sync->policy->role_count; i++)
		ush_question_free(&p->questions[i]);
	free(p->bindings);
	free(p->questions);
	free(p->known);
}

void ush_onboard_prove(struct ush_onboard *onboard, const struct ush_sync *sync)
{
	struct proving p = {.onboard = onboard, .sync = sync};
	const struct ush_kube_batch batch = {&p, next, done, NULL, NULL};
	struct ush_error err = {0};

	if (onboard->wait_ms == 0 || onboard->stopped.code != USH_OK)
		return;
	p.questions = ush_alloc((sync->policy->role_count + 1) * sizeof *p.questions);
	p.known = ush_alloc(sync->policy->role_count + 1);
	p.until_ms = ush_boot_ms(onboard->kube->world) + onboard->wait_ms;
	begin(&p);
	if (ush_kube_many(onboard->kube, &batch, &err) != 0) {
		no_proof(onboard, err.what);
		if (err.code == USH_ERR_DECLINED)
			onboard->stopped = err;
	}
	for (size_t i = 0; i < p.count; i++)
		tell(&p, &p.bindings[i]);
	proving_free(&p);
}
