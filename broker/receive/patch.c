/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/receive/patch.h"

#include <string.h>
#include <strings.h>

#include "common/base/memory.h"

#define VALUES_MAX 1000 /* of one attribute that is no list of members */

enum op { ADD, REMOVE, REPLACE };

struct patch {
	json_t *kept;
	const struct ush_scim_crowd *crowd;
	struct ush_scim_fault *fault;
};

/* ---- values ---- */

static bool is_plural(const char *attr)
{
	static const char *const names[] = {"emails", "phoneNumbers", "ims", "photos", "addresses", "entitlements", "roles", "x509Certificates"};

	for (size_t i = 0; i < USH_COUNT(names); i++)
		if (strcasecmp(attr, names[i]) == 0)
			return true;
	return false;
}

static bool has_value(const json_t *list, const json_t *value)
{
	size_t i;
	json_t *one;

	json_array_foreach(list, i, one)
		if (json_equal(one, value))
			return true;
	return false;
}

/* One value may be the primary one (RFC 7643 section 2.4): it is the newest that says so. */
static void only_primary(json_t *list, const json_t *value)
{
	size_t i;
	json_t *one;

	if (!json_is_true(ush_scim_member(value, "primary")))
		return;
	json_array_foreach(list, i, one) {
		const char *key = ush_scim_key(one, "primary");

		if (key != NULL && one != value)
			json_object_set_new(one, key, json_false());
	}
}

static int append(struct patch *p, json_t *list, const json_t *value)
{
	json_t *copy;

	if (has_value(list, value))
		return 0;
	if (json_array_size(list) >= VALUES_MAX)
		return ush_scim_fail(p->fault, 413, "tooMany", "more than %d values of one attribute", VALUES_MAX);
	copy = json_deep_copy(value);
	json_array_append_new(list, copy);
	only_primary(list, copy);
	return 0;
}

static int append_all(struct patch *p, json_t *list, const json_t *values)
{
	size_t i;
	json_t *one;

	if (!json_is_array(values))
		return append(p, list, values);
	json_array_foreach(values, i, one)
		if (append(p, list, one) != 0)
			return -1;
	return 0;
}

static void merge(json_t *object, const json_t *values)
{
	const char *key, *have;
	json_t *value;

	json_object_foreach((json_t *)values, key, value) {
		have = ush_scim_key(object, key);
		json_object_set_new(object, have != NULL ? have : key, json_deep_copy(value));
	}
}

/* ---- setting ---- */

/* The member that the path names, under its spelling there, or a new one. */
static const char *spelt(const json_t *owner, const char *name)
{
	const char *key = ush_scim_key(owner, name);

	return key != NULL ? key : name;
}

static int set(struct patch *p, json_t *owner, const char *name, enum op op, const json_t *value)
{
	const char *key = spelt(owner, name);
	json_t *have = json_object_get(owner, key);

	if (op == ADD && json_is_array(have)) {
		return append_all(p, have, value);
	} else if (json_is_object(have) && json_is_object(value)) {
		merge(have, value);
	} else if (!json_is_array(value) && (json_is_array(have) || is_plural(name))) {
		json_object_set_new(owner, key, json_pack("[o]", json_deep_copy(value)));
	} else {
		json_object_set_new(owner, key, json_deep_copy(value));
	}
	return 0;
}

static int set_sub(struct patch *p, json_t *owner, const struct ush_scim_path *path, enum op op, const json_t *value)
{
	const char *key = spelt(owner, path->attr);
	json_t *have = json_object_get(owner, key), *one;
	size_t i;

	if (have == NULL || (!json_is_array(have) && !json_is_object(have)) || (json_is_array(have) && json_array_size(have) == 0)) {
		have = is_plural(path->attr) ? json_pack("[{}]") : json_object();
		json_object_set_new(owner, key, have);
	}
	if (json_is_object(have))
		return set(p, have, path->sub, op, value);
	json_array_foreach(have, i, one)
		if (json_is_object(one) && set(p, one, path->sub, op, value) != 0)
			return -1;
	return 0;
}

/* "type eq "work"" says of what a new value would be; other filters do not. */
static bool make_from(const struct ush_filter *filter, json_t *made)
{
	if (filter->op == USH_FILTER_AND)
		return make_from(filter->left, made) && make_from(filter->right, made);
	if (filter->op != USH_FILTER_EQ || filter->path.sub != NULL || filter->path.urn != NULL)
		return false;
	json_object_set(made, filter->path.attr, filter->value);
	return true;
}

