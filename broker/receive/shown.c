/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <string.h>

#include "broker/receive/room.h"
#include "common/base/memory.h"
#include "common/data/yaml.h"

#define VALUES_EACH 20 /* of a group, its members apart: names of values are values, too, and the file has some */

struct walk {
	const struct ush_store *store;
	uint32_t *round; /* by number: of the group through which it was seen last */
	uint32_t now;
	uint32_t *todo;
	size_t todo_count;
	size_t left;   /* steps to members: groups in groups multiply them */
	size_t values; /* that the file has so far */
};

/* People of a group and of the groups in it, each once. */
static json_t *members_of(struct walk *walk, const struct ush_resource *group, size_t *disabled, size_t *nameless)
{
	json_t *names = json_array();

	walk->now++;
	walk->todo[0] = group->number;
	walk->todo_count = 1;
	walk->round[group->number] = walk->now;
	while (walk->todo_count > 0) {
		const struct ush_resource *outer = walk->store->items[walk->todo[--walk->todo_count]];

		for (size_t i = 0; i < outer->member_count && walk->left > 0; i++, walk->left--) {
			const struct ush_resource *one = walk->store->items[outer->members[i]];

			if (walk->round[one->number] == walk->now)
				continue;
			walk->round[one->number] = walk->now;
			if (one->kind == USH_SCIM_GROUP)
				walk->todo[walk->todo_count++] = one->number;
			else if (!one->active)
				++*disabled;
			else if (one->called == NULL)
				++*nameless;
			else
				json_array_append_new(names, json_string(one->called));
		}
	}
	walk->values += json_array_size(names) + VALUES_EACH;
	return names;
}

/* The path is said, for a name may begin with a slash: "/admins" is another group than "admins". */
static json_t *group_json(struct walk *walk, const struct ush_resource *group)
{
	size_t disabled = 0, nameless = 0;
	json_t *members = members_of(walk, group, &disabled, &nameless);
	USH_AUTO_FREE char *path = ush_printf("/%s", group->called);

	return json_pack("{s:s, s:s, s:s, s:o, s:I, s:I}", "id", group->id, "name", group->called, "path", path, "members", members, "disabled",
			 (json_int_t)disabled, "unresolvable", (json_int_t)nameless);
}

/* The text is ASCII, for YAML takes fewer characters as they are; the checksum is that of the canonical one. */
static void add_group(struct ush_buf *out, EVP_MD_CTX *sum, const json_t *group)
{
	USH_AUTO_FREE char *canonical = ush_json_canonical(group), *text = json_dumps(group, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);

	EVP_DigestUpdate(sum, canonical, strlen(canonical));
	ush_buf_puts(out, text);
}

static void add_end(struct ush_buf *out, EVP_MD_CTX *sum, size_t count, const char *why)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int length = 0;
	USH_AUTO_JSON reason = why != NULL ? json_string(why) : NULL;
	USH_AUTO_FREE char *text = reason != NULL ? json_dumps(reason, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL;

	EVP_DigestFinal_ex(sum, digest, &length);
	ush_buf_printf(out, "\n],\n\"count\": %zu,\n", count);
	if (text != NULL)
		ush_buf_printf(out, "\"incomplete\": %s,\n", text);
	ush_buf_puts(out, "\"sha256\": \"");
	for (unsigned int i = 0; i < length; i++)
		ush_buf_printf(out, "%02x", digest[i]);
	ush_buf_puts(out, "\"\n}\n");
}

static const char too_many[] = "more memberships than a file of groups holds, groups in groups counted out; push fewer, or let fewer groups be in others";

/* False: it is more than is shown. */
static bool show_all(const struct ush_store *store, const char *why, struct ush_buf *out)
{
	USH_AUTO_FREE uint32_t *round = ush_alloc((store->count + 1) * sizeof *round), *todo = ush_alloc((store->groups + 1) * sizeof *todo);
	struct walk walk = {.store = store, .round = round, .todo = todo, .left = USH_ROOM_SHOW_STEPS};
	EVP_MD_CTX *sum = EVP_MD_CTX_new();
	size_t count = 0;
	bool good = true;

	EVP_DigestInit_ex(sum, EVP_sha256(), NULL);
	EVP_DigestUpdate(sum, "[", 1);
	ush_buf_puts(out, "{\"groups\": [");
	for (size_t i = 0; i < store->count && good; i++) {
		USH_AUTO_JSON group = store->items[i] != NULL && store->items[i]->kind == USH_SCIM_GROUP ? group_json(&walk, store->items[i]) : NULL;

		if (group == NULL)
			continue;
		ush_buf_puts(out, count > 0 ? ",\n" : "\n");
		if (count++ > 0)
			EVP_DigestUpdate(sum, ",", 1);
		add_group(out, sum, group);
		good = walk.left > 0 && walk.values < USH_YAML_NODES && out->length < USH_ROOM_SHOW_BYTES;
	}
	EVP_DigestUpdate(sum, "]", 1);
	add_end(out, sum, count, why);
	EVP_MD_CTX_free(sum);
	return good;
}

void ush_room_show(const struct ush_store *store, const char *why, struct ush_buf *out)
{
	static const struct ush_store nothing;

	if (show_all(store, why, out))
		return;
	ush_buf_free(out);
	out->limit = SIZE_MAX;
	show_all(&nothing, too_many, out);
}
