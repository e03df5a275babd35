/* SPDX-License-Identifier: Apache-2.0
 *
 * What happens in the little world, and how the sync sees it.
 */
#include "tests/support/little_world.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/little_denied.h"
#include "tests/support/little_memory.h"

const char *const little_names[LITTLE_NAMES] = {"a", "b", "t-a", "t-b", "t-c", "x"};
const char *const little_spaces[LITTLE_SPACES] = {"a-1", "a-2", "b-1", "q"};

unsigned int little_chance(struct little_world *world, unsigned int below)
{
	world->random ^= world->random << 13;
	world->random ^= world->random >> 7;
	world->random ^= world->random << 17;
	return (unsigned int)(world->random >> 20) % below;
}

char little_team[LITTLE_SPACES];

bool little_belongs(const struct little_grant *grant, const char *captured, int space)
{
	if (grant->kind == LITTLE_LABEL)
		return captured[0] == little_team[space] && captured[1] == '\0';
	return strncmp(little_spaces[space], captured, strlen(captured)) == 0 && little_spaces[space][strlen(captured)] == '-';
}

/* Below the number; 0 in a world without labels. */
static unsigned int label_chance(struct little_world *world, unsigned int below)
{
	world->labels_random = world->labels_random * UINT64_C(6364136223846793005) + (world->labels_random != 0);
	return (unsigned int)(world->labels_random >> 33) % below;
}

static void relabel(struct little_world *world, unsigned int space)
{
	little_team[space] = "\0abc"[label_chance(world, 4)];
}

static void add_group(struct little_world *world, struct little_group *group, int name)
{
	if (world->last_id + 1 >= LITTLE_IDS)
		return;
	*group = (struct little_group){++world->last_id, name};
	world->ids[world->last_id].source = group - world->groups >= LITTLE_MAIN;
}

static void new_grant(struct little_world *world, struct little_grant *grant)
{
	*grant = (struct little_grant){.kind = little_chance(world, 2) == 0 ? LITTLE_NAMED : LITTLE_LIKE + little_chance(world, 2),
				       .name = (int)little_chance(world, LITTLE_NAMES), .role = (int)little_chance(world, 2),
				       .spaces = 1 + little_chance(world, (1 << LITTLE_SPACES) - 1)};
	if (little_chance(world, 4) == 0)
		grant->source = 1;
	if (little_chance(world, 6) == 0)
		grant->not_after = world->now - 3600 + (int64_t)little_chance(world, 36000);
	if (label_chance(world, 2) == 1)
		grant->kind = LITTLE_LABEL;
}

void little_begin(struct little_world *world, uint64_t seed)
{
	little_sources[0] = "main";
	*world = (struct little_world){.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1, .spaces = 15, .now = 1800000000, .complete = {true, true}};
	world->denying = seed;
	world->denies = true;
	world->losing = seed % 2 == 0 ? seed + 3 : 0;
	for (int i = 0; i < 8; i++)
		little_chance(world, 2);
	world->labels_random = seed % 4 == 0 ? seed + 1 : 0;
	for (unsigned int i = 0; i < LITTLE_SPACES; i++)
		relabel(world, i);
	world->layout = little_chance(world, 2) == 0 ? USH_LAYOUT_ROLE : USH_LAYOUT_GROUP;
	world->runs = 1 + little_chance(world, 3);
	world->age = little_chance(world, 2) == 0 ? 0 : 3600;
	for (size_t i = 0; i < LITTLE_MAIN - 1; i++)
		add_group(world, &world->groups[i], (int)i);
	add_group(world, &world->groups[LITTLE_MAIN], (int)little_chance(world, LITTLE_NAMES));
	world->grant_count = 2 + little_chance(world, LITTLE_GRANTS - 1);
	for (size_t i = 0; i < world->grant_count; i++)
		new_grant(world, &world->grants[i]);
}

/* ---- what happens ---- */

static void groups_happen(struct little_world *world)
{
	struct little_group *group = &world->groups[little_chance(world, LITTLE_GROUPS)];
	unsigned int what = little_chance(world, 5);

	if (group->id == 0)
		add_group(world, group, (int)little_chance(world, LITTLE_NAMES));
	else if (what == 0)
		group->id = 0;
	else if (what == 1) /* made anew under its name */
		add_group(world, group, group->name);
	else if (what == 2) /* renamed; somebody may have that name already */
		group->name = (int)little_chance(world, LITTLE_NAMES);
}