static int set_in(struct patch *p, json_t *one, const struct ush_scim_path *path, enum op op, const json_t *value)
{
	if (path->sub != NULL)
		return set(p, one, path->sub, op, value);
	merge(one, value);
	return 0;
}

static int set_some(struct patch *p, json_t *owner, const struct ush_scim_target *target, enum op op, const json_t *value)
{
	const char *key = spelt(owner, target->path.attr);
	json_t *have = json_object_get(owner, key), *one;
	USH_AUTO_JSON made = json_object();
	bool any = false;
	size_t i;

	if (target->path.sub == NULL && !json_is_object(value))
		return ush_scim_fail(p->fault, 400, "invalidValue", "the value for %.60s is an object", target->path.attr);
	json_array_foreach(have, i, one) {
		if (!json_is_object(one) || !ush_filter_match(target->filter, one, NULL))
			continue;
		any = true;
		if (set_in(p, one, &target->path, op, value) != 0)
			return -1;
		only_primary(have, one);
	}
	if (any)
		return 0;
	if (op == REPLACE || (have != NULL && !json_is_array(have)) || !make_from(target->filter, made)) /* RFC 7644 section 3.5.2.3 */
		return ush_scim_fail(p->fault, 400, "noTarget", "no value of %.60s is as the path says", target->path.attr);
	if (set_in(p, made, &target->path, op, value) != 0)
		return -1;
	if (have == NULL)
		json_object_set_new(owner, key, have = json_array());
	return append(p, have, made);
}

/* ---- removing ---- */

/* Equal, or with the same `value`. */
static bool same_value(const json_t *one, const json_t *listed)
{
	const json_t *a = ush_scim_member(one, "value"), *b = ush_scim_member(listed, "value");

	return json_equal(one, listed) || (a != NULL && b != NULL && json_equal(a, b));
}

static bool is_listed(const json_t *values, const json_t *one)
{
	size_t i;
	json_t *value;

	json_array_foreach(values, i, value)
		if (same_value(one, value))
			return true;
	return false;
}

static int take_away(json_t *owner, const struct ush_scim_target *target, const json_t *values)
{
	const char *key = ush_scim_key(owner, target->path.attr);
	json_t *have = key != NULL ? json_object_get(owner, key) : NULL, *one;
	bool listed = json_is_array(values) && json_is_array(have);

	if (have == NULL)
		return 0;
	if (target->filter == NULL && target->path.sub != NULL) {
		ush_scim_drop(have, target->path.sub);
	} else if (target->filter == NULL && !listed) {
		json_object_del(owner, key);
	} else {
		for (size_t i = json_array_size(have); i-- > 0;) {
			one = json_array_get(have, i);
			if (target->filter != NULL ? !json_is_object(one) || !ush_filter_match(target->filter, one, NULL) : !is_listed(values, one))
				continue;
			if (target->path.sub != NULL)
				ush_scim_drop(one, target->path.sub);
			else
				json_array_remove(have, i);
		}
	}
	return 0;
}

/* ---- one operation ---- */

static bool is_ours(const char *attr)
{
	return strcasecmp(attr, "id") == 0 || strcasecmp(attr, "meta") == 0 || strcasecmp(attr, "schemas") == 0;
}

static int act_on_members(struct patch *p, const struct ush_scim_target *target, enum op op, const json_t *value)
{
	const struct ush_scim_crowd *crowd = p->crowd;

	if (target->path.sub != NULL)
		return ush_scim_fail(p->fault, 400, "mutability", "a member is added or removed, not changed");
	if (target->filter != NULL)
		return op == REMOVE ? crowd->remove_some(crowd->context, target->filter, p->fault)
				    : ush_scim_fail(p->fault, 400, "mutability", "a member is added or removed, not changed");
	if (op == REMOVE)
		return crowd->remove(crowd->context, json_is_null(value) ? NULL : value, p->fault);
	if (op == REPLACE && crowd->remove(crowd->context, NULL, p->fault) != 0)
		return -1;
	return crowd->add(crowd->context, value, p->fault);
}

