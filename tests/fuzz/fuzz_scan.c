/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/rbac.h"
#include "common/kube/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The scanner and the long way (jansson, then ush_rbac_read) must say the same of any bytes. */
#define AGREE(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "line %d: the scanner and jansson disagree: %s\n", __LINE__, #condition);      \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

static void same_text(struct ush_slice slice, const char *text)
{
	USH_AUTO_FREE char *copy = ush_slice_copy(slice);
	USH_AUTO_FREE char *decoded = ush_alloc(slice.length + 1);
	size_t length = ush_slice_decode(slice, decoded);

	AGREE((copy == NULL) == (text == NULL));
	if (text == NULL)
		return;
	AGREE(strcmp(copy, text) == 0 && strcmp(decoded, text) == 0 && length == strlen(text));
	AGREE(ush_slice_is(slice, text));
	AGREE(ush_slice_order(slice, (struct ush_slice){text, strlen(text), '"', true}) == 0);
}

static void same_map(struct ush_slice map, const json_t *object)
{
	struct ush_walk walk = ush_walk(map);
	struct ush_slice key, value;
	size_t count = 0;

	for (; ush_walk_member(&walk, &key, &value); count++) {
		USH_AUTO_FREE char *name = ush_slice_copy(key);
		struct ush_slice found = ush_slice_member(map, name);

		same_text(value, ush_json_string(object, name));
		AGREE(found.text == value.text && found.length == value.length);
	}
	AGREE(count == json_object_size(object));
}

static void same_strings(struct ush_slice list, const struct ush_list *strings)
{
	struct ush_walk walk = ush_walk(list);
	struct ush_slice value;
	size_t i = 0;

	for (; ush_walk_element(&walk, &value); i++) {
		AGREE(i < strings->count);
		same_text(value, strings->items[i]);
	}
	AGREE(i == strings->count);
}

static void same_rules(const struct ush_item *item, const struct ush_rbac *object)
{
	struct ush_walk walk = ush_walk(item->rules);
	struct ush_slice rule;
	size_t i = 0;

	for (; ush_walk_element(&walk, &rule); i++) {
		AGREE(i < object->rule_count);
		same_strings(ush_slice_member(rule, "verbs"), &object->rules[i].verbs);
		same_strings(ush_slice_member(rule, "apiGroups"), &object->rules[i].groups);
		same_strings(ush_slice_member(rule, "resources"), &object->rules[i].resources);
		same_strings(ush_slice_member(rule, "resourceNames"), &object->rules[i].names);
		same_strings(ush_slice_member(rule, "nonResourceURLs"), &object->rules[i].urls);
	}
	AGREE(i == object->rule_count);
}

static void same_binding(const struct ush_item *item, const struct ush_rbac *object)
{
	struct ush_walk walk = ush_walk(item->subjects);
	struct ush_item_subject subject;
	size_t i = 0;

	same_text(item->role_kind, object->role_kind);
	same_text(item->role_name, object->role_name);
	for (; ush_walk_subject(&walk, item, &subject); i++) {
		AGREE(i < object->subject_count);
		same_text(subject.kind, object->subjects[i].kind);
		same_text(subject.name, object->subjects[i].name);
		same_text(subject.namespace_name, object->subjects[i].namespace_name);
	}
	AGREE(i == object->subject_count);
}

static void same_object(const struct ush_item *item, const struct ush_rbac *object)
{
	AGREE(item->rbac == object->kind && item->owned == object->owned && item->terminating == object->terminating);
	same_text(item->name, object->name);
	same_text(item->namespace_name, object->namespace_name);
	same_text(item->uid, object->uid);
	same_text(item->resource_version, object->resource_version);
	same_text(ush_item_manager(item), object->manager);
	same_map(item->labels, object->labels);
	same_map(item->annotations, object->annotations);
	if (item->rbac == USH_ROLE || item->rbac == USH_CLUSTER_ROLE)
		same_rules(item, object);
	else
		same_binding(item, object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ush_error one = {0}, two = {0}, err = {0};
	USH_AUTO_SCAN scan = {0};
	struct ush_item item;
	bool is_rbac = false;
	int verdict;
	/* exactly the bytes, so that a sanitizer sees a step beyond them */
	USH_AUTO_FREE char *text = size > 0 ? memcpy(malloc(size), data, size) : NULL;
	USH_AUTO_JSON value = ush_json_parse(text != NULL ? text : "", size, "fuzz", USH_ERR_REJECTED, &one);
	USH_AUTO_RBAC object = value != NULL ? ush_rbac_read(value, USH_ERR_INCOMPLETE, &is_rbac, &two) : NULL;

	verdict = ush_scan_object(&scan, text != NULL ? text : "", size, NULL, "fuzz", USH_ERR_REJECTED, &item, &err);
	if (size > 0 && memchr(text, '\0', size) != NULL) /* no JSON; jansson overlooks one behind a number or a word */
		json_decref(ush_steal(&value));
	AGREE((verdict == 0) == json_is_object(value));
	AGREE((verdict == 0) == (err.code == USH_OK));
	if (verdict != 0)
		return 0;
	verdict = ush_item_rbac(&item, USH_ERR_INCOMPLETE, &err);
	AGREE((verdict == 0) == !is_rbac);
	AGREE((verdict == 1) == (object != NULL));
	AGREE(err.code == two.code && strcmp(err.what, two.what) == 0);
	if (object != NULL)
		same_object(&item, object);
	return 0;
}