/* What is known by the name of a source is known no more. */
static void rename_source(struct little_world *world)
{
	little_rename_source(&world->cluster, strcmp(little_sources[0], "main") == 0 ? "corp" : "main");
	for (unsigned int id = 1; id <= world->last_id; id++)
		world->ids[id].dead = world->ids[id].source == 0 ? 0 : world->ids[id].dead;
	for (size_t i = 0; i < world->grant_count; i++)
		world->grants[i].shut &= world->grants[i].source != 0;
}

static void policy_happens(struct little_world *world)
{
	unsigned int what = little_chance(world, 12);

	if (what > 7) {
		struct little_grant *grant = &world->grants[little_chance(world, (unsigned int)world->grant_count)];

		if (what == 8) {
			rename_source(world);
		} else if (what == 9) {
			grant->not_after = world->now - 60; /* perhaps while its source is down */
			grant->over = grant->shut = false;
		} else {
			grant->binding = (int)little_chance(world, 3);
			grant->shut = false; /* somebody wrote it anew */
		}
		return;
	}

	if (what == 0)
		world->excluded ^= 1U << little_chance(world, LITTLE_NAMES);
	else if (what == 1)
		world->layout = world->layout == USH_LAYOUT_ROLE ? USH_LAYOUT_GROUP : USH_LAYOUT_ROLE;
	else if (world->grant_count > 1 && little_chance(world, 3) == 0) {
		unsigned int which = little_chance(world, (unsigned int)world->grant_count);

		world->grants[which] = world->grants[world->grant_count - 1];
		world->grant_count--;
	} else if (world->grant_count < LITTLE_GRANTS)
		new_grant(world, &world->grants[world->grant_count++]);
}

static void spaces_happen(struct little_world *world)
{
	unsigned int which = little_chance(world, LITTLE_SPACES);

	world->spaces ^= 1U << which;
	if ((world->spaces & 1U << which) == 0)
		little_drop_namespace(&world->cluster, little_spaces[which]);
}

static void clock_happens(struct little_world *world)
{
	static const int64_t jumps[] = {60, 1800, 4000, -600, -7200, 86400, -86400, 30 * 86400};

	world->now += jumps[little_chance(world, 8)];
}

static void hands_happen(struct little_world *world)
{
	static const char *const texts[] = {"oidc:a", "oidc:evil", "oidc:t-b"};
	unsigned int which;

	which = little_chance(world, 64) + 64 * little_chance(world, 24);
	little_hand(&world->cluster, (enum little_hand)little_chance(world, LITTLE_HANDS), which, texts[little_chance(world, 3)]);
}

void little_happen(struct little_world *world)
{
	for (int s = 0; s < 2; s++)
		world->complete[s] = little_chance(world, 5) != 0; /* an outage, a page that was lost and known to be */
	world->now += 30;
	if (label_chance(world, 4) == 1)
		relabel(world, label_chance(world, LITTLE_SPACES));
	for (unsigned int n = little_chance(world, 3); n > 0; n--)
		switch (little_chance(world, 8)) {
		case 0:
			policy_happens(world);
			break;
		case 1:
			spaces_happen(world);
			break;
		case 2:
			clock_happens(world);
			break;
		case 3:
			hands_happen(world);
			break;
		default:
			groups_happen(world);
		}
	little_denials_happen(world);
	little_losses_happen(world);
}

/* ---- what the sync sees ---- */

/* An id that a hand wrote down for the other source is none there. */
void little_tell_apart(const struct little_world *world, struct little_access *accesses, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		unsigned int id = accesses[i].id[0] == 'i' ? (unsigned int)strtoul(accesses[i].id + 1, NULL, 10) : 0;

		if (id != 0 && id <= world->last_id && accesses[i].source >= 0 && world->ids[id].source != accesses[i].source)
			snprintf(accesses[i].id, sizeof accesses[i].id, "i%u", LITTLE_IDS - 1 - id % 16);
	}
}