/* The object that has the attribute: the resource, or its extension. */
static json_t *owner_of(struct patch *p, const struct ush_scim_path *path, enum op op)
{
	const char *key = path->urn != NULL ? spelt(p->kept, path->urn) : NULL;
	json_t *owner = key != NULL ? json_object_get(p->kept, key) : p->kept;

	if (json_is_object(owner) || op == REMOVE)
		return owner;
	owner = json_object();
	json_object_set_new(p->kept, key, owner);
	return owner;
}

static int act(struct patch *p, const struct ush_scim_target *target, enum op op, const json_t *value)
{
	json_t *owner;

	if (target->path.urn == NULL && is_ours(target->path.attr))
		return ush_scim_fail(p->fault, 400, "mutability", "%.60s is not the client's to change", target->path.attr);
	if (p->crowd != NULL && target->path.urn == NULL && strcasecmp(target->path.attr, "members") == 0)
		return act_on_members(p, target, op, value);
	if (json_array_size(value) > VALUES_MAX)
		return ush_scim_fail(p->fault, 413, "tooMany", "more than %d values of one attribute", VALUES_MAX);
	if (json_is_null(value) && op != REMOVE) {
		op = REMOVE; /* null is as nothing (RFC 7643 section 2.5) */
		value = NULL;
	}
	owner = owner_of(p, &target->path, op);
	if (op == REMOVE)
		return take_away(owner, target, value);
	if (target->filter != NULL)
		return set_some(p, owner, target, op, value);
	if (target->path.sub != NULL)
		return set_sub(p, owner, &target->path, op, value);
	return set(p, owner, target->path.attr, op, value);
}

static int act_at(struct patch *p, const char *path, enum op op, const json_t *value)
{
	USH_AUTO_SCIM_TARGET target = {0};

	return ush_scim_target_parse(path, &target, p->fault) == 0 ? act(p, &target, op, value) : -1;
}

/* Without a path each member of the value is one. What is ours is there because the client sends what it was told (Okta: id). */
static int act_each(struct patch *p, enum op op, const json_t *values)
{
	const char *key;
	json_t *value;

	if (op == REMOVE)
		return ush_scim_fail(p->fault, 400, "noTarget", "remove without a path");
	if (!json_is_object(values))
		return ush_scim_fail(p->fault, 400, "invalidValue", "without a path the value is an object");
	json_object_foreach((json_t *)values, key, value)
		if (!is_ours(key) && act_at(p, key, op, value) != 0)
			return -1;
	return 0;
}

static int operation(struct patch *p, const json_t *one)
{
	static const char *const words[] = {[ADD] = "add", [REMOVE] = "remove", [REPLACE] = "replace"};
	const char *word = json_string_value(ush_scim_member(one, "op"));
	const json_t *path = ush_scim_member(one, "path"), *value = ush_scim_member(one, "value");
	size_t op = 0;

	while (op < USH_COUNT(words) && (word == NULL || strcasecmp(word, words[op]) != 0))
		op++;
	if (op == USH_COUNT(words))
		return ush_scim_fail(p->fault, 400, "invalidSyntax", "op is add, remove or replace");
	if (path != NULL && !json_is_null(path) && !json_is_string(path))
		return ush_scim_fail(p->fault, 400, "invalidPath", "a path is a text");
	if (value == NULL && op != REMOVE)
		return ush_scim_fail(p->fault, 400, "invalidValue", "%s without a value", words[op]);
	return json_is_string(path) ? act_at(p, json_string_value(path), op, value) : act_each(p, op, value);
}

int ush_scim_patch(const json_t *body, json_t *kept, const struct ush_scim_crowd *crowd, struct ush_scim_fault *fault)
{
	struct patch p = {kept, crowd, fault};
	const json_t *operations = ush_scim_member(body, "Operations");
	json_t *one;
	size_t i;

	if (!json_is_array(operations) || json_array_size(operations) == 0)
		return ush_scim_fail(fault, 400, "invalidSyntax", "Operations is a list of at least one");
	if (json_array_size(operations) > USH_PATCH_OPERATIONS)
		return ush_scim_fail(fault, 413, "tooMany", "more than %d operations", USH_PATCH_OPERATIONS);
	json_array_foreach(operations, i, one)
		if (operation(&p, one) != 0)
			return -1;
	return 0;
}