static void fill_grant(const struct little_grant *from, size_t number, struct ush_grant *to)
{
	static const char *const patterns[] = {NULL, "t-*", "t-{x}", "t-{x}"};

	to->called = ush_printf("grants[%zu]", number);
	to->number = number;
	to->role = (size_t)from->role;
	to->source = (size_t)from->source;
	to->not_after = from->not_after;
	to->name = from->binding > 0 ? ush_strdup(from->binding == 1 ? "team" : "crew") : NULL;
	to->group = from->kind == LITTLE_NAMED ? ush_strdup(little_names[from->name]) : NULL;
	to->group_pattern = ush_strdup(patterns[from->kind]);
	to->namespace_pattern = from->kind == LITTLE_CAPTURE ? ush_strdup("{x}-*") : NULL;
	if (from->kind == LITTLE_LABEL) {
		to->selector = (struct ush_selector){ush_new(struct ush_selector_rule), 1, true};
		*to->selector.rules = (struct ush_selector_rule){.key = ush_strdup("team"), .operator = USH_SELECT_IN, .captures = true};
		ush_list_add(&to->selector.rules->values, "{x}");
	}
	for (int i = 0; i < LITTLE_SPACES && from->kind < LITTLE_CAPTURE; i++)
		if ((from->spaces & 1U << i) != 0)
			ush_list_add(&to->namespaces, little_spaces[i]);
}

struct ush_policy *little_policy(const struct little_world *world)
{
	static struct ush_source_kind kind = {.type = "file"};
	struct ush_policy *policy = ush_new(struct ush_policy);

	policy->name = ush_strdup("default");
	policy->file = ush_strdup("little");
	policy->group_prefix = ush_strdup("oidc:");
	policy->layout = world->layout;
	policy->sources = ush_alloc(2 * sizeof *policy->sources);
	policy->source_count = 2;
	for (size_t i = 0; i < 2; i++)
		policy->sources[i] = (struct ush_policy_source){.name = ush_strdup(little_sources[i]), .kind = &kind};
	for (int i = 0; i < LITTLE_NAMES; i++)
		if ((world->excluded & 1U << i) != 0)
			ush_list_add(&policy->exclude_groups, little_names[i]);
	policy->roles = ush_alloc(2 * sizeof *policy->roles);
	policy->role_count = 2;
	policy->roles[0].name = ush_strdup("reader");
	policy->roles[0].rules = ush_new(struct ush_rule);
	policy->roles[0].rule_count = 1;
	ush_list_add(&policy->roles[0].rules->groups, "");
	ush_list_add(&policy->roles[0].rules->resources, "pods");
	ush_list_add(&policy->roles[0].rules->verbs, "get");
	policy->roles[1].name = ush_strdup("edit");
	policy->roles[1].cluster_role = ush_strdup("edit");
	policy->grants = ush_alloc((world->grant_count + 1) * sizeof *policy->grants);
	policy->grant_count = world->grant_count;
	for (size_t i = 0; i < world->grant_count; i++)
		fill_grant(&world->grants[i], i, &policy->grants[i]);
	policy->remove_bindings = policy->remove_people = policy->add_people = (struct ush_limit){-1, -1};
	policy->vanished_runs = world->runs;
	policy->vanished_age = world->age;
	return policy;
}

void little_policy_free(struct ush_policy *policy)
{
	ush_policy_free(policy);
}

void little_groups(const struct little_world *world, int source, struct ush_groups *groups)
{
	*groups = (struct ush_groups){.complete = world->complete[source], .where = ush_strdup("little"), .proof = ush_strdup("it says so")};
	if (!groups->complete) {
		groups->why = ush_strdup("page 2 was lost");
		return;
	}
	ush_groups_add(groups, "keep", "keep", "/keep")->members_known = true; /* never zero groups */
	for (size_t i = source == 0 ? 0 : LITTLE_MAIN; i < (source == 0 ? LITTLE_MAIN : LITTLE_GROUPS); i++) {
		char id[16], path[32];

		if (world->groups[i].id == 0)
			continue;
		snprintf(id, sizeof id, "i%u", world->groups[i].id);
		snprintf(path, sizeof path, "/%s", little_names[world->groups[i].name]);
		ush_groups_add(groups, id, path + 1, path)->members_known = true;
	}
}

void little_places(const struct little_world *world, const struct ush_policy *policy, unsigned int few, struct ush_places *places)
{
	unsigned int which = few != 0 ? few : world->spaces;

	ush_places_begin(places, policy);
	places->known = true;
	places->few = few != 0;
	for (int i = 0; i < LITTLE_SPACES; i++)
		if ((which & 1U << i) != 0) {
			const char team[] = {little_team[i], '\0'};
			USH_AUTO_JSON labels = *team != '\0' ? json_pack("{s:s}", "team", team) : NULL;

			ush_places_add(places, policy, little_spaces[i], labels, false);
		}
	ush_places_sort(places, policy);
}
